package flow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Actor is who changes their own sign-in methods outside a flow, and with what
// standing: the proofs that the presented token or session is worth now.
type Actor struct {
	User        identity.User
	Session     string
	Application string
	Proofs      []assurance.Proof
	Fresh       bool // the purpose was shown and proved anew (scope me:factors)
	Browser     Browser
}

// pending is an enrolment that has not confirmed itself. It is no factor.
type pending struct {
	ID        string            `json:"id"`
	User      string            `json:"user"`
	Session   string            `json:"session"`
	Factor    string            `json:"factor"`
	Name      string            `json:"name"`
	At        time.Time         `json:"at"`
	Asked     map[string]string `json:"asked,omitempty"`
	Prefix    string            `json:"prefix,omitempty"`
	Challenge factor.Challenge  `json:"challenge"`
	Tries     int               `json:"tries,omitempty"`
}

// maxName bounds what a person calls an authenticator, in bytes.
const maxName = 100

// LevelRequired says that a change needs proofs of a level; edges answer with a
// step-up challenge (RFC 9470).
type LevelRequired struct {
	Level assurance.Level
	Fresh bool // the purpose has to be shown and proved anew
}

func (l *LevelRequired) Error() string { return "a sign-in at " + l.Level.String() + " is required" }

// Unwrap makes it a refusal.
func (l *LevelRequired) Unwrap() error { return identity.ErrForbidden }

// Enrolments lists a user's authenticators, the password aside.
func (e *Engine) Enrolments(ctx context.Context, t identity.Tenant, user string) ([]identity.Enrolment, error) {
	var out []identity.Enrolment
	err := e.Store.View(ctx, t.ID, func(tx identity.Tx) error {
		all, err := tx.Enrolments.ByUser(ctx, user)
		if err != nil {
			return err
		}
		out = make([]identity.Enrolment, 0, len(all))
		for _, en := range all {
			if f := e.factors[en.Factor]; f != nil && !f.Facts().Hidden && en.RemovedAt == nil {
				out = append(out, en)
			}
		}
		return nil
	})
	return out, err
}

// Restricted reports whether a factor is restricted (SP 800-63B-4, 3.2.9).
func (e *Engine) Restricted(name string) bool {
	f := e.factors[name]
	return f != nil && f.Facts().Restricted
}

// actAs loads what judging a change by an actor needs.
func (r *run) actAs(a Actor) error {
	r.flow = Flow{User: a.User.ID, Canonical: a.User.Identifier, Epoch: a.User.Epoch, Session: a.Session, Application: App{ID: a.Application}}
	user, err := r.tx.Users.ByID(r.ctx, a.User.ID)
	if err != nil {
		return err
	}
	if user.Disabled() {
		return identity.Forbidden("session_revoked", "The user is disabled.")
	}
	// What the edge judged may be over by now.
	s, err := r.tx.Sessions.ByID(r.ctx, a.Session)
	if errors.Is(err, identity.ErrNotFound) || err == nil && (s.Ended() || s.User != user.ID) {
		return identity.Forbidden("session_revoked", "The session has ended.")
	}
	if err != nil {
		return err
	}
	r.user = &user
	r.flow.Epoch = user.Epoch
	return r.readHeld(user.ID)
}

// mayBind holds the rule of SP 800-63B-4, 4.1.2.1: a new authenticator is bound
// by proofs at the lower of what the account and the new one can give.
func (r *run) mayBind(a Actor, name string) error {
	if r.user.Frozen(r.now) {
		return errFrozen()
	}
	d := Duty{Kind: DutyEnrol, Factor: name}
	if err := r.checkEnrol(&d); err != nil {
		return err
	}
	return r.mayChange(a, r.levelOf(d))
}

// BeginEnrolment begins to bind a new authenticator. What is pending of the
// same factor in the same session is replaced.
func (e *Engine) BeginEnrolment(ctx context.Context, t identity.Tenant, a Actor, name string, asked factor.Asked) (id string, prompt factor.Prompt, err error) {
	f, ok := e.factors[name]
	if !ok {
		return "", factor.Prompt{}, identity.Invalid("factor_unavailable", "There is no such factor.")
	}
	asked.Name, asked.Conditional = cleanName(asked.Name), false // silent creation is for known devices, in a flow
	err = e.act(ctx, t, a, func(r *run) error {
		if err := r.mayBind(a, name); err != nil {
			return err
		}
		c := Challenge{Factor: name, Enrolling: true}
		subject, err := r.subjectOf(c)
		if err != nil {
			return err
		}
		if c.Challenge, err = f.BeginEnrolment(subject, asked); err != nil {
			return wrongCode(err)
		}
		if e.kinds[name].Sends {
			if err := r.sendAll(&c); err != nil {
				return err
			}
			if r.trouble != nil {
				return &identity.Fault{Kind: identity.ErrOverloaded, Code: codeSendLimited, Message: "Too many messages were sent; try again later.", Retry: time.Hour}
			}
		}
		p := pending{
			ID: identity.NewID("enr", r.now, e.Random), User: a.User.ID, Session: a.Session, Factor: name, Name: asked.Name, At: r.now,
			Asked: asked.Fields, Prefix: c.Prefix, Challenge: c.Challenge,
		}
		id, prompt = p.ID, c.Challenge.Prompt
		return r.keepPending(p)
	})
	return id, prompt, err
}

