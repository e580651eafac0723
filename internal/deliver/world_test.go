package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// fake is a sender that does as it is told and remembers what it sent.
type fake struct {
	name string
	do   func(ctx context.Context, p Parcel) error // nil: takes everything

	mu    sync.Mutex
	asked []string // ids of all messages that came
	sent  []Parcel
}

func (f *fake) Name() string { return f.name }

func (f *fake) Send(ctx context.Context, p Parcel) error {
	f.mu.Lock()
	f.asked = append(f.asked, p.ID)
	do := f.do
	f.mu.Unlock()
	if do != nil {
		if err := do(ctx, p); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, p)
	return nil
}

func (f *fake) ids() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := []string{}
	for _, p := range f.sent {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return ids
}

func (f *fake) tries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

func (f *fake) set(do func(context.Context, Parcel) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.do = do
}

func down(context.Context, Parcel) error {
	return troubled(errors.New("ada@example.com 482913"), "it answered 503")
}

func never(context.Context, Parcel) error { return refused("it answered 550") }

// world is a store, a worker and its senders.
type world struct {
	*testing.T
	store   *store.Store
	clock   *clock
	worker  *Worker
	senders map[string][]Sender // by tenant and channel
	wake    chan struct{}

	mu     sync.Mutex
	log    bytes.Buffer
	counts map[string]int
	next   int
}

func (w *world) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, clock: &clock{at: noon}, senders: map[string][]Sender{}, wake: make(chan struct{}, 1), counts: map[string]int{}}
	w.store = storetest.Open(t, storetest.WithClock(w.clock.now), storetest.WithTenant("acme"), storetest.WithTenant("other"))
	w.worker = w.another()
	return w
}

// another is one more worker on the same store.
func (w *world) another() *Worker {
	return New(Deps{
		Store: w.store, Due: w.store, Words: words(), Now: w.clock.now, Jitter: func() float64 { return 0.5 }, Wake: w.wake,
		Senders: func(tenant, channel string) []Sender { return w.senders[tenant+"/"+channel] },
		NewID: func(prefix string) string {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.next++
			return fmt.Sprintf("%s_%d", prefix, w.next)
		},
		Log: slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Counted: func(channel, result string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.counts[channel+" "+result]++
		},
	})
}

// sender adds one for a tenant's channel, tried after those before.
func (w *world) sender(tenant, channel, name string, do func(context.Context, Parcel) error) *fake {
	f := &fake{name: name, do: do}
	w.senders[tenant+"/"+channel] = append(w.senders[tenant+"/"+channel], f)
	return f
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// put commits a message as the engine does.
func (w *world) put(tenant, id, channel string, change ...func(*identity.Message)) {
	w.Helper()
	m := letterOf(identity.MessageCode)
	m.ID, m.Channel, m.User, m.At = id, channel, "usr_ada", w.clock.now()
	m.Expires = m.At.Add(10 * time.Minute)
	if channel == identity.ChannelSMS {
		m.To = "+4915112345678"
	}
	for _, c := range change {
		c(&m)
	}
	w.must(w.store.Update(w.Context(), tenant, func(tx identity.Tx) error { return tx.Outbox.Put(w.Context(), m) }))
}

func lasting(d time.Duration) func(*identity.Message) {
	return func(m *identity.Message) { m.Expires = m.At.Add(d) }
}

// round lets the worker do all that it can do now.
func (w *world) round() {
	w.Helper()
	for {
		w.must(w.worker.round(w.Context()))
		w.worker.under.Wait()
		due, err := w.store.DueTenants(w.Context(), w.clock.now())
		w.must(err)
		if len(due) == 0 {
			return
		}
	}
}

func (w *world) message(tenant, id string) (found identity.Message) {
	w.Helper()
	w.must(w.store.View(w.Context(), tenant, func(tx identity.Tx) error {
		list, err := tx.Outbox.List(w.Context(), 1000)
		for _, m := range list {
			if m.ID == id {
				found = m
			}
		}
		return err
	}))
	if found.ID == "" {
		w.Fatalf("%s is not in the outbox", id)
	}
	return found
}

func (w *world) events(tenant string) (out []identity.Event) {
	w.Helper()
	w.must(w.store.View(w.Context(), tenant, func(tx identity.Tx) (err error) {
		out, err = tx.Events.List(w.Context(), identity.EventFilter{})
		return err
	}))
	return out
}

func (w *world) counted(want map[string]int) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !maps.Equal(w.counts, want) {
		w.Errorf("counted %v, want %v", w.counts, want)
	}
}

// left counts messages that were neither sent nor given up.
func (w *world) left(tenant string) (n int) {
	w.Helper()
	w.must(w.store.View(w.Context(), tenant, func(tx identity.Tx) error {
		list, err := tx.Outbox.List(w.Context(), 1000)
		for _, m := range list {
			if m.SentAt == nil && m.DeadAt == nil {
				n++
			}
		}
		return err
	}))
	return n
}

// eventually waits for what other goroutines do; it fails after a minute.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it never came")
}
