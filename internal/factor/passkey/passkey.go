// Package passkey answers "does this key, made for this site, sign for this
// person?": WebAuthn Level 3, as second factor, as first factor, and without
// a user name.
//
// CBOR, COSE and the attestation formats are go-webauthn's; what a ceremony may
// show, and what it is worth, is decided here.
//
//	passkey.go    Factor: what the flow calls
//	options.go    what the browser is asked (section 5.4, 5.5)
//	register.go   a new credential judged (7.1)
//	assert.go     an assertion judged (7.2)
//	record.go     what is kept of a credential
//	metadata.go   which models keep their keys in hardware, and which are revoked
package passkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	name            = "passkey"
	life            = 10 * time.Minute // of a challenge (13.5.3; timeouts of 15.1 are 5 to 10 minutes)
	maxKeys         = 20
	challengeLength = 32   // bytes; 16 are the least (13.4.3)
	maxCredentialID = 1023 // bytes (5.8.3)
	maxResponse     = 64 << 10
)

// The two sorts of sign-in challenge: for a person who was named, and for
// whoever answers. One is worth nothing as the other.
const (
	forNamed byte = 'n'
	forAny   byte = 'a'
)

// Options are what the factor is made of.
type Options struct {
	Now      func() time.Time
	Random   io.Reader
	Metadata *Metadata // what is known of models; nil: nothing
}

// Factor is WebAuthn. It is safe for concurrent use.
type Factor struct {
	now      func() time.Time
	random   io.Reader
	metadata *Metadata
}

// New makes the factor, or an error if it has no clock or no randomness.
func New(o Options) (*Factor, error) {
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("passkey: a clock and a source of randomness are wanted")
	}
	if o.Metadata == nil {
		o.Metadata = &Metadata{}
	}
	return &Factor{now: o.Now, random: o.Random, metadata: o.Metadata}, nil
}

// Facts says that nobody guesses a signature.
func (f *Factor) Facts() factor.Facts {
	return factor.Facts{
		Name: name, Class: assurance.Key, Kinds: []factor.Kind{factor.Possession, factor.Inherence}, AMR: "pop",
		First: true, SelfTest: true, Max: maxKeys, Best: strength(true, true, false, ""),
	}
}

func strength(uv, be, hw bool, model string) assurance.Proof {
	return assurance.Proof{Factor: name, Class: assurance.Key, AMR: "pop", UserVerified: uv, BackupEligible: be, Hardware: hw, Model: model}
}

// Best grades an enrolment by what was seen when it was bound and last used. One
// yet to be bound can be hardware only where attestation is asked: nothing else
// shows it (SP 800-63B-4, 3.2.13).
func (f *Factor) Best(t identity.Tenant, en *identity.Enrolment) assurance.Proof {
	if en == nil {
		attested := t.Attestation.Mode == modeAny || t.Attestation.Mode == modeList
		return strength(true, !attested, attested && f.metadata.loaded(), f.metadata.anyModel())
	}
	r, err := readRecord(en.Data)
	if err != nil {
		return strength(false, true, false, "") // unreadable: as little as a key can be
	}
	return strength(r.CanVerify, r.BackupEligible, r.Hardware, r.AAGUID)
}

// Signals names the credentials that are still accepted (5.1.10).
func (f *Factor) Signals(s factor.Subject) factor.Signals {
	out := factor.Signals{RPID: rpID(s.Tenant), Credentials: []string{}}
	if s.User == nil {
		return out
	}
	out.User, out.Name, out.DisplayName = encode(s.User.Handle), s.User.Email, displayName(*s.User)
	for _, en := range s.Enrolments {
		if r, err := readRecord(en.Data); err == nil {
			out.Credentials = append(out.Credentials, encode(r.ID))
		}
	}
	return out
}

// BeginEnrolment asks the browser for a new credential.
func (f *Factor) BeginEnrolment(s factor.Subject, asked factor.Asked) (factor.Challenge, error) {
	if s.User == nil {
		return factor.Challenge{}, factor.ErrWrong
	}
	challenge, err := f.challenge()
	if err != nil {
		return factor.Challenge{}, err
	}
	options, err := creation(s, challenge, asked.Conditional)
	if err != nil {
		return factor.Challenge{}, err
	}
	body := challenge
	if asked.Conditional {
		body = append([]byte{silently}, challenge...)
	}
	return f.set(bound(factor.ForEnrolment).State(s, f.now(), body), options), nil
}

