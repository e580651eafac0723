package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

func stamp(s string) func(*store.Options) { return func(o *store.Options) { o.Stamp = s } }
func noMigrate(o *store.Options)          { o.Migrate = false }

// C-42: a database is dev's or it is not; only an empty one changes sides.
func TestC42_Stamp(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		for i, c := range []struct {
			first, second string
			used, ok      bool
		}{
			{"", "", true, true},
			{"dev", "dev", true, true},
			{"dev", "", true, false},
			{"", "dev", true, false},
			{"dev", "", false, true},
			{"", "dev", false, true},
		} {
			d := newDatabase(t, d.kind)
			s := d.openEmpty(stamp(c.first))
			if c.used {
				d.must(s.PutTenant(ctx, tenant(alice)))
			}
			if d.kind != memory {
				d.must(s.Close())
			}
			again, err := store.Open(ctx, d.options(stamp(c.second)))
			if (err == nil) != c.ok {
				t.Errorf("case %d, %+v: %v", i, c, err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), "intelliauth dev") {
					t.Errorf("the error does not say why: %v", err)
				}
				continue
			}
			// It is the second one's now.
			d.must(again.PutTenant(ctx, tenant(alice)))
			if d.kind != memory {
				d.must(again.Close())
			}
			if last, err := store.Open(ctx, d.options(stamp(c.second))); err != nil {
				t.Errorf("case %d: %v", i, err)
			} else {
				d.must(last.Close())
			}
			if d.kind == memory {
				d.must(again.Close())
			}
		}
	})
}

// C-44: pending migrations are refused unless asked for.
func TestC44_PendingMigrationsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		if d.kind == file {
			if _, err := store.Pending(ctx, d.dsn); err == nil {
				t.Error("asked about a file that does not exist, and was answered")
			}
			if _, err := store.Open(ctx, d.options(noMigrate)); err == nil || !strings.Contains(err.Error(), "intelliauth migrate") {
				t.Errorf("a missing file: %v", err)
			}
			path := strings.TrimPrefix(d.dsn, "sqlite:")
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("looking made a file: %v", err)
			}
			d.must(os.WriteFile(path, nil, 0o600))
		}
		if _, err := store.Open(ctx, d.options(noMigrate)); err == nil || !strings.Contains(err.Error(), "intelliauth migrate") {
			t.Errorf("an empty database: %v", err)
		}
		if d.kind != memory {
			files, err := filepath.Glob("migrations/*.sql")
			d.must(err)
			same(t, len(files))(store.Pending(ctx, d.dsn))
		}
		s := d.open()
		same(t, 0)(store.Pending(ctx, d.dsn))
		if d.kind != memory {
			d.must(s.Close())
		}
		s, err := store.Open(ctx, d.options(noMigrate))
		d.must(err)
		d.must(s.Close())
	})
}

// The previous binary survives the migration: a newer schema is no obstacle.
func TestNewerSchemaOpens(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		if _, err := d.raw().Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, $1)", true); err != nil {
			t.Fatal(err)
		}
		if d.kind != memory {
			d.must(s.Close())
		}
		for _, set := range []func(*store.Options){noMigrate, func(*store.Options) {}} {
			s, err := store.Open(ctx, d.options(set))
			d.must(err)
			d.must(s.Close())
		}
	})
}

// Several nodes that start at once on a new database all come up.
func TestConcurrentFirstStart(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		if n := race(t, 3, nil, func(int) error {
			s, err := store.Open(ctx, d.options())
			if err != nil {
				return err
			}
			return s.Close()
		}); n != 3 {
			t.Errorf("%d of 3 came up", n)
		}
	}, file, postgres)
}

