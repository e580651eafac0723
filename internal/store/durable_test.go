package store_test

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// killEnv makes this test binary the process that gets killed.
const killEnv = "INTELLIAUTH_STORE_VICTIM"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(killEnv); dsn != "" {
		victim(dsn)
		os.Exit(1) // it should have been killed
	}
	os.Exit(m.Run())
}

const (
	attempts = 2000 // codes that wait to be redeemed
	redeemed = 300  // so many answers were given when the process dies
)

// victim redeems codes from many goroutines at once: each takes a code and
// opens a session in one transaction, and says so when it is durable. In the
// midst of it the process kills itself.
func victim(dsn string) {
	s, err := store.Open(ctx, store.Options{DSN: dsn, RootKeys: [][]byte{storetest.RootKey}, Now: time.Now, Random: rand.Reader})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	var next, done atomic.Int64
	stop := make(chan struct{})
	for range 8 {
		go func() {
			for i := next.Add(1) - 1; i < attempts; i = next.Add(1) - 1 {
				if err := redeem(s, i); err != nil {
					fmt.Println("error", err)
					close(stop)
					return
				}
				os.Stdout.WriteString(fmt.Sprintln("done", i)) // one write, not buffered
				if done.Add(1) == redeemed {
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
				}
			}
		}()
	}
	<-stop
}

func redeem(s *store.Store, i int64) error {
	return s.Update(ctx, alice, func(tx identity.Tx) error {
		if _, err := tx.Ephemerals.Take(ctx, "code", fmt.Sprint(i)); err != nil {
			return err
		}
		id := fmt.Sprintf("ses_%04d", i)
		return tx.Sessions.Create(ctx, identity.Session{ID: id, User: ada.ID, SecretHash: identity.Hash(id)})
	})
}

// H-51: a server that is killed between the check of a code and the session it
// opens leaves both or neither; and what it had confirmed is there.
func TestH51_KilledInMidFlight(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		d.clock.set(time.Now())
		s := d.open()
		update(t, s, alice, func(tx identity.Tx) error {
			for i := range attempts {
				if err := tx.Ephemerals.Put(ctx, "code", fmt.Sprint(i), nil, d.clock.Now().Add(time.Hour)); err != nil {
					return err
				}
			}
			return nil
		})
		d.must(s.Close())

		confirmed := killed(t, d.dsn)
		if len(confirmed) < redeemed {
			t.Fatalf("only %d were confirmed", len(confirmed))
		}
		s = d.openEmpty()
		opened, both := 0, 0
		view(t, s, alice, func(tx identity.Tx) error {
			for i := range int64(attempts) {
				_, err := tx.Ephemerals.Get(ctx, "code", fmt.Sprint(i))
				spent := errors.Is(err, identity.ErrTaken)
				_, err = tx.Sessions.ByID(ctx, fmt.Sprintf("ses_%04d", i))
				exists := err == nil
				if spent != exists {
					t.Errorf("code %d: spent %v, session exists %v", i, spent, exists)
				}
				if confirmed[i] && !exists {
					t.Errorf("code %d: confirmed, but lost", i)
				}
				if exists {
					opened++
				}
				if confirmed[i] {
					both++
				}
			}
			return nil
		})
		if opened == attempts || both != len(confirmed) {
			t.Errorf("not killed in the midst: %d of %d opened, %d of %d confirmed", opened, attempts, both, len(confirmed))
		}
		// And life goes on: what was not spent still works.
		left := int64(attempts - 1)
		d.must(redeem(s, left))
		kind(t, redeem(s, left), identity.ErrTaken)
	}, file, postgres)
}

// killed runs the victim and returns what it confirmed.
func killed(t *testing.T, dsn string) map[int64]bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killEnv+"="+dsn)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	confirmed := map[int64]bool{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var i int64
		if _, err := fmt.Sscanf(lines.Text(), "done %d", &i); err != nil {
			t.Errorf("the victim says %q", lines.Text())
		}
		confirmed[i] = true
	}
	err = cmd.Wait()
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("not killed: %v", err)
	}
	return confirmed
}
