package hostile

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/test/world"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// cookie is the value of a cookie that a person has for the issuer.
func cookie(t *testing.T, w *world.World, p *world.Person, name string) string {
	t.Helper()
	for _, c := range p.Jar.Cookies(mustURL(t, w.Issuer)) {
		if strings.HasSuffix(c.Name, name) {
			return c.Value
		}
	}
	return ""
}

// silent is the answer to prompt=none: the error, or "" for a code.
func silent(t *testing.T, w *world.World, p *world.Person) string {
	t.Helper()
	to := p.Get(w.Authorize("prompt", "none")).Location()
	if to == nil || to.Host != "localhost:5173" {
		t.Fatalf("prompt=none was answered with %v", to)
	}
	return to.Query().Get("error")
}

// redeem exchanges the code of an answer at demo-spa's token endpoint.
func redeem(t *testing.T, w *world.World, code string) (status int, body map[string]any) {
	t.Helper()
	return token(t, w, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {"demo-spa"},
		"redirect_uri": {"http://localhost:5173/callback"}, "code_verifier": {world.Verifier},
	})
}

func token(t *testing.T, w *world.World, form url.Values) (status int, body map[string]any) {
	t.Helper()
	answer, err := shared.PostForm(w.Issuer+"/oauth2/token", form)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body)
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Errorf("token endpoint: %d %s", answer.StatusCode, raw)
	}
	return answer.StatusCode, body
}

var shared = world.Client()

func codeOf(t *testing.T, redirect string) string {
	t.Helper()
	code := mustURL(t, redirect).Query().Get("code")
	if code == "" {
		t.Fatalf("no code in %s", redirect)
	}
	return code
}

func TestH15_AFlowStaysInItsBrowser(t *testing.T) {
	w := world.Start(t)
	victim := ada(t, w)
	attacker := thief(t, w)
	v := attacker.At(w, w.Authorize("acr_values", "aal2"))
	link := w.Issuer + "/flow/" + v.ID

	for name, p := range map[string]*world.Person{"a browser with cookies of its own": victim, "a browser without cookies": w.Person(t, "", "")} {
		page := p.Get(link)
		if page.Status != http.StatusForbidden || page.Asks() != "" {
			t.Errorf("%s is shown the flow: %d %s", name, page.Status, page.Text())
		}
		if strings.Contains(page.Body, world.Ada) {
			t.Errorf("%s reads who signs in", name)
		}
		answer, err := p.TryRespond(w, v.ID, v.Prompts[0].ID, world.Code(t, victim.Secret, w.Now()))
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != http.StatusForbidden || answer.Redirect != "" {
			t.Errorf("%s answers the flow: %d %s", name, answer.Status, answer.Raw)
		}
	}
	if after := attacker.View(link); after.Step != v.Step || after.Redirect != "" {
		t.Errorf("the attacker's flow moved on to %q", after.Step)
	}
	if count(t, w, "flow.foreign_browser") == 0 {
		t.Error("the audit log does not tell of it")
	}
}

