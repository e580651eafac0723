package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

var errUndo = errors.New("undo")

// empty fails unless the tenant holds nothing.
func empty(t testing.TB, s *store.Store, tenant string) {
	t.Helper()
	view(t, s, tenant, func(tx identity.Tx) error { nothing(t, tx); return nil })
}

func nothing(t testing.TB, tx identity.Tx) {
	t.Helper()
	kind(t, second(tx.Applications.ByID(ctx, app.ID)), identity.ErrNotFound)
	kind(t, second(tx.Users.ByID(ctx, ada.ID)), identity.ErrNotFound)
	kind(t, second(tx.Users.ByIdentifier(ctx, ada.Identifier)), identity.ErrNotFound)
	kind(t, second(tx.Enrolments.ByLookup(ctx, "totp", enrolment.Lookup)), identity.ErrNotFound)
	kind(t, second(tx.Sessions.ByID(ctx, session.ID)), identity.ErrNotFound)
	kind(t, second(tx.Sessions.BySecret(ctx, session.SecretHash)), identity.ErrNotFound)
	kind(t, second(tx.Grants.ByID(ctx, grant.ID)), identity.ErrNotFound)
	kind(t, second(withOwner(tx, grant.ID)), identity.ErrNotFound)
	kind(t, second(tx.Ephemerals.Get(ctx, "flow", "flow_1")), identity.ErrNotFound)
	none(t, "applications")(tx.Applications.List(ctx))
	none(t, "users")(tx.Users.List(ctx, "", 0))
	none(t, "enrolments")(tx.Enrolments.ByUser(ctx, ada.ID))
	none(t, "sessions")(tx.Sessions.ByUser(ctx, ada.ID))
	none(t, "grants")(tx.Grants.ByUser(ctx, ada.ID))
	none(t, "grants of the session")(tx.Grants.BySession(ctx, session.ID))
	none(t, "devices")(tx.Devices.ByID(ctx, device.ID))
	none(t, "devices of the user")(tx.Devices.ByUser(ctx, ada.ID))
	none(t, "lanes")(tx.Lanes.Load(ctx, ada.ID))
	none(t, "events")(tx.Events.List(ctx, identity.EventFilter{}))
	none(t, "events of the user")(tx.Events.List(ctx, identity.EventFilter{User: ada.ID}))
	none(t, "keys")(tx.Keys.List(ctx))
	none(t, "messages")(tx.Outbox.List(ctx, 0))
}

func none(t testing.TB, what string) func(any, error) {
	return func(list any, err error) {
		t.Helper()
		if n := reflect.ValueOf(list).Len(); n != 0 || err != nil {
			t.Errorf("%d %s, error %v", n, what, err)
		}
	}
}

func TestRollbackLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		before, err := s.Generation(ctx)
		d.must(err)
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error {
			if err := fill(tx); err != nil {
				return err
			}
			return errUndo
		}), errUndo)
		empty(t, s, alice)
		same(t, before)(s.Generation(ctx))
		update(t, s, alice, fill) // nothing is in the way
	})
}

// A panic reaches its caller as it was, leaves nothing, and ends neither the
// writer nor anyone's wait. Goexit, which t.Fatal uses, does no more harm.
func TestPanicLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		for name, end := range map[string]func(func(func(identity.Tx) error)){
			"panic in Update": func(run func(func(identity.Tx) error)) {
				defer func() { same(t, any("boom"))(recover(), nil) }()
				run(func(tx identity.Tx) error { fill(tx); panic("boom") })
			},
			"Goexit in Update": func(run func(func(identity.Tx) error)) {
				var wg sync.WaitGroup
				wg.Go(func() {
					run(func(tx identity.Tx) error { fill(tx); exit(); return nil })
				})
				wg.Wait()
			},
		} {
			t.Run(name, func(t *testing.T) {
				end(func(fn func(identity.Tx) error) { s.Update(ctx, alice, fn); t.Error("Update came back") })
				empty(t, s, alice)
			})
		}
		func() {
			defer func() { same(t, any("view"))(recover(), nil) }()
			for range 20 { // more than there are readers
				func() {
					defer func() { recover() }()
					s.View(ctx, alice, func(identity.Tx) error { panic("view") })
				}()
			}
			s.View(ctx, alice, func(identity.Tx) error { panic("view") })
		}()
		update(t, s, alice, fill)
	})
}