// keepPending stores a pending enrolment and forgets the one it replaces.
func (r *run) keepPending(p pending) error {
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	expires := r.now.Add(challengeLife)
	if err := r.tx.Ephemerals.Put(r.ctx, kindEnrolling, p.ID, value, expires); err != nil {
		return err
	}
	pointer := identity.HashKey(p.User + "\x00" + p.Session + "\x00" + p.Factor)
	item, err := r.tx.Ephemerals.Get(r.ctx, kindEnrollingLast, pointer)
	switch {
	case errors.Is(err, identity.ErrNotFound), errors.Is(err, identity.ErrExpired):
		return r.tx.Ephemerals.Put(r.ctx, kindEnrollingLast, pointer, []byte(p.ID), r.now.AddDate(1, 1, 0))
	case err != nil:
		return err
	}
	_, err = r.tx.Ephemerals.Take(r.ctx, kindEnrolling, string(item.Value))
	if err != nil && !gone(err) {
		return err
	}
	return r.tx.Ephemerals.Swap(r.ctx, kindEnrollingLast, pointer, item.Version, []byte(p.ID), item.ExpiresAt)
}

// gone reports whether an ephemeral is not to be had any more.
func gone(err error) bool {
	return errors.Is(err, identity.ErrNotFound) || errors.Is(err, identity.ErrExpired) || errors.Is(err, identity.ErrTaken)
}

// CompleteEnrolment binds the authenticator if its response confirms it. A
// wrong response may be tried again until the enrolment expires, or as often as
// the factor's challenge allows.
func (e *Engine) CompleteEnrolment(ctx context.Context, t identity.Tenant, a Actor, id string, response factor.Response) (identity.Enrolment, error) {
	p, err := e.tryPending(ctx, t, a, id)
	if err != nil {
		return identity.Enrolment{}, err
	}
	f := e.factors[p.Factor]
	var out identity.Enrolment
	err = e.act(ctx, t, a, func(r *run) error {
		if err := r.mayBind(a, p.Factor); err != nil {
			return err
		}
		subject, err := r.subjectOf(Challenge{Factor: p.Factor, Enrolling: true})
		if err != nil {
			return err
		}
		// No factor that enrols here hashes: judging inside the transaction keeps
		// the comparison and the binding one.
		enrolled, err := f.FinishEnrolment(subject, p.Challenge, response)
		if err != nil {
			return wrongCode(err)
		}
		if _, err := r.tx.Ephemerals.Take(ctx, kindEnrolling, id); err != nil {
			return err
		}
		if err := r.converted(Challenge{Prefix: p.Prefix}); err != nil {
			return err
		}
		out = identity.Enrolment{
			ID: p.ID, User: p.User, Factor: p.Factor, Name: cmp.Or(p.Name, cleanName(enrolled.Name)), Data: enrolled.Data, Lookup: enrolled.Lookup,
			Channel: enrolled.Proof.Channel, EnrolledAt: r.now, Version: 1,
		}
		ev := identity.Event{Type: identity.EventEnrolmentCreated, Outcome: identity.Succeeded, Factor: p.Factor, Session: a.Session, Data: map[string]string{"enrolment": p.ID}}
		return r.apply([]Effect{AddEnrolment{out}, Record{ev}})
	})
	return out, err
}

// tryPending loads a pending enrolment of this actor and counts the try, where
// tries are bounded. Anybody else's is not found.
func (e *Engine) tryPending(ctx context.Context, t identity.Tenant, a Actor, id string) (pending, error) {
	var p pending
	err := e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		p = pending{}
		item, err := tx.Ephemerals.Get(ctx, kindEnrolling, id)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(item.Value, &p); err != nil {
			return err
		}
		if p.User != a.User.ID || p.Session != a.Session || e.factors[p.Factor] == nil {
			return identity.ErrNotFound
		}
		if p.Challenge.Tries == 0 {
			return nil
		}
		if p.Tries++; p.Tries > p.Challenge.Tries {
			return identity.ErrExpired
		}
		value, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return tx.Ephemerals.Swap(ctx, kindEnrolling, id, item.Version, value, item.ExpiresAt)
	})
	return p, err
}

// Asks lists the fields that setting up a factor takes beside a name.
func (e *Engine) Asks(name string) []string {
	f := e.factors[name]
	if f == nil {
		return nil
	}
	var out []string
	for _, field := range f.Facts().Asks {
		out = append(out, field.Name)
	}
	return out
}

// wrongCode makes a factor's refusal the caller's fault, with its code.
func wrongCode(err error) error {
	var why *factor.Refusal
	switch {
	case errors.As(err, &why):
		return identity.Invalid(why.Code, "The response was not accepted.")
	case errors.Is(err, factor.ErrWrong):
		return identity.Invalid(codeInvalid, "The response was not accepted.")
	}
	return err
}

// cleanName makes a name one line of printable text.
func cleanName(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || slices.Contains([]rune{'\u2028', '\u2029', '\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069'}, c) {
			return -1
		}
		return c
	}, strings.TrimSpace(s))
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}
