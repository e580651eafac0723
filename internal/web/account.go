package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

const (
	accountPath = "/account"
	queryDone   = "done" // which change was made
)

// accountPage is all that is a person's own, on one page.
type accountPage struct {
	shell
	Heading  string
	Lead     string
	Done     string // what was changed just now
	Person   *who
	Out      plainForm
	Sections []section
}

// section is one part of it. A template knows rows and ways and nothing of what
// they are about.
type section struct {
	ID, Title, Lead string
	Inner           bool // below the section before it
	Alert           string
	Advice          *advice
	Rows            []row
	Empty           string
	Ways            []way
}

type advice struct{ Title, Text string }

// row is one thing, such as a sign-in method, and what can be done about it.
type row struct {
	Title, Tag string
	Facts      []stamp
	List       []string
	Note       string
	Ways       []way
}

// way leads to a change: to a page that asks first, or straight into a flow.
type way struct {
	Href   string
	Action string // posted to instead, with Fields
	Fields []pair
	Text   string
	For    string // the same, for those who do not see what it stands beside
	Grave  bool
}

// plain is a sentence without a moment, among stamps.
func plain(text string) stamp { return stamp{Before: text} }

// accountRoutes serves what is under /account, and what links in messages open.
func (s *server) accountRoutes(page, guarded func(string, handler)) {
	page("GET "+accountPath, s.account)
	guarded("POST "+accountPath+"/add", s.add)
	for _, c := range changes() {
		page("GET "+accountPath+c.path, s.ask(c))
		guarded("POST "+accountPath+c.path, s.make(c))
	}
	page("GET "+accountPath+"/name", s.askName)
	guarded("POST "+accountPath+"/name", s.setName)
	page("GET "+accountPath+"/applications/{id}", s.askDisconnect)
	guarded("POST "+accountPath+"/applications/{id}/revoke", s.disconnect)

	page("GET "+accountPath+"/not-me", s.askNotMe)
	guarded("POST "+accountPath+"/not-me", s.notMe)
	page("GET "+accountPath+"/not-me/done", s.notMeDone)
	page("GET /join", s.askJoin)
	guarded("POST /join", s.join)
}

// account answers GET /account.
func (s *server) account(w http.ResponseWriter, r *http.Request) error {
	tenant := edge.TenantOf(r.Context())
	a, err := s.Accounts.Account(r.Context(), tenant, s.browser(r))
	if errors.Is(err, identity.ErrNotFound) || err == nil && a.Insufficient {
		return s.begin(w, r, r.URL.RequestURI())
	}
	if err != nil {
		return err
	}
	apps, err := s.applicationNames(r.Context())
	if err != nil {
		return err
	}
	v := s.Pages.visit(w, r, nil)
	v.now = s.Now()
	o := owner{visit: v, Account: a, apps: apps, methods: s.Methods, standing: s.Flows.Standing}
	heading := v.Text(messages.AccountTitle)
	page := accountPage{
		shell: s.Pages.shell(v, heading, false), Heading: heading,
		Lead:   v.Text(messages.AccountLead, "tenant", v.tenantName()),
		Person: v.person(known(a.User)), Done: v.done(r.URL.Query().Get(queryDone)),
		Out:      plainForm{Action: "/signout", Submit: v.Text(messages.HomeSignOut), Quiet: true},
		Sections: o.sections(),
	}
	page.Kind = kindAccount
	if a.Signals != nil {
		encoded, err := json.Marshal(a.Signals)
		if err != nil {
			return err
		}
		page.Signals = string(encoded)
		page.Scripts = append(page.Scripts, s.Pages.assets.path("webauthn.js"))
	}
	return s.Pages.render(v, http.StatusOK, "account", page)
}

// known is what a person knows themselves by.
func known(u identity.User) string {
	if u.Email != "" {
		return u.Email
	}
	return u.Identifier
}

// done words what was changed. The address may say anything; what is not a
// change says nothing.
func (v visit) done(kind string) string {
	if kind == doneDisconnected {
		return v.Text(messages.AccountApplicationEnded)
	}
	text, _ := v.Catalogue.Done(kind)
	return text
}

// applicationNames reads what the tenant's applications are called.
func (s *server) applicationNames(ctx context.Context) (names map[string]string, err error) {
	err = s.Store.View(ctx, edge.TenantOf(ctx).ID, func(tx identity.Tx) (err error) {
		names, err = namesOf(ctx, tx)
		return err
	})
	return names, err
}

// add answers POST /account/add: a sign-in method is to be set up.
func (s *server) add(w http.ResponseWriter, r *http.Request) error {
	form, err := s.ownForm(r)
	if err != nil {
		return err
	}
	err = s.beginDuty(w, r, flow.Duty{Kind: flow.DutyEnrol, Factor: form.Get("factor")}, "")
	why, ok := refusal(err)
	if !ok {
		return err
	}
	v := s.Pages.visit(w, r, nil)
	heading, _ := v.Fault(why.code)
	return s.Pages.render(v, http.StatusUnprocessableEntity, "message", messagePage{
		shell: s.Pages.shell(v, heading, false), Tone: "bad", Heading: heading, Lead: []string{v.Error(why.code, nil, why.wait)},
		Links: []link{{Href: accountPath, Text: v.Text(messages.AccountBack)}},
	})
}

// beginDuty begins the flow of a change, and leads to it. Who is not signed in
// signs in first, and comes back to where they can ask for it again.
func (s *server) beginDuty(w http.ResponseWriter, r *http.Request, d flow.Duty, back string) error {
	_, in, err := s.admitted(r)
	if err != nil {
		return err
	}
	if !in {
		return s.begin(w, r, accountPath)
	}
	if back == "" {
		back = accountPath + "?" + queryDone + "=" + string(d.Kind)
	}
	begun, err := s.Accounts.BeginDuty(r.Context(), edge.TenantOf(r.Context()), s.bound(w, r), d, back)
	if err != nil {
		return err
	}
	s.follow(w, begun)
	return nil
}
