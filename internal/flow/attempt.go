package flow

import (
	"context"
	"crypto/hmac"
	"errors"
	"math"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// pendingTry is what the first transaction of an attempt hands to the second.
type pendingTry struct {
	version   int64
	epoch     int64
	session   string
	lane      string
	subject   string
	mass      int64
	challenge Challenge
	who       factor.Subject
	step      Step
	located   *identity.User // of an authenticator that named its user itself
}

// attempt judges a response to a challenge: the first transaction spends the
// attempt and consumes a one-shot challenge, the factor judges outside any
// transaction, the second accepts or refuses. A crash in between leaves the
// attempt spent.
func (e *Engine) attempt(ctx context.Context, base *run, id string, p Post) (Posted, error) {
	release, err := e.holdSlot(ctx, base, id, p.Prompt)
	if err != nil {
		return Posted{}, err
	}
	if release != nil {
		defer release()
	}
	base.holding = release != nil
	for rerun := 0; ; rerun++ {
		one, early, err := e.spend(ctx, base, id, p, rerun > 0)
		if err != nil || early != nil {
			return orEmpty(early), err
		}
		outcome, enrolled, verdict := e.judge(one, p)
		if verdict != nil && !errors.Is(verdict, factor.ErrWrong) {
			return Posted{}, verdict
		}
		out, err := e.settle(ctx, base, id, p, one, outcome, enrolled, verdict)
		// Somebody else's success with the same enrolment came first: judge again
		// against what is stored now, twice at most.
		if errors.Is(err, errEnrolmentMoved) && rerun < 2 {
			continue
		}
		if errors.Is(err, errMoved) || errors.Is(err, errEnrolmentMoved) {
			return e.reload(ctx, base, id)
		}
		return out, err
	}
}

func orEmpty(p *Posted) Posted {
	if p == nil {
		return Posted{}
	}
	return *p
}

// holdSlot takes a hash slot for a heavy factor before anything is spent, so
// that overload costs nobody an attempt. It returns nil where none is needed.
func (e *Engine) holdSlot(ctx context.Context, base *run, id, prompt string) (func(), error) {
	heavy := false
	err := e.Store.View(ctx, base.tenant.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		if err := r.load(id); err != nil {
			return err
		}
		if i, ok := r.flow.challenge(prompt); ok {
			heavy = e.factors[r.flow.Challenges[i].Factor].Facts().Heavy
		}
		return nil
	})
	if err != nil {
		return nil, e.auditForeign(ctx, base, id, err)
	}
	if !heavy || e.Slots == nil {
		return nil, nil
	}
	return e.Slots.Acquire(ctx)
}

// spend is the first transaction. It answers early where nothing is to be judged.
func (e *Engine) spend(ctx context.Context, base *run, id string, p Post, again bool) (one pendingTry, early *Posted, err error) {
	err = e.Store.Update(ctx, base.tenant.ID, func(tx identity.Tx) error {
		one, early = pendingTry{}, nil
		r := *base
		r.tx = tx
		if err := r.load(id); err != nil {
			return err
		}
		if err := r.read(); err != nil {
			return err
		}
		f := r.facts()
		step := Next(f)
		if step == Denied {
			out, err := r.proceed(p)
			early = &out
			return err
		}
		next, _, aerr := Advance(r.flow, Tried{Challenge: p.Prompt}, step)
		i, ok := r.flow.challenge(p.Prompt)
		if aerr != nil || !ok || !r.now.Before(r.flow.Challenges[i].At.Add(challengeLife)) || !r.mayJudge(r.flow.Challenges[i]) {
			v, err := r.stale(f, step, p.Prompt)
			early = &Posted{View: v}
			return err
		}
		c := r.flow.Challenges[i]
		one = pendingTry{challenge: c, step: step, subject: r.subject(f)}
		if one.who, err = r.subjectOf(c); err != nil {
			return err
		}
		if err := r.locate(&one, p); err != nil {
			return err
		}
		// A ticket is bounded by its own few tries and by the caps on sending: it
		// has to be a way out of a lane that strangers filled.
		if facts := e.kinds[c.Factor]; !c.Enrolling && !facts.Ticket {
			one.mass = Guess(facts.Accepted*int64(max(1, len(one.who.Enrolments))), facts.Space)
		}
		if early, err = r.spendAttempt(f, step, &one, again); err != nil || early != nil {
			return err
		}
		r.flow = next
		if err := r.keep(); err != nil {
			return err
		}
		one.version, one.epoch = r.version, r.flow.Epoch
		if r.session != nil {
			one.session = r.session.ID
		}
		return nil
	})
	return one, early, err
}

