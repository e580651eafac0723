package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// call is one change by the Me API.
type call struct {
	method, path, body string
	status             int
	duty               flow.Duty // that the engine is asked for at once
	said               string    // or what else
}

func calls() []call {
	return []call{
		{"PATCH", "/me", `{"name":"Ada King"}`, 200, flow.Duty{}, "name Ada King"},
		{"PATCH", "/me/enrolments/enr_1", `{"name":"Blue"}`, 200, flow.Duty{Kind: flow.DutyRename, Enrolment: "enr_1", Value: "Blue"}, ""},
		{"DELETE", "/me/enrolments/enr_1", "", 204, flow.Duty{Kind: flow.DutyRemove, Enrolment: "enr_1"}, ""},
		{"DELETE", "/me/sessions/ses_2", "", 204, flow.Duty{Kind: flow.DutyEndSession, Session: "ses_2"}, ""},
		{"POST", "/me/sessions/revoke-others", "", 204, flow.Duty{Kind: flow.DutyEndOthers}, ""},
		{"POST", "/me/sessions/revoke-all", "{}", 204, flow.Duty{Kind: flow.DutyEndAll}, ""},
		{"DELETE", "/me/grants/grt_1", "", 204, flow.Duty{}, "revoke grt_1 revoked_by_user"},
		{"POST", "/me/password", `{"current":"old","new":"fresh"}`, 204, flow.Duty{}, "password old fresh"},
		{"POST", "/me/email", `{"email":" ada@new.example "}`, 201, flow.Duty{}, "address email ada@new.example"},
		{"POST", "/me/email/confirm", `{"id":"adr_1","code":"123456"}`, 204, flow.Duty{}, "confirm adr_1 123456"},
		{"POST", "/me/phone", `{"phone":"+44 7700 900123"}`, 201, flow.Duty{}, "address sms +44 7700 900123"},
		{"POST", "/me/phone/confirm", `{"id":"adr_1","code":"123456"}`, 204, flow.Duty{}, "confirm adr_1 123456"},
	}
}

func changeWorld(t *testing.T) *world {
	w := meWorld(t)
	w.methods.list = []identity.Enrolment{{ID: "enr_1", Factor: "totp", Name: "Blue", EnrolledAt: w.now}}
	return w
}

func (w *world) untouched() bool {
	return len(w.changes.actors)+len(w.methods.actors) == 0
}

func TestMeChanges(t *testing.T) {
	for _, c := range calls() {
		w := changeWorld(t)
		rec := w.do(w.api(c.method, c.path, "write", c.body))
		if rec.Code != c.status || (c.status == 204) != (rec.Body.Len() == 0) || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d %s", c.method, c.path, rec.Code, rec.Body)
		}
		if c.said == "" && !slices.Equal(w.changes.duties, []flow.Duty{c.duty}) || c.said != "" && !slices.Equal(w.changes.said, []string{c.said}) {
			t.Errorf("%s %s: %+v %v", c.method, c.path, w.changes.duties, w.changes.said)
		}
		if a := w.changes.actors[0]; !strings.HasPrefix(c.said, "revoke") && (!a.Fresh || a.User.ID != "usr_1" || a.Session != "ses_1" || a.Application != "spa") {
			t.Errorf("%s %s: %+v", c.method, c.path, a)
		}
	}
	w := changeWorld(t)
	if got := w.do(w.api("POST", "/me/email", "write", `{"email":"a@b.c"}`)).Body.String(); got != `{"id":"adr_1","sentTo":"a••@n••.org"}` {
		t.Errorf("%s", got)
	}
	if got := w.do(w.api("PATCH", "/me/enrolments/enr_1", "write", `{"name":"Blue"}`)).Body.String(); !strings.HasPrefix(got, `{"id":"enr_1","factor":"totp","name":"Blue"`) {
		t.Errorf("%s", got)
	}
	if got := w.do(w.api("PATCH", "/me", "write", `{"name":"Ada"}`)).Body.String(); !strings.Contains(got, `"id":"usr_1"`) || !strings.Contains(got, `"name":"Ada"`) {
		t.Errorf("%s", got)
	}
}

// TestC20_EveryChangeNeedsScopeAndLevel: reading gives no change, and where the
// engine wants more the caller is told how to get it.
func TestC20_EveryChangeNeedsScopeAndLevel(t *testing.T) {
	for _, c := range calls() {
		w := changeWorld(t)
		rec := w.do(w.api(c.method, c.path, "read", c.body))
		if rec.Code != 403 || decoded(t, rec)["code"] != "insufficient_scope" || !w.untouched() {
			t.Errorf("%s %s with scope me: %d %s", c.method, c.path, rec.Code, rec.Body)
		}
		if strings.HasPrefix(c.said, "revoke") {
			continue // it takes away and gives nothing
		}
		w.changes.err = fmt.Errorf("change: %w", &flow.LevelRequired{Level: assurance.AAL2, Fresh: true})
		rec = w.do(w.api(c.method, c.path, "write", c.body))
		body := decoded(t, rec)
		if rec.Code != 401 || body["code"] != "mfa_required" || body["requiredAal"] != 2.0 || !strings.Contains(rec.Header().Get("WWW-Authenticate"), `error="insufficient_user_authentication"`) {
			t.Errorf("%s %s: %d %v", c.method, c.path, rec.Code, body)
		}
		w.flows.current = signedIn()
		rec = w.do(w.json(c.method, "/api/v1"+c.path, c.body))
		if body := decoded(t, rec); rec.Code != 403 || body["code"] != "mfa_required" || body["purpose"] != "manage" || rec.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s %s by cookie: %d %v", c.method, c.path, rec.Code, body)
		}
		if a := w.changes.actors[len(w.changes.actors)-1]; a.Fresh {
			t.Errorf("%s %s: a cookie counts as fresh purpose", c.method, c.path)
		}
	}
}

