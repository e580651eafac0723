package web

import (
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)

// ago is a moment before noon.
func ago(d time.Duration) time.Time { return noon().Add(-d) }

// fullAccount is somebody who has everything.
func fullAccount(n names) flow.Account {
	used := ago(2 * time.Hour)
	user := identity.User{ID: "usr_1", Email: n.user, EmailVerified: true, Name: n.person, Phone: "+44 7700 900123", PhoneVerified: true}
	here := identity.Session{ID: "ses_1", User: "usr_1", Device: "dev_1", UserAgent: n.agent(0), IP: "203.0.113.7", CreatedAt: ago(3 * time.Hour), Activity: assurance.Activity{Last: noon()}}
	phone := identity.Session{ID: "ses_2", User: "usr_1", UserAgent: n.agent(1), IP: n.address, CreatedAt: ago(50 * time.Hour), Activity: assurance.Activity{Last: ago(time.Hour)}}
	odd := identity.Session{ID: "ses_3", User: "usr_1", UserAgent: n.detail, CreatedAt: ago(90 * time.Hour), Activity: assurance.Activity{Last: ago(80 * time.Hour)}}
	event := func(kind, outcome string, at time.Duration, change func(*identity.Event)) identity.Event {
		e := identity.Event{ID: "evt_1", At: ago(at), Type: kind, Outcome: outcome, User: "usr_1", IP: "203.0.113.7", UserAgent: n.agent(0)}
		change(&e)
		return e
	}
	return flow.Account{
		Current: flow.Current{User: user, Session: here, Standing: assurance.Standing{Level: assurance.AAL2}},
		Enrolments: []identity.Enrolment{
			{ID: "enr_1", Factor: "passkey", Name: n.key, EnrolledAt: ago(400 * time.Hour), LastUsedAt: &used},
			{ID: "enr_2", Factor: "totp", Name: n.enrolment, EnrolledAt: ago(900 * time.Hour)},
			{ID: "enr_3", Factor: "sms", EnrolledAt: ago(2000 * time.Hour), LastUsedAt: &used},
			{ID: "enr_4", Factor: "passkey", Name: n.enrolment, EnrolledAt: ago(time.Hour), Suspended: true},
			{ID: "enr_5", Factor: "recovery", EnrolledAt: ago(900 * time.Hour)},
		},
		Password: &identity.Enrolment{ID: "enr_0", Factor: "password", EnrolledAt: ago(5000 * time.Hour)},
		Codes:    2, CodesOf: "recovery", Sessions: []identity.Session{here, phone, odd},
		Grants: []identity.Grant{
			{ID: "grt_1", User: "usr_1", Application: "demo", Session: "ses_1", Scopes: []string{"openid", "profile", "email", n.scope}, CreatedAt: ago(3 * time.Hour)},
			{ID: "grt_2", User: "usr_1", Application: "demo", Session: "ses_2", Scopes: []string{"openid", "email"}, CreatedAt: ago(50 * time.Hour)},
			{ID: "grt_3", User: "usr_1", Application: "gone", Session: "ses_1", Scopes: []string{"openid"}, CreatedAt: ago(50 * time.Hour)},
		},
		Events: []identity.Event{
			event(identity.EventSignIn, identity.Succeeded, 3*time.Hour, func(e *identity.Event) { e.Flow, e.Session, e.Reasons = "flow_1", "ses_1", []string{"enrolled"} }),
			event(identity.EventFactorProved, identity.Succeeded, 3*time.Hour, func(e *identity.Event) { e.Flow, e.Factor = "flow_1", "totp" }),
			event(identity.EventFactorFailed, identity.Failed, 4*time.Hour, func(e *identity.Event) {
				e.Factor, e.IP, e.UserAgent, e.Reasons = "totp", "198.51.100.4", n.agent(2), []string{"code_invalid"}
			}),
			event(identity.EventEnrolmentCreated, identity.Succeeded, 400*time.Hour, func(e *identity.Event) { e.Factor, e.Data = "passkey", map[string]string{"name": n.enrolment} }),
			event(identity.EventConsentGiven, identity.Succeeded, 500*time.Hour, func(e *identity.Event) { e.Application = "demo" }),
			event("something.new", "odd", 600*time.Hour, func(e *identity.Event) { e.UserAgent, e.IP = n.detail, "" }),
		},
		Offered: []string{"passkey", "totp", "knock", "recovery"},
		Signals: &factor.Signals{RPID: "id.acme.example", User: "YWRh", Credentials: []string{"AAAA"}, Name: n.user, DisplayName: n.person},
	}
}

