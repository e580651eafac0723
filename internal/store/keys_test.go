package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

var newKey = []byte("another root key, of 32 bytes...")

func roots(keys ...[]byte) func(*store.Options) {
	return func(o *store.Options) { o.RootKeys = keys }
}

// C-41: root keys only wrap. A new one takes over without touching a sealed
// value, and then the old one is worth nothing.
func TestC41_RootKeyRotation(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_bob")))
		update(t, s, alice, fill)
		pepper, err := s.PepperFor(ctx, alice, "identifiers")
		d.must(err)
		close := func() { // memory ends with its last connection
			if d.kind != memory {
				d.must(s.Close())
			}
		}
		refuse := func(keys ...[]byte) {
			t.Helper()
			if _, err := store.Open(ctx, d.options(roots(keys...))); err == nil || !strings.Contains(err.Error(), "root_keys") {
				t.Errorf("opened, or for another reason not: %v", err)
			}
		}
		close()
		refuse(newKey)

		s = d.openEmpty(roots(newKey, storetest.RootKey))
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		same(t, 6)(s.RotateRoot(ctx)) // two tenants, three keys each
		same(t, 0)(s.RotateRoot(ctx))
		close()
		refuse(storetest.RootKey)

		s = d.openEmpty(roots(newKey))
		view(t, s, alice, func(tx identity.Tx) error { shows(t, tx); return nil })
		same(t, pepper)(s.PepperFor(ctx, alice, "identifiers"))
	})
}

func TestPepperFor(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_bob")))
		seen := map[string]string{}
		for _, id := range []string{alice, "tnt_bob"} {
			for _, use := range []string{"identifiers", "passwords"} {
				p, err := s.PepperFor(ctx, id, use)
				d.must(err)
				if len(p) != 32 {
					t.Errorf("%d bytes", len(p))
				}
				if other, ok := seen[string(p)]; ok {
					t.Errorf("%s %s has the pepper of %s", id, use, other)
				}
				seen[string(p)] = id + " " + use
				same(t, p)(s.PepperFor(ctx, id, use))
			}
		}
	})
}

// moves are what somebody who can write to the database may try.
var moves = []struct {
	what, move string
	read       func(identity.Tx) error
}{
	{"enrolment to another row and owner", copying("enrolments", "sealed", "enr_mallory", enrolment.ID), func(tx identity.Tx) error {
		return second(tx.Enrolments.ByUser(ctx, "usr_mallory"))
	}},
	{"enrolment to another owner", `UPDATE enrolments SET user_id = 'usr_mallory' WHERE tenant_id = 'tnt_alice' AND id = 'enr_2'`, func(tx identity.Tx) error {
		return second(tx.Enrolments.ByUser(ctx, "usr_mallory"))
	}},
	{"enrolment found by lookup", `SELECT 1`, func(tx identity.Tx) error {
		return second(tx.Enrolments.ByLookup(ctx, "totp", enrolment.Lookup))
	}},
	{"signing key to another row", copying("signing_keys", "private", "kid_2", signingKey.ID), func(tx identity.Tx) error {
		return second(tx.Keys.List(ctx))
	}},
	{"message to another row", copying("outbox", "body", "msg_2", message.ID), func(tx identity.Tx) error {
		return second(tx.Outbox.List(ctx, 0))
	}},
	{"trouble to the body of its message", `UPDATE outbox SET body = trouble WHERE tenant_id = 'tnt_alice' AND trouble IS NOT NULL`, func(tx identity.Tx) error {
		return second(tx.Outbox.List(ctx, 0))
	}},
	{"item to another key", `UPDATE ephemerals SET value = (SELECT value FROM ephemerals WHERE tenant_id = 'tnt_alice' AND key = 'flow_1') WHERE key = 'flow_2'`, func(tx identity.Tx) error {
		return second(tx.Ephemerals.Get(ctx, "flow", "flow_2"))
	}},
	{"item from another tenant", `UPDATE ephemerals SET value = (SELECT value FROM ephemerals WHERE tenant_id = 'tnt_bob' AND key = 'flow_1') WHERE tenant_id = 'tnt_alice' AND key = 'flow_1'`, func(tx identity.Tx) error {
		return second(tx.Ephemerals.Take(ctx, "flow", "flow_1"))
	}},
}

