package config

import (
	"crypto/x509"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/intelliauth/intelliauth/internal/policy"
)

// defaultPerDay is how many text messages a tenant sends in 24 hours.
const defaultPerDay = 1000

func (c *checker) sending(at string, t *Tenant) {
	if t.Locale != "" {
		tag, err := language.Parse(t.Locale)
		if err != nil || tag == language.Und {
			c.wrong(at+".locale", "%q is no language (write de, or pt-BR)", t.Locale)
		}
	}
	c.mail(at+".mail", t.Mail)
	c.sms(at+".sms", t.SMS)
	if t.Mail != nil || c.out.Inbox || c.written(at+".mail") {
		return
	}
	if t.Policy.Registration == policy.Open {
		c.wrong(at+".policy.registration", "open needs mail: people who register show that an address is theirs by a code sent there")
	}
	if t.Policy.Enrolment.FirstFactor != policy.ByPassword && t.Policy.MFA != policy.Never {
		c.warn(at, "has no mail, so a first factor can be set up only with a code that `intelliauth user reset-factors` prints: "+
			"give it mail, or write policy: {enrolment: {first_factor: password}} if a stolen password may set up the first factor")
	}
}

func (c *checker) mail(at string, m *Mail) {
	if m == nil {
		return
	}
	m.TLS = c.choice(at+".tls", m.TLS, "starttls", "starttls", "tls", "opportunistic")
	c.mailHost(at+".host", m)
	switch {
	case m.Port == 0 && !c.written(at+".port"):
		m.Port = map[string]int{"tls": 465, "opportunistic": 25}[m.TLS]
		if m.Port == 0 {
			m.Port = 587
		}
	case (m.Port < 1 || m.Port > 65535) && !c.bad[at+".port"]:
		c.wrong(at+".port", "%d is no port (want 1 to 65535)", m.Port)
	}
	switch {
	case m.Username != "" && !m.Password.Set() && !c.bad[at+".password"]:
		c.wrong(at+".username", "needs a password")
	case m.Username == "" && m.Password.Set() && !c.bad[at+".username"]:
		c.wrong(at+".password", "needs a username")
	case m.Password.Set():
		c.outside(at+".password", &m.Password)
	}
	if from, err := mail.ParseAddress(m.From); m.From == "" {
		if !c.bad[at+".from"] {
			c.wrong(at+".from", "is missing: write the sender's address, as Example <no-reply@example.com>")
		}
	} else if err != nil || strings.ContainsAny(m.From, "\r\n") || strings.HasSuffix(from.Address, "@localhost") {
		c.wrong(at+".from", "%q is no address (write no-reply@example.com, or Example <no-reply@example.com>)", m.From)
	}
	if m.CA != "" {
		raw, err := readFile(c.out, c.folder, m.CA)
		if err != nil {
			c.wrong(at+".ca", "%v", err)
		} else if !x509.NewCertPool().AppendCertsFromPEM(raw) {
			c.wrong(at+".ca", "holds no certificate in PEM")
		}
		m.CA = c.full(m.CA)
	}
}

