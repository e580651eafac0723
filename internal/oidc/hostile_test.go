package oidc

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestH56_NothingWeakerThanAsked(t *testing.T) {
	w := newWorld(t)
	_, b := w.signIn("spa", "ada")
	w.pass(time.Second)
	for name, c := range map[string]struct {
		params []string
		code   string
	}{
		"aal2, silently": {[]string{"acr_values", "aal2", "prompt", "none"}, "interaction_required"}, // enrolling would do

		"aal3":              {[]string{"acr_values", "aal3"}, "unmet_authentication_requirements"},
		"aal3, silently":    {[]string{"acr_values", "aal3", "prompt", "none"}, "unmet_authentication_requirements"},
		"phishing":          {[]string{"acr_values", "phr"}, "unmet_authentication_requirements"},
		"by claim":          {[]string{"claims", `{"id_token":{"acr":{"essential":true,"value":"aal3"}}}`}, "unmet_authentication_requirements"},
		"max_age 0, silent": {[]string{"max_age", "0", "prompt", "none"}, "login_required"},
		"prompt and age":    {[]string{"max_age", "0", "prompt", "none", "acr_values", "aal1"}, "login_required"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := b.get(AuthorizePath + "?" + ask("spa", c.params...).Encode())
			got := answerOf(t, rec)
			if got.Get("error") != c.code || got.Get("code") != "" || got.Get("iss") != w.tenant.Issuer {
				t.Errorf("%d %q", rec.Code, rec.Header().Get("Location"))
			}
		})
	}
	// A max_age that the session is too old for is a sign-in, not an answer.
	if rec := b.get(AuthorizePath + "?" + ask("spa", "max_age", "0").Encode()); !strings.HasPrefix(rec.Header().Get("Location"), "/flow/") {
		t.Errorf("%d %q", rec.Code, rec.Header().Get("Location"))
	}
}

func TestA25_PromptLoginReallyAsks(t *testing.T) {
	w := newWorld(t)
	w.addCode("ada")
	a, b := w.signIn("spa", "ada")
	w.pass(time.Minute)
	c := w.redeem("spa", b.code("ada", ask("spa", "prompt", "login")))
	if before, after := unix(a.id(t)["auth_time"]), unix(c.id(t)["auth_time"]); after.Sub(before) < 59*time.Second {
		t.Errorf("auth_time %s then %s", before, after)
	}
	if c.id(t)["sid"] != a.id(t)["sid"] {
		t.Error("another session")
	}
}

func TestH48_HugeInputIsRefusedBeforeItIsRead(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{TokenPath, PARPath, IntrospectPath, RevokePath, UserinfoPath, AuthorizePath, LogoutPath} {
		for name, c := range map[string]struct {
			body   string
			chunks bool
			kind   string
			status []int
		}{
			"100 MB announced":  {"", false, "application/x-www-form-urlencoded", []int{413}},
			"65 KiB in chunks":  {"a=" + strings.Repeat("x", 65<<10), true, "application/x-www-form-urlencoded", []int{413}},
			"100,000 fields":    {strings.Repeat("a=b&", 10000), true, "application/x-www-form-urlencoded", []int{400}},
			"bad escape":        {"grant_type=%zz", false, "application/x-www-form-urlencoded", []int{400}},
			"not UTF-8":         {"grant_type=%ff", false, "application/x-www-form-urlencoded", []int{400}},
			"JSON":              {`{"grant_type":"client_credentials"}`, false, "application/json", []int{415}},
			"a huge assertion":  {"client_assertion_type=" + url.QueryEscape(assertionType) + "&token=x&client_assertion=" + strings.Repeat("e30.", 15000), true, "application/x-www-form-urlencoded", []int{400, 401}},
			"no type at all":    {"grant_type=client_credentials", false, "", []int{415}},
			"multipart":         {"x", false, "multipart/form-data; boundary=x", []int{415}},
			"two content types": {"a=b", false, "application/x-www-form-urlencoded,text/plain", []int{415}},
		} {
			r := httptest.NewRequest(http.MethodPost, w.tenant.Issuer+path, strings.NewReader(c.body))
			if name == "100 MB announced" {
				r = httptest.NewRequest(http.MethodPost, w.tenant.Issuer+path, never{t})
				r.ContentLength = 100 << 20
			}
			if c.chunks {
				r.ContentLength = -1
			}
			if c.kind != "" {
				r.Header.Set("Content-Type", c.kind)
			}
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, r)
			want := c.status
			if path == UserinfoPath && c.status[0] != 413 && !strings.HasPrefix(c.kind, "application/x-www-form-urlencoded") {
				want = []int{401}
			}
			if path == UserinfoPath && name == "a huge assertion" {
				want = []int{401}
			}
			if path == LogoutPath && name == "a huge assertion" {
				want = []int{303}
			}
			ok := false
			for _, s := range want {
				ok = ok || rec.Code == s
			}
			if !ok {
				t.Errorf("%s %s: %d %.200s, want %v", path, name, rec.Code, rec.Body, want)
			}
		}
	}
}

