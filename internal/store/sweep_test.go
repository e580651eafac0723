package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// Sweep deletes what was over before, and nothing that lives, was over later,
// or is another tenant's.
func TestSweepDeletesWhatIsOver(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_bob")))
		old, recent := noon.Add(-40*24*time.Hour), noon.Add(-time.Hour)
		for _, id := range []string{alice, "tnt_bob"} {
			update(t, s, id, func(tx identity.Tx) error { return errors.Join(fill(tx), fillOver(tx, old, recent)) })
		}
		bound := store.Over{Ended: noon.Add(-30 * 24 * time.Hour), Idle: noon.Add(-30 * 24 * time.Hour), Devices: noon.Add(-30 * 24 * time.Hour)}
		same(t, 0)(s.Sweep(ctx, alice, store.Over{}, 100))
		same(t, 0)(s.Sweep(ctx, alice, bound, 0))
		same(t, 2)(s.Sweep(ctx, alice, bound, 100)) // of grants: one expired, one revoked
		same(t, 0)(s.Sweep(ctx, alice, bound, 100))
		left := func(id string) (out []string) {
			view(t, s, id, func(tx identity.Tx) error { out = remains(t, tx); return nil })
			return out
		}
		same(t, []string{"ses_1", "ses_recent", "grt_1", "grt_expired_recent", "grt_revoked_recent", "dev_1", "dev_recent", "enr_2", "enr_recent"})(left(alice), nil)
		same(t, len(left(alice))+6)(len(left("tnt_bob")), nil)
	})
}

// fillOver puts two of each kind of what is over: one long ago, one lately.
func fillOver(tx identity.Tx, old, recent time.Time) error {
	var errs error
	for at, age := range map[*time.Time]string{&old: "old", &recent: "recent"} {
		ended, idle := session, session
		ended.ID, ended.SecretHash, ended.EndedAt, ended.Activity = "ses_ended_"+age, nil, at, assurance.Activity{Last: noon}
		idle.ID, idle.SecretHash, idle.Activity = "ses_"+age, nil, assurance.Activity{Last: *at}
		expired, revoked := grant, grant
		expired.ID, expired.ExpiresAt = "grt_expired_"+age, *at
		revoked.ID, revoked.RevokedAt = "grt_revoked_"+age, at
		browser, removed := device, enrolment
		browser.ID, browser.RotatedAt = "dev_"+age, *at
		removed.ID, removed.Lookup, removed.RemovedAt = "enr_"+age, nil, at
		errs = errors.Join(errs, tx.Sessions.Create(ctx, ended), tx.Sessions.Create(ctx, idle), tx.Grants.Create(ctx, expired),
			tx.Grants.Create(ctx, revoked), tx.Devices.Put(ctx, browser), tx.Enrolments.Create(ctx, removed))
	}
	return errs
}

// remains asks for everything that the tests put, in its order.
func remains(t testing.TB, tx identity.Tx) (out []string) {
	t.Helper()
	note := func(id string, err error) {
		if err == nil {
			out = append(out, id)
		} else if !errors.Is(err, identity.ErrNotFound) {
			t.Error(id, err)
		}
	}
	for _, id := range []string{"ses_1", "ses_old", "ses_recent", "ses_ended_old"} {
		note(id, second(tx.Sessions.ByID(ctx, id)))
	}
	for _, id := range []string{"grt_1", "grt_expired_old", "grt_expired_recent", "grt_revoked_old", "grt_revoked_recent"} {
		note(id, second(tx.Grants.ByID(ctx, id)))
	}
	devices, err := tx.Devices.ByUser(ctx, ada.ID)
	for _, d := range devices {
		note(d.ID, err)
	}
	enrolments, err := tx.Enrolments.ByUser(ctx, ada.ID)
	for _, e := range enrolments {
		note(e.ID, err)
	}
	return out
}

// What changes later is found by its new state.
func TestSweepFollowsChanges(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		update(t, s, alice, func(tx identity.Tx) error {
			idle, removed := session, enrolment
			idle.Activity.Last = noon.Add(24 * time.Hour)
			removed.RemovedAt = later(0)
			revoked := grant
			revoked.RevokedAt = later(-48 * time.Hour)
			return errors.Join(tx.Grants.Save(ctx, revoked), tx.Sessions.Save(ctx, idle), tx.Enrolments.Swap(ctx, removed))
		})
		over := store.Over{Ended: noon, Idle: noon.Add(24 * time.Hour)}
		view(t, s, alice, func(tx identity.Tx) error { return second(tx.Grants.ByID(ctx, grant.ID)) })
		same(t, 1)(s.Sweep(ctx, alice, over, 9))
		view(t, s, alice, func(tx identity.Tx) error {
			kind(t, second(tx.Grants.ByID(ctx, grant.ID)), identity.ErrNotFound)
			return nil
		})
		same(t, 0)(s.Sweep(ctx, alice, over, 9))
		over.Ended = noon.Add(time.Second)
		same(t, 1)(s.Sweep(ctx, alice, over, 9))
		view(t, s, alice, func(tx identity.Tx) error {
			same(t, []identity.Enrolment{})(tx.Enrolments.ByUser(ctx, ada.ID))
			return second(tx.Sessions.ByID(ctx, session.ID))
		})
		over = store.Over{Idle: noon.Add(48 * time.Hour)}
		same(t, 1)(s.Sweep(ctx, alice, over, 9))
		view(t, s, alice, func(tx identity.Tx) error {
			kind(t, second(tx.Sessions.ByID(ctx, session.ID)), identity.ErrNotFound)
			return nil
		})
	})
}
