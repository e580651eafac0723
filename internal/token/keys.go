package token

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// pollEvery is how often the store is asked whether keys changed.
const pollEvery = time.Second

// Keys holds the signing keys of all tenants. It is safe for concurrent use.
// Where the store cannot be asked whether its keys still stand, calls fail.
type Keys struct {
	store  identity.Store
	now    func() time.Time
	random io.Reader

	loading sync.Mutex // held while the store is read
	known   atomic.Pointer[known]
}

// known is what was last read. It is never changed, only replaced.
type known struct {
	generation int64
	polled     time.Time
	forced     bool // an unknown key id already made us ask again since polled
	rings      map[string]*ring
}

// ring is the keys of one tenant, newest first.
type ring struct {
	keys      []*key
	published atomic.Pointer[document]
}

// document is a JWKS ready to be sent, good until the first of its keys expires.
type document struct {
	body  []byte
	etag  string
	until time.Time
}

// NewKeys reads nothing yet.
func NewKeys(store identity.Store, now func() time.Time, random io.Reader) *Keys {
	k := &Keys{store: store, now: now, random: random}
	k.known.Store(&known{})
	return k
}

// JWKS returns the published keys of a tenant (RFC 7517, section 5) with an
// entity tag in quotes: those in use, those soon to be, and those whose tokens
// may still live. The bytes are shared and must not be changed.
func (k *Keys) JWKS(ctx context.Context, tenant identity.Tenant) (doc []byte, etag string, err error) {
	r, err := k.ring(ctx, tenant.ID)
	if err != nil {
		return nil, "", err
	}
	d, err := r.document(k.now())
	if err != nil {
		return nil, "", err
	}
	return d.body, d.etag, nil
}

func (r *ring) document(now time.Time) (*document, error) {
	if d := r.published.Load(); d != nil && (d.until.IsZero() || now.Before(d.until)) {
		return d, nil
	}
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{Keys: []json.RawMessage{}}
	var until time.Time
	for _, key := range r.keys {
		if key.expired(now) {
			continue
		}
		set.Keys = append(set.Keys, key.Public)
		if e := key.ExpiresAt; e != nil && (until.IsZero() || e.Before(until)) {
			until = *e
		}
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("publish keys: %w", err)
	}
	sum := sha256.Sum256(body)
	d := &document{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, until: until}
	r.published.Store(d)
	return d, nil
}

// signing returns the key that signs at now: the newest that is in use.
func (r *ring) signing(now time.Time) (*key, bool) {
	for _, key := range r.keys {
		if !now.Before(key.ActiveAt) && (key.RetiredAt == nil || now.Before(*key.RetiredAt)) {
			return key, true
		}
	}
	return nil, false
}

// byID returns a key that is published at now.
func (r *ring) byID(id string, now time.Time) (*key, bool) {
	for _, key := range r.keys {
		if key.ID == id {
			return key, !key.expired(now)
		}
	}
	return nil, false
}

// ring returns the keys of a tenant, at most a poll's interval old.
func (k *Keys) ring(ctx context.Context, tenant string) (*ring, error) {
	now, have := k.now(), k.known.Load()
	r := have.rings[tenant]
	if r != nil && have.fresh(now) {
		return r, nil
	}
	if r == nil {
		k.loading.Lock()
	} else if !k.loading.TryLock() {
		return r, nil // someone else is asking; the last answer serves meanwhile
	}
	defer k.loading.Unlock()
	return k.load(ctx, tenant, now)
}

// ringAgain returns the keys of a tenant after asking the store out of turn, as
// an unknown key id suggests. It does so once between two polls, so that made-up
// ids cost the store nothing.
func (k *Keys) ringAgain(ctx context.Context, tenant string) (*ring, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	have := k.known.Load()
	if have.forced {
		return k.load(ctx, tenant, k.now())
	}
	next := *have
	next.polled = time.Time{}
	k.known.Store(&next)
	r, err := k.load(ctx, tenant, k.now())
	if err != nil {
		return nil, err
	}
	next = *k.known.Load()
	next.forced = true
	k.known.Store(&next)
	return r, nil
}

func (s *known) fresh(now time.Time) bool {
	age := now.Sub(s.polled)
	return age >= 0 && age < pollEvery
}

// load brings what is known up to date, for one tenant. The generation is read
// before the keys: a change between the two is seen at the next poll.
func (k *Keys) load(ctx context.Context, tenant string, now time.Time) (*ring, error) {
	have := k.known.Load()
	next := *have
	if !have.fresh(now) {
		generation, err := k.store.Generation(ctx)
		if err != nil {
			return nil, fmt.Errorf("ask for the generation of keys: %w", err)
		}
		if generation != have.generation {
			next.rings = nil
		}
		next.generation, next.polled, next.forced = generation, now, false
	}
	if r := next.rings[tenant]; r != nil {
		k.known.Store(&next)
		return r, nil
	}
	r, err := k.read(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rings := map[string]*ring{tenant: r}
	for id, other := range next.rings {
		rings[id] = other
	}
	next.rings = rings
	k.known.Store(&next)
	return r, nil
}

func (k *Keys) read(ctx context.Context, tenant string) (*ring, error) {
	var stored []identity.SigningKey
	err := k.store.View(ctx, tenant, func(tx identity.Tx) (err error) {
		stored, err = tx.Keys.List(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	newestFirst(stored)
	r := &ring{}
	for _, s := range stored {
		key, err := newKey(s)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", s.ID, err)
		}
		r.keys = append(r.keys, key)
	}
	return r, nil
}

// newestFirst orders keys by when they come into use; ties are settled so that
// all nodes sign with the same one.
func newestFirst(keys []identity.SigningKey) {
	slices.SortFunc(keys, func(a, b identity.SigningKey) int {
		if c := b.ActiveAt.Compare(a.ActiveAt); c != 0 {
			return c
		}
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}

// forget drops what is known of a tenant, after this process changed it.
func (k *Keys) forget(tenant string) {
	k.loading.Lock()
	defer k.loading.Unlock()
	next := *k.known.Load()
	rings := map[string]*ring{}
	for id, r := range next.rings {
		if id != tenant {
			rings[id] = r
		}
	}
	next.rings, next.polled = rings, time.Time{}
	k.known.Store(&next)
}
