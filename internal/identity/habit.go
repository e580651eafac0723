package identity

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// HabitLevels is how many values describe a sign-in: address, network, country;
// the browser's own words, browser, system, kind of device.
const HabitLevels = 7

// Visit is one finished sign-in, described by keyed hashes and coarse labels. An
// empty value is not known.
type Visit struct {
	At     time.Time
	Values [HabitLevels]string
	Place  *Place
}

// Place is a position on the globe in tenths of a degree.
type Place struct {
	Latitude  int `json:"lat"`
	Longitude int `json:"lon"`
}

// Habit is what a user's sign-ins of the last months looked like: counts, by
// month, so that what is old can be forgotten.
type Habit struct {
	Months  []HabitMonth `json:"months"` // oldest first
	LastAt  time.Time    `json:"lastAt"`
	Country string       `json:"country,omitempty"` // of the last one
	Place   *Place       `json:"place,omitempty"`
}

// HabitMonth counts the sign-ins of one month.
type HabitMonth struct {
	Month  int                           `json:"m"` // year*12 + month
	Total  int64                         `json:"n"`
	Values [HabitLevels]map[string]int64 `json:"v"`
	Hours  map[int]int64                 `json:"h"` // by hour of the week; 0 begins on Monday, UTC
}

// habitMonths is how many months are kept beside the current one: at least 180
// days, after which history tells little.
const habitMonths = 6

// habitValues bounds the different values of a level that one month keeps.
const habitValues = 64

// MonthOf numbers the months.
func MonthOf(t time.Time) int { return t.UTC().Year()*12 + int(t.UTC().Month()) - 1 }

// OldestMonth is the first month that is kept at a time.
func OldestMonth(t time.Time) int { return MonthOf(t) - habitMonths }

// HourOf is the hour of the week, 0 to 167; 0 begins on Monday, UTC.
func HourOf(t time.Time) int {
	t = t.UTC()
	return (int(t.Weekday())+6)%7*24 + t.Hour()
}

// CountName is what a value's count over all users is kept under. The value that
// is not known has one too.
func CountName(level int, value string) string { return strconv.Itoa(level) + ":" + value }

// Names of the counts over all users: sign-ins, users, different values.
const (
	CountSignIns = "n"
	CountUsers   = "u"
)

// DistinctName is what the number of different values of a level is kept under.
func DistinctName(level int) string { return "d" + strconv.Itoa(level) }

// Total counts the user's sign-ins.
func (h Habit) Total() (n int64) {
	for _, m := range h.Months {
		n += m.Total
	}
	return n
}

// Count tells how often the user had a value.
func (h Habit) Count(level int, value string) (n int64) {
	for _, m := range h.Months {
		n += m.Values[level][value]
	}
	return n
}

// Distinct tells how many different values of a level the user had.
func (h Habit) Distinct(level int) int64 {
	seen := map[string]bool{}
	for _, m := range h.Months {
		for v := range m.Values[level] {
			seen[v] = true
		}
	}
	return int64(len(seen))
}

// Hours is the histogram of the week.
func (h Habit) Hours() (out [7 * 24]int64) {
	for _, m := range h.Months {
		for hour, n := range m.Hours {
			if hour >= 0 && hour < len(out) {
				out[hour] += n
			}
		}
	}
	return out
}

// Forget drops the months before one, and returns what leaves the counts over
// all users by it.
func (h *Habit) Forget(oldest int) map[string]int64 {
	gone := map[string]int64{}
	for _, m := range h.Months {
		if m.Month >= oldest {
			continue
		}
		gone[CountSignIns] -= m.Total
		for level, values := range m.Values {
			for v, n := range values {
				gone[CountName(level, v)] -= n
			}
		}
	}
	had := len(h.Months) > 0
	h.Months = slices.DeleteFunc(h.Months, func(m HabitMonth) bool { return m.Month < oldest })
	if had && len(h.Months) == 0 {
		gone[CountUsers]--
	}
	return gone
}

// Learn adds a sign-in, and returns those of its values that are counted: one
// above the bound of a month is as if it were not known. A visit before the
// last one, of a clock that was set back, counts and moves nothing else.
func (h *Habit) Learn(v Visit) [HabitLevels]string {
	month := MonthOf(v.At)
	i := slices.IndexFunc(h.Months, func(m HabitMonth) bool { return m.Month == month })
	if i < 0 {
		h.Months = append(h.Months, HabitMonth{Month: month, Hours: map[int]int64{}})
		slices.SortFunc(h.Months, func(a, b HabitMonth) int { return a.Month - b.Month })
		i = slices.IndexFunc(h.Months, func(m HabitMonth) bool { return m.Month == month })
	}
	m := &h.Months[i]
	m.Total++
	m.Hours[HourOf(v.At)]++
	for level, value := range v.Values {
		if m.Values[level] == nil {
			m.Values[level] = map[string]int64{}
		}
		if m.Values[level][value] == 0 && len(m.Values[level]) >= habitValues {
			v.Values[level] = ""
			value = ""
		}
		m.Values[level][value]++
	}
	if v.At.After(h.LastAt) {
		h.LastAt, h.Country, h.Place = v.At, v.Values[2], v.Place
	}
	return v.Values
}

// HabitQuery asks for what an assessment compares with.
type HabitQuery struct {
	User     string
	Values   [HabitLevels]string
	Failures [3]string // keyed hashes of the user, the address, the network
	Since    time.Time // failures from then on
}

// HabitAnswer is a user's habit, the counts over all users by name, and the
// failures asked for.
type HabitAnswer struct {
	Habit    Habit
	Counts   map[string]int64
	Failures [3]int64
}

// Habits keeps what sign-ins looked like.
type Habits interface {
	// Look reads all in one query.
	Look(ctx context.Context, q HabitQuery) (HabitAnswer, error)
	// Learn adds a finished sign-in.
	Learn(ctx context.Context, user string, v Visit) error
	// Fail counts a wrong answer.
	Fail(ctx context.Context, subjects [3]string, at time.Time) error
	// Sweep forgets what is older than is kept at now, of at most limit users, and
	// tells of how many.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
}
