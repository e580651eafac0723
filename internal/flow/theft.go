package flow

import (
	"context"
	"errors"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Stolen answers proof that a refresh token was copied: two used it, and nobody
// can tell which of them is its owner. Who could copy it may have copied what lay
// beside it, so the whole session ends, not that application's part alone; the
// owner is told, and their next sign-ins are looked at more closely.
func (e *Engine) Stolen(ctx context.Context, tx identity.Tx, t identity.Tenant, g identity.Grant, why string) error {
	s, err := tx.Sessions.ByID(ctx, g.Session)
	switch {
	case errors.Is(err, identity.ErrNotFound) || err == nil && s.Ended():
		err = e.RevokeGrant(ctx, tx, g, why)
	case err == nil:
		err = e.EndSession(ctx, tx, s, why)
	}
	if err != nil {
		return err
	}
	r, err := e.about(ctx, tx, t, g.User)
	if err != nil || r == nil {
		return err
	}
	if err := r.noteTheft(); err != nil {
		return err
	}
	args := map[string]string{}
	if app, err := tx.Applications.ByID(ctx, g.Application); err == nil {
		args["application"] = app.Name
	} else if !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	return r.tell(identity.MessageTokenReused, args)
}

// about is a run on behalf of a user whom no browser speaks for; nil if there is
// no such user.
func (e *Engine) about(ctx context.Context, tx identity.Tx, t identity.Tenant, user string) (*run, error) {
	u, err := tx.Users.ByID(ctx, user)
	if errors.Is(err, identity.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := e.start(ctx, t, Browser{})
	if err != nil {
		return nil, err
	}
	r.tx, r.user, r.flow = tx, &u, Flow{User: u.ID}
	return r, nil
}

// noteTheft makes the user's next sign-ins look odder for a while.
func (r *run) noteTheft() error {
	r.user.TheftAt = &r.now
	return r.tx.Users.Save(r.ctx, *r.user)
}

// theftEvery bounds how often the same trouble is told: who holds a stolen thing
// can show it as often as they like.
const theftEvery = time.Minute

// ForeignKey notes that a refresh token came without the key that it is bound to:
// it was copied and is worth nothing to who copied it. The owner loses nothing;
// their next sign-ins are looked at more closely.
func (e *Engine) ForeignKey(ctx context.Context, t identity.Tenant, g identity.Grant) error {
	return e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r, err := e.about(ctx, tx, t, g.User)
		if err != nil || r == nil {
			return err
		}
		return r.suspect(identity.Event{
			Type: identity.EventKeyForeign, Outcome: identity.Refused, User: g.User, Application: g.Application, Session: g.Session,
		})
	})
}

// suspect records what shows that something was copied, unless that was done a
// moment ago.
func (r *run) suspect(ev identity.Event) error {
	if r.user.TheftAt != nil && r.now.Before(r.user.TheftAt.Add(theftEvery)) {
		return nil
	}
	ev.ID, ev.At = identity.NewID("evt", r.now, r.e.Random), r.now
	if err := r.tx.Events.Append(r.ctx, ev); err != nil {
		return err
	}
	return r.noteTheft()
}
