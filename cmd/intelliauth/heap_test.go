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
		live uint64
		want int
	}{
		{0, 800},        // as the runtime counts: 4 MB, and 32 MB over it
		{8 * mb, 400},   // 32 MB over it
		{16 * mb, 200},  // here the two rules meet
		{40 * mb, 200},  // two hashes at work
		{800 * mb, 200}, // whatever lives, three times as much is the most
	} {
		if got := percentFor(test.live); got != test.want {
			t.Errorf("%d MB live: %d %%, want %d", test.live/mb, got, test.want)
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
	if little <= 200 {
		t.Fatalf("%d %% while little lives", little)
	}
	much := make([]byte, 64<<20)
	for until := time.Now().Add(20 * time.Second); gcPercent() != 200; runtime.GC() {
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
