package web

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// exhibit is one state of one page.
type exhibit struct {
	name   string
	show   func(w http.ResponseWriter, r *http.Request, p *Pages)
	tenant identity.Tenant
}

// noon is when every page of the gallery is shown.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// names are what strangers might be called (H-46).
type names struct {
	user, application, tenant, enrolment, scope, detail string
	person, key, address                                string   // what only some have
	agents                                              []string // what browsers say of themselves
}

func (n names) agent(i int) string {
	if i < len(n.agents) {
		return n.agents[i]
	}
	return ""
}

func plainNames() names {
	return names{
		user: "ada@example.com", application: "Demo application", tenant: "Acme", enrolment: "Ada’s phone",
		scope: "payments:write", detail: "redirect_uri is not registered for this application",
		person: "Ada Lovelace", key: "Work laptop", address: "2001:db8::17", agents: []string{firefox, iphone, chrome},
	}
}

// gallery is every page there is, in every state.
func gallery(t testing.TB, n names) []exhibit {
	var all []exhibit
	add := func(name string, show func(http.ResponseWriter, *http.Request, *Pages)) {
		home := tenant()
		home.Name = n.tenant
		all = append(all, exhibit{name, show, home})
	}
	for name, view := range views(t, n) {
		post := flow.Post{}
		if strings.HasSuffix(name, "-unknown") {
			post.PublicKey = []byte(`{}`)
		}
		add(name, func(w http.ResponseWriter, r *http.Request, p *Pages) {
			s := &server{Deps{Pages: p, Now: noon}}
			if err := s.tell(w, r, flow.Posted{View: view}, post); err != nil {
				t.Error(name, err)
			}
		})
	}
	add("form-post", func(w http.ResponseWriter, r *http.Request, p *Pages) {
		p.FormPost(w, r, "https://app.example/callback", map[string]string{"code": n.user, "state": n.detail, "iss": "https://id.acme.example"})
	})
	add("signed-out", func(w http.ResponseWriter, r *http.Request, p *Pages) { p.SignedOut(w, r) })
	add("sign-out", func(w http.ResponseWriter, r *http.Request, p *Pages) {
		p.ConfirmSignOut(w, r, SignOutAsked{User: n.user, Action: "/signout"})
	})
	add("sign-out-application", func(w http.ResponseWriter, r *http.Request, p *Pages) {
		p.ConfirmSignOut(w, r, SignOutAsked{User: n.user, Application: n.application, Action: "/oauth2/logout", Fields: map[string]string{"state": n.detail}})
	})
	add("home", func(w http.ResponseWriter, r *http.Request, p *Pages) {
		if err := (&server{Deps{Pages: p, Flows: &fakeFlows{}}}).home(w, r); err != nil {
			t.Error(err)
		}
	})
	for name, e := range accountExhibits(t, n) {
		add(name, e)
	}
	wrong := func(name string, f fault) {
		add(name, func(w http.ResponseWriter, r *http.Request, p *Pages) { p.fault(w, r, f) })
	}
	wrong("expired", ended(410, codeFlowExpired, n))
	wrong("foreign", ended(403, codeForeignBrowser, n))
	wrong("unknown-flow", fault{status: 404, code: codeNotFound, words: "flow_not_found"})
	wrong("not-found", fault{status: 404, code: codeNotFound})
	wrong("too-large", fault{status: 413, code: codeTooLarge})
	wrong("media-type", fault{status: 415, code: codeMediaType})
	wrong("overloaded", fault{status: 503, code: codeOverloaded, retry: 3 * time.Second})
	wrong("internal", fault{status: 500, code: codeInternal})
	add("application-request", func(w http.ResponseWriter, r *http.Request, p *Pages) {
		p.Error(w, r, 400, "invalid_request", n.detail, "")
	})
	return append(all, branded(t, n)...)
}

func ended(status int, code string, n names) fault {
	return fault{status: status, code: code, home: "https://app.example/login", application: n.application}
}

// branded are pages of tenants with tastes of their own.
func branded(t testing.TB, n names) []exhibit {
	const logo = `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='9' fill='%23e8590c'/%3E%3Ccircle cx='16' cy='16' r='7' fill='%23fff'/%3E%3C/svg%3E`
	var all []exhibit
	for name, b := range map[string]identity.Branding{
		"brand-orange": {Accent: "#e8590c", Logo: logo, SupportLink: "https://help.acme.example/"},
		"brand-yellow": {Accent: "#ffe14d", SupportLink: "mailto:help@acme.example"},
		"brand-black":  {Accent: "#000000", AccentDark: "#ffffff"},
	} {
		home := tenant()
		home.Name, home.Branding = n.tenant, b
		view := views(t, n)["totp-others"]
		all = append(all, exhibit{name, func(w http.ResponseWriter, r *http.Request, p *Pages) {
			if err := (&server{Deps{Pages: p, Now: noon}}).tell(w, r, flow.Posted{View: view}, flow.Post{}); err != nil {
				t.Error(err)
			}
		}, home})
	}
	return all
}

// galleryHandler serves every exhibit under /gallery/NAME with the headers it
// really has, and a list of them at /gallery/.
func galleryHandler(t testing.TB, n names) http.Handler {
	p := newPages(t)
	s := &server{Deps{Pages: p}}
	mux := http.NewServeMux()
	list := &strings.Builder{}
	brands := map[string]identity.Tenant{}
	for _, e := range gallery(t, n) {
		list.WriteString(e.name + "\n")
		brands[brandOf(e.tenant.Branding).hash] = e.tenant
		mux.HandleFunc("GET /gallery/"+e.name, func(w http.ResponseWriter, r *http.Request) {
			e.show(w, r.WithContext(edge.WithTenant(r.Context(), e.tenant)), p)
		})
	}
	mux.HandleFunc("GET /gallery/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(list.String())) })
	mux.Handle("GET /static/{hash}/{file}", s.page(p.serveStatic))
	mux.HandleFunc("GET /brand/{hash}/{file}", func(w http.ResponseWriter, r *http.Request) {
		s.page(p.serveBrand).ServeHTTP(w, r.WithContext(edge.WithTenant(r.Context(), brands[r.PathValue("hash")])))
	})
	return edge.RequestIDs(rand.Reader, nil, edge.Headers(false, mux))
}

// TestServeGallery serves the gallery for screenshots where
// INTELLIAUTH_GALLERY names an address, until its standard input ends.
func TestServeGallery(t *testing.T) {
	address := os.Getenv("INTELLIAUTH_GALLERY")
	if address == "" {
		return
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: galleryHandler(t, plainNames()), ReadHeaderTimeout: time.Second}
	t.Logf("http://%s/gallery/", listener.Addr())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		_ = server.Close()
	}()
	_ = server.Serve(listener)
}

// withPath makes a request one for a path; its query's id is the path's {id}.
func withPath(r *http.Request, path string) *http.Request {
	r = r.Clone(r.Context())
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	r.URL = u
	r.SetPathValue("id", u.Query().Get("id"))
	return r
}

// pathName makes a name of a pattern: "/phone/remove" is "-phone-remove".
func pathName(path string) string {
	return strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path)
}

// asForm makes a request one that posts an empty form.
func asForm(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Method, r.Body = http.MethodPost, http.NoBody
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}
