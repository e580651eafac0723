package totp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/factortest"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// app is an authenticator app that was shown the prompt.
type app struct{ secret []byte }

func (a *app) Enrol(c factor.Challenge, at time.Time) factor.Response {
	u, err := ParseURI(c.Prompt.URI)
	if err != nil {
		panic(err)
	}
	a.secret = u.Secret
	return a.Answer(c, at)
}

func (a *app) Answer(_ factor.Challenge, at time.Time) factor.Response {
	return factor.Response{Value: Code(a.secret, at)}
}

func (a *app) Misenrol(c factor.Challenge, at time.Time) factor.Response {
	a.Enrol(c, at)
	return a.Misanswer(c, at)
}

// Misanswer is six digits that no step near this one has.
func (a *app) Misanswer(_ factor.Challenge, at time.Time) factor.Response {
	for n := 0; ; n++ {
		guess := fmt.Sprintf("%06d", n)
		near := false
		for back := -3; back <= 3; back++ {
			near = near || Code(a.secret, at.Add(time.Duration(back)*30*time.Second)) == guess
		}
		if !near {
			return factor.Response{Value: guess}
		}
	}
}

func TestContract(t *testing.T) {
	for _, steps := range []int{1, 2} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			factortest.Run(t, func(*testing.T) factortest.Harness {
				return factortest.Harness{
					New: func(now func() time.Time, random io.Reader) (factor.Factor, error) {
						return New(Options{Now: now, Random: random, Steps: steps})
					},
					Authenticator: func() factortest.Authenticator { return &app{} },
					EnrolmentLife: 10 * time.Minute, SignInLife: 15 * time.Minute, Step: 30 * time.Second,
				}
			})
		})
	}
}

// scene is one user with an app, and a clock.
type scene struct {
	*testing.T
	f   *Factor
	at  time.Time
	sub factor.Subject
	app app
}

// start is the first second of a time step.
var start = time.Unix(1_800_000_000/period*period, 0).UTC()

func newScene(t *testing.T, steps int) *scene {
	t.Helper()
	s := &scene{T: t, at: start, sub: factor.Subject{
		Tenant: identity.Tenant{ID: "tnt_a", Name: "Acme: Tools", RPID: "acme.example"},
		User:   &identity.User{ID: "usr_ada", Email: "ada@example.com", Identifier: "ada@example.com"},
	}}
	f, err := New(Options{Now: func() time.Time { return s.at }, Random: rand.Reader, Steps: steps})
	if err != nil {
		t.Fatal(err)
	}
	s.f = f
	return s
}

func (s *scene) enrol() factor.Enrolled {
	s.Helper()
	c, err := s.f.BeginEnrolment(s.sub, factor.Asked{})
	if err != nil {
		s.Fatal(err)
	}
	e, err := s.f.FinishEnrolment(s.sub, c, s.app.Enrol(c, s.at))
	if err != nil {
		s.Fatal(err)
	}
	s.sub.Enrolments = []identity.Enrolment{{ID: "enr_1", User: "usr_ada", Factor: "totp", Data: e.Data}}
	return e
}

// try answers with a code and keeps what is returned.
func (s *scene) try(code string) error {
	s.Helper()
	c, err := s.f.Begin(s.sub)
	if err != nil {
		s.Fatal(err)
	}
	out, err := s.f.Finish(s.sub, c, factor.Response{Value: code})
	if err == nil {
		s.sub.Enrolments[0].Data = out.Data
	}
	return err
}

func (s *scene) code(at time.Time) string { return Code(s.app.secret, at) }

// want checks the code of a refusal; "" wants success.
func (s *scene) want(what string, err error, code string) {
	s.Helper()
	var r *factor.Refusal
	switch {
	case code == "" && err != nil:
		s.Errorf("%s: %v, want success", what, err)
	case code != "" && (!errors.As(err, &r) || r.Code != code):
		s.Errorf("%s: %v, want %s", what, err, code)
	}
}

func TestT01_SecretIs160RandomBits(t *testing.T) {
	s := newScene(t, 2)
	seen := map[string]bool{}
	for range 10 {
		s.enrol()
		if len(s.app.secret) != 20 || seen[string(s.app.secret)] {
			t.Fatalf("secret %x", s.app.secret)
		}
		seen[string(s.app.secret)] = true
	}
}

// At the end of its window plus one second a code fails, and the width of the
// window is the documented one: the step itself and, by default, one more.
func TestT02_WindowIsCurrentAndPreviousStep(t *testing.T) {
	for steps, width := range map[int]time.Duration{1: 30 * time.Second, 2: 60 * time.Second} {
		for after, want := range map[time.Duration]string{
			-time.Second: "code_invalid", // an app that runs ahead of us
			0:            "", width - time.Second: "", width: "code_invalid", width + time.Second: "code_invalid", time.Hour: "code_invalid",
		} {
			s := newScene(t, steps)
			s.enrol()
			s.at = start.Add(time.Hour)
			code := s.code(s.at)
			s.at = s.at.Add(after)
			s.want(fmt.Sprintf("%d steps, after %v", steps, after), s.try(code), want)
		}
	}
	for _, steps := range []int{-1, 3, 10} {
		if _, err := New(Options{Now: time.Now, Random: rand.Reader, Steps: steps}); err == nil {
			t.Errorf("%d steps were taken", steps)
		}
	}
}

