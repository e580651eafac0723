package passkey

import (
	"crypto/sha1" //nolint:gosec // RFC 5280, 4.2.1.2: an identifier, not a seal
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-webauthn/webauthn/metadata"
	"github.com/google/uuid"
)

// Metadata is what the FIDO Metadata Service says of authenticator models. Its
// zero value, and nil, know nothing. It may be loaded anew at any time, by one
// goroutine at a time.
//
// The library's own decoder is not used: it fetches revocation lists over the
// network and reads the machine's clock.
type Metadata struct {
	loaded atomic.Pointer[blob]
}

// blob is one edition.
type blob struct {
	number int
	models map[string]known // by AAGUID as a UUID, or by key identifier in hexadecimal
	strong []string         // models that keep keys in hardware and are in good standing, in order
}

// known is what is said of one model.
type known struct {
	name     string
	roots    []*x509.Certificate
	kinds    []metadata.AuthenticatorAttestationType
	hardware bool // keys are made, kept and used in isolated hardware
	bad      bool // revoked, compromised or retired
}

// Load reads a signed BLOB (FIDO Metadata Service 3.0, section 3.1.7) whose
// certificates chain to one of the roots, in PEM, at a moment. On an error, and
// for an older edition, what was known stays. It returns when the next edition
// is due.
func (m *Metadata) Load(signed, roots []byte, now time.Time) (next time.Time, err error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		return time.Time{}, errors.New("passkey: the root of the metadata is no certificate in PEM")
	}
	payload, err := open(signed, pool, now)
	if err != nil {
		return time.Time{}, err
	}
	var edition struct {
		Number     int               `json:"no"`
		NextUpdate string            `json:"nextUpdate"`
		Entries    []json.RawMessage `json:"entries"`
	}
	if err := json.Unmarshal(payload, &edition); err != nil {
		return time.Time{}, fmt.Errorf("passkey: the metadata cannot be read: %w", err)
	}
	if next, err = time.Parse(time.DateOnly, edition.NextUpdate); err != nil {
		return time.Time{}, errors.New("passkey: the metadata does not say when the next edition is due")
	}
	if old := m.loaded.Load(); old != nil && edition.Number < old.number {
		return time.Time{}, fmt.Errorf("passkey: edition %d of the metadata is older than the one in use, %d", edition.Number, old.number)
	}
	b := &blob{number: edition.Number, models: map[string]known{}}
	for _, raw := range edition.Entries {
		b.add(raw)
	}
	if len(b.models) == 0 {
		return time.Time{}, errors.New("passkey: the metadata knows no model")
	}
	for id, k := range b.models {
		if k.trusted() && len(id) == len(uuid.Nil.String()) {
			b.strong = append(b.strong, id)
		}
	}
	slices.Sort(b.strong)
	m.loaded.Store(b)
	return next, nil
}

// open verifies a signed payload.
func open(signed []byte, roots *x509.CertPool, now time.Time) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(strings.TrimSpace(string(signed)), []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA})
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.New("passkey: the metadata is no signed JWT")
	}
	chains, err := jws.Signatures[0].Protected.Certificates(x509.VerifyOptions{
		Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: the metadata is not signed under its root: %w", err)
	}
	payload, err := jws.Verify(chains[0][0].PublicKey)
	if err != nil {
		return nil, errors.New("passkey: the metadata is damaged: its signature does not fit")
	}
	return payload, nil
}

// add reads an entry. One that cannot be read leaves its model unknown, and so
// untrusted. Of two entries for one model the worse counts.
func (b *blob) add(raw json.RawMessage) {
	var j metadata.EntryJSON
	if json.Unmarshal(raw, &j) != nil {
		return
	}
	e, err := j.Parse()
	if err != nil {
		return
	}
	s := e.MetadataStatement
	k := known{name: s.Description, roots: s.AttestationRootCertificates, kinds: s.AttestationTypes, hardware: isolated(s)}
	for _, r := range e.StatusReports {
		k.bad = k.bad || metadata.IsUndesiredAuthenticatorStatus(r.Status)
	}
	ids := slices.Clone(e.AttestationCertificateKeyIdentifiers)
	if e.AaGUID != uuid.Nil {
		ids = append(ids, e.AaGUID.String())
	}
	for _, id := range ids {
		id = strings.ToLower(id)
		if other, ok := b.models[id]; ok {
			k.bad, k.hardware = k.bad || other.bad, k.hardware && other.hardware
		}
		b.models[id] = k
	}
}

// isolated reports whether a statement says that keys are made, kept and used
// in separate or isolated hardware and never leave it (SP 800-63B-4, 3.2.13).
func isolated(s metadata.Statement) bool {
	hard := false
	for _, p := range s.KeyProtection {
		switch p {
		case "hardware", "tee", "secure_element":
			hard = true
		case "software":
			return false
		}
	}
	// "implicit": every key may be copied, whatever its flag says.
	return hard && s.MultiDeviceCredentialSupport != metadata.MultiDeviceCredentialImplicit
}

func (k known) trusted() bool { return k.hardware && !k.bad }

// Trusts reports whether a model is known to keep its keys in hardware and is in
// no bad standing today (an [assurance.Trust]): it is asked whenever a level is
// computed, so that metadata which revokes a model lowers live sessions.
func (m *Metadata) Trusts(model string) bool {
	b := m.edition()
	return b != nil && model != "" && b.models[model].trusted()
}

// Number is the edition in use; 0 if none.
func (m *Metadata) Number() int {
	if b := m.edition(); b != nil {
		return b.number
	}
	return 0
}

func (m *Metadata) edition() *blob {
	if m == nil {
		return nil
	}
	return m.loaded.Load()
}

// strongest is a model that is trusted and, where there is a list, on it; "" if
// there is none.
func (m *Metadata) strongest(mode string, models []string) string {
	b := m.edition()
	if b == nil {
		return ""
	}
	for _, id := range b.strong {
		if mode == modeAny || listed(models, id) {
			return id
		}
	}
	return ""
}

// find returns what is known of a model: by its AAGUID, or for a U2F key, which
// has none, by the key of its certificate (section 3.1.1).
func (m *Metadata) find(model string, made *created) (known, bool) {
	b := m.edition()
	if b == nil {
		return known{}, false
	}
	if model != "" {
		k, ok := b.models[model]
		return k, ok
	}
	if certs := chain(&made.object); len(certs) > 0 {
		for _, id := range keyIdentifiers(certs[0]) {
			if k, ok := b.models[id]; ok {
				return k, true
			}
		}
	}
	return known{}, false
}

// vouches reports whether a root of the model stands behind a statement.
func (k known) vouches(made *created, now time.Time) bool {
	kind := made.object.Type
	if !certified(kind) || !slices.Contains(k.kinds, metadata.AuthenticatorAttestationType(kind)) {
		return false
	}
	certs := chain(&made.object)
	if len(certs) == 0 || len(k.roots) == 0 {
		return false
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range k.roots {
		roots.AddCert(c)
	}
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	_, err := certs[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err == nil
}

// keyIdentifiers are the names that a certificate's key goes by: its extension,
// and the hash that stands in for it.
func keyIdentifiers(c *x509.Certificate) []string {
	var out []string
	if len(c.SubjectKeyId) > 0 {
		out = append(out, hex.EncodeToString(c.SubjectKeyId))
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err == nil {
		sum := sha1.Sum(info.Key.Bytes) //nolint:gosec // as above
		out = append(out, hex.EncodeToString(sum[:]))
	}
	return out
}
