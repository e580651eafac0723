package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// same fails unless got is want in every field. Times are compared as written:
// all of the suite's are UTC with microseconds.
func same[T any](t testing.TB, want T) func(T, error) {
	return func(got T, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%T: %v", want, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%T:\n got %+v\nwant %+v", want, got, want)
		}
	}
}

func kind(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// owned is a grant with what it hangs on.
type owned struct {
	grant   identity.Grant
	session identity.Session
	user    identity.User
}

func withOwner(tx identity.Tx, id string) (o owned, err error) {
	o.grant, o.session, o.user, err = tx.Grants.WithOwner(ctx, id)
	return o, err
}

// A grant is found with its owner only while both the session and the user that
// it names are there, in the same tenant.
func TestGrantWithOwnerNeedsBoth(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		const bob = "tnt_bob"
		d.must(s.PutTenant(ctx, tenant(bob)))
		update(t, s, bob, func(tx identity.Tx) error { return tx.Grants.Create(ctx, grant) })
		view(t, s, bob, func(tx identity.Tx) error {
			same(t, grant)(tx.Grants.ByID(ctx, grant.ID))
			kind(t, second(withOwner(tx, grant.ID)), identity.ErrNotFound) // alice's are not bob's
			return nil
		})
		update(t, s, alice, func(tx identity.Tx) error {
			for id, change := range map[string]func(*identity.Grant){
				"grt_no_session": func(g *identity.Grant) { g.Session = "ses_none" },
				"grt_no_user":    func(g *identity.Grant) { g.User = "usr_none" },
			} {
				g := grant
				g.ID = id
				change(&g)
				if err := tx.Grants.Create(ctx, g); err != nil {
					return err
				}
				kind(t, second(withOwner(tx, id)), identity.ErrNotFound)
			}
			return nil
		})
	})
}

// shows reads back, by every way there is, what fill has put.
func shows(t testing.TB, tx identity.Tx) {
	t.Helper()
	showsOld(t, tx)
	same(t, []identity.Message{message})(tx.Outbox.List(ctx, 10))
}

// showsOld is shows for a database of before messages were sent.
func showsOld(t testing.TB, tx identity.Tx) {
	t.Helper()
	same(t, app)(tx.Applications.ByID(ctx, app.ID))
	same(t, []identity.Application{app})(tx.Applications.List(ctx))
	same(t, ada)(tx.Users.ByID(ctx, ada.ID))
	same(t, ada)(tx.Users.ByIdentifier(ctx, ada.Identifier))
	same(t, []identity.User{ada})(tx.Users.List(ctx, "", 0))
	same(t, []identity.Enrolment{enrolment})(tx.Enrolments.ByUser(ctx, ada.ID))
	same(t, enrolment)(tx.Enrolments.ByLookup(ctx, "totp", enrolment.Lookup))
	same(t, session)(tx.Sessions.ByID(ctx, session.ID))
	same(t, session)(tx.Sessions.BySecret(ctx, session.SecretHash))
	same(t, []identity.Session{session})(tx.Sessions.ByUser(ctx, ada.ID))
	same(t, grant)(tx.Grants.ByID(ctx, grant.ID))
	same(t, owned{grant, session, ada})(withOwner(tx, grant.ID))
	same(t, []identity.Grant{grant})(tx.Grants.ByUser(ctx, ada.ID))
	same(t, []identity.Grant{grant})(tx.Grants.BySession(ctx, session.ID))
	same(t, []identity.Device{device})(tx.Devices.ByID(ctx, device.ID))
	same(t, []identity.Device{device})(tx.Devices.ByUser(ctx, ada.ID))
	same(t, []identity.Lane{lane})(tx.Lanes.Load(ctx, ada.ID))
	same(t, identity.Item{Value: itemValue, Version: 1, ExpiresAt: noon.Add(time.Hour)})(tx.Ephemerals.Get(ctx, "flow", "flow_1"))
	same(t, []identity.Event{event})(tx.Events.List(ctx, identity.EventFilter{}))
	same(t, []identity.Event{event})(tx.Events.List(ctx, identity.EventFilter{User: ada.ID, Since: noon}))
	same(t, []identity.SigningKey{signingKey})(tx.Keys.List(ctx))
}

