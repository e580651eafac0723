package messages

import (
	"strconv"
	"strings"
	"time"
)

// Instant is a time as a page shows it: Machine for the attribute datetime of
// <time>, with its offset (RFC 3339), and Human between the tags.
type Instant struct{ Machine, Human string }

// Instant writes a time for both, in the zone that it is in.
func (c Catalogue) Instant(t time.Time) Instant {
	return Instant{Machine: t.Format(time.RFC3339), Human: c.Moment(t)}
}

// Timed is Text for a text with the place {moment}, parted around it so that
// the moment can be marked up. Without that place at.Human is empty.
func (c Catalogue) Timed(k Key, t time.Time, places ...string) (before string, at Instant, after string) {
	text, ok := c.find(k)
	if !ok {
		return string(k), Instant{}, ""
	}
	before, after, ok = strings.Cut(text, "{moment}")
	if ok {
		at = c.Instant(t)
	}
	return c.fill(before, places), at, c.fill(after, places)
}

// Moment writes a time with its zone.
func (c Catalogue) Moment(t time.Time) string {
	return c.Text(Moment, "day", strconv.Itoa(t.Day()), "month", c.lang.months[t.Month()-1],
		"year", strconv.Itoa(t.Year()), "time", t.Format("15:04"), "zone", zone(t))
}

// zone names the zone of a time. Where it has no letters it goes by its offset.
func zone(t time.Time) string {
	name, offset := t.Zone()
	if strings.Trim(name, "+-0123456789") != "" {
		return name
	}
	if offset == 0 {
		return "UTC"
	}
	return "UTC" + t.Format("-07:00")
}
