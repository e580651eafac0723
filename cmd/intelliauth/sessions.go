package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

type sessionListCommand struct {
	inTenant
	User string `arg:"" help:"Id or address of the user."`
	JSON bool   `help:"Print one line of JSON for each session."`
}

func (c *sessionListCommand) Run(ctx context.Context, m *Main) error {
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	var sessions []identity.Session
	err = st.View(ctx, t.ID, func(tx identity.Tx) error {
		u, err := findUser(ctx, tx, c.User)
		if err != nil {
			return err
		}
		sessions, err = tx.Sessions.ByUser(ctx, u.ID)
		return err
	})
	if err != nil {
		return err
	}
	if len(sessions) == 0 && !c.JSON {
		m.say("%s is signed in nowhere.", c.User)
		return nil
	}
	engine, err := m.engine(st)
	if err != nil {
		return err
	}
	lines := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(lines, "ID\tLEVEL\tSINCE\tLAST ACTIVE\tADDRESS\tBROWSER")
	}
	for _, s := range sessions {
		standing, err := engine.SessionStanding(t, s)
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(m.Stdout).Encode(map[string]any{
				"id": s.ID, "user": s.User, "level": int(standing.Level), "amr": standing.AMR,
				"createdAt": s.CreatedAt, "lastActiveAt": s.Activity.Last, "ip": s.IP, "userAgent": s.UserAgent,
			})
		} else {
			_, err = fmt.Fprintf(lines, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, standing.Level,
				s.CreatedAt.Format(time.DateTime), s.Activity.Last.Format(time.DateTime), s.IP, printable(s.UserAgent))
		}
		if err != nil {
			return err
		}
	}
	return lines.Flush()
}

type sessionRevokeCommand struct {
	inTenant
	Session string `arg:"" optional:"" help:"Id of the session."`
	User    string `help:"End all sessions of this user instead." placeholder:"USER"`
}

func (c *sessionRevokeCommand) Run(ctx context.Context, m *Main) error {
	if (c.Session == "") == (c.User == "") {
		return wrongUse("name one session, or a user", "`intelliauth session revoke ses_…` or `intelliauth session revoke --user ada@example.com`")
	}
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	engine, err := m.engine(st)
	if err != nil {
		return err
	}
	n := 0
	err = st.Update(ctx, t.ID, func(tx identity.Tx) error {
		sessions, err := c.chosen(ctx, tx)
		if err != nil {
			return err
		}
		n = len(sessions)
		if c.User != "" && n > 0 {
			u, err := tx.Users.ByID(ctx, sessions[0].User)
			if err != nil {
				return err
			}
			return engine.EndUser(ctx, tx, u, "operator")
		}
		for _, s := range sessions {
			if err := engine.EndSession(ctx, tx, s, "operator"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.say("Ended %s.", counted(n, "session", "sessions"))
	return nil
}

func (c *sessionRevokeCommand) chosen(ctx context.Context, tx identity.Tx) ([]identity.Session, error) {
	if c.User != "" {
		u, err := findUser(ctx, tx, c.User)
		if err != nil {
			return nil, err
		}
		return tx.Sessions.ByUser(ctx, u.ID)
	}
	s, err := tx.Sessions.ByID(ctx, c.Session)
	if errors.Is(err, identity.ErrNotFound) {
		return nil, next(fmt.Errorf("there is no session %q", c.Session), "`intelliauth session list USER` shows a user's sessions")
	}
	if err != nil || s.Ended() {
		return nil, err
	}
	return []identity.Session{s}, nil
}

// counted writes a number and what is counted.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
