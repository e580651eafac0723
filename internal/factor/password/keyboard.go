package password

import "slices"

// place is where a key lies; the rows of a keyboard are staggered by half a key.
type place struct{ row, col int }

// keyboards are what fingers know by heart.
type keyboards struct {
	layouts []map[rune]place
	columns []string // keys read downwards, column after column
}

// newKeyboards makes QWERTY, QWERTZ, AZERTY, Dvorak and ЙЦУКЕН, and the numeric pad.
func newKeyboards() *keyboards {
	k := &keyboards{}
	for _, rows := range [][]string{
		{"`1234567890-=", "\tqwertyuiop[]\\", "\tasdfghjkl;'", "\tzxcvbnm,./"},
		{"^1234567890ß'", "\tqwertzuiopü+", "\tasdfghjklöä#", "\tyxcvbnm,.-"},
		{"~1234567890)=", "\tazertyuiop^$", "\tqsdfghjklmù*", "\twxcvbn,;:!"},
		{"`1234567890[]", "\t',.pyfgcrl/=\\", "\taoeuidhtns-", "\t;qjkxbmwvz"},
		{"ё1234567890-=", "\tйцукенгшщзхъ\\", "\tфывапролджэ", "\tячсмитьбю."},
	} {
		layout := map[rune]place{}
		grid := make([][]rune, len(rows))
		for r, row := range rows {
			grid[r] = fold(row)
			for c, key := range grid[r] {
				// An accented key folds to a plain one, which has its own place.
				if _, taken := layout[key]; key != '\t' && !taken {
					layout[key] = place{r, c}
				}
			}
		}
		k.layouts = append(k.layouts, layout)
		k.addColumns(grid)
		k.addColumns(grid[1:])
	}
	// The numeric pad, and numbers that are known by heart.
	k.columns = append(k.columns, "789456123", "741852963", "147258369", "963852741", "321654987", "159357", "7539514862",
		"31415926535897932384626433832795028841971", "271828182845904523536", "1123581321345589144233", "1414213562373095")
	return k
}

// addColumns reads a grid downwards and upwards, from either side, with and
// without the keys that are no letters or digits.
func (k *keyboards) addColumns(grid [][]rune) {
	var down, up [][]rune
	for c := 1; c < len(grid[0]); c++ {
		var column []rune
		for _, row := range grid {
			if c < len(row) {
				column = append(column, row[c])
			}
		}
		down = append(down, column)
		reversed := slices.Clone(column)
		slices.Reverse(reversed)
		up = append(up, reversed)
	}
	for _, columns := range [][][]rune{down, up} {
		all := slices.Concat(columns...)
		k.columns = append(k.columns, string(all), string(bare(all)))
		slices.Reverse(columns)
		all = slices.Concat(columns...)
		k.columns = append(k.columns, string(all), string(bare(all)))
	}
}

// unshifted is the key under a symbol on the keyboards that put symbols over
// digits as the American one does.
func unshifted(r rune) rune {
	const shifted, keys = `!@#$%^&*()_+{}|:"<>?~`, `1234567890-=[]\;',./` + "`"
	for i, s := range shifted {
		if s == r {
			return rune(keys[i])
		}
	}
	return r
}

// pathFrom is how many runes from i on are neighbours in turn on one keyboard,
// and straight how many of those lie in one row, in one direction.
func (k *keyboards) pathFrom(runes []rune, i int) (path, straight int) {
	for _, layout := range k.layouts {
		n, s, dir := 1, 1, 0
		for at, ok := layout[unshifted(runes[i])]; ok && i+n < len(runes); n++ {
			next, known := layout[unshifted(runes[i+n])]
			if !known || !neighbours(at, next) {
				break
			}
			if step := next.col - at.col; s == n && next.row == at.row && (dir == 0 || dir == step) {
				dir, s = step, n+1
			}
			at = next
		}
		path, straight = max(path, n), max(straight, s)
	}
	return path, straight
}

func neighbours(a, b place) bool {
	switch b.row - a.row {
	case 0:
		return b.col-a.col == 1 || a.col-b.col == 1
	case 1:
		return b.col == a.col || b.col == a.col-1
	case -1:
		return b.col == a.col || b.col == a.col+1
	}
	return false
}
