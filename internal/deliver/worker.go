package deliver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// How much is under way at once, and for how long.
const (
	mostInAll     = 128
	mostOfTenant  = 16
	mostOfChannel = 8 // of one tenant: half, so that its mail is sent while its SMS hang

	lease      = 3 * time.Minute
	tryFor     = 2 * time.Minute // one try, over all senders; well within the lease
	settleFor  = 10 * time.Second
	askEvery   = time.Second     // for what other processes wrote, or became due
	askLater   = 5 * time.Second // when the store does not answer
	putBackFor = 2 * time.Second
)

// Results of a try, as they are counted.
const (
	ResultSent    = "sent"
	ResultRetried = "retried"
	ResultHeld    = "held"    // not tried: its senders are down or busy
	ResultDead    = "dead"    // given up
	ResultExpired = "expired" // given up, since it would have come too late
)

// Deps are what a worker works with.
type Deps struct {
	Store identity.Store
	Due   identity.Due
	// Senders are those of a tenant's channel, in the order in which they are
	// tried.
	Senders func(tenant, channel string) []Sender
	Words   *messages.Catalogues
	Now     func() time.Time
	// Jitter returns a number in [0,1), so that what failed together does not
	// come back together.
	Jitter  func() float64
	NewID   func(prefix string) string // of events
	Log     *slog.Logger
	Wake    <-chan struct{}              // says that a message was committed
	Counted func(channel, result string) // of Result…; for metrics
}

// Worker sends what is in the outbox. Several may work on one database.
type Worker struct {
	Deps
	breakers breakers
	under    sync.WaitGroup
	freed    chan struct{} // says that a slot came free

	mu    sync.Mutex
	load  map[lane]int // under way, by lane; the lane without a channel is a tenant's
	inAll int

	// Of the goroutine of Run alone.
	tenants    map[string]identity.Tenant
	generation int64
	turn       int // which tenant is first
}

// lane is a tenant's channel.
type lane struct{ tenant, channel string }

// New makes a worker; Run starts it.
func New(d Deps) *Worker {
	return &Worker{
		Deps: d, breakers: breakers{state: map[Sender]*breaker{}}, freed: make(chan struct{}, 1),
		load: map[lane]int{}, generation: -1,
	}
}

// Run sends until ctx ends, then finishes what it has begun and returns.
func (w *Worker) Run(ctx context.Context) {
	defer w.under.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		freed := w.freed
		select {
		case <-ctx.Done():
			return
		case <-w.Wake:
		case <-timer.C:
		case <-freed:
		}
		wait := askEvery
		if err := w.round(ctx); err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "the outbox cannot be read", "error", err)
			wait = askLater
		}
		timer.Reset(wait)
	}
}

// round claims what is due and there are slots for, and sets it going.
func (w *Worker) round(ctx context.Context) error {
	for ctx.Err() == nil {
		due, err := w.Due.DueTenants(ctx, w.Now())
		if err != nil || len(due) == 0 {
			return err
		}
		if err := w.refresh(ctx); err != nil {
			return err
		}
		w.turn++
		claimed := 0
		for i := range due {
			n, err := w.claim(ctx, due[(w.turn+i)%len(due)])
			if err != nil {
				return err
			}
			claimed += n
		}
		if claimed == 0 {
			return nil // no slots; freed will tell
		}
	}
	return nil
}

// refresh reads the tenants if any has changed.
func (w *Worker) refresh(ctx context.Context) error {
	g, err := w.Store.Generation(ctx)
	if err != nil || g == w.generation {
		return err
	}
	list, err := w.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	w.tenants = make(map[string]identity.Tenant, len(list))
	for _, t := range list {
		w.tenants[t.ID] = t
	}
	w.generation = g
	return nil
}

// claim takes messages of one tenant and sets them going; it tells how many
// there were.
func (w *Worker) claim(ctx context.Context, tenant string) (int, error) {
	t, known := w.tenants[tenant]
	free := w.free(tenant)
	if free <= 0 || !known {
		return 0, nil
	}
	now := w.Now()
	until := now.Add(lease)
	var claimed []identity.Message
	err := w.Store.Update(ctx, tenant, func(tx identity.Tx) (err error) {
		claimed, err = tx.Outbox.Claim(ctx, now, until, free)
		return err
	})
	if err != nil {
		return 0, err
	}
	var crowded []identity.Message
	for _, m := range claimed {
		if !w.take(tenant, m.Channel) {
			crowded = append(crowded, m)
			continue
		}
		w.under.Go(func() {
			defer w.release(tenant, m.Channel)
			w.handle(context.WithoutCancel(ctx), t, m, until)
		})
	}
	return len(claimed), w.putBack(ctx, tenant, crowded)
}

// putBack returns messages whose channel is busy, so that those of other
// channels come up.
func (w *Worker) putBack(ctx context.Context, tenant string, list []identity.Message) error {
	if len(list) == 0 {
		return nil
	}
	again := w.Now().Add(putBackFor)
	return w.Store.Update(ctx, tenant, func(tx identity.Tx) error {
		for _, m := range list {
			err := tx.Outbox.Settle(ctx, m.ID, identity.Delivery{Untried: true, Again: again})
			if err != nil && !errors.Is(err, identity.ErrConflict) {
				return err
			}
		}
		return nil
	})
}

func (w *Worker) free(tenant string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(mostOfTenant-w.load[lane{tenant: tenant}], mostInAll-w.inAll)
}

func (w *Worker) take(tenant, channel string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.load[lane{tenant, channel}] >= mostOfChannel {
		return false
	}
	w.load[lane{tenant, channel}]++
	w.load[lane{tenant: tenant}]++
	w.inAll++
	return true
}

func (w *Worker) release(tenant, channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inAll--
	for _, l := range []lane{{tenant, channel}, {tenant: tenant}} {
		if w.load[l]--; w.load[l] == 0 {
			delete(w.load, l)
		}
	}
	select {
	case w.freed <- struct{}{}:
	default:
	}
}
