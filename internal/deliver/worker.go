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
	mostOfChannel = 8 // of one tenant
	stuckAfter    = 2 // rounds of asking in which a full channel sent nothing

	lease      = 3 * time.Minute
	tryFor     = 2 * time.Minute // one try, over all senders; well within the lease
	settleFor  = 10 * time.Second
	askEvery   = time.Second // for what other processes wrote, or became due
	putBackFor = 5 * time.Second
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
	lanes map[lane]*load
	inAll int

	// Of the goroutine of Run alone.
	tenants    map[string]identity.Tenant
	generation int64
	turn       int // which tenant is first
}

// lane is a tenant's channel.
type lane struct{ tenant, channel string }

// load is what is under way in a lane, and for how many rounds of asking nothing
// of it has ended.
type load struct{ n, still int }

// New makes a worker; Run starts it.
func New(d Deps) *Worker {
	return &Worker{
		Deps: d, breakers: breakers{state: map[Sender]*breaker{}}, freed: make(chan struct{}, 1),
		lanes: map[lane]*load{}, generation: -1,
	}
}

// Run sends until ctx ends, then finishes what it has begun and returns.
func (w *Worker) Run(ctx context.Context) {
	defer w.under.Wait()
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	failing := false
	for ctx.Err() == nil {
		err := w.round(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			w.Log.WarnContext(ctx, "the outbox cannot be read; messages wait", "error", err)
		} else if err == nil && failing {
			w.Log.InfoContext(ctx, "the outbox can be read again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
		case <-w.Wake:
		case <-w.freed:
		case <-ticker.C:
			w.tick()
		}
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

// tick counts a round of asking for lanes in which nothing has ended.
func (w *Worker) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lanes {
		l.still++
	}
}

// free tells how many messages of a tenant may be claimed. Their channels are
// not known before, so it is what the fullest one has room for. When that one
// is full and stuck, it is passed by: what comes up of it is put back, to get
// at what is behind.
func (w *Worker) free(tenant string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	room, stuck := mostOfChannel, true
	for at, l := range w.lanes {
		if at.tenant == tenant {
			room = min(room, mostOfChannel-l.n)
			stuck = stuck && (l.n < mostOfChannel || l.still >= stuckAfter)
		}
	}
	if room == 0 && stuck {
		room = mostOfChannel
	}
	return min(room, mostInAll-w.inAll)
}

func (w *Worker) take(tenant, channel string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lanes[lane{tenant, channel}]
	if l == nil {
		l = &load{}
		w.lanes[lane{tenant, channel}] = l
	}
	if l.n >= mostOfChannel {
		return false
	}
	l.n++
	w.inAll++
	return true
}

func (w *Worker) release(tenant, channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inAll--
	l := w.lanes[lane{tenant, channel}]
	l.n, l.still = l.n-1, 0
	if l.n == 0 {
		delete(w.lanes, lane{tenant, channel})
	}
	select {
	case w.freed <- struct{}{}:
	default:
	}
}
