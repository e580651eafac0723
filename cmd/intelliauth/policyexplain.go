package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/oidc"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/risk"
)

type policyExplainCommand struct {
	inTenant
	User        string        `required:"" help:"Id or address of the user."`
	Application string        `help:"client_id of the application that sends the person; without it, our own pages."`
	ACR         []string      `name:"acr" help:"What the application asks, as acr_values: aal1, aal2, aal3, phr or phrh, in order of preference."`
	Scope       []string      `help:"Scopes that it asks for."`
	MaxAge      time.Duration `default:"-1s" help:"Its max_age; 0s is prompt=login."`
	Risk        string        `enum:"unknown,low,medium,high," default:"" help:"What the risk assessment would say: unknown, low, medium or high."`
	JSON        bool          `help:"Print JSON."`
}

func (c *policyExplainCommand) Run(ctx context.Context, m *Main) error {
	alternatives := oidc.Alternatives(c.ACR)
	if len(alternatives) != len(c.ACR) {
		return wrongUse("--acr takes aal1, aal2, aal3, phr and phrh", "write --acr aal2, or --acr phr,aal2 for the first that can be met")
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
	h := flow.Hypothesis{Risk: risk.Band(c.Risk), Request: flow.Request{Alternatives: alternatives}}
	h.Request.Authorization.Scopes, h.Request.Authorization.OwnPage = c.Scope, c.Application == ""
	if c.MaxAge >= 0 {
		h.Request.MaxAge, h.Request.PromptLogin = &c.MaxAge, c.MaxAge == 0
	}
	var x flow.Explained
	err = st.View(ctx, t.ID, func(tx identity.Tx) error {
		if h.User, err = findUser(ctx, tx, c.User); err != nil {
			return err
		}
		if h.Request.Application, err = c.application(ctx, tx); err != nil {
			return err
		}
		x, err = engine.Explain(ctx, tx, t, h)
		return err
	})
	if err != nil {
		return err
	}
	told := tell(x, m.Now())
	told.User, told.Tenant, told.Application = h.User.Email, t.ID, c.Application
	if c.JSON {
		encoded, err := json.MarshalIndent(told, "", "  ")
		if err != nil {
			return err
		}
		m.say("%s", encoded)
		return nil
	}
	m.say("%s", told)
	return nil
}

func (c *policyExplainCommand) application(ctx context.Context, tx identity.Tx) (identity.Application, error) {
	if c.Application == "" {
		return identity.Application{}, nil
	}
	app, err := tx.Applications.ByID(ctx, c.Application)
	if errors.Is(err, identity.ErrNotFound) || err == nil && app.Disabled {
		return app, next(fmt.Errorf("there is no application %q", c.Application), "the configuration file lists them under the tenant, by id")
	}
	return app, err
}

// explanation is what the command prints.
type explanation struct {
	Tenant      string     `json:"tenant"`
	User        string     `json:"user"`
	Application string     `json:"application,omitempty"`
	Outcome     string     `json:"outcome"` // asked, enrol or denied
	Need        need       `json:"requirement"`
	Because     []because  `json:"because"`
	Ways        [][]string `json:"ways,omitempty"`  // any one of these sets
	Enrol       [][]string `json:"enrol,omitempty"` // the same, with what has to be set up first
	NeedTicket  bool       `json:"ticket,omitempty"`
	GraceUntil  *time.Time `json:"graceUntil,omitempty"`

	unreachable bool
}

type need struct {
	Level             string   `json:"level,omitempty"`
	MaxAge            string   `json:"maxAge,omitempty"` // of the proofs
	PhishingResistant bool     `json:"phishingResistant,omitempty"`
	NotCounting       []string `json:"notCounting,omitempty"` // classes of evidence
}

type because struct {
	Reason policy.Reason `json:"reason"`
	Adds   need          `json:"adds"`
	Deny   bool          `json:"deny,omitempty"`
}

func needOf(r assurance.Requirement, now time.Time) need {
	n := need{Level: r.Level.String(), PhishingResistant: r.PhishingResistant}
	if r.Level == assurance.None {
		n.Level = ""
	}
	if !r.Since.IsZero() {
		n.MaxAge = max(0, now.Sub(r.Since).Round(time.Second)).String()
	}
	for _, class := range r.Barred {
		n.NotCounting = append(n.NotCounting, string(class))
	}
	return n
}

func tell(x flow.Explained, now time.Time) explanation {
	out := explanation{
		Outcome: "asked", Need: needOf(x.Decision.Requirement, now), Ways: x.Ways, Enrol: x.Enrol, NeedTicket: x.NeedTicket, Because: []because{},
		unreachable: slices.Contains(x.Decision.Reasons, policy.Unreachable),
	}
	switch {
	case x.Decision.Denied:
		out.Outcome = "denied"
	case x.Decision.Enrol:
		out.Outcome = "enrol"
	}
	for _, d := range x.Demands {
		out.Because = append(out.Because, because{Reason: d.Reason, Adds: needOf(d.Requirement, now), Deny: d.Deny})
	}
	if until := x.Decision.GraceUntil; !until.IsZero() {
		out.GraceUntil = &until
	}
	return out
}

func (n need) String() string {
	var parts []string
	if n.Level != "" {
		parts = append(parts, n.Level)
	}
	if n.PhishingResistant {
		parts = append(parts, "phishing-resistant")
	}
	switch n.MaxAge {
	case "":
	case "0s":
		parts = append(parts, "proved now")
	default:
		parts = append(parts, "proved within "+n.MaxAge)
	}
	if len(n.NotCounting) > 0 {
		parts = append(parts, "not counting "+strings.Join(n.NotCounting, ", "))
	}
	if len(parts) == 0 {
		return "nothing more"
	}
	return strings.Join(parts, ", ")
}

func (e explanation) String() string {
	var b strings.Builder
	at := "our own pages"
	if e.Application != "" {
		at = e.Application
	}
	fmt.Fprintf(&b, "%s, signing in to %s in tenant %s from a browser that is not known\n", printable(e.User), printable(at), e.Tenant)
	fmt.Fprintf(&b, "needs    %s\n", e.Need)
	for _, r := range e.Because {
		adds := r.Adds.String()
		if r.Deny {
			adds = "denies"
		}
		fmt.Fprintf(&b, "because  %-20s %s\n", r.Reason, adds)
	}
	if len(e.Because) == 0 {
		b.WriteString("because  no rule asks for more than a sign-in\n")
	}
	switch {
	case e.Outcome == "denied" && e.unreachable:
		b.WriteString("outcome  denied: nothing that the person holds, or may enrol now, gives that")
	case e.Outcome == "denied":
		b.WriteString("outcome  denied")
	case e.Outcome == "enrol":
		b.WriteString("outcome  a factor has to be set up first, then " + either(e.Enrol))
		if e.NeedTicket {
			b.WriteString("\n         setting up the first one needs a code that is mailed to the person")
		}
		if e.GraceUntil != nil {
			b.WriteString("\n         it may be put off until " + e.GraceUntil.UTC().Format(time.RFC3339))
		}
	default:
		b.WriteString("outcome  asked for " + either(e.Ways))
	}
	return b.String()
}

func either(sets [][]string) string {
	var out []string
	for _, s := range sets {
		out = append(out, strings.Join(s, " and "))
	}
	return strings.Join(out, ", or ")
}
