package risk

import "strconv"

const (
	changeWindow = 72 * 3600
	changeMost   = 1000
)

// change: whoever just took an account over often changed something first. It
// fades from one bit to nothing over three days.
func change(in Inputs) Contribution {
	switch {
	case in.Changed == nil || *in.Changed < 0:
		return Contribution{Reason: ChangeUnknown}
	case *in.Changed >= changeWindow:
		return Contribution{}
	}
	return Contribution{
		Reason: ChangedLately, Bits: max(1, changeMost*(changeWindow-*in.Changed)/changeWindow),
		Args: []string{strconv.FormatInt(*in.Changed/3600, 10)},
	}
}
