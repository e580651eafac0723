package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// tokenLife is how long an access token can live at most, and a little for
// clocks that differ: an entry that is older tells an API nothing.
const tokenLife = 11 * time.Minute

// takeBack tells APIs of tokens that are good by their signature and no longer
// are (C-36): for the audiences of the grants that made them. Without a grant
// there is no token to take back.
func (e *Engine) takeBack(ctx context.Context, tx identity.Tx, r identity.Revocation, grants []identity.Grant) error {
	if len(grants) == 0 {
		return nil
	}
	r.At = e.now()
	r.Before, r.Until = r.At, r.At.Add(tokenLife)
	for _, g := range grants {
		app, err := tx.Applications.ByID(ctx, g.Application)
		if errors.Is(err, identity.ErrNotFound) {
			r.Audiences = nil // nobody can say for whom its tokens were: everybody is told
			break
		}
		if err != nil {
			return err
		}
		r.Audiences = append(r.Audiences, app.Serves()...)
		r.Audiences = append(r.Audiences, g.Resources...)
	}
	slices.Sort(r.Audiences)
	r.Audiences = slices.Compact(r.Audiences)
	return tx.Revocations.Append(ctx, r)
}

// logoutWait is how long an application that cannot be reached is tried: after
// that the tokens it holds are long over.
const logoutWait = time.Hour

// tellApplications lets every application that a session signed in to know that
// it ended (OpenID Connect Back-Channel Logout 1.0): in the same transaction, so
// that no crash loses it.
func (e *Engine) tellApplications(ctx context.Context, tx identity.Tx, s identity.Session, grants []identity.Grant) error {
	var told []string
	for _, g := range grants {
		if slices.Contains(told, g.Application) {
			continue
		}
		told = append(told, g.Application)
		app, err := tx.Applications.ByID(ctx, g.Application)
		if errors.Is(err, identity.ErrNotFound) || err == nil && (app.LogoutURI == "" || app.Disabled) {
			continue
		}
		if err != nil {
			return err
		}
		now := e.now()
		if err := tx.Outbox.Put(ctx, identity.Message{
			ID: identity.NewID("msg", now, e.Random), Kind: identity.ChannelLogout, Channel: identity.ChannelLogout, To: app.LogoutURI,
			Args: map[string]string{"client_id": app.ID, "sid": s.ID, "sub": s.User}, At: now, Expires: now.Add(logoutWait), User: s.User,
		}); err != nil {
			return err
		}
	}
	return nil
}

// lowered takes back the tokens of a session that tell of a level it lost.
func (e *Engine) lowered(ctx context.Context, tx identity.Tx, session string) error {
	grants, err := tx.Grants.BySession(ctx, session)
	if err != nil {
		return err
	}
	return e.takeBack(ctx, tx, identity.Revocation{Kind: identity.RevokedLevel, Session: session}, grants)
}

// Withdraw takes back all tokens of an application: it was disabled.
func Withdraw(ctx context.Context, tx identity.Tx, app identity.Application, now time.Time) error {
	return tx.Revocations.Append(ctx, identity.Revocation{
		Kind: identity.RevokedClient, ClientID: app.ID, At: now, Before: now, Until: now.Add(tokenLife), Audiences: app.Serves(),
	})
}
