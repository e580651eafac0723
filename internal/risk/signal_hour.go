package risk

// Hours counts the user's sign-ins around this hour of the week.
type Hours struct {
	Near  *int64 `json:"near,omitempty"`  // as Near counts them
	Total *int64 `json:"total,omitempty"` // all that were counted
}

// Week is the number of hours in one; hour 0 begins on Monday, UTC.
const Week = 7 * 24

// Near counts what a user's histogram holds within two hours of an hour of the
// week, on the same kind of day (working days, weekend). An hour outside the
// week counts nothing.
func Near(histogram [Week]int64, hour int) int64 {
	if hour < 0 || hour >= Week {
		return 0
	}
	weekend := func(h int) bool { return h/24 >= 5 }
	var n int64
	for h, count := range histogram {
		apart := (h%24 - hour%24 + 24) % 24
		if weekend(h) == weekend(hour) && (apart <= 2 || apart >= 22) {
			n += count
		}
	}
	return n
}

const hourMost = 1500

// hour: nothing while the hour holds what chance would put there (about a
// fifth), and up to a bit and a half where a long history never was.
func hour(in Inputs) Contribution {
	h := in.Hours
	if h.Near == nil || h.Total == nil || *h.Near < 0 || *h.Total < *h.Near || *h.Total > ceiling {
		return Contribution{Reason: HourUnknown}
	}
	b := capped(log2(uint64(*h.Total+5))-log2(uint64(5*(*h.Near+1))), hourMost)
	if b == 0 {
		return Contribution{}
	}
	return Contribution{Reason: HourRare, Bits: b}
}
