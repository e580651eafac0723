package passkey

import (
	"encoding/json"
	"slices"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/google/uuid"

	"github.com/intelliauth/intelliauth/internal/factor"
)

// registration is what a ceremony was begun with.
type registration struct {
	challenge   string // base64url
	conditional bool
}

// register judges a new credential (7.1).
func (f *Factor) register(s factor.Subject, reg registration, raw []byte) (record, error) {
	plain, err := withoutExtensions(raw)
	if err != nil {
		return record{}, err
	}
	p, err := protocol.ParseCredentialCreationResponseBytes(plain)
	if err != nil {
		return record{}, factor.ErrWrong
	}
	if err := fits(s, p.Response.CollectedClientData, protocol.CreateCeremony); err != nil {
		return record{}, err
	}
	object := &p.Response.AttestationObject
	flags := object.AuthData.Flags
	if err := flagged(flags, s.NeedUV && !reg.conditional); err != nil {
		return record{}, err
	}
	id := object.AuthData.AttData.CredentialID
	if len(id) == 0 || len(id) > maxCredentialID || !acceptable(object.AuthData.AttData.CredentialPublicKey) {
		return record{}, refuse("passkey_failed")
	}
	if slices.ContainsFunc(descriptors(s), func(d descriptor) bool { return d.ID == encode(id) }) {
		return record{}, refuse("passkey_known")
	}
	mode := s.Tenant.Attestation.Mode
	attested := mode == modeAny || mode == modeList
	if attested && !f.metadata.loaded() {
		return record{}, refuse("passkey_not_attested")
	}
	if object.Format == string(protocol.AttestationFormatAndroidSafetyNet) {
		return record{}, refuse("passkey_not_attested")
	}
	var roots metadata.Provider
	if attested {
		roots = f.metadata.provider()
	}
	_, err = p.Verify(reg.challenge, rpID(s.Tenant), s.Origins, nil, nil, protocol.TopOriginExplicitVerificationMode, false,
		s.NeedUV && !reg.conditional, !reg.conditional, roots, algorithms(), protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	if err != nil {
		return record{}, whyNot(attested, object)
	}
	made := record{
		ID: id, Key: object.AuthData.AttData.CredentialPublicKey, AAGUID: model(object.AuthData.AttData.AAGUID), Counter: object.AuthData.Counter,
		CanVerify: flags.UserVerified(), BackupEligible: flags.HasBackupEligible(), BackedUp: flags.HasBackupState(), Format: object.Format,
	}
	for _, t := range p.Response.Transports {
		if len(made.Transports) < maxTransports && len(t) <= maxTransport {
			made.Transports = append(made.Transports, string(t))
		}
	}
	if !attested {
		return made, nil // whatever a statement says: it was not asked, and no root stands behind it
	}
	return f.vouched(s, made, object)
}

const (
	maxTransports = 8
	maxTransport  = 32
)

// vouched demands that a root of the metadata stands behind a credential, and
// notes whether its model keeps keys in hardware.
func (f *Factor) vouched(s factor.Subject, made record, object *protocol.AttestationObject) (record, error) {
	kind := metadata.AuthenticatorAttestationType(object.Type)
	if kind == metadata.None || kind == metadata.BasicSurrogate || kind == "" || object.Format == string(protocol.AttestationFormatNone) {
		return record{}, refuse("passkey_not_attested")
	}
	entry := f.metadata.entry(made.AAGUID)
	if entry == nil {
		return record{}, refuse("passkey_not_attested")
	}
	if s.Tenant.Attestation.Mode == modeList && !slices.Contains(s.Tenant.Attestation.Models, made.AAGUID) {
		return record{}, refuse("passkey_model")
	}
	made.Hardware = !made.BackupEligible && f.metadata.Trusts(made.AAGUID)
	return made, nil
}

// whyNot says whether it was the attestation that failed.
func whyNot(attested bool, object *protocol.AttestationObject) error {
	if attested && object.Format != string(protocol.AttestationFormatNone) {
		return refuse("passkey_not_attested")
	}
	return refuse("passkey_failed")
}

// fits checks what the browser says of where and what for the key signed, more
// strictly than the library: an origin is equal byte for byte or foreign, and no
// frame of another site is on the way (13.5.9).
func fits(s factor.Subject, c protocol.CollectedClientData, want protocol.CeremonyType) error {
	switch {
	case c.Type != want:
		return factor.ErrWrong
	case !slices.Contains(s.Origins, c.Origin), c.CrossOrigin, c.TopOrigin != "":
		return refuse("passkey_origin")
	}
	return nil
}

// flagged checks the flags of both ceremonies: a key that is backed up without
// being eligible contradicts itself (6.1.3).
func flagged(flags protocol.AuthenticatorFlags, needUV bool) error {
	switch {
	case flags.HasBackupState() && !flags.HasBackupEligible():
		return refuse("passkey_backup_changed")
	case needUV && !flags.UserVerified():
		return refuse("passkey_no_uv")
	}
	return nil
}

// acceptable holds a key to 5.8.5: ES256 on P-256, EdDSA on Ed25519.
func acceptable(cose []byte) bool {
	var common webauthncose.PublicKeyData
	if webauthncbor.Unmarshal(cose, &common) != nil {
		return false
	}
	switch webauthncose.COSEAlgorithmIdentifier(common.Algorithm) {
	case webauthncose.AlgES256:
		var k webauthncose.EC2PublicKeyData
		return webauthncbor.Unmarshal(cose, &k) == nil && k.Curve == int64(webauthncose.P256) && len(k.XCoord) == 32 && len(k.YCoord) == 32
	case webauthncose.AlgEdDSA:
		var k webauthncose.OKPPublicKeyData
		return webauthncbor.Unmarshal(cose, &k) == nil && k.Curve == int64(webauthncose.Ed25519) && len(k.XCoord) == 32
	case webauthncose.AlgRS256:
		var k webauthncose.RSAPublicKeyData
		return webauthncbor.Unmarshal(cose, &k) == nil && len(k.Modulus) >= 256
	}
	return false
}

// withoutExtensions drops what extensions reported: none of them is needed, and
// a strange one must not break a ceremony (W-21).
func withoutExtensions(raw []byte) ([]byte, error) {
	if len(raw) == 0 || len(raw) > maxResponse {
		return nil, factor.ErrWrong
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil, factor.ErrWrong
	}
	delete(fields, "clientExtensionResults")
	plain, err := json.Marshal(fields)
	if err != nil {
		return nil, factor.ErrWrong
	}
	return plain, nil
}

// model is an AAGUID as a UUID; "" if it is none or all zero.
func model(aaguid []byte) string {
	id, err := uuid.FromBytes(aaguid)
	if err != nil || id == uuid.Nil {
		return ""
	}
	return id.String()
}
