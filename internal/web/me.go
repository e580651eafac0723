package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/token"
)

// caller is who speaks to the Me API.
type caller struct {
	actor    flow.Actor
	standing assurance.Standing
	bearer   bool // by access token; else by the session cookie of our own origin
}

// meHandler answers one call of the Me API.
type meHandler func(w http.ResponseWriter, r *http.Request, c caller) error

func (s *server) meAPI() http.Handler {
	mux := http.NewServeMux()
	call := func(pattern, scope string, h meHandler) { mux.Handle(pattern, s.me(scope, h)) }

	const reads, changes = identity.ScopeMe, identity.ScopeMeFactors
	call("GET /api/v1/me", reads, s.showMe)
	call("PATCH /api/v1/me", changes, s.changeMe)
	call("GET /api/v1/me/enrolments", reads, s.listEnrolments)
	call("POST /api/v1/me/enrolments", changes, s.beginEnrolment)
	call("POST /api/v1/me/enrolments/{id}/complete", changes, s.completeEnrolment)
	call("PATCH /api/v1/me/enrolments/{id}", changes, s.renameEnrolment)
	call("DELETE /api/v1/me/enrolments/{id}", changes, s.removeEnrolment)
	call("GET /api/v1/me/sessions", reads, s.listSessions)
	call("DELETE /api/v1/me/sessions/{id}", changes, s.endSession)
	call("POST /api/v1/me/sessions/revoke-others", changes, s.endOthers)
	call("POST /api/v1/me/sessions/revoke-all", changes, s.endAll)
	call("GET /api/v1/me/activity", reads, s.listActivity)
	call("GET /api/v1/me/grants", reads, s.listGrants)
	call("DELETE /api/v1/me/grants/{id}", changes, s.revokeGrant)
	call("POST /api/v1/me/password", changes, s.changeSecret)
	call("POST /api/v1/me/email", changes, s.beginMail)
	call("POST /api/v1/me/email/confirm", changes, s.confirmAddress)
	call("POST /api/v1/me/phone", changes, s.beginPhone)
	call("POST /api/v1/me/phone/confirm", changes, s.confirmAddress)

	return edge.CORS(s.originAllowed, s.routed(mux))
}

// originAllowed reports whether an application of the tenant is registered with
// an origin. It answers preflights, which carry no token; a call is then held
// to the origins of its own application.
func (s *server) originAllowed(r *http.Request, origin string) bool {
	tenant := edge.TenantOf(r.Context())
	var all []identity.Application
	err := s.Store.View(r.Context(), tenant.ID, func(tx identity.Tx) (err error) {
		all, err = tx.Applications.List(r.Context())
		return err
	})
	return err == nil && slices.ContainsFunc(all, func(a identity.Application) bool {
		return !a.Disabled && slices.Contains(a.Origins, origin)
	})
}

// me finds out who calls, asks a token for the scope, and tells what went wrong.
func (s *server) me(scope string, h meHandler) http.Handler {
	run := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.caller(w, r, scope)
		if err == nil {
			err = h(w, r, c)
		}
		if err != nil {
			s.failMe(w, r, err)
		}
	})
	guarded := edge.CrossSite(run)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Only what a cookie opens needs guarding; a token is sent on purpose.
		if len(r.Header.Values("Authorization")) == 0 {
			guarded.ServeHTTP(w, r)
			return
		}
		run.ServeHTTP(w, r)
	})
}

// refused is an answer to who may not call (RFC 6750, section 3).
type refused struct {
	status    int
	code      string
	detail    string
	challenge string // WWW-Authenticate
	extra     map[string]any
}

func (f *refused) Error() string { return f.code + ": " + f.detail }

// unauthorised is a 401 for a token that is no good (RFC 6750, 3.1).
func unauthorised(code, detail string) error {
	return &refused{
		status: http.StatusUnauthorized, code: code, detail: detail,
		challenge: fmt.Sprintf(`Bearer error="invalid_token", error_description="%s"`, detail),
	}
}

func (s *server) failMe(w http.ResponseWriter, r *http.Request, err error) {
	var why *refused
	if !errors.As(err, &why) {
		edge.Fail(w, r, err)
		return
	}
	if why.challenge != "" {
		w.Header().Set("WWW-Authenticate", spelt(r, why.challenge))
	}
	edge.Problem(w, r, why.status, why.code, why.detail, why.extra)
}

// caller authenticates: one access token in the one header that is for it, or
// the session cookie of a page of our own origin.
func (s *server) caller(w http.ResponseWriter, r *http.Request, scope string) (caller, error) {
	query, err := edge.Query(r)
	if err != nil {
		return caller{}, err
	}
	if query.Has("access_token") {
		return caller{}, identity.Invalid(codeInvalidRequest, "A token does not belong in an address.")
	}
	headers := r.Header.Values("Authorization")
	switch len(headers) {
	case 0:
		return s.callerByCookie(r)
	case 1:
		return s.callerByToken(w, r, headers[0], scope)
	}
	return caller{}, identity.Invalid(codeInvalidRequest, "There is more than one Authorization header.")
}

func (s *server) callerByCookie(r *http.Request) (caller, error) {
	nobody := &refused{status: http.StatusUnauthorized, code: codeSignIn, detail: "Nobody is signed in.", challenge: "Bearer"}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return caller{}, nobody
	}
	c, in, err := s.current(r)
	if err != nil {
		return caller{}, err
	}
	if !in {
		return caller{}, nobody
	}
	if c.Insufficient {
		return caller{}, stepUp(&flow.LevelRequired{Level: max(assurance.AAL2, c.Standing.Level)}, caller{})
	}
	return caller{actor: s.actor(r, c), standing: c.Standing}, nil
}