func TestH28_OtherSitesChangeNothing(t *testing.T) {
	w := world.Start(t)
	p := w.Person(t, world.Grace, world.GracePassword)
	p.SignIn(w.Authorize())
	v := p.Begin(w.Authorize("max_age", "0"))
	flow := "/flow/" + v.ID

	form := "application/x-www-form-urlencoded"
	cases := []struct {
		name, method, path, kind, body string
		header                         http.Header
		want                           []int
	}{
		{"another site posts a flow", "POST", flow, form, "action=cancel", http.Header{"Sec-Fetch-Site": {"cross-site"}}, []int{403}},
		{"a sibling host posts a flow", "POST", flow, form, "action=cancel", http.Header{"Sec-Fetch-Site": {"same-site"}}, []int{403}},
		{"an old browser of another site posts a flow", "POST", flow, form, "action=cancel", http.Header{"Origin": {"https://evil.example"}}, []int{403}},
		{"a page without an origin posts a flow", "POST", flow, form, "action=cancel", http.Header{"Origin": {"null"}}, []int{403}},
		{"JSON as text/plain", "POST", flow, "text/plain", `{"response":{"cancel":true}}`, nil, []int{415}},
		{"JSON without a type", "POST", flow, "", `{"response":{"cancel":true}}`, nil, []int{415}},
		{"JSON as a form with one odd field", "POST", flow, form, `{"response":{"cancel":true},"x":"="}`, nil, []int{200, 400, 422}},
		{"another site signs out", "POST", "/signout", form, "", http.Header{"Sec-Fetch-Site": {"cross-site"}}, []int{403}},
		{"an old browser of another site signs out", "POST", "/signout", form, "", http.Header{"Origin": {"https://evil.example"}}, []int{403}},
		{"another site enrols", "POST", "/api/v1/me/enrolments", "application/json", `{"factor":"totp"}`, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, []int{403, 401}},
		{"text/plain enrols", "POST", "/api/v1/me/enrolments", "text/plain", `{"factor":"totp"}`, nil, []int{415, 401, 403}},
		{"another site reads the person", "GET", "/api/v1/me", "", "", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, []int{403, 401}},
	}
	for _, c := range cases {
		r, err := http.NewRequest(c.method, w.Issuer+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		for name, values := range c.header {
			r.Header[name] = values
		}
		page := p.Do(r)
		ok := false
		for _, want := range c.want {
			ok = ok || page.Status == want
		}
		if !ok {
			t.Errorf("%s: %d, want %v: %.200s", c.name, page.Status, c.want, page.Body)
		}
		if got := page.Header.Get("Access-Control-Allow-Origin"); got == "https://evil.example" || got == "*" {
			t.Errorf("%s: Access-Control-Allow-Origin %s", c.name, got)
		}
	}
	if after := p.View(w.Issuer + flow); after.Step != v.Step || after.Redirect != "" {
		t.Errorf("the flow moved from %q to %q", v.Step, after.Step)
	}
	if got := silent(t, w, p); got != "" {
		t.Errorf("the session is gone: %s", got)
	}
	if n := count(t, w, "enrolment.created"); n > 0 {
		t.Errorf("%d enrolments were made", n)
	}
}

func TestH29_NothingCanBeFramed(t *testing.T) {
	w := world.Start(t)
	p := w.Person(t, world.Grace, world.GracePassword)
	p.SignIn(w.Authorize())
	v := p.Begin(w.Authorize("max_age", "0"))
	stranger := w.Person(t, "", "")
	pages := map[string]*world.Page{
		"home":                    p.Get(w.Issuer + "/"),
		"home of nobody":          stranger.Get(w.Issuer + "/"),
		"flow":                    p.Get(w.Issuer + "/flow/" + v.ID),
		"somebody else’s flow":    stranger.Get(w.Issuer + "/flow/" + v.ID),
		"no flow":                 p.Get(w.Issuer + "/flow/flow_00000000000000000000000000"),
		"no page":                 p.Get(w.Issuer + "/nothing/here"),
		"sign-out":                p.Get(w.Issuer + "/signout"),
		"logout of an RP":         p.Get(w.Issuer + "/oauth2/logout"),
		"bad application":         p.Get(w.Issuer + "/oauth2/authorize?client_id=nobody"),
		"bad redirect":            p.Get(w.Authorize("redirect_uri", "https://evil.example/")),
		"redirect to application": p.Get(w.Authorize()),
		"form_post":               p.Get(w.Authorize("response_mode", "form_post")),
		"API":                     p.Get(w.Issuer + "/api/v1/me"),
		"no API":                  p.Get(w.Issuer + "/api/v1/nothing"),
		"wrong answer":            postAs(p, w.Issuer+"/flow/"+v.ID, v.Prompts[0].ID, "wrong"),
	}
	for name, page := range pages {
		if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s (%d): CSP %q", name, page.Status, csp)
		}
		if got := page.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s (%d): X-Content-Type-Options %q", name, page.Status, got)
		}
		if got := page.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s (%d): Referrer-Policy %q", name, page.Status, got)
		}
		if got := page.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("%s (%d): Cache-Control %q", name, page.Status, got)
		}
	}
}

