package factortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing/iotest"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// otherUsersEnrolment puts Grace's enrolment under Ada's name, as a wrong query
// would, and answers with Grace's authenticator.
func otherUsersEnrolment(w *world) error {
	grace, err := w.person("grace")
	if err != nil {
		return err
	}
	mixed := grace
	mixed.subject.User = w.subject("one", "ada").User
	c, err := w.factor.Begin(mixed.subject)
	if err != nil {
		return err
	}
	if err := w.refuse("another user's enrolment", mixed.subject, c, grace.auth.Answer(c, w.at)); err != nil {
		return err
	}
	return w.signIn(&grace)
}

func unusableEnrolment(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, r, err := w.answer(p)
	if err != nil {
		return err
	}
	for what, spoil := range map[string]func(*factor.Subject){
		"a suspended enrolment":           func(s *factor.Subject) { s.Enrolments[0].Suspended = true },
		"an enrolment of another factor":  func(s *factor.Subject) { s.Enrolments[0].Factor = "other" },
		"a choice that is not there":      func(s *factor.Subject) { s.Chosen = "enr_other" },
		"no enrolment":                    func(s *factor.Subject) { s.Enrolments = nil },
		"an enrolment that has no user":   func(s *factor.Subject) { s.Enrolments[0].User = "" },
		"a user without id, no enrolment": func(s *factor.Subject) { s.User = &identity.User{}; s.Enrolments = nil },
	} {
		s := p.subject
		s.Enrolments = slices.Clone(s.Enrolments)
		spoil(&s)
		if err := w.refuse(what, s, c, r); err != nil {
			return err
		}
	}
	return w.accept(&p, c, r)
}

// foreignChallenge crosses challenges between two users and two tenants, and
// between a user and nobody, both ways.
func foreignChallenge(w *world) error {
	ada, err := w.person("ada")
	if err != nil {
		return err
	}
	bob, err := w.person("bob")
	if err != nil {
		return err
	}
	elsewhere := ada // the same user and enrolment under another tenant
	elsewhere.subject.Tenant = w.subject("two", "ada").Tenant
	nobody := ada
	nobody.subject.User, nobody.subject.Enrolments = nil, nil
	for _, pair := range []struct {
		what        string
		begun, done person
	}{
		{"a challenge of another user", bob, ada},
		{"the reverse", ada, bob},
		{"a challenge of another tenant", elsewhere, ada},
		{"the reverse of that", ada, elsewhere},
		{"a challenge of nobody", nobody, ada},
		{"a challenge of a user, for nobody", ada, nobody},
	} {
		c, err := w.factor.Begin(pair.begun.subject)
		if err != nil {
			return err
		}
		if err := w.refuse(pair.what, pair.done.subject, c, pair.done.auth.Answer(c, w.at)); err != nil {
			return err
		}
		if w.ticket() {
			continue
		}
		c, err = w.factor.BeginEnrolment(pair.begun.subject, w.Asked)
		if err != nil {
			if pair.begun.subject.User == nil {
				continue // nobody cannot enrol
			}
			return err
		}
		if err := w.refuseEnrolment("enrolment with "+pair.what, pair.done.subject, c, w.Authenticator().Enrol(c, w.at)); err != nil {
			return err
		}
	}
	return nil
}

// otherPurpose uses an enrolment challenge to sign in, and the reverse.
func otherPurpose(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	signIn, right, err := w.answer(p)
	if err != nil {
		return err
	}
	enrolment, err := w.factor.BeginEnrolment(p.subject, w.Asked)
	if err != nil {
		return err
	}
	if err := w.refuse("an enrolment challenge at sign-in", p.subject, enrolment, right); err != nil {
		return err
	}
	forEnrolment := w.Authenticator().Enrol(enrolment, w.at)
	if err := w.refuse("an enrolment's challenge and response at sign-in", p.subject, enrolment, forEnrolment); err != nil {
		return err
	}
	for what, r := range map[string]factor.Response{"its response": right, "an enrolment's response": forEnrolment} {
		if err := w.refuseEnrolment("a sign-in challenge at enrolment with "+what, p.subject, signIn, r); err != nil {
			return err
		}
	}
	return nil
}

// tamperedState flips every bit of a state, cuts it everywhere and lengthens it.
func tamperedState(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	signIn, right, err := w.answer(p)
	if err != nil {
		return err
	}
	for _, bad := range damaged(signIn.State) {
		c := signIn
		c.State = bad
		if err := w.refuse(fmt.Sprintf("sign-in state %x", bad), p.subject, c, right); err != nil {
			return err
		}
	}
	if w.ticket() {
		return w.accept(&p, signIn, right)
	}
	enrolment, err := w.factor.BeginEnrolment(p.subject, w.Asked)
	if err != nil {
		return err
	}
	confirm := w.Authenticator().Enrol(enrolment, w.at)
	for _, bad := range damaged(enrolment.State) {
		c := enrolment
		c.State = bad
		if err := w.refuseEnrolment(fmt.Sprintf("enrolment state %x", bad), p.subject, c, confirm); err != nil {
			return err
		}
	}
	if _, err := w.factor.FinishEnrolment(p.subject, enrolment, confirm); err != nil {
		return fmt.Errorf("the state as it was: %w", err)
	}
	return w.accept(&p, signIn, right)
}

// damaged returns b with each bit flipped, each cut, and something appended.
func damaged(b []byte) [][]byte {
	out := [][]byte{nil, append(slices.Clone(b), 0), append(slices.Clone(b), b...)}
	for i := range b {
		out = append(out, b[:i:i])
		for bit := range 8 {
			bad := slices.Clone(b)
			bad[i] ^= 1 << bit
			out = append(out, bad)
		}
	}
	return out
}