// never is a body that nobody may read.
type never struct{ t *testing.T }

func (n never) Read([]byte) (int, error) {
	n.t.Error("a body that is too large was read")
	return 0, http.ErrBodyReadAfterClose
}

func TestH48_LongQueriesAreErrorsNotWork(t *testing.T) {
	w := newWorld(t)
	for name, query := range map[string]string{
		"many fields": strings.Repeat("a=b&", 200) + "client_id=spa",
		"bad escape":  "client_id=%zz", "not UTF-8": "client_id=%ff", "semicolons": "client_id=spa;redirect_uri=x",
	} {
		for _, path := range []string{AuthorizePath, LogoutPath} {
			if rec := w.browser().get(path + "?" + query); rec.Code != 400 || rec.Header().Get("Location") != "" {
				t.Errorf("%s %s: %d", path, name, rec.Code)
			}
		}
	}
}

func TestH30_PlantedSessionIsNobody(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.cookies["__Host-ia_session"] = identity.RandomToken(32, rnd{})
	redirectedTo := b.get(AuthorizePath + "?" + ask("spa", "prompt", "none").Encode())
	if answerOf(t, redirectedTo).Get("error") != "login_required" {
		t.Errorf("%d %q", redirectedTo.Code, redirectedTo.Header().Get("Location"))
	}
	planted := b.cookies["__Host-ia_session"]
	b.code("ada", ask("spa"))
	if b.cookies["__Host-ia_session"] == planted {
		t.Error("the planted value became a session")
	}
}

// No answer, page, log line or event of a whole run holds a secret, but the
// answers whose purpose it is to hand it out.
func TestH43_NothingSecretIsTold(t *testing.T) {
	w := newWorld(t)
	a, b := w.signIn("web", "ada")
	next := w.refresh("web", a.text("refresh_token"))
	w.pass(time.Minute)
	said := w.refresh("web", a.text("refresh_token")).raw
	said += w.post(TokenPath, "web", credentialsForm("scope", "no")).raw
	said += read(t, w.browser().send(http.MethodPost, TokenPath, credentialsForm(), "Authorization", basic("web", "wr0ng-secret"))).raw
	said += b.get(AuthorizePath + "?" + ask("spa", "redirect_uri", "https://evil.example/wr0ng-secret").Encode()).Body.String()
	said += w.redeem("web", "wr0ng-secret").raw
	said += w.logs.String()
	for _, kind := range []string{identity.EventGrantCreated, identity.EventGrantRevoked, identity.EventTokenReused, identity.EventSignIn, identity.EventSessionOpened} {
		all := w.events(kind)
		if len(all) == 0 {
			t.Errorf("no %s", kind)
		}
		said += string(mustJSON(t, all))
	}
	for name, secret := range map[string]string{
		"wrong secret": "wr0ng-secret", "client secret": webSecret, "refresh token": a.text("refresh_token"), "its successor": next.text("refresh_token"),
		"access token": a.text("access_token"), "session": b.cookies["__Host-ia_session"], "binding": b.cookies["__Host-ia_browser"],
	} {
		if strings.Contains(said, secret) || strings.Contains(said, url.QueryEscape(secret)) {
			t.Errorf("%s is told", name)
		}
	}
}

func TestC33_PopupsKeepTheirOpener(t *testing.T) {
	w := newWorld(t)
	for display, want := range map[string]string{"popup": "", "page": "same-origin", "": "same-origin"} {
		for name, v := range map[string]url.Values{"flow": ask("spa", "display", display), "error": ask("spa", "display", display, "prompt", "x")} {
			rec := w.browser().get(AuthorizePath + "?" + v.Encode())
			if got := rec.Header().Get("Cross-Origin-Opener-Policy"); rec.Code != http.StatusSeeOther || got != want {
				t.Errorf("%s, display %q: %d with %q", name, display, rec.Code, got)
			}
		}
	}
}