// actor is the person of this browser. A cookie shows no fresh purpose.
func (s *server) actor(r *http.Request, c flow.Current) flow.Actor {
	return flow.Actor{User: c.User, Session: c.Session.ID, Proofs: c.Standing.Proofs, Browser: s.browser(r)}
}

func (s *server) callerByToken(w http.ResponseWriter, r *http.Request, header, scope string) (caller, error) {
	scheme, compact, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, schemeDPoP) {
		return caller{}, unauthorised(codeInvalidToken, "An access token is wanted, as Bearer or DPoP.")
	}
	compact = strings.TrimLeft(compact, " ")
	tenant := edge.TenantOf(r.Context())
	access, err := s.Tokens.VerifyAccess(r.Context(), tenant, compact, tenant.MeAudience())
	if errors.Is(err, identity.ErrInvalid) {
		return caller{}, unauthorised(codeInvalidToken, "The token is not valid here.")
	}
	if err != nil {
		return caller{}, err
	}
	if err := s.holdsKey(w, r, scheme, compact, access); err != nil {
		return caller{}, err
	}
	if len(access.Details) > 0 {
		return caller{}, unauthorised(codeInvalidToken, "The token is for one action of an application.")
	}
	c, err := s.standing(r.Context(), tenant, access)
	if err != nil {
		return caller{}, err
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != tenant.Issuer && !slices.Contains(c.application.Origins, origin) {
		return caller{}, identity.Forbidden(codeForbidden, "The origin is not one of the application's.")
	}
	scopes := strings.Fields(access.Scope)
	if !slices.Contains(scopes, scope) {
		return caller{}, &refused{
			status: http.StatusForbidden, code: codeInsufficientScope, detail: "The token has not the scope " + scope + ".",
			challenge: fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s"`, scope),
		}
	}
	c.actor.Fresh = slices.Contains(scopes, identity.ScopeMeFactors)
	c.actor.Browser = s.browser(r)
	return c.caller, nil
}

// tokenCaller is a caller with the application that its token was issued to.
type tokenCaller struct {
	caller
	application identity.Application
}

// standing asks what a token's claims are worth now: its grant and session
// must still stand, and it counts for no more than both still give (C-02).
func (s *server) standing(ctx context.Context, tenant identity.Tenant, access token.Access) (tokenCaller, error) {
	grantID, ok := token.GrantOf(access.ID)
	if !ok || access.Session == "" {
		return tokenCaller{}, unauthorised(codeInvalidToken, "No user stands behind the token.")
	}
	var (
		out     tokenCaller
		grant   identity.Grant
		session identity.Session
	)
	err := s.Store.View(ctx, tenant.ID, func(tx identity.Tx) (err error) {
		if grant, err = tx.Grants.ByID(ctx, grantID); err != nil {
			return err
		}
		if session, err = tx.Sessions.ByID(ctx, access.Session); err != nil {
			return err
		}
		if out.actor.User, err = tx.Users.ByID(ctx, access.Subject); err != nil {
			return err
		}
		out.application, err = tx.Applications.ByID(ctx, access.ClientID)
		return err
	})
	revoked := unauthorised(codeSessionRevoked, "The session has ended.")
	if errors.Is(err, identity.ErrNotFound) {
		return tokenCaller{}, revoked
	}
	if err != nil {
		return tokenCaller{}, err
	}
	mine := grant.User == access.Subject && session.User == access.Subject && grant.Session == session.ID && grant.Application == access.ClientID
	over := !grant.ExpiresAt.IsZero() && !s.Now().Before(grant.ExpiresAt)
	if !mine || over || grant.Revoked() || session.Ended() || out.actor.User.Disabled() || out.application.Disabled {
		return tokenCaller{}, revoked
	}
	if out.standing, err = s.Flows.Standing(tenant, session, grant.Proofs); err != nil {
		return tokenCaller{}, err
	}
	if out.standing.Level < assurance.AAL1 {
		return tokenCaller{}, revoked
	}
	out.bearer = true
	admitted, err := s.Flows.Admits(tenant, flow.Bearing{Application: out.application, User: out.actor.User, Session: session, Proofs: grant.Proofs})
	if err != nil {
		return tokenCaller{}, err
	}
	if !admitted {
		return tokenCaller{}, stepUp(&flow.LevelRequired{Level: max(assurance.AAL2, out.standing.Level)}, out.caller)
	}
	out.actor.Session, out.actor.Application, out.actor.Proofs = session.ID, access.ClientID, out.standing.Proofs
	return out, nil
}

// meBody is what a person is told of themselves.
type meBody struct {
	ID            string    `json:"id"`
	Email         string    `json:"email"`
	EmailVerified bool      `json:"emailVerified"`
	Name          string    `json:"name"`
	Phone         string    `json:"phone"`
	AAL           int       `json:"aal"`
	AMR           []string  `json:"amr"`
	AuthTime      time.Time `json:"authTime"`
}

func (s *server) showMe(w http.ResponseWriter, _ *http.Request, c caller) error {
	return s.tellMe(w, c, c.actor.User)
}

func (s *server) tellMe(w http.ResponseWriter, c caller, u identity.User) error {
	return writeJSON(w, http.StatusOK, meBody{
		ID: u.ID, Email: u.Email, EmailVerified: u.EmailVerified, Name: u.Name, Phone: u.Phone,
		AAL: int(c.standing.Level), AMR: c.standing.AMR, AuthTime: c.standing.AuthTime.UTC().Truncate(time.Second),
	})
}
