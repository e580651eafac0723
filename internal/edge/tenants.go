package edge

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	pollEvery = time.Second     // how often the store is asked whether tenants changed
	pollFor   = 2 * time.Second // how long it may take to answer
)

// Tenants finds tenants by host: one tenant is one host (C-32). It is safe for
// concurrent use. While the store cannot be asked, what was last read stands.
type Tenants struct {
	store identity.Store

	loading sync.Mutex // held while the store is read; guards due
	due     *time.Timer
	hosts   atomic.Pointer[hosts]
}

type hosts struct {
	generation int64
	byHost     map[string]identity.Tenant
}

// NewTenants reads nothing yet.
func NewTenants(store identity.Store) *Tenants {
	// The timer is read, never waited for: it says that a second has passed.
	return &Tenants{store: store, due: time.NewTimer(0)}
}

// Refresh reads the tenants now, whether or not they changed.
func (t *Tenants) Refresh(ctx context.Context) error {
	t.loading.Lock()
	defer t.loading.Unlock()
	generation, err := t.store.Generation(ctx)
	if err != nil {
		return err
	}
	return t.load(ctx, generation)
}

// ByHost returns the tenant whose issuer has this host and port, compared
// without regard to case. A disabled tenant, and a host that two tenants claim,
// are not found.
func (t *Tenants) ByHost(ctx context.Context, host string) (identity.Tenant, bool) {
	t.poll(ctx)
	known := t.hosts.Load()
	if known == nil || len(host) > 261 { // 255 for a name, 6 for a port
		return identity.Tenant{}, false
	}
	tenant, ok := known.byHost[strings.ToLower(host)]
	return tenant, ok
}

// poll brings what is known up to date, at most once a second. Only one request
// asks; the others go on with what is known, if anything is.
func (t *Tenants) poll(ctx context.Context) {
	if t.hosts.Load() == nil {
		t.loading.Lock()
	} else if !t.loading.TryLock() {
		return
	}
	defer t.loading.Unlock()
	select {
	case <-t.due.C:
	default:
		if t.hosts.Load() != nil {
			return
		}
	}
	t.due.Reset(pollEvery)
	// Whoever asks asks for all: one visitor who leaves must not spoil it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pollFor)
	defer cancel()
	if err := t.refreshIfChanged(ctx); err != nil {
		LogOf(ctx).ErrorContext(ctx, "tenants could not be refreshed", "error", err)
	}
}

func (t *Tenants) refreshIfChanged(ctx context.Context) error {
	// Read before the tenants: a change in between is seen at the next poll.
	generation, err := t.store.Generation(ctx)
	if err != nil {
		return err
	}
	if known := t.hosts.Load(); known != nil && known.generation == generation {
		return nil
	}
	return t.load(ctx, generation)
}

func (t *Tenants) load(ctx context.Context, generation int64) error {
	tenants, err := t.store.Tenants(ctx)
	if err != nil {
		return err
	}
	byHost, claims := map[string]identity.Tenant{}, map[string]int{}
	for _, tenant := range tenants {
		for _, host := range hostsOf(tenant.Issuer) {
			if claims[host]++; claims[host] > 1 || tenant.Disabled {
				delete(byHost, host)
				continue
			}
			byHost[host] = tenant
		}
	}
	t.hosts.Store(&hosts{generation: generation, byHost: byHost})
	return nil
}

// hostsOf returns the Host headers that name an issuer: with a default port,
// the host with and without it. A trailing dot makes another host, as it does
// for browsers.
func hostsOf(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	host, port := strings.ToLower(u.Host), u.Port()
	usual := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	switch port {
	case "":
		return []string{host, host + ":" + usual}
	case usual:
		return []string{strings.TrimSuffix(host, ":"+port), host}
	}
	return []string{host}
}

// Middleware puts the tenant into the context. A host that is no tenant's gets
// a blank 404 whatever it asks. X-Forwarded-Host and Forwarded are not read
// (H-40): a proxy must pass Host on.
func (t *Tenants) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, ok := t.ByHost(r.Context(), r.Host)
		if !ok {
			blank(w, r, http.StatusNotFound, "no_such_tenant", "No such tenant.")
			return
		}
		v, r := visiting(r)
		v.tenant = tenant
		next.ServeHTTP(w, r)
	})
}
