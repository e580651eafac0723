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
