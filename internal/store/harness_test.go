package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// The suite runs on each of these. Postgres needs the DSN of a superuser on a
// throw-away cluster; test/postgres.sh makes one.
const (
	file     = "sqlite"
	memory   = "memory"
	postgres = "postgres"
)

const alice = "tnt_alice" // the tenant of most tests

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// noon has a fraction, so that a loss of precision shows.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// database is a fresh database of one kind, which may be opened repeatedly.
type database struct {
	testing.TB
	kind  string
	dsn   string
	clock *clock
}

// each runs fn on every kind of database, named or all.
func each(t *testing.T, fn func(*testing.T, *database), kinds ...string) {
	t.Helper()
	if kinds == nil {
		kinds = []string{file, memory, postgres}
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fn(t, newDatabase(t, kind))
		})
	}
}

func newDatabase(t testing.TB, kind string) *database {
	t.Helper()
	d := &database{TB: t, kind: kind, clock: &clock{now: noon}}
	switch kind {
	case file:
		d.dsn = "sqlite:" + filepath.Join(t.TempDir(), "intelliauth.db")
	case memory:
		d.dsn = "sqlite:/" + rand.Text() + "?vfs=memdb"
	case postgres:
		d.dsn = newSchema(t)
	}
	return d
}

// newSchema makes a schema of the test's own and returns a DSN that sees
// nothing else.
func newSchema(t testing.TB) string {
	t.Helper()
	cluster := os.Getenv("INTELLIAUTH_TEST_POSTGRES")
	if cluster == "" {
		if os.Getenv("INTELLIAUTH_TEST") == "all" {
			t.Fatal("INTELLIAUTH_TEST_POSTGRES is not set; run under test/postgres.sh")
		}
		t.Skip("INTELLIAUTH_TEST_POSTGRES is not set; test/postgres.sh runs this on a real PostgreSQL")
	}
	db, err := sql.Open("pgx", cluster)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := db.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + name + " CASCADE"); err != nil {
			t.Error(err)
		}
		db.Close()
	})
	if strings.Contains(cluster, "?") {
		return cluster + "&search_path=" + name
	}
	return cluster + "?search_path=" + name
}

func (d *database) options(set ...func(*store.Options)) store.Options {
	o := store.Options{
		DSN: d.dsn, RootKeys: [][]byte{storetest.RootKey},
		Now: d.clock.Now, Random: rand.Reader, Migrate: true,
	}
	for _, s := range set {
		s(&o)
	}
	return o
}

// open opens the database for the rest of the test, with the tenant alice.
func (d *database) open(set ...func(*store.Options)) *store.Store {
	d.Helper()
	s := d.openEmpty(set...)
	d.must(s.PutTenant(ctx, tenant(alice)))
	return s
}

func (d *database) openEmpty(set ...func(*store.Options)) *store.Store {
	d.Helper()
	s, err := store.Open(ctx, d.options(set...))
	d.must(err)
	d.Cleanup(func() { s.Close() })
	return s
}

// raw opens the same database beside the store.
func (d *database) raw() *sql.DB {
	d.Helper()
	driver, dsn := "pgx", d.dsn
	if path, ok := strings.CutPrefix(d.dsn, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+path
		if d.kind == file {
			dsn += "?_pragma=busy_timeout(5000)"
		}
	}
	db, err := sql.Open(driver, dsn)
	d.must(err)
	d.Cleanup(func() { db.Close() })
	return db
}

func (d *database) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

var ctx = context.Background()

func tenant(id string) identity.Tenant {
	return identity.Tenant{ID: id, Issuer: "https://" + id + ".test", RPID: id + ".test", Name: id, Algorithm: "ES256"}
}

func update(t testing.TB, s *store.Store, tenant string, fn func(identity.Tx) error) {
	t.Helper()
	if err := s.Update(ctx, tenant, fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s *store.Store, tenant string, fn func(identity.Tx) error) {
	t.Helper()
	if err := s.View(ctx, tenant, fn); err != nil {
		t.Fatal(err)
	}
}

// exit ends the goroutine, as t.FailNow does.
func exit() { runtime.Goexit() }
