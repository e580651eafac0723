package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

func visit(at time.Time, values ...string) identity.Visit {
	v := identity.Visit{At: at, Place: &identity.Place{Latitude: 599, Longitude: 107}}
	copy(v.Values[:], values)
	return v
}

func learn(t testing.TB, s *store.Store, tenant, user string, v identity.Visit) {
	t.Helper()
	update(t, s, tenant, func(tx identity.Tx) error { return tx.Habits.Learn(ctx, user, v) })
}

func look(t testing.TB, s *store.Store, tenant string, q identity.HabitQuery) (a identity.HabitAnswer) {
	t.Helper()
	view(t, s, tenant, func(tx identity.Tx) (err error) { a, err = tx.Habits.Look(ctx, q); return err })
	return a
}

// What people do is counted for them and for all, by tenant; values, users and
// different values.
func TestR04_HabitsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		const bob = "tnt_bob"
		d.must(s.PutTenant(ctx, tenant(bob)))
		learn(t, s, alice, "usr_1", visit(s1, "a", "as1", "NO", "full", "Firefox 140", "Linux", "desktop"))
		learn(t, s, alice, "usr_1", visit(s1.Add(time.Hour), "b", "as1", "NO", "full", "Firefox 140", "Linux", "desktop"))
		learn(t, s, alice, "usr_2", visit(s1, "b", "as1", "NO", "", "", "", ""))
		learn(t, s, bob, "usr_3", visit(s1, "a", "as1", "NO", "full", "Firefox 140", "Linux", "desktop"))
		a := look(t, s, alice, identity.HabitQuery{User: "usr_1", Values: [7]string{"b", "as1", "NO", "other", "Firefox 140", "", ""}})
		same(t, []int64{3, 2, 2, 3, 3, 0, 2, 1, 2, 1, 1, 2})([]int64{
			a.Counts["n"], a.Counts["u"], a.Counts["0:b"], a.Counts["1:as1"], a.Counts["2:NO"], a.Counts["3:other"], a.Counts["4:Firefox 140"], a.Counts["6:"],
			a.Counts["d0"], a.Counts["d1"], a.Counts["d2"], a.Counts["d4"],
		}, nil)
		h := a.Habit
		same(t, []int64{2, 1, 2, 2, 2})([]int64{h.Total(), h.Count(0, "b"), h.Count(1, "as1"), h.Distinct(0), h.Count(3, "full")}, nil)
		if !h.LastAt.Equal(s1.Add(time.Hour)) || h.Country != "NO" || *h.Place != (identity.Place{Latitude: 599, Longitude: 107}) {
			t.Errorf("the last visit: %+v", h)
		}
		if hours := h.Hours(); hours[identity.HourOf(s1)] != 1 || hours[identity.HourOf(s1)+1] != 1 {
			t.Errorf("hours: %v", hours)
		}
		if a := look(t, s, alice, identity.HabitQuery{User: "usr_9"}); a.Habit.Total() != 0 || a.Counts["n"] != 3 {
			t.Errorf("of nobody: %+v", a)
		}
	})
}

// What is older than half a year leaves the counts of its user and of all: when
// they come again, or by the sweep.
func TestR08_HabitsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		learn(t, s, alice, "usr_1", visit(s1, "a", "as1", "NO"))
		learn(t, s, alice, "usr_2", visit(s1, "a", "as2", "NO"))
		learn(t, s, alice, "usr_2", visit(s1.AddDate(0, 3, 0), "c", "as2", "NO"))
		later := s1.AddDate(0, 7, 0)
		learn(t, s, alice, "usr_1", visit(later, "b", "as1", "NO"))
		q := identity.HabitQuery{User: "usr_1", Values: [7]string{"a", "as2", "NO"}}
		a := look(t, s, alice, q)
		same(t, []int64{3, 2, 1, 2, 3, 3, 2, 1})([]int64{
			a.Counts["n"], a.Counts["u"], a.Counts["0:a"], a.Counts["1:as2"], a.Counts["2:NO"], a.Counts["d0"], a.Counts["d1"], a.Habit.Total(),
		}, nil)
		sweep := func(at time.Time) (n int) {
			update(t, s, alice, func(tx identity.Tx) (err error) { n, err = tx.Habits.Sweep(ctx, at, 10); return err })
			return n
		}
		same(t, 1)(sweep(later), nil)
		a = look(t, s, alice, q)
		same(t, []int64{2, 2, 0, 1, 2, 2})([]int64{a.Counts["n"], a.Counts["u"], a.Counts["0:a"], a.Counts["1:as2"], a.Counts["2:NO"], a.Counts["d0"]}, nil)
		same(t, 2)(sweep(later.AddDate(2, 0, 0)), nil)
		a = look(t, s, alice, q)
		same(t, "0 0 0 0 0")(fmt.Sprint(a.Counts["n"], a.Counts["u"], a.Counts["2:NO"], a.Counts["d0"], a.Habit.Total()), nil)
		same(t, 0)(sweep(later.AddDate(2, 0, 0)), nil)
	})
}

// A month keeps 64 different values, and the unknown one, however many addresses a
// telephone has; what it does not keep is not counted for all either.
func TestHabitsOfAMonthAreBounded(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		for i := range 70 {
			learn(t, s, alice, "usr_1", visit(s1.Add(time.Duration(i)*time.Minute), fmt.Sprint("a", i)))
		}
		a := look(t, s, alice, identity.HabitQuery{User: "usr_1", Values: [7]string{"a69"}})
		same(t, "70 70 0 65")(fmt.Sprint(a.Counts["n"], a.Habit.Total(), a.Counts["0:a69"], a.Habit.Distinct(0)), nil)
	})
}

func TestFailuresOfTheLastHourAreCounted(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		s := d.open()
		fail := func(at time.Time, subjects ...string) {
			update(t, s, alice, func(tx identity.Tx) error { return tx.Habits.Fail(ctx, [3]string(subjects), at) })
		}
		fail(s1.Add(-2*time.Hour), "ada", "addr1", "net")
		fail(s1.Add(-30*time.Minute), "ada", "addr1", "net")
		fail(s1, "bob", "addr1", "net")
		fail(s1, "ada", "addr2", "net")
		a := look(t, s, alice, identity.HabitQuery{User: "usr_1", Failures: [3]string{"ada", "addr1", "net"}, Since: s1.Add(-time.Hour)})
		same(t, [3]int64{2, 2, 3})(a.Failures, nil)
		update(t, s, alice, func(tx identity.Tx) error { _, err := tx.Habits.Sweep(ctx, s1.Add(time.Hour), 10); return err })
		a = look(t, s, alice, identity.HabitQuery{User: "usr_1", Failures: [3]string{"ada", "addr1", "net"}, Since: s1.AddDate(-1, 0, 0)})
		same(t, [3]int64{2, 2, 3})(a.Failures, nil)
	})
}
