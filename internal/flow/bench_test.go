package flow

import (
	"syscall"
	"testing"
	"time"
)

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSignIn is a whole password sign-in through the engine on a store in
// memory: begin, identify, answer, redeem; no hash, no signature, no HTTP.
func BenchmarkSignIn(b *testing.B) {
	w := newWorld(b, `{}`)
	before := cpu(b)
	for b.Loop() {
		p := w.browser()
		id := p.begin().FlowID
		p.identify(id, "ada@example.com")
		w.redeem(p.post(id, Post{Prompt: "p1", Value: "ada word"}).Answer)
		w.pass(time.Second)
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}