func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, func(tx identity.Tx) error {
			if err := fill(tx); err != nil {
				return err
			}
			shows(t, tx) // to its own transaction
			return nil
		})
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
	})
}

func TestRoundTripTenants(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.openEmpty()
		same(t, []identity.Tenant{})(s.Tenants(ctx))
		one := tenant("tnt_1")
		one.Branding = identity.Branding{Logo: "data:", Accent: "#000000", AccentDark: "#ffffff", SupportLink: "https://help.test"}
		one.Policy, one.Digest, one.Disabled = []byte(`{"mfa":"always"}`), "abc", true
		d.must(s.PutTenant(ctx, tenant("tnt_2")))
		d.must(s.PutTenant(ctx, one))
		same(t, []identity.Tenant{one, tenant("tnt_2")})(s.Tenants(ctx))

		pepper, err := s.PepperFor(ctx, one.ID, "x")
		d.must(err)
		one.Name = "renamed"
		d.must(s.PutTenant(ctx, one))
		same(t, []identity.Tenant{one, tenant("tnt_2")})(s.Tenants(ctx))
		same(t, pepper)(s.PepperFor(ctx, one.ID, "x")) // its keys stay
	})
}

// A thing with nothing in its optional fields comes back the same, too.
func TestRoundTripEmpty(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		user := identity.User{ID: "usr_0", Identifier: "zero@example.com"}
		bare := identity.Enrolment{ID: "enr_0", User: user.ID, Factor: "password", EnrolledAt: noon}
		ended := identity.Session{ID: "ses_0", User: user.ID, EndedAt: later(0), CreatedAt: noon, Activity: assurance.Activity{Last: noon}}
		endless := identity.Grant{ID: "grt_0", User: user.ID, CreatedAt: noon}
		nothing := identity.Device{ID: "dev_0", User: user.ID}
		lane := identity.Lane{Subject: "s", Name: "unknown"}
		update(t, s, alice, func(tx identity.Tx) error {
			return errors.Join(
				tx.Users.Create(ctx, user),
				tx.Enrolments.Create(ctx, bare),
				tx.Sessions.Create(ctx, ended),
				tx.Grants.Create(ctx, endless),
				tx.Devices.Put(ctx, nothing),
				tx.Lanes.Save(ctx, lane),
				tx.Ephemerals.Put(ctx, "", "k", nil, noon.Add(time.Second)),
				tx.Applications.Put(ctx, identity.Application{ID: "app_0"}),
				tx.Keys.Put(ctx, identity.SigningKey{ID: "k", CreatedAt: noon, ActiveAt: noon}),
				tx.Outbox.Put(ctx, identity.Message{ID: "msg_0", At: noon}),
			)
		})
		bare.Version, ended.Version, endless.Version, lane.Version = 1, 1, 1, 1
		view(t, s, alice, func(tx identity.Tx) error {
			same(t, user)(tx.Users.ByID(ctx, user.ID))
			same(t, []identity.Enrolment{bare})(tx.Enrolments.ByUser(ctx, user.ID))
			same(t, ended)(tx.Sessions.ByID(ctx, ended.ID))
			same(t, []identity.Session{})(tx.Sessions.ByUser(ctx, user.ID)) // an ended one is not live
			same(t, []identity.Grant{endless})(tx.Grants.ByUser(ctx, user.ID))
			same(t, []identity.Device{nothing})(tx.Devices.ByID(ctx, "dev_0"))
			same(t, []identity.Lane{lane})(tx.Lanes.Load(ctx, "s"))
			item, err := tx.Ephemerals.Get(ctx, "", "k")
			if err != nil || len(item.Value) != 0 {
				t.Errorf("empty item: %v, %v", item, err)
			}
			same(t, []identity.Message{{ID: "msg_0", At: noon}})(tx.Outbox.List(ctx, 0))
			kind(t, second(tx.Sessions.BySecret(ctx, nil)), identity.ErrNotFound) // not the session without a secret
			kind(t, second(tx.Enrolments.ByLookup(ctx, "password", nil)), identity.ErrNotFound)
			return nil
		})
	})
}

