package messages

import (
	"strings"
	"testing"
)

// everyLanguage runs a test on each language that a person may meet.
func everyLanguage(t *testing.T, test func(t *testing.T, c Catalogue)) {
	t.Helper()
	for _, c := range Load().languages {
		t.Run(c.Lang(), func(t *testing.T) { test(t, c) })
	}
}

// own reports whether the language itself has words, and not English in its place.
func (c Catalogue) own(k Key) bool { return c.texts[k] != "" }

// whole fails on a text that is missing or has a hole.
func whole(t *testing.T, what, text string) {
	t.Helper()
	if strings.TrimSpace(text) == "" || strings.ContainsAny(text, "{}") || strings.Contains(text, "  ") || strings.Contains(text, " .") || strings.Contains(text, ": .") {
		t.Errorf("%s: %q", what, text)
	}
}

func TestEveryEventIsWorded(t *testing.T) {
	kinds := constantsOf(t, "../identity/event.go", "Event")
	if len(kinds) < 35 {
		t.Fatalf("read %d kinds only", len(kinds))
	}
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		seen := map[string]string{}
		for name, kind := range kinds {
			if !c.own(stemEvent + Key(kind)) {
				t.Errorf("%s (%s) has no words", name, kind)
			}
			for _, outcome := range []string{"success", "failure", "refused", ""} {
				whole(t, kind, c.Event(kind, outcome))
				whole(t, kind, c.Event(kind, outcome, "factor", "", "application", " ", "name", ""))
				whole(t, kind, c.Event(kind, outcome, "factor", "Key", "application", "Shop", "name", "blue", "device", "d"))
			}
			text := c.Event(kind, "success")
			if other := seen[text]; other != "" {
				t.Errorf("%s and %s both say %q", kind, other, text)
			}
			seen[text] = kind
		}
		if _, taken := seen[c.Event("no.such", "")]; taken {
			t.Error("an event that is not known passes for another")
		}
	})
}

func TestEventsSayWhatIsKnown(t *testing.T) {
	c := en()
	for _, test := range []struct {
		kind, outcome string
		places        []string
		want          string
	}{
		{"enrolment.created", "success", []string{"factor", "Passkey"}, "A sign-in method was added: Passkey."},
		{"enrolment.created", "success", nil, "A sign-in method was added."},
		{"enrolment.created", "success", []string{"factor", "\u202e"}, "A sign-in method was added."},
		{"recovery.used", "success", nil, "A recovery code was used."},
		{"recovery.used", "failure", nil, "A wrong recovery code was entered."},
		{"grant.revoked", "success", []string{"application", "{factor}", "factor", "x"}, "An application was disconnected: {factor}."},
		{"moon.landed", "success", nil, "Something was done about your sign-in."},
	} {
		if got := c.Event(test.kind, test.outcome, test.places...); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.kind, test.outcome, got, test.want)
		}
	}
	if text, ok := c.EventReason("code_replayed"); !ok || text != "The code had been used before." {
		t.Errorf("%q", text)
	}
	if text, ok := c.EventReason("no-such-reason"); ok {
		t.Errorf("an unknown reason says %q", text)
	}
	if got := c.Outcome("failure") + "/" + c.Outcome("odd"); got != "Failed/Ended" {
		t.Error(got)
	}
}

func TestEveryDutyIsWorded(t *testing.T) {
	kinds := constantsOf(t, "../flow/duty.go", "Duty")
	if len(kinds) < 9 {
		t.Fatalf("read %d kinds only", len(kinds))
	}
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		for name, kind := range kinds {
			if !c.own(stemDuty+Key(kind)) || !c.own(stemDone+Key(kind)) {
				t.Errorf("%s (%s) lacks words", name, kind)
			}
			whole(t, kind, c.Duty(kind))
			whole(t, kind, c.Duty(kind, "name", "blue", "factor", "Key", "device", "Firefox"))
			done, ok := c.Done(kind)
			if !ok {
				t.Errorf("%s says nothing when done", kind)
			}
			whole(t, kind, done)
		}
		whole(t, "any", c.Duty("paint"))
		if text, ok := c.Done("<script>"); ok {
			t.Errorf("an unknown change is said to be done: %q", text)
		}
	})
}

func TestLevelsAreWorded(t *testing.T) {
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		seen := map[string]bool{}
		for aal := range 4 {
			whole(t, "level", c.Level(aal))
			seen[c.Level(aal)] = true
		}
		if len(seen) != 4 || c.Level(-1) != c.Level(0) || c.Level(9) != c.Level(0) {
			t.Errorf("levels: %v", seen)
		}
	})
}
