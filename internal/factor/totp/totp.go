// Package totp answers "does this person hold the authenticator app that was
// set up?": time-based one-time passwords (RFC 6238), SHA-1, 6 digits, 30 s.
//
// Data holds the secret and the last time step that was accepted; no code of
// that step or an earlier one is accepted again, wherever the clock goes. An
// unconfirmed secret lives in the challenge alone, for ten minutes.
//
//	totp.go   the factor: enrolment, sign-in, what is kept
//	otp.go    codes from secrets and time steps (RFC 4226, RFC 6238)
//	uri.go    otpauth: URIs, written and read
//	qr.go     the URI as a drawing
package totp

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	name          = "totp"
	secretBytes   = 20 // RFC 4226, section 4, R6: 160 bits recommended
	space         = 1_000_000
	enrolmentLife = 10 * time.Minute
	signInLife    = 15 * time.Minute
	dataVersion   = 1
	dataBytes     = 1 + 8 + secretBytes
	maxEnrolments = 5
	maxTyped      = 32 // bytes of a typed code with its separators
	maxShown      = 16 // the same in the page's field
	issuerRunes   = 48
	accountRunes  = 254
)

// Options say how the factor is made. Now and Random are required.
type Options struct {
	Now    func() time.Time
	Random io.Reader
	// Steps are how many time steps are accepted: 2 (the default) takes the
	// current and the one before it, 1 the current alone. RFC 6238, section 5.2,
	// allows no more than one step of delay.
	Steps int
}

// Factor is the TOTP factor. It is safe for concurrent use.
type Factor struct {
	now    func() time.Time
	random io.Reader
	steps  int
}

// New refuses more steps than RFC 6238 allows.
func New(o Options) (*Factor, error) {
	if o.Steps == 0 {
		o.Steps = 2
	}
	if o.Steps < 1 || o.Steps > 2 {
		return nil, fmt.Errorf("totp: %d steps accepted; want 1 or 2", o.Steps)
	}
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("totp: needs a clock and randomness")
	}
	return &Factor{now: o.Now, random: o.Random, steps: o.Steps}, nil
}

// Facts gives a guess as many chances as there are steps accepted: only one
// enrolment is tried per response.
func (f *Factor) Facts() factor.Facts {
	return factor.Facts{
		Name: name, Class: assurance.OneTime, Kinds: []factor.Kind{factor.Possession}, AMR: "otp",
		Max: maxEnrolments, Accepted: int64(f.steps), Space: space, Best: proof(),
	}
}

func proof() assurance.Proof {
	return assurance.Proof{Factor: name, Class: assurance.OneTime, AMR: "otp"}
}

func bound(p factor.Purpose) factor.Bound {
	life := signInLife
	if p == factor.ForEnrolment {
		life = enrolmentLife
	}
	return factor.Bound{Factor: name, Purpose: p, Life: life}
}

// BeginEnrolment makes a secret. It is in the prompt to be shown once, and in
// the state until a code confirms that it arrived.
func (f *Factor) BeginEnrolment(s factor.Subject, _ factor.Asked) (factor.Challenge, error) {
	if s.User == nil {
		return factor.Challenge{}, factor.ErrWrong
	}
	secret := make([]byte, secretBytes)
	if _, err := io.ReadFull(f.random, secret); err != nil {
		return factor.Challenge{}, fmt.Errorf("totp: no randomness: %w", err)
	}
	uri, err := URI{Issuer: issuer(s.Tenant), Account: account(*s.User), Secret: secret}.Format()
	if err != nil {
		return factor.Challenge{}, err
	}
	drawing, err := svg(uri)
	if err != nil {
		return factor.Challenge{}, err
	}
	p := prompt()
	p.Secret, p.URI, p.QR = grouped(secret), uri, drawing
	return factor.Challenge{State: bound(factor.ForEnrolment).State(s, f.now(), secret), Prompt: p}, nil
}

// FinishEnrolment consumes the confirming code: its step is the last accepted.
func (f *Factor) FinishEnrolment(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	now := f.now()
	secret, err := bound(factor.ForEnrolment).Open(s, now, c.State)
	if err != nil {
		return factor.Enrolled{}, err
	}
	if s.User == nil || len(secret) != secretBytes {
		return factor.Enrolled{}, factor.ErrForeign
	}
	kept := record{}
	copy(kept.secret[:], secret)
	if kept, err = f.verify(kept, r.Value, now); err != nil {
		return factor.Enrolled{}, err
	}
	return factor.Enrolled{Data: kept.bytes(), Proof: proof()}, nil
}