// damagedData: what storage returns is sealed, yet a factor must survive it
// damaged, and never take a part for the whole.
func damagedData(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, r, err := w.answer(p)
	if err != nil {
		return err
	}
	whole := p.subject.Enrolments[0].Data
	for _, bad := range damaged(whole) {
		s := p.subject
		s.Enrolments = slices.Clone(s.Enrolments)
		s.Enrolments[0].Data = bad
		_, err := w.factor.Finish(s, c, r) // a flipped bit may still verify; it must not panic
		if err == nil && len(bad) != len(whole) {
			return fmt.Errorf("accepted with data of %d bytes instead of %d", len(bad), len(whole))
		}
	}
	return nil
}

// unknownUser: the same prompt, the same work and the same error, whether the
// user exists or has this factor.
func unknownUser(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	wantShown, wantWork, wantErr, err := w.try(p, p.subject)
	if err != nil {
		return err
	}
	for what, s := range w.strangers(p) {
		shown, work, gotErr, err := w.try(p, s)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		case work != wantWork:
			return fmt.Errorf("%s: work %d, a known user's is %d", what, work, wantWork)
		case gotErr.Error() != wantErr.Error():
			return fmt.Errorf("%s: %q, a known user gets %q", what, gotErr, wantErr)
		case (w.factor.Facts().First || w.ticket()) && !bytes.Equal(shown, wantShown):
			return fmt.Errorf("%s: prompt %s, a known user gets %s", what, shown, wantShown)
		}
		// The right response of somebody else's authenticator helps nobody.
		c, err := w.factor.Begin(s)
		if err != nil {
			return err
		}
		if err := w.refuse(what+" with a right response", s, c, p.auth.Answer(c, w.at)); err != nil {
			return err
		}
	}
	return nil
}

// strangers are those whose sign-in must go like a known user's, and fail.
func (w *world) strangers(p person) map[string]factor.Subject {
	nobody := p.subject
	nobody.User, nobody.Enrolments, nobody.Address = nil, nil, ""
	if w.ticket() {
		unreachable := p.subject
		unreachable.Address = "@"
		return map[string]factor.Subject{"nobody": nobody, "an address that is none": unreachable}
	}
	bare, asleep := p.subject, p.subject
	bare.Enrolments = nil
	asleep.Enrolments = slices.Clone(asleep.Enrolments)
	asleep.Enrolments[0].Suspended = true
	return map[string]factor.Subject{"nobody": nobody, "a user without it": bare, "a suspended one": asleep}
}

// try begins for s and answers wrongly.
func (w *world) try(p person, s factor.Subject) (shown []byte, work int64, refusal, err error) {
	asked := s
	if w.Shown != nil {
		asked.Enrolments = nil
	}
	c, err := w.factor.Begin(asked)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("begin: %w", err)
	}
	prompt := c.Prompt
	if w.Shown != nil {
		prompt = w.Shown(prompt)
	}
	if shown, err = json.Marshal(prompt); err != nil {
		return nil, 0, nil, err
	}
	before := w.work()
	_, refusal = w.factor.Finish(s, c, p.auth.Misanswer(c, w.at))
	work = w.work() - before
	if w.Work != nil && work <= 0 {
		return nil, 0, nil, errors.New("a heavy factor did no work")
	}
	return shown, work, refusal, refused("a wrong response", refusal, false)
}

func (w *world) work() int64 {
	if w.Work == nil {
		return 0
	}
	return w.Work()
}

// concurrent lets the race detector see one instance used by many.
func concurrent(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, right, err := w.answer(p)
	if err != nil {
		return err
	}
	wrong := p.auth.Misanswer(c, w.at)
	errs := make(chan error, 16)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			mine := p
			errs <- w.accept(&mine, c, right)
			errs <- w.refuse("a wrong response", p.subject, c, wrong)
			if _, err := w.factor.BeginEnrolment(p.subject, w.Asked); err != nil && !w.ticket() {
				errs <- err
			}
		})
	}
	go func() { all.Wait(); close(errs) }()
	var bad error
	for err := range errs {
		bad = errors.Join(bad, err)
	}
	return bad
}

// randomness: no enrolment without it, even if it comes in pieces, and never
// the same data twice.
func randomness(w *world) error {
	first, err := w.enrol(w.subject("one", "ada"))
	if err != nil {
		return err
	}
	whole := w.factor
	if w.factor, err = w.make(io.MultiReader(bytes.NewReader([]byte{1, 2, 3}), iotest.ErrReader(errors.New("empty")))); err != nil {
		return nil // refusing at once is as good
	}
	if _, err := w.enrol(w.subject("one", "ada")); err == nil {
		return errors.New("enrolled with three random bytes")
	}
	if w.factor, err = w.make(iotest.OneByteReader(counting(7))); err != nil {
		return err
	}
	second, err := w.enrol(w.subject("one", "ada"))
	if err != nil {
		return fmt.Errorf("randomness byte by byte: %w", err)
	}
	w.factor = whole
	third, err := w.enrol(w.subject("one", "ada"))
	if err != nil {
		return err
	}
	a, b, c := first.subject.Enrolments[0].Data, second.subject.Enrolments[0].Data, third.subject.Enrolments[0].Data
	if bytes.Equal(a, b) || bytes.Equal(a, c) || bytes.Equal(b, c) {
		return errors.New("two enrolments keep the same data")
	}
	return nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// counting is an endless reader of known bytes.
func counting(start byte) io.Reader {
	b := make([]byte, 256)
	for i := range b {
		b[i] = start + byte(i)
	}
	return endless(b)
}

type endless []byte

func (e endless) Read(b []byte) (int, error) { return copy(b, e), nil }