// spendAttempt counts the attempt in its lane, or answers that it may not be made.
func (r *run) spendAttempt(f Facts, step Step, one *pendingTry, again bool) (*Posted, error) {
	if one.mass == 0 {
		return nil, nil
	}
	lanes, err := r.lanes(one.subject)
	if err != nil {
		return nil, err
	}
	one.lane = lanes.Own
	if again { // the attempt of the first run still counts
		return nil, nil
	}
	if v := lanes.Check(one.mass); !v.OK() {
		r.closed = v.Closed
		e := &ViewError{Code: codeTooMany, RetryAfter: int(math.Ceil(v.Wait.Seconds()))}
		return &Posted{View: r.withError(f, step, e)}, nil
	}
	lane := lanes.Spend(one.mass)
	lane.Subject = one.subject
	return nil, r.tx.Lanes.Save(r.ctx, lane)
}

// stale answers a response to a prompt that is no longer open, with a new one.
func (r *run) stale(f Facts, step Step, prompt string) (View, error) {
	code := codeStale
	if i, ok := r.flow.challenge(prompt); ok && r.flow.Challenges[i].Challenge.Prompt.SentTo != "" && !r.now.Before(r.flow.Challenges[i].At.Add(challengeLife)) {
		code = codeExpired
	}
	changed, err := r.prepare(f, step)
	if err != nil {
		return View{}, err
	}
	v := r.withError(f, step, &ViewError{Code: code})
	if !changed {
		return v, nil
	}
	return v, r.keep()
}

// locate finds whom a response that names its own user claims to be of. Nobody
// is found for what is unknown, suspended or malformed: the factor then judges
// for nobody, and says no.
func (r *run) locate(one *pendingTry, p Post) error {
	if !one.challenge.Anybody {
		return nil
	}
	handle, lookup, err := r.e.factors[one.challenge.Factor].(factor.Discoverable).Locate(factor.Response{Value: p.Value, PublicKey: p.PublicKey})
	if err != nil {
		return nil //nolint:nilerr // malformed: nobody
	}
	en, err := r.tx.Enrolments.ByLookup(r.ctx, one.challenge.Factor, lookup)
	if errors.Is(err, identity.ErrNotFound) || err == nil && en.Suspended {
		return nil
	}
	if err != nil {
		return err
	}
	user, err := r.tx.Users.ByID(r.ctx, en.User)
	if errors.Is(err, identity.ErrNotFound) || err == nil && !hmac.Equal(user.Handle, handle) {
		return nil
	}
	if err != nil {
		return err
	}
	one.located, one.who.User, one.who.Enrolments = &user, &user, []identity.Enrolment{en}
	return nil
}

// judge asks the factor. It holds no transaction.
func (e *Engine) judge(one pendingTry, p Post) (factor.Outcome, factor.Enrolled, error) {
	response := factor.Response{Value: p.Value, PublicKey: p.PublicKey}
	f := e.factors[one.challenge.Factor]
	if one.challenge.Enrolling {
		enrolled, err := f.FinishEnrolment(one.who, one.challenge.Challenge, response)
		return factor.Outcome{}, enrolled, err
	}
	outcome, err := e.judgeEach(f, one, response)
	return outcome, factor.Enrolled{}, err
}

// judgeEach asks about each of a person's authenticators of one factor in turn,
// where a response does not name its own: any of two apps may have shown the
// code, and the attempt was weighed by their number. All are asked, whichever
// answers, and a refusal that says more than "wrong" is the one to tell.
func (e *Engine) judgeEach(f factor.Factor, one pendingTry, response factor.Response) (factor.Outcome, error) {
	if one.challenge.Challenge.Prompt.Input != factor.Text || len(one.who.Enrolments) < 2 {
		return f.Finish(one.who, one.challenge.Challenge, response)
	}
	var accepted *factor.Outcome
	var refused error
	for _, en := range one.who.Enrolments {
		who := one.who
		who.Chosen = en.ID
		outcome, err := f.Finish(who, one.challenge.Challenge, response)
		var why *factor.Refusal
		switch {
		case err == nil && accepted == nil:
			accepted = &outcome
		case err != nil && !errors.Is(err, factor.ErrWrong):
			return factor.Outcome{}, err
		case err != nil && (refused == nil || errors.As(err, &why)):
			refused = err
		}
	}
	if accepted != nil {
		return *accepted, nil
	}
	return factor.Outcome{}, refused
}
