package messages

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many characters of a name are shown.
const maxName = 96

// Clean makes a text that a stranger chose (a name, an address, an
// application) safe to stand in a sentence: one line, no control characters,
// none that turn the direction of what follows, no invisible ones, and of
// bounded length. It does not escape: that is the page's to do, for its place.
func Clean(s string) string {
	var b strings.Builder
	space, n := false, 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == utf8.RuneError, unicode.IsControl(r), turns(r), invisible(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		if n >= maxName {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// turns reports whether r changes the direction of text (Unicode, UAX 9).
func turns(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// invisible reports whether r is shown as nothing, such as a zero width space
// or a tag. Joiners that scripts need stay.
func invisible(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return r != nonJoiner && r != joiner && (unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r))
}

// isolate keeps a name of another direction from reordering its sentence: the
// characters FSI and PDI do in text what <bdi> does in markup. Letters of a
// sentence that runs the same way need none: up to the block of Hebrew no
// script runs from right to left.
func (c Catalogue) isolate(s string) string {
	const firstHebrew = '\u0590'
	if c.lang.dir == "ltr" && strings.IndexFunc(s, func(r rune) bool { return r >= firstHebrew }) < 0 {
		return s
	}
	return "\u2068" + s + "\u2069"
}
