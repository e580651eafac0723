package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// meWorld has one user with a session, a grant and tokens of several scopes.
func meWorld(t *testing.T) *world {
	w := newWorld(t)
	store := &fakeStore{
		users:    map[string]identity.User{"usr_1": {ID: "usr_1", Email: "ada@example.com", EmailVerified: true, Name: "Ada", Phone: "+15550100"}},
		sessions: map[string]identity.Session{"ses_1": {ID: "ses_1", User: "usr_1"}},
		grants:   map[string]identity.Grant{"grt_1": {ID: "grt_1", User: "usr_1", Session: "ses_1", Application: "spa"}},
		applications: []identity.Application{
			{ID: "spa", Name: "Demo", Origins: []string{"https://app.example"}},
			{ID: "other", Origins: []string{"https://other.example"}},
			{ID: "off", Origins: []string{"https://off.example"}, Disabled: true},
		},
	}
	w.store = store
	w.flows.worth = assurance.Standing{
		Level: assurance.AAL2, AMR: []string{"pwd", "otp", "mfa"}, AuthTime: w.now.Add(-time.Minute),
		Proofs: []assurance.Proof{{Factor: "password", Class: assurance.Memorized}},
	}
	for name, scope := range map[string]string{"read": "openid me", "write": "openid me me:factors", "only-write": "me:factors", "none": "openid profile", "lookalike": "me:factorsx some"} {
		w.tokens[name] = access(w, scope)
	}
	return w
}

func access(w *world, scope string) token.Access {
	return token.Access{
		Issuer: w.tenant.Issuer, Subject: "usr_1", Audience: w.tenant.MeAudience(), Scope: scope, ClientID: "spa",
		Session: "ses_1", ACR: "aal2", ID: "grt_1.xyz",
	}
}

// api makes a call with a token, as a program does.
func (w *world) api(method, path, bearer, body string) *http.Request {
	r := w.json(method, "/api/v1"+path, body)
	r.Header.Del("Sec-Fetch-Site")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return r
}

func TestMe(t *testing.T) {
	w := meWorld(t)
	rec := w.do(w.api("GET", "/me", "read", ""))
	want := `{"id":"usr_1","email":"ada@example.com","emailVerified":true,"name":"Ada","phone":"+15550100","aal":2,"amr":["pwd","otp","mfa"],"authTime":"2026-03-01T11:59:00Z"}`
	if rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec.Header().Get("Cache-Control") != "no-store" {
		t.Error("kept")
	}
}

