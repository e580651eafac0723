package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const bye = "https://app.example/bye"

// leave asks to sign out.
func (b *browser) leave(params ...string) *httptest.ResponseRecorder {
	b.Helper()
	return b.get(LogoutPath + "?" + with(url.Values{}, params...).Encode())
}

// signedOut reports whether the browser's session is over, cookie and all.
func (b *browser) signedOut(secret string) bool {
	b.Helper()
	ended := false
	b.view(func(tx identity.Tx) error {
		s, err := tx.Sessions.BySecret(b.Context(), identity.Hash(secret))
		ended = s.Ended()
		return err
	})
	return ended && b.cookies["__Host-ia_session"] == ""
}

// question reads the confirmation page: the fields to post for yes.
func question(t *testing.T, rec *httptest.ResponseRecorder) url.Values {
	t.Helper()
	lines := strings.Split(rec.Body.String(), "\n")
	if rec.Code != 200 || lines[0] != "page:confirm" {
		t.Fatalf("nobody was asked: %d %q %s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	fields, err := url.ParseQuery(lines[2])
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// The modules of oidcc-rp-initiated-logout-certification-test-plan.
func TestOIDFRpInitiatedLogout(t *testing.T) {
	const back, page, asks = "back", "page", "asks"
	for name, c := range map[string]struct {
		params func(hint string) []string
		want   string // what happens
		to     string // where to, or where yes leads
	}{
		"oidcc-rp-initiated-logout": {func(h string) []string {
			return []string{"id_token_hint", h, "post_logout_redirect_uri", bye, "state", "a b&c"}
		}, back, bye + "?state=a+b%26c"},
		"oidcc-rp-initiated-logout-no-state": {func(h string) []string {
			return []string{"id_token_hint", h, "post_logout_redirect_uri", bye}
		}, back, bye},
		"oidcc-rp-initiated-logout-no-post-logout-redirect-uri": {func(h string) []string {
			return []string{"id_token_hint", h, "state", "x"}
		}, back, ""},
		"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": {func(h string) []string {
			return []string{"id_token_hint", h, "post_logout_redirect_uri", "https://evil.example/bye"}
		}, page, ""},
		"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": {func(h string) []string {
			return []string{"id_token_hint", h, "post_logout_redirect_uri", bye + "?foo=bar"}
		}, page, ""},
		"oidcc-rp-initiated-logout-modified-id-token-hint": {func(h string) []string {
			return []string{"id_token_hint", h[:len(h)-8] + "AAAAAAAA", "post_logout_redirect_uri", bye}
		}, page, ""},
		"oidcc-rp-initiated-logout-bad-id-token-hint": {func(string) []string {
			return []string{"id_token_hint", "bad", "post_logout_redirect_uri", bye}
		}, page, ""},
		"oidcc-rp-initiated-logout-no-id-token-hint": {func(string) []string {
			return []string{"post_logout_redirect_uri", bye, "state", "x"}
		}, asks, ""},
		"oidcc-rp-initiated-logout-no-params":  {func(string) []string { return nil }, asks, ""},
		"oidcc-rp-initiated-logout-only-state": {func(string) []string { return []string{"state", "x"} }, asks, ""},
		"client_id alone": {func(string) []string {
			return []string{"client_id", "spa", "post_logout_redirect_uri", bye, "state", "x"}
		}, asks, bye + "?state=x"},
		"A-35 client_id differs from the hint": {func(h string) []string {
			return []string{"id_token_hint", h, "client_id", "web", "post_logout_redirect_uri", bye}
		}, page, ""},
		"client_id unknown": {func(string) []string { return []string{"client_id", "nobody"} }, page, ""},
		"repeated": {func(h string) []string {
			return []string{"id_token_hint", h, "post_logout_redirect_uri", bye, "+post_logout_redirect_uri", "https://evil.example"}
		}, page, ""},
		"state too long": {func(h string) []string {
			return []string{"id_token_hint", h, "post_logout_redirect_uri", bye, "state", strings.Repeat("s", maxState+1)}
		}, page, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.signIn("spa", "ada")
			secret := b.cookies["__Host-ia_session"]
			rec := b.leave(c.params(a.text("id_token"))...)
			if c.want == asks {
				fields := question(t, rec)
				if b.signedOut(secret) {
					t.Fatal("signed out before the answer")
				}
				lines := strings.Split(rec.Body.String(), "\n")
				if lines[3] != c.to {
					t.Errorf("yes is said to lead to %q", lines[3])
				}
				rec = b.send(http.MethodPost, LogoutPath, fields, "Sec-Fetch-Site", "same-origin", "Origin", w.tenant.Issuer)
			}
			if c.want == page {
				if rec.Code != 400 || rec.Header().Get("Location") != "" || !strings.HasPrefix(rec.Body.String(), "page:error") || b.signedOut(secret) {
					t.Errorf("%d %q %s", rec.Code, rec.Header().Get("Location"), rec.Body)
				}
				return
			}
			if rec.Header().Get("Location") != c.to || (c.to == "") != (rec.Body.String() == "page:out") {
				t.Errorf("%d %q %s, want %q", rec.Code, rec.Header().Get("Location"), rec.Body, c.to)
			}
			if !b.signedOut(secret) {
				t.Error("still signed in")
			}
			w.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant")
			if read(t, b.get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token"))).status != 401 {
				t.Error("the access token still works")
			}
		})
	}
}

func TestA35_OnlyAHintOfTheVerySessionSparesTheQuestion(t *testing.T) {
	w := newWorld(t)
	old, b := w.signIn("spa", "ada")
	b.leave("id_token_hint", old.text("id_token"))
	for range 2 {
		b.code("ada", ask("spa"))
	}
	question(t, b.leave("id_token_hint", old.text("id_token"))) // same person, another session
	grace, _ := w.signIn("spa", "grace")
	question(t, b.leave("id_token_hint", grace.text("id_token")))

	// Nobody signed in: nothing to ask, and the way back is still checked.
	none := w.browser()
	if rec := none.leave("id_token_hint", old.text("id_token"), "post_logout_redirect_uri", bye); rec.Header().Get("Location") != bye {
		t.Errorf("%d %q", rec.Code, rec.Header().Get("Location"))
	}
	if rec := none.leave("post_logout_redirect_uri", "https://evil.example"); rec.Body.String() != "page:out" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestH28_LogoutIsNotConfirmedByOthers(t *testing.T) {
	w := newWorld(t)
	_, b := w.signIn("spa", "ada")
	secret := b.cookies["__Host-ia_session"]
	fields := question(t, b.leave())
	_, other := w.signIn("spa", "grace")
	for name, c := range map[string]struct {
		fields  url.Values
		headers []string
	}{
		"another site":      {fields, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
		"a sibling":         {fields, []string{"Sec-Fetch-Site", "same-site", "Origin", "https://x.example"}},
		"no token":          {url.Values{confirmField: {""}}, nil},
		"any token":         {url.Values{confirmField: {"yes"}}, nil},
		"another's session": {question(t, other.leave()), nil},
	} {
		rec := b.send(http.MethodPost, LogoutPath, c.fields, c.headers...)
		if rec.Code != http.StatusForbidden || b.signedOut(secret) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if rec := b.send(http.MethodPost, LogoutPath, fields, "Sec-Fetch-Site", "same-origin"); !b.signedOut(secret) {
		t.Errorf("the owner: %d %s", rec.Code, rec.Body)
	}
}

func TestLogoutByPostBecomesAGet(t *testing.T) {
	w := newWorld(t)
	a, b := w.signIn("web", "ada")
	secret := b.cookies["__Host-ia_session"]
	form := url.Values{"id_token_hint": {a.text("id_token")}, "post_logout_redirect_uri": {bye + "?a=b"}, "state": {"s"}}
	rec := w.browser().send(http.MethodPost, LogoutPath, form, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example")
	to := rec.Header().Get("Location")
	if rec.Code != 303 || !strings.HasPrefix(to, LogoutPath+"?posted=") || strings.Contains(to, "id_token") {
		t.Fatalf("%d %q %s", rec.Code, to, rec.Body)
	}
	if rec = b.get(to); rec.Header().Get("Location") != bye+"?a=b&state=s" || !b.signedOut(secret) {
		t.Errorf("%d %q", rec.Code, rec.Header().Get("Location"))
	}
	form.Set("post_logout_redirect_uri", "https://evil.example/")
	if rec = b.send(http.MethodPost, LogoutPath, form); rec.Code != 400 {
		t.Errorf("%d %q", rec.Code, rec.Header().Get("Location"))
	}
}
