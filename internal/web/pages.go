package web

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/messages"
)

// Pages renders everything that people see. It holds no state of requests and
// is safe for concurrent use. Other edges get its methods as func values.
type Pages struct {
	words     *messages.Catalogues
	templates *template.Template
	assets    assets
	brands    sync.Map // identity.Branding → brand
}

// NewPages parses the templates and loads the static files; it fails only if
// the binary was built from broken ones.
func NewPages() (*Pages, error) {
	parsed, err := template.New("").Option("missingkey=error").ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	loaded, err := loadAssets()
	if err != nil {
		return nil, err
	}
	return &Pages{words: messages.Load(), templates: parsed, assets: loaded}, nil
}

// shell is what surrounds every page.
type shell struct {
	Lang, Dir string
	Title     string // of the document
	Tenant    string
	Logo      string // address of the tenant's logo; "" shows our mark
	Styles    []string
	Scripts   []string
	Icon      string
	Help      link
	MadeBy    string
	Kind      string // class of the page: how much room it takes
	Signals   string // JSON: what browsers may know of their passkeys, for the script
	Failed    string // code of what was refused, for the script
	RPID      string // the tenant's, for the script
}

// Kinds of pages.
const (
	kindCard    = "card"
	kindWide    = "card wide" // with a picture beside its text
	kindAccount = "account"
)

type link struct{ Href, Text string }

// visit is one request with the words it is answered in.
type visit struct {
	*messages.Catalogue
	w      http.ResponseWriter
	r      *http.Request
	tenant identity.Tenant
	now    time.Time // zero on pages that tell nothing of the present
}

// visit chooses the words of a request; locales are those an application asked for.
func (p *Pages) visit(w http.ResponseWriter, r *http.Request, locales []string) visit {
	words := p.words.For(strings.Join(r.Header.Values("Accept-Language"), ","), locales)
	return visit{Catalogue: &words, w: w, r: r, tenant: edge.TenantOf(r.Context())}
}

// tenantName is what the tenant is called: on a host that is nobody's, our own name.
func (v visit) tenantName() string {
	if name := messages.Clean(v.tenant.Name); name != "" {
		return name
	}
	return "IntelliAuth"
}

// applicationName is whom the person is going to: the application, or the
// tenant itself on our own pages.
func (v visit) applicationName(name string) string {
	if name = messages.Clean(name); name != "" {
		return name
	}
	return v.tenantName()
}

// shell makes the surroundings of a page. failed says that an answer was
// refused: screen readers hear the title first.
func (p *Pages) shell(v visit, heading string, failed bool) shell {
	title := messages.PageTitle
	if failed {
		title = messages.PageFailed
	}
	b := p.brand(v.tenant.Branding)
	s := shell{
		Lang: v.Lang(), Dir: v.Dir(), Tenant: v.tenantName(),
		Title: v.Text(title, "page", heading, "tenant", v.tenantName()),
		Logo:  b.picture(), Styles: []string{p.assets.path("app.css")},
		Scripts: []string{p.assets.path("page.js")}, Icon: p.assets.path("favicon.svg"),
		MadeBy: v.Text(messages.PageMadeBy), Kind: kindCard,
	}
	if b.css != "" {
		s.Styles = append(s.Styles, b.styles())
	}
	if href := helpLink(v.tenant.Branding); href != "" {
		s.Help = link{Href: href, Text: v.Text(messages.PageHelp)}
	}
	return s
}

func (p *Pages) brand(b identity.Branding) brand {
	if known, ok := p.brands.Load(b); ok {
		return known.(brand)
	}
	made := brandOf(b)
	p.brands.Store(b, made)
	return made
}

