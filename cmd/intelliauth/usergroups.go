package main

import (
	"context"
	"slices"
	"strings"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

type userGroupsCommand struct {
	inTenant
	User  string   `arg:"" help:"Id or address of the user."`
	Set   []string `xor:"how" help:"Put the user into these groups, and no others."`
	Clear bool     `xor:"how" help:"Take the user out of every group."`
}

// Run shows or sets. What a group is asked for holds from the next request on:
// tokens and pages are held against it each time.
func (c *userGroupsCommand) Run(ctx context.Context, m *Main) error {
	if len(c.Set) == 0 && !c.Clear {
		return c.show(ctx, m)
	}
	for _, g := range c.Set {
		if strings.TrimSpace(g) != g || g == "" || len(g) > 64 {
			return wrongUse("a group has a name of 1 to 64 characters without spaces around it", "write --set staff,admins")
		}
	}
	slices.Sort(c.Set)
	groups := slices.Compact(c.Set)
	return m.changeUser(ctx, c.inTenant, c.User, func(tx identity.Tx, _ *flow.Engine, u identity.User) error {
		if slices.Equal(u.Groups, groups) {
			return errUnchanged
		}
		u.Groups = groups
		if err := tx.Users.Save(ctx, u); err != nil {
			return err
		}
		ev := m.event(identity.EventGroupsChanged, u)
		ev.Data = map[string]string{"groups": strings.Join(groups, " ")}
		return tx.Events.Append(ctx, ev)
	}, "The groups of %s are set.", "%s is in these groups already.")
}

func (c *userGroupsCommand) show(ctx context.Context, m *Main) error {
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	return st.View(ctx, t.ID, func(tx identity.Tx) error {
		u, err := findUser(ctx, tx, c.User)
		if err != nil {
			return err
		}
		if len(u.Groups) == 0 {
			m.say("%s is in no group.", u.Email)
			return nil
		}
		m.say("%s is in: %s", u.Email, strings.Join(u.Groups, ", "))
		return nil
	})
}
