package deliver

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// What fails for now is tried again, less and less often; what is refused for
// good is not.
func TestRetriesAndDeadLetters(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", down)
	w.put("acme", "msg_1", identity.ChannelEmail)
	w.round()
	w.round()
	m := w.message("acme", "msg_1")
	if m.Attempts != 1 || !m.NextAt.Equal(noon.Add(2*time.Second)) || m.Trouble != "smtp: it answered 503" || m.SentAt != nil {
		t.Errorf("%+v", m)
	}
	w.clock.add(2 * time.Second)
	w.round()
	if m := w.message("acme", "msg_1"); m.Attempts != 2 || !m.NextAt.Equal(noon.Add(10*time.Second)) {
		t.Errorf("%+v", m)
	}
	mail.set(never)
	w.clock.add(8 * time.Second)
	w.round()
	if m := w.message("acme", "msg_1"); m.DeadAt == nil || m.Attempts != 3 || m.Trouble != "smtp: it answered 550" {
		t.Errorf("%+v", m)
	}
	got := w.events("acme")
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	e := got[0]
	want := map[string]string{"message": "msg_1", "kind": "code.signin", "channel": "email", "tries": "3", "trouble": "smtp: it answered 550"}
	if e.Type != "send.failed" || e.Outcome != identity.Failed || e.User != "usr_ada" || e.Actor != "system" || !maps.Equal(e.Data, want) || e.ID == "" {
		t.Errorf("%+v", e)
	}
	w.counted(map[string]int{"email retried": 2, "email dead": 1})
}

// Text messages are given up after few tries: each may have arrived.
func TestTriesAreBounded(t *testing.T) {
	for channel, most := range map[string]int{identity.ChannelEmail: triesMail, identity.ChannelSMS: triesSMS} {
		w := newWorld(t)
		s := w.sender("acme", channel, "s", down)
		w.put("acme", "msg_1", channel, lasting(30*24*time.Hour))
		for range 200 {
			w.round()
			w.clock.add(time.Hour)
		}
		if m := w.message("acme", "msg_1"); s.tries() != most || m.DeadAt == nil || !strings.HasPrefix(m.Trouble, "tried too often") {
			t.Errorf("%s: %d tries, %+v", channel, s.tries(), m)
		}
	}
}

func TestBackoff(t *testing.T) {
	last := time.Duration(0)
	for n := range 40 {
		low, high := backoff(n, 0), backoff(n, 0.999999)
		if low < last*3/4 && n > 1 || high < low || high > backoffLast*5/4 || low < backoffFirst*3/4 {
			t.Errorf("%d: %v to %v after %v", n, low, high, last)
		}
		last = backoff(n, 0.5)
	}
	if backoff(1, 0.5) != 2*time.Second || backoff(3, 0.5) != 32*time.Second || backoff(24, 0.5) != time.Hour {
		t.Error(backoff(1, 0.5), backoff(3, 0.5), backoff(24, 0.5))
	}
}

// The next provider takes what one does not, and is not asked while the first
// one works.
func TestFailover(t *testing.T) {
	w := newWorld(t)
	first := w.sender("acme", identity.ChannelSMS, "twilio", nil)
	second := w.sender("acme", identity.ChannelSMS, "webhook", nil)
	w.put("acme", "msg_1", identity.ChannelSMS)
	w.round()
	first.set(down)
	w.put("acme", "msg_2", identity.ChannelSMS)
	w.round()
	first.set(never)
	w.put("acme", "msg_3", identity.ChannelSMS)
	w.round()
	if fmt.Sprint(first.ids(), second.ids()) != "[msg_1] [msg_2 msg_3]" {
		t.Error(first.ids(), second.ids())
	}
	// One refuses for good, the other is down: not lost yet.
	second.set(down)
	w.put("acme", "msg_4", identity.ChannelSMS)
	w.round()
	if m := w.message("acme", "msg_4"); m.DeadAt != nil || m.Attempts != 1 {
		t.Errorf("%+v", m)
	}
	second.set(never)
	w.put("acme", "msg_5", identity.ChannelSMS)
	w.round()
	if m := w.message("acme", "msg_5"); m.DeadAt == nil {
		t.Errorf("refused by all: %+v", m)
	}
}

// A sender that is down is left alone; what waits for it does not use up its
// tries, and goes out when it is back.
func TestBreaker(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", down)
	for i := range 3 {
		w.put("acme", fmt.Sprint("msg_", i), identity.ChannelEmail, lasting(time.Hour))
		w.round()
	}
	w.put("acme", "msg_late", identity.ChannelEmail, lasting(time.Hour))
	w.round()
	if m := w.message("acme", "msg_late"); mail.tries() != 3 || m.Attempts != 0 {
		t.Errorf("%d tries, %+v", mail.tries(), m)
	}
	// After its rest one message goes to see; the others wait for what it finds.
	w.clock.add(restFirst)
	w.round()
	if mail.tries() != 4 {
		t.Errorf("%d tries", mail.tries())
	}
	w.clock.add(restFirst)
	w.round()
	if mail.tries() != 4 {
		t.Errorf("%d tries: the second rest is no longer than the first", mail.tries())
	}
	mail.set(nil)
	for range 60 {
		w.clock.add(15 * time.Second)
		w.round()
	}
	if got := len(mail.ids()); got != 4 {
		t.Errorf("%d sent, %v", got, w.counts)
	}
	if len(w.events("acme")) != 0 {
		t.Error("something was given up")
	}
}

// A server that wants to see a message twice is not down: others go on to it.
func TestGreylistingIsNoOutage(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", func(_ context.Context, p Parcel) error {
		if p.ID == "msg_good" {
			return nil
		}
		return &Failure{Works: true, Trouble: "it answered 450 4.7.1"}
	})
	for i := range 5 {
		w.put("acme", fmt.Sprint("msg_", i), identity.ChannelEmail)
		w.round()
	}
	w.put("acme", "msg_good", identity.ChannelEmail)
	w.round()
	if fmt.Sprint(mail.ids()) != "[msg_good]" || w.message("acme", "msg_0").Attempts != 1 {
		t.Error(mail.ids(), w.counts)
	}
}

// A hand-over that is refused shows that the sender works.
func TestBreakerKnowsRefusals(t *testing.T) {
	b := breakers{state: map[Sender]*breaker{}}
	s := &fake{}
	for i := range 20 {
		if ok, _ := b.may(s, noon); !ok {
			t.Fatal("left alone after", i)
		}
		b.done(s, noon, true)
	}
	for range breakAfter {
		b.done(s, noon, false)
	}
	if ok, again := b.may(s, noon.Add(restFirst-1)); ok || !again.Equal(noon.Add(restFirst)) {
		t.Error(ok, again)
	}
	if ok, _ := b.may(s, noon.Add(restFirst)); !ok {
		t.Error("its rest does not end")
	}
	if ok, _ := b.may(s, noon.Add(restFirst)); ok {
		t.Error("two went to see")
	}
	for range 30 {
		b.done(s, noon, false)
	}
	if ok, _ := b.may(s, noon.Add(restLast)); !ok {
		t.Error("it rests for ever")
	}
}
