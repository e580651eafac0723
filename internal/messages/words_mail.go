package messages

import (
	"strings"
	"time"
)

// Letter is a mail in words, in the order in which they are read. The code and
// the link are the sender's to put in: after Code and as the target of Link.
// What is empty has no place in the mail.
type Letter struct {
	Subject  string
	Greeting string
	Lead     string   // what is going on, and where
	Code     string   // over the code
	Valid    string   // how long the code works
	Secret   string   // that nobody is to be told the code
	Body     string   // what it means, or what to do
	Link     string   // on the link
	Facts    []string // when, from where, on what; as far as it is known
	Ignore   string   // what to do if it was not them
	Foot     string   // whose mail it is
}

// Written is what a message speaks of. Args are those of identity.Message: "at"
// and "until" (RFC 3339), "place", "device", "factor", "application". Name may
// be empty; Minutes is 0 where there is no code.
type Written struct {
	Tenant, Name string
	Minutes      int
	Args         map[string]string
}

// Letter words a mail by its kind. A kind that is not known here gives an empty
// one: such a mail must not be sent.
func (c Catalogue) Letter(kind string, m Written) Letter {
	if !c.has(Mail(kind, "subject")) {
		return Letter{}
	}
	places := c.written(m)
	part := func(name string) string { return c.fitting(places, Mail(kind, name)) }
	l := Letter{
		Subject: part("subject"), Greeting: c.Text(MailHello), Lead: part("lead"), Body: part("body"),
		Link: part("link"), Ignore: part("ignore"), Foot: c.Text(MailFoot, places...),
	}
	if Clean(m.Name) != "" {
		l.Greeting = c.Text(MailGreeting, places...)
	}
	if m.Minutes > 0 {
		l.Code, l.Valid = c.Text(MailCode), c.Count(MailValid, m.Minutes)
		l.Secret = c.Text(MailSecret, places...)
	}
	for _, k := range []Key{MailTime, MailPlace, MailDevice} {
		if fact := c.fitting(places, k); fact != "" {
			l.Facts = append(l.Facts, fact)
		}
	}
	return l
}

// Texting words a text message by its kind; code may be "". Like a mail of a
// kind that is not known here, an empty one must not be sent.
func (c Catalogue) Texting(kind, code string, m Written) string {
	return c.fitting(append(c.written(m), "code", code), SMS(kind))
}

// written puts what a message speaks of into words.
func (c Catalogue) written(m Written) []string {
	places := []string{
		"tenant", m.Tenant, "name", m.Name, "application", m.Args["application"],
		"place", m.Args["place"], "device", m.Args["device"],
	}
	if factor := m.Args["factor"]; factor != "" {
		places = append(places, "factor", c.Factor(factor))
	}
	for arg, place := range map[string]string{"at": "moment", "until": "until"} {
		if at, err := time.Parse(time.RFC3339, strings.TrimSpace(m.Args[arg])); err == nil {
			places = append(places, place, c.Moment(at))
		}
	}
	return places
}
