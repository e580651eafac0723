package flow

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	defaultQueue = 512
	slotRetry    = 5 * time.Second // about what a full queue takes to drain
)

// SlotSize says how many heavy operations may run at once. Each holds its
// memory for as long as it runs: more of them than CPUs finish no sooner, and
// more than memory holds would make the machine swap.
type SlotSize struct {
	Memory int64 // budget in bytes for all slots together; 0 means no bound but CPUs
	Each   int64 // bytes that one operation takes
	CPUs   int   // default GOMAXPROCS
	Queue  int   // callers that may wait; default 512, negative for none
}

// Slots is a semaphore with a bounded queue, first come, first served. It is
// safe for concurrent use.
type Slots struct {
	mu      sync.Mutex
	free    int
	queue   int
	waiting []chan struct{} // closed when its owner holds a slot
}

// NewSlots makes as many slots as there are CPUs, or fewer if memory is short,
// but never none.
func NewSlots(size SlotSize) *Slots {
	if size.CPUs <= 0 {
		size.CPUs = runtime.GOMAXPROCS(0)
	}
	if size.Queue == 0 {
		size.Queue = defaultQueue
	}
	n := int64(size.CPUs)
	if size.Memory > 0 && size.Each > 0 {
		n = min(n, size.Memory/size.Each)
	}
	return &Slots{free: int(max(1, n)), queue: max(0, size.Queue)}
}

// Acquire waits for a slot and returns what gives it back; calling that again
// does nothing. It answers an overloaded [identity.Fault] at once when the queue
// is full, and the context's error if that ends first.
func (s *Slots) Acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	turn, err := s.join()
	if err != nil {
		return nil, err
	}
	select {
	case <-turn:
		return sync.OnceFunc(s.release), nil
	case <-ctx.Done():
		s.leave(turn)
		return nil, ctx.Err()
	}
}

// Load tells, for metrics, how many slots are free and how many callers wait.
func (s *Slots) Load() (free, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free, len(s.waiting)
}

// join takes a slot or a place in the queue.
func (s *Slots) join() (chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	turn := make(chan struct{})
	switch {
	case s.free > 0: // then nobody waits: release hands slots on
		s.free--
		close(turn)
	case len(s.waiting) >= s.queue:
		return nil, &identity.Fault{
			Kind: identity.ErrOverloaded, Code: "overloaded",
			Message: "too many sign-ins at once; try again in a few seconds", Retry: slotRetry,
		}
	default:
		s.waiting = append(s.waiting, turn)
	}
	return turn, nil
}

// leave gives up a place in the queue, or the slot that came in the meantime.
func (s *Slots) leave(turn chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		return
	}
	s.pass()
}

func (s *Slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass()
}

// pass hands a slot to whoever has waited longest.
func (s *Slots) pass() {
	if len(s.waiting) == 0 {
		s.free++
		return
	}
	next := s.waiting[0]
	s.waiting = slices.Delete(s.waiting, 0, 1)
	close(next)
}
