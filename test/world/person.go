package world

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// Person is somebody with a browser that has no JavaScript.
type Person struct {
	Email, Password string
	Secret          string // of the authenticator app, once there is one
	Jar             *cookiejar.Jar
	HTTP            *http.Client
	Now             func() time.Time
	Headers         http.Header // sent with every request

	sent func(to string) string // the code last sent there

	t testing.TB
}

// Person makes somebody in a browser without cookies.
func (w *World) Person(t testing.TB, email, password string) *Person {
	jar, _ := cookiejar.New(nil)
	client := Client()
	client.Jar = jar
	t.Cleanup(client.CloseIdleConnections)
	return &Person{Email: email, Password: password, Jar: jar, HTTP: client, Now: w.Now, sent: w.Sent, Headers: http.Header{}, t: t}
}

// Page is one answer.
type Page struct {
	Status int
	Header http.Header
	URL    *url.URL
	Body   string
	doc    *html.Node
}

// Do sends one request and reads the answer; no redirect is followed.
func (p *Person) Do(r *http.Request) *Page {
	p.t.Helper()
	for name, values := range p.Headers {
		r.Header[name] = values
	}
	answer, err := p.HTTP.Do(r)
	if err != nil {
		p.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	page := &Page{Status: answer.StatusCode, Header: answer.Header, URL: r.URL, Body: string(body)}
	page.doc, _ = html.Parse(strings.NewReader(page.Body))
	return page
}

// Get asks for an address as a navigation.
func (p *Person) Get(address string) *Page {
	p.t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	return p.Do(r)
}

// Open goes to an address and follows redirects of the same host.
func (p *Person) Open(address string) *Page {
	p.t.Helper()
	return p.follow(p.Get(address))
}

func (p *Person) follow(page *Page) *Page {
	p.t.Helper()
	for range 10 {
		to := page.Location()
		if to == nil || to.Host != page.URL.Host {
			return page
		}
		page = p.Get(to.String())
	}
	p.t.Fatalf("too many redirects: %s", page.URL)
	return nil
}

// Location is where a redirect goes, nil if the page is none.
func (page *Page) Location() *url.URL {
	to, err := page.URL.Parse(page.Header.Get("Location"))
	if err != nil || page.Header.Get("Location") == "" {
		return nil
	}
	return to
}

// Text is what the page says, without markup.
func (page *Page) Text() string {
	var words []string
	page.each(func(n *html.Node) {
		if n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "script" {
			words = append(words, strings.Fields(n.Data)...)
		}
	})
	return strings.Join(words, " ")
}

func (page *Page) each(do func(*html.Node)) {
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		do(n)
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(page.doc)
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// form is the form that asks something.
type form struct {
	action string
	fields url.Values
	asks   string // name of the field to fill in
	token  string // its autocomplete token
}

// question is the first form with a field to fill in; ok is false without one.
func (page *Page) question() (f form, ok bool) {
	var current *form
	var found *form
	page.each(func(n *html.Node) {
		if n.Type != html.ElementNode || found != nil && current != found {
			return
		}
		switch n.Data {
		case "form":
			current = &form{action: attribute(n, "action"), fields: url.Values{}}
		case "input":
			if current == nil || has(n, "disabled") {
				return
			}
			kind := attribute(n, "type")
			current.fields.Set(attribute(n, "name"), attribute(n, "value"))
			if kind != "hidden" && !has(n, "readonly") && current.asks == "" {
				current.asks, found = attribute(n, "name"), current
				current.token, _, _ = strings.Cut(attribute(n, "autocomplete"), " ")
			}
		}
	})
	if found == nil {
		return form{}, false
	}
	return *found, true
}

// Asks is the autocomplete token of what the page asks, "" if nothing.
func (page *Page) Asks() string {
	f, _ := page.question()
	return f.token
}

var shownSecret = regexp.MustCompile(`(?:[A-Z2-7]{4}\s?){8}`)

// Type fills in what the page asks and sends it.
func (p *Person) Type(page *Page, text string) *Page {
	p.t.Helper()
	f, ok := page.question()
	if !ok {
		p.t.Fatalf("%d %s asks nothing: %s", page.Status, page.URL, page.Text())
	}
	f.fields.Set(f.asks, text)
	return p.Post(page, f.action, f.fields)
}

// Post sends a form of a page as a browser does, and follows.
func (p *Person) Post(page *Page, action string, fields url.Values) *Page {
	p.t.Helper()
	to, err := page.URL.Parse(action)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, to.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Origin", page.URL.Scheme+"://"+page.URL.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	return p.follow(p.Do(r))
}

// Answer answers one page truthfully.
func (p *Person) Answer(page *Page) *Page {
	p.t.Helper()
	switch page.Asks() {
	case "username", "email":
		return p.Type(page, p.Email)
	case "current-password":
		return p.Type(page, p.Password)
	case "one-time-code":
		if strings.Contains(page.Text(), "code we sent you") {
			return p.Type(page, p.sent(p.Email))
		}
		if shown := shownSecret.FindString(page.Text()); shown != "" {
			p.Secret = strings.Join(strings.Fields(shown), "")
		}
		return p.Type(page, Code(p.t, p.Secret, p.Now()))
	}
	for _, words := range []string{"An authenticator app", "I have kept them"} {
		if f, ok := page.button(words); ok {
			return p.Post(page, f.action, f.fields)
		}
	}
	p.t.Fatalf("nothing to do on %d %s: %s", page.Status, page.URL, page.Text())
	return nil
}

// button is the form that a button with these words sends.
func (page *Page) button(words string) (f form, ok bool) {
	var current *form
	page.each(func(n *html.Node) {
		if n.Type != html.ElementNode || ok {
			return
		}
		switch n.Data {
		case "form":
			current = &form{action: attribute(n, "action"), fields: url.Values{}}
		case "input":
			if current != nil && !has(n, "disabled") {
				current.fields.Set(attribute(n, "name"), attribute(n, "value"))
			}
		case "button":
			if current != nil && strings.Contains(said(n), words) {
				if name := attribute(n, "name"); name != "" {
					current.fields.Set(name, attribute(n, "value"))
				}
				f, ok = *current, true
			}
		}
	})
	return f, ok
}

// said is the text of an element.
func said(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var text string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		text += said(c)
	}
	return text
}

// SignIn goes from an address to the one that the flow ends at.
func (p *Person) SignIn(address string) *url.URL {
	p.t.Helper()
	page := p.Open(address)
	for range 12 {
		if to := page.Location(); to != nil {
			return to
		}
		page = p.Answer(page)
	}
	p.t.Fatalf("the flow does not end: %s", page.Text())
	return nil
}