func second[T any](_ T, err error) error { return err }

func TestUsersSaveKeepsEpoch(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		update(t, s, alice, fill)
		changed := ada
		changed.Identifier, changed.Name, changed.DisabledAt, changed.Epoch = "ada@new.test", "Ada King", nil, 99
		update(t, s, alice, func(tx identity.Tx) error { return tx.Users.Save(ctx, changed) })
		changed.Epoch = ada.Epoch
		view(t, s, alice, func(tx identity.Tx) error {
			same(t, changed)(tx.Users.ByIdentifier(ctx, "ada@new.test"))
			kind(t, second(tx.Users.ByIdentifier(ctx, ada.Identifier)), identity.ErrNotFound)
			return nil
		})
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error {
			return tx.Users.Save(ctx, identity.User{ID: "usr_none", Identifier: "none@example.com"})
		}), identity.ErrNotFound)
	})
}

func TestUsersListPages(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		var want []string
		update(t, s, alice, func(tx identity.Tx) error {
			want = nil
			for i := range 7 {
				id := fmt.Sprintf("usr_%d", i)
				want = append(want, id)
				if err := tx.Users.Create(ctx, identity.User{ID: id, Identifier: id}); err != nil {
					return err
				}
			}
			return nil
		})
		var got []string
		view(t, s, alice, func(tx identity.Tx) error {
			for after := ""; ; {
				page, err := tx.Users.List(ctx, after, 3)
				if err != nil || len(page) == 0 {
					return err
				}
				for _, u := range page {
					got = append(got, u.ID)
				}
				after = got[len(got)-1]
			}
		})
		same(t, want)(got, nil)
	})
}

// Events of one instant come back in the order they were appended, last first,
// though their ids and the clock say nothing about it.
func TestEventsNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		for i, id := range []string{"evt_z", "evt_a", "evt_m"} {
			update(t, s, alice, func(tx identity.Tx) error {
				return tx.Events.Append(ctx, identity.Event{ID: id, At: noon, User: fmt.Sprint("usr_", i%2)})
			})
		}
		d.clock.set(noon.Add(-time.Hour)) // the clock steps back
		update(t, s, alice, func(tx identity.Tx) error {
			return tx.Events.Append(ctx, identity.Event{ID: "evt_late", At: noon})
		})
		update(t, s, alice, func(tx identity.Tx) error {
			return tx.Events.Append(ctx, identity.Event{ID: "evt_old", At: noon.Add(-time.Microsecond)})
		})
		list := func(f identity.EventFilter) (ids []string) {
			view(t, s, alice, func(tx identity.Tx) error {
				all, err := tx.Events.List(ctx, f)
				for _, e := range all {
					ids = append(ids, e.ID)
				}
				return err
			})
			return ids
		}
		same(t, []string{"evt_late", "evt_m", "evt_a", "evt_z", "evt_old"})(list(identity.EventFilter{}), nil)
		same(t, []string{"evt_late", "evt_m"})(list(identity.EventFilter{Limit: 2}), nil)
		same(t, []string{"evt_late", "evt_m", "evt_a", "evt_z"})(list(identity.EventFilter{Since: noon}), nil)
		same(t, []string{"evt_m", "evt_z"})(list(identity.EventFilter{User: "usr_0"}), nil)
	})
}

// Keys come oldest first, messages newest first, whatever their ids say.
func TestOrderOfKeysAndMessages(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		for i, id := range []string{"m", "z", "a"} {
			key, letter := signingKey, message
			key.ID, letter.ID = "kid_"+id, "msg_"+id
			key.CreatedAt = noon.Add(time.Duration(i/2) * time.Second) // the first two at once: then by id
			update(t, s, alice, func(tx identity.Tx) error {
				return errors.Join(tx.Keys.Put(ctx, key), tx.Outbox.Put(ctx, letter))
			})
		}
		view(t, s, alice, func(tx identity.Tx) error {
			keys, err := tx.Keys.List(ctx)
			letters, err2 := tx.Outbox.List(ctx, 2)
			var got []string
			for _, k := range keys {
				got = append(got, k.ID)
			}
			for _, m := range letters {
				got = append(got, m.ID)
			}
			same(t, []string{"kid_m", "kid_z", "kid_a", "msg_a", "msg_z"})(got, errors.Join(err, err2))
			return nil
		})
	})
}

