package deliver

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// Rendered is a message in words. Text and HTML say the same; a text message
// has Text alone.
type Rendered struct{ Subject, Text, HTML string }

//go:embed mail.html
var mailPage string

//go:embed mail.txt
var mailText string

// accentDefault is the colour of a tenant that chose none.
const accentDefault = "#3350d4"

var errNoWords = errors.New("there are no words for its kind")

// letter is what the templates see.
type letter struct {
	messages.Letter
	Tenant    string
	Number    string // the code itself
	Target    string // of the link
	Lang, Dir string
	Accent    string
	OnAccent  string
	Filler    template.HTML
}

// Render puts a message into words: the person's language, else the tenant's.
func Render(words *messages.Catalogues, t identity.Tenant, m identity.Message) (Rendered, error) {
	c := words.For("", []string{m.Locale, t.Locale})
	if messages.Clean(t.Name) == "" { // nothing that shows
		t.Name = t.Host()
	}
	w := messages.Written{Tenant: t.Name, Name: m.Name, Args: m.Args}
	code := messages.Clean(m.Code)
	if code != "" {
		w.Minutes = minutes(m)
	}
	target, err := link(m)
	if err != nil {
		return Rendered{}, err
	}
	if m.Channel == identity.ChannelSMS {
		return renderText(t, c.Texting(m.Kind, code, w), target, code)
	}
	l := letter{
		Letter: c.Letter(m.Kind, w), Tenant: messages.Clean(t.Name), Number: code, Target: target,
		Lang: c.Lang(), Dir: c.Dir(), Accent: t.Branding.Accent, Filler: filler(),
	}
	if l.Subject == "" {
		return Rendered{}, errNoWords
	}
	if l.Accent == "" {
		l.Accent = accentDefault
	}
	l.OnAccent = on(l.Accent)
	return renderMail(l)
}

// renderText ends a text message that holds a code with the line by which
// browsers fill it in on the tenant's own host and on no other (O-05). The
// host stands there without a port.
func renderText(t identity.Tenant, text, target, code string) (Rendered, error) {
	if text == "" {
		return Rendered{}, errNoWords
	}
	if target != "" {
		text += "\n" + target
	}
	u, err := url.Parse(t.Issuer)
	if err != nil || u.Hostname() == "" {
		return Rendered{}, errors.New("its tenant has no host")
	}
	if code != "" {
		text += "\n\n@" + u.Hostname() + " #" + code
	}
	return Rendered{Text: text}, nil
}

func renderMail(l letter) (Rendered, error) {
	page, err := template.New("mail.html").Parse(mailPage)
	if err != nil {
		return Rendered{}, fmt.Errorf("the mail's template: %w", err)
	}
	plain, err := texttemplate.New("mail.txt").Parse(mailText)
	if err != nil {
		return Rendered{}, fmt.Errorf("the mail's template: %w", err)
	}
	var html, text bytes.Buffer
	if err := errors.Join(page.Execute(&html, l), plain.Execute(&text, l)); err != nil {
		return Rendered{}, errors.New("its words do not fit the template")
	}
	return Rendered{Subject: l.Subject, Text: text.String(), HTML: html.String()}, nil
}

// minutes tells for how long a code works, in whole minutes from when it was
// made.
func minutes(m identity.Message) int {
	if m.Expires.IsZero() {
		return int(lifeDefault / time.Minute)
	}
	return max(1, int(m.Expires.Sub(m.At)/time.Minute))
}

// link takes the target of a message's link. It is one of our own pages; a
// damaged one is not sent at all.
func link(m identity.Message) (string, error) {
	target := m.Args["link"]
	if target == "" {
		return "", nil
	}
	u, err := url.Parse(target)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsAny(target, " \t\r\n\"'<>") {
		return "", errors.New("its link is damaged")
	}
	return target, nil
}

// filler keeps the code out of the preview that mailboxes show beside the
// subject: it fills what room the lead leaves there, and shows nothing (O-07).
func filler() template.HTML { return template.HTML(strings.Repeat("&#847;&zwnj;&#8199; ", 70)) }

// on is black or white, whichever can be read on a colour (WCAG 2.2, 1.4.3):
// the contrasts are equal where the luminance is 0.179.
func on(colour string) string {
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		return "#ffffff"
	}
	part := func(shift int, weight float64) float64 {
		v := float64(n>>shift&0xff) / 255
		return weight * v * v // close enough to the curve of sRGB
	}
	if part(16, 0.2126)+part(8, 0.7152)+part(0, 0.0722) > 0.179 {
		return "#000000"
	}
	return "#ffffff"
}

// mailbox takes an address as one address and nothing else: no name, no list,
// no line break (O-13).
func mailbox(s string) (*mail.Address, bool) {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || strings.ContainsAny(s, "\r\n\x00") {
		return nil, false
	}
	return a, true
}
