// Package web answers "what is said to people?": the hosted pages, the flow API
// behind them, and the Me API, by which people see and change their own.
//
//	web.go       Deps, Handler: the routes
//	flow.go      /flow/{id}: a page or JSON, by what is asked for
//	post.go      what comes back: a form or JSON, one meaning
//	home.go      /, /signin, /signout
//	dbsc.go      where browsers bind sessions to a key of theirs
//	account.go   /account: what is a person's own; sections.go words it,
//	             device.go names browsers, changes.go asks before each change,
//	             doors.go is what links in messages open
//	wellknown.go what browsers and password managers look for
//	me.go        who speaks to the Me API, and how sure that is; enrolments.go,
//	             sessions.go, grants.go and self.go are what they may do
//	fail.go      errors → page or problem; codes.go is the closed list
//	pages.go     whole pages: shell, errors, hand-over
//	flowpage.go  a flow's view in words; prompts.go and offers.go are its parts:
//	             one template for all factors
//	stamp.go     moments in sentences
//	picture.go   what a factor drew, let onto a page
//	brand.go     a tenant's colours and logo; colour.go keeps them readable
//	assets.go    style, script and icons under the hash of their content
//
// It decides nothing about who somebody is: flow does, and edge has settled
// what came in. No page holds a script, none needs one save to ask for a
// passkey, and none says whether a user exists.
package web

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// Flows runs flows and sessions; *flow.Engine does.
type Flows interface {
	Begin(ctx context.Context, t identity.Tenant, b flow.Browser, r flow.Request) (flow.Begun, error)
	View(ctx context.Context, t identity.Tenant, b flow.Browser, id string) (flow.View, error)
	Post(ctx context.Context, t identity.Tenant, b flow.Browser, id string, p flow.Post) (flow.Posted, error)
	Sessions
}

// Sessions tells what sessions are worth; *flow.Engine does.
type Sessions interface {
	Current(ctx context.Context, t identity.Tenant, b flow.Browser) (flow.Current, error)
	SignOut(ctx context.Context, t identity.Tenant, sessionID, why string, b flow.Browser) error
	Standing(t identity.Tenant, s identity.Session, proofs []assurance.Proof) (assurance.Standing, error)
	Admits(t identity.Tenant, b flow.Bearing) (bool, error)
}

// Bindings ties sessions to keys of their browsers; *flow.Engine does.
type Bindings interface {
	Bind(ctx context.Context, t identity.Tenant, b flow.Browser, req flow.BindRequest) (flow.Bound, error)
	BindingKey(ctx context.Context, t identity.Tenant, b flow.Browser, id string) ([]byte, error)
	ChallengeBinding(ctx context.Context, t identity.Tenant, b flow.Browser, id string) (string, error)
	Rebind(ctx context.Context, t identity.Tenant, b flow.Browser, id, challenge string) (flow.Bound, error)
	BindingRefused(ctx context.Context, t identity.Tenant, b flow.Browser) error
}

// Methods keeps sign-in methods; *flow.Engine does.
type Methods interface {
	Enrolments(ctx context.Context, t identity.Tenant, user string) ([]identity.Enrolment, error)
	BeginEnrolment(ctx context.Context, t identity.Tenant, a flow.Actor, factor string, asked factor.Asked) (string, factor.Prompt, error)
	CompleteEnrolment(ctx context.Context, t identity.Tenant, a flow.Actor, id string, r factor.Response) (identity.Enrolment, error)
	Restricted(factor string) bool
	Asks(factor string) []string // names of the fields that setting it up takes
}

// Accounts shows people what is theirs, and begins what changes it; *flow.Engine
// does.
type Accounts interface {
	Account(ctx context.Context, t identity.Tenant, b flow.Browser) (flow.Account, error)
	BeginDuty(ctx context.Context, t identity.Tenant, b flow.Browser, d flow.Duty, back string) (flow.Begun, error)
	BeginJoin(ctx context.Context, t identity.Tenant, b flow.Browser, token string) (flow.Begun, error)
	Repudiate(ctx context.Context, t identity.Tenant, token string) error
	Repudiable(ctx context.Context, t identity.Tenant, token string) error
}

