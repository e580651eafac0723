package risk

// Listing is the kind of a list that an address is on.
type Listing string

// The lists. A listing that is not one of these weighs as an operator's.
const (
	Tor      Listing = "tor"
	Hosting  Listing = "hosting"
	Operator Listing = "operator"
)

const listedMost = 3000

// listed takes the heaviest list and does not add them up: lists copy each
// other, and used freely they made the published results worse.
func listed(in Inputs) Contribution {
	if in.Networks == nil {
		return Contribution{Reason: NetworksUnknown}
	}
	c := Contribution{}
	for _, l := range *in.Networks {
		b := int64(2000)
		switch l {
		case Tor:
			b = listedMost
		case Hosting:
			b = 1500
		}
		c.Reason, c.Bits, c.Args = NetworkListed, max(c.Bits, b), append(c.Args, string(l))
	}
	return c
}
