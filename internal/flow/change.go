package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// cooling is how long a former address is still told of changes, a recovered
// user keeps what they had, and a change can be undone by a notice's link.
const cooling = 72 * time.Hour

// Change makes a change at once, for an actor whose token shows fresh purpose;
// else it answers [LevelRequired]. A new password, address or number goes
// through [Engine.ChangePassword] and [Engine.BeginAddress].
func (e *Engine) Change(ctx context.Context, t identity.Tenant, a Actor, d Duty) error {
	switch d.Kind {
	case DutyRemove, DutyRename, DutyEndSession, DutyEndOthers, DutyEndAll:
	case DutyPhone:
		if d.Value == "" {
			break
		}
		fallthrough
	default:
		return identity.Invalid("invalid_request", "This change needs a confirmation.")
	}
	return e.act(ctx, t, a, func(r *run) error {
		if err := r.check(&d); err != nil {
			return err
		}
		if err := r.mayChange(a, r.levelOf(d)); err != nil {
			return err
		}
		return r.perform(d, a.Session)
	})
}

// act runs a change by an actor in one transaction.
func (e *Engine) act(ctx context.Context, t identity.Tenant, a Actor, fn func(*run) error) error {
	base, err := e.start(ctx, t, a.Browser)
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		if err := r.actAs(a); err != nil {
			return err
		}
		return fn(&r)
	})
}

// mayChange holds a change to fresh purpose at a level (C-20).
func (r *run) mayChange(a Actor, level assurance.Level) error {
	need := assurance.Requirement{Level: level}
	if !a.Fresh || !need.MetBy(r.policy.Assurance, r.e.Trust, a.Proofs) {
		return &LevelRequired{Level: level, Fresh: true}
	}
	return nil
}

// perform makes the change. It is checked again here: the world may have moved
// since the flow was begun.
func (r *run) perform(d Duty, session string) error {
	if err := r.check(&d); err != nil {
		return err
	}
	switch d.Kind {
	case DutyRemove:
		return r.remove(d.Enrolment)
	case DutyRename:
		return r.rename(d)
	case DutyEmail:
		return r.moveEmail(d.Value)
	case DutyPhone:
		return r.movePhone(d.Value)
	case DutyEndSession:
		return r.endOne(d.Session)
	case DutyEndOthers:
		return r.bumpAnd(func() error {
			return r.endSessions("ended by the user", func(s identity.Session) bool { return s.ID == session })
		})
	case DutyEndAll:
		return r.e.EndUser(r.ctx, r.tx, *r.user, "ended by the user")
	}
	return errors.New("flow: a change was not made: " + string(d.Kind))
}

// bumpAnd raises the user's epoch, so that what is in flight starts over.
func (r *run) bumpAnd(fn func() error) error {
	if err := r.tx.Users.Bump(r.ctx, r.user.ID, r.user.Epoch); err != nil {
		return err
	}
	r.user.Epoch++
	return fn()
}

// remove takes an authenticator out of use. Recovery codes go with the last
// factor that they stood in for.
func (r *run) remove(id string) error {
	en, ok := r.heldByID(id)
	if !ok {
		return identity.ErrNotFound
	}
	gone := []identity.Enrolment{en}
	lasting := func(o identity.Enrolment) bool {
		c := r.e.kinds[o.Factor].Class
		return c != assurance.LookUp && c != assurance.Memorized
	}
	if rest := r.without(id); lasting(en) && !slices.ContainsFunc(rest, lasting) {
		for _, o := range rest {
			if r.e.kinds[o.Factor].Class == assurance.LookUp {
				gone = append(gone, o)
			}
		}
	}
	return r.bumpAnd(func() error {
		for _, o := range gone {
			if err := r.retire(o); err != nil {
				return err
			}
			ev := identity.Event{Type: identity.EventEnrolmentRemoved, Outcome: identity.Succeeded, Factor: o.Factor, Data: map[string]string{"enrolment": o.ID}}
			if err := r.record(ev); err != nil {
				return err
			}
		}
		r.held = slices.DeleteFunc(r.held, func(o identity.Enrolment) bool {
			return slices.ContainsFunc(gone, func(g identity.Enrolment) bool { return g.ID == o.ID })
		})
		return r.notify(identity.MessageFactorRemoved, en.Factor)
	})
}

func (r *run) rename(d Duty) error {
	en, _ := r.heldByID(d.Enrolment)
	en.Name = d.Value
	if err := r.tx.Enrolments.Swap(r.ctx, en); err != nil {
		return err
	}
	return r.record(identity.Event{Type: identity.EventEnrolmentRenamed, Outcome: identity.Succeeded, Factor: en.Factor, Data: map[string]string{"enrolment": en.ID}})
}

// moveEmail gives the user a new address, which is also what they sign in with.
// The old one is told, and goes on being told for a while (O-10).
func (r *run) moveEmail(to string) error {
	canonical, _ := identity.Canonical(to)
	if canonical == r.user.Identifier && to == r.user.Email {
		return nil
	}
	if err := r.former(identity.ChannelEmail, r.user.Email); err != nil {
		return err
	}
	r.user.Email, r.user.Identifier, r.user.EmailVerified = to, canonical, true
	return r.moved(identity.MessageEmailChanged, "email")
}

func (r *run) movePhone(to string) error {
	if to == r.user.Phone && r.user.PhoneVerified {
		return nil
	}
	if r.user.Phone != "" && r.user.PhoneVerified {
		if err := r.former(identity.ChannelSMS, r.user.Phone); err != nil {
			return err
		}
	}
	r.user.Phone, r.user.PhoneVerified = to, to != ""
	return r.moved(identity.MessagePhoneChanged, "phone")
}

// former keeps an address in the list of those that are told of changes.
func (r *run) former(channel, to string) error {
	r.user.Former = slices.DeleteFunc(r.user.Former, func(a identity.Address) bool { return !r.now.Before(a.Until) })
	r.user.Former = append(r.user.Former, identity.Address{Channel: channel, To: to, Until: r.now.Add(cooling)})
	return nil
}

// moved saves a user whose address changed, and tells the old and the new one.
func (r *run) moved(kind, what string) error {
	return r.bumpAnd(func() error {
		if err := r.tx.Users.Save(r.ctx, *r.user); err != nil {
			if errors.Is(err, identity.ErrConflict) {
				return identity.Invalid("address_unavailable", "This address cannot be used.")
			}
			return err
		}
		if err := r.record(identity.Event{Type: identity.EventAddressChanged, Outcome: identity.Succeeded, Reasons: []string{what}}); err != nil {
			return err
		}
		return r.notify(kind, "")
	})
}

func (r *run) endOne(id string) error {
	s, err := r.tx.Sessions.ByID(r.ctx, id)
	if err != nil {
		return err
	}
	if s.User != r.user.ID {
		return identity.ErrNotFound
	}
	return r.e.EndSession(r.ctx, r.tx, s, "ended by the user")
}

// SetName changes what a user is called. It is no sign-in method and no
// address: a signed-in person may do it.
func (e *Engine) SetName(ctx context.Context, t identity.Tenant, a Actor, name string) error {
	return e.act(ctx, t, a, func(r *run) error {
		r.user.Name = cleanName(name)
		return r.tx.Users.Save(r.ctx, *r.user)
	})
}