func TestMeByCookieOfOurOwnPages(t *testing.T) {
	w := meWorld(t)
	if rec := w.do(w.json("GET", "/api/v1/me", "")); rec.Code != 401 || rec.Header().Get("WWW-Authenticate") != "Bearer" || decoded(t, rec)["code"] != "sign_in_required" {
		t.Errorf("nobody: %d %s", rec.Code, rec.Body)
	}
	w.flows.current = signedIn()
	for site, want := range map[string]int{"same-origin": 200, "none": 200, "": 200, "same-site": 401, "cross-site": 401} {
		r := w.json("GET", "/api/v1/me", "")
		r.Header.Set("Sec-Fetch-Site", site)
		if rec := w.do(r); rec.Code != want {
			t.Errorf("%q: %d, want %d", site, rec.Code, want)
		}
	}
	// A change by cookie is a change by another site's form, unless it is ours.
	w.methods.err = &flow.LevelRequired{Level: assurance.AAL2, Fresh: true}
	for site, want := range map[string]int{"same-origin": 403, "cross-site": 403} {
		r := w.json("POST", "/api/v1/me/enrolments", `{"factor":"totp"}`)
		r.Header.Set("Sec-Fetch-Site", site)
		rec := w.do(r)
		body := decoded(t, rec)
		if rec.Code != want {
			t.Errorf("%s: %d", site, rec.Code)
		}
		if site == "same-origin" && (body["code"] != "mfa_required" || body["purpose"] != "manage" || body["requiredAal"] != 2.0 || rec.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%v %v", body, rec.Header())
		}
		if site == "cross-site" && (body["code"] != "cross_site" || len(w.methods.actors) > 1) {
			t.Errorf("%v", body)
		}
	}
	if w.methods.actors[0].Fresh {
		t.Error("a cookie counts as fresh purpose")
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	bound := func(a token.Access) token.Access {
		a.Confirmation = &token.Confirmation{Thumbprint: "x"}
		return a
	}
	w := meWorld(t)
	w.tokens["bound"] = bound(access(w, "me"))
	foreign := access(w, "me")
	foreign.Audience = "https://api.example"
	w.tokens["audience"] = foreign
	client := access(w, "me")
	client.Session, client.ID, client.Subject = "", "cc.xyz", "spa"
	w.tokens["client"] = client
	nobody := access(w, "me")
	nobody.ID = "grt_9.x"
	w.tokens["no-grant"] = nobody
	for _, test := range []struct {
		name   string
		change func(r *http.Request)
		status int
		code   string
	}{
		{"unknown", func(r *http.Request) { r.Header.Set("Authorization", "Bearer nope") }, 401, "invalid_token"},
		{"empty", func(r *http.Request) { r.Header.Set("Authorization", "") }, 401, "invalid_token"},
		{"no token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer") }, 401, "invalid_token"},
		{"basic", func(r *http.Request) { r.Header.Set("Authorization", "Basic cmVhZA==") }, 401, "invalid_token"},
		{"other audience", func(r *http.Request) { r.Header.Set("Authorization", "Bearer audience") }, 401, "invalid_token"},
		{"bound, without proof", func(r *http.Request) { r.Header.Set("Authorization", "Bearer bound") }, 401, "invalid_token"},
		{"client credentials", func(r *http.Request) { r.Header.Set("Authorization", "Bearer client") }, 401, "invalid_token"},
		{"unknown grant", func(r *http.Request) { r.Header.Set("Authorization", "Bearer no-grant") }, 401, "session_revoked"},
		{"two headers", func(r *http.Request) { r.Header.Add("Authorization", "Bearer read") }, 400, "invalid_request"},
		{"in the query", func(r *http.Request) { r.URL.RawQuery = "access_token=read" }, 400, "invalid_request"},
		{"in the query alone", func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery = "access_token=read" }, 400, "invalid_request"},
		{"without scope", func(r *http.Request) { r.Header.Set("Authorization", "Bearer none") }, 403, "insufficient_scope"},
		{"scope that begins alike", func(r *http.Request) { r.Header.Set("Authorization", "Bearer lookalike") }, 403, "insufficient_scope"},
		{"of another application's page", func(r *http.Request) { r.Header.Set("Origin", "https://other.example") }, 403, "forbidden"},
	} {
		r := w.api("GET", "/me", "read", "")
		test.change(r)
		rec := w.do(r)
		challenge := rec.Header().Get("WWW-Authenticate")
		if body := decoded(t, rec); rec.Code != test.status || body["code"] != test.code {
			t.Errorf("%s: %d %v", test.name, rec.Code, body)
		}
		if (test.status == 401) != strings.Contains(challenge, `error="invalid_token"`) {
			t.Errorf("%s: challenge %q", test.name, challenge)
		}
		if test.code == "insufficient_scope" && challenge != `Bearer error="insufficient_scope", scope="me"` {
			t.Errorf("%s: challenge %q", test.name, challenge)
		}
		if strings.Contains(rec.Body.String(), "ada@") {
			t.Errorf("%s: shows the user", test.name)
		}
	}
}