// silently marks the state of a conditional create, whose authenticator need not
// have seen anybody (W-26).
const silently byte = 's'

// FinishEnrolment judges the new credential. Making one proves nothing: it is
// asked to sign before it counts.
func (f *Factor) FinishEnrolment(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	if s.User == nil {
		return factor.Enrolled{}, factor.ErrForeign
	}
	body, err := bound(factor.ForEnrolment).Open(s, f.now(), c.State)
	if err != nil {
		return factor.Enrolled{}, err
	}
	conditional := len(body) == challengeLength+1 && body[0] == silently
	if conditional {
		body = body[1:]
	}
	if len(body) != challengeLength {
		return factor.Enrolled{}, factor.ErrForeign
	}
	made, err := f.register(s, registration{challenge: encode(body), conditional: conditional}, r.PublicKey)
	if err != nil {
		return factor.Enrolled{}, err
	}
	data, err := made.write()
	return factor.Enrolled{Data: data, Lookup: made.ID, Name: f.metadata.describe(made)}, err
}

// Begin asks for an assertion: of a person's own credentials where the subject
// holds any, else of whichever the browser finds, so that nothing is told of
// people who have not proved anything yet (W-30, W-31).
func (f *Factor) Begin(s factor.Subject) (factor.Challenge, error) {
	challenge, err := f.challenge()
	if err != nil {
		return factor.Challenge{}, err
	}
	options, err := request(s, challenge)
	if err != nil {
		return factor.Challenge{}, err
	}
	return f.set(bound(factor.ForSignIn).State(s, f.now(), append([]byte{forNamed}, challenge...)), options), nil
}

// BeginAny asks for an assertion of whoever answers.
func (f *Factor) BeginAny(s factor.Subject) (factor.Challenge, error) {
	s.User, s.Enrolments = nil, nil
	challenge, err := f.challenge()
	if err != nil {
		return factor.Challenge{}, err
	}
	options, err := request(s, challenge)
	if err != nil {
		return factor.Challenge{}, err
	}
	return f.set(bound(factor.ForSignIn).State(s, f.now(), append([]byte{forAny}, challenge...)), options), nil
}

// Finish judges an assertion.
func (f *Factor) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	challenge, anybody, err := f.open(s, c.State)
	if err != nil {
		return factor.Outcome{}, err
	}
	if s.User == nil || len(s.Enrolments) == 0 {
		return factor.Outcome{}, factor.ErrWrong
	}
	return f.assert(s, encode(challenge), anybody, r.PublicKey)
}

// open returns the challenge of a sign-in, and whether it was set for whoever
// answers.
func (f *Factor) open(s factor.Subject, state []byte) (challenge []byte, anybody bool, err error) {
	body, err := bound(factor.ForSignIn).Open(s, f.now(), state)
	if err != nil {
		nobody := s
		nobody.User = nil
		unnamed, uerr := bound(factor.ForSignIn).Open(nobody, f.now(), state)
		if uerr != nil {
			return nil, false, err
		}
		body, anybody = unnamed, true
	}
	want := forNamed
	if anybody {
		want = forAny
	}
	if len(body) != challengeLength+1 || body[0] != want {
		return nil, false, factor.ErrForeign
	}
	return body[1:], anybody, nil
}

func (f *Factor) set(state []byte, options []byte) factor.Challenge {
	return factor.Challenge{State: state, Tries: 1, Prompt: factor.Prompt{Input: factor.PublicKey, PublicKey: options}}
}

func (f *Factor) challenge() ([]byte, error) {
	out := make([]byte, challengeLength)
	if _, err := io.ReadFull(f.random, out); err != nil {
		return nil, fmt.Errorf("passkey: no randomness: %w", err)
	}
	return out, nil
}

func bound(p factor.Purpose) factor.Bound { return factor.Bound{Factor: name, Purpose: p, Life: life} }

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// rpID is the tenant's RP ID; by default the host of its issuer.
func rpID(t identity.Tenant) string {
	if t.RPID != "" {
		return t.RPID
	}
	u, err := url.Parse(t.Issuer)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func displayName(u identity.User) string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}

func refuse(code string) error { return &factor.Refusal{Code: code} }
