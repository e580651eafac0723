package store_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// internal fails unless err is an error that no edge takes for an answer: only
// then is a broken database a blank 500 and never a verdict.
func internal(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
	}
	for _, k := range []error{identity.ErrNotFound, identity.ErrConflict, identity.ErrTaken, identity.ErrExpired, identity.ErrInvalid, identity.ErrForbidden, identity.ErrForeign} {
		if errors.Is(err, k) {
			t.Errorf("%s: looks like an answer: %v", what, err)
		}
	}
}

// H-53: a database that cannot be written answers no write, still answers
// reads, says that it is not ready, and takes part again when it can.
func TestH53_ReadOnlyDatabase(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		frozen := newDatabase(t, d.kind)
		frozen.clock, frozen.dsn = d.clock, d.dsn+map[string]string{file: "?mode=ro", postgres: "&default_transaction_read_only=on"}[d.kind]
		r := frozen.openEmpty(noMigrate)
		internal(t, "Update", r.Update(ctx, alice, func(tx identity.Tx) error { return tx.Users.Bump(ctx, ada.ID, ada.Epoch) }))
		internal(t, "Take", r.Update(ctx, alice, func(tx identity.Tx) error { return second(tx.Ephemerals.Take(ctx, "flow", "flow_1")) }))
		internal(t, "PutTenant", r.PutTenant(ctx, tenant("tnt_new")))
		internal(t, "Check", r.Check(ctx))
		// A job that hides its errors does not get away with it.
		r.Update(ctx, alice, func(tx identity.Tx) error { tx.Users.Bump(ctx, ada.ID, ada.Epoch); return nil })
		view(t, r, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
	}, file, postgres)
}

// H-53: a full database, likewise; once there is room, the same store goes on.
func TestH53_FullDatabase(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		var pages int
		d.must(d.raw().QueryRow("PRAGMA page_count").Scan(&pages))
		d.must(s.Close())
		d.dsn += fmt.Sprintf("?_pragma=max_page_count(%d)", pages+40)
		s = d.openEmpty(noMigrate)

		big := make([]byte, 6000)
		write := func(i int) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error {
				if err := tx.Users.Create(ctx, identity.User{ID: fmt.Sprint("usr_", i), Identifier: fmt.Sprint(i)}); err != nil {
					return err
				}
				return tx.Ephemerals.Put(ctx, "code", fmt.Sprint(i), big, noon.Add(time.Minute))
			})
		}
		stored := 0
		var err error
		for ; err == nil && stored < 100; stored++ {
			err = write(stored)
		}
		stored--
		internal(t, "the write that did not fit", err)
		if stored == 0 || !strings.Contains(err.Error(), "full") {
			t.Fatalf("%d stored, then: %v", stored, err)
		}
		race(t, 8, errInternal, func(i int) error { // together they fail, too
			if err := write(1000 + i); err != nil {
				return errInternal
			}
			return errors.New("it fitted")
		})
		view(t, s, alice, func(tx identity.Tx) error {
			left(t, tx, stored)
			return nil
		})
		// Expired things are swept: room again, for the same store.
		update(t, s, alice, func(tx identity.Tx) error { return second(tx.Ephemerals.Sweep(ctx, noon.Add(time.Hour), 1000)) })
		d.must(write(stored))
	}, file)
}

var errInternal = errors.New("an internal error")

// left fails unless n jobs of the full database left both of their things,
// and the others none.
func left(t *testing.T, tx identity.Tx, n int) {
	t.Helper()
	for i := range 1010 {
		_, user := tx.Users.ByID(ctx, fmt.Sprint("usr_", i))
		_, item := tx.Ephemerals.Get(ctx, "code", fmt.Sprint(i))
		if (user == nil) != (i < n) || (item == nil) != (i < n) {
			t.Errorf("job %d of %d: user %v, item %v", i, n, user, item)
		}
	}
}

// H-53: a database that goes away fails every call while it is away; the same
// store works again when it is back.
func TestH53_ConnectionsLost(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		name := strings.ToLower(identity.RandomToken(6, rng{}))
		admin := d.raw()
		d.dsn += "&application_name=" + name
		s := d.open()
		update(t, s, alice, fill)
		// In mid-transaction: it fails, and leaves nothing.
		cut := func() {
			if _, err := admin.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name); err != nil {
				t.Error(err)
			}
		}
		internal(t, "cut off", s.Update(ctx, alice, func(tx identity.Tx) error {
			if err := tx.Users.Bump(ctx, ada.ID, ada.Epoch); err != nil {
				return err
			}
			cut()
			return nil // the job does not notice; its commit does
		}))
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		// Between transactions, with several idle connections in the pool: the
		// next calls find that they are dead, and do not fail by it.
		hold := make(chan struct{})
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() { s.View(ctx, alice, func(identity.Tx) error { <-hold; return nil }) })
		}
		time.Sleep(50 * time.Millisecond)
		close(hold)
		wg.Wait()
		cut()
		d.must(s.Check(ctx))
		update(t, s, alice, func(tx identity.Tx) error { return tx.Users.Bump(ctx, ada.ID, ada.Epoch) })
	}, postgres)
}

// A file that is no database, or a damaged one, is refused at start.
func TestH53_DamagedFileRefused(t *testing.T) {
	d := newDatabase(t, file)
	path := strings.TrimPrefix(d.dsn, "sqlite:")
	d.must(os.WriteFile(path, []byte(strings.Repeat("this is no database\n", 500)), 0o600))
	for _, set := range []func(*store.Options){noMigrate, func(*store.Options) {}} {
		if s, err := store.Open(ctx, d.options(set)); err == nil {
			s.Close()
			t.Error("opened")
		}
	}
	got, err := os.ReadFile(path)
	if d.must(err); !strings.HasPrefix(string(got), "this is no database") {
		t.Error("the file was changed")
	}
}
