package oidc

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestA05_CodeIsOfOneUseAndItsReplayRevokes(t *testing.T) {
	w := newWorld(t)
	code := w.browser().code("ada", ask("spa"))
	if len(code) < 22 {
		t.Errorf("code of %d characters", len(code))
	}
	a := w.redeem("spa", code)
	if a.status != http.StatusOK {
		t.Fatal(a.raw)
	}
	w.redeem("spa", code).want(t, 400, "invalid_grant")
	if n := len(w.events(identity.EventTokenReused)); n != 1 {
		t.Errorf("%d events of reuse", n)
	}
	w.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant")
	if rec := w.browser().get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token")); rec.Code != http.StatusUnauthorized {
		t.Errorf("userinfo after the replay: %d", rec.Code)
	}
	w.redeem("spa", code).want(t, 400, "invalid_grant")
	if n := len(w.events(identity.EventTokenReused)); n != 1 {
		t.Errorf("%d events of reuse after a third try", n)
	}
}

func TestA05_CodeEndsAfterSixtySecondsExactly(t *testing.T) {
	w := newWorld(t)
	in, out := w.browser().code("ada", ask("spa")), w.browser().code("ada", ask("spa"))
	w.pass(time.Minute - time.Microsecond)
	if a := w.redeem("spa", in); a.status != http.StatusOK {
		t.Errorf("just before: %s", a.raw)
	}
	w.pass(time.Microsecond)
	w.redeem("spa", out).want(t, 400, "invalid_grant")
}

func TestH35_AFailedCheckBurnsTheCode(t *testing.T) {
	w := newWorld(t)
	for name, try := range map[string]func(code string) answer{
		"other client":     func(c string) answer { return w.redeem("web", c) },
		"other redirect":   func(c string) answer { return w.redeem("spa", c, "redirect_uri", callback+"?tenant=1") },
		"no redirect":      func(c string) answer { return w.redeem("spa", c, "redirect_uri", "") },
		"other verifier":   func(c string) answer { return w.redeem("spa", c, "code_verifier", strings.Repeat("x", 43)) },
		"short verifier":   func(c string) answer { return w.redeem("spa", c, "code_verifier", "short") },
		"no verifier":      func(c string) answer { return w.redeem("spa", c, "code_verifier", "") },
		"challenge itself": func(c string) answer { return w.redeem("spa", c, "code_verifier", challengeOf(verifier)) },
	} {
		t.Run(name, func(t *testing.T) {
			code := w.browser().code("ada", ask("spa"))
			try(code).want(t, 400, "invalid_grant")
			w.redeem("spa", code).want(t, 400, "invalid_grant")
		})
	}
	if n := len(w.events(identity.EventGrantCreated)); n != 0 {
		t.Errorf("%d grants were made", n)
	}
}

func TestC31_WhoIsNotKnownConsumesNothing(t *testing.T) {
	w := newWorld(t)
	code := w.browser().code("ada", ask("web"))
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for name, headers := range map[string][]string{
		"wrong secret": {"Authorization", basic("web", "wrong")},
		"two headers":  {"Authorization", basic("web", webSecret), "Authorization", basic("web", webSecret)},
		"no secret":    nil,
	} {
		f := maps.Clone(form)
		if headers == nil {
			f.Set("client_id", "web")
		}
		if rec := w.browser().send(http.MethodPost, TokenPath, f, headers...); rec.Code == http.StatusOK {
			t.Errorf("%s: %s", name, rec.Body)
		}
	}
	if a := w.redeem("web", code); a.status != http.StatusOK {
		t.Errorf("the code was spent: %s", a.raw)
	}
}

func TestA04_VerifierWithoutChallengeIsRefused(t *testing.T) {
	w := newWorld(t)
	v := ask("exempt", "code_challenge", "", "code_challenge_method", "")
	w.redeem("exempt", w.browser().code("ada", v)).want(t, 400, "invalid_grant")
	if a := w.redeem("exempt", w.browser().code("ada", v), "code_verifier", ""); a.status != http.StatusOK {
		t.Errorf("without a verifier: %s", a.raw)
	}
	// An exempt client that sends a challenge is held to it.
	w.redeem("exempt", w.browser().code("ada", ask("exempt")), "code_verifier", "").want(t, 400, "invalid_grant")
}