// Another tenant sees nothing, by the very ids, secrets and lookups of the
// first, may use the same ones, and changes nothing of it.
func TestTenantsAreIsolated(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_bob")))
		update(t, s, alice, fill)
		empty(t, s, "tnt_bob")
		update(t, s, "tnt_bob", func(tx identity.Tx) error {
			e := enrolment
			e.Name = "stolen"
			x := session
			x.UserAgent = "stolen"
			g := grant
			g.Nonce = "stolen"
			l := lane
			kind(t, tx.Users.Save(ctx, ada), identity.ErrNotFound)
			kind(t, tx.Users.Bump(ctx, ada.ID, ada.Epoch), identity.ErrConflict)
			kind(t, tx.Enrolments.Swap(ctx, e), identity.ErrConflict)
			kind(t, tx.Enrolments.Delete(ctx, e.ID), identity.ErrNotFound)
			kind(t, tx.Sessions.Save(ctx, x), identity.ErrConflict)
			kind(t, tx.Grants.Save(ctx, g), identity.ErrConflict)
			kind(t, tx.Lanes.Save(ctx, l), identity.ErrConflict)
			kind(t, tx.Devices.Rotate(ctx, device.ID, []byte("x"), noon), identity.ErrNotFound)
			kind(t, tx.Devices.Delete(ctx, device.ID, ada.ID), identity.ErrNotFound)
			kind(t, tx.Ephemerals.Swap(ctx, "flow", "flow_1", 1, nil, noon.Add(time.Hour)), identity.ErrConflict)
			kind(t, second(tx.Ephemerals.Take(ctx, "flow", "flow_1")), identity.ErrNotFound)
			kind(t, second(tx.Ephemerals.Sweep(ctx, noon.Add(24*time.Hour), 100)), nil)
			kind(t, tx.Lanes.Sweep(ctx, noon.Add(24*time.Hour)), nil)
			return nil
		})
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		update(t, s, "tnt_bob", fill)
		view(t, s, "tnt_bob", func(tx identity.Tx) error { shows(t, tx); return nil })
	})
}

// Nothing is kept for a tenant that does not exist.
func TestUnknownTenantRefused(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		for _, id := range []string{"", "tnt_none", "tnt_\x00", "\xff", alice + "\x00"} {
			ran := func(identity.Tx) error { t.Errorf("ran for tenant %q", id); return nil }
			kind(t, s.Update(ctx, id, ran), identity.ErrNotFound)
			kind(t, s.View(ctx, id, ran), identity.ErrNotFound)
			kind(t, second(s.PepperFor(ctx, id, "x")), identity.ErrNotFound)
		}
		kind(t, s.PutTenant(ctx, identity.Tenant{}), identity.ErrInvalid)
		kind(t, s.PutTenant(ctx, identity.Tenant{ID: "a\x00b"}), identity.ErrInvalid)
	})
}

// Keys that one database cannot hold exist in none: a NUL does not cut a key
// short, and broken UTF-8 is neither an internal error nor somebody's key.
func TestHostileKeys(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		for _, tail := range []string{"\x00", "\x00x", "\xff", "\xc3\x28"} {
			update(t, s, alice, func(tx identity.Tx) error {
				kind(t, second(tx.Applications.ByID(ctx, app.ID+tail)), identity.ErrNotFound)
				kind(t, second(tx.Users.ByID(ctx, ada.ID+tail)), identity.ErrNotFound)
				kind(t, second(tx.Users.ByIdentifier(ctx, ada.Identifier+tail)), identity.ErrNotFound)
				kind(t, second(tx.Enrolments.ByLookup(ctx, "totp"+tail, enrolment.Lookup)), identity.ErrNotFound)
				kind(t, second(tx.Sessions.ByID(ctx, session.ID+tail)), identity.ErrNotFound)
				kind(t, second(tx.Grants.ByID(ctx, grant.ID+tail)), identity.ErrNotFound)
				kind(t, second(withOwner(tx, grant.ID+tail)), identity.ErrNotFound)
				kind(t, second(tx.Ephemerals.Get(ctx, "flow", "flow_1"+tail)), identity.ErrNotFound)
				kind(t, second(tx.Ephemerals.Take(ctx, "flow", "flow_1"+tail)), identity.ErrNotFound)
				kind(t, second(tx.Ephemerals.Take(ctx, "flow"+tail, "flow_1")), identity.ErrNotFound)
				none(t, "enrolments")(tx.Enrolments.ByUser(ctx, ada.ID+tail))
				none(t, "sessions")(tx.Sessions.ByUser(ctx, ada.ID+tail))
				none(t, "grants")(tx.Grants.ByUser(ctx, ada.ID+tail))
				none(t, "grants")(tx.Grants.BySession(ctx, session.ID+tail))
				none(t, "devices")(tx.Devices.ByID(ctx, device.ID+tail))
				none(t, "devices")(tx.Devices.ByUser(ctx, ada.ID+tail))
				none(t, "lanes")(tx.Lanes.Load(ctx, ada.ID+tail))
				none(t, "events")(tx.Events.List(ctx, identity.EventFilter{User: ada.ID + tail}))

				kind(t, tx.Users.Create(ctx, identity.User{ID: "usr_x", Identifier: "x" + tail}), identity.ErrInvalid)
				kind(t, tx.Users.Bump(ctx, ada.ID+tail, ada.Epoch), identity.ErrConflict)
				kind(t, tx.Ephemerals.Put(ctx, "flow", "k"+tail, nil, noon), identity.ErrInvalid)
				kind(t, tx.Lanes.Save(ctx, identity.Lane{Subject: "s" + tail}), identity.ErrInvalid)
				kind(t, tx.Applications.Put(ctx, identity.Application{ID: "a" + tail}), identity.ErrInvalid)
				kind(t, tx.Devices.Delete(ctx, device.ID+tail, ada.ID), identity.ErrNotFound)
				kind(t, tx.Enrolments.Delete(ctx, enrolment.ID+tail), identity.ErrNotFound)
				return nil
			})
			// What is only kept, never searched, takes any text.
			update(t, s, alice, func(tx identity.Tx) error {
				return tx.Events.Append(ctx, identity.Event{ID: "evt_" + fmt.Sprintf("%x", tail), At: noon, UserAgent: "agent" + tail})
			})
		}
	})
}

