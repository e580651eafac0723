package web

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// fakeFlows answers what a test says and remembers what it was asked.
type fakeFlows struct {
	view    flow.View
	err     error
	posted  flow.Posted
	begun   flow.Begun
	current *flow.Current
	worth   assurance.Standing

	posts    []flow.Post
	requests []flow.Request
	browsers []flow.Browser
	ended    []string
}

func (f *fakeFlows) Begin(_ context.Context, _ identity.Tenant, b flow.Browser, r flow.Request) (flow.Begun, error) {
	f.requests, f.browsers = append(f.requests, r), append(f.browsers, b)
	return f.begun, f.err
}

func (f *fakeFlows) View(_ context.Context, _ identity.Tenant, b flow.Browser, _ string) (flow.View, error) {
	f.browsers = append(f.browsers, b)
	return f.view, f.err
}

func (f *fakeFlows) Post(_ context.Context, _ identity.Tenant, b flow.Browser, _ string, p flow.Post) (flow.Posted, error) {
	f.posts, f.browsers = append(f.posts, p), append(f.browsers, b)
	return f.posted, f.err
}

func (f *fakeFlows) Admits(identity.Tenant, flow.Bearing) (bool, error) { return true, nil }

func (f *fakeFlows) Current(context.Context, identity.Tenant, flow.Browser) (flow.Current, error) {
	if f.current == nil {
		return flow.Current{}, identity.ErrNotFound
	}
	return *f.current, nil
}

func (f *fakeFlows) SignOut(_ context.Context, _ identity.Tenant, session, _ string, _ flow.Browser) error {
	f.ended = append(f.ended, session)
	f.current = nil
	return f.err
}

func (f *fakeFlows) Standing(identity.Tenant, identity.Session, []assurance.Proof) (assurance.Standing, error) {
	return f.worth, nil
}

// fakeMethods does the same for enrolments.
type fakeMethods struct {
	list   []identity.Enrolment
	prompt factor.Prompt
	done   identity.Enrolment
	err    error

	actors    []flow.Actor
	asked     []factor.Asked
	responses []factor.Response
}

func (f *fakeMethods) Enrolments(context.Context, identity.Tenant, string) ([]identity.Enrolment, error) {
	return f.list, f.err
}

func (f *fakeMethods) BeginEnrolment(_ context.Context, _ identity.Tenant, a flow.Actor, _ string, asked factor.Asked) (string, factor.Prompt, error) {
	f.actors, f.asked = append(f.actors, a), append(f.asked, asked)
	return "enr_1", f.prompt, f.err
}

func (f *fakeMethods) CompleteEnrolment(_ context.Context, _ identity.Tenant, a flow.Actor, _ string, r factor.Response) (identity.Enrolment, error) {
	f.actors, f.responses = append(f.actors, a), append(f.responses, r)
	return f.done, f.err
}

func (f *fakeMethods) Restricted(name string) bool { return name == "sms" }

func (f *fakeMethods) Asks(name string) []string {
	if name == "sms" {
		return []string{"phone"}
	}
	return nil
}

// fakeAccounts has the account that a test gives it, for whoever asks.
type fakeAccounts struct {
	account *flow.Account
	begun   flow.Begun
	err     error

	duties   []flow.Duty
	backs    []string
	browsers []flow.Browser
	tokens   []string // that were joined or repudiated by
	looked   []string // that were only looked at
}

func (f *fakeAccounts) Account(context.Context, identity.Tenant, flow.Browser) (flow.Account, error) {
	if f.account == nil {
		return flow.Account{}, identity.ErrNotFound
	}
	return *f.account, nil
}

func (f *fakeAccounts) BeginDuty(_ context.Context, _ identity.Tenant, b flow.Browser, d flow.Duty, back string) (flow.Begun, error) {
	f.duties, f.backs, f.browsers = append(f.duties, d), append(f.backs, back), append(f.browsers, b)
	return f.begun, f.err
}

func (f *fakeAccounts) BeginJoin(_ context.Context, _ identity.Tenant, b flow.Browser, token string) (flow.Begun, error) {
	f.tokens, f.browsers = append(f.tokens, token), append(f.browsers, b)
	return f.begun, f.err
}

func (f *fakeAccounts) Repudiate(_ context.Context, _ identity.Tenant, token string) error {
	f.tokens = append(f.tokens, token)
	return f.err
}

func (f *fakeAccounts) Repudiable(_ context.Context, _ identity.Tenant, token string) error {
	f.looked = append(f.looked, token)
	return f.err
}

// fakeChanges remembers what was to be changed, and by whom.
type fakeChanges struct {
	err    error
	actors []flow.Actor
	duties []flow.Duty
	said   []string // in words: what else was to be done
}

func (f *fakeChanges) note(a flow.Actor, said ...string) error {
	f.actors, f.said = append(f.actors, a), append(f.said, strings.Join(said, " "))
	return f.err
}

func (f *fakeChanges) Change(_ context.Context, _ identity.Tenant, a flow.Actor, d flow.Duty) error {
	f.actors, f.duties = append(f.actors, a), append(f.duties, d)
	return f.err
}

func (f *fakeChanges) ChangePassword(_ context.Context, _ identity.Tenant, a flow.Actor, current, fresh string) error {
	return f.note(a, "password", current, fresh)
}

func (f *fakeChanges) SetName(_ context.Context, _ identity.Tenant, a flow.Actor, name string) error {
	return f.note(a, "name", name)
}

func (f *fakeChanges) BeginAddress(_ context.Context, _ identity.Tenant, a flow.Actor, to identity.Address) (id, sentTo string, err error) {
	return "adr_1", "a••@n••.org", f.note(a, "address", to.Channel, to.To)
}

