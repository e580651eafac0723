package passkey

import (
	"bytes"
	"crypto/sha256"

	"github.com/intelliauth/intelliauth/internal/factor"
)

// CounterWentBack is the reason recorded when a signature counter did not grow:
// no proof of a cloned key, but worth knowing (6.1.1).
const CounterWentBack = "counter_went_back"

// Begin asks for an assertion: of a person's own credentials where the subject
// holds any, else of whichever the browser finds, so that nothing is told of
// people who have not proved anything yet (W-30, W-31).
func (f *Factor) Begin(s factor.Subject) (factor.Challenge, error) {
	keys, damaged := usable(s)
	if len(keys) == 0 && damaged > 0 {
		return factor.Challenge{}, errRecord // an empty list would ask for any key
	}
	return f.begin(factor.ForSignIn, s, descriptors(keys))
}

// BeginAny asks for an assertion of whoever answers.
func (f *Factor) BeginAny(s factor.Subject) (factor.Challenge, error) {
	s.User = nil
	return f.begin(forAnyone, s, []descriptor{})
}

func (f *Factor) begin(p factor.Purpose, s factor.Subject, allow []descriptor) (factor.Challenge, error) {
	var flags byte
	if s.NeedUV {
		flags = verifying
	}
	st, err := f.newState(flags, allow)
	if err != nil {
		return factor.Challenge{}, err
	}
	options, err := f.request(s, st, allow)
	if err != nil {
		return factor.Challenge{}, err
	}
	return f.set(p, s, st, options), nil
}

// Locate reads whom an assertion claims to be of, without judging it.
func (f *Factor) Locate(r factor.Response) (handle, lookup []byte, err error) {
	a, err := parseAsserted(r.PublicKey)
	if err != nil || len(a.handle) == 0 {
		return nil, nil, factor.ErrWrong
	}
	return a.handle, a.id, nil
}

// Finish judges an assertion (7.2). Until a signature was verified every refusal
// is the same and takes the same work: what an unsigned response claims is
// nothing to talk about.
func (f *Factor) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	st, anyone, err := f.open(factor.ForSignIn, s, c.State)
	if err != nil {
		return factor.Outcome{}, err
	}
	return assert(s, st, anyone, r)
}

func assert(s factor.Subject, st state, anyone bool, r factor.Response) (factor.Outcome, error) {
	a, err := parseAsserted(r.PublicKey)
	if err != nil {
		return factor.Outcome{}, factor.ErrWrong
	}
	keys, damaged := usable(s)
	kept, known := pick(keys, a.id)
	key := kept.Key
	if !known {
		key = nobodysKey()
	}
	signed := signs(key, a.signed, a.signature)
	if !known && damaged > 0 {
		return factor.Outcome{}, errRecord
	}
	asked := known && st.allows(a.id) && owns(s, a.handle, anyone || len(st.allowed) == 0)
	if !signed || !asked || a.client.kind != "webauthn.get" || !answers(a.client, st) || !ofRP(a.data.RPIDHash, s) || kept.answered(st) {
		return factor.Outcome{}, factor.ErrWrong
	}
	return accept(s, st, kept, a)
}

// accept checks what a signed response shows. What a level is computed from is
// read from the response, not from what was asked for.
func accept(s factor.Subject, st state, kept held, a asserted) (factor.Outcome, error) {
	flags := a.data.Flags
	switch {
	case !here(a.client, s):
		return factor.Outcome{}, refuse("passkey_origin")
	case !flags.HasUserPresent():
		return factor.Outcome{}, refuse(failed)
	case contradicts(flags), flags.HasBackupEligible() != kept.BackupEligible:
		return factor.Outcome{}, refuse("passkey_backup_changed")
	case !flags.HasUserVerified() && needsUV(s, st):
		return factor.Outcome{}, refuse("passkey_no_uv")
	}
	// A key that was bound without verifying anybody may have been given a PIN by
	// whoever stole it. Beside another proof it may count from the next time on,
	// never in the ceremony that changes it (section 4, "uvInitialized").
	out := factor.Outcome{Enrolment: kept.enrolment.ID, Proof: kept.proof(flags.HasUserVerified() && kept.CanVerify)}
	next := kept.record
	if (a.data.Counter != 0 || kept.Counter != 0) && a.data.Counter <= kept.Counter {
		out.Reasons = []string{CounterWentBack}
	}
	next.Counter = max(a.data.Counter, kept.Counter) // a copy is noticed each time, until it overtakes
	next.BackedUp, next.Verified = flags.HasBackupState(), flags.HasUserVerified()
	next.CanVerify = kept.CanVerify || flags.HasUserVerified() && s.Beside
	next.Last = mark(st)
	var err error
	out.Data, err = next.write()
	return out, err
}

// mark is how a record remembers a challenge.
func mark(st state) []byte {
	sum := sha256.Sum256(st.challenge)
	return sum[:]
}

// answered reports whether this credential has answered this challenge before.
func (r record) answered(st state) bool { return bytes.Equal(r.Last, mark(st)) }

// owns compares the user handle. A credential that was not asked for by its id
// was found by the handle, so that has to be there (7.2, step 6).
func owns(s factor.Subject, handle []byte, wanted bool) bool {
	if len(handle) == 0 {
		return !wanted
	}
	return named(s) && bytes.Equal(handle, s.User.Handle)
}

func pick(keys []held, id []byte) (held, bool) {
	for _, k := range keys {
		if bytes.Equal(k.ID, id) {
			return k, true
		}
	}
	return held{}, false
}
