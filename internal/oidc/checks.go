package oidc

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Bounds on parameters, in bytes.
const (
	maxState     = 4096
	maxNonce     = 512
	maxScope     = 2048
	maxLoginHint = 320
	maxClaims    = 8 << 10
	maxResources = 8
)

// Response modes.
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// authorizeContext is one request under examination: what came in, and what the
// checks made of it so far.
type authorizeContext struct {
	ctx           context.Context
	tenant        identity.Tenant
	params        url.Values
	now           time.Time
	pushed        bool // came by PAR
	authenticated bool // from a client that proved itself

	app     identity.Application
	trusted bool // client and redirect URI are known good: errors may go there
	request flow.Request
}

// get returns a parameter; one that is empty was not sent (RFC 6749, 3.1).
func (a *authorizeContext) get(name string) string { return a.params.Get(name) }

// check is one rule of the authorization endpoint. It refuses, or adds to the
// request what it read.
type check struct {
	name string
	run  func(*authorizeContext) error
}

// checks is the table. The first two decide where errors go, the next two how
// they get there.
func (e *endpoints) checks() []check {
	return []check{
		{"client_id", e.checkClient},
		{"redirect_uri", checkRedirect},
		{"state", checkState},
		{"response_mode", checkResponseMode},
		{"repeated", checkRepeated},
		{"request object", checkRequestObject},
		{"par", checkPAR},
		{"response_type", checkResponseType},
		{"grant", checkGrant},
		{"scope", checkScope},
		{"nonce", checkNonce},
		{"pkce", checkPKCE},
		{"resource", checkResource},
		{"dpop_jkt", checkKey},
		{"prompt", checkPrompt},
		{"max_age", checkMaxAge},
		{"acr_values and claims", checkLevels},
		{"id_token_hint", e.checkHint},
		{"login_hint", checkLoginHint},
		{"display and ui_locales", checkPresentation},
		{"factors", checkFactors},
		{"enrol", e.checkEnrol},
		{"reason", checkReason},
		{"authorization_details", checkDetails},
	}
}

// checkClient finds the application. Its error is a page.
func (e *endpoints) checkClient(a *authorizeContext) error {
	ids := a.params["client_id"]
	if len(ids) != 1 || ids[0] == "" {
		return invalidRequest("The request must name its application once, as client_id.")
	}
	app, err := e.apps.byID(a.ctx, a.tenant.ID, ids[0])
	if errors.Is(err, identity.ErrNotFound) {
		return refuse("invalid_client", "No application is registered under this client_id.")
	}
	if err != nil {
		return err
	}
	a.app = app
	a.request.Application = app
	a.request.Authorization.ClientID = app.ID
	a.request.Authorization.RequestedAt = a.now
	a.request.Authorization.AuthenticatedClient = a.authenticated
	return nil
}

// checkRedirect matches the redirect URI. Its error is a page. A plain OAuth
// request may leave it out where just one is registered (RFC 6749, 3.1.2.3);
// OpenID Connect demands it (Core, 3.1.2.1).
func checkRedirect(a *authorizeContext) error {
	sent := a.params["redirect_uri"]
	if len(sent) > 1 {
		return invalidRequest("redirect_uri is repeated.")
	}
	r := &a.request.Authorization
	switch asked := a.get("redirect_uri"); {
	case asked != "":
		r.RedirectURI, r.RedirectURISent = asked, true
	case slices.Contains(strings.Fields(a.get("scope")), identity.ScopeOpenID) || len(a.app.RedirectURIs) != 1:
		return invalidRequest("The request must say where to answer, as redirect_uri.")
	default:
		r.RedirectURI = a.app.RedirectURIs[0]
	}
	if !redirectAllowed(a.app, r.RedirectURI) {
		r.RedirectURI = ""
		return invalidRequest("redirect_uri is not registered for this application.")
	}
	a.trusted = true
	return nil
}

func checkResponseMode(a *authorizeContext) error {
	switch mode := a.get("response_mode"); mode {
	case "", modeQuery, modeFormPost:
		a.request.Authorization.ResponseMode = mode
		return nil
	}
	return invalidRequest("response_mode must be query or form_post.")
}

// checkState keeps state for the answer, errors included. Where it is repeated
// neither value is the right one to send back.
func checkState(a *authorizeContext) error {
	if len(a.params["state"]) > 1 {
		return nil // refused soon
	}
	if len(a.get("state")) > maxState {
		return invalidRequest("state is too long.")
	}
	a.request.Authorization.State = a.get("state")
	return nil
}

func checkRepeated(a *authorizeContext) error {
	if _, repeated := edge.Repeated(a.params, "resource", "audience"); repeated {
		return invalidRequest("A parameter is repeated.")
	}
	return nil
}

func checkRequestObject(a *authorizeContext) error {
	switch {
	case a.get("request") != "":
		return refuse("request_not_supported", "Request objects are not supported.")
	case a.get("request_uri") != "":
		return refuse("request_uri_not_supported", "Only a request_uri from the pushed authorization request endpoint is supported.")
	case a.get("registration") != "":
		return refuse("registration_not_supported", "registration is not supported.")
	}
	return nil
}

func checkPAR(a *authorizeContext) error {
	if a.app.RequirePAR && !a.pushed {
		return invalidRequest("This application must push its authorization requests.")
	}
	return nil
}

