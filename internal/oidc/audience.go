package oidc

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// The scopes of OpenID Connect Core, 5.4, that we answer.
const (
	scopeProfile = "profile"
	scopeEmail   = "email"
)

// resources reads the resources that a request names (RFC 8707, section 2).
func resources(params url.Values) ([]string, error) {
	var out []string
	for _, r := range append(slices.Clone(params["resource"]), params["audience"]...) {
		switch {
		case r == "" || slices.Contains(out, r):
		case len(r) > maxURI || len(out) == maxResources:
			return nil, refuse("invalid_target", "Too many resources, or one that is too long.")
		default:
			out = append(out, r)
		}
	}
	return out, nil
}

// mayReach reports whether an application may have tokens for a resource: its
// own audience, those registered with it, and the Me API where it may have me.
func mayReach(t identity.Tenant, app identity.Application, resource string) bool {
	if resource == t.MeAudience() {
		return slices.Contains(app.Scopes, identity.ScopeMe)
	}
	return resource != "" && (resource == app.Audience || slices.Contains(app.Resources, resource))
}

// defaultAudience is for whom a token is where nobody said: the application's
// audience, else the first resource registered with it, else the Me API, where
// a token without scope me opens nothing.
func defaultAudience(t identity.Tenant, app identity.Application) string {
	switch {
	case app.Audience != "":
		return app.Audience
	case len(app.Resources) > 0:
		return app.Resources[0]
	}
	return t.MeAudience()
}

// audienceOf chooses the one audience of an access token (C-30). granted are the
// resources that were named at the authorization endpoint: where there were any,
// no other may be had later.
func audienceOf(t identity.Tenant, app identity.Application, granted []string, params url.Values) (string, error) {
	asked, err := resources(params)
	if err != nil {
		return "", err
	}
	switch {
	case len(asked) > 1:
		return "", refuse("invalid_target", "A token is for one resource: name one.")
	case len(asked) == 1:
		if len(granted) > 0 && !slices.Contains(granted, asked[0]) || !mayReach(t, app, asked[0]) {
			return "", refuse("invalid_target", "This resource was not granted.")
		}
		return asked[0], nil
	}
	usual := defaultAudience(t, app)
	if len(granted) == 0 || slices.Contains(granted, usual) {
		return usual, nil
	}
	if !mayReach(t, app, granted[0]) {
		return "", refuse("invalid_target", "This application may no longer ask for this resource.")
	}
	return granted[0], nil
}

// scopesFor leaves of scopes what means something at an audience: me and
// me:factors at the Me API alone, and there nothing that another API gave
// meaning to.
func scopesFor(t identity.Tenant, audience string, scopes []string) []string {
	me := audience == t.MeAudience()
	var out []string
	for _, s := range scopes {
		switch s {
		case identity.ScopeMe, identity.ScopeMeFactors:
			if !me {
				continue
			}
		case identity.ScopeOpenID, scopeProfile, scopeEmail, identity.ScopeOffline:
		default:
			if me {
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// stillMet drops scopes whose step_up rule (see [policy.StepUp]) no longer holds:
// a refresh gives nothing that the person would have to prove for anew.
func stillMet(p policy.Policy, standing assurance.Standing, scopes []string, now time.Time) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
		for _, rule := range p.StepUp {
			if rule.Scope != scope {
				continue
			}
			stale := rule.MaxAge > 0 && now.Sub(standing.AuthTime) > time.Duration(rule.MaxAge)
			if stale || standing.Level < assurance.Level(rule.Level) {
				return true
			}
		}
		return false
	})
}

// narrowed reads the scope of a refresh, which may only ask for less (RFC 6749,
// section 6).
func narrowed(granted []string, asked string) ([]string, error) {
	if asked == "" {
		return granted, nil
	}
	scopes, ok := parseScope(asked)
	if !ok {
		return nil, refuse("invalid_scope", "scope is malformed.")
	}
	for _, s := range scopes {
		if !slices.Contains(granted, s) {
			return nil, refuse("invalid_scope", "scope asks for more than was granted.")
		}
	}
	return scopes, nil
}

// scopeOf gives the scope that a claim about the person belongs to.
func scopeOf(claim string) (scope string, ours bool) {
	switch claim {
	case "name", "locale":
		return scopeProfile, true
	case "email", "email_verified":
		return scopeEmail, true
	}
	return "", false
}

// personal returns claims about a person: those of the scopes given, and those
// asked for by name. By name an application of ours gets what it may ask a scope
// for; one of others only what the person was shown, which are scopes.
func personal(app identity.Application, user identity.User, scopes, byName []string) map[string]any {
	all := map[string]any{"name": user.Name, "locale": user.Locale, "email": user.Email}
	if user.Email != "" {
		all["email_verified"] = user.EmailVerified
	}
	for claim, value := range all {
		scope, _ := scopeOf(claim)
		mayName := slices.Contains(byName, claim) && app.FirstParty && slices.Contains(app.Scopes, scope)
		if value == "" || !mayName && !slices.Contains(scopes, scope) {
			delete(all, claim)
		}
	}
	return all
}

func joinScopes(scopes []string) string { return strings.Join(scopes, " ") }
