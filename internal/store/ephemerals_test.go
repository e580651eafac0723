package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

func put(t testing.TB, s *store.Store, key string, expires time.Time) {
	t.Helper()
	update(t, s, alice, func(tx identity.Tx) error { return tx.Ephemerals.Put(ctx, "code", key, itemValue, expires) })
}

func take(s *store.Store, key string) (item identity.Item, err error) {
	err = s.Update(ctx, alice, func(tx identity.Tx) (err error) {
		item, err = tx.Ephemerals.Take(ctx, "code", key)
		return err
	})
	return item, err
}

func get(s *store.Store, key string) (item identity.Item, err error) {
	err = s.View(ctx, alice, func(tx identity.Tx) (err error) {
		item, err = tx.Ephemerals.Get(ctx, "code", key)
		return err
	})
	return item, err
}

// C-07: of 32 takers at once exactly one gets the item; the others, and
// whoever comes later, learn that it was taken, and what it was.
func TestC07_TakeOnceAmong32(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		expires := noon.Add(time.Minute)
		put(t, s, "k", expires)
		taken := identity.Item{Value: itemValue, Version: 1, ExpiresAt: expires, TakenAt: later(0)}
		n := race(t, 32, identity.ErrTaken, func(int) error {
			item, err := take(s, "k")
			if fmt.Sprint(item) != fmt.Sprint(taken) {
				t.Errorf("took %+v, want %+v", item, taken)
			}
			return err
		})
		if n != 1 {
			t.Fatalf("%d of 32 took the item", n)
		}
		d.clock.set(noon.Add(time.Second))
		for range 2 {
			item, err := take(s, "k")
			kind(t, err, identity.ErrTaken)
			same(t, taken)(item, nil) // the time of the first Take stays
		}
		item, err := get(s, "k")
		kind(t, err, identity.ErrTaken)
		same(t, taken)(item, nil)
	})
}

// An item of n seconds ends exactly n seconds later, to the microsecond.
func TestC07_ExpiryBoundary(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		expires := noon.Add(90 * time.Second)
		for _, key := range []string{"early", "late", "taken"} {
			put(t, s, key, expires)
		}
		swap := func(key string) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error {
				return tx.Ephemerals.Swap(ctx, "code", key, 1, itemValue, expires)
			})
		}
		d.clock.set(expires.Add(-time.Microsecond))
		kind(t, second(get(s, "early")), nil)
		kind(t, second(take(s, "early")), nil)
		kind(t, second(take(s, "taken")), nil)

		d.clock.set(expires)
		kind(t, second(get(s, "late")), identity.ErrExpired)
		kind(t, second(take(s, "late")), identity.ErrExpired)
		kind(t, second(take(s, "late")), identity.ErrExpired) // the refused one took nothing
		kind(t, swap("late"), identity.ErrConflict)
		item, err := take(s, "taken") // a replay shows even after the end
		kind(t, err, identity.ErrTaken)
		same(t, itemValue)(item.Value, nil)

		d.clock.set(expires.Add(-time.Microsecond)) // the clock stepped back: still not taken
		kind(t, swap("late"), nil)
	})
}

func TestC07_SwapAfterTakeRefused(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		put(t, s, "k", noon.Add(time.Minute))
		kind(t, second(take(s, "k")), nil)
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error {
			return tx.Ephemerals.Swap(ctx, "code", "k", 1, []byte("x"), noon.Add(time.Hour))
		}), identity.ErrConflict)
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error {
			return tx.Ephemerals.Swap(ctx, "code", "none", 0, []byte("x"), noon.Add(time.Hour))
		}), identity.ErrConflict)
		kind(t, second(take(s, "none")), identity.ErrNotFound)
		kind(t, second(get(s, "none")), identity.ErrNotFound)
		// Put never brings a used key back, taken or expired.
		d.clock.set(noon.Add(time.Hour))
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error {
			return tx.Ephemerals.Put(ctx, "code", "k", nil, noon.Add(2*time.Hour))
		}), identity.ErrConflict)
	})
}

func TestC07_SweepOldestFirst(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_other")))
		for i := range 5 {
			put(t, s, fmt.Sprint(i), noon.Add(time.Duration(i)*time.Second))
		}
		kind(t, second(take(s, "1")), nil)
		update(t, s, "tnt_other", func(tx identity.Tx) error {
			return tx.Ephemerals.Put(ctx, "code", "0", nil, noon)
		})
		sweep := func(limit, want int) {
			t.Helper()
			var n int
			update(t, s, alice, func(tx identity.Tx) (err error) {
				n, err = tx.Ephemerals.Sweep(ctx, noon.Add(3*time.Second), limit)
				return err
			})
			if n != want {
				t.Errorf("swept %d, want %d", n, want)
			}
		}
		sweep(0, 0)
		sweep(2, 2)
		kind(t, second(get(s, "0")), identity.ErrNotFound)
		kind(t, second(take(s, "1")), identity.ErrNotFound) // swept: it was taken, and nobody knows
		kind(t, second(get(s, "2")), nil)
		sweep(9, 1)
		sweep(9, 0)
		kind(t, second(get(s, "3")), nil) // ends at the limit itself, so not before
		put(t, s, "0", noon.Add(time.Hour))
		view(t, s, "tnt_other", func(tx identity.Tx) error {
			_, err := tx.Ephemerals.Get(ctx, "code", "0")
			kind(t, err, identity.ErrExpired) // another tenant's is not ours to sweep
			return nil
		})
	})
}

// Kind and key are two things: none of these is another's.
func TestEphemeralKeysDoNotCollide(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, func(tx identity.Tx) error {
			return errors.Join(
				tx.Ephemerals.Put(ctx, "a", "bc", []byte("1"), noon.Add(time.Hour)),
				tx.Ephemerals.Put(ctx, "ab", "c", []byte("2"), noon.Add(time.Hour)))
		})
		view(t, s, alice, func(tx identity.Tx) error {
			one, err := tx.Ephemerals.Get(ctx, "a", "bc")
			two, err2 := tx.Ephemerals.Get(ctx, "ab", "c")
			same(t, "1 2")(string(one.Value)+" "+string(two.Value), errors.Join(err, err2))
			return nil
		})
	})
}