// TestH31_TokensDieWithWhatTheyHangOn: a token is worth nothing once its
// session, grant, user or application is gone.
func TestH31_TokensDieWithWhatTheyHangOn(t *testing.T) {
	at := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(w *world, s *fakeStore){
		"session ended": func(_ *world, s *fakeStore) {
			s.sessions["ses_1"] = identity.Session{ID: "ses_1", User: "usr_1", EndedAt: &at}
		},
		"session gone":     func(_ *world, s *fakeStore) { delete(s.sessions, "ses_1") },
		"another's":        func(_ *world, s *fakeStore) { s.sessions["ses_1"] = identity.Session{ID: "ses_1", User: "usr_2"} },
		"level lapsed":     func(w *world, _ *fakeStore) { w.flows.worth = assurance.Standing{} },
		"user disabled":    func(_ *world, s *fakeStore) { s.users["usr_1"] = identity.User{ID: "usr_1", DisabledAt: &at} },
		"user gone":        func(_ *world, s *fakeStore) { delete(s.users, "usr_1") },
		"application off":  func(_ *world, s *fakeStore) { s.applications[0].Disabled = true },
		"application gone": func(_ *world, s *fakeStore) { s.applications = s.applications[1:] },
		"grant revoked":    func(_ *world, s *fakeStore) { g := s.grants["grt_1"]; g.RevokedAt = &at; s.grants["grt_1"] = g },
		"grant expired":    func(w *world, s *fakeStore) { g := s.grants["grt_1"]; g.ExpiresAt = w.now; s.grants["grt_1"] = g },
		"grant of another session": func(_ *world, s *fakeStore) {
			g := s.grants["grt_1"]
			g.Session = "ses_2"
			s.grants["grt_1"] = g
		},
		"grant of another application": func(_ *world, s *fakeStore) {
			g := s.grants["grt_1"]
			g.Application = "other"
			s.grants["grt_1"] = g
		},
		"grant of another user": func(_ *world, s *fakeStore) { g := s.grants["grt_1"]; g.User = "usr_2"; s.grants["grt_1"] = g },
	} {
		w := meWorld(t)
		if rec := w.do(w.api("GET", "/me", "read", "")); rec.Code != 200 {
			t.Fatalf("before: %d %s", rec.Code, rec.Body)
		}
		change(w, w.store.(*fakeStore))
		for _, r := range []*http.Request{w.api("GET", "/me", "read", ""), w.api("POST", "/me/enrolments", "write", `{"factor":"totp"}`)} {
			rec := w.do(r)
			if rec.Code != 401 || decoded(t, rec)["code"] != "session_revoked" {
				t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			}
		}
		if len(w.methods.actors) != 0 {
			t.Errorf("%s: something was begun", name)
		}
	}
}

func TestH53_NoStoreNoAnswer(t *testing.T) {
	w := meWorld(t)
	w.store.(*fakeStore).err = errors.New("disk full at /var/lib")
	rec := w.do(w.api("GET", "/me", "read", ""))
	if rec.Code != 500 || decoded(t, rec)["code"] != "internal" || strings.Contains(rec.Body.String(), "disk") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestEnrolmentsList(t *testing.T) {
	w := meWorld(t)
	if body := w.do(w.api("GET", "/me/enrolments", "read", "")).Body.String(); body != `{"data":[]}` {
		t.Errorf("%s", body)
	}
	used := w.now
	w.methods.list = []identity.Enrolment{
		{ID: "enr_1", Factor: "totp", Name: "iPhone", EnrolledAt: w.now.Add(-time.Hour), LastUsedAt: &used, Data: []byte("secret"), Lookup: []byte("secret")},
		{ID: "enr_2", Factor: "sms", Name: "<b>", EnrolledAt: w.now, Suspended: true},
	}
	rec := w.do(w.api("GET", "/me/enrolments", "read", ""))
	want := `{"data":[{"id":"enr_1","factor":"totp","name":"iPhone","enrolledAt":"2026-03-01T11:00:00Z","lastUsedAt":"2026-03-01T12:00:00Z","restricted":false},` +
		`{"id":"enr_2","factor":"sms","name":"\u003cb\u003e","enrolledAt":"2026-03-01T12:00:00Z","restricted":true,"suspended":true}]}`
	if rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%s", rec.Body)
	}
}

