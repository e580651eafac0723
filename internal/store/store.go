// Package store answers "where is it kept?".
//
// It implements the ports of identity on SQLite and on PostgreSQL with one SQL
// text, and seals what would harm people if a copy of the database leaked.
//
//	open       store.go, dsn.go, migrate.go   what to open, may it be opened
//	engines    engine.go                      a transaction, whatever the database
//	           sqlite.go, writer.go           two pools; group commit, a savepoint per job
//	           postgres.go                    SERIALIZABLE with retries
//	ports      users.go, sessions.go …        rows to nouns; one file per few ports
//	           outbox.go                      messages, given out under leases
//	           sweep.go                       what is over is deleted
//	secrets    seal.go, keys.go               sealed columns, wrapped keys, blind indexes
//	SQL        migrations/, queries/, sqlc/   checked by PostgreSQL's grammar, run on both
//
// Versions start at 1 when a thing is created, and every Save or Swap raises
// them by one. Transactions do not nest: a View or Update inside the function
// given to another one may wait for itself.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// Options say what to open and under which keys.
type Options struct {
	// DSN is sqlite:PATH or postgres://…; tests use sqlite:/NAME?vfs=memdb.
	DSN string
	// RootKeys are 32 bytes each, the newest first. They only wrap other keys.
	RootKeys [][]byte
	// Now is the clock that expiry is measured with.
	Now func() time.Time
	// Random makes keys; it must be safe for concurrent use.
	Random io.Reader
	// Stamp is "dev" for a database of the dev command, else empty. A database
	// of the other stamp is refused unless it holds no tenant and no secret.
	Stamp string
	// Migrate applies pending migrations; without it they are an error.
	Migrate bool
}

// Store keeps everything in one database. It implements identity.Store.
type Store struct {
	engine engine
	roots  []rootKey
	now    func() time.Time
	random io.Reader

	rings sync.Map     // tenant id → *ring
	last  atomic.Int64 // of tick

	statements atomic.Uint64 // sent so far
}

var (
	_ identity.Store = (*Store)(nil)
	_ identity.Due   = (*Store)(nil)
)

// Names of rows in meta.
const (
	metaGeneration = "generation"
	metaStamp      = "stamp"
	metaProbe      = "probe"
	metaFact       = "fact." // prefix of the caller's own
)

// Open opens the database, applies or demands its migrations, and refuses one
// with another stamp or with keys that no root key opens.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("store: Options.Now and Options.Random are needed")
	}
	roots, err := rootKeys(o.RootKeys)
	if err != nil {
		return nil, err
	}
	e, err := openEngine(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e, roots: roots, now: o.Now, random: o.Random}
	if err := errors.Join(s.checkStamp(ctx, o.Stamp), s.checkRoots(ctx)); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return s, nil
}

// Close waits for the transactions that were begun or queued, then closes.
func (s *Store) Close() error { return s.engine.close() }

// View implements identity.Store.
func (s *Store) View(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	r, err := s.ring(ctx, tenant)
	if err != nil {
		return err
	}
	return s.engine.view(ctx, s.within(tenant, r, fn))
}

// Update implements identity.Store. A caller whose context ends while it waits
// for its turn gets the context's error and nothing was done; once fn runs,
// the answer says what became of it.
func (s *Store) Update(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	r, err := s.ring(ctx, tenant)
	if err != nil {
		return err
	}
	return s.engine.update(ctx, s.within(tenant, r, fn))
}

func (s *Store) within(tenant string, r *ring, fn func(identity.Tx) error) work {
	return func(db sqlc.DBTX) error {
		t := &txn{q: *sqlc.New(counted{db, &s.statements}), store: s, tenant: tenant, ring: r}
		return fn(t.ports())
	}
}

// Tenants implements identity.Store; it lists them by id.
func (s *Store) Tenants(ctx context.Context) ([]identity.Tenant, error) {
	var out []identity.Tenant
	err := s.engine.view(ctx, func(db sqlc.DBTX) error {
		rows, err := sqlc.New(db).Tenants(ctx)
		if err != nil {
			return wrap(err)
		}
		out = make([]identity.Tenant, len(rows))
		for i, row := range rows {
			if err := decode(row.Data, &out[i]); err != nil {
				return err
			}
			out[i].Digest = row.Digest
		}
		return nil
	})
	return out, err
}

// PutTenant implements identity.Store. A new tenant gets its own data, index
// and pepper keys in the same transaction.
func (s *Store) PutTenant(ctx context.Context, t identity.Tenant) error {
	if t.ID == "" || !plain(t.ID, t.Digest) {
		return identity.ErrInvalid
	}
	return s.engine.update(ctx, func(db sqlc.DBTX) error {
		q := sqlc.New(db)
		if err := q.PutTenant(ctx, t.ID, t.Digest, encode(t)); err != nil {
			return wrap(err)
		}
		if err := s.createKeys(ctx, q, t.ID); err != nil {
			return err
		}
		return wrap(q.RaiseMeta(ctx, metaGeneration))
	})
}

// Generation implements identity.Store.
func (s *Store) Generation(ctx context.Context) (int64, error) {
	var n int64
	err := s.engine.view(ctx, func(db sqlc.DBTX) error {
		row, err := sqlc.New(db).Meta(ctx, metaGeneration)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		n = row.Number
		return wrap(err)
	})
	return n, err
}

// Meta returns a small fact of the operator's, such as the digest of the
// configuration applied last; "" if it was never set.
func (s *Store) Meta(ctx context.Context, name string) (string, error) {
	var value string
	err := s.engine.view(ctx, func(db sqlc.DBTX) error {
		row, err := sqlc.New(db).Meta(ctx, metaFact+name)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		value = row.Value
		return wrap(err)
	})
	return value, err
}

// SetMeta keeps a small fact; it is durable when SetMeta returns nil.
func (s *Store) SetMeta(ctx context.Context, name, value string) error {
	if !plain(name, value) {
		return identity.ErrInvalid
	}
	return s.engine.update(ctx, func(db sqlc.DBTX) error {
		return wrap(sqlc.New(db).PutMeta(ctx, metaFact+name, value))
	})
}

// Check reports whether the store can do its work now. It writes, because a
// database that is full or read-only answers every read.
func (s *Store) Check(ctx context.Context) error {
	return s.engine.update(ctx, func(db sqlc.DBTX) error {
		return wrap(sqlc.New(db).RaiseMeta(ctx, metaProbe))
	})
}

// Backup writes a consistent copy of an SQLite database to path, which must
// not hold a database yet. The copy holds sealed values sealed; opening it
// needs the root keys. PostgreSQL has pg_dump, and says so in the error.
func (s *Store) Backup(ctx context.Context, path string) error { return s.engine.backup(ctx, path) }

// tick is a clock in microseconds that never repeats in this process: it
// orders what is written within one instant, or while the clock steps back.
func (s *Store) tick() int64 {
	for {
		last := s.last.Load()
		next := max(last+1, s.now().UnixMicro())
		if s.last.CompareAndSwap(last, next) {
			return next
		}
	}
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("store: a noun that JSON cannot hold: " + err.Error())
	}
	return string(b)
}

func decode(data string, v any) error {
	if err := json.Unmarshal([]byte(data), v); err != nil {
		return fmt.Errorf("store: a damaged row: %w", err)
	}
	return nil
}
