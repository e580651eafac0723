package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestWorkerSends(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", nil)
	sms := w.sender("acme", identity.ChannelSMS, "twilio", nil)
	other := w.sender("other", identity.ChannelEmail, "smtp", nil)
	w.put("acme", "msg_1", identity.ChannelEmail)
	w.put("acme", "msg_2", identity.ChannelSMS)
	w.put("other", "msg_3", identity.ChannelEmail)
	w.put("acme", "msg_4", identity.ChannelEmail, func(m *identity.Message) { m.DeadAt = &m.At; m.To = "" }) // to nobody
	w.put("acme", "msg_5", identity.ChannelEmail, func(m *identity.Message) { m.NextAt = noon.Add(time.Minute) })
	w.round()
	if fmt.Sprint(mail.ids(), sms.ids(), other.ids()) != "[msg_1] [msg_2] [msg_3]" {
		t.Error(mail.ids(), sms.ids(), other.ids())
	}
	p := mail.sent[0]
	if p.To != "ada@example.com" || p.Kind != identity.MessageCode || p.Tenant.ID != "acme" || !strings.Contains(p.Text, "482913") || p.HTML == "" || !p.Expires.Equal(noon.Add(10*time.Minute)) {
		t.Errorf("%+v", p)
	}
	if p := sms.sent[0]; !strings.HasSuffix(p.Text, "\n@acme.test #482913") || p.To != "+4915112345678" {
		t.Errorf("%+v", p)
	}
	if m := w.message("acme", "msg_1"); m.SentAt == nil || !m.SentAt.Equal(noon) || m.Attempts != 1 {
		t.Errorf("%+v", m)
	}
	w.counted(map[string]int{"email sent": 2, "sms sent": 1})
	w.clock.add(time.Minute)
	w.round()
	if fmt.Sprint(mail.ids()) != "[msg_1 msg_5]" || len(w.events("acme")) != 0 {
		t.Error(mail.ids(), w.events("acme"))
	}
}

// Four workers on one store send two hundred messages, each once.
func TestWorkersShareWithoutDoubles(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", func(context.Context, Parcel) error { time.Sleep(time.Millisecond); return nil })
	const n = 200
	var want []string
	for i := range n {
		id := fmt.Sprintf("msg_%03d", i)
		want = append(want, id)
		w.put("acme", id, identity.ChannelEmail)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { w.another().Run(ctx) })
	}
	eventually(t, func() bool { return mail.tries() >= n && w.left("acme") == 0 })
	cancel()
	running.Wait()
	if got := mail.ids(); !slices.Equal(got, want) || mail.tries() != n {
		t.Errorf("%d sent in %d tries", len(got), mail.tries())
	}
	w.counted(map[string]int{"email sent": n})
}

// TestH51_LeaseOfADeadWorkerEnds: what a worker had claimed, or even sent, when
// it died without a word is sent once its lease ends, and not before; what was
// committed is never lost.
func TestH51_LeaseOfADeadWorkerEnds(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", nil)
	w.put("acme", "msg_1", identity.ChannelEmail)
	w.put("acme", "msg_2", identity.ChannelEmail)
	// A worker that dies: it claims, sends one of them, and settles nothing.
	w.must(w.store.Update(t.Context(), "acme", func(tx identity.Tx) error {
		got, err := tx.Outbox.Claim(t.Context(), noon, noon.Add(lease), 2)
		if len(got) != 2 {
			t.Errorf("claimed %v", got)
		}
		return err
	}))
	w.clock.add(lease - time.Microsecond)
	w.round()
	if mail.tries() != 0 {
		t.Error("sent while the lease held")
	}
	w.clock.add(time.Microsecond)
	w.round()
	if fmt.Sprint(mail.ids()) != "[msg_1 msg_2]" || w.message("acme", "msg_1").Attempts != 2 {
		t.Error(mail.ids())
	}
}

// A message in which every worker died is given up in the end.
func TestMessageThatKillsItsWorkersEnds(t *testing.T) {
	w := newWorld(t)
	sms := w.sender("acme", identity.ChannelSMS, "twilio", nil)
	w.put("acme", "msg_1", identity.ChannelSMS, lasting(24*time.Hour))
	for range triesSMS {
		w.must(w.store.Update(t.Context(), "acme", func(tx identity.Tx) error {
			_, err := tx.Outbox.Claim(t.Context(), w.clock.now(), w.clock.now().Add(lease), 1)
			return err
		}))
		w.clock.add(lease)
	}
	w.round()
	if m := w.message("acme", "msg_1"); m.DeadAt == nil || sms.tries() != 0 {
		t.Errorf("%+v, %d tries", m, sms.tries())
	}
}

// A worker whose lease has ended keeps a failure to itself: the message may be
// somebody else's by then.
func TestLateFailureChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.sender("acme", identity.ChannelEmail, "smtp", func(context.Context, Parcel) error {
		w.clock.add(lease) // while it was being sent
		return refused("it answered 550")
	})
	w.put("acme", "msg_1", identity.ChannelEmail, lasting(time.Hour))
	w.must(w.worker.round(t.Context()))
	w.worker.under.Wait()
	if m := w.message("acme", "msg_1"); m.DeadAt != nil && m.Attempts == 1 {
		t.Errorf("%+v", m)
	}
}

// An expired code is not sent, and none is kept for a time when it has expired.
func TestExpiredCodeIsNotSent(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", nil)
	w.put("acme", "msg_1", identity.ChannelEmail, lasting(time.Minute))
	w.put("acme", "msg_2", identity.ChannelEmail, func(m *identity.Message) { m.Expires = time.Time{} }) // a day
	w.clock.add(time.Minute)
	w.round()
	if fmt.Sprint(mail.ids()) != "[msg_2]" {
		t.Error(mail.ids())
	}
	if m := w.message("acme", "msg_1"); m.DeadAt == nil || m.Trouble != "it would have come too late" {
		t.Errorf("%+v", m)
	}
	w.put("acme", "msg_3", identity.ChannelEmail, func(m *identity.Message) { m.Expires = time.Time{}; m.At = m.At.Add(-24 * time.Hour) })
	mail.set(down)
	w.put("acme", "msg_4", identity.ChannelEmail, lasting(time.Second)) // the next try would be in two
	w.put("acme", "msg_5", identity.ChannelEmail, lasting(3*time.Second))
	w.round()
	for id, dead := range map[string]bool{"msg_3": true, "msg_4": true, "msg_5": false} {
		if m := w.message("acme", id); (m.DeadAt != nil) != dead {
			t.Errorf("%s: %+v", id, m)
		}
	}
	w.counted(map[string]int{"email sent": 1, "email expired": 3, "email retried": 1})
}