// Begin shows a field for the code and nothing else.
func (f *Factor) Begin(s factor.Subject) (factor.Challenge, error) {
	return factor.Challenge{State: bound(factor.ForSignIn).State(s, f.now(), nil), Prompt: prompt()}, nil
}

// Finish verifies a code against the chosen enrolment, or else the first: one
// response is one guess at one secret. Outcome.Data remembers the step.
func (f *Factor) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	now := f.now()
	body, err := bound(factor.ForSignIn).Open(s, now, c.State)
	if err != nil {
		return factor.Outcome{}, err
	}
	if len(body) != 0 {
		return factor.Outcome{}, factor.ErrForeign
	}
	e, known := pick(s)
	var kept record // of nobody: any secret, whose codes are refused below
	if known {
		if kept, err = parseRecord(e.Data); err != nil {
			return factor.Outcome{}, err
		}
	}
	kept, err = f.verify(kept, r.Value, now)
	if err != nil {
		return factor.Outcome{}, err
	}
	if !known {
		return factor.Outcome{}, invalid()
	}
	return factor.Outcome{Proof: proof(), Enrolment: e.ID, Data: kept.bytes()}, nil
}

// pick returns the enrolment that a response is held against.
func pick(s factor.Subject) (identity.Enrolment, bool) {
	if s.User == nil || s.User.ID == "" {
		return identity.Enrolment{}, false
	}
	for _, e := range s.Enrolments {
		if e.Factor == name && e.User == s.User.ID && !e.Suspended && (s.Chosen == "" || s.Chosen == e.ID) {
			return e, true
		}
	}
	return identity.Enrolment{}, false
}

// verify returns the record with the step that typed is the code of. Every
// accepted step is compared, in constant time, whether or not it was used; a
// right code of a used step is refused by a code of its own, since only the
// holder of the secret can have typed it.
func (f *Factor) verify(kept record, typed string, now time.Time) (record, error) {
	code, ok := normalise(typed)
	current := stepAt(now)
	fresh, used := 0, 0
	step := uint64(0)
	for back := range uint64(f.steps) {
		s := current - min(back, current)
		want := codeAt(kept.secret[:], s)
		match := subtle.ConstantTimeCompare(want[:], code[:]) & subtle.ConstantTimeByteEq(ok, 1)
		isNew := 0
		if s > kept.last {
			isNew = 1
		}
		if match&isNew == 1 {
			step = max(step, s)
		}
		fresh |= match & isNew
		used |= match &^ isNew
	}
	switch {
	case fresh == 1:
		kept.last = step
		return kept, nil
	case used == 1:
		return record{}, &factor.Refusal{Code: "code_replayed"}
	}
	return record{}, invalid()
}

func invalid() error { return &factor.Refusal{Code: "code_invalid"} }

// normalise takes six ASCII digits among spaces and hyphens, as people paste
// them. ok is 1 for a well-formed code; the code is comparable either way.
func normalise(typed string) (code [digits]byte, ok byte) {
	if len(typed) > maxTyped {
		return code, 0
	}
	n := 0
	for _, r := range typed {
		switch {
		case r == '-' || unicode.IsSpace(r):
		case r < '0' || r > '9' || n == digits:
			return [digits]byte{}, 0
		default:
			code[n] = byte(r)
			n++
		}
	}
	if n != digits {
		return [digits]byte{}, 0
	}
	return code, 1
}

func prompt() factor.Prompt {
	return factor.Prompt{
		Input: factor.Text, Autocomplete: "one-time-code", InputMode: "numeric",
		MaxLength: maxShown, Pattern: `[0-9 \-]{6,16}`,
	}
}

// issuer and account are the names under which an app lists the enrolment.
func issuer(t identity.Tenant) string {
	for _, s := range []string{t.Name, t.RPID, t.ID} {
		if s = cleanName(s, issuerRunes); s != "" {
			return s
		}
	}
	return "IntelliAuth"
}

func account(u identity.User) string {
	for _, s := range []string{u.Email, u.Identifier} {
		if s = cleanName(s, accountRunes); s != "" {
			return s
		}
	}
	return u.ID
}

// record is what an enrolment keeps.
type record struct {
	last   uint64 // the last accepted step; later ones only are accepted
	secret [secretBytes]byte
}

func (r record) bytes() []byte {
	out := binary.BigEndian.AppendUint64([]byte{dataVersion}, r.last)
	return append(out, r.secret[:]...)
}

func parseRecord(b []byte) (record, error) {
	if len(b) != dataBytes || b[0] != dataVersion {
		return record{}, errors.New("totp: the enrolment's data cannot be read")
	}
	r := record{last: binary.BigEndian.Uint64(b[1:9])}
	copy(r.secret[:], b[9:])
	return r, nil
}
