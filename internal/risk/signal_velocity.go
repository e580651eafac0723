package risk

import "strconv"

// Failures counts failed attempts of the last hour.
type Failures struct {
	User    *int64 `json:"user,omitempty"`
	Address *int64 `json:"address,omitempty"`
	Network *int64 `json:"network,omitempty"` // the ASN
}

const velocityMost = 3000

// velocity: one slip says nothing. The address weighs most, for a user is
// attacked without their doing and a network is shared by thousands. A count
// that is missing makes the signal missing, and what is known still counts.
func velocity(in Inputs) Contribution {
	f := in.Failures
	missing := false
	args := make([]string, 0, 3)
	weigh := func(n *int64, free int64, thousandths int64) int64 {
		if n == nil || *n < 0 {
			missing = true
			args = append(args, "")
			return 0
		}
		args = append(args, strconv.FormatInt(*n, 10))
		return log2(uint64(max(*n-free, 0))+1) * thousandths / 1000
	}
	b := weigh(f.User, 1, 500) + weigh(f.Address, 1, 700) + weigh(f.Network, 20, 300)
	b = capped(b, velocityMost)
	switch {
	case missing:
		return Contribution{Reason: FailuresUnknown, Bits: b}
	case b > 0:
		return Contribution{Reason: FailuresMany, Bits: b, Args: args}
	}
	return Contribution{}
}
