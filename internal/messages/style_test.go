package messages

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// banned are words that are not those of the house: in English sign in, user,
// application, e-mail; in German Sie, anmelden, Anwendung.
func banned(tag string) *regexp.Regexp {
	return map[string]*regexp.Regexp{
		"en": regexp.MustCompile(`(?i)\b(log ?in|log ?on|log ?out|account|client|provider|email|invalid|oops|sorry|simply click|click here)\b|!`),
		"de": regexp.MustCompile(`(?i)\b(du|dich|dir|dein\w*|euch|euer\w*|einloggen|ausloggen|log-?in|account|konto|client|provider|email|ungültig\w*|klick\w*|leider|ups|hier klicken|Nutzer\w*)\b|!`),
	}[tag]
}

// TestWords holds the words of the house in every language, and its typesetting.
func TestWords(t *testing.T) {
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		words := banned(c.Lang())
		if words == nil {
			t.Fatal("nobody has said which words are not used")
		}
		for k, text := range c.texts {
			if found := words.FindString(text); found != "" {
				t.Errorf("%s says %q: %s", k, found, text)
			}
			if fault := untypeset(text); fault != "" {
				t.Errorf("%s %s: %q", k, fault, text)
			}
		}
	})
	for _, text := range []string{" x", "it's", `"x"`, "a  b", "x\u200b", "wait...", "x .", "{A}", "{a"} {
		if untypeset(text) == "" {
			t.Errorf("%q passes", text)
		}
	}
}

// untypeset tells what is wrong with the look of a text.
func untypeset(text string) string {
	switch bare := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(text, "x"); {
	case strings.TrimSpace(text) != text, strings.Contains(text, "  "):
		return "has spaces too many"
	case strings.ContainsAny(text, `'"`), strings.Contains(text, "..."):
		return "has marks of a typewriter"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "holds a control character"
	case regexp.MustCompile(` [.,:;?]`).MatchString(text):
		return "has a space before a mark"
	case strings.ContainsAny(bare, "{}"):
		return "has a place that is none"
	}
	return ""
}

// TestNothingIsLeftInEnglish: what reads the same in two languages is listed.
func TestNothingIsLeftInEnglish(t *testing.T) {
	same := []Key{
		"prompt.any.choose", "enrol.any.choose", "factor.passkey", "prompt.passkey.label", "enrol.passkey.label", PageTitle,
		AccountName, AccountNameLabel,
	}
	for _, c := range Load().languages[1:] {
		for _, k := range slices.Sorted(maps.Keys(c.texts)) {
			if c.texts[k] == en().texts[k] && !slices.Contains(same, k) {
				t.Errorf("%s: %s is English: %s", c.Lang(), k, c.texts[k])
			}
		}
	}
}

// TestEverySentenceEnds: a text of two sentences ends like one, and what is one
// in English is one in every language.
func TestEverySentenceEnds(t *testing.T) {
	ends := func(text string) bool { return strings.ContainsAny(text[len(text)-1:], ".?:,") }
	for _, c := range Load().languages {
		for k, text := range c.texts {
			if strings.Contains(text, ". ") && !strings.Contains(text, "{day}. ") && !ends(text) {
				t.Errorf("%s: %s does not end: %s", c.Lang(), k, text)
			}
			if want := en().texts[k]; want != "" && ends(want) != ends(text) {
				t.Errorf("%s: %s ends otherwise than in English: %s", c.Lang(), k, text)
			}
		}
	}
}
