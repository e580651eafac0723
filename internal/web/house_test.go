package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/factor/password"
	"github.com/intelliauth/intelliauth/internal/factor/totp"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
	"github.com/intelliauth/intelliauth/internal/token"
)

const passphrase = "analytical-engine-1843"

// house is this room on everything it stands on: store, engine, factors, keys.
type house struct {
	*testing.T
	mu     sync.Mutex
	clock  time.Time
	store  *store.Store
	engine *flow.Engine
	routes http.Handler
	keys   *token.Keys
	tenant identity.Tenant
	user   identity.User
	server *httptest.Server
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func newHouse(t *testing.T, policy string) *house {
	t.Helper()
	h := &house{T: t, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	h.store = storetest.Open(t, storetest.WithClock(h.now))
	secret, err := password.New(password.Options{Now: h.now, Random: rand.Reader, Params: password.Params{Memory: 64, Passes: 1, Threads: 1}, Pepper: []byte("sixteen bytes or more")})
	h.must(err)
	otp, err := totp.New(totp.Options{Now: h.now, Random: rand.Reader})
	h.must(err)
	h.engine = flow.New(flow.Deps{
		Store: h.store, Factors: h.factors(secret, otp), Now: h.now, Random: rand.Reader, Number: number,
		Slots: flow.NewSlots(flow.SlotSize{}),
		Index: func(context.Context, string) ([]byte, error) { return []byte("index key of thirty-two bytes..."), nil },
	})
	h.keys = token.NewKeys(h.store, h.now, rand.Reader)
	h.restart()
	h.server = httptest.NewServer(edge.RequestIDs(rand.Reader, nil, edge.Headers(false, edge.Limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.routes.ServeHTTP(w, withTenant(r, h.tenant))
	})))))
	t.Cleanup(h.server.Close)
	h.tenant = identity.Tenant{ID: "acme", Name: "Acme", Issuer: h.server.URL, RPID: "localhost", Algorithm: "ES256", Policy: json.RawMessage(policy)}
	h.must(h.store.PutTenant(t.Context(), h.tenant))
	h.must(h.keys.Ensure(t.Context(), h.tenant))
	h.user = identity.User{ID: "usr_ada", Handle: []byte(identity.RandomToken(48, rand.Reader)), Identifier: "ada@example.com", Email: "ada@example.com", EmailVerified: true, Name: "Ada", CreatedAt: h.now()}
	data, err := secret.Hash(passphrase)
	h.must(err)
	h.must(h.store.Update(t.Context(), h.tenant.ID, func(tx identity.Tx) error {
		if err := tx.Users.Create(t.Context(), h.user); err != nil {
			return err
		}
		return tx.Enrolments.Create(t.Context(), identity.Enrolment{ID: "enr_pwd", User: h.user.ID, Factor: "password", Data: data, EnrolledAt: h.now(), Version: 1})
	}))
	return h
}

// restart puts a new engine and new handlers on what is stored.
func (h *house) restart() {
	h.engine = flow.New(h.engine.Deps)
	h.routes = Handler(Deps{
		Pages: newPages(h.T), Flows: h.engine, Methods: h.engine, Accounts: h.engine, Bindings: h.engine, Changes: h.engine, Tokens: h.keys, Proofs: token.NewProofs(h.store, h.store.PepperFor, h.now), Store: h.store,
		Now: h.now, Random: rand.Reader,
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// person is a browser without JavaScript: it follows redirects, keeps cookies,
// and sends the forms that it is shown.
type person struct {
	*house
	jar  map[string]string
	page page
	at   string // path

	invited string // to bind the session, by the last answer that did
}

func (h *house) browser() *person { return &person{house: h, jar: map[string]string{}} }

func (p *person) request(method, path, body string) *http.Response {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.server.URL+path, strings.NewReader(body))
	p.must(err)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "null") // as under Referrer-Policy: no-referrer
	}
	for name, value := range p.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	p.must(err)
	if invited := answer.Header.Get("Secure-Session-Registration"); invited != "" {
		p.invited = invited
	}
	for _, c := range answer.Cookies() {
		if c.MaxAge < 0 {
			delete(p.jar, c.Name)
			continue
		}
		p.jar[c.Name] = c.Value
	}
	return answer
}

