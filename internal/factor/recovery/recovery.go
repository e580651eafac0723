// Package recovery answers "does this person hold the codes that were made for
// the day when everything else is lost?": ten look-up secrets of 120 bits,
// shown once, each good once (SP 800-63B-4, 3.1.2 and 4.2.1.1).
//
// Data holds a keyed hash of each code that is left. An accepted code's place is
// wiped in new Data, so the engine's compare-and-swap is what makes it single:
// of two responses judged from the same Data, one is kept.
//
//	recovery.go   the factor: making, confirming, redeeming
//	sheet.go      what is kept of the codes
package recovery

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	name     = "recovery"
	codes    = 10
	length   = 24               // characters of 5 bits: 120 bits, above the 112 of N-51
	life     = 15 * time.Minute // of a challenge
	kept     = "kept"           // the response that says that the codes are kept
	maxShown = 40               // bytes in the page's field: a code with its hyphens, and some spaces
)

// Options say how the factor is made. Both are required.
type Options struct {
	Now    func() time.Time
	Random io.Reader
}

// Factor is the recovery code factor. It is safe for concurrent use.
type Factor struct {
	now    func() time.Time
	random io.Reader
}

// New makes the factor.
func New(o Options) (*Factor, error) {
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("recovery: needs a clock and randomness")
	}
	return &Factor{now: o.Now, random: o.Random}, nil
}

// Facts has no Space: a code is beyond guessing, and a stranger's guesses must
// never close the owner's last way in (C-11).
func (f *Factor) Facts() factor.Facts {
	return factor.Facts{
		Name: name, Class: assurance.LookUp, Kinds: []factor.Kind{factor.Possession}, AMR: name,
		Max: 1, Replaces: true, Follows: true, Best: proof(),
	}
}

func proof() assurance.Proof {
	return assurance.Proof{Factor: name, Class: assurance.LookUp, AMR: name}
}

func bound(p factor.Purpose) factor.Bound { return factor.Bound{Factor: name, Purpose: p, Life: life} }

// BeginEnrolment makes ten codes. They are in the prompt, to be shown once; the
// state holds their hashes alone.
func (f *Factor) BeginEnrolment(s factor.Subject, _ factor.Asked) (factor.Challenge, error) {
	if s.User == nil {
		return factor.Challenge{}, factor.ErrWrong
	}
	made, err := newSheet(f.random)
	if err != nil {
		return factor.Challenge{}, err
	}
	shown := make([]string, codes)
	for i := range shown {
		code, err := factor.Letters(f.random, length)
		if err != nil {
			return factor.Challenge{}, fmt.Errorf("recovery: %w", err)
		}
		made.put(i, code)
		shown[i] = factor.Grouped(code)
	}
	return factor.Challenge{
		State:  bound(factor.ForEnrolment).State(s, f.now(), made.bytes()),
		Prompt: factor.Prompt{Codes: shown},
	}, nil
}

// FinishEnrolment takes the word "kept", or one of the codes as a sign that
// they are; that code is then used up, as the code that confirms an app is
// (T-04). Neither proves anything: the codes were on the same page.
func (f *Factor) FinishEnrolment(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	body, err := bound(factor.ForEnrolment).Open(s, f.now(), c.State)
	if err != nil {
		return factor.Enrolled{}, err
	}
	made, ok := parseSheet(body)
	if s.User == nil || !ok {
		return factor.Enrolled{}, factor.ErrForeign
	}
	if strings.TrimSpace(r.Value) != kept {
		code, ok := factor.ReadLetters(r.Value, length)
		if made, ok = made.redeem(code, ok); !ok {
			return factor.Enrolled{}, &factor.Refusal{Code: "code_kept"}
		}
	}
	return factor.Enrolled{Data: made.bytes()}, nil
}

// Begin shows a field for a code and nothing else: not how many are left, which
// is for [Factor.Left] to tell the owner.
func (f *Factor) Begin(s factor.Subject) (factor.Challenge, error) {
	return factor.Challenge{State: bound(factor.ForSignIn).State(s, f.now(), nil), Prompt: factor.Prompt{
		Input: factor.Text, Autocomplete: "off", InputMode: "text", MaxLength: maxShown, Pattern: `[0-9A-Za-z \-]{24,40}`,
	}}, nil
}

// Finish holds a code against every one that is left. Outcome.Data lacks the
// one that was accepted.
func (f *Factor) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	body, err := bound(factor.ForSignIn).Open(s, f.now(), c.State)
	if err != nil {
		return factor.Outcome{}, err
	}
	if len(body) != 0 {
		return factor.Outcome{}, factor.ErrForeign
	}
	e, known := pick(s)
	var left sheet // of nobody: nothing that a code could match
	if known {
		var ok bool
		if left, ok = parseSheet(e.Data); !ok {
			return factor.Outcome{}, errors.New("recovery: the enrolment's data cannot be read")
		}
	}
	code, ok := factor.ReadLetters(r.Value, length)
	left, ok = left.redeem(code, ok)
	if !known || !ok {
		return factor.Outcome{}, &factor.Refusal{Code: "code_invalid"}
	}
	return factor.Outcome{Proof: proof(), Enrolment: e.ID, Data: left.bytes()}, nil
}

// Left is how many codes an enrolment still has.
func (f *Factor) Left(en identity.Enrolment) int {
	s, ok := parseSheet(en.Data)
	if en.Factor != name || !ok {
		return 0
	}
	return s.left()
}

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
