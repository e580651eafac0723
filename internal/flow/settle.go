package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
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
		if one.located != nil && !r.nameLocated(*one.located) {
			return errMoved
		}
		session := ""
		if r.session != nil {
			session = r.session.ID
		}
		if r.version != one.version || one.located == nil && r.flow.Epoch != one.epoch || session != one.session {
			return errMoved
		}
		switch {
		case verdict != nil && one.challenge.Purpose == ticketFirst && errors.Is(verdict, factor.ErrWrong):
			out, err = r.operatorTicket(one, verdict, p)
		case verdict != nil:
			out, err = r.refuse(one, verdict)
		case one.challenge.Purpose != "":
			out, err = r.acceptTicket(one, one.who.Channel, one.who.Address, p)
		case one.challenge.Trial:
			out, err = r.acceptTrial(one, outcome, p)
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
	facts := r.e.kinds[en.Factor]
	write := outcome.Data != nil || en.LastUsedAt == nil || r.now.Sub(*en.LastUsedAt) > time.Hour
	if outcome.Data != nil {
		en.Data = outcome.Data
	}
	at := r.now
	en.LastUsedAt = &at
	if err := errors.Join(r.refund(one), r.converted(one.challenge)); err != nil {
		return Posted{}, err
	}
	if write {
		r.held[i] = en
	}
	h := Proved{Challenge: one.challenge.ID, Proof: r.proof(outcome.Proof, en, facts), Enrolment: en, Write: write, Reasons: outcome.Reasons}
	if slices.Contains(outcome.Reasons, factor.ReasonBreached) {
		r.flow.Breached = true
	}
	if p.Upgrade && facts.Class == assurance.Memorized {
		r.flow.Upgrade = true
	}
	if one.located != nil {
		l := Located{Proved: h, User: *r.user}
		if r.session != nil && r.session.User == r.user.ID {
			l.Session = r.session.ID
		}
		return r.advance(l, one.step, p)
	}
	return r.advance(h, one.step, p)
}

// proof fills in what the engine knows of a proof.
func (r *run) proof(p assurance.Proof, en identity.Enrolment, facts factor.Facts) assurance.Proof {
	p.Factor, p.Class, p.AMR = facts.Name, facts.Class, facts.AMR
	p.Enrolment, p.At = en.ID, r.now
	if p.Channel == "" {
		p.Channel = en.Channel
	}
	return p
}

// nameLocated loads whom an authenticator named, and reports whether they are
// still as they were when it was judged. The flow follows at Located.
func (r *run) nameLocated(u identity.User) bool {
	now, err := r.tx.Users.ByID(r.ctx, u.ID)
	if err != nil || now.Epoch != u.Epoch {
		return false
	}
	r.user = &now
	r.flow.Epoch = now.Epoch // nobody was named: there is nothing to start over
	return r.readHeld(u.ID) == nil
}

// acceptEnrolment binds a new authenticator; one that has to prove itself first
// is kept aside until it has. Its confirming response is a proof in this flow.
func (r *run) acceptEnrolment(one pendingTry, enrolled factor.Enrolled, p Post) (Posted, error) {
	if r.user == nil {
		return Posted{}, errMoved
	}
	facts := r.e.kinds[one.challenge.Factor]
	at := r.now
	en := identity.Enrolment{
		ID: one.challenge.Enrolment, User: r.user.ID, Factor: facts.Name, Name: cmp.Or(cleanName(p.Fields["name"]), cleanName(enrolled.Name)),
		Data: enrolled.Data, Lookup: enrolled.Lookup, Channel: enrolled.Proof.Channel, EnrolledAt: r.now, LastUsedAt: &at, Version: 1,
	}
	if facts.Class == assurance.Memorized {
		en.Channel = r.setThrough()
	}
	if err := r.converted(one.challenge); err != nil {
		return Posted{}, err
	}
	if facts.SelfTest && !one.challenge.Silent {
		return r.advance(Made{Challenge: one.challenge.ID, Trial: Trial{Enrolment: en, Data: en.Data, Lookup: en.Lookup}}, one.step, p)
	}
	h := r.enrolled(one, en)
	if enrolled.Proof.Class != "" {
		h.Proof = r.proof(enrolled.Proof, en, facts)
	}
	return r.advance(h, one.step, p)
}

// acceptTrial binds an authenticator that has proved itself.
func (r *run) acceptTrial(one pendingTry, outcome factor.Outcome, p Post) (Posted, error) {
	t := r.flow.Trial
	if r.user == nil || t == nil || outcome.Enrolment != t.Enrolment.ID {
		return Posted{}, errMoved
	}
	en := t.Whole()
	if outcome.Data != nil {
		en.Data = outcome.Data
	}
	at := r.now
	en.LastUsedAt = &at
	h := r.enrolled(one, en)
	h.Proof = r.proof(outcome.Proof, en, r.e.kinds[en.Factor])
	return r.advance(h, one.step, p)
}

// enrolled says what binding an enrolment means for this flow.
func (r *run) enrolled(one pendingTry, en identity.Enrolment) EnrolledFactor {
	h := EnrolledFactor{Challenge: one.challenge.ID, Enrolment: en}
	kind := r.e.kinds[en.Factor]
	f := r.facts()
	h.Recovered = f.recovering() && kind.Class != assurance.Memorized
	h.Follow = !h.Recovered && !kind.Hidden && !kind.Follows && !one.challenge.Silent && r.followers() && !r.holds(func(k factor.Facts) bool { return k.Follows })
	return h
}

// followers reports whether the tenant has a factor that follows a first one.
func (r *run) followers() bool {
	for _, kind := range r.e.kinds {
		if kind.Follows && r.allows(kind) {
			return true
		}
	}
	return false
}

func (r *run) holds(what func(factor.Facts) bool) bool {
	return slices.ContainsFunc(r.held, func(en identity.Enrolment) bool { return what(r.e.kinds[en.Factor]) })
}

// setThrough is the mailbox that a new password rests on: the one that its reset
// code went to, or the one of the password before, unless another factor spoke
// for the change (C-24).
func (r *run) setThrough() string {
	through := ""
	for _, en := range r.held {
		if r.e.kinds[en.Factor].Class == assurance.Memorized {
			through = en.Channel
		}
	}
	if t, ok := r.flow.ticket(string(Reset)); ok {
		through = identity.ChannelOf(r.index, t.Channel, t.To)
	}
	for _, p := range r.flow.Proofs {
		if p.Class != assurance.Memorized && p.Class != assurance.LookUp && p.Channel != through {
			return ""
		}
	}
	return through
}

// refuse records a wrong response. The attempt stays spent, and a challenge
// that allows one try is replaced.
func (r *run) refuse(one pendingTry, verdict error) (Posted, error) {
	if err := r.failed(one); err != nil {
		return Posted{}, err
	}
	code, args := refusal(verdict, one, r.e.kinds[one.challenge.Factor])
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
	if one.challenge.Anybody { // whether it is unknown or was forged
		return codeUnknown, nil
	}
	return codeInvalid, nil
}
