package messages

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPseudoLanguagesAreComplete(t *testing.T) {
	place := regexp.MustCompile(`\{[a-z]+\}`)
	for _, c := range LoadPseudo().languages[1:] {
		if lacks := missing(c.lang); len(lacks) > 0 {
			t.Errorf("%s: %s", c.Lang(), strings.Join(lacks, "; "))
		}
		for k, text := range c.texts {
			want := utf8.RuneCountInString(en().texts[k]) * 7 / 5
			if n := utf8.RuneCountInString(text); n < want || n > want+6 {
				t.Errorf("%s: %s is %d long, not about %d: %s", c.Lang(), k, n, want, text)
			}
			if !strings.HasPrefix(text, PseudoOpen) || !strings.HasSuffix(text, PseudoClose) {
				t.Errorf("%s: %s has no brackets: %s", c.Lang(), k, text)
			}
			if bare := place.ReplaceAllString(text, ""); regexp.MustCompile(`[A-Za-z{}]`).MatchString(bare) {
				t.Errorf("%s: %s is still English: %s", c.Lang(), k, text)
			}
		}
	}
}

func TestPseudoLanguages(t *testing.T) {
	all := LoadPseudo()
	accented, mirrored := all.For("qps-ploc", nil), all.For("qps-plocm", nil)
	if accented.Lang() != "qps-ploc" || accented.Dir() != "ltr" || mirrored.Lang() != "qps-plocm" || mirrored.Dir() != "rtl" {
		t.Fatalf("%s %s %s %s", accented.Lang(), accented.Dir(), mirrored.Lang(), mirrored.Dir())
	}
	if got := accented.Text(StepFor, "application", "Shop"); got != "⟦Çóñţîñûé ţó Shop ·········⟧" {
		t.Errorf("%q", got)
	}
	if got := mirrored.Text(StepFor, "application", "Shop"); !strings.Contains(got, "\u2068Shop\u2069") || !strings.Contains(got, "א") && !strings.Contains(got, "ג") {
		t.Errorf("%q", got)
	}
	if got := accented.Count(AccountCodesLeft, 1); got == accented.Count(AccountCodesLeft, 2) {
		t.Errorf("one and two alike: %q", got)
	}
}
