package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// Least lengths of a password (SP 800-63B-4, 3.1.1.2): where it alone opens a
// session, and where a second factor is always asked.
const (
	minAlone  = 15
	minBeside = 8
)

type userAddCommand struct {
	inTenant
	Email         string   `arg:"" help:"Address that the person signs in with."`
	Name          string   `help:"Name of the person."`
	EmailVerified bool     `help:"You know that the address is theirs."`
	Group         []string `help:"Group that the person is in; may be given several times."`
	PasswordStdin bool     `help:"Read the password from standard input instead of asking for it."`
}

func (c *userAddCommand) Run(ctx context.Context, m *Main) error {
	canonical, ok := identity.Canonical(c.Email)
	if !ok {
		return wrongUse(fmt.Sprintf("%q is no e-mail address", c.Email), "write it as ada@example.com")
	}
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	secret, err := m.readPassword(c.PasswordStdin)
	if err != nil {
		return err
	}
	u, err := m.addUser(ctx, st, t, person{
		blocklist: st.blocklist, identifier: canonical, email: c.Email, name: c.Name, verified: c.EmailVerified, groups: c.Group, password: secret, actor: "operator",
	})
	if err != nil {
		return err
	}
	m.say("Added %s as %s in tenant %s.", u.Email, u.ID, t.ID)
	return nil
}

