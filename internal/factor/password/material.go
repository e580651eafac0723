package password

import (
	"slices"
	"strings"
	"unicode"
)

// kind is what explains a piece of a password.
type kind int

const (
	literal  kind = iota // nothing does: it has to be guessed
	common               // a word or phrase of the lists
	personal             // the person's or the service's own name
	repeated             // what stands earlier in the password
	sequence             // a run of neighbours in an alphabet or on a keyboard
	kinds
)

// Costs are in bits: about how much a guesser who knows these tricks has to try
// for one piece. They judge a password that a person made up, and promise
// nothing about one that a machine drew.
const (
	costLetter   = 5
	costDigit    = 3
	costSymbol   = 5 // once; the same symbol again is a separator and costs nothing
	costOther    = 8 // a letter beyond the Latin ones, a pictograph
	costTop      = 7
	costWord     = 12
	costCore     = 17 // one whole entry of the filter
	costPersonal = 5
	costRepeat   = 5
	costRun      = 6
	costYear     = 7
	costDate     = 13
)

// judge explains passwords by what is known.
type judge struct {
	lists     []*blocklist
	keyboards *keyboards
	personal  map[uint64]bool // keys of folded words
}

// verdict is the cheapest explanation of a password.
type verdict struct {
	bits    int
	covered [kinds]int // code points explained by each kind
}

// explain finds the cheapest explanation of a folded password over several
// views of it: as it is, without punctuation, with doubled keys pressed once,
// and as two passwords dealt out alternately.
func (j *judge) explain(runes []rune) verdict {
	best := j.view(runes)
	consider := func(bits int, vs ...verdict) {
		sum := verdict{bits: bits}
		for _, v := range vs {
			sum.bits += v.bits
			for k := range kinds {
				sum.covered[k] += v.covered[k]
			}
		}
		if sum.bits < best.bits {
			best = sum
		}
	}
	if b := bare(runes); len(b) < len(runes) {
		marks := map[rune]bool{}
		for _, r := range runes {
			if !isWord(r) {
				marks[r] = true
			}
		}
		consider(costSymbol*len(marks), j.view(b))
	}
	if once := slices.Compact(slices.Clone(runes)); len(once)*3 <= len(runes)*2 {
		v := j.view(once)
		v.covered[repeated] += len(runes) - len(once)
		consider(costRepeat, v)
	}
	var even, odd []rune
	for i, r := range runes {
		if i%2 == 0 {
			even = append(even, r)
		} else {
			odd = append(odd, r)
		}
	}
	consider(costRepeat, j.view(even), j.view(odd))
	return best
}

// piece is one step of an explanation: the runes before its end, at this cost.
type piece struct {
	from, bits int
	kind       kind
}

// view finds the cheapest way to put a password together from pieces.
func (j *judge) view(runes []rune) verdict {
	n := len(runes)
	best := make([]int, n+1)
	by := make([]piece, n+1)
	for i := range best[1:] {
		best[i+1] = -1
	}
	offer := func(from, to, bits int, k kind) {
		if total := best[from] + bits; best[to] < 0 || total < best[to] {
			best[to], by[to] = total, piece{from, bits, k}
		}
	}
	seen := map[rune]bool{}
	back := repeats(runes)
	cores := j.cores(runes)
	for i, r := range runes {
		bits, k := literalCost(r, seen)
		offer(i, i+1, bits, k)
		seen[r] = true
		for m := 3; m <= back[i]; m++ {
			offer(i, i+m, costRepeat, repeated)
		}
		for m, lasts := 3, j.runFrom(runes, i); m <= lasts; m++ {
			offer(i, i+m, costRun, sequence)
		}
		for _, p := range dates(runes[i:]) {
			offer(i, i+p.from, p.bits, sequence)
		}
		j.words(runes, i, func(to, bits int, k kind) { offer(i, to, bits, k) })
		if to := cores[i]; to > 0 {
			offer(i, to, costCore, common)
		}
	}
	v := verdict{bits: best[n]}
	for at := n; at > 0; at = by[at].from {
		v.covered[by[at].kind] += at - by[at].from
	}
	return v
}

func literalCost(r rune, seen map[rune]bool) (int, kind) {
	switch {
	case isDigit(r):
		return costDigit, literal
	case r <= unicode.MaxASCII && !isWord(r):
		if seen[r] {
			return 0, repeated
		}
		return costSymbol, literal
	case r <= unicode.MaxASCII || unicode.Is(unicode.Latin, r):
		return costLetter, literal
	}
	return costOther, literal
}

// repeats tells for each place how many runes from there on stand earlier too.
// Source and copy may overlap, so "abcabcabc" is one block and one copy.
func repeats(runes []rune) []int {
	n := len(runes)
	longest := make([]int, n)
	next := make([]int, n+1) // matches of i+1 with each earlier place, plus one
	for i := n - 1; i >= 0; i-- {
		row := make([]int, n+1)
		for from := range i {
			if runes[from] == runes[i] {
				row[from] = next[from+1] + 1
				longest[i] = max(longest[i], row[from])
			}
		}
		next = row
	}
	return longest
}

