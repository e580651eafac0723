package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/risk"
)

type policySimulateCommand struct {
	inTenant
	Policy string `required:"" type:"path" placeholder:"FILE" help:"YAML file with the draft: the keys of policy, or a document with a key policy."`
	Since  string `default:"30d" placeholder:"WHEN" help:"Sign-ins since then: 24h, 30d, 2026-11-23, or a time (${default})."`
	JSON   bool   `help:"Print JSON."`
}

// simulated is what the command prints. Each sign-in is judged for its user as
// they are today, as if they began with their password.
type simulated struct {
	SignIns      int                       `json:"signIns"`
	Gone         int                       `json:"gone"` // of users or applications that are no more
	Now          map[flow.Outcome]int      `json:"now"`
	Then         map[flow.Outcome]int      `json:"then"`
	Applications map[string]map[string]int `json:"applications"` // sign-ins that change, as "passes → enrols"
	Users        map[flow.Outcome][]string `json:"users"`        // whom the draft asks more, by the worst that happens to them
}

// Run judges past sign-ins by the policy in force and by a draft. It fails where
// the draft lets nobody through who came through before.
func (c *policySimulateCommand) Run(ctx context.Context, m *Main) error {
	draft, err := readPolicy(c.Policy)
	if err != nil {
		return err
	}
	since, err := parseSince(days(c.Since), m.Now())
	if err != nil {
		return err
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
	s := simulation{engine: engine, now: t, then: t, worst: map[string]flow.Outcome{}}
	s.then.Policy = draft
	s.out = simulated{Now: map[flow.Outcome]int{}, Then: map[flow.Outcome]int{}, Applications: map[string]map[string]int{}, Users: map[flow.Outcome][]string{}}
	err = pastAssessments(ctx, st, t, identity.EventFilter{Since: since}, func(e identity.Event) error {
		return st.View(ctx, t.ID, func(tx identity.Tx) error { return s.judge(ctx, tx, e) })
	})
	if err != nil {
		return err
	}
	out := s.finish()
	if c.JSON {
		encoded, err := json.MarshalIndent(out, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(m.Stdout, string(encoded))
	} else {
		out.print(m)
	}
	through := func(by map[flow.Outcome]int) int { return out.SignIns - by[flow.LocksOut] - by[flow.TurnsAway] }
	if through(out.Now) > 0 && through(out.Then) == 0 {
		return next(fmt.Errorf("under the draft nobody who signed in since %s could sign in", c.Since), "do not apply it; `intelliauth policy explain --user USER` says what stands in the way")
	}
	return nil
}

// readPolicy reads a draft as the configuration would.
func readPolicy(path string) (json.RawMessage, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if inner, ok := doc["policy"].(map[string]any); ok && len(doc) == 1 {
		doc = inner
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := policy.Parse(raw); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return raw, nil
}

type simulation struct {
	engine    *flow.Engine
	now, then identity.Tenant
	worst     map[string]flow.Outcome // by address
	out       simulated
}

func (s *simulation) judge(ctx context.Context, tx identity.Tx, e identity.Event) error {
	p := flow.Past{}
	var asked flow.Asked
	err := json.Unmarshal(e.Asked, &asked)
	if err == nil {
		p.Request = asked.Request()
		p.Inputs, err = risk.DecodeInputs(e.RiskInputs)
	}
	if err == nil {
		p.User, err = tx.Users.ByID(ctx, e.User)
	}
	if err == nil && e.Application != "" {
		p.Request.Application, err = tx.Applications.ByID(ctx, e.Application)
	}
	if err != nil {
		s.out.Gone++
		return nil
	}
	p.Request.Authorization.OwnPage = e.Application == ""
	now, err := s.engine.Simulate(ctx, tx, s.now, p)
	if err != nil {
		return err
	}
	then, err := s.engine.Simulate(ctx, tx, s.then, p)
	if err != nil {
		return err
	}
	s.out.SignIns++
	s.out.Now[now]++
	s.out.Then[then]++
	if now == then {
		return nil
	}
	name := p.Request.Application.ID
	if name == "" {
		name = "(own pages)"
	}
	if s.out.Applications[name] == nil {
		s.out.Applications[name] = map[string]int{}
	}
	s.out.Applications[name][fmt.Sprintf("%s → %s", now, then)]++
	if then.Worse(now) && then.Worse(s.worst[p.User.Email]) {
		s.worst[p.User.Email] = then
	}
	return nil
}

func (s *simulation) finish() simulated {
	for user, o := range s.worst {
		s.out.Users[o] = append(s.out.Users[o], user)
	}
	for _, users := range s.out.Users {
		slices.Sort(users)
	}
	return s.out
}

const mostUsers = 20

func (s simulated) print(m *Main) {
	w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d sign-ins\tnow\tunder the draft\n", s.SignIns)
	for _, o := range flow.Outcomes() {
		fmt.Fprintf(w, "%s\t%d\t%d\n", o, s.Now[o], s.Then[o])
	}
	w.Flush()
	for _, app := range slices.Sorted(maps.Keys(s.Applications)) {
		for _, change := range slices.Sorted(maps.Keys(s.Applications[app])) {
			fmt.Fprintf(m.Stdout, "%s: %s, %d times\n", app, change, s.Applications[app][change])
		}
	}
	for _, o := range flow.Outcomes() {
		users := s.Users[o]
		if len(users) == 0 {
			continue
		}
		fmt.Fprintf(m.Stdout, "%s, %d people: ", o, len(users))
		for i, u := range users[:min(len(users), mostUsers)] {
			if i > 0 {
				fmt.Fprint(m.Stdout, ", ")
			}
			fmt.Fprint(m.Stdout, u)
		}
		if len(users) > mostUsers {
			fmt.Fprint(m.Stdout, " and others")
		}
		fmt.Fprintln(m.Stdout)
	}
	if s.Gone > 0 {
		fmt.Fprintf(m.Stdout, "%d sign-ins are of users or applications that are no more\n", s.Gone)
	}
}