func TestH30_PlantedCookiesDie(t *testing.T) {
	w := world.Start(t)
	issuer := mustURL(t, w.Issuer)

	t.Run("a made-up session", func(t *testing.T) {
		victim := w.Person(t, world.Ada, world.AdaPassword)
		planted := strings.Repeat("planted-by-somebody-else", 2)
		victim.Jar.SetCookies(issuer, []*http.Cookie{{Name: "ia_session", Value: planted, Path: "/"}})
		victim.SignIn(w.Authorize())
		if got := cookie(t, w, victim, "ia_session"); got == planted || got == "" {
			t.Errorf("after signing in the session cookie is %q", got)
		}
	})

	t.Run("the attacker’s own session", func(t *testing.T) {
		attacker := w.Person(t, world.Grace, world.GracePassword)
		attacker.SignIn(w.Authorize())
		planted := cookie(t, w, attacker, "ia_session")
		victim := w.Person(t, world.Ada, world.AdaPassword)
		victim.Jar.SetCookies(issuer, []*http.Cookie{{Name: "ia_session", Value: planted, Path: "/"}})
		v := victim.Begin(w.Authorize("prompt", "select_account"))
		var err error
		for _, prompt := range v.Prompts {
			if prompt.Factor == "identifier" {
				v, err = victim.TryRespond(w, v.ID, prompt.ID, victim.Email)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		done := victim.Respond(w, v, victim.Password)
		if done.Redirect == "" {
			t.Fatalf("the victim cannot sign in: %s", done.Raw)
		}
		if got := cookie(t, w, victim, "ia_session"); got == planted {
			t.Error("the victim’s session has the attacker’s secret")
		}
		_, mine := redeem(t, w, codeOf(t, done.Redirect))
		if mine["access_token"] == nil {
			t.Fatalf("no tokens: %v", mine)
		}
		to := attacker.Get(w.Authorize("prompt", "none")).Location()
		if code := to.Query().Get("code"); code != "" {
			_, theirs := redeem(t, w, code)
			if subject(t, theirs) == subject(t, mine) {
				t.Error("the attacker’s cookie opens the victim’s session")
			}
		}
	})

	t.Run("a stolen cookie after the owner proved again", func(t *testing.T) {
		owner := w.Person(t, world.Ada, world.AdaPassword)
		owner.SignIn(w.Authorize())
		copied := browser(t, w, owner)
		if got := silent(t, w, copied); got != "" {
			t.Fatalf("the copy does not work even before: %s", got)
		}
		owner.SignIn(w.Authorize("prompt", "login"))
		if got := silent(t, w, copied); got != "login_required" {
			t.Errorf("the old secret is answered with %q, want login_required (C-01, S-10)", got)
		}
		if got := silent(t, w, owner); got != "" {
			t.Errorf("the owner is signed out: %s", got)
		}
	})

	t.Run("a cookie that comes twice", func(t *testing.T) {
		owner := w.Person(t, world.Ada, world.AdaPassword)
		owner.SignIn(w.Authorize())
		r, err := http.NewRequest(http.MethodGet, w.Authorize("prompt", "none"), nil)
		if err != nil {
			t.Fatal(err)
		}
		value := cookie(t, w, owner, "ia_session")
		r.Header.Set("Cookie", "ia_session="+strings.Repeat("p", 43)+"; ia_session="+value)
		answer, err := shared.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := mustURL(t, answer.Header.Get("Location")).Query().Get("error"); got != "login_required" {
			t.Errorf("two session cookies are answered with %q, want login_required", got)
		}
	})

	t.Run("a planted flow binding", func(t *testing.T) {
		attacker, victim := w.Person(t, world.Grace, world.GracePassword), w.Person(t, world.Ada, world.AdaPassword)
		v := attacker.Begin(w.Authorize())
		binding := cookie(t, w, attacker, "ia_browser")
		if binding == "" {
			t.Fatal("no binding cookie")
		}
		// As a sibling host would: beside the victim's own.
		victim.Begin(w.Authorize())
		r, err := http.NewRequest(http.MethodGet, w.Issuer+"/flow/"+v.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", "ia_browser="+binding+"; ia_browser="+cookie(t, w, victim, "ia_browser"))
		answer, err := shared.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("a binding cookie planted beside the real one opens the attacker’s flow: %d", answer.StatusCode)
		}
	})
}

// subject is the sub of a token answer.
func subject(t *testing.T, tokens map[string]any) string {
	t.Helper()
	return claimsOf(t, tokens["access_token"])["sub"].(string)
}

func TestH40_HostAndForwardedMakeNoIssuer(t *testing.T) {
	w := world.Start(t)
	ask := func(path string, change func(*http.Request)) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, w.Issuer+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		answer, err := shared.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		raw, _ := io.ReadAll(answer.Body)
		return answer, string(raw)
	}
	const metadata = "/.well-known/openid-configuration"
	_, want := ask(metadata, func(*http.Request) {})
	if !strings.Contains(want, `"issuer":"`+w.Issuer+`"`) {
		t.Fatalf("metadata without the issuer: %s", want)
	}

	for _, host := range []string{"evil.example", "localhost.evil.example", "evil.example:" + mustURL(t, w.Issuer).Port(), "localhost", "LOCALHOST:1", "localhost:80@evil.example"} {
		answer, body := ask(metadata, func(r *http.Request) { r.Host = host })
		if answer.StatusCode == http.StatusOK && body != want {
			t.Errorf("Host %s made other metadata: %s", host, body)
		}
		if strings.Contains(body, "evil") {
			t.Errorf("Host %s is echoed: %.300s", host, body)
		}
		if answer.StatusCode == http.StatusOK && strings.Contains(host, "evil") {
			t.Errorf("Host %s is a tenant’s", host)
		}
	}

	forged := http.Header{
		"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"443"},
		"X-Forwarded-For": {"198.51.100.7"}, "X-Real-Ip": {"198.51.100.7"}, "X-Original-Url": {"/dev/clock"}, "X-Host": {"evil.example"},
		"Forwarded": {`for=198.51.100.7;host=evil.example;proto=https`}, "X-Forwarded-Server": {"evil.example"}, "True-Client-Ip": {"198.51.100.7"},
	}
	if _, body := ask(metadata, func(r *http.Request) { r.Header = forged.Clone() }); body != want {
		t.Errorf("forwarded headers made other metadata: %s", body)
	}

	p := w.Person(t, world.Grace, world.GracePassword)
	p.Headers = forged.Clone()
	answer := p.SignIn(w.Authorize())
	if answer.Host != "localhost:5173" || answer.Query().Get("iss") != w.Issuer {
		t.Errorf("forwarded headers changed the answer: %s", answer)
	}
	for _, page := range []*world.Page{p.Get(w.Issuer + "/"), p.Get(w.Issuer + "/signin"), p.Get(w.Issuer + "/nothing")} {
		if strings.Contains(page.Body+page.Header.Get("Location"), "evil") {
			t.Errorf("%s names a forged host", page.URL)
		}
	}
	for _, e := range events(t, w) {
		if e.IP != "" && e.IP != "127.0.0.1" {
			t.Errorf("an untrusted hop chose the address in the audit log: %s in %s", e.IP, e.Type)
		}
	}
}
