package hostile

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/test/world"
)

// claimsOf reads a JWT without checking it.
func claimsOf(t *testing.T, jwt any) map[string]any {
	t.Helper()
	text, _ := jwt.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", text)
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

// parallel runs n requests to the token endpoint at once and returns the
// answers that gave tokens, and the errors of the others.
func parallel(t *testing.T, n int, ask func() (int, map[string]any)) (given []map[string]any, refused map[string]int) {
	t.Helper()
	var mu sync.Mutex
	var wait sync.WaitGroup
	start := make(chan struct{})
	refused = map[string]int{}
	for range n {
		wait.Go(func() {
			<-start
			status, body := ask()
			mu.Lock()
			defer mu.Unlock()
			if status == http.StatusOK {
				given = append(given, body)
				return
			}
			code, _ := body["error"].(string)
			refused[code]++
		})
	}
	close(start)
	wait.Wait()
	return given, refused
}

// active asks demo-api whether an access token is alive.
func active(t *testing.T, w *world.World, token any) bool {
	t.Helper()
	text, _ := token.(string)
	r, err := http.NewRequest(http.MethodPost, w.Issuer+"/oauth2/introspect", strings.NewReader(url.Values{"token": {text}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("demo-api", "demo-api-secret")
	answer, err := shared.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var told struct{ Active bool }
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("introspection: %s %v", answer.Status, err)
	}
	return told.Active
}

func refresh(t *testing.T, w *world.World, old any) (int, map[string]any) {
	text, _ := old.(string)
	return token(t, w, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text}, "client_id": {"demo-spa"}})
}

func TestH07_ParallelExchangesOfOneCode(t *testing.T) {
	w := world.Start(t)
	p := w.Person(t, world.Grace, world.GracePassword)
	code := p.SignIn(w.Authorize()).Query().Get("code")
	given, refused := parallel(t, 20, func() (int, map[string]any) { return redeem(t, w, code) })
	if len(given) != 1 || refused["invalid_grant"] != 19 {
		t.Fatalf("%d of 20 exchanges gave tokens, the others %v", len(given), refused)
	}
	// A code that came twice is a code that was stolen: what it gave is dead.
	if active(t, w, given[0]["access_token"]) {
		t.Error("the access token lives on after its code was replayed")
	}
	if status, body := refresh(t, w, given[0]["refresh_token"]); status == http.StatusOK {
		t.Errorf("the refresh token lives on after its code was replayed: %v", body)
	}
}

func TestH07_ParallelRefreshesOfAPublicApplication(t *testing.T) {
	w := world.Start(t)
	p := w.Person(t, world.Grace, world.GracePassword)
	_, first := redeem(t, w, p.SignIn(w.Authorize()).Query().Get("code"))
	given, refused := parallel(t, 20, func() (int, map[string]any) { return refresh(t, w, first["refresh_token"]) })
	if len(given) != 1 || refused["invalid_grant"] != 19 {
		t.Fatalf("%d of 20 refreshes gave tokens, the others %v", len(given), refused)
	}
	// Nothing tells the owner's second try from a thief's: the family is dead.
	if status, body := refresh(t, w, given[0]["refresh_token"]); status == http.StatusOK {
		t.Errorf("the family lives on after reuse: %v", body)
	}
	if active(t, w, given[0]["access_token"]) {
		t.Error("the access token lives on after reuse")
	}
	if count(t, w, "token.reused") == 0 {
		t.Error("the audit log does not tell of the reuse")
	}
}

func TestH07_ParallelRefreshesOfAnAuthenticatedApplication(t *testing.T) {
	w := world.Start(t)
	p := w.Person(t, world.Grace, world.GracePassword)
	const redirect = "http://localhost:9999/callback"
	code := p.SignIn(w.Authorize("client_id", "demo-web", "redirect_uri", redirect)).Query().Get("code")
	web := func(form url.Values) (int, map[string]any) {
		form.Set("client_id", "demo-web")
		form.Set("client_secret", "demo-web-secret")
		return token(t, w, form)
	}
	again := func(old any) (int, map[string]any) {
		text, _ := old.(string)
		return web(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text}})
	}
	_, first := web(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {world.Verifier},
	})
	given, refused := parallel(t, 20, func() (int, map[string]any) { return again(first["refresh_token"]) })
	successors := map[any]bool{}
	for _, body := range given {
		successors[body["refresh_token"]] = true
	}
	// Who shows its secret gets a lost answer again (C-31); never a second family.
	if len(given) != 20 || len(successors) != 1 {
		t.Fatalf("%d of 20 refreshes gave %d different successors, the others %v", len(given), len(successors), refused)
	}
	status, second := again(given[0]["refresh_token"])
	if status != http.StatusOK {
		t.Fatalf("the one successor does not work: %v", second)
	}
	w.Advance(11 * time.Second)
	if status, _ := again(first["refresh_token"]); status == http.StatusOK {
		t.Error("a used refresh token works")
	}
	if status, _ := again(second["refresh_token"]); status == http.StatusOK {
		t.Error("the family lives on after a used token was shown")
	}
}