func (f *fakeChanges) ConfirmAddress(_ context.Context, _ identity.Tenant, a flow.Actor, id, code string) error {
	return f.note(a, "confirm", id, code)
}

func (f *fakeChanges) RevokeGrant(_ context.Context, _ identity.Tx, g identity.Grant, why string) error {
	return f.note(flow.Actor{}, "revoke", g.ID, why)
}

// fakeTokens accepts the tokens that it holds, for the audience they have.
type fakeTokens map[string]token.Access

func (f fakeTokens) VerifyAccess(_ context.Context, t identity.Tenant, compact, audience string) (token.Access, error) {
	a, ok := f[compact]
	if !ok || a.Audience != audience || a.Issuer != t.Issuer {
		return token.Access{}, identity.Invalid("invalid_token", "no")
	}
	return a, nil
}

// world is a whole room on fakes, behind the real edge.
type world struct {
	t        *testing.T
	flows    *fakeFlows
	methods  *fakeMethods
	accounts *fakeAccounts
	changes  *fakeChanges
	tokens   fakeTokens
	store    identity.Store
	pages    *Pages
	tenant   identity.Tenant
	secure   bool
	now      time.Time
}

func tenant() identity.Tenant {
	return identity.Tenant{ID: "acme", Name: "Acme", Issuer: "https://id.acme.example", RPID: "id.acme.example"}
}

func newPages(t testing.TB) *Pages {
	t.Helper()
	p, err := NewPages()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, flows: &fakeFlows{}, methods: &fakeMethods{}, accounts: &fakeAccounts{}, changes: &fakeChanges{}, tokens: fakeTokens{}, store: &fakeStore{},
		pages: newPages(t), tenant: tenant(), secure: true, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

func (w *world) handler() http.Handler {
	h := Handler(Deps{
		Pages: w.pages, Flows: w.flows, Methods: w.methods, Accounts: w.accounts, Changes: w.changes, Tokens: w.tokens, Store: w.store,
		Cookies: edge.Cookies{Secure: w.secure}, Now: func() time.Time { return w.now }, Random: rand.Reader,
	})
	inner := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(rw, r.WithContext(edge.WithTenant(r.Context(), w.tenant)))
	})
	quiet := slog.New(slog.DiscardHandler)
	return edge.Logs(quiet, edge.RequestIDs(rand.Reader, nil, edge.Headers(w.secure, edge.Limit(inner))))
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler().ServeHTTP(rec, r)
	return rec
}

// html makes a request as a browser's navigation does.
func (w *world) html(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, w.tenant.Issuer+path, strings.NewReader(body))
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", w.tenant.Issuer)
	}
	return r
}

// json makes a request as a script of our own pages does.
func (w *world) json(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, w.tenant.Issuer+path, strings.NewReader(body))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// fakeStore holds the few nouns that the Me API looks up.
type fakeStore struct {
	identity.Store
	applications []identity.Application
	users        map[string]identity.User
	sessions     map[string]identity.Session
	grants       map[string]identity.Grant
	events       []identity.Event
	err          error
}

func (f *fakeStore) View(_ context.Context, _ string, fn func(identity.Tx) error) error {
	if f.err != nil {
		return f.err
	}
	return fn(identity.Tx{
		Applications: apps{all: f.applications}, Users: users{all: f.users}, Sessions: sessions{all: f.sessions},
		Grants: grants{all: f.grants}, Events: events{all: f.events},
	})
}

func (f *fakeStore) Update(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	return f.View(ctx, tenant, fn)
}

type events struct {
	identity.Events
	all []identity.Event
}

func (e events) List(_ context.Context, f identity.EventFilter) ([]identity.Event, error) {
	return slices.DeleteFunc(slices.Clone(e.all), func(ev identity.Event) bool { return ev.User != f.User }), nil
}

type apps struct {
	identity.Applications
	all []identity.Application
}

func (a apps) List(context.Context) ([]identity.Application, error) { return a.all, nil }
func (a apps) ByID(_ context.Context, id string) (identity.Application, error) {
	for _, app := range a.all {
		if app.ID == id {
			return app, nil
		}
	}
	return identity.Application{}, identity.ErrNotFound
}

type users struct {
	identity.Users
	all map[string]identity.User
}

func (u users) ByID(_ context.Context, id string) (identity.User, error) { return pick(u.all, id) }

type sessions struct {
	identity.Sessions
	all map[string]identity.Session
}

func (s sessions) ByID(_ context.Context, id string) (identity.Session, error) {
	return pick(s.all, id)
}

func (s sessions) ByUser(_ context.Context, user string) ([]identity.Session, error) {
	return ofUser(s.all, func(s identity.Session) bool { return s.User == user && !s.Ended() }), nil
}

type grants struct {
	identity.Grants
	all map[string]identity.Grant
}

func (g grants) ByID(_ context.Context, id string) (identity.Grant, error) { return pick(g.all, id) }

func (g grants) ByUser(_ context.Context, user string) ([]identity.Grant, error) {
	return ofUser(g.all, func(g identity.Grant) bool { return g.User == user && !g.Revoked() }), nil
}

func ofUser[T any](all map[string]T, mine func(T) bool) []T {
	var out []T
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if mine(all[id]) {
			out = append(out, all[id])
		}
	}
	return out
}

func pick[T any](all map[string]T, id string) (T, error) {
	v, ok := all[id]
	if !ok {
		return v, identity.ErrNotFound
	}
	return v, nil
}

func body(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