func TestDevicesRotateForAllUsers(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		other := device
		other.User = "usr_other"
		update(t, s, alice, func(tx identity.Tx) error {
			return errors.Join(tx.Devices.Put(ctx, device), tx.Devices.Put(ctx, other))
		})
		at := noon.Add(time.Hour)
		update(t, s, alice, func(tx identity.Tx) error { return tx.Devices.Rotate(ctx, device.ID, []byte("next"), at) })
		want := []identity.Device{device, other}
		for i := range want {
			want[i].SecretHash, want[i].PrevHash, want[i].RotatedAt = []byte("next"), []byte("now"), at
		}
		view(t, s, alice, func(tx identity.Tx) error { same(t, want)(tx.Devices.ByID(ctx, device.ID)); return nil })
		update(t, s, alice, func(tx identity.Tx) error { return tx.Devices.Delete(ctx, device.ID, ada.ID) })
		view(t, s, alice, func(tx identity.Tx) error { same(t, want[1:])(tx.Devices.ByID(ctx, device.ID)); return nil })
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error { return tx.Devices.Delete(ctx, device.ID, ada.ID) }), identity.ErrNotFound)
		kind(t, s.Update(ctx, alice, func(tx identity.Tx) error { return tx.Devices.Rotate(ctx, "dev_none", []byte("x"), at) }), identity.ErrNotFound)
	})
}

// What is revoked, ended or expired is not live; expiry is exact.
func TestGrantsLive(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		revoked := grant
		revoked.ID, revoked.RevokedAt = "grt_2", later(0)
		update(t, s, alice, func(tx identity.Tx) error {
			return errors.Join(tx.Grants.Create(ctx, grant), tx.Grants.Create(ctx, revoked))
		})
		live := func(want ...identity.Grant) {
			t.Helper()
			view(t, s, alice, func(tx identity.Tx) error {
				same(t, append([]identity.Grant{}, want...))(tx.Grants.ByUser(ctx, ada.ID))
				same(t, append([]identity.Grant{}, want...))(tx.Grants.BySession(ctx, session.ID))
				same(t, revoked)(tx.Grants.ByID(ctx, revoked.ID))
				return nil
			})
		}
		d.clock.set(grant.ExpiresAt.Add(-time.Microsecond))
		live(grant)
		d.clock.set(grant.ExpiresAt)
		live()
	})
}

// Generation changes with tenants, applications and keys, and with nothing else.
func TestGenerationAndMeta(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		last, err := s.Generation(ctx)
		d.must(err)
		changed := func(want bool, what string) {
			t.Helper()
			now, err := s.Generation(ctx)
			d.must(err)
			if (now != last) != want {
				t.Errorf("%s: generation %d after %d", what, now, last)
			}
			last = now
		}
		update(t, s, alice, func(tx identity.Tx) error { return tx.Users.Create(ctx, ada) })
		changed(false, "a user")
		update(t, s, alice, func(tx identity.Tx) error { return tx.Applications.Put(ctx, app) })
		changed(true, "an application")
		update(t, s, alice, func(tx identity.Tx) error { return tx.Keys.Put(ctx, signingKey) })
		changed(true, "a key")
		d.must(s.PutTenant(ctx, tenant(alice)))
		changed(true, "a tenant")
		d.must(s.Check(ctx))
		changed(false, "a check")

		same(t, "")(s.Meta(ctx, "digest"))
		d.must(s.SetMeta(ctx, "digest", "abc"))
		d.must(s.SetMeta(ctx, "digest", "def"))
		same(t, "def")(s.Meta(ctx, "digest"))
	})
}