func (p *person) visit(method, path, body string) {
	p.Helper()
	for range 5 {
		answer := p.request(method, path, body)
		if location := answer.Header.Get("Location"); answer.StatusCode == http.StatusSeeOther {
			_ = answer.Body.Close()
			method, path, body = http.MethodGet, location, ""
			continue
		}
		root, err := html.Parse(answer.Body)
		p.must(err)
		_ = answer.Body.Close()
		p.at, p.page = path, page{t: p.T, name: path, status: answer.StatusCode, header: answer.Header, root: root}
		return
	}
	p.Fatal("too many redirects to " + path)
}

func (p *person) open(path string) { p.Helper(); p.visit(http.MethodGet, path, "") }

// send fills in the one field there is, and presses a button by its text.
func (p *person) send(button, value string) {
	p.Helper()
	for _, form := range p.page.elements("form") {
		fields, pressed := url.Values{}, false
		for n := range form.Descendants() {
			switch {
			case n.Type != html.ElementNode:
			case n.Data == "input" && attr(n, "name") == fieldValue && seen(n):
				fields.Set(fieldValue, value)
			case n.Data == "input":
				fields.Set(attr(n, "name"), attr(n, "value"))
			case n.Data == "button" && strings.HasPrefix(text(n), button):
				pressed = true
				if attr(n, "name") != "" {
					fields.Set(attr(n, "name"), attr(n, "value"))
				}
			}
		}
		if pressed {
			p.visit(http.MethodPost, attr(form, "action"), fields.Encode())
			return
		}
	}
	p.Fatalf("no button %q on %s: %s", button, p.at, text(p.page.root))
}

func (p *person) heading(want string) {
	p.Helper()
	if got := text(p.page.elements("h1")[0]); got != want {
		p.Fatalf("the page says %q, want %q: %s", got, want, text(p.page.root))
	}
}

// in holds that the person came home, signed in.
func (p *person) in() {
	p.Helper()
	if p.at != "/account" {
		p.Fatalf("came to %s: %s", p.at, text(p.page.root))
	}
	if status, me := p.me(); status != http.StatusOK || me["email"] != "ada@example.com" {
		p.Fatalf("%d %v", status, me)
	}
}

// me asks the Me API by the cookie.
func (p *person) me() (int, map[string]any) {
	p.Helper()
	answer := p.request(http.MethodGet, "/api/v1/me", "")
	defer answer.Body.Close()
	var out map[string]any
	p.must(json.NewDecoder(answer.Body).Decode(&out))
	return answer.StatusCode, out
}

// secret reads the setup key off the page.
func (p *person) secret() []byte {
	p.Helper()
	for _, n := range p.page.elements("a") {
		if uri := attr(n, "href"); strings.HasPrefix(uri, "otpauth:") {
			parsed, err := totp.ParseURI(uri)
			p.must(err)
			return parsed.Secret
		}
	}
	p.Fatal("no setup key")
	return nil
}

func TestSignInByPagesAlone(t *testing.T) {
	h := newHouse(t, `{}`)
	p := h.browser()
	p.open("/signin?next=/account%3Fback")
	p.heading("Sign in")
	p.send("Continue", "ADA@example.com ")
	p.heading("Enter your password")
	p.page.contains("Signing in as", "ADA@example.com")
	p.send("Continue", "wrong")
	p.heading("Enter your password")
	p.page.contains("The e-mail address or the password is not right.")
	if p.page.status != http.StatusUnprocessableEntity {
		t.Errorf("status %d", p.page.status)
	}
	flowPath := p.at
	p.send("Not you?", "")
	p.heading("Sign in")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	if p.at != "/account?back" {
		t.Errorf("came to %s", p.at)
	}
	p.at = "/account"
	p.in()
	// The flow's address is worth nothing any more, and says so.
	p.open(flowPath)
	if p.page.status != http.StatusGone {
		t.Errorf("a spent flow answers %d", p.page.status)
	}
	p.page.contains("Please start again", "Go to Acme")
	// Signing out ends it on the server: the old cookie opens nothing.
	session := p.jar["ia_session"]
	p.open("/signout")
	p.send("Sign out", "")
	p.heading("You’re signed out")
	p.jar["ia_session"] = session
	p.open("/")
	p.heading("Welcome")
}

