// Package factortest answers "does this factor keep the contract?". It is test
// only: nothing but _test files imports it.
//
// [Run] takes a [Harness], which says how to make the factor and how a person's
// authenticator answers it, and holds the factor against what the flow engine
// relies on: that a response proves once, to one user of one tenant, for one
// purpose and for a while; that a challenge gives nothing away; and that
// nothing tells an unknown user from a known one.
//
//	factortest.go   harness, Run, and the world that a check plays in
//	checks.go       enrolment, sign-in, replay, expiry, restart
//	hostile.go      foreign, damaged, unknown, concurrent, without randomness
package factortest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Authenticator is what one person holds or knows: it answers challenges as the
// app, key or memory of that person would at a given time.
type Authenticator interface {
	Enrol(c factor.Challenge, at time.Time) factor.Response
	Misenrol(c factor.Challenge, at time.Time) factor.Response // an answer that must not enrol
	Answer(c factor.Challenge, at time.Time) factor.Response
	Misanswer(c factor.Challenge, at time.Time) factor.Response // an answer that must not prove
}

// Harness says how to test one factor.
type Harness struct {
	New           func(now func() time.Time, random io.Reader) (factor.Factor, error)
	Authenticator func() Authenticator // of one more person

	Asked         factor.Asked
	EnrolmentLife time.Duration // an enrolment challenge of this age is refused
	SignInLife    time.Duration // and so is a sign-in challenge of this age
	Step          time.Duration // after which an authenticator gives another response
	Reusable      bool          // the same response may prove again (a password)

	// Subject makes the test's people such as the factor wants them: a tenant's
	// countries; for a ticket its address, and a purpose that is begun before
	// anything is proved. May be nil.
	Subject func(*factor.Subject)
	Work    func() int64 // heavy work done so far, in any unit; nil if the factor does none

	// Shown blanks in a prompt what is random, so that what a known and an unknown
	// user get can be compared. A factor that has it names a person's
	// authenticators in its prompt, so it is asked as the engine asks it before a
	// first proof: without enrolments. May be nil.
	Shown func(factor.Prompt) factor.Prompt
}