func TestH07_ParallelRedemptionsMakeOneGrant(t *testing.T) {
	w := newWorld(t)
	code := w.browser().code("ada", ask("spa"))
	var won []answer
	var mu sync.Mutex
	parallel(20, func(int) {
		if a := w.redeem("spa", code); a.status == http.StatusOK {
			mu.Lock()
			won = append(won, a)
			mu.Unlock()
		}
	})
	if len(won) != 1 {
		t.Fatalf("%d redemptions succeeded", len(won))
	}
	if n := len(w.events(identity.EventGrantCreated)); n != 1 {
		t.Errorf("%d grants", n)
	}
	w.refresh("spa", won[0].text("refresh_token")).want(t, 400, "invalid_grant") // the others were replays
}

func parallel(n int, do func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

func TestTokenResponseSaysWhoAndHowSure(t *testing.T) {
	w := newWorld(t)
	w.addCode("ada")
	first := w.now()
	a, _ := w.signIn("spa", "ada", "claims", `{"id_token":{"email":null,"sub":null,"secret":null}}`)
	access, id := a.access(t), a.id(t)
	for name, got := range map[string]bool{
		"type":      a.text("token_type") == "Bearer" && a.body["expires_in"] == 600.0,
		"no store":  a.header.Get("Cache-Control") == "no-store",
		"iss":       access["iss"] == w.tenant.Issuer && id["iss"] == w.tenant.Issuer,
		"sub":       access["sub"] == w.users["ada"].ID && id["sub"] == w.users["ada"].ID,
		"aud":       access["aud"] == apiURI && id["aud"] == "spa",
		"client_id": access["client_id"] == "spa",
		"acr":       access["acr"] == "aal2" && id["acr"] == "aal2",
		"amr":       slices.Equal(access["amr"].([]any), []any{"pwd", "otp", "mfa"}) || slices.Equal(access["amr"].([]any), []any{"otp", "pwd", "mfa"}),
		"auth_time": !unix(id["auth_time"]).After(w.now()) && unix(id["auth_time"]).Sub(first) < time.Minute && id["auth_time"] == access["auth_time"],
		"sid":       access["sid"] == id["sid"] && strings.HasPrefix(access["sid"].(string), "ses_"),
		"nonce":     id["nonce"] == "n-1" && access["nonce"] == nil,
		"at_hash":   id["at_hash"] != "" && id["at_hash"] != nil,
		"by name":   id["email"] == "ada@example.com" && id["secret"] == nil && id["name"] == nil,
		"exp":       unix(access["exp"]).Sub(unix(access["iat"])) == 10*time.Minute,
	} {
		if !got {
			t.Errorf("%s: %v\n%v", name, access, id)
		}
	}
}

func TestC02_TokenIsNeverAboveItsOwnProofs(t *testing.T) {
	w := newWorld(t)
	low, b := w.signIn("spa", "ada")
	w.addCode("ada")
	code := b.code("ada", ask("web", "acr_values", "aal2"))
	if high := w.redeem("web", code); high.access(t)["acr"] != "aal2" {
		t.Fatalf("the raise: %v", high.access(t))
	}
	if again := w.refresh("spa", low.text("refresh_token")); again.access(t)["acr"] != "aal1" {
		t.Errorf("another application's grant rose: %v", again.access(t))
	}
}

func TestC04_TokensEndWhenTheirLevelLapses(t *testing.T) {
	w := newWorld(t)
	w.addCode("ada")
	a, _ := w.signIn("spa", "ada")
	w.pass(55 * time.Minute) // AAL2 lapses after an hour of idling
	a = w.refresh("spa", a.text("refresh_token"))
	access, id := a.access(t), a.id(t)
	if left := unix(access["exp"]).Sub(w.now()); access["acr"] != "aal2" || left > 5*time.Minute || left < 4*time.Minute {
		t.Errorf("exp in %s at %v", left, access["acr"])
	}
	if id["exp"] != access["exp"] || a.body["expires_in"].(float64) > 300 {
		t.Errorf("id token %v, expires_in %v", id["exp"], a.body["expires_in"])
	}
	w.pass(6 * time.Minute)
	a = w.refresh("spa", a.text("refresh_token"))
	if access = a.access(t); access["acr"] != "aal1" || slices.Contains(access["amr"].([]any), any("mfa")) {
		t.Errorf("after an hour: %v", access)
	}
	if a.id(t)["nonce"] != nil {
		t.Error("a refreshed ID token has a nonce")
	}
}

func TestC04_ScopeWithAStepUpRuleLapsesWithIt(t *testing.T) {
	w := newWorld(t, withPolicy(`{"step_up":[{"scope":"payments:write","level":"aal2","max_age":"5m"}]}`))
	w.addCode("ada")
	a, _ := w.signIn("spa", "ada", "scope", "openid offline_access payments:write")
	if !strings.Contains(a.text("scope"), "payments:write") {
		t.Fatal(a.raw)
	}
	w.pass(4 * time.Minute)
	if a = w.refresh("spa", a.text("refresh_token")); !strings.Contains(a.text("scope"), "payments:write") {
		t.Fatal(a.raw)
	}
	w.pass(2 * time.Minute)
	if a = w.refresh("spa", a.text("refresh_token")); strings.Contains(a.text("scope"), "payments:write") || strings.Contains(a.access(t)["scope"].(string), "payments") {
		t.Errorf("scope %q six minutes on", a.text("scope"))
	}
}

func TestC20_FactorsScopeComesOnlyFromTheCodeThatShowedIt(t *testing.T) {
	w := newWorld(t)
	me := w.tenant.MeAudience()
	a, b := w.signIn("spa", "ada", "scope", "openid offline_access me me:factors payments:write", "resource", me)
	access := a.access(t)
	if access["scope"] != "openid offline_access me me:factors" || access["aud"] != me || unix(access["exp"]).Sub(unix(access["iat"])) != factorsLife {
		t.Fatalf("%v", access)
	}
	r := w.refresh("spa", a.text("refresh_token"))
	if access = r.access(t); access["scope"] != "openid offline_access me" || unix(access["exp"]).Sub(unix(access["iat"])) != accessLife {
		t.Errorf("refreshed: %v", access)
	}
	w.refresh("spa", r.text("refresh_token"), "scope", "me me:factors").want(t, 400, "invalid_scope")

	// A code whose flow did not show the purpose gives none, whatever its scopes say.
	e := &endpoints{Deps: Deps{Store: w.store, Engine: w.engine, Keys: w.keys, Now: w.now, Random: rnd{}}}
	spa := w.app("spa")
	for purpose, want := range map[bool]bool{true: true, false: false} {
		item := w.putCode(t, spa, b, purpose)
		x := exchange{ctx: t.Context(), tenant: w.tenant, app: spa, form: url.Values{"code": {item}, "code_verifier": {verifier}, "redirect_uri": {callback}}}
		got, err := e.redeem(x)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.Scope, "me:factors") != want {
			t.Errorf("purpose %v gave %q", purpose, got.Scope)
		}
	}
}

