package flow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Caps on messages (codes by mail and SMS). They are counted as guesses are, in
// days, under keyed names; a message that a cap holds back looks, from outside,
// like any other before a first proof.
const (
	sendSpacing    = 30 * time.Second // within one flow for one thing, doubling
	sendsForOne    = 4                // within one flow for one thing: the first and three more
	sendsPerFlow   = 8                // within one flow in all
	sendsTo        = 10               // to one address or number, a day
	sendsUser      = 10               // to one user from browsers unknown to them, a day; as many again from known ones
	sendsSource    = 100              // from one client address, a day
	sendsPrefix    = 50               // SMS to one range of numbers, a day
	sendsCountry   = 300              // SMS to one country, a day
	sendsDefault   = 1000             // SMS of a tenant, a day
	breakerAfter   = 20               // SMS to one range before its success is judged
	breakerPercent = 10               // of them that must have been used
)

// mayResend reports whether this flow may send a message for one thing now: 30 s
// after the first, a minute after the second, and three more in all.
func (r *run) mayResend(what string) bool {
	n := 0
	var last time.Time
	for _, s := range r.flow.Sent {
		if s.What == what {
			n, last = n+1, s.At
		}
	}
	if len(r.flow.Sent) >= sendsPerFlow || n >= sendsForOne {
		r.trouble = &ViewError{Code: codeSendLimited}
		return false
	}
	if n == 0 {
		return true
	}
	until := last.Add(sendSpacing << (n - 1))
	if r.now.Before(until) {
		r.trouble = &ViewError{Code: codeSendLimited, RetryAfter: seconds(until.Sub(r.now).Seconds())}
		return false
	}
	return true
}

// what is the one thing that a challenge's messages are for.
func (c Challenge) what() string {
	if c.Enrolling {
		return c.Factor + " to enrol"
	}
	return c.Factor + " " + c.Purpose
}

// sendAll puts the messages of a challenge into the outbox. Where there is
// nobody to send to, a message to nobody is put there: the same work.
func (r *run) sendAll(c *Challenge) error {
	r.flow.Sent = append(slices.Clone(r.flow.Sent), Sending{What: c.what(), At: r.now})
	messages := c.Challenge.Send
	c.Challenge.Send = nil
	if len(messages) == 0 {
		messages = []identity.Message{{Kind: identity.MessageCode, Channel: identity.ChannelEmail}}
	}
	for _, m := range messages {
		c.Prefix = m.Prefix
		allowed, err := r.countSend(m)
		if err != nil {
			return err
		}
		if !allowed {
			m.To, m.Code = "", ""
		}
		if err := r.put(m); err != nil {
			return err
		}
		ev := identity.Event{Type: identity.EventTicketSent, Outcome: identity.Succeeded, Factor: c.Factor, Reasons: []string{m.Kind}}
		if !allowed {
			ev.Type, ev.Outcome = identity.EventSendRefused, identity.Refused
			if len(r.flow.Proofs) > 0 {
				r.trouble = &ViewError{Code: codeSendLimited}
			}
		}
		if err := r.record(ev); err != nil {
			return err
		}
	}
	return nil
}

// put fills in what every message has and puts it into the outbox. One without
// an address is spent from the start.
func (r *run) put(m identity.Message) error {
	m.ID, m.At = identity.NewID("msg", r.now, r.e.Random), r.now
	if m.Args == nil {
		m.Args = map[string]string{}
	}
	m.Args["at"] = r.now.Format(time.RFC3339)
	if r.user != nil && m.To != "" {
		m.User, m.Name = r.user.ID, r.user.Name
	}
	if m.Locale == "" {
		m.Locale = r.locale()
	}
	if m.To == "" {
		m.DeadAt = &r.now
	}
	return r.tx.Outbox.Put(r.ctx, m)
}

// cap is one count that a message adds to.
type sendCap struct {
	name  string
	limit int64
}