// Run holds the factor that newHarness describes against the contract. Each
// check gets a harness of its own.
func Run(t *testing.T, newHarness func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.hold(newHarness(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// check is one sentence of the contract. ticket says that it holds for tickets,
// which have no enrolments and leave replay to the engine.
type check struct {
	name   string
	run    func(*world) error
	ticket bool
}

func (c check) hold(h Harness) error {
	w, err := newWorld(h)
	if err != nil {
		return err
	}
	if w.ticket() && !c.ticket {
		return nil
	}
	return c.run(w)
}

func checks() []check {
	return []check{
		{"Facts", facts, true},
		{"EnrolAndSignIn", enrolAndSignIn, false},
		{"WrongEnrolmentRefused", wrongEnrolment, false},
		{"WrongResponseRefused", wrongResponse, true},
		{"ReplayRefused", replay, false},
		{"ConfirmationConsumed", confirmation, false},
		{"FinishChangesNothingInPlace", inPlace, true},
		{"ExpiredSignInRefused", expiredSignIn, true},
		{"ExpiredEnrolmentRefused", expiredEnrolment, false},
		{"Restart", restart, true},
		{"NoSecretInPrompt", noSecret, true},
		{"OtherUsersEnrolment", otherUsersEnrolment, false},
		{"SuspendedOrForeignEnrolment", unusableEnrolment, false},
		{"ForeignChallenge", foreignChallenge, true},
		{"OtherPurpose", otherPurpose, false},
		{"TamperedState", tamperedState, true},
		{"DamagedData", damagedData, false},
		{"UnknownUser", unknownUser, true},
		{"Concurrent", concurrent, true},
		{"Randomness", randomness, false},
	}
}

// world is a factor, a clock and two tenants with people in them.
type world struct {
	Harness
	factor factor.Factor
	at     time.Time
}

// person is a user with an enrolled authenticator.
type person struct {
	subject   factor.Subject
	auth      Authenticator
	confirmed factor.Response // what confirmed the enrolment
	shown     factor.Prompt   // of the enrolment
}

func newWorld(h Harness) (*world, error) {
	w := &world{Harness: h, at: time.Date(2026, 3, 1, 12, 0, 10, 0, time.UTC)}
	f, err := w.make(rand.Reader)
	w.factor = f
	return w, err
}

func (w *world) make(random io.Reader) (factor.Factor, error) {
	f, err := w.New(func() time.Time { return w.at }, random)
	if err != nil {
		return nil, fmt.Errorf("constructor: %w", err)
	}
	return f, nil
}

func (w *world) name() string { return w.factor.Facts().Name }

// ticket reports whether nobody holds the factor.
func (w *world) ticket() bool { return w.factor.Facts().Ticket }

// subject is a user without enrolments.
func (w *world) subject(tenant, user string) factor.Subject {
	host := tenant + ".example"
	s := factor.Subject{
		Tenant: identity.Tenant{
			ID: "tnt_" + tenant, Issuer: "https://" + host, RPID: host, Name: "The " + tenant + " tenant",
		},
		Origins: []string{"https://" + host},
		User: &identity.User{
			ID: "usr_" + user, Handle: bytes.Repeat([]byte(user[:1]), 64), Name: "Person " + user,
			Identifier: user + "@mail.example", Email: user + "@mail.example", EmailVerified: true, Phone: "+15550101234",
		},
		MinLength: 15,
	}
	if w.Subject != nil {
		w.Subject(&s)
	}
	return s
}

// enrol gives the subject an enrolment of the factor.
func (w *world) enrol(s factor.Subject) (person, error) {
	p := person{subject: s, auth: w.Authenticator()}
	if w.ticket() {
		return p, nil
	}
	c, err := w.factor.BeginEnrolment(s, w.Asked)
	if err != nil {
		return p, fmt.Errorf("BeginEnrolment: %w", err)
	}
	p.shown = c.Prompt
	p.confirmed = p.auth.Enrol(c, w.at)
	got, err := w.factor.FinishEnrolment(s, c, p.confirmed)
	if err != nil {
		return p, fmt.Errorf("FinishEnrolment: %w", err)
	}
	if len(got.Data) == 0 {
		return p, errors.New("FinishEnrolment kept no data")
	}
	if got.Proof.Class != "" {
		if err := w.proofFits(got.Proof); err != nil {
			return p, fmt.Errorf("FinishEnrolment: %w", err)
		}
	}
	p.subject.Enrolments = []identity.Enrolment{{
		ID: "enr_" + s.User.ID, User: s.User.ID, Factor: w.name(), Data: got.Data, Lookup: got.Lookup, EnrolledAt: w.at,
	}}
	return p, nil
}

// person enrols a new user of the first tenant, ready to sign in.
func (w *world) person(user string) (person, error) {
	p, err := w.enrol(w.subject("one", user))
	w.at = w.at.Add(w.Step)
	return p, err
}

// answer begins a sign-in and lets the authenticator answer it.
func (w *world) answer(p person) (factor.Challenge, factor.Response, error) {
	c, err := w.factor.Begin(p.subject)
	if err != nil {
		return c, factor.Response{}, fmt.Errorf("begin: %w", err)
	}
	return c, p.auth.Answer(c, w.at), nil
}

// accept finishes a sign-in that must succeed, and keeps what it returns.
func (w *world) accept(p *person, c factor.Challenge, r factor.Response) error {
	out, err := w.factor.Finish(p.subject, c, r)
	if err != nil {
		return fmt.Errorf("finish with the right response: %w", err)
	}
	if w.ticket() {
		if out.Proof != (assurance.Proof{}) || out.Enrolment != "" || out.Data != nil {
			return fmt.Errorf("a ticket proved or kept something: %+v", out)
		}
		return nil
	}
	if err := w.proofFits(out.Proof); err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	if out.Enrolment != p.subject.Enrolments[0].ID {
		return fmt.Errorf("finish named enrolment %q, want %q", out.Enrolment, p.subject.Enrolments[0].ID)
	}
	if out.Data != nil {
		p.subject.Enrolments = slices.Clone(p.subject.Enrolments)
		p.subject.Enrolments[0].Data = out.Data
	}
	return nil
}

// signIn begins and finishes a sign-in that must succeed.
func (w *world) signIn(p *person) error {
	c, r, err := w.answer(*p)
	if err != nil {
		return err
	}
	return w.accept(p, c, r)
}

// refuse finishes a sign-in that must not succeed.
func (w *world) refuse(what string, s factor.Subject, c factor.Challenge, r factor.Response) error {
	out, err := w.factor.Finish(s, c, r)
	return refused(what, err, out.Proof.Class != "" || out.Data != nil || out.Enrolment != "")
}

// refuseEnrolment finishes an enrolment that must not succeed.
func (w *world) refuseEnrolment(what string, s factor.Subject, c factor.Challenge, r factor.Response) error {
	out, err := w.factor.FinishEnrolment(s, c, r)
	return refused(what, err, out.Proof.Class != "" || out.Data != nil || out.Lookup != nil)
}

func refused(what string, err error, kept bool) error {
	switch {
	case err == nil:
		return fmt.Errorf("%s: accepted", what)
	case !errors.Is(err, factor.ErrWrong):
		return fmt.Errorf("%s: %w, which is no ErrWrong", what, err)
	case kept:
		return fmt.Errorf("%s: refused, and yet something came back beside the error", what)
	}
	return nil
}
