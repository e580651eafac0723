package passkey

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/google/uuid"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// verdict is what an attestation showed.
type verdict struct {
	model    string // AAGUID as a UUID; "" if none
	kind     string // attestation type, once it was verified
	hardware bool
	name     string // what to call the credential; "" leaves it to the wording
}

// attest holds a statement to the tenant's policy (7.1, steps 21 to 24). Where
// it was not asked for it must not be false, and is worth nothing: no root
// stands behind it. Where it was, a failed check never becomes "none".
func (f *Factor) attest(t identity.Tenant, made *created) (verdict, error) {
	v := verdict{model: model(made.object.AuthData.AttData.AAGUID)}
	if made.object.Format == string(protocol.AttestationFormatFIDOUniversalSecondFactor) {
		v.model = "" // its statement signs neither AAGUID nor flags (8.6): anybody could have put them there
	}
	valid := supported(made.object.Format) && verifies(made)
	if !attested(t) {
		if t.Attestation.Mode != "" && t.Attestation.Mode != "none" || !valid {
			return verdict{}, refuse(failed)
		}
		v.kind = made.object.Type
		return v, nil
	}
	if !valid {
		return verdict{}, refuse(notAttested)
	}
	v.kind = made.object.Type
	m, ok := f.metadata.find(v.model, made)
	if !ok || !m.vouches(made, f.now()) {
		return verdict{}, refuse(notAttested)
	}
	if m.bad || t.Attestation.Mode == modeList && !listed(t.Attestation.Models, v.model) {
		return verdict{}, refuse("passkey_model")
	}
	v.name = m.name
	v.hardware = m.hardware && v.model != "" && !made.object.AuthData.Flags.HasBackupEligible()
	return v, nil
}

const notAttested = "passkey_not_attested"

// supported leaves out android-safetynet, which is deprecated and trusts the
// roots of the web, and compound, whose parts may be such.
func supported(format string) bool {
	switch protocol.AttestationFormat(format) {
	case protocol.AttestationFormatNone, protocol.AttestationFormatPacked, protocol.AttestationFormatTPM, protocol.AttestationFormatAndroidKey,
		protocol.AttestationFormatApple, protocol.AttestationFormatFIDOUniversalSecondFactor:
		return true
	}
	return false
}

// verifies runs the format's procedure (section 8). The chain is another
// matter; see [known.vouches].
func verifies(made *created) bool {
	return made.object.VerifyAttestation(made.hash[:], nil, protocol.AttestationPolicy{}, protocol.SignaturePolicy{}) == nil
}

func listed(models []string, model string) bool {
	return model != "" && slices.ContainsFunc(models, func(m string) bool { return strings.EqualFold(m, model) })
}

// chain returns the certificates of a statement, leaf first; nil if it has none.
func chain(o *protocol.AttestationObject) []*x509.Certificate {
	raw, _ := o.AttStatement["x5c"].([]any)
	var out []*x509.Certificate
	for _, r := range raw {
		der, _ := r.([]byte)
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil
		}
		out = append(out, c)
	}
	if len(out) > 0 && o.Format == string(protocol.AttestationFormatTPM) {
		// Its names are of a kind that crypto/x509 leaves to us; the format's
		// procedure has read them (8.3.1).
		alternative := asn1.ObjectIdentifier{2, 5, 29, 17}
		out[0].UnhandledCriticalExtensions = slices.DeleteFunc(out[0].UnhandledCriticalExtensions, alternative.Equal)
	}
	return out
}

// certified are the attestation types that end in a certificate.
func certified(kind string) bool {
	switch metadata.AuthenticatorAttestationType(kind) {
	case metadata.BasicFull, metadata.AttCA, metadata.AnonCA:
		return true
	}
	return false
}

// model is an AAGUID as a UUID; "" if it is all zero.
func model(aaguid []byte) string {
	id, err := uuid.FromBytes(aaguid)
	if err != nil || id == uuid.Nil {
		return ""
	}
	return id.String()
}

func refuse(code string) error { return &factor.Refusal{Code: code} }
