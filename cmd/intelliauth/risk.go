package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
	"github.com/intelliauth/intelliauth/internal/risk"
)

type riskReplayCommand struct {
	inTenant
	Since string `default:"30d" placeholder:"WHEN" help:"Assessments since then: 24h, 30d, 2026-11-23, or a time (${default})."`
	User  string `placeholder:"USER" help:"Only those of this user, by id or address."`
	All   bool   `help:"Print each assessment with its reasons, not only those that differ."`
}

// Run computes past assessments again from what their events hold, and compares
// every byte. It fails if one differs.
func (c *riskReplayCommand) Run(ctx context.Context, m *Main) error {
	since, err := parseSince(days(c.Since), m.Now())
	if err != nil {
		return err
	}
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	filter := identity.EventFilter{Since: since}
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
	same, differ, older := 0, 0, 0
	err = pastAssessments(ctx, st, t, filter, func(e identity.Event) error {
		again, version, err := reassess(e)
		switch {
		case err != nil:
			differ++
			fmt.Fprintf(m.Stdout, "%s  %s  cannot be computed again: %v\n", e.At.Format(time.RFC3339), e.ID, err)
		case version != risk.Version:
			older++
		case !bytes.Equal(again, e.Risk):
			differ++
			fmt.Fprintf(m.Stdout, "%s  %s  differs:\n  was %s\n  is  %s\n", e.At.Format(time.RFC3339), e.ID, e.Risk, again)
		default:
			same++
			if c.All {
				c.print(m, e)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(m.Stdout, "%d assessments computed again: %d equal to the byte, %d differ, %d of other rules than version %d\n", same+differ+older, same, differ, older, risk.Version)
	if differ > 0 {
		return fmt.Errorf("%d assessments differ: the events or the rules were changed; compare the lines above", differ)
	}
	return nil
}

// days reads 30d, which time.ParseDuration does not know.
func days(s string) string {
	var n int
	if _, err := fmt.Sscanf(s, "%dd", &n); err == nil && s == fmt.Sprintf("%dd", n) {
		return fmt.Sprintf("%dh", 24*n)
	}
	return s
}

// print tells one assessment: when, how odd, and why.
func (c *riskReplayCommand) print(m *Main, e identity.Event) {
	var a risk.Assessment
	if json.Unmarshal(e.Risk, &a) != nil {
		return
	}
	fmt.Fprintf(m.Stdout, "%s  %s  %s  score %.3f  %s\n", e.At.Format(time.RFC3339), e.ID, e.User, float64(a.Score)/1000, a.Band)
	words := messages.Load().For("", nil)
	for _, p := range a.Contributions {
		if p.Bits == 0 {
			continue
		}
		text, ok := words.EventReason(string(p.Reason))
		if !ok {
			text = string(p.Reason)
		}
		fmt.Fprintf(m.Stdout, "  %+7.3f bits  %s", float64(p.Bits)/1000, text)
		if len(p.Args) > 0 {
			fmt.Fprintf(m.Stdout, " %v", p.Args)
		}
		fmt.Fprintln(m.Stdout)
	}
}

// reassess computes an event's assessment from its inputs.
func reassess(e identity.Event) ([]byte, int, error) {
	in, err := risk.DecodeInputs(e.RiskInputs)
	if err != nil {
		return nil, 0, err
	}
	again, err := json.Marshal(risk.Assess(in))
	return again, in.Version, err
}

// pastAssessments calls each for every assessment that the events hold, latest first.
func pastAssessments(ctx context.Context, st identity.Store, t identity.Tenant, filter identity.EventFilter, each func(identity.Event) error) error {
	filter.Limit = 1000
	told := map[string]bool{}
	for {
		var events []identity.Event
		err := st.View(ctx, t.ID, func(tx identity.Tx) (err error) {
			events, err = tx.Events.List(ctx, filter)
			return err
		})
		if err != nil {
			return err
		}
		events = slices.DeleteFunc(events, func(e identity.Event) bool { return told[e.ID] })
		if len(events) == 0 {
			return nil
		}
		clear(told)
		for _, e := range events {
			told[e.ID] = true
			if e.Type != identity.EventRiskAssessed {
				continue
			}
			if err := each(e); err != nil {
				return err
			}
		}
		// Once more the last instant, of which not all may have been given.
		filter.Until = events[len(events)-1].At.Add(time.Microsecond)
	}
}
