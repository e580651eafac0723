package flow

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// kindAddress is the kind of ephemeral that an unconfirmed address is.
const kindAddress = "address"

// secret is the factor that is a memorised secret: the password.
func (e *Engine) secret() (factor.Factor, bool) {
	for _, f := range e.Factors {
		if f.Facts().Class == assurance.Memorized {
			return f, true
		}
	}
	return nil, false
}

// ChangePassword sets a new password for an actor with fresh purpose who knows
// the present one. A wrong one spends the budget of a sign-in (C-20). Other
// sessions end.
func (e *Engine) ChangePassword(ctx context.Context, t identity.Tenant, a Actor, current, next string) error {
	f, ok := e.secret()
	if !ok {
		return identity.Invalid("factor_unavailable", "There are no passwords here.")
	}
	if e.Slots != nil {
		release, err := e.Slots.Acquire(ctx)
		if err != nil {
			return err
		}
		defer release()
	}
	one, err := e.spendOnSecret(ctx, t, a, f)
	if err != nil {
		return err
	}
	began, err := f.Begin(one.who)
	if err != nil {
		return err
	}
	if _, err := f.Finish(one.who, began, factor.Response{Value: current}); err != nil {
		if errors.Is(err, factor.ErrWrong) {
			return errors.Join(e.act(ctx, t, a, func(r *run) error {
				return r.record(identity.Event{Type: identity.EventFactorFailed, Outcome: identity.Failed, Factor: f.Facts().Name, Session: a.Session})
			}), identity.Invalid(codeInvalidCredentials, "The current password is not right."))
		}
		return err
	}
	made, err := f.BeginEnrolment(one.who, factor.Asked{})
	if err != nil {
		return err
	}
	enrolled, err := f.FinishEnrolment(one.who, made, factor.Response{Value: next})
	if err != nil {
		return wrongCode(err)
	}
	return e.act(ctx, t, a, func(r *run) error {
		if r.user.Epoch != one.epoch {
			return identity.ErrConflict
		}
		if err := r.refund(one); err != nil {
			return err
		}
		r.flow.Proofs = a.Proofs
		at := r.now
		en := identity.Enrolment{
			ID: identity.NewID("enr", r.now, e.Random), User: r.user.ID, Factor: f.Facts().Name, Data: enrolled.Data, Lookup: enrolled.Lookup,
			Channel: r.setThrough(), EnrolledAt: at, LastUsedAt: &at, Version: 1,
		}
		return r.addEnrolment(en)
	})
}

// spendOnSecret counts a try at the present password before it is judged.
func (e *Engine) spendOnSecret(ctx context.Context, t identity.Tenant, a Actor, f factor.Factor) (pendingTry, error) {
	var one pendingTry
	err := e.act(ctx, t, a, func(r *run) error {
		d := Duty{Kind: DutyPassword}
		if err := r.check(&d); err != nil {
			return err
		}
		if err := r.mayChange(a, r.levelOf(d)); err != nil {
			return err
		}
		facts := f.Facts()
		who, err := r.subjectOf(Challenge{Factor: facts.Name})
		if err != nil {
			return err
		}
		one = pendingTry{who: who, epoch: r.user.Epoch, subject: r.user.ID, mass: Guess(facts.Accepted, facts.Space)}
		lanes, err := r.lanes(one.subject)
		if err != nil {
			return err
		}
		one.lane = lanes.Own
		if v := lanes.Check(one.mass); !v.OK() {
			return &identity.Fault{Kind: identity.ErrOverloaded, Code: codeTooMany, Message: "Too many attempts; try again later.", Retry: v.Wait}
		}
		lane := lanes.Spend(one.mass)
		lane.Subject = one.subject
		return r.tx.Lanes.Save(ctx, lane)
	})
	return one, err
}

// pendingAddress is a new address or number whose code has not come back.
type pendingAddress struct {
	User    string    `json:"user"`
	Session string    `json:"session"`
	Duty    Duty      `json:"duty"`
	Set     Challenge `json:"set"`
	Tries   int       `json:"tries"`
}

// BeginAddress sends a code to a new address or number of an
// actor with fresh purpose; see ConfirmAddress. sentTo is masked.
func (e *Engine) BeginAddress(ctx context.Context, t identity.Tenant, a Actor, to identity.Address) (id, sentTo string, err error) {
	d := Duty{Kind: DutyEmail, Value: to.To}
	if to.Channel == identity.ChannelSMS {
		d.Kind = DutyPhone
	}
	err = e.act(ctx, t, a, func(r *run) error {
		if err := r.check(&d); err != nil {
			return err
		}
		if d.Value == "" {
			return identity.Invalid("number_invalid", "A number is wanted.")
		}
		if err := r.mayChange(a, r.levelOf(d)); err != nil {
			return err
		}
		r.flow.Duty = &d
		tickets := r.ticketOffers(ticketAddress)
		if len(tickets) == 0 {
			return identity.Invalid("factor_unavailable", "No code can be sent here.")
		}
		c := Challenge{Factor: tickets[0].Factor, Purpose: ticketAddress, At: r.now}
		subject, err := r.subjectOf(c)
		if err != nil {
			return err
		}
		if c.Challenge, err = e.factors[c.Factor].Begin(subject); err != nil {
			return wrongCode(err)
		}
		if err := r.sendAll(&c); err != nil {
			return err
		}
		id, sentTo = identity.NewID("adr", r.now, e.Random), c.Challenge.Prompt.SentTo
		value, err := json.Marshal(pendingAddress{User: a.User.ID, Session: a.Session, Duty: d, Set: c})
		if err != nil {
			return err
		}
		return r.tx.Ephemerals.Put(ctx, kindAddress, id, value, r.now.Add(challengeLife))
	})
	return id, sentTo, err
}

// ConfirmAddress changes the address or number if the code came back.
func (e *Engine) ConfirmAddress(ctx context.Context, t identity.Tenant, a Actor, id, code string) error {
	p, err := e.tryAddress(ctx, t, a, id)
	if err != nil {
		return err
	}
	return e.act(ctx, t, a, func(r *run) error {
		if err := r.mayChange(a, r.levelOf(p.Duty)); err != nil {
			return err
		}
		r.flow.Duty = &p.Duty
		subject, err := r.subjectOf(p.Set)
		if err != nil {
			return err
		}
		if _, err := e.factors[p.Set.Factor].Finish(subject, p.Set.Challenge, factor.Response{Value: code}); err != nil {
			return wrongCode(err)
		}
		if _, err := r.tx.Ephemerals.Take(ctx, kindAddress, id); err != nil {
			return err
		}
		return r.perform(p.Duty, a.Session)
	})
}

// tryAddress loads a pending address of this actor and counts the try.
func (e *Engine) tryAddress(ctx context.Context, t identity.Tenant, a Actor, id string) (pendingAddress, error) {
	var p pendingAddress
	err := e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		p = pendingAddress{}
		item, err := tx.Ephemerals.Get(ctx, kindAddress, id)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(item.Value, &p); err != nil {
			return err
		}
		if p.User != a.User.ID || p.Session != a.Session || e.factors[p.Set.Factor] == nil {
			return identity.ErrNotFound
		}
		if p.Tries++; p.Tries > max(1, p.Set.Challenge.Tries) {
			return identity.ErrExpired
		}
		value, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return tx.Ephemerals.Swap(ctx, kindAddress, id, item.Version, value, item.ExpiresAt)
	})
	return p, err
}
