package store_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// Every benchmark reports CPU beside wall time: on a loaded machine only CPU
// tells what an operation costs.
func eachOf(b *testing.B, fn func(*testing.B, *store.Store)) {
	for _, kind := range []string{file, memory, postgres} {
		b.Run(kind, func(b *testing.B) {
			d := newDatabase(b, kind)
			d.clock.set(time.Now())
			fn(b, d.open())
		})
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func measure(b *testing.B, per int) func() {
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu()
	return func() {
		b.StopTimer()
		b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(b.N*per), "cpu-ns/op")
	}
}

// BenchmarkUpdate is the round trip of one small durable write.
func BenchmarkUpdate(b *testing.B) {
	eachOf(b, func(b *testing.B, s *store.Store) {
		done := measure(b, 1)
		for i := range b.N {
			update(b, s, alice, func(tx identity.Tx) error {
				return tx.Events.Append(ctx, identity.Event{ID: fmt.Sprintf("evt_%d", i), At: time.Now()})
			})
		}
		done()
	})
}

// BenchmarkUpdateGrouped is the same from 64 callers at once, who share commits.
func BenchmarkUpdateGrouped(b *testing.B) {
	eachOf(b, func(b *testing.B, s *store.Store) {
		b.SetParallelism(32)
		done := measure(b, 1)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				err := s.Update(ctx, alice, func(tx identity.Tx) error {
					return tx.Events.Append(ctx, identity.Event{ID: identity.RandomToken(8, rng{}), At: time.Now()})
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
		done()
	})
}

// BenchmarkView is one read of one row by its key.
func BenchmarkView(b *testing.B) {
	eachOf(b, func(b *testing.B, s *store.Store) {
		update(b, s, alice, func(tx identity.Tx) error { return tx.Users.Create(ctx, ada) })
		done := measure(b, 1)
		for range b.N {
			view(b, s, alice, func(tx identity.Tx) error {
				_, err := tx.Users.ByID(ctx, ada.ID)
				return err
			})
		}
		done()
	})
}

// BenchmarkStatements is what one statement costs inside a transaction.
func BenchmarkStatements(b *testing.B) {
	eachOf(b, func(b *testing.B, s *store.Store) {
		session := identity.Session{ID: "ses_1", User: ada.ID, SecretHash: []byte("hash"), Proofs: []assurance.Proof{{Factor: "password", At: noon}, {Factor: "totp", At: noon}}}
		update(b, s, alice, func(tx identity.Tx) error {
			if err := tx.Users.Create(ctx, ada); err != nil {
				return err
			}
			return tx.Sessions.Create(ctx, session)
		})
		const n = 50
		for name, fn := range map[string]func(identity.Tx, int) error{
			"user": func(tx identity.Tx, _ int) error { _, err := tx.Users.ByID(ctx, ada.ID); return err },
			"session": func(tx identity.Tx, _ int) error {
				_, err := tx.Sessions.BySecret(ctx, session.SecretHash)
				return err
			},
			"bump": func(tx identity.Tx, i int) error { return tx.Users.Bump(ctx, ada.ID, int64(i)) },
			"put": func(tx identity.Tx, i int) error {
				return tx.Ephemerals.Put(ctx, "flow", identity.RandomToken(16, rng{}), make([]byte, 800), time.Now())
			},
			"event": func(tx identity.Tx, i int) error {
				return tx.Events.Append(ctx, identity.Event{ID: identity.RandomToken(8, rng{}), At: time.Now(), User: ada.ID})
			},
		} {
			b.Run(name, func(b *testing.B) {
				i := 0
				if name == "bump" {
					view(b, s, alice, func(tx identity.Tx) error { u, err := tx.Users.ByID(ctx, ada.ID); i = int(u.Epoch); return err })
				}
				done := measure(b, n)
				for range b.N {
					update(b, s, alice, func(tx identity.Tx) error {
						for range n {
							if err := fn(tx, i); err != nil {
								return err
							}
							i++
						}
						return nil
					})
				}
				done()
			})
		}
	})
}

// BenchmarkTake puts and takes, as an authorization code does.
func BenchmarkTake(b *testing.B) {
	eachOf(b, func(b *testing.B, s *store.Store) {
		done := measure(b, 1)
		for i := range b.N {
			key := fmt.Sprint(i)
			update(b, s, alice, func(tx identity.Tx) error {
				return tx.Ephemerals.Put(ctx, "code", key, make([]byte, 800), time.Now().Add(time.Hour))
			})
			update(b, s, alice, func(tx identity.Tx) error {
				_, err := tx.Ephemerals.Take(ctx, "code", key)
				return err
			})
		}
		done()
	})
}

// BenchmarkOpen is what a start costs: of a database that exists, as a server
// does, and of a new one in memory, as tests do.
func BenchmarkOpen(b *testing.B) {
	for _, kind := range []string{file, memory, postgres} {
		b.Run(kind, func(b *testing.B) {
			d := newDatabase(b, kind)
			if kind != memory {
				d.must(d.open().Close())
			}
			done := measure(b, 1)
			for range b.N {
				s, err := store.Open(ctx, d.options())
				d.must(err)
				d.must(s.Close())
			}
			done()
		})
	}
}