// TestH41_KnownAndUnknownLookAlike compares whole answers, but for what is
// random in them.
func TestH41_KnownAndUnknownLookAlike(t *testing.T) {
	h := newHouse(t, `{"mfa":"always"}`)
	random := regexp.MustCompile(`flow_[0-9a-z]+|Request [\w-]+|"p\d+"`)
	answers := map[string][]string{}
	for _, who := range []string{"ada@example.com", "adq@example.com"} {
		p := h.browser()
		p.open("/signin")
		for _, value := range []string{who, "wrong", "wrong again"} {
			p.send("Continue", value)
			var b strings.Builder
			h.must(html.Render(&b, p.page.root))
			whole := strings.ReplaceAll(strings.ReplaceAll(b.String(), who, "WHO"), strings.Split(who, "@")[0]+"<wbr/>", "WHO<wbr/>")
			answers[who] = append(answers[who], p.page.header.Get("Set-Cookie")+random.ReplaceAllString(whole, ""))
		}
	}
	for i, known := range answers["ada@example.com"] {
		if unknown := answers["adq@example.com"][i]; known != unknown {
			t.Errorf("answer %d differs:\n%s\n%s", i, known, unknown)
		}
	}
}

// TestEnrolAndUseTOTPByPages forces a first factor, signs in with it, and finds
// that no code works twice (T-04, H-08, H-09).
func TestEnrolAndUseTOTPByPages(t *testing.T) {
	h := newHouse(t, `{"mfa":"always"}`)
	p := h.browser()
	p.open("/signin")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	p.heading("Enter the code we sent you")
	p.page.contains("Acme asks everyone for a second step.")
	p.send("Continue", h.code())
	p.heading("Add a second step")
	p.send("An authenticator app", "")
	p.heading("Set up an authenticator app")
	secret := p.secret()
	p.send("Confirm", "000000")
	p.page.contains("That code is not right.")
	confirming := totp.Code(secret, h.now())
	p.send("Confirm", confirming[:3]+" "+confirming[3:])
	p.heading("Keep your recovery codes")
	p.codes()
	p.send("I have kept them", "")
	p.in()
	if _, me := p.me(); me["aal"] != 2.0 {
		t.Errorf("%v", me)
	}

	q := h.browser()
	q.open("/signin")
	q.send("Continue", "ada@example.com")
	q.send("Continue", passphrase)
	q.heading("Enter the code from your app")
	q.page.contains("You set up a second step, so we ask for it.")
	q.send("Continue", confirming)
	q.page.contains("That code was used already.")
	h.pass(30 * time.Second)
	q.send("Continue", totp.Code(secret, h.now()))
	q.in()
}

func TestCancelLeadsHome(t *testing.T) {
	p := newHouse(t, `{}`).browser()
	p.open("/signin")
	p.send("Cancel", "")
	p.heading("Welcome")
}

// TestH15_AnotherBrowsersFlow shows nothing of it, and takes nothing.
func TestH15_AnotherBrowsersFlow(t *testing.T) {
	h := newHouse(t, `{}`)
	mine, theirs := h.browser(), h.browser()
	mine.open("/signin")
	mine.send("Continue", "ada@example.com")
	for _, jar := range []map[string]string{{}, {"ia_browser": strings.Repeat("A", 22)}} {
		theirs.jar = jar
		theirs.open(mine.at)
		if theirs.page.status != http.StatusForbidden {
			t.Errorf("status %d", theirs.page.status)
		}
		theirs.heading("Started in another browser")
		theirs.visit(http.MethodPost, mine.at, url.Values{"prompt": {"p1"}, "value": {passphrase}}.Encode())
		if theirs.page.status != http.StatusForbidden || theirs.jar["ia_session"] != "" || strings.Contains(text(theirs.page.root), "ada@") {
			t.Errorf("%d %v", theirs.page.status, theirs.jar)
		}
	}
	mine.open(mine.at)
	mine.heading("Enter your password")
}

