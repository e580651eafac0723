package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// settle is the second transaction: it compares the world with what the first
// one read, then accepts or refuses.
func (e *Engine) settle(ctx context.Context, base *run, id string, p Post, one pendingTry, outcome factor.Outcome, enrolled factor.Enrolled, verdict error) (out Posted, err error) {
	err = e.Store.Update(ctx, base.tenant.ID, func(tx identity.Tx) error {
		r := *base
		r.tx, r.now = tx, e.now()
		if err := r.load(id); err != nil {
			return err
		}
		if err := r.read(); err != nil {
			return err
		}
		session := ""
		if r.session != nil {
			session = r.session.ID
		}
		if r.version != one.version || r.flow.Epoch != one.epoch || session != one.session {
			return errMoved
		}
		switch {
		case verdict != nil:
			out, err = r.refuse(one, verdict)
		case one.challenge.Enrolling:
			out, err = r.acceptEnrolment(one, enrolled, p)
		default:
			out, err = r.accept(one, outcome, p)
		}
		return err
	})
	return out, err
}

// accept takes a proof: the enrolment's new data is written by compare-and-swap
// in this transaction, so that nothing is honoured twice.
func (r *run) accept(one pendingTry, outcome factor.Outcome, p Post) (Posted, error) {
	i := slices.IndexFunc(r.held, func(en identity.Enrolment) bool { return en.ID == outcome.Enrolment })
	j := slices.IndexFunc(one.who.Enrolments, func(en identity.Enrolment) bool { return en.ID == outcome.Enrolment })
	if r.user == nil || i < 0 || j < 0 || r.held[i].Factor != one.challenge.Factor {
		return Posted{}, errMoved
	}
	if r.held[i].Version != one.who.Enrolments[j].Version {
		return Posted{}, errEnrolmentMoved
	}
	en := r.held[i]
	facts := r.e.factors[en.Factor].Facts()
	write := outcome.Data != nil || en.LastUsedAt == nil || r.now.Sub(*en.LastUsedAt) > time.Hour
	if outcome.Data != nil {
		en.Data = outcome.Data
	}
	at := r.now
	en.LastUsedAt = &at
	proof := outcome.Proof
	proof.Factor, proof.Class, proof.AMR = facts.Name, facts.Class, facts.AMR
	proof.Enrolment, proof.At = en.ID, r.now
	if err := r.refund(one); err != nil {
		return Posted{}, err
	}
	if write {
		r.held[i] = en
	}
	return r.advance(Proved{Challenge: one.challenge.ID, Proof: proof, Enrolment: en, Write: write}, one.step, p)
}

// acceptEnrolment binds a new authenticator. Its confirming response is a proof
// in this flow.
func (r *run) acceptEnrolment(one pendingTry, enrolled factor.Enrolled, p Post) (Posted, error) {
	if r.user == nil {
		return Posted{}, errMoved
	}
	facts := r.e.factors[one.challenge.Factor].Facts()
	at := r.now
	en := identity.Enrolment{
		ID: one.challenge.Enrolment, User: r.user.ID, Factor: facts.Name,
		Data: enrolled.Data, Lookup: enrolled.Lookup, EnrolledAt: r.now, LastUsedAt: &at, Version: 1,
	}
	proof := enrolled.Proof
	if proof.Class != "" {
		proof.Factor, proof.Class, proof.AMR = facts.Name, facts.Class, facts.AMR
		proof.Enrolment, proof.At = en.ID, r.now
	}
	return r.advance(EnrolledFactor{Challenge: one.challenge.ID, Proof: proof, Enrolment: en}, one.step, p)
}

// refuse records a wrong response. The attempt stays spent, and a challenge
// that allows one try is replaced.
func (r *run) refuse(one pendingTry, verdict error) (Posted, error) {
	code, args := refusal(verdict, one, r.e.factors[one.challenge.Factor].Facts())
	next, effects, err := Advance(r.flow, Refused{Challenge: one.challenge.ID, Reason: code}, one.step)
	if err != nil {
		return Posted{}, errMoved
	}
	r.flow = next
	if err := r.apply(effects); err != nil {
		return Posted{}, err
	}
	if err := r.recordClosed(one); err != nil {
		return Posted{}, err
	}
	f := r.facts()
	step := Next(f)
	changed, err := r.prepare(f, step)
	if err != nil {
		return Posted{}, err
	}
	v := r.withError(f, step, &ViewError{Code: code, Args: args})
	if !changed {
		return Posted{View: v}, nil
	}
	return Posted{View: v}, r.keep()
}

// recordClosed writes an event when this attempt filled its lane.
func (r *run) recordClosed(one pendingTry) error {
	if one.mass == 0 {
		return nil
	}
	lanes, err := r.lanes(one.subject)
	if err != nil {
		return err
	}
	lanes.Own = one.lane
	if v := lanes.Check(one.mass); !v.Closed {
		return nil
	}
	lane := "unknown browsers"
	if one.lane != laneUnknown {
		lane = "known device"
	}
	return r.record(identity.Event{Type: identity.EventLaneClosed, Outcome: identity.Refused, Factor: one.challenge.Factor, Data: map[string]string{"lane": lane}})
}

// refund gives the attempt back after an accepted response.
func (r *run) refund(one pendingTry) error {
	if one.mass == 0 {
		return nil
	}
	all, err := r.tx.Lanes.Load(r.ctx, one.subject)
	if err != nil {
		return err
	}
	lane := Lanes{All: all, Own: one.lane, Now: r.now}.Refund(one.mass)
	lane.Subject = one.subject
	return r.tx.Lanes.Save(r.ctx, lane)
}

// refusal says in a code what was wrong. For the first proof there is one code,
// whatever the factor knows: it must not tell who exists.
func refusal(verdict error, one pendingTry, facts factor.Facts) (code string, args map[string]string) {
	if facts.First && !one.challenge.Enrolling && facts.Space != 0 {
		return codeInvalidCredentials, nil
	}
	var why *factor.Refusal
	if errors.As(verdict, &why) {
		return why.Code, why.Args
	}
	return codeInvalid, nil
}
