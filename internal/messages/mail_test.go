package messages

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func kinds(t *testing.T) []string {
	t.Helper()
	found := slices.Sorted(maps.Values(constantsOf(t, "../identity/message.go", "Message")))
	if len(found) < 18 {
		t.Fatalf("read %d kinds only", len(found))
	}
	return found
}

// linked are the kinds whose Args hold a link, as identity says beside them.
func linked() []string {
	return []string{
		"invite", "notice.factor_added", "notice.factor_removed", "notice.recovery_used", "notice.password_changed",
		"notice.email_changed", "notice.phone_changed",
	}
}

// coded are those that hold a code.
func coded(kind string) bool {
	return strings.HasPrefix(kind, "code.") || strings.HasPrefix(kind, "ticket.") && kind != "ticket.registered"
}

func known() Written {
	return Written{Tenant: "Acme", Name: "Ada", Minutes: 10, Args: map[string]string{
		"at": "2026-03-08T09:05:00Z", "until": "2026-03-11T09:05:00Z", "place": "Paris, France", "device": "Firefox on Linux",
		"factor": "totp", "application": "Shop", "link": "https://id.acme.example/account/not-me?token=" + strings.Repeat("A", 120),
	}}
}

// TestO07_EveryMessageIsWorded: each kind has every part in every language and
// names the service; no text takes the code or the link, save that a text
// message takes the code.
func TestO07_EveryMessageIsWorded(t *testing.T) {
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		for _, kind := range kinds(t) {
			parts := []string{"subject", "lead", "body", "ignore"}
			if slices.Contains(linked(), kind) {
				parts = append(parts, "link")
			}
			for _, part := range parts {
				if !c.own(Mail(kind, part)) {
					t.Errorf("%s has no %s", kind, part)
				}
			}
			for _, part := range []string{"subject", "lead"} {
				if !strings.Contains(c.texts[Mail(kind, part)], "{tenant}") {
					t.Errorf("the %s of %s does not name the service", part, kind)
				}
			}
			if slices.Contains(linked(), kind) != c.own(Mail(kind, "link")) {
				t.Errorf("%s: has words for a link, or lacks them", kind)
			}
			if text := c.texts[SMS(kind)]; !strings.Contains(text, "{tenant}") || coded(kind) != strings.Contains(text, "{code}") {
				t.Errorf("the text message of %s is %q", kind, text)
			}
		}
		for k, text := range c.texts {
			if strings.HasPrefix(string(k), "mail.") && (strings.Contains(text, "{code}") || strings.Contains(text, "{link}")) {
				t.Errorf("%s holds a code or a link: %s", k, text)
			}
		}
	})
}

// TestO07_LettersAreWhole: with everything known, and with nothing.
func TestO07_LettersAreWhole(t *testing.T) {
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		subjects := map[string]string{}
		for _, kind := range kinds(t) {
			for _, m := range []Written{known(), {Tenant: "Acme"}} {
				if !coded(kind) {
					m.Minutes = 0
				}
				l := c.Letter(kind, m)
				for what, text := range map[string]string{
					"subject": l.Subject, "greeting": l.Greeting, "lead": l.Lead, "body": l.Body, "ignore": l.Ignore, "foot": l.Foot,
				} {
					whole(t, kind+" "+what, text)
				}
				if m.Name != "" && (len(l.Facts) != 3 || !strings.Contains(l.Greeting, "Ada")) || m.Name == "" && (l.Facts != nil || strings.Contains(l.Greeting, " ,")) {
					t.Errorf("%s: %q %q", kind, l.Greeting, l.Facts)
				}
				if (m.Minutes > 0) != (l.Code != "" && l.Valid != "" && l.Secret != "") {
					t.Errorf("%s: words about a code: %q %q %q", kind, l.Code, l.Valid, l.Secret)
				}
				code := ""
				if coded(kind) {
					code = "123456"
				}
				text := c.Texting(kind, code, m)
				whole(t, "sms "+kind, text)
				if !strings.Contains(text, code) || !strings.Contains(text, "Acme") {
					t.Errorf("%s: %q", kind, text)
				}
			}
			if other := subjects[c.Letter(kind, known()).Subject]; other != "" {
				t.Errorf("%s and %s have the same subject", kind, other)
			}
			subjects[c.Letter(kind, known()).Subject] = kind
		}
	})
}