// A transaction that was kept beyond its end cannot reach into the next one.
func TestTransactionEndsWithItsFunction(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		var kept identity.Tx
		update(t, s, alice, func(tx identity.Tx) error { kept = tx; return nil })
		late := func() {
			t.Helper()
			if err := kept.Users.Create(ctx, ada); err == nil {
				t.Error("wrote after the end")
			}
			if _, err := kept.Users.ByID(ctx, ada.ID); err == nil || errors.Is(err, identity.ErrNotFound) {
				t.Errorf("read after the end: %v", err)
			}
			if _, err := kept.Enrolments.ByUser(ctx, ada.ID); err == nil {
				t.Error("listed after the end")
			}
		}
		late()
		update(t, s, alice, func(identity.Tx) error { late(); return nil })
		view(t, s, alice, func(tx identity.Tx) error { kept = tx; return nil })
		late()
		empty(t, s, alice)
	})
}

// View cannot write.
func TestViewIsReadOnly(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		err := s.View(ctx, alice, func(tx identity.Tx) error { return tx.Users.Create(ctx, ada) })
		if err == nil {
			t.Error("wrote in a View")
		}
		s.View(ctx, alice, func(tx identity.Tx) error { tx.Users.Create(ctx, ada); return nil })
		empty(t, s, alice)
	})
}

// View sees one moment: a change that commits meanwhile stays unseen.
func TestViewIsASnapshot(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		view(t, s, alice, func(tx identity.Tx) error {
			nothing(t, tx)
			done := make(chan error)
			go func() { done <- s.Update(ctx, alice, fill) }()
			if err := <-done; err != nil {
				return err
			}
			nothing(t, tx)
			return nil
		})
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
	}, file, postgres) // memdb, which has no WAL, keeps readers and writer apart
}

// An ended context does nothing, and says why.
func TestEndedContext(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		ended, cancel := context.WithCancel(ctx)
		cancel()
		ran := func(identity.Tx) error { t.Error("ran"); return nil }
		kind(t, s.Update(ended, alice, ran), context.Canceled)
		kind(t, s.View(ended, alice, ran), context.Canceled)

		// It ends while the transaction runs: statements stop, nothing stays.
		running, cancel := context.WithCancel(ctx)
		kind(t, s.Update(running, alice, func(tx identity.Tx) error {
			if err := tx.Users.Create(running, ada); err != nil {
				return err
			}
			cancel()
			return tx.Enrolments.Create(running, enrolment)
		}), context.Canceled)
		empty(t, s, alice)

		// It ends after the last statement: the transaction is what it is, and
		// the answer says so.
		over, cancel := context.WithCancel(ctx)
		err := s.Update(over, alice, func(tx identity.Tx) error {
			defer cancel()
			return fill(tx)
		})
		d.must(err)
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
	})
}

// Writers at once, half of whom fail: exactly the others' work is there.
func TestGroupedJobsAreIndependent(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		const n = 200
		won := race(t, n, errUndo, func(i int) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error {
				id := fmt.Sprintf("usr_%03d", i)
				if err := tx.Users.Create(ctx, identity.User{ID: id, Identifier: id}); err != nil {
					return err
				}
				if i%2 == 1 {
					return errUndo
				}
				return nil
			})
		})
		if won != n/2 {
			t.Errorf("%d succeeded, want %d", won, n/2)
		}
		view(t, s, alice, func(tx identity.Tx) error {
			all, err := tx.Users.List(ctx, "", 1000)
			for i, u := range all {
				if want := fmt.Sprintf("usr_%03d", 2*i); u.ID != want {
					t.Fatalf("user %s, want %s", u.ID, want)
				}
			}
			same(t, n/2)(len(all), err)
			return nil
		})
	})
}

// Close waits for what was begun; what comes later is refused.
func TestCloseDrains(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.openEmpty()
		d.must(s.PutTenant(ctx, tenant(alice)))
		inside, leave := make(chan struct{}), make(chan struct{})
		written, closed := make(chan error, 1), make(chan error, 1)
		go func() {
			written <- s.Update(ctx, alice, func(tx identity.Tx) error {
				close(inside)
				<-leave
				return fill(tx)
			})
		}()
		<-inside
		go func() { closed <- s.Close() }()
		select {
		case err := <-closed:
			t.Fatalf("closed under a running transaction: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		close(leave)
		d.must(<-written)
		d.must(<-closed)
		for _, err := range []error{s.Update(ctx, alice, fill), s.View(ctx, alice, func(identity.Tx) error { return nil }), s.Check(ctx)} {
			if err == nil {
				t.Error("worked after Close")
			}
		}
		if d.kind != memory { // memory ends with its last connection
			view(t, d.openEmpty(), alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		}
	})
}
