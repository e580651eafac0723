package oidc

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestA12_RefreshRotatesAndReuseEndsTheFamily(t *testing.T) {
	w := newWorld(t)
	first, _ := w.signIn("spa", "ada")
	second := w.refresh("spa", first.text("refresh_token"))
	if second.status != http.StatusOK || second.text("refresh_token") == first.text("refresh_token") || second.text("refresh_token") == "" {
		t.Fatal(second.raw)
	}
	w.pass(time.Minute)
	w.refresh("spa", first.text("refresh_token")).want(t, 400, "invalid_grant")
	w.refresh("spa", second.text("refresh_token")).want(t, 400, "invalid_grant")
	reused, revoked := w.events(identity.EventTokenReused), w.events(identity.EventGrantRevoked)
	if len(reused) != 1 || len(revoked) != 1 || reused[0].Application != "spa" || reused[0].User != w.users["ada"].ID || reused[0].Outcome != identity.Refused {
		t.Errorf("reused %+v revoked %+v", reused, revoked)
	}
	if rec := w.browser().get(UserinfoPath, "Authorization", "Bearer "+second.text("access_token")); rec.Code != http.StatusUnauthorized {
		t.Errorf("the access token of the dead family: %d", rec.Code)
	}
}

func TestH32_ThiefAndOwnerOfABearerEndTheFamilyAtOnce(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada")
	thief := w.refresh("spa", a.text("refresh_token"))
	w.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant") // within the moment of kindness
	w.refresh("spa", thief.text("refresh_token")).want(t, 400, "invalid_grant")
}

// TestH32_TheftOfAFamilyEndsTheSession: whoever copied a refresh token may have
// copied what lay beside it. Every family of the session ends, its cookie opens
// nothing, its owner is told, and their next sign-in looks odder.
func TestH32_TheftOfAFamilyEndsTheSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	first := w.redeem("spa", b.code("ada", ask("spa")))
	other := w.redeem("web", b.code("ada", ask("web")))
	w.refresh("spa", first.text("refresh_token"))
	if w.user("ada").TheftAt != nil || len(w.mailed(identity.MessageTokenReused)) != 0 {
		t.Fatal("a theft before there was one")
	}
	w.refresh("spa", first.text("refresh_token")).want(t, 400, "invalid_grant")

	w.refresh("web", other.text("refresh_token")).want(t, 400, "invalid_grant")
	if rec := b.get(AuthorizePath + "?" + ask("spa", "prompt", "none").Encode()); !strings.Contains(rec.Header().Get("Location"), "login_required") {
		t.Errorf("the cookie still opens: %s", rec.Header().Get("Location"))
	}
	ended := w.events(identity.EventSessionEnded)
	if len(ended) != 1 || !slices.Equal(ended[0].Reasons, []string{"refresh_reused"}) {
		t.Errorf("ended: %+v", ended)
	}
	if told := w.mailed(identity.MessageTokenReused); len(told) != 1 || told[0].To != "ada@example.com" || told[0].Args["application"] != "SPA" {
		t.Errorf("told: %+v", told)
	}
	if at := w.user("ada").TheftAt; at == nil || !at.Equal(w.engineNow()) {
		t.Errorf("noted at %v", at)
	}
	if w.user("grace").TheftAt != nil {
		t.Error("somebody else's theft")
	}
}

// TestH32_AReplyLostForLongIsNoTheft: the key is the owner's and nobody went on
// from the successor. The family ends (C-31); the session stays, and nobody is
// frightened.
func TestH32_AReplyLostForLongIsNoTheft(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("web", "ada")
	lost := w.refresh("web", a.text("refresh_token"))
	w.pass(time.Minute)
	w.refresh("web", a.text("refresh_token")).want(t, 400, "invalid_grant")
	w.refresh("web", lost.text("refresh_token")).want(t, 400, "invalid_grant")
	if n := len(w.events(identity.EventSessionEnded)); n != 0 || len(w.mailed(identity.MessageTokenReused)) != 0 || w.user("ada").TheftAt != nil {
		t.Errorf("%d sessions ended", n)
	}

	// Two that go on from one token, by the same secret, are a theft.
	b, _ := w.signIn("web", "grace")
	next := w.refresh("web", b.text("refresh_token"))
	w.refresh("web", next.text("refresh_token"))
	w.pass(time.Minute)
	w.refresh("web", b.text("refresh_token")).want(t, 400, "invalid_grant")
	if len(w.events(identity.EventSessionEnded)) != 1 || len(w.mailed(identity.MessageTokenReused)) != 1 {
		t.Error("a theft went by")
	}
}