// Changes makes changes at once for who shows fresh purpose, or answers
// *flow.LevelRequired; *flow.Engine does.
type Changes interface {
	Change(ctx context.Context, t identity.Tenant, a flow.Actor, d flow.Duty) error
	ChangePassword(ctx context.Context, t identity.Tenant, a flow.Actor, current, fresh string) error
	SetName(ctx context.Context, t identity.Tenant, a flow.Actor, name string) error
	BeginAddress(ctx context.Context, t identity.Tenant, a flow.Actor, to identity.Address) (id, sentTo string, err error)
	ConfirmAddress(ctx context.Context, t identity.Tenant, a flow.Actor, id, code string) error
	RevokeGrant(ctx context.Context, tx identity.Tx, g identity.Grant, why string) error
}

// Tokens checks access tokens; *token.Keys does.
type Tokens interface {
	VerifyAccess(ctx context.Context, t identity.Tenant, compact, audience string) (token.Access, error)
}

// Deps is what the room is made of.
type Deps struct {
	Pages    *Pages
	Flows    Flows
	Methods  Methods
	Accounts Accounts
	Bindings Bindings
	Changes  Changes
	Tokens   Tokens
	Proofs   *token.Proofs // of DPoP
	Store    identity.Store
	Cookies  edge.Cookies
	Now      func() time.Time
	Random   io.Reader
}

// server holds the handlers.
type server struct{ Deps }

// handler is a handler that returns what went wrong instead of saying it.
type handler func(http.ResponseWriter, *http.Request) error

// Handler serves all routes of this room. It expects to stand behind
// edge.Front, which finds the tenant, sets the headers and bounds bodies.
func Handler(d Deps) http.Handler {
	s := &server{d}
	mux := http.NewServeMux()
	page := func(pattern string, h handler) { mux.Handle(pattern, s.page(h)) }
	// A cookie opens these: no other site may make a browser use it.
	guarded := func(pattern string, h handler) { mux.Handle(pattern, edge.CrossSite(s.page(h))) }

	page("GET /{$}", s.home)
	page("GET /signin", s.signIn)
	page("GET /signout", s.signOutPage)
	guarded("POST /signout", s.signOut)
	mux.Handle("GET /flow/{id}", s.flow(s.showFlow))
	mux.Handle("POST /flow/{id}", edge.CrossSite(s.flow(s.postFlow)))

	s.accountRoutes(page, guarded)
	mux.Handle("POST "+edge.BindPath, edge.CrossSite(s.binding(s.bind)))
	mux.Handle("POST "+edge.RebindPath, edge.CrossSite(s.binding(s.rebind)))
	page("GET "+wellKnown+"change-password", s.changePassword)
	page("GET "+wellKnown+"passkey-endpoints", s.endpoints)
	page("GET "+wellKnown+"webauthn", s.relatedOrigins)

	page("GET /static/{hash}/{file}", s.Pages.serveStatic)
	page("GET /brand/{hash}/{file}", s.Pages.serveBrand)
	page("GET /favicon.ico", s.Pages.serveIcon)

	mux.Handle("/api/v1/", s.meAPI())
	return s.routed(mux)
}

// browser is what the edge reads of the browser that speaks.
func (s *server) browser(r *http.Request) flow.Browser {
	device, secret := s.Cookies.Device(r)
	return flow.Browser{
		Binding: s.Cookies.Binding(r), Session: s.Cookies.Session(r), Bound: s.Cookies.Bound(r), Device: device, Secret: secret,
		Addr: edge.ClientOf(r.Context()), UserAgent: r.UserAgent(),
	}
}

// keep gives the browser what an answer lets it keep.
func (s *server) keep(w http.ResponseWriter, a *flow.Answer) {
	if a.Session != "" {
		s.Cookies.SetSession(w, a.Session)
	}
	if a.Device != "" {
		s.Cookies.SetDevice(w, a.Device)
	}
	if a.Bind != nil {
		edge.OfferBinding(w, a.Bind.Challenge, a.Bind.Authorization)
	}
}
