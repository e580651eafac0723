package passkey

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/metadata/providers/memory"
	"github.com/google/uuid"
)

// Metadata is what the FIDO Metadata Service says of authenticator models. Its
// zero value knows nothing. It may be loaded anew at any time.
type Metadata struct {
	known atomic.Pointer[models]
}

type models struct {
	entries  map[uuid.UUID]*metadata.Entry
	provider metadata.Provider
	next     time.Time
}

// Load reads a signed BLOB (FIDO Metadata Service 3.0, section 3.1.7) and checks
// it against the root certificate, in PEM. On an error what was known stays. It
// returns when the next one is due.
func (m *Metadata) Load(blob, root []byte) (next time.Time, err error) {
	block, _ := pem.Decode(root)
	if block == nil || block.Type != "CERTIFICATE" {
		return time.Time{}, errors.New("passkey: the root of the metadata is no PEM certificate")
	}
	decoder, err := metadata.NewDecoder(
		metadata.WithRootCertificate(base64.StdEncoding.EncodeToString(block.Bytes)), metadata.WithIgnoreEntryParsingErrors())
	if err != nil {
		return time.Time{}, err
	}
	payload, err := decoder.DecodeBytes([]byte(strings.TrimSpace(string(blob))))
	if err != nil {
		return time.Time{}, fmt.Errorf("passkey: the metadata is not signed by its root, or damaged: %w", err)
	}
	parsed, err := decoder.Parse(payload)
	if err != nil {
		return time.Time{}, fmt.Errorf("passkey: metadata: %w", err)
	}
	known := &models{entries: parsed.ToMap(), next: parsed.Parsed.NextUpdate}
	if known.provider, err = memory.New(memory.WithMetadata(known.entries), memory.WithValidateBackupEligibility(true)); err != nil {
		return time.Time{}, err
	}
	m.known.Store(known)
	return known.next, nil
}

func (m *Metadata) loaded() bool { return m.known.Load() != nil }

func (m *Metadata) provider() metadata.Provider {
	if k := m.known.Load(); k != nil {
		return k.provider
	}
	return nil
}

// entry is what is known of a model; nil if nothing is.
func (m *Metadata) entry(aaguid string) *metadata.Entry {
	id, err := uuid.Parse(aaguid)
	k := m.known.Load()
	if err != nil || k == nil || id == uuid.Nil {
		return nil
	}
	return k.entries[id]
}

// Trusts reports whether a model is known to keep its keys in hardware and is in
// no bad standing today (an [assurance.Trust]): it is asked whenever a level is
// computed, so that metadata which revokes a model lowers live sessions.
func (m *Metadata) Trusts(model string) bool {
	e := m.entry(model)
	if e == nil || metadata.ValidateStatusReports(e.StatusReports, nil, metadata.DefaultUndesiredAuthenticatorStatuses()) != nil {
		return false
	}
	protected := e.MetadataStatement.KeyProtection
	return slices.Contains(protected, "hardware") || slices.Contains(protected, "secure_element") || slices.Contains(protected, "tee")
}

// anyModel is a model that is trusted; "" if none is.
func (m *Metadata) anyModel() string {
	k := m.known.Load()
	if k == nil {
		return ""
	}
	for id := range k.entries {
		if m.Trusts(id.String()) {
			return id.String()
		}
	}
	return ""
}

// describe is the name of an attested credential's model; "" if it is not known.
func (m *Metadata) describe(r record) string {
	if e := m.entry(r.AAGUID); e != nil && r.Hardware {
		return e.MetadataStatement.Description
	}
	return ""
}
