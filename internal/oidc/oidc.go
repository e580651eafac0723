// Package oidc answers "what is said to applications?": OAuth 2 and OpenID
// Connect, one file per endpoint.
//
//	oidc.go          what the room is made of, and its routes
//	failure.go       errors in the words of the RFCs
//	metadata.go      /.well-known/…, answered from bytes made once
//	jwks.go          /oauth2/jwks
//	authorize.go     /oauth2/authorize: a request is examined and handed to the flow
//	checks.go          the table of checks it is held against
//	checks_level.go    those that say how sure we must be
//	checks_action.go   those that say what for
//	redirect.go        which redirect URIs match
//	par.go           /oauth2/par
//	token.go         /oauth2/token: authenticate, then dispatch
//	code.go            authorization_code
//	refresh.go         refresh_token: rotation, reuse, kindness to lost replies
//	credentials.go     client_credentials
//	audience.go        for whom a token is, and which scopes go there
//	issue.go           what tokens say
//	client.go        client authentication
//	dpop.go          proofs of a key, and tokens bound to it
//	applications.go  applications, kept in memory while nothing changes
//	userinfo.go      /oauth2/userinfo
//	introspect.go    /oauth2/introspect
//	revoke.go        /oauth2/revoke
//	logout.go        /oauth2/logout
//	revocations.go   what was taken back, for APIs that check tokens by themselves
//
// Levels are never kept: acr, amr and auth_time are computed each time from the
// proofs that a grant shares with its session.
package oidc

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
	"github.com/intelliauth/intelliauth/internal/token"
)

// Engine is what this room needs of the flow.
type Engine interface {
	Begin(ctx context.Context, t identity.Tenant, b flow.Browser, r flow.Request) (flow.Begun, error)
	// Standing is what proofs are worth now, as far as the session still holds them.
	Standing(t identity.Tenant, s identity.Session, proofs []assurance.Proof) (assurance.Standing, error)
	// Admits reports whether proofs are still enough for a token.
	Admits(t identity.Tenant, b flow.Bearing) (bool, error)
	Revoker
	Thefts
	Policy(t identity.Tenant) (policy.Policy, error)
}

// Thefts answers proof that something was copied.
type Thefts interface {
	Stolen(ctx context.Context, tx identity.Tx, t identity.Tenant, g identity.Grant, why string) error
	ForeignKey(ctx context.Context, t identity.Tenant, g identity.Grant) error
}

// Revoker ends what was given, and tells what it is worth; each writes its own
// events.
type Revoker interface {
	RevokeGrant(ctx context.Context, tx identity.Tx, g identity.Grant, why string) error
	EndSession(ctx context.Context, tx identity.Tx, s identity.Session, why string) error
	NoteLevel(ctx context.Context, tx identity.Tx, t identity.Tenant, s identity.Session) error
}

// Deps is what the endpoints are made of. The functions render pages, which is
// another room's work; all must be given.
type Deps struct {
	Store      identity.Store
	Engine     Engine
	Keys       *token.Keys
	Assertions *token.Assertions
	Proofs     *token.Proofs // of DPoP
	Cookies    edge.Cookies
	Now        func() time.Time
	Random     io.Reader

	// ErrorPage shows an error that may not be redirected (RFC 9700, 4.11.2).
	// code is an OAuth error code; detail is for the application's developer.
	ErrorPage func(w http.ResponseWriter, r *http.Request, status int, code, detail string)
	// FormPost makes the browser post fields to action (response_mode=form_post).
	FormPost func(w http.ResponseWriter, r *http.Request, action string, fields map[string]string)
	// ConfirmLogout asks whether to sign out; its form posts to LogoutPath.
	ConfirmLogout func(w http.ResponseWriter, r *http.Request, q LogoutQuestion)
	// SignedOut says that it was done, where there is nowhere to go back to.
	SignedOut func(w http.ResponseWriter, r *http.Request)
}

// Paths of the endpoints, on every tenant's host.
const (
	AuthorizePath  = "/oauth2/authorize"
	PARPath        = "/oauth2/par"
	TokenPath      = "/oauth2/token"
	RevokePath     = "/oauth2/revoke"
	IntrospectPath = "/oauth2/introspect"
	UserinfoPath   = "/oauth2/userinfo"
	JWKSPath       = "/oauth2/jwks"
	LogoutPath     = "/oauth2/logout"
)

// Kinds of ephemerals that belong to this room; the others are the flow's.
const (
	kindRefresh = "refresh"   // refresh tokens, by identity.HashKey
	kindPushed  = "par"       // pushed authorization requests
	kindPosted  = "authorize" // authorization requests that came by POST
	kindLeaving = "logout"    // logout requests that came by POST
	kindJTI     = "jti"       // client assertions already used
	kindSpent   = "spent"     // action-bound tokens that a resource has honoured
	kindAnswer  = "answer"    // the flow's kept answer, over when its code is taken
)

// endpoints is the state behind the routes. It is safe for concurrent use.
type endpoints struct {
	Deps
	apps      *applications
	documents sync.Map // issuer and algorithm → metadata as bytes
	feeds     feeds
}

// Handler serves the endpoints of whichever tenant edge.TenantOf finds in the
// context; it expects to stand behind edge.Front. Script of other origins may
// read metadata, keys, tokens and userinfo, and nothing else.
func Handler(d Deps) http.Handler {
	e := &endpoints{Deps: d, apps: newApplications(d.Store, d.Now)}
	e.feeds.last = e.lastRevocation
	mux := http.NewServeMux()
	shared := func(methods []string, path string, h http.Handler) {
		h = edge.PublicCORS(h)
		for _, m := range append(methods, http.MethodOptions) {
			mux.Handle(m+" "+path, h)
		}
	}
	get, post := []string{http.MethodGet}, []string{http.MethodPost}
	shared(get, "/.well-known/openid-configuration", http.HandlerFunc(e.metadata))
	shared(get, "/.well-known/oauth-authorization-server", http.HandlerFunc(e.metadata))
	shared(get, JWKSPath, e.api(e.jwks))
	shared(post, TokenPath, e.api(e.token))
	shared([]string{http.MethodGet, http.MethodPost}, UserinfoPath, e.api(e.userinfo))
	mux.Handle("POST "+PARPath, e.api(e.par))
	mux.Handle("POST "+RevokePath, e.api(e.revoke))
	mux.Handle("POST "+IntrospectPath, e.api(e.introspect))
	mux.Handle("GET "+RevocationsPath, e.api(e.revocations))
	mux.Handle("GET "+AuthorizePath, e.page(e.authorize))
	mux.Handle("POST "+AuthorizePath, e.page(e.authorizePosted))
	mux.Handle("GET "+LogoutPath, e.page(e.logout))
	mux.Handle("POST "+LogoutPath, e.page(e.logoutPosted))
	return mux
}

// now is the clock at the resolution that is stored.
func (e *endpoints) now() time.Time { return e.Now().UTC().Truncate(time.Microsecond) }

// browser is what came with a request, for the flow.
func (e *endpoints) browser(r *http.Request) flow.Browser {
	b := flow.Browser{
		Binding: e.Cookies.Binding(r), Session: e.Cookies.Session(r), Bound: e.Cookies.Bound(r),
		Addr: edge.ClientOf(r.Context()), UserAgent: r.UserAgent(),
	}
	b.Device, b.Secret = e.Cookies.Device(r)
	return b
}
