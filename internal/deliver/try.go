package deliver

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	triesMail = 24 // with hours between the last ones
	triesSMS  = 5  // each may cost money, and may have arrived
	// An application that is down for longer will ask for tokens, and get none.
	triesLogout = 8
	sendFor     = 30 * time.Second

	backoffFirst = 2 * time.Second
	backoffLast  = time.Hour
	lifeDefault  = 24 * time.Hour // of a message that does not say
)

// handle tries to send one message and settles it. A failure that comes after
// the lease is kept to itself: somebody else may have the message by then.
func (w *Worker) handle(ctx context.Context, t identity.Tenant, m identity.Message, until time.Time) {
	trying, cancel := context.WithTimeout(ctx, tryFor)
	d, result := w.try(trying, t, m)
	cancel()
	w.Counted(m.Channel, result)
	if !d.Sent && !w.Now().Before(until) {
		return
	}
	ctx, cancel = context.WithTimeout(ctx, settleFor)
	defer cancel()
	err := w.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		if err := tx.Outbox.Settle(ctx, m.ID, d); err != nil || !d.Dead {
			return err
		}
		return tx.Events.Append(ctx, w.event(m, d, result))
	})
	if err != nil && !errors.Is(err, identity.ErrConflict) {
		w.Log.WarnContext(ctx, "the result of a message could not be kept; it is tried again when its lease ends",
			"tenant", t.ID, "message", m.ID, "result", result, "error", err)
	}
}

// event tells that a message was given up, and neither to whom nor what it said.
func (w *Worker) event(m identity.Message, d identity.Delivery, result string) identity.Event {
	return identity.Event{
		ID: w.NewID("evt"), At: w.Now().UTC(), Type: identity.EventSendFailed, Outcome: identity.Failed, User: m.User, Actor: "system",
		Reasons: []string{result},
		Data:    map[string]string{"message": m.ID, "kind": m.Kind, "channel": m.Channel, "tries": strconv.Itoa(m.Attempts), "trouble": d.Trouble},
	}
}

// try decides what becomes of a claimed message.
func (w *Worker) try(ctx context.Context, t identity.Tenant, m identity.Message) (identity.Delivery, string) {
	over := m.Expires
	if over.IsZero() {
		over = m.At.Add(lifeDefault)
	}
	if !w.Now().Before(over) {
		return w.giveUp(ctx, t, m, ResultExpired, "it would have come too late")
	}
	if m.Attempts > triesOf(m.Channel) { // a worker died in each of them
		return w.giveUp(ctx, t, m, ResultDead, "it never came to an end")
	}
	senders := w.Senders(t.ID, m.Channel)
	if t.Disabled || len(senders) == 0 {
		return w.giveUp(ctx, t, m, ResultDead, "nothing is set up to send it")
	}
	p := Parcel{ID: m.ID, Tenant: t, Kind: m.Kind, Channel: m.Channel, To: m.To, Code: m.Code, Args: m.Args, Expires: over}
	if m.Channel != identity.ChannelLogout { // which speaks to no person
		words, err := Render(w.Words, t, m)
		if err != nil {
			return w.giveUp(ctx, t, m, ResultDead, err.Error())
		}
		p.Rendered = words
	}
	a := w.attempt(ctx, senders, p)
	switch {
	case a.sent:
		return identity.Delivery{Sent: true}, ResultSent
	case !a.tried && a.again.IsZero():
		return w.giveUp(ctx, t, m, ResultExpired, "it would have come too late")
	case !a.tried:
		return w.later(ctx, t, m, identity.Delivery{Untried: true, Again: a.again, Trouble: "its sender is down"}, over)
	case a.refused:
		return w.giveUp(ctx, t, m, ResultDead, a.trouble)
	case m.Attempts >= triesOf(m.Channel):
		return w.giveUp(ctx, t, m, ResultDead, "tried too often; at last, "+a.trouble)
	}
	return w.later(ctx, t, m, identity.Delivery{Again: w.Now().Add(backoff(m.Attempts, w.Jitter())), Trouble: a.trouble}, over)
}

// attempted is what came of going through the senders.
type attempted struct {
	sent, tried bool
	refused     bool // by all of them, for good
	trouble     string
	again       time.Time // when the first one that was left alone may be asked
}

// attempt goes through the senders until one takes the message.
func (w *Worker) attempt(ctx context.Context, senders []Sender, p Parcel) attempted {
	a := attempted{refused: true}
	for _, s := range senders {
		now := w.Now()
		if !now.Before(p.Expires) {
			a.refused = false
			break
		}
		ok, again := w.breakers.may(s, now)
		if !ok {
			a.refused = false
			if a.again.IsZero() || again.Before(a.again) {
				a.again = again
			}
			continue
		}
		a.tried = true
		err := send(ctx, s, p)
		var f *Failure
		told := errors.As(err, &f)
		w.breakers.done(s, w.Now(), err == nil || told && f.Works)
		if err == nil {
			a.sent = true
			return a
		}
		a.refused = a.refused && told && f.Refused
		a.trouble = s.Name() + ": " + troubleOf(err)
		w.Log.WarnContext(ctx, "a message was not sent", "tenant", p.Tenant.ID, "message", p.ID, "channel", p.Channel,
			"sender", s.Name(), "trouble", troubleOf(err))
	}
	return a
}

// send bounds a sender's time, and turns a panic of it into a failure of this
// message.
func send(ctx context.Context, s Sender, p Parcel) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = troubled(nil, "the sender broke")
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	return s.Send(ctx, p)
}

// later puts a message off, unless it would then be too late.
func (w *Worker) later(ctx context.Context, t identity.Tenant, m identity.Message, d identity.Delivery, over time.Time) (identity.Delivery, string) {
	if !d.Again.Before(over) {
		return w.giveUp(ctx, t, m, ResultExpired, "it would have come too late; "+d.Trouble)
	}
	if d.Untried {
		return d, ResultHeld
	}
	return d, ResultRetried
}

func (w *Worker) giveUp(ctx context.Context, t identity.Tenant, m identity.Message, result, trouble string) (identity.Delivery, string) {
	w.Log.WarnContext(ctx, "a message was given up", "tenant", t.ID, "message", m.ID, "channel", m.Channel, "tries", m.Attempts, "trouble", trouble)
	return identity.Delivery{Dead: true, Trouble: fmt.Sprintf("%.*s", maxTrouble, trouble)}, result
}

func triesOf(channel string) int {
	switch channel {
	case identity.ChannelSMS:
		return triesSMS
	case identity.ChannelLogout:
		return triesLogout
	}
	return triesMail
}

// backoff is how long to wait after the n-th try: four times as long each time,
// up to an hour, give or take a quarter.
func backoff(n int, jitter float64) time.Duration {
	d := backoffLast
	if n < 7 {
		d = min(backoffFirst<<(2*max(n-1, 0)), backoffLast)
	}
	return d*3/4 + time.Duration(float64(d)/2*jitter)
}
