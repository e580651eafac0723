package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	inviteFor = 7 * 24 * time.Hour
	ticketFor = 24 * time.Hour
)

type userInviteCommand struct {
	inTenant
	Email string `arg:"" help:"Address of the person; they will sign in with it."`
	Name  string `help:"Name of the person."`
	Print bool   `help:"Print the link instead of mailing it."`
}

func (c *userInviteCommand) Run(ctx context.Context, m *Main) error {
	canonical, ok := identity.Canonical(c.Email)
	if !ok {
		return wrongUse(fmt.Sprintf("%q is no e-mail address", c.Email), "write it as ada@example.com")
	}
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	if !c.Print && !t.Sends(identity.ChannelEmail) {
		return next(fmt.Errorf("tenant %s sends no mail", t.ID), "add --print and hand the link over yourself, or give the tenant `mail`")
	}
	engine, err := m.engine(st)
	if err != nil {
		return err
	}
	handle := make([]byte, 64)
	if _, err := io.ReadFull(m.Random, handle); err != nil {
		return err
	}
	now := m.Now().UTC()
	until := now.Add(inviteFor)
	var link string
	err = st.Update(ctx, t.ID, func(tx identity.Tx) error {
		u, err := m.invitee(ctx, tx, identity.User{
			ID: identity.NewID("usr", now, m.Random), Handle: handle, Identifier: canonical, Email: c.Email, Name: c.Name, CreatedAt: now,
		})
		if err != nil {
			return err
		}
		token, err := engine.Invite(ctx, tx, u, until, !c.Print)
		if err != nil {
			return err
		}
		link = t.Issuer + "/join?token=" + url.QueryEscape(token)
		if c.Print {
			return nil
		}
		return tx.Outbox.Put(ctx, identity.Message{
			ID: identity.NewID("msg", now, m.Random), Kind: identity.MessageInvite, Channel: identity.ChannelEmail, To: u.Email, Name: u.Name,
			User: u.ID, At: now, Expires: until, Locale: t.Locale,
			Args: map[string]string{"link": link, "at": now.Format(time.RFC3339), "until": until.Format(time.RFC3339)},
		})
	})
	if err != nil {
		return err
	}
	if c.Print {
		m.say("Give this link to %s; it works once, until %s:", printable(c.Email), until.Format(time.RFC1123))
		fmt.Fprintln(m.Stdout, link)
		return nil
	}
	m.say("An invitation to %s goes out when the server runs; it works once, until %s.", printable(c.Email), until.Format(time.RFC1123))
	return nil
}

// invitee makes the user of an invitation, or takes one who was invited before
// and has nothing to sign in with.
func (m *Main) invitee(ctx context.Context, tx identity.Tx, u identity.User) (identity.User, error) {
	there, err := tx.Users.ByIdentifier(ctx, u.Identifier)
	if errors.Is(err, identity.ErrNotFound) {
		if err := tx.Users.Create(ctx, u); err != nil {
			return u, err
		}
		return u, tx.Events.Append(ctx, m.event(identity.EventUserCreated, u))
	}
	if err != nil {
		return u, err
	}
	held, err := tx.Enrolments.ByUser(ctx, there.ID)
	if err != nil {
		return u, err
	}
	for _, en := range held {
		if !en.Suspended {
			return u, next(fmt.Errorf("%s can sign in already", printable(u.Email)), "for a lost factor use `intelliauth user reset-factors`")
		}
	}
	return there, nil
}

type userResetFactorsCommand struct {
	inTenant
	User string `arg:"" help:"Id or address of the user."`
}

func (c *userResetFactorsCommand) Run(ctx context.Context, m *Main) error {
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	engine, err := m.engine(st)
	if err != nil {
		return err
	}
	var u identity.User
	var ticket string
	until := m.Now().UTC().Add(ticketFor)
	err = st.Update(ctx, t.ID, func(tx identity.Tx) (err error) {
		if u, err = findUser(ctx, tx, c.User); err != nil {
			return err
		}
		if err := engine.ResetFactors(ctx, tx, t, u); err != nil {
			return err
		}
		if err := tx.Events.Append(ctx, m.event(identity.EventFactorsReset, u)); err != nil {
			return err
		}
		ticket, err = engine.OperatorTicket(ctx, tx, u, until)
		return err
	})
	if err != nil {
		return err
	}
	m.say("%s has no sign-in methods but the password now, is signed out everywhere and will be told.", printable(u.Email))
	m.say("To set up a first one they need this ticket, once, until %s. Give it to them in person or by telephone, never by mail:", until.Format(time.RFC1123))
	fmt.Fprintln(m.Stdout, ticket)
	return nil
}

type userUnfreezeCommand struct {
	inTenant
	User string `arg:"" help:"Id or address of the user."`
}

func (c *userUnfreezeCommand) Run(ctx context.Context, m *Main) error {
	return m.changeUser(ctx, c.inTenant, c.User, func(tx identity.Tx, _ *flow.Engine, u identity.User) error {
		if !u.Frozen(m.Now()) {
			return errUnchanged
		}
		u.FrozenUntil = nil
		if err := tx.Users.Save(ctx, u); err != nil {
			return err
		}
		return tx.Events.Append(ctx, m.event(identity.EventUserEnabled, u))
	}, "%s may change sign-in methods again.", "%s was not frozen.")
}
