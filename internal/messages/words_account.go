package messages

import "strings"

// Done words the notice after a change, by the kind of duty ("enrol", "remove",
// …). ok is false for a kind that is not known here: an address can say
// anything.
func (c Catalogue) Done(kind string, places ...string) (text string, ok bool) {
	text = c.fitting(places, stemDone+Key(kind))
	return text, text != ""
}

// Duty words what a flow will change at its end, by the kind of duty; places
// may hold name, factor and device. The text stands above the heading, where
// other flows say whom the sign-in is for.
func (c Catalogue) Duty(kind string, places ...string) string {
	return c.fitting(places, stemDuty+Key(kind), stemDuty+generic)
}

// Level words what a session is worth now, by its authenticator assurance
// level (0 to 3).
func (c Catalogue) Level(aal int) string {
	if aal < 0 || aal > 3 {
		aal = 0
	}
	return c.first(nil, stemLevel+Key("aal"+string(rune('0'+aal))))
}

// Event words an event of the log for the person whom it is about. places may
// hold factor, name, application, place; a text that needs one which is not
// known is not taken. Every event says something.
func (c Catalogue) Event(kind, outcome string, places ...string) string {
	k := stemEvent + Key(kind)
	return c.fitting(places, k+Key("."+outcome), k, stemEvent+generic)
}

// Outcome words how an event ended: "success", "failure" or "refused".
func (c Catalogue) Outcome(outcome string) string {
	return c.first(nil, stemOutcome+Key(outcome), stemOutcome+generic)
}

// EventReason words why an event was as it was, in the past tense. ok is false
// for what people are not told.
func (c Catalogue) EventReason(code string, places ...string) (text string, ok bool) {
	text = c.fitting(places, stemBecause+Key(code))
	return text, text != ""
}

// full ends the key of a text that says more than its fellow, by places that
// may not be known.
const full Key = ".full"

// fitting returns the text of the first key that has one whose places are all
// given; the full form of each key goes before it. So what is not known leaves
// no hole in a sentence.
func (c Catalogue) fitting(places []string, keys ...Key) string {
	given := map[string]bool{}
	for i := 0; i+1 < len(places); i += 2 {
		given[places[i]] = Clean(places[i+1]) != ""
	}
	for _, k := range keys {
		for _, k := range []Key{k + full, k} {
			if text, ok := c.find(k); ok && fits(text, given) {
				return c.fill(text, places)
			}
		}
	}
	return ""
}

func fits(text string, given map[string]bool) bool {
	for {
		_, rest, ok := strings.Cut(text, "{")
		if !ok {
			return true
		}
		name, after, _ := strings.Cut(rest, "}")
		if !given[name] {
			return false
		}
		text = after
	}
}