// TestH28_EveryChangeOfTheMeAPI is refused from elsewhere, in another shape, and
// by nobody.
func TestH28_EveryChangeOfTheMeAPI(t *testing.T) {
	for _, c := range calls() {
		for name, test := range map[string]struct {
			change func(*http.Request)
			want   int
		}{
			"cross-site":   {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
			"same-site":    {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
			"origin":       {func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }, 403},
			"bad token":    {func(r *http.Request) { r.Header.Set("Authorization", "Bearer nope") }, 401},
			"empty token":  {func(r *http.Request) { r.Header.Set("Authorization", "") }, 401},
			"token in url": {func(r *http.Request) { r.URL.RawQuery = "access_token=write" }, 400},
			"text":         {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
			"form":         {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415},
		} {
			w := changeWorld(t)
			w.flows.current = signedIn()
			r := w.json(c.method, "/api/v1"+c.path, c.body)
			test.change(r)
			rec := w.do(r)
			if test.want == 415 && c.body == "" {
				continue // there is nothing to be of a type
			}
			if rec.Code != test.want || !w.untouched() {
				t.Errorf("%s %s, %s: %d, want %d", c.method, c.path, name, rec.Code, test.want)
			}
		}
		w := changeWorld(t)
		if rec := w.do(w.json(c.method, "/api/v1"+c.path, c.body)); rec.Code != 401 || decoded(t, rec)["code"] != "sign_in_required" || !w.untouched() {
			t.Errorf("%s %s by nobody: %d", c.method, c.path, rec.Code)
		}
	}
}

// TestMassAssignment: a member that is not one of a call's own is refused, as is
// one of another type, and nothing changes.
func TestMassAssignment(t *testing.T) {
	for _, c := range calls() {
		if c.body == "" {
			continue
		}
		for _, extra := range []string{`"emailVerified":true`, `"aal":3`, `"id2":"x"`, `"user":"usr_2"`, `"Name":"x"`} {
			w := changeWorld(t)
			body := strings.Replace(strings.TrimSuffix(c.body, "}")+","+extra+"}", "{,", "{", 1)
			if rec := w.do(w.api(c.method, c.path, "write", body)); rec.Code != 400 || decoded(t, rec)["code"] != "invalid_request" || !w.untouched() {
				t.Errorf("%s %s %s: %d", c.method, c.path, body, rec.Code)
			}
		}
		if c.body == "{}" {
			continue
		}
		for _, body := range []string{`{}`, `[]`, `null`, `"x"`, strings.ReplaceAll(c.body, `"}`, `"},{}`), strings.Replace(c.body, `:"`, `:1,"x":"`, 1)} {
			w := changeWorld(t)
			if rec := w.do(w.api(c.method, c.path, "write", body)); rec.Code != 400 || !w.untouched() {
				t.Errorf("%s %s %s: %d", c.method, c.path, body, rec.Code)
			}
		}
	}
}

func TestWhatTheEngineRefusesKeepsItsCode(t *testing.T) {
	for code, test := range map[string]struct {
		err  error
		want int
	}{
		"last_required_factor": {identity.Forbidden("last_required_factor", "x"), 403},
		"frozen":               {identity.Forbidden("frozen", "x"), 403},
		"number_invalid":       {identity.Invalid("number_invalid", "x"), 400},
		"invalid_credentials":  {identity.Invalid("invalid_credentials", "x"), 400},
		"send_limited":         {&identity.Fault{Kind: identity.ErrOverloaded, Code: "send_limited", Retry: time.Minute}, 429},
		"not_found":            {identity.ErrNotFound, 404},
		"gone":                 {identity.ErrTaken, 410},
		"conflict":             {identity.ErrConflict, 409},
	} {
		for _, c := range calls() {
			w := changeWorld(t)
			w.changes.err = fmt.Errorf("x: %w", test.err)
			rec := w.do(w.api(c.method, c.path, "write", c.body))
			if body := decoded(t, rec); rec.Code != test.want || body["code"] != code {
				t.Errorf("%s %s: %d %v, want %d %s", c.method, c.path, rec.Code, body, test.want, code)
			}
		}
	}
}

func TestMeSessions(t *testing.T) {
	w := meWorld(t)
	ended := w.now
	w.store.(*fakeStore).sessions = map[string]identity.Session{
		"ses_1": {ID: "ses_1", User: "usr_1", UserAgent: firefox, IP: "203.0.113.7", CreatedAt: w.now.Add(-time.Hour), Activity: assurance.Activity{Last: w.now}, SecretHash: []byte("secret")},
		"ses_2": {ID: "ses_2", User: "usr_1", CreatedAt: w.now.Add(-2 * time.Hour), Activity: assurance.Activity{Last: w.now.Add(-time.Hour)}},
		"ses_3": {ID: "ses_3", User: "usr_1", EndedAt: &ended},
		"ses_4": {ID: "ses_4", User: "usr_2"},
	}
	rec := w.do(w.api("GET", "/me/sessions", "read", ""))
	want := `{"data":[{"id":"ses_1","current":true,"device":"Firefox · Linux","ip":"203.0.113.7","aal":2,"bound":false,"createdAt":"2026-03-01T11:00:00Z","lastActiveAt":"2026-03-01T12:00:00Z"},` +
		`{"id":"ses_2","current":false,"device":"","ip":"","aal":2,"bound":false,"createdAt":"2026-03-01T10:00:00Z","lastActiveAt":"2026-03-01T11:00:00Z"}]}`
	if rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestMeGrants(t *testing.T) {
	w := meWorld(t)
	s := w.store.(*fakeStore)
	s.grants["grt_1"] = identity.Grant{ID: "grt_1", User: "usr_1", Session: "ses_1", Application: "spa", Scopes: []string{"openid", "me"}, CreatedAt: w.now, ExpiresAt: w.now.Add(time.Hour), Thumbprint: "secret"}
	s.grants["grt_9"] = identity.Grant{ID: "grt_9", User: "usr_2", Session: "ses_9", Application: "spa"}
	rec := w.do(w.api("GET", "/me/grants", "read", ""))
	want := `{"data":[{"id":"grt_1","application":{"id":"spa","name":"Demo"},"scopes":["openid","me"],"createdAt":"2026-03-01T12:00:00Z","expiresAt":"2026-03-01T13:00:00Z","current":true}]}`
	if rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	// Another's is not there.
	for _, id := range []string{"grt_9", "grt_none"} {
		if rec := w.do(w.api("DELETE", "/me/grants/"+id, "write", "")); rec.Code != 404 || len(w.changes.said) != 0 {
			t.Errorf("%s: %d %v", id, rec.Code, w.changes.said)
		}
	}
}

func TestMeActivity(t *testing.T) {
	w := meWorld(t)
	w.store.(*fakeStore).events = []identity.Event{
		{ID: "evt_3", At: w.now, Type: identity.EventSignIn, Outcome: identity.Succeeded, User: "usr_1", Session: "ses_1", Flow: "flow_1", Reasons: []string{"enrolled", "unheard-of"}, IP: "203.0.113.7", UserAgent: firefox, Application: "spa"},
		{ID: "evt_2", At: w.now, Type: identity.EventFactorProved, Outcome: identity.Succeeded, User: "usr_1", Flow: "flow_1"},
		{ID: "evt_1", At: w.now.Add(-time.Hour), Type: identity.EventEnrolmentCreated, Outcome: identity.Succeeded, User: "usr_1", Factor: "totp", Data: map[string]string{"enrolment": "enr_1"}},
		{ID: "evt_0", At: w.now, Type: identity.EventSignIn, User: "usr_2"},
	}
	r := w.api("GET", "/me/activity", "read", "")
	want := `{"data":[{"id":"evt_3","at":"2026-03-01T12:00:00Z","type":"signin.completed","outcome":"success","text":"You signed in.","reasons":["You had set up a second step."],"device":"Firefox · Linux","ip":"203.0.113.7","application":"Demo","current":true},` +
		`{"id":"evt_1","at":"2026-03-01T11:00:00Z","type":"enrolment.created","outcome":"success","text":"A sign-in method was added: Authenticator app.","reasons":[],"device":"","ip":"","current":false}]}`
	if rec := w.do(r); rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	r.Header.Set("Accept-Language", "de")
	if rec := w.do(r); strings.Contains(rec.Body.String(), "You signed in.") || !strings.Contains(strings.Join(rec.Header().Values("Vary"), ","), "Accept-Language") {
		t.Errorf("%s %s", rec.Body, rec.Header().Get("Vary"))
	}
}

// TestEnrolmentsOfEveryShape: what is pending is told by what its prompt holds.
func TestEnrolmentsOfEveryShape(t *testing.T) {
	all := views(t, plainNames())
	for name, want := range map[string]string{
		"codes":           `{"id":"enr_1","codes":["h4k2-9qzt-m1n8-c3vd-x7w5-r2pa",`,
		"publickey-enrol": `{"id":"enr_1","publicKey":{"challenge":"Y2hhbGxlbmdl",`,
		"enrol-sent":      `{"id":"enr_1","sentTo":"•••• 42"}`,
	} {
		w := meWorld(t)
		w.methods.prompt = all[name].Prompts[0].Prompt
		rec := w.do(w.api("POST", "/me/enrolments", "write", `{"factor":"x"}`))
		if rec.Code != 201 || !strings.HasPrefix(rec.Body.String(), want) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}