func TestT03_StepAndEarlierOnesAreSpent(t *testing.T) {
	s := newScene(t, 2)
	s.enrol()
	s.at = start.Add(10 * time.Minute)
	now, before := s.code(s.at), s.code(s.at.Add(-30*time.Second))
	s.want("the current step", s.try(now), "")
	s.want("the same again", s.try(now), "code_replayed")
	s.want("the step before it", s.try(before), "code_replayed")
	s.at = s.at.Add(30 * time.Second)
	s.want("one step later, as the previous", s.try(now), "code_replayed")
	s.want("the new step", s.try(s.code(s.at)), "")
	// The previous step first, then the current: both are new.
	s.at = s.at.Add(90 * time.Second)
	s.want("the previous step", s.try(s.code(s.at.Add(-30*time.Second))), "")
	s.want("and the current", s.try(s.code(s.at)), "")
}

func TestT04_ConfirmationCodeIsConsumed(t *testing.T) {
	s := newScene(t, 2)
	e := s.enrol()
	s.want("the confirming code", s.try(s.code(s.at)), "code_replayed")
	s.want("the code before it", s.try(s.code(s.at.Add(-30*time.Second))), "code_replayed")
	s.at = s.at.Add(30 * time.Second)
	s.want("the confirming code, a step later", s.try(s.code(start)), "code_replayed")
	s.want("the next code", s.try(s.code(s.at)), "")
	if e.Proof.Class != assurance.OneTime || e.Proof.AMR != "otp" || e.Proof.Factor != "totp" {
		t.Errorf("C-22: the confirming response proves %+v", e.Proof)
	}
}

