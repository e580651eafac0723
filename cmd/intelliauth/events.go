package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

type eventsCommand struct {
	inTenant
	User   string `placeholder:"USER" help:"Only those about this user, by id or address."`
	Since  string `placeholder:"WHEN" help:"Only those since then: 24h, 2026-11-23, or a time as 2026-11-23T10:00:00Z."`
	Limit  int    `default:"1000" help:"At most so many, the latest (${default})."`
	JSON   bool   `help:"Print one line of JSON for each event."`
	Follow bool   `short:"f" help:"Go on as they happen, until interrupted."`
}

func (c *eventsCommand) Run(ctx context.Context, m *Main) error {
	filter := identity.EventFilter{Limit: c.Limit}
	var err error
	if filter.Since, err = parseSince(c.Since, m.Now()); err != nil {
		return err
	}
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	if c.User != "" {
		err := st.View(ctx, t.ID, func(tx identity.Tx) error {
			u, err := findUser(ctx, tx, c.User)
			filter.User = u.ID
			return err
		})
		if err != nil {
			return err
		}
	}
	return c.stream(ctx, m, st, t, filter)
}

// stream prints events oldest first, and goes on while it is asked to.
func (c *eventsCommand) stream(ctx context.Context, m *Main, st identity.Store, t identity.Tenant, filter identity.EventFilter) error {
	told := map[string]bool{} // of the last instant read
	for {
		var events []identity.Event
		err := st.View(ctx, t.ID, func(tx identity.Tx) (err error) {
			events, err = tx.Events.List(ctx, filter)
			return err
		})
		if err != nil {
			if ctx.Err() != nil && c.Follow {
				return nil
			}
			return err
		}
		for _, e := range slices.Backward(events) {
			if told[e.ID] {
				continue
			}
			if e.At.After(filter.Since) {
				filter.Since = e.At
				clear(told)
			}
			told[e.ID] = true
			if err := c.print(m, e); err != nil {
				return err
			}
		}
		if !c.Follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (c *eventsCommand) print(m *Main, e identity.Event) error {
	if c.JSON {
		return json.NewEncoder(m.Stdout).Encode(e)
	}
	line := fmt.Sprintf("%s  %-7s  %-20s", e.At.UTC().Format("2006-01-02T15:04:05.000Z"), e.Outcome, e.Type)
	for _, part := range []struct{ name, value string }{
		{"user", e.User},
		{"actor", e.Actor},
		{"factor", e.Factor},
		{"application", e.Application},
		{"session", e.Session},
		{"reasons", strings.Join(e.Reasons, ",")},
		{"ip", e.IP},
		{"agent", e.UserAgent},
	} {
		if part.value != "" {
			line += "  " + part.name + "=" + bare(part.value)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(e.Data)) {
		line += "  " + k + "=" + bare(e.Data[k])
	}
	m.say("%s", line)
	return nil
}

// bare quotes what would be taken for more than one word.
func bare(s string) string {
	if s = printable(s); strings.ContainsAny(s, " =\"") {
		return fmt.Sprintf("%q", s)
	}
	return s
}

func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrongUse(fmt.Sprintf("--since %q is neither a duration nor a time", s),
		"write 24h, %s or %s", now.UTC().Format(time.DateOnly), now.UTC().Format(time.RFC3339))
}
