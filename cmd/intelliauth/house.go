package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/geo"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/factor/otp"
	"github.com/intelliauth/intelliauth/internal/factor/passkey"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/oidc"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/token"
	"github.com/intelliauth/intelliauth/internal/web"
)

const (
	hashMemory = 19 << 20  // bytes that one password hash takes
	hashBudget = 256 << 20 // bytes for all at once
)

// house is the rooms, wired.
type house struct {
	store   identity.Store
	kept    *store.Store
	engine  *flow.Engine
	keys    *token.Keys
	tenants *edge.Tenants
	metrics *metrics
	rooms   http.Handler // every route of a tenant's host
	front   edge.Front
	hashes  atomic.Int64  // computed so far
	posted  chan struct{} // says that a message was committed
}

// blueprint is what a house is built from.
type blueprint struct {
	store     *store.Store
	log       *slog.Logger
	trusted   []netip.Prefix
	secure    bool              // the issuers are https
	blocklist string            // the operator's list of bad passwords; "" for none
	metadata  *passkey.Metadata // of passkey models; nil for none
	places    *geo.Map          // of addresses; nil for none
}

// build wires the rooms. It reads nothing yet.
func (m *Main) build(b blueprint) (*house, error) {
	pages, err := web.NewPages()
	if err != nil {
		return nil, err
	}
	slots := flow.NewSlots(flow.SlotSize{Memory: hashBudget, Each: hashMemory})
	h := &house{kept: b.store, metrics: newMetrics(m.Now, slots), posted: make(chan struct{}, 1)}
	h.metrics.watchStatements(b.store.Statements)
	h.store = tapped{b.store, h.metrics, h.posted}
	r := m.recipe(b.blocklist)
	r.metadata, r.places = b.metadata, b.places
	r.hashed = func() {
		h.metrics.hashes.Inc()
		h.hashes.Add(1)
	}
	if h.engine, err = newEngine(h.store, b.store, slots, r); err != nil {
		return nil, err
	}
	h.keys = token.NewKeys(h.store, m.Now, m.Random)
	h.tenants = edge.NewTenants(h.store)
	h.front = edge.Front{Log: b.log, Now: m.Now, Random: m.Random, Trusted: b.trusted, Secure: b.secure, Tenants: h.tenants}
	cookies := edge.Cookies{Secure: b.secure}
	proofs := token.NewProofs(h.store, b.store.PepperFor, m.Now)
	hosted := web.Handler(web.Deps{
		Pages: pages, Flows: h.engine, Methods: h.engine, Accounts: h.engine, Bindings: h.engine, Changes: h.engine, Tokens: h.keys, Proofs: proofs,
		Store: h.store, Cookies: cookies, Now: m.Now, Random: m.Random,
	})
	protocol := oidc.Handler(oidc.Deps{
		Store: h.store, Engine: h.engine, Keys: h.keys, Assertions: token.NewAssertions(), Proofs: proofs,
		Cookies: cookies, Now: m.Now, Random: m.Random,
		ErrorPage: func(w http.ResponseWriter, r *http.Request, status int, code, detail string) {
			pages.Error(w, r, status, code, detail, "")
		},
		FormPost: pages.FormPost,
		ConfirmLogout: func(w http.ResponseWriter, r *http.Request, q oidc.LogoutQuestion) {
			pages.ConfirmSignOut(w, r, web.SignOutAsked{Application: q.Application, Action: oidc.LogoutPath, Fields: q.Fields, Redirect: q.Redirect})
		},
		SignedOut: pages.SignedOut,
	})
	h.rooms = h.metrics.middleware(bounded(edge.NewSources(sourceRate(), sourcesKept, m.Now), split(protocol, hosted)))
	return h, nil
}

// split sends what applications ask to one edge and the rest to the other. Each
// has its own mux, so that the pattern that matched is told.
func split(protocol, hosted http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/oauth2/") || r.URL.Path == oidc.RevocationsPath || strings.HasPrefix(r.URL.Path, "/.well-known/") && !web.WellKnown(r.URL.Path) {
			protocol.ServeHTTP(w, r)
			return
		}
		hosted.ServeHTTP(w, r)
	})
}

// sourcesKept is how many sources are remembered at once.
const sourcesKept = 1 << 16

// sourceRate is what one address may ask of what writes or hashes: far more than
// an office behind one address does, far less than a guesser wants.
func sourceRate() edge.Rate { return edge.Rate{Every: 20 * time.Millisecond, Burst: 500} }

// bounded limits each source where a request writes or hashes. It is the outer
// ring only: guesses are counted by user, wherever they come from. Loopback is
// let through, since a proxy on this machine that trusted_proxies does not name
// would make everybody one source.
func bounded(limiter *edge.Sources, next http.Handler) http.Handler {
	limited := edge.PerSource(limiter, 1, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writes := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
		if from := edge.ClientOf(r.Context()); (writes || r.URL.Path == oidc.AuthorizePath) && from.IsValid() && !from.Unmap().IsLoopback() {
			limited.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// giveBackEvery is how long nobody may have hashed before memory is given back.
const giveBackEvery = 10 * time.Second

// giveBack returns memory to the system after a burst of password hashing, which
// takes 19 MiB a hash. The runtime would keep it for minutes.
func (h *house) giveBack(ctx context.Context) {
	ticker := time.NewTicker(giveBackEvery)
	defer ticker.Stop()
	var seen, done int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch n := h.hashes.Load(); {
		case n != seen:
			seen = n
		case n != done:
			done = n
			debug.FreeOSMemory()
		}
	}
}

// handler is what a public listener serves.
func (h *house) handler() http.Handler { return h.front.Handler(h.rooms) }

// ensureKeys gives every tenant a key to sign with.
func (h *house) ensureKeys(ctx context.Context) error {
	tenants, err := h.store.Tenants(ctx)
	if err != nil {
		return err
	}
	var errs error
	for _, t := range tenants {
		errs = errors.Join(errs, h.keys.Ensure(ctx, t))
	}
	return errs
}

// recipe is what factors are made of in this process.
func (m *Main) recipe(blocklist string) recipe {
	return recipe{now: m.Now, random: m.Random, hash: m.Hash, blocklist: blocklist}
}

// newEngine makes the flow engine with every factor there is.
func newEngine(s identity.Store, kept *store.Store, slots *flow.Slots, r recipe) (*flow.Engine, error) {
	index := func(ctx context.Context, tenant string) ([]byte, error) {
		return kept.PepperFor(ctx, tenant, "identifiers")
	}
	r.key = func(tenant string) ([]byte, error) { return index(context.Background(), tenant) }
	list, err := factors(r)
	if err != nil {
		return nil, err
	}
	d := flow.Deps{
		Locate: r.places.Locate,
		Store:  s, Factors: list, Slots: slots, Now: r.now, Random: r.random, Index: index,
		Number: func(t identity.Tenant, typed string) (string, error) {
			n, err := otp.ParseNumber(typed, t.SMSCountries)
			return n.E164, err
		},
	}
	if r.metadata != nil {
		d.Trust = r.metadata.Trusts
	}
	return flow.New(d), nil
}