func TestLettersSayWhatIsKnown(t *testing.T) {
	c := en()
	l := c.Letter("notice.factor_added", known())
	if l.Lead != "A sign-in method was added for you at Acme: Authenticator app." || l.Greeting != "Hello Ada," || l.Link != "This was not me" {
		t.Errorf("%+v", l)
	}
	want := []string{"Time: 8 March 2026, 09:05 UTC", "Place: near Paris, France, as far as the network tells", "Device: Firefox on Linux"}
	if !slices.Equal(l.Facts, want) {
		t.Errorf("%q", l.Facts)
	}
	if l := c.Letter("invite", known()); !strings.HasSuffix(l.Body, "until 11 March 2026, 09:05 UTC.") {
		t.Errorf("%q", l.Body)
	}
	m := known()
	m.Args["until"], m.Minutes = "tomorrow", 1
	if l := c.Letter("invite", m); !strings.HasSuffix(l.Body, "It works once.") || !strings.HasPrefix(l.Valid, "The code works for 1 minute,") {
		t.Errorf("%q %q", l.Body, l.Valid)
	}
	if l := c.Letter("no.such", known()); l.Subject != "" || l.Lead != "" || l.Foot != "" {
		t.Errorf("an unknown kind says %+v", l)
	}
	if text := c.Texting("no.such", "123456", known()); text != "" {
		t.Errorf("an unknown kind says %q", text)
	}
	if text := c.Texting("code.signin", "", known()); text != "" {
		t.Errorf("a message without its code says %q", text)
	}
	if text := c.Texting("code.signin", "123456", known()); text != "123456 is your code for signing in to Acme near Paris, France. Keep it to yourself." {
		t.Errorf("%q", text)
	}
}

// TestH46_HostileNamesInLetters: nothing a stranger chose breaks a line, holds
// a place, or turns a sentence around.
func TestH46_HostileNamesInLetters(t *testing.T) {
	hostile := "x\r\nBcc: y\u202e{tenant}{code}"
	m := Written{Tenant: hostile, Name: hostile, Minutes: 5, Args: map[string]string{
		"at": hostile, "until": hostile, "place": hostile, "device": hostile, "factor": hostile, "application": hostile,
	}}
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		for _, kind := range kinds(t) {
			l := c.Letter(kind, m)
			all := append([]string{l.Subject, l.Greeting, l.Lead, l.Body, l.Ignore, l.Foot, l.Valid, l.Secret, c.Texting(kind, "123456", m)}, l.Facts...)
			for _, text := range all {
				if strings.ContainsAny(text, "\r\n\u202e") || coded(kind) && strings.Count(text, "123456") > 1 {
					t.Errorf("%s: %q", kind, text)
				}
			}
			if strings.Contains(l.Subject, "123456") || !strings.Contains(l.Subject, "x Bcc: y{tenant}{code}") {
				t.Errorf("%s: subject %q", kind, l.Subject)
			}
		}
	})
}

// TestN64_NoticesSayWhatTheLinkDoes, and that it signs nobody in.
func TestN64_NoticesSayWhatTheLinkDoes(t *testing.T) {
	c := en()
	for _, kind := range linked() {
		if kind == "invite" {
			continue
		}
		text := c.Letter(kind, known()).Ignore
		for _, want := range []string{"signs out every browser", "stops further changes", "signs nobody in"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q", kind, text)
			}
		}
	}
}

// TestTextMessagesFitOneSegment: the GSM 7-bit alphabet (3GPP TS 23.038) and,
// beside the line that binds the code to its origin, 160 characters.
func TestTextMessagesFitOneSegment(t *testing.T) {
	alphabet := regexp.MustCompile("^[@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,\\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$")
	if alphabet.MatchString("it’s") || alphabet.MatchString("„x“") {
		t.Fatal("the check finds nothing")
	}
	m := Written{Tenant: "Länderbank AG"}
	everyLanguage(t, func(t *testing.T, c Catalogue) {
		for _, kind := range kinds(t) {
			text := c.Texting(kind, "123456", m)
			if !alphabet.MatchString(text) {
				t.Errorf("%s is not in the alphabet: %q", kind, text)
			}
			if coded(kind) {
				text += "\n\n@signin.laenderbank.example #123456"
			}
			if len([]rune(text)) > 160 {
				t.Errorf("%s is %d long: %s", kind, len([]rune(text)), text)
			}
		}
	})
}