// A sealed value that is copied to another row, column, tenant or owner by
// somebody who can write to the database does not open there.
func TestC41_MovedValuesDoNotOpen(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_bob")))
		update(t, s, "tnt_bob", fill)
		update(t, s, alice, func(tx identity.Tx) error {
			mallory := identity.User{ID: "usr_mallory", Identifier: "mallory@example.com"}
			hers := identity.Enrolment{ID: "enr_mallory", User: mallory.ID, Factor: "totp", Data: []byte("hers")}
			key, letter := signingKey, message
			key.ID, letter.ID, letter.Code = "kid_2", "msg_2", "654321"
			return errors.Join(fill(tx), tx.Users.Create(ctx, mallory), tx.Enrolments.Create(ctx, hers), tx.Keys.Put(ctx, key),
				tx.Outbox.Put(ctx, letter), tx.Outbox.Settle(ctx, message.ID, identity.Delivery{Again: noon, Trouble: "smtp 451"}),
				tx.Ephemerals.Put(ctx, "flow", "flow_2", []byte("other"), session.Activity.Last))
		})
		raw := d.raw()
		for _, c := range moves {
			if _, err := raw.Exec(c.move); err != nil {
				t.Fatal(c.what, err)
			}
			err := s.Update(ctx, alice, c.read)
			if err == nil || !strings.Contains(err.Error(), "does not open") {
				t.Errorf("%s: %v", c.what, err)
			}
			for _, kind := range []error{identity.ErrNotFound, identity.ErrTaken, identity.ErrExpired, identity.ErrConflict} {
				if errors.Is(err, kind) {
					t.Errorf("%s looks harmless: %v", c.what, err)
				}
			}
		}
		view(t, s, "tnt_bob", func(tx identity.Tx) error { shows(t, tx); return nil })
	})
}

// A tenant's wrapped keys are bound to it, too.
func TestC41_MovedKeysDoNotOpen(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		d.must(s.PutTenant(ctx, tenant("tnt_bob")))
		update(t, s, "tnt_bob", fill)
		d.must(s.Close())
		if _, err := d.raw().Exec(`UPDATE data_keys SET wrapped = (SELECT o.wrapped FROM data_keys o WHERE o.tenant_id = 'tnt_bob'
			AND o.purpose = data_keys.purpose AND o.id = data_keys.id) WHERE tenant_id = 'tnt_alice'`); err != nil {
			t.Fatal(err)
		}
		s = d.openEmpty()
		view(t, s, "tnt_bob", func(tx identity.Tx) error { shows(t, tx); return nil })
		err := s.View(ctx, alice, func(identity.Tx) error { t.Error("ran"); return nil })
		if err == nil || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("with another tenant's keys: %v", err)
		}
	}, file, postgres)
}

func copying(table, column, to, from string) string {
	return fmt.Sprintf(`UPDATE %[1]s SET %[2]s = (SELECT %[2]s FROM %[1]s WHERE tenant_id = 'tnt_alice' AND id = '%[4]s')
		WHERE tenant_id = 'tnt_alice' AND id = '%[3]s'`, table, column, to, from)
}

var tables = []string{
	"meta", "tenants", "data_keys", "applications", "users", "enrolments", "sessions", "grants",
	"devices", "lanes", "ephemerals", "events", "signing_keys", "outbox",
}

// contents returns every value of every table.
func contents(t testing.TB, db *sql.DB) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, table := range tables {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, to := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
			for i := range values {
				to[i] = &values[i]
			}
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				out.Write(v)
				out.WriteByte('\n')
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// N-47: secrets are not in the database, nor in the files beside it.
func TestN47_SecretsAreNotInTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		const letterTo = "+4915112345678"
		update(t, s, alice, func(tx identity.Tx) error {
			letter := message
			letter.ID, letter.To = "msg_2", letterTo
			return errors.Join(fill(tx), tx.Outbox.Put(ctx, letter),
				tx.Outbox.Settle(ctx, letter.ID, identity.Delivery{Again: noon, Trouble: "a trouble to be kept secret"}))
		})
		pepper, err := s.PepperFor(ctx, alice, "x")
		d.must(err)
		places := map[string][]byte{"rows": contents(t, d.raw())}
		if d.kind == file {
			path := strings.TrimPrefix(d.dsn, "sqlite:")
			for _, name := range []string{path, path + "-wal"} {
				b, err := os.ReadFile(name)
				d.must(err)
				places["files"] = append(places["files"], b...)
			}
		}
		for where, text := range places {
			if !bytes.Contains(text, []byte(ada.Identifier)) || !bytes.Contains(text, []byte(signingKey.ID)) {
				t.Fatalf("%s: not even the names were found", where)
			}
			for name, secret := range map[string][]byte{
				"enrolment data": enrolment.Data, "enrolment lookup": enrolment.Lookup, "private key": signingKey.Private,
				"item": itemValue, "code": []byte(message.Code), "number": []byte(letterTo), "place": []byte(message.Args["place"]),
				"kind of a message": []byte(message.Kind), "trouble": []byte("a trouble to be kept secret"), "root key": storetest.RootKey, "pepper": pepper,
			} {
				for _, form := range [][]byte{secret, fmt.Appendf(nil, "%x", secret)} {
					if bytes.Contains(text, form) {
						t.Errorf("%s: the %s is readable", where, name)
					}
				}
			}
		}
	})
}
