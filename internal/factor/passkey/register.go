package passkey

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"slices"

	"github.com/intelliauth/intelliauth/internal/factor"
)

// BeginEnrolment asks the browser for a new credential.
func (f *Factor) BeginEnrolment(s factor.Subject, asked factor.Asked) (factor.Challenge, error) {
	if !named(s) {
		return factor.Challenge{}, factor.ErrWrong
	}
	var flags byte
	switch {
	case asked.Conditional: // the browser asks nobody: it could not verify
		flags = silent
	case s.NeedUV:
		flags = verifying
	}
	st, err := f.newState(flags, nil)
	if err != nil {
		return factor.Challenge{}, err
	}
	options, err := f.creation(s, st, descriptors(present(s)))
	if err != nil {
		return factor.Challenge{}, err
	}
	return f.set(factor.ForEnrolment, s, st, options), nil
}

// FinishEnrolment judges a new credential (7.1). Making one proves nothing: it
// is asked to sign before it counts.
func (f *Factor) FinishEnrolment(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	st, _, err := f.open(factor.ForEnrolment, s, c.State)
	if err != nil {
		return factor.Enrolled{}, err
	}
	if !named(s) || len(st.allowed) != 0 {
		return factor.Enrolled{}, factor.ErrForeign
	}
	return f.register(s, st, r)
}

func (f *Factor) register(s factor.Subject, st state, r factor.Response) (factor.Enrolled, error) {
	made, err := parseCreated(r.PublicKey)
	if err != nil {
		return factor.Enrolled{}, refuse(failed)
	}
	if err := f.ceremony(s, st, made); err != nil {
		return factor.Enrolled{}, err
	}
	if slices.ContainsFunc(present(s), func(k held) bool { return bytes.Equal(k.ID, made.id) }) {
		return factor.Enrolled{}, refuse("passkey_known")
	}
	if !acceptable(made.object.AuthData.AttData.CredentialPublicKey) {
		return factor.Enrolled{}, refuse(failed)
	}
	v, err := f.attest(s.Tenant, &made)
	if err != nil {
		return factor.Enrolled{}, err
	}
	flags := made.object.AuthData.Flags
	kept := record{
		ID: made.id, Key: made.object.AuthData.AttData.CredentialPublicKey, Counter: made.object.AuthData.Counter, Transports: made.transports,
		AAGUID: v.model, Format: made.object.Format, Kind: v.kind, Hardware: v.hardware,
		BackupEligible: flags.HasBackupEligible(), BackedUp: flags.HasBackupState(), CanVerify: flags.HasUserVerified(), Verified: flags.HasUserVerified(),
	}
	data, err := kept.write()
	if err != nil {
		return factor.Enrolled{}, err
	}
	return factor.Enrolled{Data: data, Lookup: made.id, Name: v.name}, nil
}

// ceremony checks all of 7.1 but key and attestation.
func (f *Factor) ceremony(s factor.Subject, st state, made created) error {
	flags := made.object.AuthData.Flags
	switch {
	case made.client.kind != "webauthn.create", !answers(made.client, st), !ofRP(made.object.AuthData.RPIDHash, s):
		return refuse(failed)
	case !here(made.client, s):
		return refuse("passkey_origin")
	case !flags.HasUserPresent() && st.flags&silent == 0:
		return refuse(failed)
	case contradicts(flags):
		return refuse("passkey_backup_changed")
	case !flags.HasUserVerified() && needsUV(s, st):
		return refuse("passkey_no_uv")
	}
	return nil
}

// needsUV holds a response to what was asked of it and to what is asked today.
// Conditional create is asked for no verification: it was nobody's wish.
func needsUV(s factor.Subject, st state) bool {
	return st.flags&silent == 0 && (s.NeedUV || st.flags&verifying != 0)
}

// answers compares the challenge.
func answers(c clientData, st state) bool {
	return subtle.ConstantTimeCompare([]byte(c.challenge), []byte(encode(st.challenge))) == 1
}

// here reports whether the browser showed one of our own pages, byte for byte,
// and no frame of another site was on the way (13.5.9).
func here(c clientData, s factor.Subject) bool {
	return slices.Contains(s.Origins, c.origin) && !c.framed
}

func ofRP(hash []byte, s factor.Subject) bool {
	id := rpID(s.Tenant)
	want := sha256.Sum256([]byte(id))
	return id != "" && bytes.Equal(hash, want[:])
}

// named reports whether there is somebody to bind a credential to.
func named(s factor.Subject) bool {
	return s.User != nil && s.User.ID != "" && len(s.User.Handle) > 0 && len(s.User.Handle) <= maxHandle
}

// present are the credentials that a person has: one that was removed may be
// made again.
func present(s factor.Subject) []held {
	keys, _ := own(s)
	return slices.DeleteFunc(keys, func(k held) bool { return k.enrolment.RemovedAt != nil })
}