// TestH30_PlantedSession: signing in over a session that somebody planted gives
// a new one.
func TestH30_PlantedSession(t *testing.T) {
	h := newHouse(t, `{}`)
	p := h.browser()
	planted := strings.Repeat("B", 43)
	p.jar["ia_session"] = planted
	p.open("/signin")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	if p.jar["ia_session"] == planted || p.jar["ia_session"] == "" {
		t.Errorf("session %q", p.jar["ia_session"])
	}
	q := h.browser()
	q.jar["ia_session"] = planted
	q.open("/")
	q.heading("Welcome")
}

func TestTwoTabs(t *testing.T) {
	h := newHouse(t, `{}`)
	p := h.browser()
	p.open("/signin")
	one := *p
	p.open("/signin?next=/two")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	// The other tab goes on where it stood, as the person who is signed in now.
	one.send("Continue", "ada@example.com")
	one.in()
}

// TestMetInAnotherTab raises a session in one tab while another waits for the
// same: it is done without a second answer.
func TestMetInAnotherTab(t *testing.T) {
	h := newHouse(t, `{}`)
	p := h.browser()
	p.open("/signin")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	stepUp := func() string {
		age := time.Duration(0)
		begun, err := h.engine.Begin(t.Context(), h.tenant, flow.Browser{Binding: p.jar["ia_browser"], Session: p.jar["ia_session"]}, flow.Request{
			MaxAge: &age, Authorization: identity.AuthorizationRequest{OwnPage: true, RedirectURI: "/account?met", RequestedAt: h.now()},
		})
		h.must(err)
		return "/flow/" + begun.FlowID
	}
	h.pass(time.Minute)
	one, two := stepUp(), stepUp()
	p.open(one)
	p.heading("Enter your password")
	p.send("Continue", passphrase)
	if p.at != "/account?met" {
		t.Fatalf("came to %s", p.at)
	}
	p.open(two)
	p.heading("Back to Acme")
	p.send("Continue", "")
	if p.at != "/account?met" {
		t.Errorf("came to %s: %s", p.at, text(p.page.root))
	}
}

// grantToken lets the demo application act for the user, as the token endpoint
// does after a sign-in of this browser.
func (p *person) grantToken(scope string) string {
	p.Helper()
	var g identity.Grant
	p.must(p.store.Update(p.Context(), p.tenant.ID, func(tx identity.Tx) error {
		s, err := tx.Sessions.BySecret(p.Context(), identity.Hash(p.jar["ia_session"]))
		if err != nil {
			return err
		}
		g = identity.Grant{ID: identity.NewID("grt", p.now(), rand.Reader), User: s.User, Application: "spa", Session: s.ID, Proofs: s.Proofs, Scopes: strings.Fields(scope), CreatedAt: p.now(), ExpiresAt: p.now().Add(time.Hour)}
		return tx.Grants.Create(p.Context(), g)
	}))
	compact, err := p.keys.Sign(p.Context(), p.tenant, token.TypAccess, token.Access{
		Issuer: p.tenant.Issuer, Subject: g.User, Audience: p.tenant.MeAudience(), Scope: scope, ClientID: "spa", Session: g.Session,
		ACR: "aal1", ID: token.UserJTI(g.ID, rand.Reader), IssuedAt: p.now().Unix(), Expires: p.now().Add(5 * time.Minute).Unix(),
	})
	p.must(err)
	return compact
}

func (h *house) call(method, path, bearer, body string) (int, map[string]any) {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), method, h.server.URL+"/api/v1"+path, strings.NewReader(body))
	h.must(err)
	r.Header.Set("Authorization", "Bearer "+bearer)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	h.must(err)
	defer answer.Body.Close()
	var out map[string]any
	h.must(json.NewDecoder(answer.Body).Decode(&out))
	return answer.StatusCode, out
}

