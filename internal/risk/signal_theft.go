package risk

import "strconv"

const (
	theftWindow = 7 * 24 * 3600
	theftMost   = 4000
)

// theft: something of this user's was used by two who cannot both be its owner.
// Who copied it may have copied more. It fades from four bits to nothing over a
// week.
func theft(in Inputs) Contribution {
	if in.Theft == nil || *in.Theft >= theftWindow {
		return Contribution{}
	}
	since := max(0, *in.Theft)
	return Contribution{
		Reason: TheftLately, Bits: max(1, theftMost*(theftWindow-since)/theftWindow),
		Args: []string{strconv.FormatInt(since/3600, 10)},
	}
}