func (c *checker) mailHost(at string, m *Mail) {
	_, err := netip.ParseAddr(m.Host)
	switch {
	case m.Host == "":
		if !c.bad[at] {
			c.wrong(at, "is missing: name the server that takes mail over, as smtp.example.com")
		}
	case err != nil && !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`).MatchString(m.Host):
		c.wrong(at, "%q is no host (write smtp.example.com; the port is a key of its own)", m.Host)
	case m.TLS == "opportunistic" && !loopback(m.Host):
		c.wrong(strings.TrimSuffix(at, ".host")+".tls", "opportunistic is for a server on this machine: elsewhere anybody on the way could read the codes")
	}
}

// outside looks a secret up that may not stand in the file.
func (c *checker) outside(at string, s *Secret) {
	if c.bad[at] || !c.secret(at, s) {
		return
	}
	if !s.kept {
		c.wrong(at, "is written in the file: keep it outside, as file:PATH or ${NAME}")
	}
}

func (c *checker) sms(at string, s *SMS) {
	if s == nil {
		return
	}
	if len(s.Providers) == 0 && !c.out.Inbox && !c.bad[at+".providers"] {
		c.wrong(at+".providers", "is missing: name at least one, as - twilio: {…} or - webhook: {…}")
	}
	for i := range s.Providers {
		each, p := fmt.Sprintf("%s.providers[%d]", at, i), &s.Providers[i]
		switch {
		case p.Twilio != nil && p.Webhook != nil:
			c.wrong(each, "is two at once: write each as an entry of its own")
		case p.Twilio != nil:
			c.twilio(each+".twilio", p.Twilio)
		case p.Webhook != nil:
			c.webhook(each+".webhook", p.Webhook)
		case !c.told(each):
			c.wrong(each, "names nothing: want twilio or webhook")
		}
	}
	if len(s.Countries) == 0 && !c.bad[at+".countries"] {
		c.wrong(at+".countries", "is missing: name the countries whose numbers get text messages, as [DE, AT, CH]")
	}
	for i, code := range s.Countries {
		each := fmt.Sprintf("%s.countries[%d]", at, i)
		region, err := language.ParseRegion(code)
		switch {
		case c.bad[each]:
		case err != nil || !region.IsCountry() || region.String() != code:
			c.wrong(each, "%q is no country (want ISO 3166 in capital letters, as DE)", code)
		case slices.Contains(s.Countries[:i], code):
			c.wrong(each, "%q is given twice", code)
		}
	}
	switch {
	case s.PerDay == 0 && !c.written(at+".per_day"):
		s.PerDay = defaultPerDay
	case s.PerDay < 1 && !c.bad[at+".per_day"]:
		c.wrong(at+".per_day", "wants a number above 0; without the key `sms` no text messages are sent")
	}
}

// told reports whether something was already found wrong at a path or below it.
func (c *checker) told(at string) bool {
	return slices.ContainsFunc(c.problems, func(p Problem) bool { return p.At == at || strings.HasPrefix(p.At, at+".") })
}

func (c *checker) twilio(at string, t *Twilio) {
	sid := func(prefix string) *regexp.Regexp { return regexp.MustCompile(`^` + prefix + `[0-9a-fA-F]{32}$`) }
	if !sid("AC").MatchString(t.Account) && !c.bad[at+".account"] {
		c.wrong(at+".account", "wants the account's SID: AC and 32 digits of hexadecimal")
	}
	if t.Key != "" && !sid("SK").MatchString(t.Key) {
		c.wrong(at+".key", "wants an API key's SID: SK and 32 digits of hexadecimal")
	}
	if !t.Token.Set() {
		if !c.bad[at+".token"] {
			c.wrong(at+".token", "is missing: give the key's secret or the account's token, as file:PATH or ${NAME}")
		}
	} else {
		c.outside(at+".token", &t.Token)
	}
	number, name := regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`), regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ]{0,10}$`)
	if !number.MatchString(t.From) && !sid("MG").MatchString(t.From) && (!name.MatchString(t.From) || !regexp.MustCompile(`[A-Za-z]`).MatchString(t.From)) && !c.bad[at+".from"] {
		c.wrong(at+".from", "wants a number as +15005550006, a name of at most 11 letters and digits, or a messaging service, MG…")
	}
	if t.URL != "" {
		c.posted(at+".url", t.URL, t.AllowPrivate)
	}
}

func (c *checker) webhook(at string, w *Webhook) {
	if w.URL == "" {
		if !c.bad[at+".url"] {
			c.wrong(at+".url", "is missing: write where messages are posted, as https://sms.example.com/send")
		}
	} else {
		c.posted(at+".url", w.URL, w.AllowPrivate)
	}
	if !w.Secret.Set() {
		if !c.bad[at+".secret"] {
			c.wrong(at+".secret", "is missing: give what requests are signed with, as file:PATH or ${NAME}")
		}
		return
	}
	known := len(c.problems)
	c.outside(at+".secret", &w.Secret)
	if len(c.problems) == known && len(w.Secret.value) < shortSecret {
		c.wrong(at+".secret", "is shorter than %d characters and could be guessed: make one with `openssl rand -base64 32`", shortSecret)
	}
}

// posted checks an address that codes are sent to. Where it leads is looked at
// again whenever it is dialled.
func (c *checker) posted(at, s string, private bool) {
	if c.bad[at] {
		return
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.ContainsAny(s, " \t\r\n\\"):
		c.wrong(at, "is no address (write https://sms.example.com/send)")
	case u.User != nil || u.Fragment != "":
		c.wrong(at, "holds a user name or a fragment, which are not sent")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		c.wrong(at, "is plain http: only loopback may be")
	case loopback(u.Hostname()) && !private:
		c.wrong(at, "is on this machine: say allow_private: true if that is meant")
	}
}