// caps lists the counts that a message adds to. Before a first proof they hang
// on what was typed, whether or not it is anybody's.
func (r *run) caps(m identity.Message) []sendCap {
	to := m.To
	if to == "" {
		to = r.flow.Canonical
	}
	place := "unknown"
	if r.device != nil {
		place = "known"
	}
	who := r.flow.Canonical
	if r.user != nil {
		who = r.user.Identifier
	}
	out := []sendCap{
		{"to\x00" + to, sendsTo}, {"user\x00" + place + "\x00" + who, sendsUser}, {"from\x00" + r.addr(), sendsSource},
	}
	if m.Channel == identity.ChannelSMS {
		limit := int64(sendsDefault)
		if r.tenant.SMSPerDay > 0 {
			limit = int64(r.tenant.SMSPerDay)
		}
		out = append(out, sendCap{"prefix\x00" + m.Prefix, sendsPrefix}, sendCap{"country\x00" + m.Country, sendsCountry}, sendCap{"sms", limit})
	}
	return out
}

// countSend counts a message against every cap, and tells whether all allow it.
func (r *run) countSend(m identity.Message) (bool, error) {
	caps := r.caps(m)
	counts := make([]identity.Lane, len(caps))
	for i, c := range caps {
		lane, err := r.count(c.name)
		if err != nil {
			return false, err
		}
		if today(lane, r.now) >= c.limit {
			return false, nil
		}
		counts[i] = lane
	}
	if m.Channel == identity.ChannelSMS {
		broken, err := r.broken(m.Prefix)
		if err != nil || broken {
			return false, err
		}
	}
	for _, lane := range counts {
		if err := r.tx.Lanes.Save(r.ctx, plusOne(lane, r.now)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// broken reports whether too few codes to a range of numbers ever came back:
// that is what pumping looks like.
func (r *run) broken(prefix string) (bool, error) {
	sent, err := r.count("prefix\x00" + prefix)
	if err != nil {
		return false, err
	}
	used, err := r.count("used\x00" + prefix)
	if err != nil {
		return false, err
	}
	n := today(sent, r.now)
	return n >= breakerAfter && today(used, r.now)*100 < n*breakerPercent, nil
}

// converted notes that a code that was sent by SMS came back.
func (r *run) converted(c Challenge) error {
	if c.Prefix == "" {
		return nil
	}
	lane, err := r.count("used\x00" + c.Prefix)
	if err != nil {
		return err
	}
	return r.tx.Lanes.Save(r.ctx, plusOne(lane, r.now))
}

// count loads one count. Its name is kept as a keyed hash: no number or address
// stands in the table.
func (r *run) count(name string) (identity.Lane, error) {
	mac := hmac.New(sha256.New, r.index)
	mac.Write([]byte("send\x00" + r.tenant.ID + "\x00" + name))
	subject := "snd_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	lanes, err := r.tx.Lanes.Load(r.ctx, subject)
	if err != nil || len(lanes) == 0 {
		return identity.Lane{Subject: subject, Name: "sent"}, err
	}
	return lanes[0], nil
}

// today is what a count holds of the last 24 hours, to the day: yesterday's
// share counts as long as its hours do.
func today(lane identity.Lane, now time.Time) int64 {
	var n int64
	left := 24 - now.UTC().Hour() // hours of yesterday that are less than a day ago
	for _, d := range lane.Days {
		switch d.Day {
		case day(now):
			n += d.Mass
		case day(now) - 1:
			n += d.Mass * int64(left) / 24
		}
	}
	return n
}

func plusOne(lane identity.Lane, now time.Time) identity.Lane {
	var days []identity.DayMass
	for _, d := range lane.Days {
		if d.Day >= day(now)-1 {
			days = append(days, d)
		}
	}
	if n := len(days); n > 0 && days[n-1].Day == day(now) {
		days[n-1].Mass++
	} else {
		days = append(days, identity.DayMass{Day: day(now), Mass: 1})
	}
	lane.Days, lane.LastFail = days, now
	return lane
}
