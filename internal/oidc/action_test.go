package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func details(action, content string) string {
	return fmt.Sprintf(`[{"type":"action","action":%q,"digest":%q}]`, action, digestOf(content))
}

// withReasons registers what spa and web may ask people to confirm.
func (w *world) withReasons() {
	for _, id := range []string{"spa", "web"} {
		app := w.app(id)
		app.Reasons = []identity.Reason{{ID: "payout", Text: "Pay 120 € to a new account"}, {ID: "close", Text: "Close your account"}}
		w.putApp(app)
	}
	w.serve(w.engine)
}

func (w *world) introspect(client string, a answer) answer {
	w.Helper()
	return w.post(IntrospectPath, client, url.Values{"token": {a.text("access_token")}})
}

// TestH57_ATokenForOneActionIsForNoOther: bound to action and content, proved
// afresh, honoured once, and dead with its session.
func TestH57_ATokenForOneActionIsForNoOther(t *testing.T) {
	w := newWorld(t)
	w.withReasons()
	w.addCode("ada")
	first, b := w.signIn("spa", "ada", "acr_values", "aal2")
	w.pass(time.Minute)
	act := func(content string) answer {
		t.Helper()
		a := w.redeem("spa", b.code("ada", ask("spa", "authorization_details", details("payout", content), "scope", "openid offline_access payments:write")))
		if a.status != http.StatusOK {
			t.Fatal(a.raw)
		}
		return a
	}
	a := act("120 to DE02")
	claims := a.access(t)
	got, _ := claims["authorization_details"].([]any)
	if len(got) != 1 || got[0].(map[string]any)["digest"] != digestOf("120 to DE02") || got[0].(map[string]any)["action"] != "payout" {
		t.Fatalf("the token says %v", claims["authorization_details"])
	}
	if a.text("refresh_token") != "" {
		t.Error("a refresh token came along")
	}
	if at := unix(claims["auth_time"]); claims["acr"] != "aal2" || w.now().Sub(at) > 2*time.Second {
		t.Errorf("proved at %s, acr %v: an old sign-in will not do", at, claims["acr"])
	}
	if life := unix(claims["exp"]).Sub(unix(claims["iat"])); life > actionLife {
		t.Errorf("lives %s", life)
	}
	// Others learn nothing, and spend nothing.
	if got := w.introspect("other", a); got.raw != `{"active":false}` {
		t.Errorf("another resource: %s", got.raw)
	}
	once := w.introspect("api", a)
	if told, _ := once.body["authorization_details"].([]any); once.body["active"] != true || len(told) != 1 || told[0].(map[string]any)["digest"] != digestOf("120 to DE02") {
		t.Errorf("its resource: %s", once.raw)
	}
	if again := w.introspect("api", a); again.raw != `{"active":false}` {
		t.Errorf("a second time: %s", again.raw)
	}
	// An ordinary token is bound to no action, before and after.
	if got := w.introspect("api", first); got.body["active"] != true || got.body["authorization_details"] != nil || first.access(t)["authorization_details"] != nil {
		t.Errorf("the first token: %s", got.raw)
	}
	if again := w.introspect("api", first); again.body["active"] != true {
		t.Errorf("an ordinary token was spent: %s", again.raw)
	}
	refreshed := w.refresh("spa", first.text("refresh_token"), "authorization_details", details("payout", "x"))
	if refreshed.status == http.StatusOK && refreshed.access(t)["authorization_details"] != nil {
		t.Error("a refresh gives what only a fresh proof may")
	}
	// Of many that ask at once one is told yes.
	c := act("7 to DE03")
	var yes atomic.Int64
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			if w.introspect("api", c).body["active"] == true {
				yes.Add(1)
			}
		})
	}
	wait.Wait()
	if yes.Load() != 1 {
		t.Errorf("honoured %d times", yes.Load())
	}
	// After sign-out it is nothing.
	d := act("9 to DE04")
	w.update(func(tx identity.Tx) error {
		s, err := tx.Sessions.ByID(w.Context(), d.access(t)["sid"].(string))
		if err != nil {
			return err
		}
		return w.engine.EndSession(w.Context(), tx, s, "signed_out")
	})
	if got := w.introspect("api", d); got.raw != `{"active":false}` {
		t.Errorf("after sign-out: %s", got.raw)
	}
}

