package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor/password"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

const secret = "seven quiet herons at dusk"

// cheap are the parameters of the light binary's hash.
func cheap() password.Params { return password.Params{Memory: 64, Passes: 1, Threads: 1} }

func email(i int) string { return fmt.Sprintf("person%07d@example.com", i) }

// furnish makes the database of a house, by starting it once, and adds users.
// All have the same password and the same hash of it: a hash costs 30 ms, and
// nothing here looks at salts.
func (b *bench) furnish(h *house, binary string, params password.Params, users int) error {
	s, err := h.serve(binary, "--migrate")
	if err != nil {
		return err
	}
	if err := s.stop(); err != nil {
		return err
	}
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{
		DSN: "sqlite:" + h.database(), RootKeys: [][]byte{h.key}, Now: time.Now, Random: rand.Reader,
	})
	if err != nil {
		return err
	}
	defer st.Close()
	f, err := password.New(password.Options{Now: time.Now, Random: rand.Reader, Params: params})
	if err != nil {
		return err
	}
	data, err := f.Hash(secret)
	if err != nil {
		return err
	}
	const batch = 1000
	for from := 0; from < users; from += batch {
		if err := st.Update(ctx, tenantID, func(tx identity.Tx) error {
			for i := from; i < min(from+batch, users); i++ {
				if err := addUser(ctx, tx, i, data); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if from%20_000 == 0 && from > 0 {
			progress("  %d users", from)
		}
	}
	return nil
}

func addUser(ctx context.Context, tx identity.Tx, i int, data []byte) error {
	now := time.Now().UTC()
	handle := make([]byte, 64)
	if _, err := rand.Read(handle); err != nil {
		return err
	}
	u := identity.User{
		ID: identity.NewID("usr", now, rand.Reader), Handle: handle, Identifier: email(i), Email: email(i),
		EmailVerified: true, Name: fmt.Sprintf("Person %d", i), CreatedAt: now,
	}
	return errors.Join(tx.Users.Create(ctx, u), tx.Enrolments.Create(ctx, identity.Enrolment{
		ID: identity.NewID("enr", now, rand.Reader), User: u.ID, Factor: "password", Data: data, EnrolledAt: now,
	}))
}
