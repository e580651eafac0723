package oidc

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// The acr values of OpenID EAP ACR Values 1.0, accepted beside our levels.
const (
	acrResistant = "phr"
	acrHardware  = "phrh"
)

// maxAlternatives bounds the acr values that are read of one list.
const maxAlternatives = 8

// longestAge is what any greater max_age is taken for: no session is older.
const longestAge = 10 * 365 * 24 * time.Hour

// requirementOf reads one acr value. phrh are the rows of the decision table
// that give AAL3 (SP 800-63B-4, 2.3).
func requirementOf(acr string) (assurance.Requirement, bool) {
	switch acr {
	case acrResistant:
		return assurance.Requirement{Level: assurance.AAL1, PhishingResistant: true}, true
	case acrHardware:
		return assurance.Requirement{Level: assurance.AAL3, PhishingResistant: true}, true
	}
	level, err := assurance.ParseLevel(acr)
	return assurance.Requirement{Level: level}, err == nil
}

// Alternatives reads a list of acr values in order of preference, passing over
// those that are not ours.
func Alternatives(values []string) []assurance.Requirement {
	var out []assurance.Requirement
	for _, v := range values {
		if r, ok := requirementOf(v); ok && len(out) < maxAlternatives {
			out = append(out, r)
		}
	}
	return out
}

// both returns what satisfies one of a and one of b, in a's order first. An
// empty list asks nothing.
func both(a, b []assurance.Requirement) []assurance.Requirement {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	var out []assurance.Requirement
	for _, x := range a {
		for _, y := range b {
			out = append(out, x.Join(y))
		}
	}
	return out
}

// checkPrompt reads how the person is to be asked (Core, 3.1.2.1).
func checkPrompt(a *authorizeContext) error {
	prompts := strings.Fields(a.get("prompt"))
	for _, p := range prompts {
		switch p {
		case "none":
			a.request.PromptNone = true
		case "login":
			a.request.PromptLogin = true
		case "consent":
			a.request.PromptConsent = true
		case "select_account":
			a.request.PromptSelect = true
		default:
			return invalidRequest("prompt must be none, or some of login, consent and select_account.")
		}
	}
	if a.request.PromptNone && len(prompts) > 1 {
		return invalidRequest("prompt=none goes with no other value.")
	}
	return nil
}

// checkMaxAge reads max_age, in seconds; 0 is prompt=login. The flow turns it
// into a moment, and only proofs since then count.
func checkMaxAge(a *authorizeContext) error {
	text := a.get("max_age")
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || strings.HasPrefix(text, "+") {
		return invalidRequest("max_age must be a number of seconds.")
	}
	age := longestAge
	if err == nil && seconds < uint64(longestAge/time.Second) {
		age = time.Duration(seconds) * time.Second
	}
	a.request.MaxAge = &age
	a.request.PromptLogin = a.request.PromptLogin || age == 0
	a.request.Authorization.WantAuthTime = true
	return nil
}

// claimsRequest is the claims parameter (Core, 5.5).
type claimsRequest struct {
	Userinfo map[string]*claimRequest `json:"userinfo"`
	IDToken  map[string]*claimRequest `json:"id_token"`
}

type claimRequest struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// texts returns the values asked for that are text.
func (c *claimRequest) texts() []string {
	var out []string
	for _, v := range append([]any{c.Value}, c.Values...) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// asks reports whether particular values are asked for.
func (c *claimRequest) asks() bool { return c != nil && (c.Value != nil || len(c.Values) > 0) }

func parseClaims(text string) (claimsRequest, bool) {
	var c claimsRequest
	if text == "" {
		return c, true
	}
	if len(text) > maxClaims || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return c, false
	}
	return c, json.Unmarshal([]byte(text), &c) == nil
}

// checkLevels reads acr_values and claims. Our own acr values are always
// essential: a weaker success would be an error (C-08). Values that are not ours
// are passed over where they were a wish, and refused where they were essential
// and nothing of ours stands beside them.
func checkLevels(a *authorizeContext) error {
	claims, ok := parseClaims(a.get("claims"))
	if !ok {
		return invalidRequest("claims is malformed.")
	}
	var byClaim []assurance.Requirement
	if acr := claims.IDToken["acr"]; acr.asks() {
		byClaim = Alternatives(acr.texts())
		if len(byClaim) == 0 && acr.Essential {
			return refuse("unmet_authentication_requirements", "None of the acr values that are essential is known here.")
		}
	}
	a.request.Alternatives = both(byClaim, Alternatives(strings.Fields(a.get("acr_values"))))
	a.request.Essential = len(a.request.Alternatives) > 0
	r := &a.request.Authorization
	r.Claims, r.UserinfoClaims = named(claims.IDToken), named(claims.Userinfo)
	if at, asked := claims.IDToken["auth_time"]; asked && at != nil && at.Essential {
		r.WantAuthTime = true
	}
	return a.expectSubject(claims.IDToken["sub"])
}

// named keeps the names of claims about the person that we have.
func named(asked map[string]*claimRequest) []string {
	var out []string
	for name := range asked {
		if _, ours := scopeOf(name); ours {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// expectSubject reads a sub that was asked for by value (Core, 5.5.1).
func (a *authorizeContext) expectSubject(sub *claimRequest) error {
	if !sub.asks() {
		return nil
	}
	texts := sub.texts()
	if len(texts) != 1 {
		return invalidRequest("claims asks for more than one sub.")
	}
	a.request.Subject = texts[0]
	return nil
}

// checkHint reads id_token_hint: a token of ours, expired or not. Nobody else
// than its subject may then answer.
func (e *endpoints) checkHint(a *authorizeContext) error {
	hint := a.get("id_token_hint")
	if hint == "" {
		return nil
	}
	id, err := e.Keys.VerifyIDHint(a.ctx, a.tenant, hint)
	if errors.Is(err, identity.ErrInvalid) {
		return invalidRequest("id_token_hint is not an ID token of this issuer.")
	}
	if err != nil {
		return err
	}
	if a.request.Subject != "" && a.request.Subject != id.Subject {
		return invalidRequest("id_token_hint and claims name different subjects.")
	}
	a.request.Subject = id.Subject
	return nil
}

func checkLoginHint(a *authorizeContext) error {
	if len(a.get("login_hint")) > maxLoginHint {
		return invalidRequest("login_hint is too long.")
	}
	a.request.LoginHint = a.get("login_hint")
	return nil
}