func checkResponseType(a *authorizeContext) error {
	switch a.get("response_type") {
	case "code":
		return nil
	case "":
		return invalidRequest("response_type is missing.")
	}
	return refuse("unsupported_response_type", "Only response_type=code is supported.")
}

func checkGrant(a *authorizeContext) error {
	if !a.app.Allows(identity.GrantCode) {
		return refuse("unauthorized_client", "This application may not use the authorization code grant.")
	}
	return nil
}

// checkScope passes over scopes that the application may not have (Core,
// 3.1.2.1: unknown ones should be ignored), but refuses me:factors out loud: to
// go on without it would end in a token that cannot do what was asked.
func checkScope(a *authorizeContext) error {
	asked, ok := parseScope(a.get("scope"))
	if !ok {
		return refuse("invalid_scope", "scope is malformed.")
	}
	var given []string
	for _, s := range asked {
		switch {
		case s == identity.ScopeMeFactors && !(a.app.SelfService && slices.Contains(a.app.Scopes, s)):
			return refuse("invalid_scope", "This application may not ask for me:factors.")
		case s == identity.ScopeOffline && !a.app.Allows(identity.GrantRefresh):
		case slices.Contains(a.app.Scopes, s):
			given = append(given, s)
		}
	}
	if len(asked) > 0 && len(given) == 0 {
		return refuse("invalid_scope", "This application may have none of these scopes.")
	}
	a.request.Authorization.Scopes = given
	return nil
}

// parseScope splits a scope (RFC 6749, 3.3), each value once.
func parseScope(scope string) ([]string, bool) {
	if len(scope) > maxScope || strings.ContainsFunc(scope, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		return nil, false
	}
	var out []string
	for s := range strings.FieldsSeq(scope) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, true
}

func checkNonce(a *authorizeContext) error {
	if len(a.get("nonce")) > maxNonce {
		return invalidRequest("nonce is too long.")
	}
	a.request.Authorization.Nonce = a.get("nonce")
	return nil
}

// checkPKCE demands an S256 challenge. Only a confidential application that was
// exempted by name, and sends a nonce in an OpenID Connect request, may go
// without (RFC 9700, 2.1.1).
func checkPKCE(a *authorizeContext) error {
	challenge, method := a.get("code_challenge"), a.get("code_challenge_method")
	openID := slices.Contains(a.request.Authorization.Scopes, identity.ScopeOpenID) && a.request.Authorization.Nonce != ""
	switch {
	case challenge == "" && method != "":
		return invalidRequest("code_challenge_method came without a code_challenge.")
	case challenge == "" && a.app.PKCEOptional && !a.app.Public() && openID:
		return nil
	case challenge == "":
		return invalidRequest("code_challenge is missing: PKCE is required.")
	case method != "S256":
		return invalidRequest("code_challenge_method must be S256.")
	case len(challenge) != 43 || strings.ContainsFunc(challenge, notURLSafe):
		return invalidRequest("code_challenge is not a SHA-256 hash in base64url.")
	}
	a.request.Authorization.CodeChallenge = challenge
	return nil
}

func notURLSafe(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
}

// checkResource reads for which resources tokens may be (RFC 8707); audience is
// another spelling of it.
func checkResource(a *authorizeContext) error {
	asked, err := resources(a.params)
	if err != nil {
		return err
	}
	for _, r := range asked {
		if !mayReach(a.tenant, a.app, r) {
			return refuse("invalid_target", "This application may not ask for tokens for this resource.")
		}
	}
	a.request.Authorization.Resources = asked
	return nil
}

// checkPresentation reads how the pages should look. Unknown values are passed
// over (Core, 3.1.2.1).
func checkPresentation(a *authorizeContext) error {
	r := &a.request.Authorization
	if d := a.get("display"); d == "page" || d == "popup" || d == "touch" || d == "wap" {
		r.Display = d
	}
	for tag := range strings.FieldsSeq(a.get("ui_locales")) {
		if len(tag) <= 35 && len(r.Locales) < 10 && !strings.ContainsFunc(tag, notURLSafe) {
			r.Locales = append(r.Locales, tag)
		}
	}
	return nil
}

// checkFactors refuses to give me:factors without showing the person what for
// (C-20).
func checkFactors(a *authorizeContext) error {
	if a.request.PromptNone && slices.Contains(a.request.Authorization.Scopes, identity.ScopeMeFactors) {
		return refuse("interaction_required", "me:factors is given only after asking the person.")
	}
	return nil
}

// checkEnrol reads which factor the person is to set up: the flow proves anew
// who it is, sets it up, and then answers like any other (C-20, C-32).
func (e *endpoints) checkEnrol(a *authorizeContext) error {
	name := a.get("enrol")
	if name == "" {
		return nil
	}
	if !a.app.SelfService {
		return refuse("unauthorized_client", "This application may not ask people to set up a factor.")
	}
	p, err := e.Engine.Policy(a.tenant)
	if err != nil {
		return err
	}
	if !p.Allows(name) {
		return invalidRequest("enrol names no factor that people may set up here.")
	}
	if a.request.PromptNone {
		return refuse("interaction_required", "A factor is set up only with the person.")
	}
	a.request.Duty = &flow.Duty{Kind: flow.DutyEnrol, Factor: name}
	return nil
}
