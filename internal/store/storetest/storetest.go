// Package storetest answers "what do tests of other rooms store into?": a real
// store, SQLite in memory, one per test. It is test support and ships nowhere.
package storetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// RootKey is the one root key of every test's store.
var RootKey = []byte("a root key for tests, 32 bytes..")

// Option changes what Open opens.
type Option func(*options)

type options struct {
	store.Options
	tenants []identity.Tenant
}

// WithClock sets the clock that expiry is measured with; default: the real one.
func WithClock(now func() time.Time) Option { return func(o *options) { o.Now = now } }

// WithTenant puts a tenant of that id before Open returns. Nothing can be
// stored for a tenant that does not exist.
func WithTenant(id string) Option {
	return func(o *options) {
		o.tenants = append(o.tenants, identity.Tenant{
			ID: id, Issuer: "https://" + id + ".test", RPID: id + ".test", Name: id, Algorithm: "ES256",
		})
	}
}

// New opens an empty store of the test's own.
func New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t)
}

// Open opens a store of the test's own, closed when the test ends.
func Open(t testing.TB, with ...Option) *store.Store {
	t.Helper()
	o := options{Options: store.Options{
		DSN:      "sqlite:/" + rand.Text() + "?vfs=memdb",
		RootKeys: [][]byte{RootKey},
		Now:      time.Now,
		Random:   rand.Reader,
		Migrate:  true,
	}}
	for _, set := range with {
		set(&o)
	}
	s, err := store.Open(context.Background(), o.Options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, tenant := range o.tenants {
		if err := s.PutTenant(context.Background(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	return s
}