// bareAccount is somebody who has just come.
func bareAccount(n names) flow.Account {
	full := fullAccount(n)
	return flow.Account{
		Current: flow.Current{User: identity.User{ID: "usr_1", Identifier: n.user}, Session: full.Session, Standing: assurance.Standing{Level: assurance.AAL1}},
		Codes:   -1, CodesOf: "recovery", Offered: []string{"passkey", "totp", "sms", "recovery"},
		Sessions: full.Sessions[:1], Password: full.Password,
	}
}

// accountServer is the room for one account.
func accountServer(p *Pages, n names, a *flow.Account, err error) *server {
	flows := &fakeFlows{worth: assurance.Standing{Level: assurance.AAL2}}
	return &server{Deps{
		Pages: p, Flows: flows, Methods: &fakeMethods{}, Accounts: &fakeAccounts{account: a, err: err}, Changes: &fakeChanges{}, Now: noon, Random: rand.Reader,
		Store: &fakeStore{applications: []identity.Application{{ID: "demo", Name: n.application}}},
	}}
}

type showing = func(w http.ResponseWriter, r *http.Request, p *Pages)

// accountExhibits are the account pages in every state.
func accountExhibits(t testing.TB, n names) map[string]showing {
	full, bare := fullAccount(n), bareAccount(n)
	alone := fullAccount(n)
	alone.Enrolments, alone.Codes, alone.User.EmailVerified = alone.Enrolments[1:2], 8, false
	spent := fullAccount(n)
	spent.Codes, spent.Password, spent.Offered = 0, nil, nil
	all := map[string]showing{}
	show := func(name, path string, a flow.Account, err error, h func(*server) handler) {
		all[name] = func(w http.ResponseWriter, r *http.Request, p *Pages) {
			r = withPath(r, path)
			if err := h(accountServer(p, n, &a, err))(w, r); err != nil {
				t.Error(name, err)
			}
		}
	}
	account := func(s *server) handler { return s.account }
	show("account", "/account", full, nil, account)
	show("account-bare", "/account", bare, nil, account)
	show("account-alone", "/account?done=enrol", alone, nil, account)
	show("account-spent", "/account?done=application", spent, nil, account)
	for _, c := range changes() {
		id := map[string]string{"/sessions/{id}": "ses_2"}[c.path]
		if id == "" {
			id = "enr_2"
		}
		show("account-ask"+pathName(c.path), "/account"+c.path+"?id="+id, full, nil, func(s *server) handler { return s.ask(c) })
	}
	show("account-ask-name", "/account/name", full, nil, func(s *server) handler { return s.askName })
	show("account-ask-name-empty", "/account/name", full, nil, func(s *server) handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			return s.askAgain(w, r, change{about: aboutName}, answered{code: "response_required"})
		}
	})
	show("account-ask-remove-refused", "/account/remove/enr_2?id=enr_2", full, nil, func(s *server) handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			return s.askAgain(w, r, changes()[1], answered{code: "last_required_factor"})
		}
	})
	show("account-add-refused", "/account/add", full, identity.Forbidden("frozen", "x"), func(s *server) handler {
		s.Flows.(*fakeFlows).current = signedIn()
		return func(w http.ResponseWriter, r *http.Request) error { return s.add(w, asForm(r)) }
	})
	show("account-ask-application", "/account/applications/demo?id=demo", full, nil, func(s *server) handler { return s.askDisconnect })
	show("not-me", "/account/not-me?token=t", full, nil, func(s *server) handler { return s.askNotMe })
	show("not-me-gone", "/account/not-me?token=t", full, identity.ErrTaken, func(s *server) handler { return s.askNotMe })
	show("not-me-done", "/account/not-me/done", full, nil, func(s *server) handler { return s.notMeDone })
	show("join", "/join?token=t", full, nil, func(s *server) handler { return s.askJoin })
	show("join-gone", "/join", full, identity.ErrExpired, func(s *server) handler {
		return func(w http.ResponseWriter, r *http.Request) error { return s.join(w, asForm(r)) }
	})
	return all
}
