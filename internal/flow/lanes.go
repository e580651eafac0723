package flow

import (
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Guessing limits. Each attempt at a secret below 64 bits adds its chance of
// success to the subject's mass over 30 days. Browsers unknown to the user
// share one lane; each known device has its own, and all known devices share a
// bound. Together an attacker succeeds with chance 1e-4 a month at most,
// whatever the mix, and strangers can fill only the lane of strangers.
const (
	laneUnknown   = "unknown"
	laneTicket    = "ticket"   // browsers that a mailed code vouched for; counted with known devices
	unknownLimit  = 80_000_000 // 8e-5, in parts per 10^12: 40 guesses of six digits with two codes accepted
	knownLimit    = 20_000_000 // 2e-5
	laneDays      = 31         // whole days that cover any 30 x 24 hours
	freeFailures  = 5          // consecutive failures before waits begin
	firstWait     = 30 * time.Second
	longestWait   = time.Hour
	massOfCertain = 1_000_000_000_000
)

// Guess is the chance that one attempt succeeds by luck, in parts per 10^12;
// 0 for secrets of 64 bits and more.
func Guess(accepted, space int64) int64 {
	if accepted <= 0 || space <= 0 {
		return 0
	}
	return (accepted*massOfCertain + space - 1) / space
}

// Verdict says whether an attempt may be made.
type Verdict struct {
	Wait   time.Duration // 0: at once
	Closed bool          // the lane is full; Wait tells when mass falls out of the window
}

// OK reports whether the attempt may be made now.
func (v Verdict) OK() bool { return v.Wait == 0 && !v.Closed }

// Lanes is a subject's record at one moment.
type Lanes struct {
	All []identity.Lane
	Own string // lane of the browser that speaks
	Now time.Time
}

// Check tells whether an attempt of the given mass may be made in Own.
func (l Lanes) Check(mass int64) Verdict {
	if mass == 0 {
		return Verdict{}
	}
	total, limit := int64(0), int64(unknownLimit)
	if l.Own != laneUnknown {
		limit = knownLimit
	}
	oldest := int64(-1)
	for _, lane := range l.All {
		if (lane.Name == laneUnknown) != (l.Own == laneUnknown) {
			continue
		}
		for _, d := range l.live(lane.Days) {
			total += d.Mass
			if oldest < 0 || d.Day < oldest {
				oldest = d.Day
			}
		}
	}
	if total+mass > limit {
		return Verdict{Closed: true, Wait: time.Unix((oldest+laneDays)*86400, 0).Sub(l.Now)}
	}
	if until := waitUntil(l.lane()); l.Now.Before(until) {
		return Verdict{Wait: until.Sub(l.Now)}
	}
	return Verdict{}
}

// Spend returns Own with one more attempt in it, made before the response is
// judged so that parallel guesses cannot outrun the counter.
func (l Lanes) Spend(mass int64) identity.Lane {
	lane := l.lane()
	lane.Days = l.live(lane.Days)
	today := day(l.Now)
	if n := len(lane.Days); n > 0 && lane.Days[n-1].Day == today {
		lane.Days[n-1].Mass += mass
	} else {
		lane.Days = append(lane.Days, identity.DayMass{Day: today, Mass: mass})
	}
	lane.Failures++
	lane.LastFail = l.Now
	return lane
}

// Refund returns Own after an accepted response. A known device starts afresh;
// the lane of strangers only gets this one attempt back, since the others were
// somebody else's.
func (l Lanes) Refund(mass int64) identity.Lane {
	lane := l.lane()
	if lane.Name != laneUnknown {
		lane.Days, lane.Failures = nil, 0
		return lane
	}
	lane.Days = l.live(lane.Days)
	for i := len(lane.Days) - 1; i >= 0 && mass > 0; i-- {
		back := min(mass, lane.Days[i].Mass)
		lane.Days[i].Mass -= back
		mass -= back
	}
	lane.Failures = max(0, lane.Failures-1)
	return lane
}

// lane returns Own's record, made if there is none.
func (l Lanes) lane() identity.Lane {
	for _, lane := range l.All {
		if lane.Name == l.Own {
			lane.Days = slices.Clone(lane.Days)
			return lane
		}
	}
	return identity.Lane{Name: l.Own}
}

// live drops days that have left the window.
func (l Lanes) live(days []identity.DayMass) []identity.DayMass {
	var out []identity.DayMass
	for _, d := range days {
		if d.Day > day(l.Now)-laneDays {
			out = append(out, d)
		}
	}
	return out
}

// waitUntil is when a lane may be tried again: at once before the fifth
// consecutive failure, then after 30 s, doubling up to an hour.
func waitUntil(lane identity.Lane) time.Time {
	if lane.Failures < freeFailures {
		return time.Time{}
	}
	wait := longestWait
	if n := lane.Failures - freeFailures; n < 7 {
		wait = min(longestWait, firstWait<<n)
	}
	return lane.LastFail.Add(wait)
}

func day(t time.Time) int64 { return t.Unix() / 86400 }
