package deliver

import (
	"sync"
	"time"
)

// When a sender is taken to be down, and for how long it is then left alone.
const (
	breakAfter = 3 // failures in a row
	restFirst  = 15 * time.Second
	restLast   = 2 * time.Minute
)

// breakers remember which senders are down, so that messages for one that is
// wait in the outbox rather than in line for a connection.
type breakers struct {
	mu    sync.Mutex
	state map[Sender]*breaker
}

type breaker struct {
	failures int
	until    time.Time
	probing  bool // one message is out to see whether it is back
}

// may reports whether a sender may be tried now, else when to ask again. Whoever
// is told yes calls done.
func (b *breakers) may(s Sender, now time.Time) (bool, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := b.state[s]
	switch {
	case st == nil || st.failures < breakAfter:
		return true, time.Time{}
	case st.probing:
		return false, now.Add(requestFor)
	case now.Before(st.until):
		return false, st.until
	}
	st.probing = true
	return true, time.Time{}
}

// done tells how a try ended. A server that does not take a message shows that
// it works.
func (b *breakers) done(s Sender, now time.Time, worked bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if worked {
		delete(b.state, s)
		return
	}
	st := b.state[s]
	if st == nil {
		st = &breaker{}
		b.state[s] = st
	}
	st.failures++
	st.probing = false
	if n := st.failures - breakAfter; n >= 0 {
		st.until = now.Add(min(restFirst<<min(n, 10), restLast))
	}
}
