package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
	"github.com/intelliauth/intelliauth/internal/token"
)

// word is a password kept in the clear: cheap.
type word struct{}

func (word) Facts() factor.Facts {
	return factor.Facts{
		Name: "word", Class: assurance.Memorized, Kinds: []factor.Kind{factor.Knowledge}, AMR: "pwd", First: true,
		Hidden: true, Accepted: 1, Space: 625_000, Max: 1, Best: assurance.Proof{Class: assurance.Memorized},
	}
}

func (word) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return factor.Challenge{}, factor.ErrWrong
}

func (word) FinishEnrolment(factor.Subject, factor.Challenge, factor.Response) (factor.Enrolled, error) {
	return factor.Enrolled{}, factor.ErrWrong
}

func (word) Begin(factor.Subject) (factor.Challenge, error) {
	return factor.Challenge{Prompt: factor.Prompt{Input: factor.Text}}, nil
}

func (word) Finish(s factor.Subject, _ factor.Challenge, r factor.Response) (factor.Outcome, error) {
	for _, en := range s.Enrolments {
		if string(en.Data) == r.Value {
			return factor.Outcome{Proof: assurance.Proof{Class: assurance.Memorized}, Enrolment: en.ID}, nil
		}
	}
	return factor.Outcome{}, factor.ErrWrong
}

// digits is a one-time code that is always 123456.
type digits struct{ word }

func (digits) Facts() factor.Facts {
	return factor.Facts{
		Name: "totp", Class: assurance.OneTime, Kinds: []factor.Kind{factor.Possession}, AMR: "otp",
		Accepted: 2, Space: 1_000_000, Max: 5, Best: assurance.Proof{Class: assurance.OneTime},
	}
}

func (digits) Finish(s factor.Subject, _ factor.Challenge, r factor.Response) (factor.Outcome, error) {
	for _, en := range s.Enrolments {
		if r.Value == "123456" {
			return factor.Outcome{Proof: assurance.Proof{Class: assurance.OneTime}, Enrolment: en.ID, Data: []byte("x")}, nil
		}
	}
	return factor.Outcome{}, factor.ErrWrong
}

const (
	callback  = "https://app.example/cb"
	apiURI    = "https://api.example"
	otherAPI  = "https://other-api.example"
	webSecret = "a secret of demo-web +%:/ü"
)

// world is a tenant with its applications on a real store, a real engine and a
// moving clock, behind the real front.
type world struct {
	testing.TB
	clock   *clock
	store   *store.Store
	engine  *flow.Engine
	keys    *token.Keys
	tenant  identity.Tenant
	handler http.Handler
	logs    *strings.Builder
	users   map[string]identity.User
	jwk     *ecdsa.PrivateKey
}

// clock is moved by tests alone.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (w *world) now() time.Time {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	return w.clock.at
}

func (w *world) pass(d time.Duration) {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.at = w.clock.at.Add(d)
}

type syncWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (s *syncWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(b)
}

type option func(*world)

func withPolicy(text string) option {
	return func(w *world) { w.tenant.Policy = json.RawMessage(text) }
}
func withAlgorithm(a string) option { return func(w *world) { w.tenant.Algorithm = a } }

func newWorld(t testing.TB, with ...option) *world {
	w := &world{TB: t, clock: &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 250_000_000, time.UTC)}, users: map[string]identity.User{}, logs: &strings.Builder{}}
	w.tenant = identity.Tenant{ID: "tnt_a", Issuer: "https://a.example", RPID: "a.example", Name: "A", Algorithm: "ES256", Policy: json.RawMessage(`{"enrolment":{"first_factor":"password"},"risk":{"mode":"monitor"}}`)}
	for _, o := range with {
		o(w)
	}
	w.store = storetest.Open(t, storetest.WithClock(w.now))
	w.must(w.store.PutTenant(t.Context(), w.tenant))
	w.must(w.store.PutTenant(t.Context(), identity.Tenant{ID: "tnt_b", Issuer: "https://b.example", RPID: "b.example", Name: "B", Algorithm: "ES256"}))
	w.engine = flow.New(flow.Deps{
		Store: w.store, Factors: []factor.Factor{word{}, digits{}}, Slots: flow.NewSlots(flow.SlotSize{}),
		Index: func(context.Context, string) ([]byte, error) { return []byte("index key of thirty-two bytes..."), nil },
		Now:   w.now, Random: rand.Reader,
	})
	w.keys = token.NewKeys(w.store, w.now, rand.Reader)
	w.must(w.keys.Ensure(t.Context(), w.tenant))
	var err error
	w.jwk, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	w.applications()
	for _, name := range []string{"ada", "grace"} {
		w.addUser(name)
	}
	w.serve(w.engine)
	return w
}

