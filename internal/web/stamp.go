package web

import (
	"strconv"
	"time"

	"github.com/intelliauth/intelliauth/internal/messages"
)

// stamp is a sentence with a moment in it, which a page marks up as a time with
// its zone (HTML, "the time element").
type stamp struct{ Before, Moment, After, Machine string }

// stamp words a sentence that has a place {moment}.
func (v visit) stamp(k messages.Key, t time.Time, places ...string) stamp {
	before, at, after := v.Timed(k, t.UTC(), places...)
	return stamp{Before: before, Moment: at.Human, After: after, Machine: at.Machine}
}

// moment is a moment alone.
func (v visit) moment(t time.Time) stamp {
	at := v.Instant(t.UTC())
	return stamp{Moment: at.Human, Machine: at.Machine}
}

// left counts down to a moment, in whole days and then in whole hours.
func (v visit) left(until time.Time) string {
	switch left := until.Sub(v.now); {
	case left >= 48*time.Hour:
		return v.Text(messages.StepLeftDays, "number", strconv.Itoa(int(left/(24*time.Hour))))
	case left >= 2*time.Hour:
		return v.Text(messages.StepLeftHours, "number", strconv.Itoa(int(left/time.Hour)))
	}
	return v.Text(messages.StepLeftLittle)
}

// ending tells until when a flow waits, and lets it wait longer.
type ending struct {
	Until   stamp
	Seconds int    // left, for a script that knows no clock but its own
	Soon    string // said when little is left
	Over    string // said when nothing is
	Again   link   // the way on then
	Extend  string
}

func (v visit) ending(until time.Time, again string) *ending {
	return &ending{
		Until: v.stamp(messages.StepEnds, until), Seconds: max(0, int(until.Sub(v.now)/time.Second)),
		Soon: v.Text(messages.StepEndsSoon), Over: v.Text(messages.StepEnded), Again: link{again, v.Text(messages.StepAgain)},
		Extend: v.Text(messages.StepExtend),
	}
}
