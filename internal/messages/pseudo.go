package messages

import (
	"strings"
	"unicode/utf8"
)

// The brackets that stand around every text of a pseudo language. Whatever a
// page shows outside of them came from no catalogue.
const (
	PseudoOpen  = "⟦"
	PseudoClose = "⟧"
)

// LoadPseudo reads English and two languages made from it for tests alone:
// "qps-ploc" in accented letters and "qps-plocm" in letters that run from right
// to left, both 40 % longer and in brackets. A server never loads them.
func LoadPseudo() *Catalogues {
	accented := pseudo("áƀçðéƒĝĥîĵķłɱñóþǫŕšţûṽŵẋýž", "ÁƁÇÐÉƑĜĤÎĴĶŁṀÑÓÞǪŔŠŢÛṼŴẊÝŽ")
	accented.tag = "qps-ploc"
	mirrored := pseudo("אבגדהוזחטיכלמנסעפצקרשתםןףץ", "אבגדהוזחטיכלמנסעפצקרשתםןףץ")
	mirrored.tag, mirrored.dir = "qps-plocm", "rtl"
	return load(english(), accented, mirrored)
}

// pseudo writes English in other letters: those that stand for a to z and A to Z.
func pseudo(lower, upper string) language {
	low, up := []rune(lower), []rune(upper)
	letter := func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return low[r-'a']
		case 'A' <= r && r <= 'Z':
			return up[r-'A']
		}
		return r
	}
	l := english()
	for i, month := range l.months {
		l.months[i] = strings.Map(letter, month)
	}
	all := map[Key]string{}
	for _, part := range l.texts {
		for k, text := range part {
			all[k] = PseudoOpen + outside(text, letter) + pad(text) + PseudoClose
		}
	}
	l.texts = []map[Key]string{all}
	return l
}

// outside maps the letters of a text that are in none of its places.
func outside(text string, letter func(rune) rune) string {
	var b strings.Builder
	for text != "" {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(strings.Map(letter, before))
		if !ok {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString("{" + name + "}")
		text = after
	}
	return b.String()
}

// pad makes a text 40 % longer, as the longest languages are.
func pad(text string) string {
	n := (utf8.RuneCountInString(text)*2 + 4) / 5
	return " " + strings.Repeat("·", max(0, n-1))
}
