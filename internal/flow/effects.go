package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// apply carries out effects in the transaction at hand.
func (r *run) apply(effects []Effect) error {
	for _, effect := range effects {
		var err error
		switch effect := effect.(type) {
		case SaveEnrolment:
			err = r.saveEnrolment(effect.Enrolment)
		case AddEnrolment:
			err = r.addEnrolment(effect.Enrolment)
		case MakeUser:
			err = r.makeUser(effect.User)
		case Confirm:
			err = r.confirm(effect.Ticket)
		case Recover:
			err = r.recover()
		case Record:
			err = r.record(effect.Event)
		default:
			err = fmt.Errorf("flow: unknown effect %T", effect)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// saveEnrolment writes an enrolment by compare-and-swap.
func (r *run) saveEnrolment(en identity.Enrolment) error {
	if err := r.tx.Enrolments.Swap(r.ctx, en); err != nil {
		return err
	}
	for i := range r.held {
		if r.held[i].ID == en.ID {
			en.Version++
			r.held[i] = en
		}
	}
	return nil
}

// addEnrolment binds an authenticator: the row, the user's epoch, and a notice
// to the user's addresses (SP 800-63B-4, 4.6). Of some factors a person has one:
// a new one takes the old one's place. An invitation is used up by it.
func (r *run) addEnrolment(en identity.Enrolment) error {
	if r.user.Frozen(r.now) {
		return errFrozen()
	}
	kind := r.e.kinds[en.Factor]
	if kind.Replaces {
		if err := r.replace(en.Factor); err != nil {
			return err
		}
	}
	if r.flow.Invite != "" {
		if _, err := r.tx.Ephemerals.Take(r.ctx, kindInvite, r.flow.Invite); err != nil {
			return err
		}
		r.flow.Invite = ""
	}
	if err := r.tx.Enrolments.Create(r.ctx, en); err != nil {
		return taken(err)
	}
	if err := r.tx.Users.Bump(r.ctx, r.user.ID, r.user.Epoch); err != nil {
		return err
	}
	r.user.Epoch++
	r.held = append(r.held, en)
	if kind.Class != assurance.Memorized {
		return r.notify(identity.MessageFactorAdded, en.Factor)
	}
	return r.passwordSet()
}

// taken makes a conflict of an authenticator that somebody has enrolled the
// person's to mend.
func taken(err error) error {
	if errors.Is(err, identity.ErrConflict) {
		return identity.Invalid("enrolment_exists", "This authenticator is already enrolled.")
	}
	return err
}

// replace takes what a person holds of a factor out of use.
func (r *run) replace(name string) error {
	for i := len(r.held) - 1; i >= 0; i-- {
		if r.held[i].Factor != name {
			continue
		}
		if err := r.retire(r.held[i]); err != nil {
			return err
		}
		r.held = slices.Delete(r.held, i, i+1)
	}
	return nil
}

// retire takes an enrolment out of use. It is kept for a while, so that its
// owner can undo what a thief did.
func (r *run) retire(en identity.Enrolment) error {
	at := r.now
	en.Suspended, en.RemovedAt = true, &at
	if err := r.tx.Enrolments.Swap(r.ctx, en); err != nil {
		return err
	}
	return r.disown(en.ID)
}

// disown takes the proofs of an authenticator out of the user's sessions: what
// was lost or stolen holds nothing open any more. Grants follow, since they
// count for no more than their session.
func (r *run) disown(enrolment string) error {
	all, err := r.tx.Sessions.ByUser(r.ctx, r.user.ID)
	if err != nil {
		return err
	}
	of := func(p assurance.Proof) bool { return p.Enrolment == enrolment }
	r.flow.Proofs = slices.DeleteFunc(slices.Clone(r.flow.Proofs), of)
	for _, s := range all {
		if !slices.ContainsFunc(s.Proofs, of) {
			continue
		}
		s.Proofs = slices.DeleteFunc(slices.Clone(s.Proofs), of)
		mine := r.session != nil && r.session.ID == s.ID
		switch {
		case len(s.Proofs) == 0 && !mine:
			err = r.e.EndSession(r.ctx, r.tx, s, "its sign-in method was removed")
		default:
			err = r.tx.Sessions.Save(r.ctx, s)
			s.Version++
			if err == nil {
				err = r.e.lowered(r.ctx, r.tx, s.ID)
			}
		}
		if err != nil {
			return err
		}
		if mine {
			r.session = &s
		}
	}
	return nil
}

// passwordSet ends the user's other sessions and tells them, unless it is their
// first password.
func (r *run) passwordSet() error {
	if r.flow.ticketed(string(Register), string(Join)) {
		return nil
	}
	if err := r.endSessions("password changed", func(s identity.Session) bool { return s.ID == r.flow.Session }); err != nil {
		return err
	}
	if err := r.record(identity.Event{Type: identity.EventPasswordChanged, Outcome: identity.Succeeded}); err != nil {
		return err
	}
	return r.notify(identity.MessagePassword, "")
}

// endSessions ends the sessions of the user, save those to be spared.
func (r *run) endSessions(why string, spare func(identity.Session) bool) error {
	all, err := r.tx.Sessions.ByUser(r.ctx, r.user.ID)
	if err != nil {
		return err
	}
	for _, s := range all {
		if spare != nil && spare(s) {
			continue
		}
		if err := r.e.EndSession(r.ctx, r.tx, s, why); err != nil {
			return err
		}
	}
	return nil
}

// makeUser creates the user of a registration: the address is theirs, since the
// code that was mailed there came back.
func (r *run) makeUser(u identity.User) error {
	if err := r.tx.Users.Create(r.ctx, u); err != nil {
		if errors.Is(err, identity.ErrConflict) {
			return errMoved
		}
		return err
	}
	r.user = &u
	return r.record(identity.Event{Type: identity.EventUserRegistered, Outcome: identity.Succeeded})
}

// confirm notes that a code that was mailed to the user's address came back.
func (r *run) confirm(t Ticket) error {
	if t.To == "" || t.To != r.user.Email || r.user.EmailVerified {
		return nil
	}
	r.user.EmailVerified = true
	return r.tx.Users.Save(r.ctx, *r.user)
}

// recover notes that a recovery code was used, and tells the user everywhere
// (SP 800-63B-4, 4.2.3).
func (r *run) recover() error {
	at := r.now
	r.user.RecoveredAt = &at
	if err := r.tx.Users.Save(r.ctx, *r.user); err != nil {
		return err
	}
	if err := r.record(identity.Event{Type: identity.EventRecoveryUsed, Outcome: identity.Succeeded}); err != nil {
		return err
	}
	return r.notify(identity.MessageRecoveryUsed, "")
}

// notify tells a user of a change at all their addresses, with a way to say
// that it was not them. It holds no code.
func (r *run) notify(kind, factor string) error {
	link, err := r.repudiation()
	if err != nil {
		return err
	}
	args := map[string]string{"link": link}
	if factor != "" {
		args["factor"] = factor
	}
	return r.tell(kind, args)
}

// conclude ends a flow at Done: the session is opened or raised, the device is
// known from now on, and the answer is kept for a browser that did not get it.
func (r *run) conclude(f Facts, digest string) (*Answer, error) {
	if d := r.flow.Duty; d != nil {
		if err := r.perform(*d, r.flow.Session); err != nil {
			return nil, err
		}
		if d.Kind == DutyEndAll || d.Kind == DutyEndSession && r.session != nil && d.Session == r.session.ID {
			return r.leave(digest)
		}
		if left := r.remaining(); len(left) == 0 { // what was removed is all that was proved
			if r.session != nil && r.session.ID == r.flow.Session {
				if err := r.e.EndSession(r.ctx, r.tx, *r.session, "its sign-in method was removed"); err != nil {
					return nil, err
				}
			}
			return r.leave(digest)
		}
	}
	if err := errors.Join(r.tellRisk(), r.learn()); err != nil {
		return nil, err
	}
	session, secret, err := r.openSession()
	if err != nil {
		return nil, err
	}
	device, err := r.knowDevice(session)
	if err != nil {
		return nil, err
	}
	ev := identity.Event{
		Type: identity.EventSignIn, Outcome: identity.Succeeded, Session: session.ID,
		Reasons: append(reasons(f), r.oddities()...), Data: map[string]string{"level": r.level(session.Proofs).String()},
	}
	if err := r.record(ev); err != nil {
		return nil, err
	}
	a, err := r.answer(f, session)
	if err != nil {
		return nil, err
	}
	a.Session, a.Device = secret, device
	if a.Bind, err = r.offerBinding(session); err != nil {
		return nil, err
	}
	if err := r.keepAnswer(a, Done, digest); err != nil {
		return nil, err
	}
	_, err = r.tx.Ephemerals.Take(r.ctx, kindFlow, r.flow.ID)
	return a, err
}

// remaining is what the session would hold at the end of this flow.
func (r *run) remaining() []assurance.Proof {
	if r.session != nil && r.session.ID == r.flow.Session {
		return assurance.Union(r.session.Proofs, r.flow.Proofs)
	}
	return r.flow.Proofs
}

// leave ends a flow that ended all sessions: nothing is opened.
func (r *run) leave(digest string) (*Answer, error) {
	a := &Answer{Redirect: r.flow.Authorization.RedirectURI}
	if err := r.keepAnswer(a, Done, digest); err != nil {
		return nil, err
	}
	_, err := r.tx.Ephemerals.Take(r.ctx, kindFlow, r.flow.ID)
	return a, err
}

// level is what proofs are worth now, for events.
func (r *run) level(proofs []assurance.Proof) assurance.Level {
	return r.e.question(r.policy, identity.Session{Activity: assurance.Activity{Last: r.now}}, r.now).Standing(proofs).Level
}

func reasons(f Facts) []string {
	out := make([]string, 0, len(f.Decision.Reasons))
	for _, reason := range f.Decision.Reasons {
		out = append(out, string(reason))
	}
	return out
}

// answer makes the authorization code, or the way back to our own page. The
// grant that the code stands for keeps the proofs that met this request.
func (r *run) answer(f Facts, s identity.Session) (*Answer, error) {
	req := r.flow.Authorization
	if req.OwnPage {
		return &Answer{Redirect: req.RedirectURI}, nil
	}
	code := identity.RandomToken(secretLength, r.e.Random)
	stands := identity.AuthorizationCode{
		Request: req, Flow: r.flow.ID, Purpose: r.flow.Manages(),
		Grant: identity.Grant{
			ID: identity.NewID("grt", r.now, r.e.Random), User: s.User, Application: r.flow.Application.ID, Session: s.ID,
			Proofs: r.grantProofs(f, s), Scopes: req.Scopes, Resources: req.Resources, Nonce: req.Nonce,
			Thumbprint: req.DPoPThumbprint, Claims: req.Claims, Userinfo: req.UserinfoClaims, CreatedAt: r.now,
		},
	}
	value, err := json.Marshal(stands)
	if err != nil {
		return nil, err
	}
	// No longer than its level: a weaker token must not come of it.
	expires := r.now.Add(codeLife)
	if until := r.e.question(r.policy, s, r.now).Standing(stands.Grant.Proofs).Until; !until.IsZero() && until.Before(expires) {
		expires = until
	}
	if err := r.tx.Ephemerals.Put(r.ctx, KindCode, identity.HashKey(code), value, expires); err != nil {
		return nil, err
	}
	redirect, form := AnswerURL(r.tenant, req, map[string]string{"code": code})
	return &Answer{Redirect: redirect, Form: form}, nil
}

// grantProofs are the proofs of the session that counted for this request.
// Under max_age only those since then: acr and auth_time speak of one sign-in.
func (r *run) grantProofs(f Facts, s identity.Session) []assurance.Proof {
	return assurance.Intersect(f.Proofs, s.Proofs)
}

// kept is the answer of a finished flow, for a reply that was lost.
type kept struct {
	Digest string `json:"digest"` // of the response that finished it
	Step   Step   `json:"step"`   // done or denied
	Answer Answer `json:"answer"`
}

func (r *run) keepAnswer(a *Answer, step Step, digest string) error {
	value, err := json.Marshal(kept{Digest: digest, Step: step, Answer: *a})
	if err != nil {
		return err
	}
	return r.tx.Ephemerals.Put(r.ctx, kindAnswer, r.flow.ID, value, r.now.Add(r.e.Kept))
}

// recordDenied writes why a flow was denied.
func (r *run) recordDenied(f Facts) error {
	if err := r.tellRisk(); err != nil {
		return err
	}
	ev := identity.Event{Type: identity.EventSignInDenied, Outcome: identity.Refused, Reasons: slices.Concat([]string{string(f.denial())}, reasons(f), r.oddities())}
	if f.denial() == Unmet { // nobody was turned away; what was asked cannot be given
		ev.Type = identity.EventRequirementFailed
		ev.Data = map[string]string{"asked": f.Decision.Requirement.Level.String()}
	}
	return r.record(ev)
}