func TestC30_OneAudienceChosenByResource(t *testing.T) {
	w := newWorld(t)
	me := w.tenant.MeAudience()
	all := "openid offline_access profile me payments:write"
	for name, c := range map[string]struct {
		authorize, token []string
		aud, scope       string
	}{
		"default":              {nil, nil, apiURI, "openid offline_access profile payments:write"},
		"at authorize":         {[]string{"resource", otherAPI}, nil, otherAPI, "openid offline_access profile payments:write"},
		"audience is an alias": {[]string{"audience", otherAPI}, nil, otherAPI, "openid offline_access profile payments:write"},
		"default among two":    {[]string{"resource", otherAPI, "+resource", apiURI}, nil, apiURI, "openid offline_access profile payments:write"},
		"first of two":         {[]string{"resource", otherAPI, "+resource", me}, nil, otherAPI, "openid offline_access profile payments:write"},
		"one of two at token":  {[]string{"resource", otherAPI, "+resource", me}, []string{"resource", me}, me, "openid offline_access profile me"},
		"chosen at token":      {nil, []string{"resource", me}, me, "openid offline_access profile me"},
	} {
		t.Run(name, func(t *testing.T) {
			code := w.browser().code("ada", ask("spa", append([]string{"scope", all}, c.authorize...)...))
			a := w.redeem("spa", code, c.token...)
			if a.status != http.StatusOK {
				t.Fatal(a.raw)
			}
			if got := a.access(t); got["aud"] != c.aud || got["scope"] != c.scope || a.text("scope") != c.scope {
				t.Errorf("aud %v scope %v", got["aud"], got["scope"])
			}
		})
	}
	for name, c := range map[string][2][]string{
		"not granted":      {{"resource", apiURI}, {"resource", otherAPI}},
		"not registered":   {nil, {"resource", "https://evil.example"}},
		"two at the token": {nil, {"resource", apiURI, "+resource", otherAPI}},
	} {
		t.Run(name, func(t *testing.T) {
			w.redeem("spa", w.browser().code("ada", ask("spa", c[0]...)), c[1]...).want(t, 400, "invalid_target")
		})
	}
	t.Run("chosen at refresh", func(t *testing.T) {
		a, _ := w.signIn("spa", "ada", "scope", all)
		b := w.refresh("spa", a.text("refresh_token"), "resource", me)
		if got := b.access(t); got["aud"] != me || got["scope"] != "openid offline_access profile me" {
			t.Errorf("%v", got)
		}
		w.refresh("spa", b.text("refresh_token"), "resource", "https://evil.example").want(t, 400, "invalid_target")
		if got := w.refresh("spa", b.text("refresh_token")); got.status != http.StatusOK {
			t.Errorf("a refusal spent the token: %s", got.raw)
		}
	})
}

