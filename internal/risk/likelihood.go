package risk

// The model is S = [(1/U) / (n_u/n)] · Π p(x|all) / p(x|u), here as a sum of
// logarithms: each factor is a contribution of its own.

// Published is the sum of the published model alone, in thousandths of a bit:
// no strangers beside the tenant's people, no signals. What is graded is held
// against it. Unsound inputs and a cold start are 0.
func Published(in Inputs) int64 {
	if in.check() != nil || in.History.Own < coldStart {
		return 0
	}
	return prior(in.History).Bits +
		in.Address.likelihood(in.History, addressReasons(), 0).Bits + in.Agent.likelihood(in.History, agentReasons(), 0).Bits
}

// prior weighs how seldom this user signs in: n / (U · n_u).
func prior(h History) Contribution {
	return Contribution{Reason: Seldom, Bits: log2(uint64(h.All)) - log2(uint64(h.Users)) - log2(uint64(h.Own))}
}

// strangers is how many sign-ins of the world outside stand beside those of a
// tenant's people. A tenant of three people says nothing about those who are
// not among them: without, whatever is usual there would look as likely a
// stranger's. In a large tenant they weigh nothing.
const strangers = 1000

// novelty is how much likelier everybody's share of a value is than that of a
// user who never had any of it: p(x|u) = p(x|all)/4.
const novelty = 2000

// names are the reasons of one feature, by the coarsest level that is new.
type names struct {
	familiar Reason
	new      []Reason // by level, the finest first
	missing  Reason
	weights  []int64 // in ten-thousandths
	world    []int64 // how many of the strangers have the value, by level
	labels   bool    // the coarsest key may be named in a sentence
}

func addressReasons() names {
	return names{
		familiar: AddressFamiliar, new: []Reason{AddressNew, NetworkNew, CountryNew}, missing: AddressUnknown,
		weights: []int64{6000, 3000, 1000}, world: []int64{0, 20, 100}, labels: true,
	}
}

func agentReasons() names {
	return names{
		familiar: AgentFamiliar, new: []Reason{AgentNew, BrowserNew, SystemNew, DeviceTypeNew}, missing: AgentUnknown,
		weights: []int64{5387, 2680, 1882, 51}, world: []int64{2, 50, 100, 500},
	}
}

// likelihood is log2 of p(x|all)/p(x|u), with so many strangers in all. A level
// that is missing speaks for the user no more than it must: everybody has its
// value, and the user only as often as they had the finest one, which implies
// it. Without any level it is as if the user never had it.
func (f Feature) likelihood(h History, n names, outside int64) Contribution {
	c := Contribution{Reason: n.familiar}
	if len(f) == 0 {
		return Contribution{Reason: n.missing, Bits: novelty}
	}
	var all, own uint64
	seen := false
	var beneath, beneathOwn int64 // distinct values of the level beneath; none beneath the finest
	for i, l := range f {
		if l.Missing {
			all += share(n.weights[i], 1, 1)
			own += smoothed(n.weights[i], f[0].known(), h.Own, beneathOwn)
			beneath, beneathOwn = 0, h.Own
			continue
		}
		count := l.All
		if outside > 0 {
			count += n.world[i]
		}
		all += smoothed(n.weights[i], count, h.All+outside, beneath)
		own += smoothed(n.weights[i], l.Own, h.Own, beneathOwn)
		if l.Own > 0 {
			seen = true
		} else {
			c.Reason = n.new[i]
		}
		beneath, beneathOwn = l.DistinctAll, l.DistinctOwn
	}
	c.Bits = novelty
	if seen {
		c.Bits = log2(all) - log2(own)
	}
	if !f.whole() {
		c.Reason = n.missing
		if !seen {
			c.Bits = max(novelty, log2(all)-log2(own))
		}
	}
	if last := f[len(f)-1]; n.labels && c.Reason == CountryNew && last.Key != "" {
		c.Args = []string{last.Key}
	}
	return c
}

// known is how often the user had a value; never, where it is missing.
func (l Level) known() int64 {
	if l.Missing {
		return 0
	}
	return l.Own
}

// smoothed is R-04: a value that was seen has c/(n+M), one that was not 1/(n+M),
// where M is one more than the distinct values of the level beneath.
func smoothed(weight, count, total, beneath int64) uint64 {
	return share(weight, max(count, 1), total+1+beneath)
}