func TestRestartKeepsEverything(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		d.must(s.SetMeta(ctx, "digest", "abc"))
		d.must(s.Close())
		s = d.openEmpty(noMigrate)
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		same(t, "abc")(s.Meta(ctx, "digest"))
		same(t, []identity.Tenant{tenant(alice)})(s.Tenants(ctx))
		d.clock.set(noon.Add(-1)) // the order of events survives, too
		update(t, s, alice, func(tx identity.Tx) error {
			return tx.Events.Append(ctx, identity.Event{ID: "evt_2", At: noon.Add(1000)})
		})
		view(t, s, alice, func(tx identity.Tx) error {
			all, err := tx.Events.List(ctx, identity.EventFilter{})
			same(t, "evt_2")(all[0].ID, err)
			return nil
		})
	}, file, postgres)
}

// What one node writes, another one sees, a new tenant and its keys included.
func TestTwoNodes(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		one, two := d.open(), d.openEmpty()
		update(t, one, alice, fill)
		view(t, two, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		before, err := one.Generation(ctx)
		d.must(err)
		kind(t, one.View(ctx, "tnt_new", func(identity.Tx) error { return nil }), identity.ErrNotFound)
		d.must(two.PutTenant(ctx, tenant("tnt_new")))
		if after, err := one.Generation(ctx); err != nil || after == before {
			t.Errorf("generation %d, was %d, %v", after, before, err)
		}
		update(t, one, "tnt_new", fill)
		view(t, two, "tnt_new", func(tx identity.Tx) error { shows(t, tx); return nil })
		pepper, err := one.PepperFor(ctx, "tnt_new", "x")
		d.must(err)
		same(t, pepper)(two.PepperFor(ctx, "tnt_new", "x"))
	}, file, postgres)
}

func TestBackup(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		copied := filepath.Join(t.TempDir(), "it's a ?copy#1%.db")
		err := s.Backup(ctx, copied)
		if why, ok := map[string]string{postgres: "pg_dump", memory: "memory"}[d.kind]; ok {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("error %v", err)
			}
			return
		}
		d.must(err)
		if err := s.Backup(ctx, copied); err == nil {
			t.Error("wrote over a backup")
		}
		update(t, s, alice, func(tx identity.Tx) error { return tx.Users.Bump(ctx, ada.ID, ada.Epoch) })
		restored := &database{TB: t, kind: file, clock: d.clock}
		plain := filepath.Join(t.TempDir(), "copy.db")
		d.must(os.Rename(copied, plain))
		restored.dsn = "sqlite:" + plain
		view(t, restored.openEmpty(noMigrate), alice, func(tx identity.Tx) error { shows(t, tx); return nil })
	})
}

func TestOptionsAreChecked(t *testing.T) {
	d := newDatabase(t, file)
	for name, set := range map[string]func(*store.Options){
		"no clock":           func(o *store.Options) { o.Now = nil },
		"no randomness":      func(o *store.Options) { o.Random = nil },
		"no root key":        func(o *store.Options) { o.RootKeys = nil },
		"no database":        func(o *store.Options) { o.DSN = "" },
		"another database":   func(o *store.Options) { o.DSN = "mysql://u:hunter2@h/db" },
		"no path":            func(o *store.Options) { o.DSN = "sqlite:" },
		"private memory":     func(o *store.Options) { o.DSN = "sqlite::memory:" },
		"unknown option":     func(o *store.Options) { o.DSN += "?_journal_mode=off" },
		"unreadable option":  func(o *store.Options) { o.DSN += "?%zz" },
		"missing directory":  func(o *store.Options) { o.DSN = "sqlite:/nonexistent/dir/x.db" },
		"unreadable address": func(o *store.Options) { o.DSN = "postgres://u:hunter2@h:port/db" },
	} {
		s, err := store.Open(ctx, d.options(set))
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
	// Names that mean something in a URI are only names.
	for _, name := range []string{"a#b%41 ü.db", "ü:x.db"} {
		o := d.options()
		path := filepath.Join(t.TempDir(), name)
		o.DSN = "sqlite:/" + path // two slashes are one
		s, err := store.Open(ctx, o)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		s.Close()
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
