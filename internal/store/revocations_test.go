package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

func revoke(t testing.TB, s *store.Store, tenant, session string, until time.Time) {
	t.Helper()
	update(t, s, tenant, func(tx identity.Tx) error {
		return tx.Revocations.Append(ctx, identity.Revocation{Kind: identity.RevokedSession, Session: session, At: s1, Before: s1, Until: until, Audiences: []string{"https://api.example"}})
	})
}

var s1 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Entries are numbered by tenant, live until their moment, and are swept after.
func TestC36_RevocationsAreNumberedByTenant(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		const bob = "tnt_bob"
		d.must(s.PutTenant(ctx, tenant(bob)))
		revoke(t, s, alice, "ses_1", s1.Add(time.Minute))
		revoke(t, s, alice, "ses_2", s1.Add(2*time.Minute))
		revoke(t, s, bob, "ses_3", s1.Add(time.Minute))
		live := func(tenant string, at time.Time) (out []string) {
			view(t, s, tenant, func(tx identity.Tx) error {
				all, err := tx.Revocations.Live(ctx, at)
				for _, r := range all {
					out = append(out, fmt.Sprintf("%d %s %d %v", r.Number, r.Session, len(r.Audiences), r.At.Equal(s1)))
				}
				return err
			})
			return out
		}
		same(t, []string{"1 ses_1 1 true", "2 ses_2 1 true"})(live(alice, s1), nil)
		same(t, []string{"1 ses_3 1 true"})(live(bob, s1), nil)
		same(t, []string{"2 ses_2 1 true"})(live(alice, s1.Add(time.Minute)), nil)
		undone := errors.New("undone")
		err := s.Update(ctx, alice, func(tx identity.Tx) error {
			if err := tx.Revocations.Append(ctx, identity.Revocation{Kind: identity.RevokedSession, Session: "ses_4", At: s1, Until: s1}); err != nil {
				return err
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		view(t, s, alice, func(tx identity.Tx) error {
			same(t, int64(2))(tx.Revocations.Last(ctx))
			return nil
		})
		update(t, s, alice, func(tx identity.Tx) error {
			same(t, 1)(tx.Revocations.Sweep(ctx, s1.Add(90*time.Second), 10))
			return nil
		})
		same(t, []string{"2 ses_2 1 true"})(live(alice, time.Time{}), nil)
		view(t, s, alice, func(tx identity.Tx) error { // the number goes on after a sweep
			same(t, int64(2))(tx.Revocations.Last(ctx))
			return nil
		})
	}, file, postgres)
}

// A reader that follows the numbers misses nothing, however many write at once:
// a number becomes visible only after all below it (a cursor made of times or
// random ids loses entries here).
func TestC36_AReaderOfNumbersMissesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		const writers, entries = 8, 20
		var wait sync.WaitGroup
		for w := range writers {
			wait.Go(func() {
				for i := range entries {
					revoke(t, s, alice, fmt.Sprintf("ses_%d_%d", w, i), s1.Add(time.Hour))
				}
			})
		}
		over := make(chan struct{})
		go func() { wait.Wait(); close(over) }()
		seen, last := map[string]bool{}, int64(0)
		for done := false; !done; {
			select {
			case <-over:
				done = true // and one more look
			default:
			}
			view(t, s, alice, func(tx identity.Tx) error {
				all, err := tx.Revocations.Live(ctx, s1)
				for _, r := range all {
					if r.Number > last {
						seen[r.Session], last = true, r.Number
					}
				}
				return err
			})
		}
		if len(seen) != writers*entries || last != writers*entries {
			t.Errorf("seen %d of %d, last %d", len(seen), writers*entries, last)
		}
	}, file, postgres)
}
