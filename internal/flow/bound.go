package flow

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

const (
	bindWithin = 30 * time.Second // of the sign-in: how long a browser may take to bind its session
	// boundGrace is how long requests that were under way when a short cookie was
	// handed out may still come with the last one, or with none.
	boundGrace = 5 * time.Second
	// unboundFor is how long an unbound session opens anything where the policy
	// requires bound ones: a browser that can will have bound it by then.
	unboundFor = time.Minute
	// bindTries bounds how often a lost race is run again.
	bindTries = 3
)

// Registration invites a browser to bind its session to a key, once.
type Registration struct {
	Challenge     string `json:"challenge"`
	Authorization string `json:"authorization"`
}

// BindRequest is what a browser answers to a Registration. That Key signed it has
// been checked.
type BindRequest struct {
	Registration
	Key []byte // public key as JWK
}

// Bound is what the browser of a bound session is given.
type Bound struct {
	ID        string
	Cookie    string        // secret of the short cookie
	Life      time.Duration // of the short cookie
	Challenge string        // what the next proof has to sign
}

// Errors of a binding. With the first the browser may sign anew; all others end
// the binding in the browser.
var (
	ErrStaleChallenge = errors.New("flow: the challenge is unknown, over or was used")
	errBindRefused    = fmt.Errorf("flow: no session here is bound or can be bound by this: %w", identity.ErrForbidden)
)

// binding is what is kept of a challenge, under its hash.
type binding struct {
	Session       string `json:"session"`
	Authorization []byte `json:"authorization,omitempty"` // SHA-256
}

// carried reports whether a request may use a session whose cookie it bears: a
// bound session opens for nobody without a short cookie that is good now (C-37).
func (r *run) carried(s identity.Session) bool {
	if s.Bound == nil {
		return r.policy.Sessions.Bound != policy.BoundRequire || r.now.Before(latest(s.Proofs).Add(unboundFor))
	}
	if r.now.Before(s.Bound.At.Add(boundGrace)) {
		return true
	}
	return r.browser.Bound != "" && s.Bound.Holds(identity.Hash(r.browser.Bound), r.now)
}

// latest is when somebody last proved who they are.
func latest(proofs []assurance.Proof) time.Time {
	var at time.Time
	for _, p := range proofs {
		if p.At.After(at) {
			at = p.At
		}
	}
	return at
}

// offerBinding lets the browser bind the session that a flow opened or raised, if
// it is not bound. Browsers bind over https alone.
func (r *run) offerBinding(s identity.Session) (*Registration, error) {
	if s.Bound != nil || r.policy.Sessions.Bound == policy.BoundOff || !strings.HasPrefix(r.tenant.Issuer, "https:") {
		return nil, nil
	}
	out := Registration{Challenge: identity.RandomToken(secretLength, r.e.Random), Authorization: identity.RandomToken(secretLength, r.e.Random)}
	value, err := json.Marshal(binding{Session: s.ID, Authorization: identity.Hash(out.Authorization)})
	if err != nil {
		return nil, err
	}
	return &out, r.tx.Ephemerals.Put(r.ctx, kindBind, identity.HashKey(out.Challenge), value, r.now.Add(bindWithin))
}

// Bind ties the browser's session to a key: once, within seconds of the sign-in,
// for who was given the challenge and bears the session's cookie. Whatever is not
// as it should be is identity.ErrForbidden and changes nothing.
func (e *Engine) Bind(ctx context.Context, t identity.Tenant, b Browser, req BindRequest) (Bound, error) {
	var out Bound
	err := e.binding(ctx, t, b, func(r *run, s identity.Session) error {
		item, err := r.tx.Ephemerals.Take(ctx, kindBind, identity.HashKey(req.Challenge))
		if over(err) {
			return errBindRefused
		}
		if err != nil {
			return err
		}
		var kept binding
		if err := json.Unmarshal(item.Value, &kept); err != nil {
			return err
		}
		if kept.Session != s.ID || subtle.ConstantTimeCompare(kept.Authorization, identity.Hash(req.Authorization)) != 1 || s.Bound != nil {
			return errBindRefused
		}
		s.Bound = &identity.Binding{ID: identity.RandomToken(secretLength, e.Random), Key: req.Key, At: r.now}
		if out, err = r.hand(s); err != nil {
			return err
		}
		return r.record(identity.Event{Type: identity.EventSessionBound, Outcome: identity.Succeeded, Session: s.ID})
	})
	return out, err
}

// BindingKey is the key that the browser's session is bound to, under the name
// that the browser has for it.
func (e *Engine) BindingKey(ctx context.Context, t identity.Tenant, b Browser, id string) (key []byte, err error) {
	base, err := e.start(ctx, t, b)
	if err != nil {
		return nil, err
	}
	err = e.Store.View(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		s, err := r.bearing()
		if err != nil || !boundAs(s, id) {
			return cmp.Or(err, errBindRefused)
		}
		key = s.Bound.Key
		return nil
	})
	return key, err
}

// ChallengeBinding makes a challenge for a bound session.
func (e *Engine) ChallengeBinding(ctx context.Context, t identity.Tenant, b Browser, id string) (challenge string, err error) {
	err = e.binding(ctx, t, b, func(r *run, s identity.Session) (err error) {
		if !boundAs(s, id) {
			return errBindRefused
		}
		challenge, err = r.challengeBinding(s)
		return err
	})
	return challenge, err
}

