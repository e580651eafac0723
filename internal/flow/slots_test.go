package flow

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// waiters tells how many callers stand in the queue.
func (s *Slots) waiters() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// take acquires a slot that must be free.
func take(t *testing.T, s *Slots) func() {
	t.Helper()
	release, err := s.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// enqueue starts a caller and returns when it stands in the queue.
func enqueue(t *testing.T, s *Slots, ctx context.Context, then func(release func(), err error)) *sync.WaitGroup {
	t.Helper()
	var done sync.WaitGroup
	before := s.waiters()
	done.Go(func() { then(s.Acquire(ctx)) })
	for s.waiters() != before+1 {
		runtime.Gosched()
	}
	return &done
}

func TestSlotsAreSizedFromMemoryAndCPUs(t *testing.T) {
	const each = 19 << 20
	for _, c := range []struct {
		size SlotSize
		want int
	}{
		{SlotSize{CPUs: 4}, 4},
		{SlotSize{CPUs: 4, Memory: 1 << 30, Each: each}, 4},
		{SlotSize{CPUs: 4, Memory: 64 << 20, Each: each}, 3},
		{SlotSize{CPUs: 4, Memory: 1 << 20, Each: each}, 1},
	} {
		if got := NewSlots(c.size).free; got != c.want {
			t.Errorf("%+v: %d slots, want %d", c.size, got, c.want)
		}
	}
	if NewSlots(SlotSize{}).free < 1 {
		t.Error("no slots by default")
	}
}

func TestSlotsRunNoMoreThanTheyHold(t *testing.T) {
	s := NewSlots(SlotSize{CPUs: 3})
	var running, most, done atomic.Int64
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			release, err := s.Acquire(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			for range 1000 {
				_ = identity.Hash("work")
			}
			running.Add(-1)
			done.Add(1)
		})
	}
	all.Wait()
	if most.Load() > 3 || done.Load() != 200 {
		t.Errorf("%d at once, %d done; want at most 3, 200", most.Load(), done.Load())
	}
	if s.free != 3 || s.waiters() != 0 {
		t.Errorf("afterwards %d free and %d waiting; want 3 and 0", s.free, s.waiters())
	}
}

func TestSlotsServeInOrder(t *testing.T) {
	s := NewSlots(SlotSize{CPUs: 1})
	release := take(t, s)
	var order []int // written under the slot, so one at a time
	var groups []*sync.WaitGroup
	for i := range 20 {
		groups = append(groups, enqueue(t, s, context.Background(), func(release func(), err error) {
			if err != nil {
				t.Error(err)
				return
			}
			order = append(order, i)
			release()
		}))
	}
	release()
	for _, g := range groups {
		g.Wait()
	}
	if len(order) != 20 {
		t.Fatalf("%d of 20 served", len(order))
	}
	for i, got := range order {
		if got != i {
			t.Fatalf("served in order %v", order)
		}
	}
}

func TestSlotsRefuseWhenTheQueueIsFull(t *testing.T) {
	s := NewSlots(SlotSize{CPUs: 1, Queue: 2})
	release := take(t, s)
	var groups []*sync.WaitGroup
	for range 2 {
		groups = append(groups, enqueue(t, s, context.Background(), func(release func(), err error) {
			if err != nil {
				t.Error(err)
				return
			}
			release()
		}))
	}
	_, err := s.Acquire(context.Background())
	var fault *identity.Fault
	if !errors.As(err, &fault) || !errors.Is(err, identity.ErrOverloaded) || fault.Code != "overloaded" {
		t.Fatalf("third in a queue of two: %v", err)
	}
	if wait, ok := identity.RetryAfter(err); !ok || wait <= 0 {
		t.Errorf("no Retry-After: %v", err)
	}
	release()
	for _, g := range groups {
		g.Wait()
	}
	take(t, s)()
}

func TestSlotsNoQueue(t *testing.T) {
	s := NewSlots(SlotSize{CPUs: 1, Queue: -1})
	release := take(t, s)
	if _, err := s.Acquire(context.Background()); !errors.Is(err, identity.ErrOverloaded) {
		t.Fatalf("got %v", err)
	}
	release()
	take(t, s)()
}

func TestSlotsLeavingTheQueue(t *testing.T) {
	s := NewSlots(SlotSize{CPUs: 1})
	release := take(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	gone := enqueue(t, s, ctx, func(_ func(), err error) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that left: %v", err)
		}
	})
	served := false
	next := enqueue(t, s, context.Background(), func(release func(), err error) {
		served = err == nil
		if served {
			release()
		}
	})
	cancel()
	gone.Wait()
	release()
	next.Wait()
	if !served || s.free != 1 {
		t.Errorf("served %v, %d free; want the next to be served and one free", served, s.free)
	}
	if _, err := s.Acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	if s.free != 1 {
		t.Error("an ended context took a slot")
	}
}

// A slot that arrives at the moment its waiter leaves must not be lost.
func TestSlotsLoseNothingToLeavers(t *testing.T) {
	s := NewSlots(SlotSize{CPUs: 2})
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			if i%2 == 0 {
				go cancel()
			}
			defer cancel()
			if release, err := s.Acquire(ctx); err == nil {
				release()
				release() // the second call gives nothing back
			}
		})
	}
	all.Wait()
	if s.free != 2 || s.waiters() != 0 {
		t.Errorf("%d free and %d waiting; want 2 and 0", s.free, s.waiters())
	}
}

func TestSlotsGiveBackASlotThatCameTooLate(t *testing.T) {
	s := NewSlots(SlotSize{CPUs: 1})
	release := take(t, s)
	turn, err := s.join()
	if err != nil {
		t.Fatal(err)
	}
	release()     // hands the slot to turn …
	s.leave(turn) // … whose owner has given up
	if s.free != 1 {
		t.Fatalf("%d free, want 1", s.free)
	}
}