// serve builds the handler around an engine.
func (w *world) serve(engine Engine) { w.serveOn(w.store, engine) }

// serveOn builds it on a store of the test's choosing.
func (w *world) serveOn(store identity.Store, engine Engine) {
	page := func(name string) string { return "page:" + name }
	h := Handler(Deps{
		Store: store, Engine: engine, Keys: w.keys, Assertions: token.NewAssertions(), Proofs: token.NewProofs(w.store, w.store.PepperFor, w.now), Cookies: edge.Cookies{Secure: true},
		Now: w.now, Random: rand.Reader,
		ErrorPage: func(rw http.ResponseWriter, _ *http.Request, status int, code, detail string) {
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, page("error")+"\n"+code+"\n"+detail)
		},
		FormPost: func(rw http.ResponseWriter, _ *http.Request, action string, fields map[string]string) {
			v := url.Values{}
			for k, f := range fields {
				v.Set(k, f)
			}
			_, _ = io.WriteString(rw, page("form_post")+"\n"+action+"\n"+v.Encode())
		},
		ConfirmLogout: func(rw http.ResponseWriter, _ *http.Request, q LogoutQuestion) {
			v := url.Values{}
			for k, f := range q.Fields {
				v.Set(k, f)
			}
			_, _ = io.WriteString(rw, page("confirm")+"\n"+q.Application+"\n"+v.Encode()+"\n"+q.Redirect)
		},
		SignedOut: func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, page("out")) },
	})
	log := slog.New(slog.NewTextHandler(&syncWriter{to: w.logs}, nil))
	w.handler = edge.Front{Log: log, Now: w.now, Random: rand.Reader, Secure: true, Tenants: edge.NewTenants(w.store)}.Handler(h)
}

func (w *world) applications() {
	public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.jwk.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	w.must(err)
	all := []string{"openid", "profile", "email", "offline_access", "me", "me:factors", "payments:write"}
	grants := []string{identity.GrantCode, identity.GrantRefresh}
	salt := []byte("sixteen bytes...")
	for _, app := range []identity.Application{
		{
			ID: "spa", Name: "SPA", AuthMethod: identity.AuthNone, RedirectURIs: []string{callback, callback + "?tenant=1", "http://127.0.0.1/native"}, PostLogoutURIs: []string{"https://app.example/bye"},
			Grants: grants, Scopes: all, Audience: apiURI, Resources: []string{otherAPI}, FirstParty: true, SelfService: true,
		},
		{
			ID: "web", Name: "Web", AuthMethod: identity.AuthSecretBasic, Secrets: []identity.Secret{identity.NewSecret(salt, "an older secret"), identity.NewSecret(salt, webSecret)},
			RedirectURIs: []string{callback}, PostLogoutURIs: []string{"https://app.example/bye?a=b"}, Grants: append(grants, identity.GrantClient), Scopes: all, Audience: apiURI, FirstParty: true,
		},
		{
			ID: "exempt", Name: "Exempt", AuthMethod: identity.AuthSecretPost, Secrets: []identity.Secret{identity.NewSecret(salt, webSecret)},
			RedirectURIs: []string{callback}, Grants: grants, Scopes: all, Audience: apiURI, FirstParty: true, PKCEOptional: true,
		},
		{
			ID: "jwt", Name: "JWT", AuthMethod: identity.AuthPrivateKeyJWT, JWKS: public, RedirectURIs: []string{callback}, Grants: append(grants, identity.GrantClient),
			Scopes: all, Audience: apiURI, FirstParty: true, RequirePAR: true,
		},
		{ID: "api", Name: "API", AuthMethod: identity.AuthSecretBasic, Secrets: []identity.Secret{identity.NewSecret(salt, "api secret")}, Audience: apiURI},
		{
			ID: "other", Name: "Other", AuthMethod: identity.AuthSecretBasic, Secrets: []identity.Secret{identity.NewSecret(salt, "other secret")}, Audience: otherAPI,
			RedirectURIs: []string{"https://other.example/cb"}, Grants: grants, Scopes: all,
		},
		{ID: "floor", Name: "Floor", AuthMethod: identity.AuthNone, RedirectURIs: []string{callback}, Grants: grants, Scopes: all, Audience: apiURI, FirstParty: true, MinLevel: 2},
		{ID: "gone", Name: "Gone", AuthMethod: identity.AuthNone, RedirectURIs: []string{callback}, Grants: grants, Scopes: all, Disabled: true},
	} {
		w.putApp(app)
	}
}

