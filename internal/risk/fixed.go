package risk

import "math/bits"

// one is the probability 1 times the weight 1/10000, so that a sum of weighted
// probabilities fits 62 bits.
const one = 1 << 48

// share returns weight · part / whole in units of one. It wants part ≤ whole and
// weight ≤ 10,000, which inputs were checked for; at least 1, for a logarithm follows.
func share(weight, part, whole int64) uint64 {
	hi, lo := bits.Mul64(uint64(weight)*uint64(part), one)
	q, _ := bits.Div64(hi, lo, uint64(whole))
	return max(q, 1)
}

// log2 is the binary logarithm of x ≥ 1 in thousandths, rounded down.
func log2(x uint64) int64 {
	const fraction = 24
	whole := bits.Len64(x) - 1
	m := x << (63 - whole) // the mantissa, 1.63 fixed point
	var f uint64
	for range fraction {
		hi, lo := bits.Mul64(m, m) // 2.126: the top bit says whether the square reached 2
		f <<= 1
		if hi>>63 == 1 {
			f |= 1
			m = hi
		} else {
			m = hi<<1 | lo>>63
		}
	}
	return int64(whole)*1000 + int64(f*1000>>fraction)
}

// capped bounds a signal's evidence: it adds, and never more than most.
func capped(b, most int64) int64 { return min(most, max(0, b)) }
