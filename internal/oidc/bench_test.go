package oidc

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// prepared makes a request without the tests' bookkeeping.
func (w *world) prepared(path string, form url.Values, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, w.tenant.Issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func BenchmarkRefresh(b *testing.B) {
	w := newWorld(b)
	a, _ := w.signIn("web", "ada")
	next := a.text("refresh_token")
	auth := basic("web", webSecret)
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, w.prepared(TokenPath, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {next}}, "Authorization", auth))
		if next = read(b, rec).text("refresh_token"); next == "" {
			b.Fatal(rec.Body)
		}
	}
}

func BenchmarkClientCredentials(b *testing.B) {
	w := newWorld(b)
	auth := basic("web", webSecret)
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, w.prepared(TokenPath, credentialsForm(), "Authorization", auth))
		if rec.Code != http.StatusOK {
			b.Fatal(rec.Body)
		}
	}
}

// BenchmarkDiscovery measures the endpoint, with the front and without, beside a
// bare handler that writes the same bytes, all over a socket.
func BenchmarkDiscovery(b *testing.B) {
	w := newWorld(b)
	const path = "/.well-known/openid-configuration"
	body := w.browser().get(path).Body.Bytes()
	bare := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(body)
	})
	alone := Handler(Deps{Store: w.store, Now: w.now})
	inside := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		alone.ServeHTTP(rw, r.WithContext(edge.WithTenant(r.Context(), w.tenant)))
	})
	for _, c := range []struct {
		name string
		h    http.Handler
	}{{"bare", bare}, {"handler", inside}, {"front", w.handler}, {"bare again", bare}} {
		b.Run(c.name, func(b *testing.B) {
			s := httptest.NewServer(c.h)
			defer s.Close()
			r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Host = "a.example"
			for b.Loop() {
				res, err := s.Client().Do(r)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Fatal(res, err)
				}
				_, err = io.Copy(io.Discard, res.Body)
				if err != nil || res.Body.Close() != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAuthorizeWithASession(b *testing.B) {
	w := newWorld(b)
	_, person := w.signIn("spa", "ada")
	target := AuthorizePath + "?" + ask("spa").Encode()
	b.ReportAllocs()
	for b.Loop() {
		if rec := person.get(target); rec.Code != http.StatusSeeOther {
			b.Fatal(rec.Body)
		}
	}
}

// counted counts what is asked of the store, by transaction and by statement.
type counted struct {
	identity.Store
	views, updates, statements int
}

func (c *counted) wrap(fn func(identity.Tx) error) func(identity.Tx) error {
	return func(tx identity.Tx) error {
		tx.Applications = countedApplications{tx.Applications, c}
		tx.Users = countedUsers{tx.Users, c}
		tx.Sessions = countedSessions{tx.Sessions, c}
		tx.Grants = countedGrants{tx.Grants, c}
		tx.Ephemerals = countedEphemerals{tx.Ephemerals, c}
		tx.Events = countedEvents{tx.Events, c}
		tx.Enrolments, tx.Devices, tx.Lanes, tx.Keys, tx.Outbox = nil, nil, nil, nil, nil // none of our business
		return fn(tx)
	}
}

func (c *counted) View(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	c.views++
	return c.Store.View(ctx, tenant, c.wrap(fn))
}

func (c *counted) Update(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	c.updates++
	return c.Store.Update(ctx, tenant, c.wrap(fn))
}

type (
	countedApplications struct {
		identity.Applications
		c *counted
	}
	countedUsers struct {
		identity.Users
		c *counted
	}
	countedSessions struct {
		identity.Sessions
		c *counted
	}
	countedGrants struct {
		identity.Grants
		c *counted
	}
	countedEphemerals struct {
		identity.Ephemerals
		c *counted
	}
	countedEvents struct {
		identity.Events
		c *counted
	}
)

func (p countedApplications) ByID(ctx context.Context, id string) (identity.Application, error) {
	p.c.statements++
	return p.Applications.ByID(ctx, id)
}

func (p countedUsers) ByID(ctx context.Context, id string) (identity.User, error) {
	p.c.statements++
	return p.Users.ByID(ctx, id)
}

func (p countedSessions) ByID(ctx context.Context, id string) (identity.Session, error) {
	p.c.statements++
	return p.Sessions.ByID(ctx, id)
}

func (p countedGrants) ByID(ctx context.Context, id string) (identity.Grant, error) {
	p.c.statements++
	return p.Grants.ByID(ctx, id)
}

func (p countedGrants) WithOwner(ctx context.Context, id string) (identity.Grant, identity.Session, identity.User, error) {
	p.c.statements++
	return p.Grants.WithOwner(ctx, id)
}

func (p countedGrants) Create(ctx context.Context, g identity.Grant) error {
	p.c.statements++
	return p.Grants.Create(ctx, g)
}

func (p countedEphemerals) Put(ctx context.Context, kind, key string, value []byte, expires time.Time) error {
	p.c.statements++
	return p.Ephemerals.Put(ctx, kind, key, value, expires)
}

func (p countedEphemerals) Get(ctx context.Context, kind, key string) (identity.Item, error) {
	p.c.statements++
	return p.Ephemerals.Get(ctx, kind, key)
}

func (p countedEphemerals) Take(ctx context.Context, kind, key string) (identity.Item, error) {
	p.c.statements++
	return p.Ephemerals.Take(ctx, kind, key)
}

func (p countedEvents) Append(ctx context.Context, e identity.Event) error {
	p.c.statements++
	return p.Events.Append(ctx, e)
}

// What a request costs the database is counted, not timed (C-45).
func TestStatements(t *testing.T) {
	w := newWorld(t)
	code := w.browser().code("ada", ask("web"))
	c := &counted{Store: w.store}
	w.serveOn(c, w.engine)
	var access, refresh string
	for _, step := range []struct {
		name                       string
		run                        func() answer
		views, updates, statements int
	}{
		// The first request reads the application.
		{"code", func() answer { return w.redeem("web", code) }, 1, 1, 8},
		{"refresh", func() answer { return w.refresh("web", refresh) }, 0, 1, 3},
		{"client credentials", func() answer { return w.post(TokenPath, "web", credentialsForm()) }, 0, 0, 0},
		{"userinfo", func() answer {
			return read(t, w.browser().get(UserinfoPath, "Authorization", "Bearer "+access))
		}, 1, 0, 1},
		{"introspection", func() answer { return w.post(IntrospectPath, "web", url.Values{"token": {access}}) }, 1, 0, 1},
		{"discovery", func() answer { return read(t, w.browser().get("/.well-known/openid-configuration")) }, 0, 0, 0},
	} {
		*c = counted{Store: w.store}
		a := step.run()
		if a.status != http.StatusOK {
			t.Fatalf("%s: %s", step.name, a.raw)
		}
		if c.views != step.views || c.updates != step.updates || c.statements != step.statements {
			t.Errorf("%s: %d views, %d updates, %d statements; want %d, %d, %d", step.name, c.views, c.updates, c.statements, step.views, step.updates, step.statements)
		}
		if a.text("refresh_token") != "" {
			access, refresh = a.text("access_token"), a.text("refresh_token")
		}
	}
}
