package messages

import (
	"slices"
	"testing"
	"time"
)

// factors that have words of their own for proving and for setting up.
func factors() []string { return []string{"password", "totp", "passkey", "sms", "email", "recovery"} }

func TestEveryFactorIsWorded(t *testing.T) {
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		for _, factor := range factors() {
			if !c.own(stemFactor + Key(factor)) {
				t.Errorf("%s has no name", factor)
			}
			for stem, w := range map[Key]PromptWords{
				stemPrompt: c.Prompt(factor, "tenant", "Acme"), stemEnrol: c.Enrolment(factor, "tenant", "Acme"),
			} {
				if !c.own(stem + Key(factor) + ".title") {
					t.Errorf("%s%s has no words", stem, factor)
				}
				for what, text := range map[string]string{"title": w.Title, "label": w.Label, "choose": w.Choose, "submit": w.Submit} {
					whole(t, string(stem)+factor+" "+what, text)
				}
			}
		}
		for _, way := range []string{"identifier", "ticket", "register", "reset"} {
			w := c.Prompt(way, "tenant", "Acme")
			if w.Title == c.Prompt("").Title {
				t.Errorf("%s has no words", way)
			}
			whole(t, way, w.Title)
			whole(t, way, w.Submit)
		}
		for _, aside := range []string{"register", "reset", "session"} {
			whole(t, aside, c.Prompt(aside).Choose)
		}
		// the button of a passkey names the action.
		if w := c.Prompt("passkey"); w.Submit == c.Prompt("password").Submit {
			t.Errorf("the button says only %q", w.Submit)
		}
	})
}

// TestN44_TheRiskOfTextMessagesIsTold where they are set up, and where they are seen.
func TestN44_TheRiskOfTextMessagesIsTold(t *testing.T) {
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		if c.Enrolment("sms").Lead == "" || !c.own("enrol.sms.lead") || !c.own(AccountMethodRestricted) {
			t.Error("not told")
		}
	})
}

func TestEveryRefusalIsWorded(t *testing.T) {
	codes := []string{
		"invalid_credentials", "code_invalid", "code_replayed", "code_expired", "too_many_attempts", "prompt_stale",
		"identifier_required", "flow_busy", "number_invalid", "number_not_mobile", "country_not_allowed", "send_limited",
		"passkey_unknown", "passkey_origin", "passkey_no_uv", "passkey_backup_changed", "passkey_known", "passkey_not_attested",
		"passkey_model", "passkey_failed", "name_in_use", "frozen", "last_required_factor", "code_kept",
		"password_invalid", "password_common", "password_contains_name", "password_repeated", "password_sequence",
	}
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		said := map[string]string{c.Error("no_such_code", nil, 0): "no_such_code"}
		for _, code := range codes {
			text := c.Error(code, nil, 0)
			whole(t, code, text)
			whole(t, code, c.Error(code, nil, time.Minute))
			if other := said[text]; other != "" || !c.own(stemError+Key(code)) {
				t.Errorf("%s says the same as %q", code, other)
			}
			said[text] = code
		}
		for _, code := range []string{"send_limited", "too_many_attempts", "overloaded"} {
			if c.Error(code, nil, 0) == c.Error(code, nil, 20*time.Second) {
				t.Errorf("%s does not tell the wait", code)
			}
		}
	})
}

func TestEveryPurposeIsWorded(t *testing.T) {
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		var said []string
		for _, purpose := range []string{"", "manage", "register", "reset", "recover", "join"} {
			text := c.Purpose(purpose, "application", "Shop", "tenant", "Acme")
			whole(t, purpose, text)
			if slices.Contains(said, text) {
				t.Errorf("%q says what another says: %s", purpose, text)
			}
			said = append(said, text)
		}
		if c.Purpose("moon", "application", "Shop") != c.Purpose("", "application", "Shop") {
			t.Error("an unknown purpose has other words than a sign-in")
		}
		whole(t, "hint", c.FieldHint("phone"))
		if hint := c.FieldHint("shoe"); hint != "" {
			t.Errorf("hint %q", hint)
		}
	})
}