// An action is never confirmed without the person, nor below AAL2.
func TestH57_AnActionNeedsThePerson(t *testing.T) {
	w := newWorld(t)
	w.withReasons()
	w.addCode("ada")
	_, b := w.signIn("spa", "ada", "acr_values", "aal2")
	w.pass(time.Second)
	silent := b.get(AuthorizePath + "?" + ask("spa", "prompt", "none", "authorization_details", details("payout", "x")).Encode())
	if got := answerOf(t, silent); got.Get("error") != "login_required" || got.Get("code") != "" {
		t.Errorf("silently: %v", got)
	}
	low := newWorld(t, withPolicy(`{"mfa":"never"}`))
	low.withReasons()
	_, c := low.signIn("spa", "ada")
	if got := answerOf(t, c.authorize("ada", ask("spa", "acr_values", "aal1", "authorization_details", details("payout", "x")))); got.Get("error") != "unmet_authentication_requirements" {
		t.Errorf("by a password alone: %v", got)
	}
}

func TestRFC9396_MalformedDetailsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.withReasons()
	good := digestOf("x")
	for name, text := range map[string]string{
		"no JSON": "payout", "an object": `{"type":"action"}`, "none": `[]`, "two": `[{"type":"action","action":"payout","digest":"` + good + `"},{"type":"action","action":"close","digest":"` + good + `"}]`,
		"another type": `[{"type":"payment","action":"payout","digest":"` + good + `"}]`, "an action not registered": `[{"type":"action","action":"rob","digest":"` + good + `"}]`,
		"no digest": `[{"type":"action","action":"payout"}]`, "a short digest": `[{"type":"action","action":"payout","digest":"AAAA"}]`, "padded": `[{"type":"action","action":"payout","digest":"` + good + `="}]`,
		"more members": `[{"type":"action","action":"payout","digest":"` + good + `","amount":1}]`, "trailing": details("payout", "x") + `[]`, "huge": strings.Repeat(" ", maxDetails) + details("payout", "x"),
		"null": `null`, "hex": `[{"type":"action","action":"payout","digest":"` + strings.Repeat("0", 64) + `"}]`,
	} {
		got := answerOf(t, w.browser().get(AuthorizePath+"?"+ask("spa", "authorization_details", text).Encode()))
		if got.Get("error") != "invalid_authorization_details" || got.Get("code") != "" || got.Get("state") == "" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestC34_ReasonsAreTheApplicationsOwn: registered, or pushed by who proved to be
// the application; never out of a link.
func TestC34_ReasonsAreTheApplicationsOwn(t *testing.T) {
	w := newWorld(t)
	w.withReasons()
	shown := func(rec string) string {
		t.Helper()
		b := w.browser()
		answer := b.get(rec)
		id := strings.TrimPrefix(answer.Header().Get("Location"), "/flow/")
		v, err := w.engine.View(t.Context(), w.tenant, flow.Browser{Binding: b.cookies["__Host-ia_browser"]}, id)
		if err != nil {
			t.Fatalf("%v: %d %s", err, answer.Code, answer.Header().Get("Location"))
		}
		return v.Asked
	}
	if got := shown(AuthorizePath + "?" + ask("spa", "reason", "close").Encode()); got != "Close your account" {
		t.Errorf("by id: %q", got)
	}
	if got := shown(AuthorizePath + "?" + ask("spa", "authorization_details", details("payout", "x")).Encode()); got != "Pay 120 € to a new account" {
		t.Errorf("by action: %q", got)
	}
	pushed := w.post(PARPath, "web", ask("web", "reason_text", "Pay 7 € to Grace"))
	if pushed.status != http.StatusCreated {
		t.Fatal(pushed.raw)
	}
	q := url.Values{"client_id": {"web"}, "request_uri": {pushed.text("request_uri")}}
	if got := shown(AuthorizePath + "?" + q.Encode()); got != "Pay 7 € to Grace" {
		t.Errorf("pushed: %q", got)
	}
	for name, params := range map[string][]string{
		"not registered": {"reason", "rob"}, "words in a link": {"reason_text", "Your prize waits"}, "both": {"reason", "close", "reason_text", "x"},
	} {
		if got := answerOf(t, w.browser().get(AuthorizePath+"?"+ask("web", params...).Encode())); got.Get("error") != "invalid_request" {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, text := range map[string]string{"81 characters": strings.Repeat("ü", 81), "a line break": "a\nb", "a direction mark": "a\u202eb"} {
		w.post(PARPath, "web", ask("web", "reason_text", text)).want(t, 400, "invalid_request")
	}
	w.post(PARPath, "spa", ask("spa", "reason_text", "pushed, but by nobody who proved anything")).want(t, 400, "invalid_request")
}
