package edge

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestSourcesRegainWhatTheySpent(t *testing.T) {
	c := newClock()
	s := NewSources(Rate{Every: time.Second, Burst: 3}, 100, c.now)
	spend := func(source Source, cost int, wait time.Duration) {
		t.Helper()
		if retry, ok := s.Spend(source, cost); retry != wait || ok != (wait == 0) {
			t.Errorf("spending %d: wait %v, %v; want %v", cost, retry, ok, wait)
		}
	}
	for range 3 {
		spend("a", 1, 0)
	}
	spend("a", 1, time.Second)
	spend("a", 3, 3*time.Second)
	spend("b", 1, 0)
	c.move(time.Second - 1)
	spend("a", 1, 1)
	c.move(1)
	spend("a", 1, 0)
	spend("a", 1, time.Second)
	c.move(time.Hour)
	spend("a", 3, 0) // no more than the burst was saved
	spend("a", 1, time.Second)
	c.move(time.Hour)
	spend("a", 99, 0) // counts as the burst
	spend("a", 99, 3*time.Second)
	c.move(3 * time.Second)
	spend("a", 99, 0)
}

// The bound holds whatever comes in, and the one who asked last is remembered.
func TestSourcesAreBounded(t *testing.T) {
	c := newClock()
	s := NewSources(Rate{Every: time.Hour, Burst: 1}, 160, c.now)
	for i := range 10_000 {
		source := Source(fmt.Sprint(i))
		if _, ok := s.Spend(source, 1); !ok {
			t.Fatal("a new source is refused")
		}
		if _, ok := s.Spend(source, 1); ok {
			t.Fatal("the last source is forgotten at once")
		}
	}
	kept := func() (n int) {
		for i := range s.shards {
			if len(s.shards[i].bySource) != s.shards[i].recent.Len() {
				t.Fatal("map and list disagree")
			}
			n += len(s.shards[i].bySource)
		}
		return n
	}
	if n := kept(); n > 160 || n < 100 {
		t.Errorf("%d sources kept, want close to 160", n)
	}
	c.move(2 * time.Hour)
	for i := range 32 {
		s.Spend(Source(fmt.Sprint("new", i)), 1)
	}
	for i := range s.shards {
		fresh, stale := 0, 0
		for source := range s.shards[i].bySource {
			if strings.HasPrefix(string(source), "new") {
				fresh++
			} else {
				stale++
			}
		}
		if fresh > 0 && stale > 0 {
			t.Errorf("%d sources kept although they regained everything", stale)
		}
	}
}

// Flooding with new sources does not wash away one that keeps asking.
func TestSourcesRememberWhoKeepsAsking(t *testing.T) {
	c := newClock()
	s := NewSources(Rate{Every: time.Hour, Burst: 1}, 160, c.now)
	s.Spend("busy", 1)
	for i := range 10_000 {
		s.Spend(Source(fmt.Sprint(i)), 1)
		if _, ok := s.Spend("busy", 1); ok {
			t.Fatalf("forgotten after %d others", i)
		}
	}
}

func TestSourcesHoldUnderConcurrency(t *testing.T) {
	c := newClock()
	s := NewSources(Rate{Every: time.Hour, Burst: 10}, 100, c.now)
	var mu sync.Mutex
	var wg sync.WaitGroup
	passed := 0
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, ok := s.Spend("a", 1); ok {
					mu.Lock()
					passed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if passed != 10 {
		t.Errorf("%d passed, want 10", passed)
	}
}

func TestPerSourceAnswers429(t *testing.T) {
	c := newClock()
	s := NewSources(Rate{Every: 90 * time.Second, Burst: 1}, 100, c.now)
	h := Clients(trusted(), PerSource(s, 1, http.HandlerFunc(ok)))
	ask := func(peer, forwarded string) (int, string) {
		r := request("POST", "/", "")
		r.RemoteAddr = peer
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		w := serve(h, r)
		if w.Code == 429 {
			if p := problemOf(t, w); p["code"] != "too_many_requests" {
				t.Errorf("%v", p)
			}
		}
		return w.Code, w.Header().Get("Retry-After")
	}
	if status, _ := ask("203.0.113.7:1", ""); status != 200 {
		t.Errorf("first: %d", status)
	}
	c.move(500 * time.Millisecond)
	// H-40: a new claim each time is the same source all the same.
	for i := range 5 {
		if status, retry := ask("203.0.113.7:1", "198.51.100."+strconv.Itoa(i)); status != 429 || retry != "90" {
			t.Errorf("again: %d, retry after %q", status, retry)
		}
	}
	if status, _ := ask("10.0.0.1:1", "198.51.100.9"); status != 200 {
		t.Errorf("another client behind a proxy: %d", status)
	}
}

func BenchmarkSpend(b *testing.B) {
	s := NewSources(Rate{Every: time.Nanosecond, Burst: 1000}, 100_000, time.Now)
	b.ReportAllocs()
	for b.Loop() {
		s.Spend("abcd", 1)
	}
}
