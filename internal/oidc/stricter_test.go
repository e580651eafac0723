package oidc

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// nothingMore holds that neither the refresh token nor the access token of a
// grant gives anything.
func (w *world) nothingMore(t *testing.T, client string, a answer) {
	t.Helper()
	if rec := w.browser().get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token")); rec.Code != http.StatusUnauthorized {
		t.Errorf("userinfo: %d %s", rec.Code, rec.Body)
	}
	if w.introspectRefresh(a.text("refresh_token")) {
		t.Error("the refresh token is said to be active")
	}
	w.refresh(client, a.text("refresh_token")).want(t, 400, "invalid_grant")
}

// What is asked of a person changes, and holds for what was given before.
func TestStricterHoldsForWhatWasGivenBefore(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"the policy asks everyone": func(w *world) { w.tenant.Policy = json.RawMessage(`{"mfa":"always"}`) },
		"a group is asked, and the person joins it": func(w *world) {
			w.tenant.Policy = json.RawMessage(`{"groups":[{"group":"admins","stricter":{"level":"aal2"}}]}`)
			w.update(func(tx identity.Tx) error {
				u, err := tx.Users.ByID(w.Context(), w.users["ada"].ID)
				if err != nil {
					return err
				}
				u.Groups = []string{"admins"}
				return tx.Users.Save(w.Context(), u)
			})
		},
		"the application asks": func(w *world) {
			app := w.app("spa")
			app.Stricter = json.RawMessage(`{"mfa":"always"}`)
			w.putApp(app)
		},
		"the application's words cannot be read": func(w *world) {
			app := w.app("spa")
			app.Stricter = json.RawMessage(`{"mfa":"never"}`)
			w.putApp(app)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, _ := w.signIn("spa", "ada")
			before := w.refresh("spa", a.text("refresh_token"))
			if before.status != http.StatusOK {
				t.Fatal(before.raw)
			}
			change(w)
			w.must(w.store.PutTenant(t.Context(), w.tenant))
			w.serve(w.engine)
			if name == "the application's words cannot be read" {
				if got := w.refresh("spa", before.text("refresh_token")); got.status != http.StatusInternalServerError {
					t.Errorf("got %d %s: it must fail closed", got.status, got.raw)
				}
				return
			}
			w.nothingMore(t, "spa", before)
		})
	}
}

// Who showed a second factor once is told the truth about its age, and not
// turned away under `always`; an application's own floor turns them away.
func TestC02_DecayIsToldAndAFloorIsHeld(t *testing.T) {
	w := newWorld(t, withPolicy(`{"mfa":"always","enrolment":{"first_factor":"password"},"sessions":{"aal2":{"overall":"1h","idle":"0s"}}}`))
	w.addCode("ada")
	a, _ := w.signIn("spa", "ada")
	f, _ := w.signIn("floor", "ada")
	if acr := a.access(t)["acr"]; acr != "aal2" {
		t.Fatalf("acr %v", acr)
	}
	w.pass(time.Hour)
	b := w.refresh("spa", a.text("refresh_token"))
	if b.status != http.StatusOK || b.access(t)["acr"] != "aal1" {
		t.Errorf("%d %s", b.status, b.raw)
	}
	w.refresh("floor", f.text("refresh_token")).want(t, 400, "invalid_grant")
}
