package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// declared reads tenants as a configuration declares them.
func declaredBy(t *testing.T, tenants string) []config.Declared {
	t.Helper()
	key := t.TempDir() + "/root.key"
	m, _, _ := command("")
	if err := m.newRootKey(key); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(t.TempDir()+"/intelliauth.yaml", []byte("root_keys: [\"file:"+key+"\"]\n"+tenants), config.Outside{Env: os.LookupEnv, Read: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	return c.Declared()
}

// declaredApps is one tenant with applications, each with a name.
func declaredApps(t *testing.T, apps ...string) []config.Declared {
	text := "tenants:\n  - id: main\n    issuer: http://localhost:8080\n"
	if len(apps) > 0 {
		text += "    applications:\n"
	}
	for _, app := range apps {
		id, name, _ := strings.Cut(app, "=")
		text += fmt.Sprintf("      - {id: %s, name: %s, secrets: [a-secret-of-%s-that-is-long-enough], redirect_uris: [https://a.example.com/]}\n", id, name, id)
	}
	return declaredBy(t, text)
}

func newApplier(st *store.Store) applier {
	return applier{store: st, now: time.Now, random: rand.Reader}
}

func appOf(t *testing.T, st *store.Store, id string) identity.Application {
	t.Helper()
	var app identity.Application
	err := st.View(t.Context(), "main", func(tx identity.Tx) (err error) {
		app, err = tx.Applications.ByID(t.Context(), id)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return app
}

func eventsOf(t *testing.T, st *store.Store, kind string) []identity.Event {
	t.Helper()
	var out []identity.Event
	err := st.View(t.Context(), "main", func(tx identity.Tx) (err error) {
		out, err = tx.Events.List(t.Context(), identity.EventFilter{Limit: 1000})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(out, func(e identity.Event) bool { return e.Type != kind })
}

// TestC40_FileIsAppliedByDigest walks through an operator's edits.
func TestC40_FileIsAppliedByDigest(t *testing.T) {
	t.Parallel()
	st := memory(t, time.Now)
	apply := func(want int, apps ...string) {
		t.Helper()
		before := len(applied(t, st))
		n, err := newApplier(st).apply(t.Context(), declaredApps(t, apps...))
		if err != nil || n != want {
			t.Fatalf("applied %v: %d changed (%v), want %d", apps, n, err, want)
		}
		if got := len(applied(t, st)) - before; got != min(want, 1) {
			t.Errorf("applied %v: %d events config.applied for %d changes", apps, got, want)
		}
	}
	apply(3, "web=One", "api=Two") // the tenant and both
	secret := appOf(t, st, "web").Secrets[0]
	if !secret.Matches("a-secret-of-web-that-is-long-enough") {
		t.Error("the secret does not match")
	}
	apply(0, "web=One", "api=Two")
	if got := appOf(t, st, "web").Secrets[0]; string(got.Salt) != string(secret.Salt) {
		t.Error("an unchanged application was written again")
	}
	apply(1, "web=Three", "api=Two")
	if got := appOf(t, st, "web").Name; got != "Three" {
		t.Errorf("name %q", got)
	}

	// Removed means disabled, and kept; brought back means enabled.
	apply(1, "web=Three")
	if app := appOf(t, st, "api"); !app.Disabled || app.Name != "Two" {
		t.Errorf("removed: %+v", app)
	}
	apply(0, "web=Three")
	apply(1, "web=Three", "api=Two")
	if appOf(t, st, "api").Disabled {
		t.Error("brought back, it is still disabled")
	}

	// What an operator disabled is not the file's to enable.
	app := appOf(t, st, "api")
	app.Disabled = true
	if err := st.Update(t.Context(), "main", func(tx identity.Tx) error { return tx.Applications.Put(t.Context(), app) }); err != nil {
		t.Fatal(err)
	}
	apply(1, "web=Three", "api=Four")
	if got := appOf(t, st, "api"); !got.Disabled || got.Name != "Four" {
		t.Errorf("disabled by an operator, then edited: %+v", got)
	}
}

// applied are the events config.applied of a store that may be empty.
func applied(t *testing.T, st *store.Store) []identity.Event {
	t.Helper()
	tenants, err := st.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(tenants) == 0 {
		return nil
	}
	return eventsOf(t, st, identity.EventConfigApplied)
}

func TestC40_RemovedTenantIsDisabled(t *testing.T) {
	t.Parallel()
	st := memory(t, time.Now)
	a := newApplier(st)
	both := "tenants:\n  - {id: main, issuer: http://localhost:8080}\n  - {id: second, issuer: http://acme.localhost:8080}\n"
	one := "tenants:\n  - {id: main, issuer: http://localhost:8080}\n"
	disabled := func() bool {
		all, err := st.Tenants(t.Context())
		if err != nil || len(all) != 2 {
			t.Fatalf("%d tenants (%v)", len(all), err)
		}
		return all[1].Disabled
	}
	for i, step := range []struct {
		text     string
		changed  int
		disabled bool
	}{{both, 2, false}, {one, 1, true}, {one, 0, true}, {both, 1, false}} {
		n, err := a.apply(t.Context(), declaredBy(t, step.text))
		if err != nil || n != step.changed || disabled() != step.disabled {
			t.Errorf("step %d: %d changed (%v), disabled %v", i, n, err, disabled())
		}
	}
	stranger := "tenants:\n  - {id: third, issuer: http://acme.localhost:8080}\n"
	if _, err := a.apply(t.Context(), declaredBy(t, stranger)); err == nil || !strings.Contains(err.Error(), "belongs to tenant") {
		t.Errorf("a host that another tenant has: %v", err)
	}
}

// TestC40_NodesThatStartTogether apply one file once.
func TestC40_NodesThatStartTogether(t *testing.T) {
	t.Parallel()
	st := memory(t, time.Now)
	if err := st.PutTenant(t.Context(), declaredApps(t)[0].Tenant); err != nil {
		t.Fatal(err)
	}
	declared := declaredApps(t, "web=One", "api=Two")
	var wait sync.WaitGroup
	errs := make(chan error, 8)
	for range cap(errs) {
		wait.Go(func() {
			_, err := newApplier(st).apply(t.Context(), declared)
			errs <- err
		})
	}
	wait.Wait()
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := len(eventsOf(t, st, identity.EventConfigApplied)); n != 1 {
		t.Errorf("%d events config.applied, want 1", n)
	}
}