func TestGrantIsRefusedWhereItStandsOnNothing(t *testing.T) {
	for name, undo := range map[string]func(*world, *browser){
		"session ended": func(w *world, b *browser) {
			w.update(func(tx identity.Tx) error {
				s, err := tx.Sessions.BySecret(context.Background(), identity.Hash(b.cookies["__Host-ia_session"]))
				return errors.Join(err, w.engine.EndSession(context.Background(), tx, s, "test"))
			})
		},
		"user disabled": func(w *world, _ *browser) {
			u, at := w.users["ada"], w.now()
			u.DisabledAt = &at
			w.update(func(tx identity.Tx) error { return tx.Users.Save(context.Background(), u) })
		},
		"no level left": func(w *world, _ *browser) { w.pass(720 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			spa := w.app("spa")
			spa.RefreshFor = 10000 * time.Hour
			w.putApp(spa)
			a, b := w.signIn("spa", "ada")
			access := a.text("access_token")
			code := b.code("", ask("spa"))
			undo(w, b)
			w.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant")
			w.redeem("spa", code).want(t, 400, "invalid_grant")
			if rec := w.browser().get(UserinfoPath, "Authorization", "Bearer "+access); rec.Code != http.StatusUnauthorized {
				t.Errorf("userinfo: %d", rec.Code)
			}
			if got := w.post(IntrospectPath, "api", url.Values{"token": {access}}); got.raw != `{"active":false}` {
				t.Errorf("introspection: %s", got.raw)
			}
		})
	}
}

func TestFloorHoldsAtRefreshToo(t *testing.T) {
	w := newWorld(t)
	w.addCode("ada")
	a, _ := w.signIn("floor", "ada")
	if a.access(t)["acr"] != "aal2" {
		t.Fatal(a.access(t))
	}
	w.pass(time.Hour)
	w.refresh("floor", a.text("refresh_token")).want(t, 400, "invalid_grant")
}

func TestNoRefreshTokenWithoutOfflineAccess(t *testing.T) {
	w := newWorld(t)
	if a, _ := w.signIn("spa", "ada", "scope", "openid"); a.text("refresh_token") != "" || a.text("id_token") == "" {
		t.Error(a.raw)
	}
	app := w.app("spa")
	app.ID, app.Grants = "online", []string{identity.GrantCode}
	w.putApp(app)
	if a, _ := w.signIn("online", "ada"); a.text("refresh_token") != "" || strings.Contains(a.text("scope"), "offline") {
		t.Error(a.raw)
	}
}

func TestGrantCreatedIsAnEvent(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada")
	all := w.events(identity.EventGrantCreated)
	if len(all) != 1 || all[0].User != w.users["ada"].ID || all[0].Application != "spa" || all[0].Session != a.access(t)["sid"] ||
		all[0].IP == "" || all[0].Flow == "" || !strings.HasPrefix(all[0].Data["grant"], "grt_") {
		t.Errorf("%+v", all)
	}
}

// app reads an application.
func (w *world) app(id string) (app identity.Application) {
	w.Helper()
	w.view(func(tx identity.Tx) (err error) {
		app, err = tx.Applications.ByID(context.Background(), id)
		return err
	})
	return app
}

// putCode stores a code for scope me:factors as the flow would.
func (w *world) putCode(t *testing.T, app identity.Application, b *browser, purpose bool) string {
	t.Helper()
	code := identity.RandomToken(32, rnd{})
	w.update(func(tx identity.Tx) error {
		s, err := tx.Sessions.BySecret(t.Context(), identity.Hash(b.cookies["__Host-ia_session"]))
		if err != nil {
			return err
		}
		scopes := []string{"me", "me:factors"}
		value := mustJSON(t, identity.AuthorizationCode{
			Purpose: purpose,
			Request: identity.AuthorizationRequest{ClientID: app.ID, RedirectURI: callback, RedirectURISent: true, Scopes: scopes, CodeChallenge: challengeOf(verifier)},
			Grant: identity.Grant{
				ID: identity.NewID("grt", w.now(), rnd{}), User: s.User, Application: app.ID, Session: s.ID, Proofs: s.Proofs, Scopes: scopes,
				Resources: []string{w.tenant.MeAudience()},
			},
		})
		return tx.Ephemerals.Put(t.Context(), flow.KindCode, identity.HashKey(code), value, w.now().Add(time.Minute))
	})
	return code
}
