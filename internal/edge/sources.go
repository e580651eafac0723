package edge

import (
	"container/list"
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Source is where requests come from, as limits count it: an IPv4 address, or
// the /64 of an IPv6 address, which one subscriber has to itself.
type Source string

// SourceOf returns the source of an address. Addresses that are not valid (Unix
// sockets) share one.
func SourceOf(addr netip.Addr) Source {
	addr = addr.Unmap()
	b := addr.AsSlice()
	return Source(b[:min(len(b), 8)])
}

// Rate is how often a source may ask.
type Rate struct {
	Every time.Duration // one unit of cost is regained in this time
	Burst int           // units that may be spent at once
}

const shards = 16

// Sources limits sources by the generic cell rate algorithm, in memory. It keeps
// a bounded number of them and forgets the one not seen for longest; a forgotten
// source starts anew. It is safe for concurrent use.
type Sources struct {
	rate   Rate
	now    func() time.Time
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu       sync.Mutex
	capacity int
	bySource map[Source]*list.Element
	recent   list.List // of account, the last seen in front
}

// account says when a source will have regained all that it spent.
type account struct {
	source Source
	whole  time.Time
}

// NewSources keeps at most capacity sources, some 200 bytes each.
func NewSources(rate Rate, capacity int, now func() time.Time) *Sources {
	s := &Sources{rate: rate, now: now, seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].capacity = max(1, capacity/shards)
		s.shards[i].bySource = map[Source]*list.Element{}
	}
	return s
}

// Spend takes cost from what a source may spend. Where that is too little it
// takes nothing, and tells how long to wait. A cost above the burst counts as
// the burst.
func (s *Sources) Spend(source Source, cost int) (retry time.Duration, ok bool) {
	h := &s.shards[maphash.String(s.seed, string(source))%shards]
	h.mu.Lock()
	defer h.mu.Unlock()
	now := s.now()
	whole := now
	element := h.bySource[source]
	if element != nil {
		if known := element.Value.(*account).whole; known.After(now) {
			whole = known
		}
		h.recent.MoveToFront(element)
	}
	whole = whole.Add(time.Duration(min(cost, s.rate.Burst)) * s.rate.Every)
	if wait := whole.Sub(now) - time.Duration(s.rate.Burst)*s.rate.Every; wait > 0 {
		return wait, false
	}
	if element == nil {
		h.makeRoom(now)
		element = h.recent.PushFront(&account{source: source})
		h.bySource[source] = element
	}
	element.Value.(*account).whole = whole
	return 0, true
}

// makeRoom forgets sources that have regained everything, which changes
// nothing, and the one not seen for longest where that is not enough.
func (h *shard) makeRoom(now time.Time) {
	for last := h.recent.Back(); last != nil; last = h.recent.Back() {
		a := last.Value.(*account)
		if a.whole.After(now) && h.recent.Len() < h.capacity {
			return
		}
		h.recent.Remove(last)
		delete(h.bySource, a.source)
	}
}

// PerSource answers 429 with Retry-After to a source that asked too often. It
// needs [Clients] above it.
func PerSource(limiter *Sources, cost int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if retry, ok := limiter.Spend(SourceOf(ClientOf(r.Context())), cost); !ok {
			Fail(w, r, &identity.Fault{
				Kind: identity.ErrOverloaded, Code: tooManyRequests,
				Message: "Too many requests from this address.", Retry: retry,
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}