func TestH52_ARestartInMidFlow(t *testing.T) {
	w := world.Start(t)
	owner := ada(t, w)
	other := thief(t, w)
	v := other.At(w, w.Authorize())
	for _, guess := range world.WrongCodes(t, owner.Secret, w.Now(), 5) {
		v = other.Respond(w, v, guess)
		if v.Failed() != "code_invalid" {
			t.Fatalf("a wrong code is answered with %d %s", v.Status, v.Raw)
		}
	}
	session := cookie(t, w, owner, "ia_session")
	w.Restart(syscall.SIGTERM)

	after := other.View(w.Issuer + "/flow/" + v.ID)
	if after.Step != "prove" || len(after.Prompts) == 0 {
		t.Fatalf("the flow did not survive: %d %s", after.Status, after.Raw)
	}
	// Five failures were counted before; they are counted still.
	if answer := other.Respond(w, after, world.Code(t, owner.Secret, w.Now())); answer.Failed() != "too_many_attempts" {
		t.Errorf("the counter did not survive: %d %s", answer.Status, answer.Raw)
	}
	if silent(t, w, owner) != "" || cookie(t, w, owner, "ia_session") != session {
		t.Error("the owner's session did not survive")
	}
	w.Advance(31 * time.Second)
	if answer := other.Respond(w, other.View(w.Issuer+"/flow/"+v.ID), world.Code(t, owner.Secret, w.Now())); answer.Redirect == "" {
		t.Errorf("the flow does not go on after the wait: %d %s", answer.Status, answer.Raw)
	}
}

// TestH51 kills the server at different moments around the acceptance of a
// code. Whatever the moment: an answer that was given holds, and no code is
// taken twice.
func TestH51_KilledWhileACodeIsAccepted(t *testing.T) {
	w := world.Start(t)
	owner := ada(t, w)
	answered, lost, spent := 0, 0, 0
	for round := range 8 {
		w.Advance(time.Minute)
		first, second := thief(t, w), thief(t, w)
		a, b := first.At(w, w.Authorize()), second.At(w, w.Authorize())
		code := world.Code(t, owner.Secret, w.Now())
		reply := make(chan world.View, 1)
		go func() {
			v, err := first.TryRespond(w, a.ID, a.Prompts[0].ID, code)
			if err != nil {
				v = world.View{}
			}
			reply <- v
		}()
		time.Sleep(time.Duration(round*round) * 300 * time.Microsecond)
		w.Restart(syscall.SIGKILL)
		got := <-reply

		retry, err := first.TryRespond(w, a.ID, a.Prompts[0].ID, code)
		if err != nil {
			t.Fatal(err)
		}
		replay, err := second.TryRespond(w, b.ID, b.Prompts[0].ID, code)
		if err != nil {
			t.Fatal(err)
		}
		if retry.Status >= 500 || replay.Status >= 500 {
			t.Fatalf("after the crash: %s, %s", retry.Raw, replay.Raw)
		}
		switch {
		case got.Redirect != "":
			answered++
			if replay.Redirect != "" {
				t.Errorf("round %d: an answered sign-in was forgotten and its code taken again", round)
			}
		default:
			lost++
			if retry.Redirect == "" {
				spent++
			}
		}
		if retry.Redirect != "" && replay.Redirect != "" {
			t.Errorf("round %d: one code was taken in two flows", round)
		}
	}
	t.Logf("%d answered before the kill, %d lost, of which %d had spent the code", answered, lost, spent)
}