func TestA13_LostReplyIsGivenAgainToWhoAuthenticates(t *testing.T) {
	for _, client := range []string{"web", "exempt"} {
		w := newWorld(t)
		a, _ := w.signIn(client, "ada")
		lost := w.refresh(client, a.text("refresh_token"))
		w.pass(kindness - time.Microsecond)
		again := w.refresh(client, a.text("refresh_token"))
		if again.status != http.StatusOK || again.text("refresh_token") != lost.text("refresh_token") {
			t.Fatalf("%s: %s", client, again.raw)
		}
		if again.access(t)["jti"] == lost.access(t)["jti"] {
			t.Error("the access token was kept")
		}
		if n := len(w.events(identity.EventTokenReused)); n != 0 {
			t.Errorf("%d events of reuse", n)
		}
		next := w.refresh(client, again.text("refresh_token"))
		if next.status != http.StatusOK {
			t.Errorf("%s: the successor: %s", client, next.raw)
		}
	}
}

func TestC31_KindnessEndsAfterTenSecondsExactly(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("web", "ada")
	lost := w.refresh("web", a.text("refresh_token"))
	w.pass(kindness)
	w.refresh("web", a.text("refresh_token")).want(t, 400, "invalid_grant")
	w.refresh("web", lost.text("refresh_token")).want(t, 400, "invalid_grant")
	if n := len(w.events(identity.EventTokenReused)); n != 1 {
		t.Errorf("%d events of reuse", n)
	}
}

func TestC31_LateRepetitionAfterTheSuccessorWasUsedRevokesNothing(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("web", "ada")
	b := w.refresh("web", a.text("refresh_token"))
	c := w.refresh("web", b.text("refresh_token"))
	w.refresh("web", a.text("refresh_token")).want(t, 400, "invalid_grant")
	if got := w.refresh("web", c.text("refresh_token")); got.status != http.StatusOK {
		t.Errorf("the family died: %s", got.raw)
	}
}

func TestRefreshTokenOfAnotherClientChangesNothing(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("web", "ada")
	w.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant")
	b := w.refresh("web", a.text("refresh_token"))
	if b.status != http.StatusOK {
		t.Fatalf("another client spent it: %s", b.raw)
	}
	w.pass(time.Minute)
	w.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant") // used, but not by its client
	if got := w.refresh("web", b.text("refresh_token")); got.status != http.StatusOK {
		t.Errorf("another client ended the family: %s", got.raw)
	}
}

func TestA12_RotationNeverExtendsTheEnd(t *testing.T) {
	w := newWorld(t)
	app := w.app("spa")
	app.RefreshFor = time.Hour
	w.putApp(app)
	a, _ := w.signIn("spa", "ada")
	for range 3 {
		w.pass(19*time.Minute + 59*time.Second)
		if a = w.refresh("spa", a.text("refresh_token")); a.status != http.StatusOK {
			t.Fatal(a.raw)
		}
	}
	if left := unix(a.access(t)["exp"]).Sub(w.now()); left > 3*time.Second {
		t.Errorf("an access token outlives its grant by %s", left)
	}
	w.pass(3 * time.Second)
	w.refresh("spa", a.text("refresh_token")).want(t, 400, "invalid_grant")
}

func TestRefreshScopeOnlyNarrows(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada", "scope", "openid profile offline_access")
	w.refresh("spa", a.text("refresh_token"), "scope", "openid email").want(t, 400, "invalid_scope")
	b := w.refresh("spa", a.text("refresh_token"), "scope", "profile")
	if b.status != http.StatusOK || b.text("scope") != "profile" || b.text("id_token") != "" {
		t.Fatal(b.raw)
	}
	// The family keeps what was granted (RFC 6749, section 6).
	if c := w.refresh("spa", b.text("refresh_token")); c.text("scope") != "openid profile offline_access" || c.text("id_token") == "" {
		t.Error(c.raw)
	}
}