func (w *world) putApp(app identity.Application) {
	w.Helper()
	w.update(func(tx identity.Tx) error { return tx.Applications.Put(context.Background(), app) })
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) update(fn func(identity.Tx) error) {
	w.Helper()
	w.must(w.store.Update(context.Background(), w.tenant.ID, fn))
}

func (w *world) view(fn func(identity.Tx) error) {
	w.Helper()
	w.must(w.store.View(context.Background(), w.tenant.ID, fn))
}

func (w *world) addUser(name string) {
	u := identity.User{
		ID: identity.NewID("usr", w.now(), rand.Reader), Handle: []byte(identity.RandomToken(48, rand.Reader)),
		Identifier: name + "@example.com", Email: name + "@example.com", EmailVerified: true, Name: name, CreatedAt: w.now(),
	}
	w.update(func(tx identity.Tx) error {
		if err := tx.Users.Create(context.Background(), u); err != nil {
			return err
		}
		return tx.Enrolments.Create(context.Background(), identity.Enrolment{ID: identity.NewID("enr", w.now(), rand.Reader), User: u.ID, Factor: "word", Data: []byte("right"), EnrolledAt: w.now()})
	})
	w.users[name] = u
}

func (w *world) addCode(name string) {
	w.update(func(tx identity.Tx) error {
		return tx.Enrolments.Create(context.Background(), identity.Enrolment{ID: identity.NewID("enr", w.now(), rand.Reader), User: w.users[name].ID, Factor: "totp", Name: "Phone", Data: []byte("0"), EnrolledAt: w.now()})
	})
}

func (w *world) events(kind string) []identity.Event {
	w.Helper()
	var out []identity.Event
	w.view(func(tx identity.Tx) error {
		all, err := tx.Events.List(context.Background(), identity.EventFilter{Limit: 10000})
		for _, e := range all {
			if e.Type == kind {
				out = append(out, e)
			}
		}
		return err
	})
	return out
}

func (w *world) user(name string) (u identity.User) {
	w.Helper()
	w.view(func(tx identity.Tx) (err error) {
		u, err = tx.Users.ByID(context.Background(), w.users[name].ID)
		return err
	})
	return u
}

// mailed lists the messages of a kind.
func (w *world) mailed(kind string) []identity.Message {
	w.Helper()
	var out []identity.Message
	w.view(func(tx identity.Tx) error {
		all, err := tx.Outbox.List(context.Background(), 1000)
		for _, m := range all {
			if m.Kind == kind {
				out = append(out, m)
			}
		}
		return err
	})
	return out
}

// engineNow is the clock at the resolution that is stored.
func (w *world) engineNow() time.Time { return w.now().UTC().Truncate(time.Microsecond) }
