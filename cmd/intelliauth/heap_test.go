package main

import (
	"runtime"
	"runtime/debug"
	gauges "runtime/metrics"
	"testing"
	"time"
)

func TestSpareHeapIsSpareOnlyWhileLittleLives(t *testing.T) {
	const mb = 1 << 20
	for _, test := range []struct {
		live, peak uint64
		want       int
	}{
		{0, 0, 800},               // as the runtime counts: 4 MB, and 32 MB over it
		{8 * mb, 8 * mb, 400},     // 32 MB over it
		{40 * mb, 40 * mb, 300},   // two hashes at work
		{20 * mb, 40 * mb, 700},   // one, where two were a moment ago: the same goal
		{64 * mb, 64 * mb, 200},   // 128 MB over it
		{800 * mb, 800 * mb, 100}, // Go's own rule
	} {
		if got := percentFor(test.live, test.peak); got != test.want {
			t.Errorf("%d MB live of %d: %d %%, want %d", test.live/mb, test.peak/mb, got, test.want)
		}
	}
}

func gcPercent() uint64 {
	s := []gauges.Sample{{Name: "/gc/gogc:percent"}}
	gauges.Read(s)
	return s[0].Value.Uint64()
}

// What lives is looked at again after every collection, and what the operator
// said is left alone.
func TestSpareHeapFollowsWhatLives(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	said := map[string]string{"GOMEMLIMIT": "64MiB"}
	m := &Main{Env: func(name string) (string, bool) { v, ok := said[name]; return v, ok }}
	defer m.spare()()
	if got := gcPercent(); got != 100 {
		t.Errorf("%d %% against the operator's GOMEMLIMIT", got)
	}
	delete(said, "GOMEMLIMIT")
	runtime.GC() // so that only what lives now is counted
	stop := m.spare()
	little := gcPercent()
	if little <= 300 {
		t.Fatalf("%d %% while little lives", little)
	}
	much := make([]byte, 64<<20)
	for until := time.Now().Add(20 * time.Second); gcPercent() > 200; runtime.GC() {
		if time.Now().After(until) {
			t.Fatalf("%d %% while 64 MB live", gcPercent())
		}
	}
	runtime.KeepAlive(much)
	stop()
	if got := gcPercent(); got != 100 {
		t.Errorf("%d %% after the end", got)
	}
}
