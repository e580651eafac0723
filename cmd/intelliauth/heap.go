package main

import (
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"sync"
)

// Garbage gathers before it is collected, and Go collects whenever the heap has
// doubled. What lives here is small, a few MB: at thousands of requests a second
// that rule takes a tenth of all CPU to save these few megabytes. While passwords
// are hashed, 19 MiB each, it collects after every second one.
const (
	spareHeap = 32 << 20  // bytes of garbage that may always gather
	mostSpare = 128 << 20 // and how many where less than this lives
)

// spare makes Go's collector wait for more garbage until stop is called, unless the
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
	peak    uint64 // the most that lived lately: it falls by a sixteenth at each collection
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
	live := h.live[0].Value.Uint64()
	h.peak = max(live, h.peak-h.peak/16)
	percent := percentFor(live, h.peak)
	// Setting it stops the world for a moment: not for a few percent.
	if change := percent - h.percent; change > h.percent/8 || -change > h.percent/8 {
		h.percent = percent
		debug.SetGCPercent(percent)
	}
	return true
}

// percentFor lets three times as much gather as lived lately, within spareHeap
// and mostSpare, and never less than by Go's own rule. It goes by what lived
// lately since a collection may come between two hashes: from a heap that shrinks
// for a moment Go returns memory to the system, and each page that is taken back
// costs more than hashing it.
func percentFor(live, peak uint64) int {
	const least = 4 << 20 // the runtime counts no less
	live, peak = max(live, least), max(peak, least)
	goal := peak + max(spareHeap, min(3*peak, mostSpare), peak)
	return int(100 * (goal - live) / live)
}