// runFrom is how many runes from i on are one run: neighbours in an alphabet,
// equal steps, one key held down, or neighbours on a keyboard.
func (j *judge) runFrom(runes []rune, i int) int {
	longest := 0
	if i+1 < len(runes) {
		step := runes[i+1] - runes[i]
		n := 2
		for i+n < len(runes) && follows(runes[i+n-1], runes[i+n], step) && isWord(runes[i+n]) {
			n++
		}
		if (n >= 3 && step >= -1 && step <= 1) || (n >= 4 && step >= -5 && step <= 5) {
			longest = n
		}
	}
	path, straight := j.keyboards.pathFrom(runes, i)
	if straight >= 3 {
		longest = max(longest, straight)
	}
	if path >= 4 {
		longest = max(longest, path)
	}
	keys := make([]rune, 0, 16)
	for _, r := range runes[i:] {
		keys = append(keys, unshifted(r))
		if !slices.ContainsFunc(j.keyboards.columns, func(c string) bool { return strings.Contains(c, string(keys)) }) {
			break
		}
		if len(keys) >= 5 {
			longest = max(longest, len(keys))
		}
	}
	return longest
}

// follows reports whether b is a step after a; nought follows nine.
func follows(a, b, step rune) bool {
	if isDigit(a) && isDigit(b) {
		return (b-a-step)%10 == 0
	}
	return b-a == step
}

// dates are the years and dates that start here: from is their length.
func dates(runes []rune) []piece {
	digits := 0
	for digits < len(runes) && digits < 8 && isDigit(runes[digits]) {
		digits++
	}
	number := func(from, to int) (n int) {
		for _, r := range runes[from:to] {
			n = 10*n + int(r-'0')
		}
		return n
	}
	year := func(n int) bool { return n >= 1500 && n < 2100 }
	day := func(a, b int) bool { return a >= 1 && a <= 31 && b >= 1 && b <= 31 && (a <= 12 || b <= 12) }
	var out []piece
	if digits >= 4 && year(number(0, 4)) {
		out = append(out, piece{from: 4, bits: costYear})
	}
	if digits == 8 && (year(number(0, 4)) && day(number(4, 6), number(6, 8)) || year(number(4, 8)) && day(number(0, 2), number(2, 4))) {
		out = append(out, piece{from: 8, bits: costDate})
	}
	return out
}

// words offers every word and phrase that starts at i, read forwards, backwards
// and with look-alike letters.
func (j *judge) words(runes []rune, i int, offer func(to, bits int, k kind)) {
	raw, asI, asL := newDigest, newDigest, newDigest
	for n := 1; n <= maxPhrase && i+n <= len(runes); n++ {
		r := runes[i+n-1]
		raw, asI, asL = raw.add(r), asI.add(plain(r, 'i')), asL.add(plain(r, 'l'))
		if n < 2 {
			continue
		}
		keys := []uint64{raw.key(), asI.key(), asL.key()}
		if n >= 4 && n <= maxWord {
			backwards := newDigest
			for at := i + n - 1; at >= i; at-- {
				backwards = backwards.add(runes[at])
			}
			keys = append(keys, backwards.key())
		}
		for _, key := range keys {
			j.word(key, n, func(bits int, k kind) { offer(i+n, bits, k) })
		}
	}
}

func (j *judge) word(key uint64, n int, offer func(bits int, k kind)) {
	if j.personal[key] {
		offer(costPersonal, personal)
	}
	for _, b := range j.lists {
		switch {
		case n >= minPhrase && b.phrases.has(key):
			offer(costTop, common)
		case n <= maxWord && b.top.has(key):
			offer(costTop, common)
		case n <= maxWord && b.words.has(key):
			offer(costWord, common)
		}
	}
}

// cores finds whether all between the dress at both ends is one entry of a
// filter. It asks for the whole only: a filter errs once in 256 questions, and
// a password has many parts.
func (j *judge) cores(runes []rune) map[int]int {
	out := map[int]int{}
	isLetter := func(r rune) bool { return unicode.IsLetter(r) }
	from := slices.IndexFunc(runes, isLetter)
	if from < 0 {
		return out
	}
	to := len(runes)
	for !isLetter(runes[to-1]) {
		to--
	}
	middle := runes[from:to]
	if len(middle) < 4 {
		return out
	}
	for _, one := range []rune{0, 'i', 'l'} {
		form := slices.Clone(middle)
		for i, r := range form {
			if one != 0 {
				form[i] = plain(r, one)
			}
		}
		for _, b := range j.lists {
			if b.common(form) {
				out[from] = to
			}
		}
	}
	return out
}