func TestC20_ChangesNeedTheirScope(t *testing.T) {
	w := meWorld(t)
	for _, path := range []string{"/me/enrolments", "/me/enrolments/enr_1/complete"} {
		rec := w.do(w.api("POST", path, "read", `{"factor":"totp"}`))
		if rec.Code != 403 || rec.Header().Get("WWW-Authenticate") != `Bearer error="insufficient_scope", scope="me:factors"` {
			t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
		}
	}
	if len(w.methods.actors) != 0 {
		t.Error("something was begun")
	}
	s := &server{Deps{Flows: w.flows, Tokens: w.tokens, Store: w.store, Now: func() time.Time { return w.now }}}
	for bearer, want := range map[string]bool{"read": false, "write": true} {
		c, err := s.caller(httptest.NewRecorder(), withTenant(w.api("GET", "/me", bearer, ""), w.tenant), identity.ScopeMe)
		if err != nil || c.actor.Fresh != want {
			t.Errorf("%s: fresh %t, %v", bearer, c.actor.Fresh, err)
		}
	}
	// And the scope to change is not the scope to read.
	if rec := w.do(w.api("GET", "/me", "only-write", "")); rec.Code != 403 {
		t.Errorf("%d", rec.Code)
	}
}

func TestT09_BeginEnrolment(t *testing.T) {
	w := meWorld(t)
	w.methods.prompt = factor.Prompt{Input: factor.Text, Secret: "ABCD EFGH", URI: "otpauth://totp/x", QR: "<svg/>"}
	rec := w.do(w.api("POST", "/me/enrolments", "write", `{"factor":"sms","name":"iPhone","phone":"+1"}`))
	want := `{"id":"enr_1","secret":"ABCDEFGH","uri":"otpauth://totp/x","qr":"data:image/svg+xml;base64,PHN2Zy8+"}`
	if rec.Code != 201 || rec.Body.String() != want || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	asked, actor := w.methods.asked[0], w.methods.actors[0]
	if asked.Name != "iPhone" || len(asked.Fields) != 1 || asked.Fields["phone"] != "+1" {
		t.Errorf("%+v", asked)
	}
	if !actor.Fresh || actor.User.ID != "usr_1" || actor.Session != "ses_1" || actor.Application != "spa" || len(actor.Proofs) != 1 {
		t.Errorf("%+v", actor)
	}
	for _, body := range []string{``, `{}`, `{"factor":""}`, `{"factor":1}`, `{"factor":"totp","factor":"sms"}`, `{"factor":"totp","Factor":"sms"}`, `[]`, `{"factor":"totp","x":{}}`, `{"factor":"totp","phone":"+1"}`, `{"factor":"totp","verified":"true"}`} {
		w.methods.asked = nil
		if rec := w.do(w.api("POST", "/me/enrolments", "write", body)); rec.Code != 400 && rec.Code != 415 || len(w.methods.asked) != 0 {
			t.Errorf("%s: %d", body, rec.Code)
		}
	}
}