// TestEnrolTOTPByAPI goes the way of an application: list, begin, complete.
func TestEnrolTOTPByAPI(t *testing.T) {
	h := newHouse(t, `{}`)
	h.must(h.store.Update(t.Context(), h.tenant.ID, func(tx identity.Tx) error {
		return tx.Applications.Put(t.Context(), identity.Application{ID: "spa", Name: "Demo", Origins: []string{"https://app.example"}})
	}))
	p := h.browser()
	p.open("/signin")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	bearer := p.grantToken("openid me me:factors")

	if status, me := h.call("GET", "/me", bearer, ""); status != 200 || me["aal"] != 1.0 || me["email"] != "ada@example.com" {
		t.Fatalf("%d %v", status, me)
	}
	if status, list := h.call("GET", "/me/enrolments", bearer, ""); status != 200 || len(list["data"].([]any)) != 0 {
		t.Fatalf("the password is listed: %d %v", status, list)
	}
	status, begun := h.call("POST", "/me/enrolments", bearer, `{"factor":"totp","name":"iPhone"}`)
	if status != 201 {
		t.Fatalf("%d %v", status, begun)
	}
	uri, err := totp.ParseURI(begun["uri"].(string))
	h.must(err)
	path := "/me/enrolments/" + begun["id"].(string) + "/complete"
	if status, out := h.call("POST", path, bearer, `{"code":"000000"}`); status != 400 || out["code"] != "code_invalid" {
		t.Errorf("%d %v", status, out)
	}
	status, done := h.call("POST", path, bearer, `{"code":"`+totp.Code(uri.Secret, h.now())+`"}`)
	if status != 200 || done["name"] != "iPhone" || done["factor"] != "totp" || done["id"] != begun["id"] {
		t.Fatalf("%d %v", status, done)
	}
	// What was confirmed cannot be confirmed again, and is in the list.
	if status, out := h.call("POST", path, bearer, `{"code":"123456"}`); status == 200 {
		t.Errorf("%d %v", status, out)
	}
	if _, list := h.call("GET", "/me/enrolments", bearer, ""); len(list["data"].([]any)) != 1 {
		t.Errorf("%v", list)
	}
	// H-16: with a second factor, one more needs a proof at its level.
	if status, out := h.call("POST", "/me/enrolments", bearer, `{"factor":"totp"}`); status != 401 || out["code"] != "mfa_required" || out["requiredAal"] != 2.0 {
		t.Errorf("%d %v", status, out)
	}
	if status, out := h.call("POST", "/me/enrolments", bearer, `{"factor":"knock"}`); status != 400 || out["code"] != "factor_unavailable" {
		t.Errorf("%d %v", status, out)
	}
	// H-31: the token dies with the session.
	p.open("/signout")
	p.send("Sign out", "")
	if status, out := h.call("GET", "/me", bearer, ""); status != 401 || out["code"] != "session_revoked" {
		t.Errorf("%d %v", status, out)
	}
	// An ID token is no access token.
	id, err := h.keys.Sign(t.Context(), h.tenant, token.TypID, token.Access{Issuer: h.tenant.Issuer, Subject: "usr_ada", Audience: h.tenant.MeAudience(), Scope: "me", IssuedAt: h.now().Unix(), Expires: h.now().Add(time.Minute).Unix()})
	h.must(err)
	if status, out := h.call("GET", "/me", id, ""); status != 401 || out["code"] != "invalid_token" {
		t.Errorf("%d %v", status, out)
	}
}

// TestH52_RestartInMidFlow goes on where it stood, in a new process.
func TestH52_RestartInMidFlow(t *testing.T) {
	h := newHouse(t, `{}`)
	p := h.browser()
	p.open("/signin")
	p.send("Continue", "ada@example.com")
	h.restart()
	p.send("Continue", passphrase)
	p.in()
}

func TestFlowExpires(t *testing.T) {
	h := newHouse(t, `{}`)
	p := h.browser()
	p.open("/signin")
	h.pass(15 * time.Minute)
	p.send("Continue", "ada@example.com")
	if p.page.status != http.StatusGone && p.page.status != http.StatusNotFound {
		t.Errorf("status %d", p.page.status)
	}
	p.heading("Please start again")
}