// render executes a template in full before the first byte is sent, so that a
// page is whole or is not there. formAction names where its form may end.
func (p *Pages) render(v visit, status int, name string, page any, formAction ...string) error {
	var body bytes.Buffer
	if err := p.templates.ExecuteTemplate(&body, name, page); err != nil {
		return err
	}
	h := v.w.Header()
	edge.SetCSP(v.w, formAction...)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang())
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Accept-Language")
	v.w.WriteHeader(status)
	_, err := body.WriteTo(v.w)
	return gone(err)
}

// messagePage is a page that says one thing.
type messagePage struct {
	shell
	Tone    string // "", "good" or "bad": which mark stands over the text
	Heading string
	Lead    []string
	Note    string // quieter, below
	Detail  *detail
	Links   []link // the first is the way on
	Form    *plainForm
}

// detail is for the developers of an application.
type detail struct{ Title, Text string }

// plainForm is a form that asks nothing.
type plainForm struct {
	Action string
	Hidden []pair
	Submit string
	Quiet  bool // it is not what one came for
	Auto   bool // page.js sends it
}

type pair struct{ Name, Value string }

// fault is an error that takes a whole page.
type fault struct {
	status      int
	code        string
	words       string // of which code, if not of code
	detail      string // for developers; may come from outside
	home        string // where to go on; "" is the tenant's own page
	application string // whose home that is
	retry       time.Duration
}

// Error shows an error that takes a whole page, for edges that answer a
// browser but have no pages: status chooses the words, code and detail are
// shown to developers as they are, homeURL is where the person can go on; empty,
// or anything but a web address or an own path, is the tenant's home page.
func (p *Pages) Error(w http.ResponseWriter, r *http.Request, status int, code, detail, homeURL string) {
	f := fault{status: status, code: code, home: homeURL, words: wordsFor(status)}
	if status < http.StatusInternalServerError {
		f.detail = strings.TrimSpace(code + " " + detail)
	}
	p.fault(w, r, f)
}

// wordsFor chooses the words for an error of an application's request.
func wordsFor(status int) string {
	switch status {
	case http.StatusNotFound:
		return codeNotFound
	case http.StatusMethodNotAllowed:
		return codeMethod
	case http.StatusRequestEntityTooLarge:
		return codeTooLarge
	case http.StatusUnsupportedMediaType:
		return codeMediaType
	case http.StatusTooManyRequests:
		return codeTooManyRequests
	case http.StatusServiceUnavailable:
		return codeOverloaded
	}
	if status >= http.StatusInternalServerError {
		return codeInternal
	}
	return "application_request"
}

func (p *Pages) fault(w http.ResponseWriter, r *http.Request, f fault) {
	v := p.visit(w, r, nil)
	if f.words == "" {
		f.words = f.code
	}
	title, lead := v.Fault(f.words)
	page := messagePage{shell: p.shell(v, title, false), Tone: "bad", Heading: title, Lead: []string{lead}}
	if f.retry > 0 {
		page.Lead = append(page.Lead, v.Text(messages.FaultAgain, "wait", v.Wait(f.retry)))
	}
	if f.detail != "" {
		page.Detail = &detail{Title: v.Text(messages.FaultCode), Text: messages.Clean(f.detail)}
	}
	if id := edge.RequestID(r.Context()); id != "" {
		page.Note = v.Text(messages.FaultID, "id", id)
	}
	page.Links = []link{p.wayOn(v, f)}
	if err := p.render(v, f.status, "message", page); err != nil {
		edge.Fail(w, r, err)
	}
}

// wayOn leads out of an error: to the application where it said it can be
// started anew, else to the tenant's own page.
func (p *Pages) wayOn(v visit, f fault) link {
	if own, ok := edge.OwnPath(f.home); ok {
		return link{Href: own, Text: v.Text(messages.FaultHome, "tenant", v.tenantName())}
	}
	if href, ok := initiate(f.home, v.tenant.Issuer); ok {
		return link{Href: href, Text: v.Text(messages.FaultBackTo, "application", applicationOr(f.application, href))}
	}
	return link{Href: "/", Text: v.Text(messages.FaultHome, "tenant", v.tenantName())}
}

