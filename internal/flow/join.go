package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// kindInvite is the kind of ephemeral that an invitation is.
const kindInvite = "invite"

// invitation is what an invitation's token stands for.
type invitation struct {
	User   string `json:"user"`
	Mailed bool   `json:"mailed"` // to the user's own address, which it confirms
}

// Invite makes an invitation for a user who has nothing to sign in with yet,
// good until the time given, and returns the token of its link. Mailed says
// that the link goes to the user's address and nowhere else.
func (e *Engine) Invite(ctx context.Context, tx identity.Tx, user identity.User, until time.Time, mailed bool) (token string, err error) {
	token = identity.RandomToken(secretLength, e.Random)
	value, err := json.Marshal(invitation{User: user.ID, Mailed: mailed})
	if err != nil {
		return "", err
	}
	if err := tx.Ephemerals.Put(ctx, kindInvite, identity.HashKey(token), value, until); err != nil {
		return "", err
	}
	now := e.now()
	return token, tx.Events.Append(ctx, identity.Event{
		ID: identity.NewID("evt", now, e.Random), At: now, Type: identity.EventUserInvited, Outcome: identity.Succeeded, User: user.ID, Actor: "operator",
	})
}

// Invited tells, without using it up, whether the token of an invitation is
// good: identity.ErrNotFound, ErrTaken or ErrExpired if not.
func (e *Engine) Invited(ctx context.Context, t identity.Tenant, token string) error {
	return e.Store.View(ctx, t.ID, func(tx identity.Tx) error {
		_, err := tx.Ephemerals.Get(ctx, kindInvite, identity.HashKey(token))
		return err
	})
}

// BeginJoin begins the flow of an invitation, by the token of its link. The
// invitation is used up when the person has bound a way to sign in. b.Binding
// must be set.
func (e *Engine) BeginJoin(ctx context.Context, t identity.Tenant, b Browser, token string) (Begun, error) {
	if b.Binding == "" {
		return Begun{}, identity.Invalid("binding_missing", "The browser has no binding cookie.")
	}
	base, err := e.start(ctx, t, b)
	if err != nil {
		return Begun{}, err
	}
	var begun Begun
	err = e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		begun, err = r.openJoin(token)
		return err
	})
	return begun, err
}

func (r *run) openJoin(token string) (Begun, error) {
	key := identity.HashKey(token)
	item, err := r.tx.Ephemerals.Get(r.ctx, kindInvite, key)
	if err != nil {
		return Begun{}, err
	}
	var in invitation
	if err := json.Unmarshal(item.Value, &in); err != nil {
		return Begun{}, err
	}
	user, err := r.tx.Users.ByID(r.ctx, in.User)
	if err != nil {
		return Begun{}, err
	}
	own := Request{Authorization: identity.AuthorizationRequest{OwnPage: true, RedirectURI: "/account", RequestedAt: r.now}, Subject: user.ID}
	if r.flow, err = r.newFlow(own); err != nil {
		return Begun{}, err
	}
	r.flow.Purpose, r.flow.Invite = Join, key
	r.flow.Identifier, r.flow.Canonical, r.flow.User, r.flow.Epoch = user.Email, user.Identifier, user.ID, user.Epoch
	ticket := Ticket{For: string(Join), At: r.now}
	if in.Mailed {
		ticket.Channel, ticket.To = identity.ChannelEmail, user.Email
	}
	r.flow.Tickets = []Ticket{ticket}
	r.user = &user
	if err := r.readHeld(user.ID); err != nil {
		return Begun{}, err
	}
	if err := r.confirm(ticket); err != nil {
		return Begun{}, err
	}
	f := r.facts()
	if _, err := r.prepare(f, Next(f)); err != nil {
		return Begun{}, err
	}
	value, err := json.Marshal(r.flow)
	if err != nil {
		return Begun{}, err
	}
	return Begun{FlowID: r.flow.ID}, r.tx.Ephemerals.Put(r.ctx, kindFlow, r.flow.ID, value, r.flow.ExpiresAt)
}

