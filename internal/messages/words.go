package messages

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PromptWords are the words of one prompt of a factor. Lead, Hint and Choose
// are whole sentences or labels; each may be empty.
type PromptWords struct {
	Title  string // heading of the page
	Lead   string // what to do
	Label  string // of the field
	Hint   string // beside the field
	Choose string // on the button that switches to it
	Submit string // on the button that answers it
}

// Prompt words a prompt by its factor ("identifier" is one, too). places may
// be used by any of the texts: tenant, application, name.
func (c Catalogue) Prompt(factor string, places ...string) PromptWords {
	return c.promptWords(stemPrompt, factor, places)
}

// Enrolment words the setting-up of a factor.
func (c Catalogue) Enrolment(factor string, places ...string) PromptWords {
	return c.promptWords(stemEnrol, factor, places)
}

func (c Catalogue) promptWords(stem Key, factor string, places []string) PromptWords {
	places = append([]string{"factor", c.Factor(factor)}, places...)
	known := c.has(stem + Key(factor) + ".title")
	word := func(part Key) string {
		if known {
			return c.first(places, stem+Key(factor)+part)
		}
		return c.first(places, stem+generic+part)
	}
	return PromptWords{
		Title: word(".title"), Lead: word(".lead"), Label: word(".label"),
		Hint: word(".hint"), Choose: word(".choose"), Submit: word(".submit"),
	}
}

// Factor names a factor as people know it. One that has no wording goes by its
// own name.
func (c Catalogue) Factor(name string) string {
	if word := c.first(nil, stemFactor+Key(name)); word != "" {
		return word
	}
	return Clean(name)
}

// Field labels something that setting up a factor asks for.
func (c Catalogue) Field(name string) string {
	if word := c.first(nil, stemField+Key(name)); word != "" {
		return word
	}
	return Clean(name)
}

// FieldHint says how to give what a field asks for; "" if nothing needs saying.
func (c Catalogue) FieldHint(name string) string {
	return c.first(nil, stemField+Key(name)+".hint")
}

// Purpose words what a flow is for, where it makes no change of its own:
// "manage", "register", "reset", "recover", "join" or "" for a sign-in.
func (c Catalogue) Purpose(purpose string, places ...string) string {
	return c.first(places, stemPurpose+Key(purpose), stemPurpose+generic)
}

// Error words what was wrong with a response, by its code. With wait it also
// says, truthfully, for how long nothing more will be taken.
func (c Catalogue) Error(code string, args map[string]string, wait time.Duration) string {
	places := []string{}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		places = append(places, name, args[name])
	}
	if wait > 0 {
		places = append(places, "wait", c.Wait(wait))
		if text := c.first(places, stemError+Key(code)+".wait"); text != "" {
			return text
		}
	}
	if n, ok := counted(args); ok && c.has(stemError+Key(code)+Other) {
		return c.Count(stemError+Key(code), n, places...)
	}
	return c.first(places, stemError+Key(code), stemError+generic)
}

// counted returns the number that the text of a refusal counts, if it counts.
func counted(args map[string]string) (int, bool) {
	for _, name := range []string{"min", "max"} {
		if n, err := strconv.Atoi(args[name]); err == nil {
			return n, true
		}
	}
	return 0, false
}

// Wait tells a time to wait, rounded up to what people count in.
func (c Catalogue) Wait(d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	switch {
	case d <= 90*time.Second:
		return c.Count(WaitSeconds, max(1, up(time.Second)))
	case d <= 90*time.Minute:
		return c.Count(WaitMinutes, up(time.Minute))
	}
	return c.Count(WaitHours, up(time.Hour))
}

// Fault words an error that takes a whole page, by its code.
func (c Catalogue) Fault(code string, places ...string) (title, lead string) {
	stem := stemFault + Key(code)
	if !c.has(stem + ".title") {
		stem = stemFault + generic
	}
	return c.first(places, stem+".title"), c.first(places, stem+".lead")
}

// Reason words why something is asked. ok is false for what people are not
// told, and for what has no wording.
func (c Catalogue) Reason(code string, places ...string) (text string, ok bool) {
	text = c.first(places, stemReason+Key(code))
	return text, text != ""
}

// Scope words what an application wants. ok is false where nothing needs to be
// said. A scope of the application's own goes by its name.
func (c Catalogue) Scope(name string) (text string, ok bool) {
	if strings.EqualFold(name, "openid") {
		return "", false
	}
	if text := c.first(nil, stemScope+Key(name)); text != "" {
		return text, true
	}
	return c.Text(stemScope+generic, "scope", name), true
}

func (c Catalogue) has(k Key) bool {
	_, ok := c.find(k)
	return ok
}