// applicationOr is the application's name, or the host of its address.
func applicationOr(name, href string) string {
	if name = messages.Clean(name); name != "" {
		return name
	}
	u, err := url.Parse(href)
	if err != nil {
		return ""
	}
	return u.Host
}

// initiate makes the address that starts an application's sign-in: its
// initiate_login_uri with our iss (OpenID Connect Core, section 4).
func initiate(home, issuer string) (string, bool) {
	u, err := url.Parse(home)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return "", false
	}
	q := u.Query()
	q.Set("iss", issuer)
	u.RawQuery = q.Encode()
	return u.String(), true
}

// FormPost shows the page that hands an answer over by
// response_mode=form_post (OAuth 2.0 Form Post Response Mode): a form that a
// script sends, or a click.
func (p *Pages) FormPost(w http.ResponseWriter, r *http.Request, redirect string, fields map[string]string) {
	p.handOver(p.visit(w, r, nil), redirect, fields, "")
}

func (p *Pages) handOver(v visit, redirect string, fields map[string]string, application string) {
	heading := v.Text(messages.ReturnTitle, "application", applicationOr(application, redirect))
	page := messagePage{
		shell: p.shell(v, heading, false), Heading: heading, Lead: []string{v.Text(messages.ReturnLead)},
		Form: &plainForm{Action: redirect, Hidden: pairs(fields), Submit: v.Text(messages.ReturnSubmit), Auto: true},
	}
	if err := p.render(v, http.StatusOK, "message", page, redirect); err != nil {
		edge.Fail(v.w, v.r, err)
	}
}

// SignOutAsked is a question whether to sign out.
type SignOutAsked struct {
	User        string            // who is signed in, as they know themselves
	Application string            // who asks; "" if it is the person
	Action      string            // own path that the answer is posted to
	Fields      map[string]string // posted with it
	Redirect    string            // where a yes leads in the end; "" if nowhere
}

// ConfirmSignOut asks before a sign-out that anybody could have asked for
// (RP-Initiated Logout, section 2).
func (p *Pages) ConfirmSignOut(w http.ResponseWriter, r *http.Request, asked SignOutAsked) {
	v := p.visit(w, r, nil)
	heading := v.Text(messages.SignOutTitle)
	page := homePage{
		shell: p.shell(v, heading, false), Heading: heading,
		Lead: v.Text(messages.SignOutLead, "tenant", v.tenantName()), Person: v.person(asked.User),
		Form: &plainForm{Action: asked.Action, Hidden: pairs(asked.Fields), Submit: v.Text(messages.SignOutSubmit)},
		Link: link{Href: "/", Text: v.Text(messages.SignOutStay)},
	}
	if asked.Application != "" {
		page.Note = v.Text(messages.SignOutFor, "application", asked.Application)
	}
	if err := p.render(v, http.StatusOK, "home", page, asked.Redirect); err != nil {
		edge.Fail(w, r, err)
	}
}

// SignedOut says that nobody is signed in any more.
func (p *Pages) SignedOut(w http.ResponseWriter, r *http.Request) {
	v := p.visit(w, r, nil)
	heading := v.Text(messages.SignedOut)
	page := messagePage{
		shell: p.shell(v, heading, false), Tone: "good", Heading: heading,
		Lead:  []string{v.Text(messages.SignedOutLead, "tenant", v.tenantName())},
		Links: []link{{Href: "/signin", Text: v.Text(messages.HomeSignIn)}},
	}
	if err := p.render(v, http.StatusOK, "message", page); err != nil {
		edge.Fail(w, r, err)
	}
}

// pairs orders fields by name: a page's bytes depend on its content alone.
func pairs(fields map[string]string) []pair {
	out := make([]pair, 0, len(fields))
	for _, name := range sortedKeys(fields) {
		out = append(out, pair{name, fields[name]})
	}
	return out
}
