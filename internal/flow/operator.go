package flow

import (
	"context"
	"slices"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// ResetFactors takes all of a user's sign-in methods out of use, the password
// aside, ends their sessions and tells them at every address. It is the
// operator's act; what the user needs to come back is [Engine.OperatorTicket].
func (e *Engine) ResetFactors(ctx context.Context, tx identity.Tx, t identity.Tenant, user identity.User) error {
	base, err := e.start(ctx, t, Browser{})
	if err != nil {
		return err
	}
	r := *base
	r.tx, r.user, r.flow = tx, &user, Flow{User: user.ID}
	if err := r.readHeld(user.ID); err != nil {
		return err
	}
	held := slices.DeleteFunc(r.held, func(en identity.Enrolment) bool { return e.kinds[en.Factor].Class == assurance.Memorized })
	for _, en := range held {
		if err := tx.Enrolments.Delete(ctx, en.ID); err != nil { // for good: no notice's link brings them back
			return err
		}
	}
	if err := e.EndUser(ctx, tx, user, "factors reset"); err != nil {
		return err
	}
	return r.tell(identity.MessageFactorsReset, map[string]string{})
}

// tell sends the same words to all of a user's addresses.
func (r *run) tell(kind string, args map[string]string) error {
	for _, a := range r.user.Addresses(r.now) {
		m := identity.Message{Kind: kind, Channel: a.Channel, To: a.To, Args: map[string]string{}}
		for k, v := range args {
			m.Args[k] = v
		}
		if err := r.put(m); err != nil {
			return err
		}
	}
	return nil
}
