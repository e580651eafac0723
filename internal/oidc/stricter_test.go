package oidc

import (
	"encoding/json"
	"net/http"
	"slices"
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

// TestN20_DecayIsToldEverywhere: as time passes introspection, userinfo and
// refresh say the same, and one event tells of each step down.
func TestN20_DecayIsToldEverywhere(t *testing.T) {
	w := newWorld(t, withPolicy(`{"enrolment":{"first_factor":"password"},"sessions":{"aal2":{"overall":"1h","idle":"0s"},"aal1":{"overall":"10h"}}}`))
	w.addCode("ada")
	a, b := w.signIn("spa", "ada")
	said := func() (acrs []any) {
		t.Helper()
		r := w.refresh("spa", a.text("refresh_token"))
		if r.status != http.StatusOK {
			return []any{nil, w.introspectRefresh(a.text("refresh_token"))}
		}
		a = r
		told := w.introspect("api", a)
		info := read(t, w.browser().get(UserinfoPath, "Authorization", "Bearer "+a.text("access_token")))
		acrs = append(acrs, a.access(t)["acr"], a.id(t)["acr"], told.body["acr"], info.body["acr"])
		if told.body["auth_time"] != a.access(t)["auth_time"] || info.body["auth_time"] != a.access(t)["auth_time"] {
			t.Errorf("auth_time differs: %v %v %v", a.access(t)["auth_time"], told.body["auth_time"], info.body["auth_time"])
		}
		return acrs
	}
	decays := func() (steps []string) {
		for _, e := range w.events(identity.EventSessionDecayed) {
			steps = append(steps, e.Data["from"]+">"+e.Data["to"])
		}
		return steps
	}
	w.pass(time.Hour - time.Second)
	if got := said(); !slices.Equal(got, []any{"aal2", "aal2", "aal2", "aal2"}) || decays() != nil {
		t.Errorf("a second before the hour: %v %v", got, decays())
	}
	old := a
	w.pass(time.Second)
	if told := w.introspect("api", old); told.body["active"] == true && told.body["acr"] != "aal1" {
		t.Errorf("a token from before: %s", told.raw)
	}
	for range 2 {
		if got := said(); !slices.Equal(got, []any{"aal1", "aal1", "aal1", "aal1"}) || !slices.Equal(decays(), []string{"aal2>aal1"}) {
			t.Errorf("at the hour: %v %v", got, decays())
		}
	}
	w.pass(9 * time.Hour)
	if got := said(); !slices.Equal(got, []any{nil, false}) {
		t.Errorf("after ten hours: %v", got)
	}
	for range 2 { // the browser comes back to nothing
		b.get(AuthorizePath + "?" + ask("spa").Encode())
	}
	if got := decays(); !slices.Equal(got, []string{"aal1>aal0", "aal2>aal1"}) { // newest first
		t.Errorf("events: %v", got)
	}
	c := w.redeem("spa", b.code("ada", ask("spa")))
	if opened := w.events(identity.EventSessionOpened); c.status != http.StatusOK || opened[0].Data["to"] != "aal2" && opened[len(opened)-1].Data["to"] != "aal2" {
		t.Errorf("opened: %v", opened)
	}
}

// A level that is asked for and refused is told of, with its reasons.
func TestRefusedRequirementIsAnEvent(t *testing.T) {
	w := newWorld(t)
	_, b := w.signIn("spa", "ada")
	b.get(AuthorizePath + "?" + ask("spa", "acr_values", "aal3").Encode())
	all := w.events(identity.EventRequirementFailed)
	if len(all) != 1 || all[0].Data["asked"] != "aal3" || all[0].Outcome != identity.Refused || !slices.Contains(all[0].Reasons, "requested-level") || !slices.Contains(all[0].Reasons, "level-unreachable") {
		t.Errorf("%+v", all)
	}
}