// readPassword takes a password from standard input, or asks twice for it.
func (m *Main) readPassword(stdin bool) (string, error) {
	if stdin {
		line, err := bufio.NewReader(io.LimitReader(m.Stdin, 4<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	if m.Conceal == nil {
		return "", wrongUse("there is no terminal to ask for the password", "add --password-stdin and write the password to standard input")
	}
	first, err := m.Conceal("Password: ")
	if err != nil {
		return "", err
	}
	second, err := m.Conceal("The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", next(errors.New("the two passwords differ"), "run the command again")
	}
	return first, nil
}

// person is somebody to be added.
type person struct {
	identifier, email, name string
	verified                bool
	password                string
	groups                  []string
	actor                   string
	blocklist               string
}

// addUser makes a user with a password that the rules accept.
func (m *Main) addUser(ctx context.Context, st identity.Store, t identity.Tenant, p person) (identity.User, error) {
	now := m.Now().UTC()
	handle := make([]byte, 64)
	if _, err := io.ReadFull(m.Random, handle); err != nil {
		return identity.User{}, err
	}
	u := identity.User{
		ID: identity.NewID("usr", now, m.Random), Handle: handle, Identifier: p.identifier,
		Email: p.email, EmailVerified: p.verified, Name: p.name, Groups: p.groups, CreatedAt: now,
	}
	f, err := newPassword(m.recipe(p.blocklist))
	if err != nil {
		return identity.User{}, err
	}
	data, err := sealPassword(f, t, u, p.password)
	if err != nil {
		return identity.User{}, err
	}
	en := identity.Enrolment{
		ID: identity.NewID("enr", now, m.Random), User: u.ID, Factor: f.Facts().Name, Data: data, EnrolledAt: now,
	}
	e := m.event(identity.EventUserCreated, u)
	e.Actor = p.actor
	err = st.Update(ctx, t.ID, func(tx identity.Tx) error {
		return errors.Join(tx.Users.Create(ctx, u), tx.Enrolments.Create(ctx, en), tx.Events.Append(ctx, e))
	})
	if errors.Is(err, identity.ErrConflict) {
		return identity.User{}, next(fmt.Errorf("%s is in use in tenant %s", p.email, t.ID), "`intelliauth user list` shows who there is")
	}
	return u, err
}

// sealPassword puts a password through the rules of a tenant and hashes it.
func sealPassword(f factor.Factor, t identity.Tenant, u identity.User, secret string) ([]byte, error) {
	rules, err := policy.Parse(t.Policy)
	if err != nil {
		return nil, err
	}
	s := factor.Subject{Tenant: t, User: &u, MinLength: minAlone, Words: flow.Words(t, u)}
	if rules.MFA == policy.Always {
		s.MinLength = minBeside
	}
	challenge, err := f.BeginEnrolment(s, factor.Asked{})
	if err != nil {
		return nil, err
	}
	done, err := f.FinishEnrolment(s, challenge, factor.Response{Value: secret})
	var refused *factor.Refusal
	if errors.As(err, &refused) {
		words := messages.Load().For("en", nil).Error(refused.Code, refused.Args, 0)
		return nil, next(fmt.Errorf("this password cannot be taken: %s", words), "choose a longer phrase that has nothing to do with the name, the address or the product")
	}
	return done.Data, err
}

// findUser finds a user by id or by address.
func findUser(ctx context.Context, tx identity.Tx, ref string) (identity.User, error) {
	var u identity.User
	var err error
	if strings.HasPrefix(ref, "usr_") {
		u, err = tx.Users.ByID(ctx, ref)
	} else {
		canonical, _ := identity.Canonical(ref)
		u, err = tx.Users.ByIdentifier(ctx, canonical)
	}
	if errors.Is(err, identity.ErrNotFound) {
		return u, next(fmt.Errorf("there is no user %q", ref), "`intelliauth user list` shows who there is")
	}
	return u, err
}

type userListCommand struct {
	inTenant
	JSON bool `help:"Print one line of JSON for each user."`
}

func (c *userListCommand) Run(ctx context.Context, m *Main) error {
	st, t, err := m.tenantOf(ctx, c.inTenant)
	if err != nil {
		return err
	}
	defer st.Close()
	lines := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(lines, "ID\tADDRESS\tNAME\tADDED\t")
	}
	n := 0
	err = eachUser(ctx, st, t, func(u identity.User) error {
		n++
		if c.JSON {
			return json.NewEncoder(m.Stdout).Encode(userLine(u))
		}
		state := ""
		if u.Disabled() {
			state = "disabled"
		}
		_, err := fmt.Fprintf(lines, "%s\t%s\t%s\t%s\t%s\n", u.ID, printable(u.Email), printable(u.Name), u.CreatedAt.Format(time.DateOnly), state)
		return err
	})
	if err != nil {
		return err
	}
	if n == 0 && !c.JSON {
		m.say("Tenant %s has no users yet: add one with `intelliauth user add`.", t.ID)
		return nil
	}
	return lines.Flush()
}

func eachUser(ctx context.Context, st identity.Store, t identity.Tenant, fn func(identity.User) error) error {
	const page = 200
	after := ""
	for {
		var users []identity.User
		err := st.View(ctx, t.ID, func(tx identity.Tx) (err error) {
			users, err = tx.Users.List(ctx, after, page)
			return err
		})
		if err != nil {
			return err
		}
		for _, u := range users {
			if err := fn(u); err != nil {
				return err
			}
			after = u.ID
		}
		if len(users) < page {
			return nil
		}
	}
}

// userLine is a user as programs read it: nothing that could sign in.
func userLine(u identity.User) map[string]any {
	return map[string]any{
		"id": u.ID, "email": u.Email, "emailVerified": u.EmailVerified, "name": u.Name,
		"createdAt": u.CreatedAt, "disabled": u.Disabled(),
	}
}

type userDisableCommand struct {
	inTenant
	User string `arg:"" help:"Id or address of the user."`
}

func (c *userDisableCommand) Run(ctx context.Context, m *Main) error {
	return m.changeUser(ctx, c.inTenant, c.User, func(tx identity.Tx, e *flow.Engine, u identity.User) error {
		if u.Disabled() {
			return errUnchanged
		}
		now := m.Now().UTC()
		u.DisabledAt = &now
		if err := tx.Users.Save(ctx, u); err != nil {
			return err
		}
		if err := e.EndUser(ctx, tx, u, "user_disabled"); err != nil {
			return err
		}
		return tx.Events.Append(ctx, m.event(identity.EventUserDisabled, u))
	}, "%s is disabled, and signed out everywhere.", "%s is disabled already.")
}

type userEnableCommand struct {
	inTenant
	User string `arg:"" help:"Id or address of the user."`
}

func (c *userEnableCommand) Run(ctx context.Context, m *Main) error {
	return m.changeUser(ctx, c.inTenant, c.User, func(tx identity.Tx, _ *flow.Engine, u identity.User) error {
		if !u.Disabled() {
			return errUnchanged
		}
		u.DisabledAt = nil
		if err := tx.Users.Save(ctx, u); err != nil {
			return err
		}
		if err := tx.Users.Bump(ctx, u.ID, u.Epoch); err != nil {
			return err
		}
		return tx.Events.Append(ctx, m.event(identity.EventUserEnabled, u))
	}, "%s may sign in again.", "%s was not disabled.")
}

// errUnchanged says that there was nothing to do.
var errUnchanged = errors.New("unchanged")

// changeUser runs a change of one user in one transaction.
func (m *Main) changeUser(ctx context.Context, p inTenant, ref string,
	change func(identity.Tx, *flow.Engine, identity.User) error, done, already string,
) error {
	st, t, err := m.tenantOf(ctx, p)
	if err != nil {
		return err
	}
	defer st.Close()
	engine, err := m.engine(st)
	if err != nil {
		return err
	}
	var u identity.User
	err = st.Update(ctx, t.ID, func(tx identity.Tx) (err error) {
		if u, err = findUser(ctx, tx, ref); err != nil {
			return err
		}
		return change(tx, engine, u)
	})
	switch {
	case errors.Is(err, errUnchanged):
		m.say(already, printable(u.Email))
	case err != nil:
		return err
	default:
		m.say(done, printable(u.Email))
	}
	return nil
}

// engine is a flow engine for what the command line does: it revokes, and
// never signs anybody in.
func (m *Main) engine(d *database) (*flow.Engine, error) {
	return newEngine(d, d.Store, flow.NewSlots(flow.SlotSize{}), m.recipe(d.blocklist))
}

// printable shows what a stranger wrote without letting it move the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u2028' || r == '\u2029' {
			return '\uFFFD'
		}
		return r
	}, s)
}
