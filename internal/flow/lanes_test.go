package flow

import (
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// book is a subject's lanes as a store would keep them.
type book map[string]identity.Lane

func (b book) at(own string, now time.Time) Lanes {
	l := Lanes{Own: own, Now: now}
	for _, lane := range b {
		l.All = append(l.All, lane)
	}
	return l
}

func (b book) try(own string, now time.Time, mass int64) Verdict {
	l := b.at(own, now)
	v := l.Check(mass)
	if v.OK() {
		b[own] = l.Spend(mass)
	}
	return v
}

func (b book) succeed(own string, now time.Time, mass int64) { b[own] = b.at(own, now).Refund(mass) }

var laneStart = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)

// TestC10Boundaries: one below, at and above each limit.
func TestC10Boundaries(t *testing.T) {
	mass := Guess(2, 1_000_000)
	if mass != 2_000_000 {
		t.Fatalf("two codes of a million: %d", mass)
	}
	for own, want := range map[string]int{laneUnknown: 40, "dev_1": 10} {
		b, now, made := book{}, laneStart, 0
		for range 500 {
			if b.try(own, now, mass).OK() {
				made++
			}
			now = now.Add(time.Hour) // past every wait; 500 h lie within 30 days
		}
		if made != want {
			t.Errorf("%s: %d guesses were let through, want %d", own, made, want)
		}
	}
}

// TestC10MixedFactorsShareMass: the mass is over all factors and enrolments.
func TestC10MixedFactorsShareMass(t *testing.T) {
	b, now := book{}, laneStart
	var spent int64
	for i := range 600 {
		mass := []int64{Guess(2, 1_000_000), Guess(1, 1_000_000), Guess(4, 1_000_000)}[i%3]
		if b.try(laneUnknown, now, mass).OK() {
			spent += mass
		}
		now = now.Add(time.Hour)
	}
	if spent > unknownLimit || spent < unknownLimit-4_000_000 {
		t.Errorf("spent %d of %d", spent, unknownLimit)
	}
}

// TestC10KnownDevicesShareABound: ten devices are no ten budgets.
func TestC10KnownDevicesShareABound(t *testing.T) {
	b, now, made := book{}, laneStart, 0
	for i := range 100 {
		if b.try([]string{"dev_1", "dev_2", "dev_3"}[i%3], now, Guess(2, 1_000_000)).OK() {
			made++
		}
		now = now.Add(time.Hour)
	}
	if made != 10 {
		t.Errorf("%d guesses", made)
	}
}

// TestC14Waits: none before the fifth consecutive failure, then growing.
func TestC14Waits(t *testing.T) {
	b, now := book{}, laneStart
	mass := Guess(2, 1_000_000)
	for i := range 5 {
		if v := b.try(laneUnknown, now, mass); !v.OK() {
			t.Fatalf("failure %d: %+v", i+1, v)
		}
	}
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		if v := b.try(laneUnknown, now.Add(want-time.Second), mass); v.OK() || v.Closed || v.Wait != time.Second {
			t.Errorf("a second before %s: %+v", want, v)
		}
		now = now.Add(want)
		if v := b.try(laneUnknown, now, mass); !v.OK() {
			t.Errorf("after %s: %+v", want, v)
		}
	}
}

// TestC11SuccessClearsOnlyItsOwnLane: the owner's sign-in gives a stranger
// nothing back, and the stranger's guesses do not touch the owner.
func TestC11SuccessClearsOnlyItsOwnLane(t *testing.T) {
	b, now := book{}, laneStart
	mass := Guess(2, 1_000_000)
	for range 200 {
		b.try(laneUnknown, now, mass)
		now = now.Add(time.Hour)
	}
	if v := b.at(laneUnknown, now).Check(mass); !v.Closed {
		t.Fatalf("strangers' lane is open: %+v", v)
	}
	if v := b.try("dev_1", now, mass); !v.OK() {
		t.Fatalf("owner: %+v", v)
	}
	b.succeed("dev_1", now, mass)
	if v := b.at(laneUnknown, now).Check(mass); !v.Closed {
		t.Error("the owner's success opened the strangers' lane")
	}
	if lane := b["dev_1"]; len(lane.Days) != 0 || lane.Failures != 0 {
		t.Errorf("own lane was not cleared: %+v", lane)
	}
}

// TestC10WindowSlides: mass leaves after 30 days, on the day told.
func TestC10WindowSlides(t *testing.T) {
	b, now := book{}, laneStart
	mass := Guess(2, 1_000_000)
	for range 60 {
		b.try(laneUnknown, now, mass)
		now = now.Add(time.Hour)
	}
	v := b.at(laneUnknown, now).Check(mass)
	if !v.Closed || v.Wait <= 0 {
		t.Fatalf("%+v", v)
	}
	if got := b.at(laneUnknown, now.Add(v.Wait-time.Second)).Check(mass); !got.Closed {
		t.Error("opened early")
	}
	if got := b.at(laneUnknown, now.Add(v.Wait)).Check(mass); !got.OK() {
		t.Errorf("still %+v when told open", got)
	}
}

// TestC11ThirtyDays is an attacker of 10,000 addresses who guesses without
// pause beside an owner who signs in daily, mistyping now and then. Addresses
// buy nothing: the lane is the user's.
func TestC11ThirtyDays(t *testing.T) {
	b := book{}
	mass := Guess(2, 1_000_000)
	guesses, owner, refused := 0, 0, 0
	for minute := range 30 * 24 * 60 {
		now := laneStart.Add(time.Duration(minute) * time.Minute)
		for range 7 { // 10,000 addresses, each about once a day
			if b.try(laneUnknown, now, mass).OK() {
				guesses++
			}
		}
		if minute%(24*60) != 0 {
			continue
		}
		if day := minute / (24 * 60); day%5 == 4 { // one wrong code first
			if !b.try("dev_owner", now, mass).OK() {
				refused++
			}
		}
		if b.try("dev_owner", now, mass).OK() {
			b.succeed("dev_owner", now, mass)
			owner++
		} else {
			refused++
		}
	}
	chance := float64(guesses) * 2 / 1e6
	t.Logf("attacker: %d guesses compared in 30 days, chance %.1e; owner: %d of 30 sign-ins, %d refused", guesses, chance, owner, refused)
	if chance > 1e-4 || guesses == 0 {
		t.Errorf("attacker's chance is %.2e", chance)
	}
	if owner != 30 || refused != 0 {
		t.Errorf("owner signed in %d of 30 times, %d refused", owner, refused)
	}
}

// TestH50ClockBack: a clock set back lets no more guesses through.
func TestH50ClockBack(t *testing.T) {
	b, now, made := book{}, laneStart, 0
	mass := Guess(2, 1_000_000)
	for i := range 400 {
		if b.try(laneUnknown, now, mass).OK() {
			made++
		}
		if i%10 == 9 {
			now = now.Add(-9 * time.Hour)
		} else {
			now = now.Add(time.Hour)
		}
	}
	if made > 40 {
		t.Errorf("%d guesses", made)
	}
}
