package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
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
	return factor.Facts{Name: "word", Class: assurance.Memorized, Kinds: []factor.Kind{factor.Knowledge}, AMR: "pwd", First: true,
		Hidden: true, Accepted: 1, Space: 625_000, Max: 1, Best: assurance.Proof{Class: assurance.Memorized}}
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
	return factor.Facts{Name: "totp", Class: assurance.OneTime, Kinds: []factor.Kind{factor.Possession}, AMR: "otp",
		Accepted: 2, Space: 1_000_000, Max: 5, Best: assurance.Proof{Class: assurance.OneTime}}
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
	w.tenant = identity.Tenant{ID: "tnt_a", Issuer: "https://a.example", RPID: "a.example", Name: "A", Algorithm: "ES256"}
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
func (w *world) serve(engine Engine) {
	page := func(name string) string { return "page:" + name }
	h := Handler(Deps{
		Store: w.store, Engine: engine, Keys: w.keys, Assertions: token.NewAssertions(), Cookies: edge.Cookies{Secure: true},
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
		{ID: "spa", Name: "SPA", AuthMethod: identity.AuthNone, RedirectURIs: []string{callback, callback + "?tenant=1", "http://127.0.0.1/native"}, PostLogoutURIs: []string{"https://app.example/bye"},
			Grants: grants, Scopes: all, Audience: apiURI, Resources: []string{otherAPI}, FirstParty: true, SelfService: true},
		{ID: "web", Name: "Web", AuthMethod: identity.AuthSecretBasic, Secrets: []identity.Secret{identity.NewSecret(salt, "an older secret"), identity.NewSecret(salt, webSecret)},
			RedirectURIs: []string{callback}, PostLogoutURIs: []string{"https://app.example/bye?a=b"}, Grants: append(grants, identity.GrantClient), Scopes: all, Audience: apiURI, FirstParty: true},
		{ID: "exempt", Name: "Exempt", AuthMethod: identity.AuthSecretPost, Secrets: []identity.Secret{identity.NewSecret(salt, webSecret)},
			RedirectURIs: []string{callback}, Grants: grants, Scopes: all, Audience: apiURI, FirstParty: true, PKCEOptional: true},
		{ID: "jwt", Name: "JWT", AuthMethod: identity.AuthPrivateKeyJWT, JWKS: public, RedirectURIs: []string{callback}, Grants: append(grants, identity.GrantClient),
			Scopes: all, Audience: apiURI, FirstParty: true, RequirePAR: true},
		{ID: "api", Name: "API", AuthMethod: identity.AuthSecretBasic, Secrets: []identity.Secret{identity.NewSecret(salt, "api secret")}, Audience: apiURI},
		{ID: "other", Name: "Other", AuthMethod: identity.AuthSecretBasic, Secrets: []identity.Secret{identity.NewSecret(salt, "other secret")}, Audience: otherAPI,
			RedirectURIs: []string{"https://other.example/cb"}, Grants: grants, Scopes: all},
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
	u := identity.User{ID: identity.NewID("usr", w.now(), rand.Reader), Handle: []byte(identity.RandomToken(48, rand.Reader)),
		Identifier: name + "@example.com", Email: name + "@example.com", EmailVerified: true, Name: name, CreatedAt: w.now()}
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

// browser keeps cookies, and nothing else.
type browser struct {
	*world
	cookies map[string]string
}

func (w *world) browser() *browser { return &browser{world: w, cookies: map[string]string{}} }

// send makes one request; headers come in pairs.
func (b *browser) send(method, target string, body url.Values, headers ...string) *httptest.ResponseRecorder {
	b.Helper()
	var r *http.Request
	if body != nil {
		r = httptest.NewRequest(method, b.tenant.Issuer+target, strings.NewReader(body.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, b.tenant.Issuer+target, nil)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	b.handler.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return rec
}

func (b *browser) get(target string, headers ...string) *httptest.ResponseRecorder {
	b.Helper()
	return b.send(http.MethodGet, target, nil, headers...)
}

const verifier = "a-verifier-of-more-than-forty-three-characters-0123"

func challengeOf(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask is an authorization request that passes every check.
func ask(client string, change ...string) url.Values {
	v := url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email offline_access"},
		"state": {"st"}, "nonce": {"n-1"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	with(v, change...)
	return v
}

// with sets parameters given in pairs; "" takes one away, a leading + adds.
func with(v url.Values, change ...string) url.Values {
	for i := 0; i+1 < len(change); i += 2 {
		name, value := change[i], change[i+1]
		switch {
		case strings.HasPrefix(name, "+"):
			v.Add(name[1:], value)
		case value == "":
			v.Del(name)
		default:
			v.Set(name, value)
		}
	}
	return v
}

// authorize asks, and signs in as name wherever a flow comes of it.
func (b *browser) authorize(name string, v url.Values) *httptest.ResponseRecorder {
	b.Helper()
	rec := b.get(AuthorizePath + "?" + v.Encode())
	if id, is := strings.CutPrefix(rec.Header().Get("Location"), "/flow/"); is && name != "" {
		return b.finish(name, id)
	}
	return rec
}

// finish answers a flow's prompts until it ends.
func (b *browser) finish(name, id string) *httptest.ResponseRecorder {
	b.Helper()
	fb := flow.Browser{Binding: b.cookies["__Host-ia_browser"], Session: b.cookies["__Host-ia_session"], Addr: netip.MustParseAddr("192.0.2.1")}
	fb.Device, fb.Secret, _ = strings.Cut(b.cookies["__Host-ia_device"], ".")
	for range 8 {
		v, err := b.engine.View(context.Background(), b.tenant, fb, id)
		b.must(err)
		if v.Error != nil {
			b.Fatalf("flow: %+v", v.Error)
		}
		value := map[string]string{"identifier": name + "@example.com", "word": "right", "totp": "123456", "consent": "allow"}[v.Prompts[0].Factor]
		p := flow.Post{Prompt: v.Prompts[0].ID, Value: value}
		if v.Prompts[0].Factor == "session" {
			p.Choose = v.Prompts[0].ID
		}
		out, err := b.engine.Post(context.Background(), b.tenant, fb, id, p)
		b.must(err)
		if out.View.Error != nil {
			b.Fatalf("flow: %+v", out.View.Error)
		}
		if a := out.Answer; a != nil {
			if a.Session != "" {
				b.cookies["__Host-ia_session"] = a.Session
			}
			if a.Device != "" {
				b.cookies["__Host-ia_device"] = a.Device
			}
			rec := httptest.NewRecorder()
			rec.Header().Set("Location", a.Redirect)
			rec.Code = http.StatusSeeOther
			return rec
		}
	}
	b.Fatal("the flow does not end")
	return nil
}

// code signs in and returns the authorization code.
func (b *browser) code(name string, v url.Values) string {
	b.Helper()
	rec := b.authorize(name, v)
	code := answerOf(b, rec).Get("code")
	if code == "" {
		b.Fatalf("no code: %d %s %s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	return code
}

// answerOf reads the parameters of an authorization response.
func answerOf(t testing.TB, rec *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(rec.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// answer is what a JSON endpoint said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (a answer) text(name string) string {
	s, _ := a.body[name].(string)
	return s
}

func read(t testing.TB, rec *httptest.ResponseRecorder) answer {
	t.Helper()
	a := answer{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &a.body); err != nil {
			t.Fatalf("%d %q: %v", rec.Code, rec.Body, err)
		}
	}
	return a
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// post asks an endpoint as client: by its registered secret, or by name.
func (w *world) post(path, client string, form url.Values) answer {
	w.Helper()
	form = maps.Clone(form)
	var headers []string
	switch client {
	case "web", "api", "other":
		secret := map[string]string{"web": webSecret, "api": "api secret", "other": "other secret"}[client]
		headers = []string{"Authorization", basic(client, secret)}
	case "exempt":
		form.Set("client_id", client)
		form.Set("client_secret", webSecret)
	case "jwt":
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", w.assertion(nil))
	default:
		form.Set("client_id", client)
	}
	return read(w, w.browser().send(http.MethodPost, path, form, headers...))
}

// assertion signs a client assertion of jwt, with claims changed.
func (w *world) assertion(change map[string]any) string {
	w.Helper()
	claims := map[string]any{"iss": "jwt", "sub": "jwt", "aud": w.tenant.Issuer, "jti": identity.RandomToken(16, rand.Reader), "exp": w.now().Add(time.Minute).Unix()}
	maps.Copy(claims, change)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.jwk, KeyID: "k1"}}, nil)
	w.must(err)
	payload, err := json.Marshal(claims)
	w.must(err)
	jws, err := signer.Sign(payload)
	w.must(err)
	out, err := jws.CompactSerialize()
	w.must(err)
	return out
}

// redeem exchanges a code.
func (w *world) redeem(client, code string, change ...string) answer {
	w.Helper()
	return w.post(TokenPath, client, with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}, change...))
}

func (w *world) refresh(client, refreshToken string, change ...string) answer {
	w.Helper()
	return w.post(TokenPath, client, with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}, change...))
}

// signIn goes all the way to tokens.
func (w *world) signIn(client, name string, change ...string) (answer, *browser) {
	w.Helper()
	b := w.browser()
	a := w.redeem(client, b.code(name, ask(client, change...)))
	if a.status != http.StatusOK {
		w.Fatalf("%d %s", a.status, a.raw)
	}
	return a, b
}

// claims reads a token without checking it.
func claims(t testing.TB, compact string) map[string]any {
	t.Helper()
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWS: %q", compact)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (a answer) access(t testing.TB) map[string]any {
	t.Helper()
	return claims(t, a.text("access_token"))
}
func (a answer) id(t testing.TB) map[string]any { t.Helper(); return claims(t, a.text("id_token")) }

func (a answer) want(t testing.TB, status int, code string) {
	t.Helper()
	if a.status != status || a.text("error") != code {
		t.Errorf("got %d %s, want %d %s", a.status, a.raw, status, code)
	}
}

func unix(at any) time.Time {
	f, _ := at.(float64)
	return time.Unix(int64(f), 0)
}

// rnd is the system's randomness.
type rnd struct{}

func (rnd) Read(b []byte) (int, error) { return rand.Read(b) }

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func contains(s, part string) bool { return strings.Contains(s, part) }

// request is one that reached the endpoints.
func (w *world) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, w.tenant.Issuer+"/", nil)
	return r.WithContext(edge.WithTenant(r.Context(), w.tenant))
}
