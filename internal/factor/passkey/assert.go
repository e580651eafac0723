package passkey

import (
	"bytes"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// CounterWentBack is the reason recorded when a signature counter did not grow:
// no proof of a cloned key, but worth knowing (6.1.1).
const CounterWentBack = "counter_went_back"

// assert judges an assertion (7.2). What the level is computed from is read
// from what this response shows, not from what was asked.
func (f *Factor) assert(s factor.Subject, challenge string, anybody bool, raw []byte) (factor.Outcome, error) {
	p, err := parseAssertion(raw)
	if err != nil {
		return factor.Outcome{}, err
	}
	en, kept, ok := find(s.Enrolments, p.RawID)
	if !ok {
		return factor.Outcome{}, factor.ErrWrong
	}
	handle := p.Response.UserHandle
	if (anybody && len(handle) == 0) || (len(handle) > 0 && !bytes.Equal(handle, s.User.Handle)) {
		return factor.Outcome{}, factor.ErrWrong
	}
	if err := fits(s, p.Response.CollectedClientData, protocol.AssertCeremony); err != nil {
		return factor.Outcome{}, err
	}
	flags := p.Response.AuthenticatorData.Flags
	// The signature comes first: what an unsigned response claims is nothing to
	// talk about.
	err = p.Verify(challenge, rpID(s.Tenant), "", s.Origins, nil, nil, protocol.TopOriginExplicitVerificationMode, false,
		false, true, kept.Key, protocol.SignaturePolicy{})
	if err != nil {
		return factor.Outcome{}, factor.ErrWrong
	}
	if err := flagged(flags, s.NeedUV); err != nil {
		return factor.Outcome{}, err
	}
	if flags.HasBackupEligible() != kept.BackupEligible {
		return factor.Outcome{}, refuse("passkey_backup_changed")
	}
	// A key that was bound without verifying anybody may have been given a PIN by
	// whoever stole it: it becomes more only beside another proof (W-20).
	verified := flags.UserVerified() && (kept.CanVerify || s.Beside)
	out := factor.Outcome{Enrolment: en.ID, Proof: strength(verified, kept.BackupEligible, kept.Hardware, kept.AAGUID)}
	counter := p.Response.AuthenticatorData.Counter
	if (counter != 0 || kept.Counter != 0) && counter <= kept.Counter {
		out.Reasons = []string{CounterWentBack}
	}
	kept.Counter, kept.BackedUp = max(counter, kept.Counter), flags.HasBackupState()
	kept.CanVerify = kept.CanVerify || verified
	kept.Uses++
	out.Data, err = kept.write()
	return out, err
}

// Locate reads whom an assertion claims to be of, without judging it.
func (f *Factor) Locate(r factor.Response) (handle, lookup []byte, err error) {
	p, err := parseAssertion(r.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	if len(p.RawID) == 0 || len(p.RawID) > maxCredentialID || len(p.Response.UserHandle) == 0 {
		return nil, nil, factor.ErrWrong
	}
	return p.Response.UserHandle, p.RawID, nil
}

func parseAssertion(raw []byte) (*protocol.ParsedCredentialAssertionData, error) {
	plain, err := withoutExtensions(raw)
	if err != nil {
		return nil, err
	}
	p, err := protocol.ParseCredentialRequestResponseBytes(plain)
	if err != nil {
		return nil, factor.ErrWrong
	}
	return p, nil
}

// find picks the credential that answered: one of the person's own (W-18).
func find(held []identity.Enrolment, id []byte) (identity.Enrolment, record, bool) {
	for _, en := range held {
		if r, err := readRecord(en.Data); err == nil && bytes.Equal(r.ID, id) {
			return en, r, true
		}
	}
	return identity.Enrolment{}, record{}, false
}
