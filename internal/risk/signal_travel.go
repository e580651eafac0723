package risk

import "strconv"

// Travel compares with the user's previous sign-in.
type Travel struct {
	Seconds    *int64 `json:"seconds,omitempty"`    // since then; negative when a clock was set back
	Kilometres *int64 `json:"kilometres,omitempty"` // along the great circle
	Abroad     *bool  `json:"abroad,omitempty"`     // the country is another one than then
	Egress     bool   `json:"egress,omitempty"`     // one end is a known way out of many people's (a company's VPN)
}

const (
	fastest     = 900 // km/h
	nearby      = 100 // km within which addresses are not placed reliably
	hasty       = 3 * 3600
	travelMost  = 4000
	travelBasic = 2000
	jump        = 2000
)

// travel: faster than an aeroplane is two bits, and one more for each doubling.
// Where only countries are known, another one within three hours counts.
func travel(in Inputs) Contribution {
	t := in.Travel
	if t.Egress {
		return Contribution{}
	}
	if t.Seconds == nil || *t.Seconds < 0 || t.Kilometres == nil && t.Abroad == nil || t.Kilometres != nil && *t.Kilometres < 0 {
		return Contribution{Reason: TravelUnknown}
	}
	minutes := strconv.FormatInt(*t.Seconds/60, 10)
	if t.Kilometres == nil {
		if *t.Abroad && *t.Seconds < hasty {
			return Contribution{Reason: TravelCountry, Bits: jump, Args: []string{minutes}}
		}
		return Contribution{}
	}
	km := min(*t.Kilometres, 20_040)
	if km < nearby || *t.Seconds >= km*3600/fastest {
		return Contribution{}
	}
	speed := km * 3600 / max(*t.Seconds, 1)
	return Contribution{
		Reason: TravelFast, Bits: capped(travelBasic+log2(uint64(speed))-log2(fastest), travelMost),
		Args: []string{strconv.FormatInt(km, 10), minutes},
	}
}
