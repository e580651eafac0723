package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// stampDev marks the database of `intelliauth dev`.
const stampDev = "dev"

// outside is what reading a configuration may touch.
func (m *Main) outside() config.Outside {
	return config.Outside{Env: m.Env, Read: os.ReadFile}
}

// load reads a configuration file, prints what is wrong with it, and warnings.
func (m *Main) load(path string) (*config.Config, error) {
	c, err := config.Load(path, m.outside())
	var ps config.Problems
	if errors.As(err, &ps) {
		fmt.Fprintln(m.Stderr, ps.Error())
		what := "is one thing"
		if n := len(ps.Errors()); n > 1 {
			what = fmt.Sprintf("are %d things", n)
		}
		return nil, next(fmt.Errorf("there %s wrong with %s", what, path),
			"mend the lines above; `intelliauth config check %s` looks again", path)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range c.Warnings {
		fmt.Fprintln(m.Stderr, w)
	}
	return c, nil
}

// where is a database to be opened.
type where struct {
	dsn       string
	roots     [][]byte
	stamp     string
	blocklist string // of bad passwords; "" for none of one's own
}

// database is an open database and what the configuration says beside it.
type database struct {
	*store.Store
	blocklist string
}

// locate finds the database that a place names.
func (m *Main) locate(p place) (where, error) {
	if p.Data != "" {
		key, err := readRootKey(filepath.Join(p.Data, "root.key"))
		if err != nil {
			return where{}, next(fmt.Errorf("%s holds no data of `intelliauth dev`", p.Data), "start it with `intelliauth dev --data %s` first", p.Data)
		}
		return where{dsn: devDatabase(p.Data), roots: [][]byte{key}, stamp: stampDev}, nil
	}
	c, err := m.load(p.Config)
	if err != nil {
		return where{}, err
	}
	return where{dsn: c.Database.Reveal(), roots: c.Keys, blocklist: c.PasswordBlocklist}, nil
}

// open opens the database of a place, which must be up to date.
func (m *Main) open(ctx context.Context, p place) (*database, error) {
	w, err := m.locate(p)
	if err != nil {
		return nil, err
	}
	st, err := m.openStore(ctx, w, false)
	return &database{st, w.blocklist}, err
}

func (m *Main) openStore(ctx context.Context, w where, migrate bool) (*store.Store, error) {
	if path, ok := sqlitePath(w.dsn); ok && migrate {
		if err := createPrivate(path); err != nil {
			return nil, next(err, "check that the folder of the database exists and may be written")
		}
	}
	st, err := store.Open(ctx, store.Options{
		DSN: w.dsn, RootKeys: w.roots, Now: m.Now, Random: m.Random, Stamp: w.stamp, Migrate: migrate,
	})
	if err == nil {
		return st, nil
	}
	// What went wrong is looked into only now: a good start asks nothing twice.
	pending, perr := pendingMigrations(ctx, w)
	switch {
	case perr != nil:
		return nil, perr
	case pending > 0 && !migrate:
		return nil, next(fmt.Errorf("the database lacks %s", counted(pending, "migration", "migrations")), "run `intelliauth migrate`, or `intelliauth serve --migrate`")
	}
	return nil, next(errors.New(strings.TrimPrefix(err.Error(), "store: ")), "`intelliauth doctor` looks closer")
}

// createPrivate makes an empty file that nobody else may read, unless there is
// one: SQLite would make it as the umask says, and give its log the same mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// pendingMigrations counts what a database lacks. One that does not exist yet
// lacks everything.
func pendingMigrations(ctx context.Context, w where) (int, error) {
	if path, ok := sqlitePath(w.dsn); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return 1, nil
		}
	}
	n, err := store.Pending(ctx, w.dsn)
	if err != nil {
		return 0, next(fmt.Errorf("the database cannot be reached: %w", err), "check `database` in the configuration, and that what it names is there and up")
	}
	return n, nil
}

// sqlitePath is the file of an SQLite database; ok is false for other ones.
func sqlitePath(dsn string) (path string, ok bool) {
	rest, ok := strings.CutPrefix(dsn, "sqlite:")
	path, query, _ := strings.Cut(rest, "?")
	return path, ok && !strings.Contains(query, "vfs=memdb")
}

// tenantOf opens a place and finds the one tenant that is meant.
func (m *Main) tenantOf(ctx context.Context, p inTenant) (*database, identity.Tenant, error) {
	st, err := m.open(ctx, p.place)
	if err != nil {
		return nil, identity.Tenant{}, err
	}
	t, err := chooseTenant(ctx, st, p.Tenant)
	if err != nil {
		return nil, identity.Tenant{}, errors.Join(err, st.Close())
	}
	return st, t, nil
}

func chooseTenant(ctx context.Context, st identity.Store, id string) (identity.Tenant, error) {
	all, err := st.Tenants(ctx)
	if err != nil {
		return identity.Tenant{}, err
	}
	var ids []string
	for _, t := range all {
		if t.ID == id || id == "" && len(all) == 1 {
			return t, nil
		}
		ids = append(ids, t.ID)
	}
	switch {
	case len(all) == 0:
		return identity.Tenant{}, next(errors.New("there is no tenant yet"), "declare one under `tenants:` in the configuration and start `intelliauth serve` once")
	case id == "":
		return identity.Tenant{}, wrongUse("there are several tenants", "add --tenant with one of: %s", strings.Join(ids, ", "))
	}
	return identity.Tenant{}, wrongUse(fmt.Sprintf("there is no tenant %q", id), "use one of: %s", strings.Join(ids, ", "))
}

// event is an audit line about something an operator did at the command line.
func (m *Main) event(kind string, user identity.User) identity.Event {
	now := m.Now().UTC()
	return identity.Event{
		ID: identity.NewID("evt", now, m.Random), At: now, Type: kind, Outcome: identity.Succeeded,
		Actor: "operator", User: user.ID, Data: map[string]string{"by": "command line"},
	}
}