// Rebind hands out the next short cookie of a bound session to who signed the
// challenge with its key, which has been checked. A challenge serves once, however
// many show it at the same time; one that does not serve is ErrStaleChallenge.
func (e *Engine) Rebind(ctx context.Context, t identity.Tenant, b Browser, id, challenge string) (Bound, error) {
	var out Bound
	err := e.binding(ctx, t, b, func(r *run, s identity.Session) error {
		if !boundAs(s, id) {
			return errBindRefused
		}
		item, err := r.tx.Ephemerals.Take(ctx, kindRebind, identity.HashKey(challenge))
		if over(err) {
			return ErrStaleChallenge
		}
		if err != nil {
			return err
		}
		var kept binding
		if err := json.Unmarshal(item.Value, &kept); err != nil {
			return err
		}
		if kept.Session != s.ID {
			return ErrStaleChallenge
		}
		out, err = r.hand(s)
		return err
	})
	return out, err
}

// BindingRefused notes that somebody bears the cookie of a bound session and has
// not its key, or tried to bind it to another: it was copied. The owner loses
// nothing.
func (e *Engine) BindingRefused(ctx context.Context, t identity.Tenant, b Browser) error {
	err := e.binding(ctx, t, b, func(r *run, s identity.Session) error {
		if s.Bound == nil {
			return nil
		}
		user, err := r.tx.Users.ByID(ctx, s.User)
		if err != nil {
			return err
		}
		r.user = &user
		return r.suspect(identity.Event{
			Type: identity.EventBindingRefused, Outcome: identity.Refused, User: s.User, Session: s.ID,
			IP: r.addr(), UserAgent: label(r.browser.UserAgent),
		})
	})
	if errors.Is(err, identity.ErrForbidden) {
		return nil
	}
	return err
}

// binding runs fn for the session whose cookie the browser bears, whether or not
// a short one came with it. A refusal keeps what was spent for it; a lost race is
// run again.
func (e *Engine) binding(ctx context.Context, t identity.Tenant, b Browser, fn func(r *run, s identity.Session) error) error {
	base, err := e.start(ctx, t, b)
	if err != nil {
		return err
	}
	for range bindTries {
		var refused error
		err = e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
			r := *base
			r.tx = tx
			refused = nil
			s, err := r.bearing()
			if err == nil {
				err = fn(&r, s)
			}
			if errors.Is(err, errBindRefused) || errors.Is(err, ErrStaleChallenge) {
				refused, err = err, nil
			}
			return err
		})
		if err = cmp.Or(err, refused); !errors.Is(err, identity.ErrConflict) {
			return err
		}
	}
	// To the browser a conflict would be the end of the session; this is the end of
	// one try.
	return &identity.Fault{Kind: identity.ErrOverloaded, Retry: time.Second}
}

// bearing finds the session whose cookie the browser bears, as far as it is worth
// anything.
func (r *run) bearing() (identity.Session, error) {
	if r.browser.Session == "" {
		return identity.Session{}, errBindRefused
	}
	s, err := r.tx.Sessions.BySecret(r.ctx, identity.Hash(r.browser.Session))
	if errors.Is(err, identity.ErrNotFound) {
		return identity.Session{}, errBindRefused
	}
	if err != nil {
		return identity.Session{}, err
	}
	if s.Ended() || r.e.question(r.policy, s, r.now).Standing(s.Proofs).Level == assurance.None {
		return identity.Session{}, errBindRefused
	}
	return s, nil
}

func boundAs(s identity.Session, id string) bool {
	return s.Bound != nil && subtle.ConstantTimeCompare([]byte(s.Bound.ID), []byte(id)) == 1
}

// hand gives out a short cookie, and what the next proof has to sign.
func (r *run) hand(s identity.Session) (Bound, error) {
	out := Bound{ID: s.Bound.ID, Cookie: identity.RandomToken(secretLength, r.e.Random), Life: time.Duration(r.policy.Sessions.BoundFor)}
	next := s.Bound.Hand(identity.Hash(out.Cookie), r.now, r.now.Add(out.Life), boundGrace)
	s.Bound = &next
	if err := r.tx.Sessions.Save(r.ctx, s); err != nil {
		return Bound{}, err
	}
	var err error
	out.Challenge, err = r.challengeBinding(s)
	return out, err
}

// challengeBinding makes a challenge that outlives the short cookie by a little:
// a browser signs it when that is about to end.
func (r *run) challengeBinding(s identity.Session) (string, error) {
	challenge := identity.RandomToken(secretLength, r.e.Random)
	value, err := json.Marshal(binding{Session: s.ID})
	if err != nil {
		return "", err
	}
	return challenge, r.tx.Ephemerals.Put(r.ctx, kindRebind, identity.HashKey(challenge), value, r.now.Add(time.Duration(r.policy.Sessions.BoundFor)+time.Minute))
}

// over reports that an ephemeral is unknown, expired or taken.
func over(err error) bool {
	return errors.Is(err, identity.ErrNotFound) || errors.Is(err, identity.ErrExpired) || errors.Is(err, identity.ErrTaken)
}
