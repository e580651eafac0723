package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// A save with a version that is not the stored one changes nothing.
func TestLostUpdateRefused(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		saves := map[string]func(identity.Tx, int64, string) error{
			"enrolment": func(tx identity.Tx, v int64, name string) error {
				e := enrolment
				e.Version, e.Name = v, name
				return tx.Enrolments.Swap(ctx, e)
			},
			"session": func(tx identity.Tx, v int64, name string) error {
				x := session
				x.Version, x.UserAgent = v, name
				return tx.Sessions.Save(ctx, x)
			},
			"grant": func(tx identity.Tx, v int64, name string) error {
				g := grant
				g.Version, g.Nonce = v, name
				return tx.Grants.Save(ctx, g)
			},
			"lane": func(tx identity.Tx, v int64, name string) error {
				l := lane
				l.Version, l.Failures = v, len(name)
				return tx.Lanes.Save(ctx, l)
			},
			"ephemeral": func(tx identity.Tx, v int64, name string) error {
				return tx.Ephemerals.Swap(ctx, "flow", "flow_1", v, []byte(name), noon.Add(time.Hour))
			},
		}
		for what, save := range saves {
			try := func(version int64, value string, want error) {
				t.Helper()
				err := s.Update(ctx, alice, func(tx identity.Tx) error { return save(tx, version, value) })
				if !errors.Is(err, want) {
					t.Errorf("%s at version %d: %v, want %v", what, version, err, want)
				}
			}
			try(1, "first", nil)
			try(1, "second!", identity.ErrConflict)
			try(3, "second!", identity.ErrConflict)
			try(0, "second!", identity.ErrConflict)
			try(2, "third....", nil)
		}
		view(t, s, alice, func(tx identity.Tx) error {
			e, x, g, l := enrolment, session, grant, lane
			e.Name, x.UserAgent, g.Nonce, l.Failures = "third....", "third....", "third....", 9
			e.Version, x.Version, g.Version, l.Version = 3, 3, 3, 3
			same(t, e)(tx.Enrolments.ByLookup(ctx, "totp", enrolment.Lookup))
			same(t, x)(tx.Sessions.ByID(ctx, session.ID))
			same(t, g)(tx.Grants.ByID(ctx, grant.ID))
			same(t, []identity.Lane{l})(tx.Lanes.Load(ctx, ada.ID))
			same(t, identity.Item{Value: []byte("third...."), Version: 3, ExpiresAt: noon.Add(time.Hour)})(tx.Ephemerals.Get(ctx, "flow", "flow_1"))
			return nil
		})
	})
}

// What must be unique is: the second one answers ErrConflict, changes nothing,
// and leaves the transaction usable.
func TestUniqueValues(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		grace := identity.User{ID: "usr_grace", Identifier: "grace@example.com"}
		update(t, s, alice, func(tx identity.Tx) error {
			taken := ada
			taken.ID = "usr_2"
			kind(t, tx.Users.Create(ctx, ada), identity.ErrConflict)
			kind(t, tx.Users.Create(ctx, taken), identity.ErrConflict)
			if err := tx.Users.Create(ctx, grace); err != nil {
				return err
			}
			grace.Identifier = ada.Identifier
			kind(t, tx.Users.Save(ctx, grace), identity.ErrConflict)

			twin := enrolment
			twin.ID, twin.User = "enr_3", grace.ID
			kind(t, tx.Enrolments.Create(ctx, twin), identity.ErrConflict)
			twin.Factor = "passkey" // another factor's lookups are its own
			if err := tx.Enrolments.Create(ctx, twin); err != nil {
				return err
			}
			third := enrolment
			third.ID, third.Lookup = "enr_4", nil
			if err := tx.Enrolments.Create(ctx, third); err != nil {
				return err
			}
			third.Lookup, third.Version = enrolment.Lookup, 1
			kind(t, tx.Enrolments.Swap(ctx, third), identity.ErrConflict)

			other := session
			other.ID = "ses_2"
			kind(t, tx.Sessions.Create(ctx, session), identity.ErrConflict)
			kind(t, tx.Sessions.Create(ctx, other), identity.ErrConflict) // the same cookie secret
			kind(t, tx.Grants.Create(ctx, grant), identity.ErrConflict)
			l := lane
			l.Version = 0
			kind(t, tx.Lanes.Save(ctx, l), identity.ErrConflict)
			kind(t, tx.Ephemerals.Put(ctx, "flow", "flow_1", nil, noon.Add(time.Hour)), identity.ErrConflict)
			kind(t, tx.Outbox.Put(ctx, message), identity.ErrConflict)
			return nil
		})
		view(t, s, alice, func(tx identity.Tx) error {
			same(t, ada)(tx.Users.ByIdentifier(ctx, ada.Identifier))
			same(t, enrolment)(tx.Enrolments.ByLookup(ctx, "totp", enrolment.Lookup))
			return nil
		})
	})
}