func TestCompleteEnrolment(t *testing.T) {
	w := meWorld(t)
	w.methods.done = identity.Enrolment{ID: "enr_1", Factor: "totp", Name: "iPhone", EnrolledAt: w.now}
	rec := w.do(w.api("POST", "/me/enrolments/enr_1/complete", "write", `{"code":"123456"}`))
	if rec.Code != 200 || rec.Body.String() != `{"id":"enr_1","factor":"totp","name":"iPhone","enrolledAt":"2026-03-01T12:00:00Z","restricted":false}` {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if w.methods.responses[0].Value != "123456" {
		t.Errorf("%+v", w.methods.responses)
	}
	key := `{"type":"public-key","id":"AA","response":{}}`
	w.do(w.api("POST", "/me/enrolments/enr_1/complete", "write", key))
	if string(w.methods.responses[1].PublicKey) != key {
		t.Errorf("%+v", w.methods.responses)
	}
	for _, body := range []string{`{}`, `{"code":1}`, `{"code":""}`, `{"code":"1","aal":3}`, `null`, `{"code":"1","code":"2"}`} {
		if rec := w.do(w.api("POST", "/me/enrolments/enr_1/complete", "write", body)); rec.Code != 400 {
			t.Errorf("%s: %d", body, rec.Code)
		}
	}
	for want, err := range map[int]error{
		400: identity.Invalid("code_invalid", "no"), 404: identity.ErrNotFound, 410: identity.ErrTaken, 409: identity.ErrConflict,
		429: &identity.Fault{Kind: identity.ErrForbidden, Code: "too_many_attempts", Retry: time.Minute},
	} {
		w.methods.err = fmt.Errorf("x: %w", err)
		if rec := w.do(w.api("POST", "/me/enrolments/enr_1/complete", "write", `{"code":"1"}`)); rec.Code != want {
			t.Errorf("%v: %d", err, rec.Code)
		}
	}
}

func TestA20_StepUpChallenge(t *testing.T) {
	w := meWorld(t)
	w.methods.err = fmt.Errorf("begin: %w", &flow.LevelRequired{Level: assurance.AAL2, Fresh: true})
	rec := w.do(w.api("POST", "/me/enrolments", "write", `{"factor":"totp"}`))
	body := decoded(t, rec)
	want := `Bearer error="insufficient_user_authentication", error_description="A stronger or newer sign-in is required.", acr_values="aal2"`
	if rec.Code != 401 || rec.Header().Get("WWW-Authenticate") != want {
		t.Errorf("%d %s", rec.Code, rec.Header().Get("WWW-Authenticate"))
	}
	if body["code"] != "mfa_required" || body["requiredAal"] != 2.0 || body["status"] != 401.0 || body["requestId"] == "" || body["purpose"] != "manage" {
		t.Errorf("%v", body)
	}
}

func TestC35_CORSIsPerApplicationWithoutCredentials(t *testing.T) {
	for _, test := range []struct {
		origin  string
		allowed bool
	}{
		{"https://app.example", true},
		{"https://other.example", true},
		{"https://off.example", false},
		{"https://evil.example", false},
		{"https://app.example.evil", false},
		{"http://app.example", false},
		{"null", false},
	} {
		w := meWorld(t)
		r := w.api("OPTIONS", "/me", "", "")
		r.Header.Set("Origin", test.origin)
		r.Header.Set("Access-Control-Request-Method", "GET")
		r.Header.Set("Access-Control-Request-Headers", "authorization")
		h := w.do(r).Header()
		if got := h.Get("Access-Control-Allow-Origin") == test.origin; got != test.allowed {
			t.Errorf("%s: %v", test.origin, h)
		}
		if h.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("credentials are allowed")
		}
	}
	w := meWorld(t)
	r := w.api("GET", "/me", "read", "")
	r.Header.Set("Origin", "https://app.example")
	rec := w.do(r)
	exposed := rec.Header().Get("Access-Control-Expose-Headers")
	if rec.Code != 200 || rec.Header().Get("Access-Control-Allow-Origin") != "https://app.example" || !strings.Contains(exposed, "WWW-Authenticate") || !strings.Contains(exposed, "DPoP-Nonce") {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	// The flow API has none at all.
	w.flows.view = views(t, plainNames())["totp"]
	r = w.json("GET", "/flow/flow_1", "")
	r.Header.Set("Origin", "https://app.example")
	if h := w.do(r).Header(); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", h)
	}
}

func TestMeAPIAnswersInOneTongue(t *testing.T) {
	w := meWorld(t)
	for path, want := range map[string]int{"/me": 405, "/me/nothing": 404, "/": 404, "/me/enrolments/enr_1/x": 404} {
		r := w.api("PUT", path, "read", "")
		r.Header.Set("Accept", "text/html")
		rec := w.do(r)
		if rec.Code != want || rec.Header().Get("Content-Type") != "application/problem+json" || decoded(t, rec)["requestId"] == "" {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Header().Get("Content-Type"))
		}
		if want == 405 && rec.Header().Get("Allow") != "GET, HEAD, PATCH" {
			t.Errorf("Allow %s", rec.Header().Get("Allow"))
		}
	}
}
