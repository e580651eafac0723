package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// letters puts n messages, msg_00 first, all due at noon.
func letters(t testing.TB, s *store.Store, tenant string, n int) {
	t.Helper()
	update(t, s, tenant, func(tx identity.Tx) error {
		for i := range n {
			m := message
			m.ID = fmt.Sprintf("msg_%02d", i)
			if err := tx.Outbox.Put(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
}

func claim(t testing.TB, s *store.Store, now time.Time, lease time.Duration, limit int) (ids []string) {
	t.Helper()
	update(t, s, alice, func(tx identity.Tx) error {
		got, err := tx.Outbox.Claim(ctx, now, now.Add(lease), limit)
		ids = idsOf(got)
		return err
	})
	return ids
}

func idsOf(list []identity.Message) []string {
	ids := []string{}
	for _, m := range list {
		ids = append(ids, strings.TrimPrefix(m.ID, "msg_"))
	}
	return ids
}

func settle(t testing.TB, s *store.Store, id string, d identity.Delivery) {
	t.Helper()
	update(t, s, alice, func(tx identity.Tx) error { return tx.Outbox.Settle(ctx, "msg_"+id, d) })
}

func listed(t testing.TB, s *store.Store, id string) (found identity.Message) {
	t.Helper()
	view(t, s, alice, func(tx identity.Tx) error {
		list, err := tx.Outbox.List(ctx, 1000)
		for _, m := range list {
			if m.ID == "msg_"+id {
				found = m
			}
		}
		return err
	})
	return found
}

// A claimed message is whole, is given to nobody else while its lease holds,
// and comes up again the instant it ends.
func TestOutboxLeases(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		letters(t, s, alice, 5)
		same(t, []string{"00", "01"})(claim(t, s, noon, time.Minute, 2), nil)
		same(t, []string{"02", "03", "04"})(claim(t, s, noon, time.Hour, 10), nil)
		same(t, []string{})(claim(t, s, noon.Add(time.Minute-time.Microsecond), time.Minute, 10), nil)
		same(t, []string{"00", "01"})(claim(t, s, noon.Add(time.Minute), time.Minute, 10), nil)

		want := message
		want.ID, want.Attempts, want.NextAt = "msg_00", 2, noon.Add(2*time.Minute)
		same(t, want)(listed(t, s, "00"), nil)
		update(t, s, alice, func(tx identity.Tx) error {
			want.Attempts, want.NextAt = 3, noon.Add(3*time.Minute)
			got, err := tx.Outbox.Claim(ctx, noon.Add(2*time.Minute), noon.Add(3*time.Minute), 1)
			same(t, []identity.Message{want})(got, err)
			return nil
		})
	})
}

// Nothing is given out before it is due, and what is due longest comes first.
func TestOutboxClaimsWhatIsDue(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		put := func(id string, set func(*identity.Message)) {
			m := identity.Message{ID: "msg_" + id, At: noon}
			set(&m)
			update(t, s, alice, func(tx identity.Tx) error { return tx.Outbox.Put(ctx, m) })
		}
		put("later", func(m *identity.Message) { m.NextAt = noon.Add(time.Hour) })
		put("spent", func(m *identity.Message) { m.DeadAt = later(0) }) // one to nobody
		put("sent", func(m *identity.Message) { m.SentAt = later(0) })
		put("now", func(*identity.Message) {})
		put("old", func(m *identity.Message) { m.At = noon.Add(-time.Hour) })
		same(t, []string{"old"})(claim(t, s, noon, 9*time.Hour, 1), nil)
		same(t, []string{"now"})(claim(t, s, noon, 9*time.Hour, 10), nil)
		same(t, []string{})(claim(t, s, noon.Add(time.Hour-time.Microsecond), 9*time.Hour, 10), nil)
		same(t, []string{"later"})(claim(t, s, noon.Add(time.Hour), 9*time.Hour, 10), nil)
		same(t, later(0))(listed(t, s, "spent").DeadAt, nil)
		same(t, later(0))(listed(t, s, "sent").SentAt, nil)
	})
}

