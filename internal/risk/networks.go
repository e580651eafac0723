package risk

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Networks is an operator's list. Its zero value holds nothing.
type Networks struct {
	ranges []netip.Prefix // sorted by address, none inside another
}

// ParseNetworks reads one network or address a line; "#" begins a comment. A
// line that cannot be read is an error that names it, and nothing is returned:
// half a list would be taken for a whole one.
func ParseNetworks(text string) (Networks, error) {
	var all []netip.Prefix
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		p, err := network(line)
		if err != nil {
			return Networks{}, fmt.Errorf("line %d: %.60q: %w", i+1, line, err)
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	n := Networks{}
	for _, p := range all {
		if k := len(n.ranges); k == 0 || !n.ranges[k-1].Contains(p.Addr()) {
			n.ranges = append(n.ranges, p)
		}
	}
	return n, nil
}

func network(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("neither an address nor a network")
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("not a network")
	case p.Masked() != p:
		return netip.Prefix{}, fmt.Errorf("bits are set behind the prefix; %s is meant?", p.Masked())
	}
	return p, nil
}

// Contains says whether an address is listed, in logarithmic time. An invalid
// address is not.
func (n Networks) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	i, found := slices.BinarySearchFunc(n.ranges, a, func(p netip.Prefix, a netip.Addr) int { return p.Addr().Compare(a) })
	if found {
		return true
	}
	return i > 0 && n.ranges[i-1].Contains(a)
}

// Len is the number of separate networks.
func (n Networks) Len() int { return len(n.ranges) }