// race runs fn n times at once and returns how many succeeded; what fails must
// fail with the given kind.
func race(t *testing.T, n int, loser error, fn func(i int) error) int {
	t.Helper()
	var wins atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			err := fn(i)
			if err == nil {
				wins.Add(1)
			} else if !errors.Is(err, loser) {
				t.Errorf("error %v, want %v", err, loser)
			}
		})
	}
	close(start)
	wg.Wait()
	return int(wins.Load())
}

// C-06: all changes to a user's factors and sessions compare and swap the
// epoch, so of parallel ones only one passes.
func TestC06_EpochBumpOneWins(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		if n := race(t, 2, identity.ErrConflict, func(int) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error { return tx.Users.Bump(ctx, ada.ID, ada.Epoch) })
		}); n != 1 {
			t.Errorf("%d of 2 bumps from one epoch passed", n)
		}
		// Read and bump in one transaction: nobody loses, none is lost.
		const n = 12
		if got := race(t, n, nil, func(int) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error {
				u, err := tx.Users.ByID(ctx, ada.ID)
				if err != nil {
					return err
				}
				return tx.Users.Bump(ctx, u.ID, u.Epoch)
			})
		}); got != n {
			t.Errorf("%d of %d read-and-bump transactions passed", got, n)
		}
		view(t, s, alice, func(tx identity.Tx) error {
			u, err := tx.Users.ByID(ctx, ada.ID)
			if want := ada.Epoch + 1 + n; u.Epoch != want {
				t.Errorf("epoch %d, want %d", u.Epoch, want)
			}
			return err
		})
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error { return tx.Users.Bump(ctx, "usr_none", 0) }), identity.ErrConflict)
	})
}

// Two parallel removals cannot both pass a last-factor check that reads inside
// the transaction, even without the epoch: transactions are serializable.
func TestC06_LastFactorCheckHolds(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, func(tx identity.Tx) error {
			return errors.Join(
				tx.Enrolments.Create(ctx, identity.Enrolment{ID: "enr_1", User: ada.ID, Factor: "a"}),
				tx.Enrolments.Create(ctx, identity.Enrolment{ID: "enr_2", User: ada.ID, Factor: "b"}))
		})
		errLast := errors.New("the last factor")
		if n := race(t, 2, errLast, func(i int) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error {
				left, err := tx.Enrolments.ByUser(ctx, ada.ID)
				if err != nil {
					return err
				}
				if len(left) < 2 {
					return errLast
				}
				return tx.Enrolments.Delete(ctx, []string{"enr_1", "enr_2"}[i])
			})
		}); n != 1 {
			t.Errorf("%d of 2 removals passed", n)
		}
	})
}

// C-10: parallel guesses cannot outrun the counter.
func TestC10_LaneRace(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		if n := race(t, 8, identity.ErrConflict, func(int) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error {
				return tx.Lanes.Save(ctx, identity.Lane{Subject: ada.ID, Name: "unknown", Failures: 1})
			})
		}); n != 1 {
			t.Errorf("%d of 8 created the lane", n)
		}
		const n = 16
		race(t, n, nil, func(int) error {
			return s.Update(ctx, alice, func(tx identity.Tx) error {
				all, err := tx.Lanes.Load(ctx, ada.ID)
				if err != nil {
					return err
				}
				all[0].Failures++
				return tx.Lanes.Save(ctx, all[0])
			})
		})
		view(t, s, alice, func(tx identity.Tx) error {
			same(t, []identity.Lane{{Subject: ada.ID, Name: "unknown", Failures: 1 + n, Version: 1 + n}})(tx.Lanes.Load(ctx, ada.ID))
			return nil
		})
	})
}

func TestLanesSweep(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		for i, subject := range []string{"old", "new"} {
			d.clock.set(noon.Add(time.Duration(i) * time.Microsecond))
			update(t, s, alice, func(tx identity.Tx) error {
				return tx.Lanes.Save(ctx, identity.Lane{Subject: subject, Name: "unknown"})
			})
		}
		update(t, s, alice, func(tx identity.Tx) error { return tx.Lanes.Sweep(ctx, noon.Add(time.Microsecond)) })
		view(t, s, alice, func(tx identity.Tx) error {
			same(t, []identity.Lane{})(tx.Lanes.Load(ctx, "old"))
			same(t, []identity.Lane{{Subject: "new", Name: "unknown", Version: 1}})(tx.Lanes.Load(ctx, "new"))
			return nil
		})
	})
}
