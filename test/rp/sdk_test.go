package rp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"

	intelliauth "github.com/intelliauth/intelliauth/sdk/go"
	"github.com/intelliauth/intelliauth/test/world"
)

// api is an API of the demo world behind the Go SDK.
func api(t *testing.T, w *world.World) (*intelliauth.Verifier, *httptest.Server) {
	t.Helper()
	v, err := intelliauth.NewVerifier(context.Background(), w.Issuer, "https://api.demo.example", intelliauth.WithClient(world.Client()),
		intelliauth.WithClock(w.Now), intelliauth.WithRevocations("demo-api", "demo-api-secret"), intelliauth.WithErrors(func(err error) { t.Log(err) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	mux := http.NewServeMux()
	done := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /hello", v.Authenticate(done))
	mux.Handle("POST /payouts", v.Authenticate(intelliauth.Require(intelliauth.AAL2, 5*time.Minute)(done)))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return v, s
}

func asked(t *testing.T, s *httptest.Server, method, path, token string) (int, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode, answer.Header
}

// A password opens what needs no more, is told what would do, and does it.
func TestSDKStepsUpAgainstTheBinary(t *testing.T) {
	a := newApplication(t)
	_, s := api(t, a.world)
	ada := a.world.Person(t, world.Ada, world.AdaPassword)
	token, _, _ := a.signIn(ada)
	if status, _ := asked(t, s, "GET", "/hello", token.AccessToken); status != http.StatusNoContent {
		t.Fatalf("hello: %d", status)
	}
	status, header := asked(t, s, "POST", "/payouts", token.AccessToken)
	if status != http.StatusUnauthorized || header.Get("WWW-Authenticate") == "" {
		t.Fatalf("payouts by a password: %d %v", status, header)
	}
	more, _, got := a.signIn(ada, oauth2.SetAuthURLParam("acr_values", "aal2"), oauth2.SetAuthURLParam("max_age", "300"))
	if got.ACR != "aal2" {
		t.Fatalf("acr %s", got.ACR)
	}
	if status, _ := asked(t, s, "POST", "/payouts", more.AccessToken); status != http.StatusNoContent {
		t.Errorf("payouts after the step-up: %d", status)
	}
	if status, _ := asked(t, s, "POST", "/payouts", token.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("C-02 the old token rose: %d", status)
	}
}

// Ten sessions are revoked by the operator; two APIs refuse each, and no other.
func TestSDKRefusesRevokedSessionsEverywhere(t *testing.T) {
	a := newApplication(t)
	_, first := api(t, a.world)
	_, second := api(t, a.world)
	spared, _, _ := a.signIn(a.world.Person(t, world.Ada, world.AdaPassword))
	for n := range 10 {
		token, _, got := a.signIn(a.world.Person(t, world.Grace, world.GracePassword))
		for _, s := range []*httptest.Server{first, second} {
			if status, _ := asked(t, s, "GET", "/hello", token.AccessToken); status != http.StatusNoContent {
				t.Fatalf("%d: before: %d", n, status)
			}
		}
		a.world.Run("session", "revoke", got.SID, "--tenant", "demo")
		for i, s := range []*httptest.Server{first, second} {
			status := 0
			for range 200 {
				if status, _ = asked(t, s, "GET", "/hello", token.AccessToken); status == http.StatusUnauthorized {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if status != http.StatusUnauthorized {
				t.Errorf("%d: API %d still takes the token: %d", n, i, status)
			}
		}
	}
	for _, s := range []*httptest.Server{first, second} {
		if status, _ := asked(t, s, "GET", "/hello", spared.AccessToken); status != http.StatusNoContent {
			t.Errorf("another's token is refused: %d", status)
		}
	}
}
