package flow

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// apply carries out effects in the transaction at hand.
func (r *run) apply(effects []Effect) error {
	for _, effect := range effects {
		var err error
		switch effect := effect.(type) {
		case SaveEnrolment:
			err = r.tx.Enrolments.Swap(r.ctx, effect.Enrolment)
		case AddEnrolment:
			err = r.addEnrolment(effect.Enrolment)
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

// addEnrolment binds an authenticator: the row, the user's epoch, and a notice
// to the user's address (SP 800-63B-4, 4.6).
func (r *run) addEnrolment(en identity.Enrolment) error {
	if err := r.tx.Enrolments.Create(r.ctx, en); err != nil {
		return err
	}
	if err := r.tx.Users.Bump(r.ctx, r.user.ID, r.user.Epoch); err != nil {
		return err
	}
	r.user.Epoch++
	r.held = append(r.held, en)
	return r.notify(identity.MessageFactorAdded, en.Factor)
}

// notify puts a notice to the user's address into the outbox. It holds no code.
func (r *run) notify(kind, factor string) error {
	for _, a := range r.user.Addresses(r.now) {
		err := r.tx.Outbox.Put(r.ctx, identity.Message{
			ID: identity.NewID("msg", r.now, r.e.Random), Kind: kind, Channel: a.Channel, To: a.To, Name: r.user.Name, User: r.user.ID,
			Args: map[string]string{"factor": factor, "at": r.now.Format(time.RFC3339)}, Locale: r.user.Locale, At: r.now,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// conclude ends a flow at Done: the session is opened or raised, the device is
// known from now on, and the answer is kept for a browser that did not get it.
func (r *run) conclude(f Facts, digest string) (*Answer, error) {
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
		Reasons: reasons(f), Data: map[string]string{"level": r.level(session.Proofs).String()},
	}
	if err := r.record(ev); err != nil {
		return nil, err
	}
	a, err := r.answer(f, session)
	if err != nil {
		return nil, err
	}
	a.Session, a.Device = secret, device
	if err := r.keepAnswer(a, digest); err != nil {
		return nil, err
	}
	_, err = r.tx.Ephemerals.Take(r.ctx, kindFlow, r.flow.ID)
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
	Answer Answer `json:"answer"`
}

func (r *run) keepAnswer(a *Answer, digest string) error {
	value, err := json.Marshal(kept{Digest: digest, Answer: *a})
	if err != nil {
		return err
	}
	return r.tx.Ephemerals.Put(r.ctx, kindAnswer, r.flow.ID, value, r.now.Add(r.e.Kept))
}

// recordDenied writes why a flow was denied.
func (r *run) recordDenied(f Facts) error {
	ev := identity.Event{Type: identity.EventSignInDenied, Outcome: identity.Refused, Reasons: append([]string{string(f.denial())}, reasons(f)...)}
	return r.record(ev)
}
