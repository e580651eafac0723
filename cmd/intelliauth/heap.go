package main

import (
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"sync"
)

// spareHeap is how much garbage may gather, in bytes, before it is collected.
// What lives here is small (some 8 MB), and Go collects whenever the heap has
// doubled: at thousands of requests a second that is a tenth of all CPU, spent
// to save these few megabytes.
const spareHeap = 32 << 20

// spare makes Go's collector wait for spareHeap until stop is called, unless the
// operator told it by GOGC or GOMEMLIMIT what to do.
func (m *Main) spare() (stop func()) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if value, ok := m.Env(name); ok && value != "" {
			return func() {}
		}
	}
	h := &heap{percent: 100, live: []gauges.Sample{{Name: "/gc/heap/live:bytes"}}}
	h.adjust()
	h.watch()
	return h.stop
}

// heap follows what lives on the heap.
type heap struct {
	mu      sync.Mutex
	over    bool
	percent int
	live    []gauges.Sample
}

// watch adjusts after every collection: an object that nobody holds is finalized
// then, and the next one takes its place.
func (h *heap) watch() {
	type sentinel struct{ _ *heap } // holds a pointer, so that it is alone in its block
	runtime.SetFinalizer(&sentinel{h}, func(*sentinel) {
		if h.adjust() {
			h.watch()
		}
	})
}

// stop gives the collector its own rule back.
func (h *heap) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	debug.SetGCPercent(100)
}

// adjust sets the percentage by which the heap may grow over what lives. It
// reports whether to go on.
func (h *heap) adjust() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return false
	}
	gauges.Read(h.live)
	if h.live[0].Value.Kind() != gauges.KindUint64 {
		return false // a runtime without it keeps its own rule
	}
	percent := percentFor(h.live[0].Value.Uint64())
	// Setting it stops the world for a moment: not for a few percent.
	if change := percent - h.percent; change > h.percent/8 || -change > h.percent/8 {
		h.percent = percent
		debug.SetGCPercent(percent)
	}
	return true
}

// percentFor gives small heaps spareHeap and large ones, which are of passwords
// being hashed, twice what lives: two hashes are then not yet a reason to collect.
func percentFor(live uint64) int {
	const least = 4 << 20 // the runtime counts no less
	return max(200, int(100*spareHeap/max(live, least)))
}
