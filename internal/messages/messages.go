// Package messages answers "in what words?": every text that a person reads,
// in every language there is.
//
// A language is a set of files (those of English are the measure): a function
// that returns its texts by [Key], its direction and its plural forms. Nobody joins
// fragments: a text is a whole sentence with named places, as in
// "Continue to {application}". A text that counts has one entry for each plural
// form of its language, under its key with the form appended (".one",
// ".other"). What the machinery speaks of by code (a factor, an error, a
// reason, a scope, an event, a kind of mail) has keys made from that code, with a
// generic text for codes that are not known here, so a new factor is one more
// block of wording. What may not be known has no place in a text but in its
// fellow under the key with ".full" appended.
//
//	messages.go       Load, Text, Count
//	keys*.go          the keys: of pages, steps, the account pages, mails
//	words.go          what a code means: prompts, enrolments, errors, reasons, scopes
//	words_account.go  changes, events, levels
//	words_mail.go     whole mails and text messages
//	moment.go         times, for people and for machines
//	clean.go          names that strangers chose, made safe to stand in a sentence
//	accept.go         which language a person reads
//	en*.go            English
//	de*.go            German
//	pseudo.go         languages for tests, that show what came from no catalogue
//
// The package knows no other room; pages and mails draw from it alike.
package messages

import (
	"strconv"
	"strings"
)

// Key names one text. Keys are constants of this package, or made from a code
// by the functions in words.go.
type Key string

// Form is a plural form, as the end of a key.
type Form = Key

// The plural forms of Unicode's plural rules that some language may use.
const (
	Zero  Form = ".zero"
	One   Form = ".one"
	Two   Form = ".two"
	Few   Form = ".few"
	Many  Form = ".many"
	Other Form = ".other" // every language has this one
)

// language is what one set of files says.
type language struct {
	tag    string // BCP 47
	dir    string // "ltr" or "rtl"
	forms  []Form // those that plural may return
	plural func(n int) Form
	months [12]string
	texts  []map[Key]string
}

// Catalogues holds all languages. It never changes once loaded.
type Catalogues struct {
	english   Catalogue
	languages []Catalogue // English first
}

// Catalogue is one language. Its methods never fail: a text that a language
// lacks is taken from English, so a page is never without words.
type Catalogue struct {
	lang     language
	texts    map[Key]string
	fallback map[Key]string
}

// Load reads all languages.
func Load() *Catalogues { return load(english(), german()) }

func load(all ...language) *Catalogues {
	c := &Catalogues{}
	for _, l := range all {
		texts := map[Key]string{}
		for _, part := range l.texts {
			for k, v := range part {
				texts[k] = v
			}
		}
		c.languages = append(c.languages, Catalogue{lang: l, texts: texts})
	}
	c.english = c.languages[0]
	for i := range c.languages {
		c.languages[i].fallback = c.english.texts
	}
	c.english = c.languages[0]
	return c
}

// Lang is the BCP 47 tag, for the lang attribute.
func (c Catalogue) Lang() string { return c.lang.tag }

// Dir is "ltr" or "rtl", for the dir attribute.
func (c Catalogue) Dir() string { return c.lang.dir }

// Text returns the text of a key. places are pairs of a name and what stands
// in its place, cleaned by [Clean] and kept apart from the direction of the
// sentence. A key without a text answers itself, which a test forbids.
func (c Catalogue) Text(k Key, places ...string) string {
	text, ok := c.find(k)
	if !ok {
		return string(k)
	}
	return c.fill(text, places)
}

// Count is Text for a text that counts: n chooses the plural form and stands in
// the place {n}.
func (c Catalogue) Count(k Key, n int, places ...string) string {
	places = append([]string{"n", strconv.Itoa(n)}, places...)
	if text, ok := c.texts[k+c.lang.plural(n)]; ok {
		return c.fill(text, places)
	}
	return c.Text(k+Other, places...)
}

func (c Catalogue) find(k Key) (string, bool) {
	if text, ok := c.texts[k]; ok {
		return text, true
	}
	text, ok := c.fallback[k]
	return text, ok
}

// first returns the text of the first key that has one.
func (c Catalogue) first(places []string, keys ...Key) string {
	for _, k := range keys {
		if text, ok := c.find(k); ok {
			return c.fill(text, places)
		}
	}
	return ""
}

// fill puts what was given into its places, in one pass, so that a name that
// looks like a place stays a name.
func (c Catalogue) fill(text string, places []string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, len(places))
	for i := 0; i+1 < len(places); i += 2 {
		pairs = append(pairs, "{"+places[i]+"}", c.isolate(Clean(places[i+1])))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
