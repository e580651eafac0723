package deliver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// TestH54_OutageBlocksNobodyElse: while a tenant's SMS hang, its mail and the
// messages of others go out.
func TestH54_OutageBlocksNobodyElse(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	sms := w.sender("acme", identity.ChannelSMS, "twilio", func(context.Context, Parcel) error { <-release; return nil })
	mail := w.sender("acme", identity.ChannelEmail, "smtp", nil)
	other := w.sender("other", identity.ChannelSMS, "twilio", nil)
	for i := range 100 {
		w.put("acme", fmt.Sprintf("msg_%02d", i), identity.ChannelSMS)
	}
	w.put("acme", "msg_mail", identity.ChannelEmail)
	w.put("other", "msg_other", identity.ChannelSMS)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.worker.Run(ctx) })
	eventually(t, func() bool { return len(mail.ids()) == 1 && len(other.ids()) == 1 })
	if n := sms.tries(); n == 0 || n > mostOfChannel {
		t.Errorf("%d under way at once", n)
	}
	close(release)
	w.clock.add(putBackFor)
	eventually(t, func() bool { return len(sms.ids()) == 100 })
	cancel()
	running.Wait()
	if sms.tries() != 100 {
		t.Errorf("%d tries", sms.tries())
	}
}

// Run finishes what it has begun, and begins nothing more.
func TestRunStopsGracefully(t *testing.T) {
	w := newWorld(t)
	begun, release := make(chan struct{}, 9), make(chan struct{})
	mail := w.sender("acme", identity.ChannelEmail, "smtp", func(ctx context.Context, _ Parcel) error {
		begun <- struct{}{}
		<-release
		return ctx.Err()
	})
	w.put("acme", "msg_1", identity.ChannelEmail)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.worker.Run(ctx) }()
	<-begun
	cancel()
	w.put("acme", "msg_2", identity.ChannelEmail)
	select {
	case <-done:
		t.Error("it left a message behind")
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	<-done
	if m := w.message("acme", "msg_1"); m.SentAt == nil || fmt.Sprint(mail.ids()) != "[msg_1]" {
		t.Errorf("%+v %v", m, mail.ids())
	}
}

// A signal wakes the worker; it does not wait for its round of asking.
func TestWakeIsHeard(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.worker.Run(ctx) }()
	eventually(t, func() bool { return len(w.wake) == 0 })
	for i := range 5 {
		w.put("acme", fmt.Sprint("msg_", i), identity.ChannelEmail)
		w.wake <- struct{}{}
		eventually(t, func() bool { return len(mail.ids()) == i+1 })
	}
	cancel()
	<-done
}

// broken is a store that does not answer for a while.
type broken struct {
	*store.Store
	mu    sync.Mutex
	fails int
}

func (b *broken) DueTenants(ctx context.Context, now time.Time) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails > 0 {
		b.fails--
		return nil, errors.New("the database is away")
	}
	return b.Store.DueTenants(ctx, now)
}

// TestH53_StoreOutageIsSurvived.
func TestH53_StoreOutageIsSurvived(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", nil)
	w.put("acme", "msg_1", identity.ChannelEmail)
	w.worker.Due = &broken{Store: w.store, fails: 2}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.worker.Run(ctx) }()
	for range 2 {
		w.wake <- struct{}{}
	}
	eventually(t, func() bool { return len(w.wake) == 0 })
	w.wake <- struct{}{}
	eventually(t, func() bool { return len(mail.ids()) == 1 })
	cancel()
	<-done
	if !strings.Contains(w.log.String(), "the outbox cannot be read") {
		t.Error(w.log.String())
	}
}

// What can never be sent is given up at once, and says why.
func TestWhatCannotBeSentIsGivenUp(t *testing.T) {
	w := newWorld(t)
	mail := w.sender("acme", identity.ChannelEmail, "smtp", nil)
	w.put("acme", "msg_sms", identity.ChannelSMS)
	w.put("acme", "msg_kind", identity.ChannelEmail, func(m *identity.Message) { m.Kind = "no.such" })
	w.sender("other", identity.ChannelEmail, "smtp", nil)
	w.put("other", "msg_off", identity.ChannelEmail)
	off := identity.Tenant{ID: "other", Issuer: "https://other.test", Name: "other", Disabled: true}
	w.must(w.store.PutTenant(t.Context(), off))
	w.round()
	for id, want := range map[string]string{"msg_sms": "nothing is set up to send it", "msg_kind": "there are no words for its kind"} {
		if m := w.message("acme", id); m.DeadAt == nil || m.Trouble != want {
			t.Errorf("%s: %+v", id, m)
		}
	}
	if m := w.message("other", "msg_off"); m.DeadAt == nil || mail.tries() != 0 {
		t.Errorf("%+v", m)
	}
	if n := len(w.events("acme")); n != 2 {
		t.Errorf("%d events", n)
	}
}

// A sender that panics fails its message and nothing else.
func TestSenderThatPanics(t *testing.T) {
	w := newWorld(t)
	w.sender("acme", identity.ChannelEmail, "smtp", func(_ context.Context, p Parcel) error { panic(p.Text) })
	second := w.sender("acme", identity.ChannelEmail, "backup", nil)
	w.put("acme", "msg_1", identity.ChannelEmail)
	w.round()
	if fmt.Sprint(second.ids()) != "[msg_1]" || strings.Contains(w.log.String(), "482913") {
		t.Error(second.ids(), w.log.String())
	}
}

// TestH43_NothingTellsWhoOrWhat: neither logs nor events nor what is kept of a
// failure hold an address, a number, a name, a text or a code (O-12), however
// talkative a sender's error is.
func TestH43_NothingTellsWhoOrWhat(t *testing.T) {
	w := newWorld(t)
	talkative := []func(context.Context, Parcel) error{
		down, never,
		func(_ context.Context, p Parcel) error { return fmt.Errorf("cannot reach %s with %s", p.To, p.Text) },
		func(_ context.Context, p Parcel) error {
			return troubled(errors.New(p.Text), "%s", "it answered 550")
		},
		func(_ context.Context, p Parcel) error { panic(p) },
	}
	for i, do := range talkative {
		for _, channel := range []string{identity.ChannelEmail, identity.ChannelSMS} {
			w.senders["acme/"+channel] = nil
			w.sender("acme", channel, "s", do)
			w.put("acme", fmt.Sprintf("msg_%s%d", channel, i), channel)
		}
		w.round()
		w.clock.add(30 * time.Minute)
		w.round()
	}
	var kept strings.Builder
	w.must(w.store.View(t.Context(), "acme", func(tx identity.Tx) error {
		list, err := tx.Outbox.List(t.Context(), 100)
		for _, m := range list {
			kept.WriteString(m.Trouble + "\n")
		}
		return err
	}))
	all := w.log.String() + kept.String() + fmt.Sprintf("%+v", w.events("acme"))
	if len(w.events("acme")) < 6 || !strings.Contains(all, "it answered 550") || strings.Count(w.log.String(), "a message was not sent") < 8 {
		t.Fatalf("too little happened to tell anything: %s", all)
	}
	for _, secret := range []string{"ada@example.com", "4915112345678", "Ada", "482913", "Keep it", "Paris"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is told: %s", secret, all)
		}
	}
}