func TestT06_AllStepsAreCompared(t *testing.T) {
	s := newScene(t, 2)
	s.enrol()
	kept, err := parseRecord(s.sub.Enrolments[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	// Whichever step matches, the result is the newest unused one.
	for back := range 2 {
		now := start.Add(5 * time.Minute)
		got, err := s.f.verify(kept, s.code(now.Add(-time.Duration(back)*30*time.Second)), now)
		if want := stepAt(now) - uint64(back); err != nil || got.last != want {
			t.Errorf("%d back: step %d, %v; want %d", back, got.last, err, want)
		}
	}
}

// Two steps in a row with the same code, as there is once in a million: one
// response spends both.
func TestT03_TwinCodes(t *testing.T) {
	const step = 56188871
	kept := record{}
	copy(kept.secret[:], "12345678901234567890")
	if codeAt(kept.secret[:], step) != codeAt(kept.secret[:], step-1) {
		t.Fatal("no twins")
	}
	s := newScene(t, 2)
	now := time.Unix(step*period, 0)
	got, err := s.f.verify(kept, "617002", now)
	if err != nil || got.last != step {
		t.Fatalf("step %d, %v; want %d", got.last, err, step)
	}
	_, err = s.f.verify(got, "617002", now)
	s.want("the twin", err, "code_replayed")
}

// Nobody's secret is known: what stands in for it opens nothing.
func TestH42_NobodysCode(t *testing.T) {
	s := newScene(t, 2)
	for _, u := range []*identity.User{nil, s.sub.User} {
		s.sub.User = u
		s.want("the stand-in's code", s.try(Code(make([]byte, secretBytes), s.at)), "code_invalid")
	}
}

func TestT07_UnconfirmedSecretExpiresAndIsReplaced(t *testing.T) {
	s := newScene(t, 2)
	first, err := s.f.BeginEnrolment(s.sub, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.f.BeginEnrolment(s.sub, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Prompt.Secret == second.Prompt.Secret {
		t.Error("a restart shows the same secret")
	}
	_, err = s.f.FinishEnrolment(s.sub, second, s.app.Enrol(first, s.at))
	s.want("the first secret's code at the second challenge", err, "code_invalid")
	s.at = s.at.Add(10 * time.Minute)
	_, err = s.f.FinishEnrolment(s.sub, second, s.app.Enrol(second, s.at))
	s.want("after ten minutes", err, "code_expired")
}

func TestT08_PromptShowsTheNames(t *testing.T) {
	s := newScene(t, 2)
	c, err := s.f.BeginEnrolment(s.sub, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := ParseURI(c.Prompt.URI)
	if err != nil || u.Issuer != "Acme Tools" || u.Account != "ada@example.com" {
		t.Errorf("%+v, %v", u, err)
	}
	if got := strings.ReplaceAll(c.Prompt.Secret, " ", ""); got != base32NoPad.EncodeToString(u.Secret) || c.Prompt.QR == "" {
		t.Errorf("prompt %+v", c.Prompt)
	}
	// Names that cannot be labels do not stand in the way of enrolment.
	s.sub.Tenant.Name, s.sub.User.Email = ":\u202e:", "\n"
	if c, err = s.f.BeginEnrolment(s.sub, factor.Asked{}); err != nil {
		t.Fatal(err)
	}
	if u, err = ParseURI(c.Prompt.URI); err != nil || u.Issuer != "acme.example" || u.Account != "ada@example.com" {
		t.Errorf("%+v, %v", u, err)
	}
}

// Fifty consecutive tries with two valid steps find a code with chance 1e-4 at
// most; and of all codes, two and no more are accepted at any moment.
func TestT11_BlindGuess(t *testing.T) {
	s := newScene(t, 2)
	s.enrol()
	facts := s.f.Facts()
	chance := 1 - math.Pow(1-float64(facts.Accepted)/float64(facts.Space), 50)
	t.Logf("50 tries: %.3g", chance)
	if chance > 1e-4 {
		t.Errorf("50 tries succeed with chance %g", chance)
	}
	kept, err := parseRecord(s.sub.Enrolments[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	now, accepted := start.Add(time.Hour), 0
	for n := range 100_000 { // a tenth of the space, offset so that it holds both codes
		var first int
		fmt.Sscan(s.code(now), &first)
		if _, err := s.f.verify(kept, fmt.Sprintf("%06d", (first+n)%1_000_000), now); err == nil {
			accepted++
		}
	}
	if accepted < 1 || accepted > int(facts.Accepted) {
		t.Errorf("%d codes accepted at one moment; want 1 or 2", accepted)
	}
}

// The clock steps back across a time step, by seconds, a step and an hour: what
// was accepted stays spent, and what was never used before the step back is
// refused too, since it is earlier.
func TestH50_ClockStepsBack(t *testing.T) {
	for _, back := range []time.Duration{time.Second, 30 * time.Second, 90 * time.Second, time.Hour} {
		s := newScene(t, 2)
		s.enrol()
		s.at = start.Add(2 * time.Hour)
		used := s.code(s.at)
		s.want("before", s.try(used), "")
		s.at = s.at.Add(-back)
		if err := s.try(used); err == nil {
			t.Errorf("%v back: the used code was accepted", back)
		}
		s.want(fmt.Sprintf("%v back, that moment's code", back), s.try(s.code(s.at)), "code_replayed")
		s.at = start.Add(2*time.Hour + 30*time.Second)
		s.want("when time has caught up", s.try(s.code(s.at)), "")
	}
}

func TestChosenEnrolmentIsTheOneTried(t *testing.T) {
	s := newScene(t, 2)
	s.enrol()
	old := s.app
	s.enrol()
	s.sub.Enrolments = append(s.sub.Enrolments, identity.Enrolment{ID: "enr_2", User: "usr_ada", Factor: "totp", Data: s.sub.Enrolments[0].Data})
	first := record{}
	copy(first.secret[:], old.secret)
	s.sub.Enrolments[0].Data = first.bytes()
	s.at = start.Add(time.Hour)
	c, err := s.f.Begin(s.sub)
	if err != nil {
		t.Fatal(err)
	}
	for chosen, a := range map[string]app{"enr_1": old, "enr_2": s.app, "": old} {
		s.sub.Chosen = chosen
		out, err := s.f.Finish(s.sub, c, a.Answer(c, s.at))
		if err != nil || out.Enrolment == "" || chosen != "" && out.Enrolment != chosen {
			t.Errorf("chosen %q: %+v, %v", chosen, out, err)
		}
	}
	// One response is one guess: the other app's code is not tried as well.
	s.sub.Chosen = ""
	_, err = s.f.Finish(s.sub, c, s.app.Answer(c, s.at))
	s.want("the second app's code without a choice", err, "code_invalid")
}

func BenchmarkVerify(b *testing.B) {
	f, err := New(Options{Now: time.Now, Random: rand.Reader})
	if err != nil {
		b.Fatal(err)
	}
	kept := record{}
	for b.Loop() {
		if _, err := f.verify(kept, "123 456", start); err == nil {
			b.Fatal("123456 was accepted")
		}
	}
}

func BenchmarkBeginEnrolment(b *testing.B) {
	f, err := New(Options{Now: time.Now, Random: rand.Reader})
	if err != nil {
		b.Fatal(err)
	}
	sub := factor.Subject{Tenant: identity.Tenant{Name: "Acme"}, User: &identity.User{Email: "ada@example.com"}}
	for b.Loop() {
		if _, err := f.BeginEnrolment(sub, factor.Asked{}); err != nil {
			b.Fatal(err)
		}
	}
}