func TestRefreshTellsAuthTimeTruly(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("spa", "ada")
	at := a.id(t)["auth_time"]
	w.pass(40 * time.Minute)
	b := w.refresh("spa", a.text("refresh_token"))
	if id := b.id(t); id["auth_time"] != at || id["acr"] != "aal1" || id["sub"] != a.id(t)["sub"] || id["sid"] != a.id(t)["sid"] {
		t.Errorf("%v after %v", id, a.id(t))
	}
}

func TestH07_ParallelRefreshesMakeOneMember(t *testing.T) {
	for _, client := range []string{"spa", "web"} {
		t.Run(client, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.signIn(client, "ada")
			old := a.text("refresh_token")
			members := map[string]bool{}
			var mu sync.Mutex
			parallel(200, func(int) {
				got := w.refresh(client, old)
				mu.Lock()
				defer mu.Unlock()
				if got.status == http.StatusOK {
					members[got.text("refresh_token")] = true
				} else if got.text("error") != "invalid_grant" {
					t.Errorf("%d %s", got.status, got.raw)
				}
			})
			if len(members) != 1 || members[old] {
				t.Errorf("%d new members", len(members))
			}
		})
	}
}

func TestRefreshTokensAreKeptAsHashesAlone(t *testing.T) {
	w := newWorld(t)
	a, _ := w.signIn("web", "ada")
	old := a.text("refresh_token")
	next := w.refresh("web", old).text("refresh_token")
	w.view(func(tx identity.Tx) error {
		for _, token := range []string{old, next} {
			if _, err := tx.Ephemerals.Get(context.Background(), kindRefresh, token); err == nil {
				t.Error("kept under itself")
			}
			item, _ := tx.Ephemerals.Get(context.Background(), kindRefresh, identity.HashKey(token))
			if len(item.Value) == 0 {
				t.Fatal("not kept under its hash")
			}
			if s := string(item.Value); contains(s, old) || contains(s, next) {
				t.Errorf("a token stands in a record: %s", s)
			}
		}
		return nil
	})
}

// Whatever honest clients, thieves and time do in whatever order, a family never
// has two live tokens, and one that was revoked never lives again.
func TestPropertyOneLiveTokenAFamily(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		client := rapid.SampledFrom([]string{"spa", "web"}).Draw(r, "client")
		a, b := w.signIn(client, "ada")
		tokens := []string{a.text("refresh_token")}
		dead := false
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"use", "use", "use", "wait", "revoke", "burst"}).Draw(r, "step") {
			case "use":
				got := w.refresh(client, rapid.SampledFrom(tokens).Draw(r, "token"))
				if got.status == http.StatusOK && !slices.Contains(tokens, got.text("refresh_token")) {
					tokens = append(tokens, got.text("refresh_token"))
				}
				if got.status == http.StatusOK && dead {
					r.Fatal("a dead family gave a token")
				}
			case "wait":
				w.pass(time.Duration(rapid.IntRange(1, 12).Draw(r, "seconds")) * time.Second)
			case "revoke":
				w.post(RevokePath, client, url.Values{"token": {rapid.SampledFrom(tokens).Draw(r, "revoked")}})
				dead = true
			case "burst":
				token := rapid.SampledFrom(tokens).Draw(r, "token")
				var mu sync.Mutex
				parallel(4, func(int) {
					got := w.refresh(client, token)
					mu.Lock()
					defer mu.Unlock()
					if got.status == http.StatusOK && !slices.Contains(tokens, got.text("refresh_token")) {
						tokens = append(tokens, got.text("refresh_token"))
					}
				})
			}
			if n := w.alive(tokens); n > 1 || dead && n > 0 {
				r.Fatalf("%d live tokens of %d, revoked: %v", n, len(tokens), dead)
			}
		}
		_ = b
	})
}

// alive counts the tokens of a family that could still be used.
func (w *world) alive(tokens []string) (n int) {
	for _, token := range tokens {
		got := w.introspectRefresh(token)
		if got {
			n++
		}
	}
	return n
}

func (w *world) introspectRefresh(token string) bool {
	w.Helper()
	for _, id := range []string{"spa", "web"} {
		e := &endpoints{Deps: Deps{Store: w.store, Engine: w.engine, Keys: w.keys, Now: w.now}}
		r := w.request()
		if out, err := e.aboutRefresh(r, w.app(id), token); err == nil && out.Active {
			return true
		}
	}
	return false
}