// OperatorTicket makes the ticket by which a user whose factors were reset may
// bind a first one, good until the time given: 24 characters in groups of four.
func (e *Engine) OperatorTicket(ctx context.Context, tx identity.Tx, user identity.User, until time.Time) (string, error) {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // 32: no modulo bias
	raw := make([]byte, 24)
	if _, err := e.Random.Read(raw); err != nil {
		return "", fmt.Errorf("flow: no randomness: %w", err)
	}
	var out []byte
	for i, b := range raw {
		if i > 0 && i%4 == 0 {
			out = append(out, '-')
		}
		out = append(out, alphabet[b&31])
	}
	return string(out), tx.Ephemerals.Put(ctx, KindTicket, TicketKey(user.ID, string(out)), []byte("{}"), until)
}

// kindRepudiation is the kind of ephemeral behind the link of a notice.
const kindRepudiation = "repudiation"

// repudiation makes the link by which a user says that a change was not theirs.
func (r *run) repudiation() (string, error) {
	token := identity.RandomToken(secretLength, r.e.Random)
	err := r.tx.Ephemerals.Put(r.ctx, kindRepudiation, identity.HashKey(token), []byte(r.user.ID), r.now.Add(cooling))
	return r.tenant.Issuer + "/account/not-me?token=" + token, err
}

// Repudiable tells, without using it up, whether a token of a notice is good.
func (e *Engine) Repudiable(ctx context.Context, t identity.Tenant, token string) error {
	return e.Store.View(ctx, t.ID, func(tx identity.Tx) error {
		_, err := tx.Ephemerals.Get(ctx, kindRepudiation, identity.HashKey(token))
		return err
	})
}

// Repudiate carries out "this wasn't me" by the token of a notice: factors and
// passwords bound in the last 72 hours are suspended, removed ones restored, an
// address that was left comes back, sessions end and changes are frozen (C-21,
// O-10). A token works once; see Repudiable for looking.
func (e *Engine) Repudiate(ctx context.Context, t identity.Tenant, token string) error {
	base, err := e.start(ctx, t, Browser{})
	if err != nil {
		return err
	}
	return e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		item, err := tx.Ephemerals.Take(ctx, kindRepudiation, identity.HashKey(token))
		if err != nil {
			return err
		}
		user, err := tx.Users.ByID(ctx, string(item.Value))
		if err != nil {
			return err
		}
		r.user, r.flow.User = &user, user.ID
		return r.repudiate()
	})
}

func (r *run) repudiate() error {
	all, err := r.tx.Enrolments.ByUser(r.ctx, r.user.ID)
	if err != nil {
		return err
	}
	since := r.now.Add(-cooling)
	for _, en := range all {
		switch {
		case en.EnrolledAt.After(since) && en.EnrolledAt.After(r.user.CreatedAt.Add(flowLife)):
			en.Suspended, en.RemovedAt = true, nil
		case en.RemovedAt != nil && en.RemovedAt.After(since):
			en.Suspended, en.RemovedAt = false, nil
		default:
			continue
		}
		if err := r.tx.Enrolments.Swap(r.ctx, en); err != nil {
			return err
		}
	}
	if err := r.e.EndUser(r.ctx, r.tx, *r.user, "repudiated"); err != nil {
		return err
	}
	if err := r.comeBack(); err != nil {
		return err
	}
	if err := r.record(identity.Event{Type: identity.EventRepudiated, Outcome: identity.Succeeded}); err != nil {
		return err
	}
	return r.tell(identity.MessageFrozen, map[string]string{"until": r.user.FrozenUntil.Format(time.RFC3339)})
}

// comeBack freezes changes and gives the user back the address that was left
// last, unless somebody else has it by now.
func (r *run) comeBack() error {
	until := r.now.Add(cooling)
	r.user.FrozenUntil = &until
	changed := *r.user
	for i := len(changed.Former) - 1; i >= 0; i-- {
		a := changed.Former[i]
		if a.Channel != identity.ChannelEmail || !r.now.Before(a.Until) {
			continue
		}
		canonical, ok := identity.Canonical(a.To)
		if !ok {
			continue
		}
		other, err := r.tx.Users.ByIdentifier(r.ctx, canonical)
		if err != nil && !errors.Is(err, identity.ErrNotFound) {
			return err
		}
		if err == nil && other.ID != r.user.ID {
			continue
		}
		changed.Email, changed.Identifier = a.To, canonical
	}
	*r.user = changed
	return r.tx.Users.Save(r.ctx, changed)
}