func TestOutboxSettles(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		letters(t, s, alice, 3)
		claim(t, s, noon, time.Hour, 3)
		d.clock.set(noon.Add(time.Minute))
		settle(t, s, "00", identity.Delivery{Sent: true})
		settle(t, s, "01", identity.Delivery{Dead: true, Trouble: "smtp 550"})
		settle(t, s, "02", identity.Delivery{Again: noon.Add(2 * time.Minute), Trouble: "smtp 451"})
		state := func(id string) identity.Message {
			m := listed(t, s, id)
			return identity.Message{Attempts: m.Attempts, NextAt: m.NextAt, SentAt: m.SentAt, DeadAt: m.DeadAt, Trouble: m.Trouble}
		}
		same(t, identity.Message{Attempts: 1, SentAt: later(time.Minute)})(state("00"), nil)
		same(t, identity.Message{Attempts: 1, DeadAt: later(time.Minute), Trouble: "smtp 550"})(state("01"), nil)
		same(t, identity.Message{Attempts: 1, NextAt: noon.Add(2 * time.Minute), Trouble: "smtp 451"})(state("02"), nil)
		same(t, []string{"02"})(claim(t, s, noon.Add(2*time.Minute), time.Hour, 10), nil)
		settle(t, s, "02", identity.Delivery{Sent: true})
		same(t, identity.Message{Attempts: 2, SentAt: later(time.Minute)})(state("02"), nil)
		same(t, []string{})(claim(t, s, noon.Add(99*time.Hour), time.Hour, 10), nil)
		update(t, s, alice, func(tx identity.Tx) error { return tx.Outbox.Put(ctx, identity.Message{ID: "msg_held", At: noon}) })
		claim(t, s, noon, time.Hour, 9)
		settle(t, s, "held", identity.Delivery{Untried: true, Again: noon})
		same(t, identity.Message{Attempts: 0})(state("held"), nil)
		same(t, []string{"held"})(claim(t, s, noon, time.Hour, 9), nil)
		same(t, identity.Message{Attempts: 1, NextAt: noon.Add(time.Hour)})(state("held"), nil)
		for _, id := range []string{"00", "01", "no", "a\x00b"} { // the first result stands
			err := s.Update(ctx, alice, func(tx identity.Tx) error { return tx.Outbox.Settle(ctx, "msg_"+id, identity.Delivery{Again: noon}) })
			kind(t, err, identity.ErrConflict)
		}
	})
}

// H-51: a message of a transaction that was not committed is never given out.
func TestH51_OnlyCommittedMessagesAreClaimed(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		undone := errors.New("undone")
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error { return errors.Join(tx.Outbox.Put(ctx, message), undone) }), undone)
		same(t, []string{})(claim(t, s, noon, time.Hour, 10), nil)
		// Nor is a claim that was not committed a claim.
		letters(t, s, alice, 1)
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error {
			return errors.Join(second(tx.Outbox.Claim(ctx, noon, noon.Add(time.Hour), 1)), undone)
		}), undone)
		same(t, []string{"00"})(claim(t, s, noon, time.Hour, 10), nil)
	})
}

// Four callers at once share the messages out without one given twice.
func TestOutboxClaimsOnce(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		const n = 80
		letters(t, s, alice, n)
		var mu sync.Mutex
		var got []string
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					var batch []identity.Message
					err := s.Update(ctx, alice, func(tx identity.Tx) (err error) {
						batch, err = tx.Outbox.Claim(ctx, noon, noon.Add(time.Hour), 7)
						return err
					})
					if err != nil {
						t.Error(err)
					}
					if len(batch) == 0 {
						return
					}
					mu.Lock()
					got = append(got, idsOf(batch)...)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(got)
		if len(got) != n || len(slices.Compact(slices.Clone(got))) != n {
			t.Errorf("%d given out, of %d: %v", len(got), n, got)
		}
	})
}

func TestOutboxDueTenants(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		for _, id := range []string{"tnt_bob", "tnt_carol"} {
			d.must(s.PutTenant(ctx, tenant(id)))
		}
		due := func(at time.Time, want ...string) {
			t.Helper()
			same(t, want)(s.DueTenants(ctx, at))
		}
		due(noon)
		letters(t, s, "tnt_carol", 2)
		letters(t, s, alice, 1)
		due(noon.Add(-time.Microsecond))
		due(noon, alice, "tnt_carol")
		same(t, []string{"00"})(claim(t, s, noon, time.Minute, 9), nil) // only hers
		due(noon, "tnt_carol")
		due(noon.Add(time.Minute), alice, "tnt_carol")
		settle(t, s, "00", identity.Delivery{Dead: true})
		due(noon.Add(time.Minute), "tnt_carol")
	})
}

func TestOutboxSweeps(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_bob")))
		letters(t, s, alice, 4)
		letters(t, s, "tnt_bob", 1)
		settle(t, s, "00", identity.Delivery{Sent: true})
		d.clock.set(noon.Add(time.Minute))
		settle(t, s, "01", identity.Delivery{Dead: true})
		d.clock.set(noon.Add(time.Hour))
		settle(t, s, "02", identity.Delivery{Sent: true})
		sweep := func(before time.Time, limit, want int) {
			t.Helper()
			update(t, s, alice, func(tx identity.Tx) error {
				same(t, want)(tx.Outbox.Sweep(ctx, before, limit))
				return nil
			})
		}
		sweep(noon.Add(time.Hour), 0, 0)
		sweep(noon.Add(time.Hour), 1, 1)
		sweep(noon.Add(time.Hour), 9, 1)
		sweep(noon.Add(time.Hour), 9, 0)
		view(t, s, alice, func(tx identity.Tx) error {
			list, err := tx.Outbox.List(ctx, 0)
			same(t, []string{"03", "02"})(idsOf(list), err) // 03 was never done with
			return nil
		})
		view(t, s, "tnt_bob", func(tx identity.Tx) error {
			list, err := tx.Outbox.List(ctx, 0)
			same(t, []string{"00"})(idsOf(list), err)
			return nil
		})
	})
}
