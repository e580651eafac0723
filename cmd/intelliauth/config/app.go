package config

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// shortSecret is the length below which a client secret could be guessed: 128
// random bits take 22 characters of base64.
const shortSecret = 22

func (c *checker) application(at string, a *Application, seen map[string]string) {
	switch {
	case a.ID == "" && !c.bad[at+".id"]:
		c.wrong(at+".id", "is missing: it is the application's client_id")
	case a.ID != "" && !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$`).MatchString(a.ID):
		c.wrong(at+".id", "%q is no id (want letters, digits, dots, hyphens; at most 100)", a.ID)
	case a.ID != "" && seen[a.ID] != "":
		c.wrong(at+".id", "%q is taken by %s", a.ID, seen[a.ID])
	}
	if a.ID != "" {
		seen[a.ID] = at
	}
	if a.Name == "" {
		a.Name = a.ID
	}
	c.clientAuth(at, a)
	c.grants(at, a)
	c.scopes(at, a)
	c.uris(at, a)
	c.reasons(at, a)
	if c.written(at+".refresh_for") && a.RefreshFor == 0 && !c.bad[at+".refresh_for"] {
		c.wrong(at+".refresh_for", "wants a duration above 0s")
	}
	if a.RefreshFor == 0 {
		a.RefreshFor = policy.Duration(identity.DefaultRefreshTimeout)
	}
	if time.Duration(a.RefreshFor) > 365*24*time.Hour {
		c.wrong(at+".refresh_for", "is longer than a year")
	}
}

// reasons checks what people are shown in the application's name.
func (c *checker) reasons(at string, a *Application) {
	seen := map[string]bool{}
	for i, r := range a.Reasons {
		each := fmt.Sprintf("%s.reasons[%d]", at, i)
		switch {
		case !regexp.MustCompile(`^[a-z0-9][a-z0-9._:-]{0,63}$`).MatchString(r.ID):
			c.wrong(each, "needs an id of lower-case letters, digits, dots, colons and hyphens, at most 64")
		case seen[r.ID]:
			c.wrong(each+".id", "%q comes twice", r.ID)
		case strings.TrimSpace(r.Text) == "" || utf8.RuneCountInString(r.Text) > 80 || strings.ContainsFunc(r.Text, func(c rune) bool { return !unicode.IsPrint(c) }):
			c.wrong(each, "needs a text of 1 to 80 printable characters")
		}
		seen[r.ID] = true
	}
}

// clientAuth checks how the application shows who it is.
func (c *checker) clientAuth(at string, a *Application) {
	byDefault := identity.AuthNone
	switch {
	case len(a.Secrets) > 0:
		byDefault = identity.AuthSecretBasic
	case a.JWKS != "":
		byDefault = identity.AuthPrivateKeyJWT
	}
	a.Auth = c.choice(at+".auth", a.Auth, byDefault,
		identity.AuthNone, identity.AuthSecretBasic, identity.AuthSecretPost, identity.AuthPrivateKeyJWT)
	withSecret := a.Auth == identity.AuthSecretBasic || a.Auth == identity.AuthSecretPost
	switch {
	case withSecret && len(a.Secrets) == 0 && !c.bad[at+".secrets"]:
		c.wrong(at+".auth", "%s needs secrets", a.Auth)
	case !withSecret && len(a.Secrets) > 0:
		c.wrong(at+".secrets", "are not used with auth: %s", a.Auth)
	case a.Auth == identity.AuthPrivateKeyJWT && a.JWKS == "" && !c.bad[at+".jwks"]:
		c.wrong(at+".auth", "%s needs jwks with the application's public keys", a.Auth)
	case a.Auth != identity.AuthPrivateKeyJWT && a.JWKS != "":
		c.wrong(at+".jwks", "are not used with auth: %s", a.Auth)
	case a.Auth == identity.AuthNone && a.PKCEOptional:
		c.wrong(at+".pkce_optional", "is for confidential applications: a public one needs PKCE always")
	}
	for i := range a.Secrets {
		each := fmt.Sprintf("%s.secrets[%d]", at, i)
		if c.bad[each] || !c.secret(each, &a.Secrets[i]) {
			continue
		}
		if len(a.Secrets[i].value) < shortSecret {
			c.warn(each, "is shorter than %d characters and could be guessed: make one with `openssl rand -base64 32`", shortSecret)
		}
	}
	c.jwks(at+".jwks", a)
}

func (c *checker) jwks(at string, a *Application) {
	if a.JWKS == "" {
		return
	}
	if path, ok := strings.CutPrefix(a.JWKS, "file:"); ok {
		raw, err := readFile(c.out, c.folder, path)
		if err != nil {
			c.wrong(at, "%v", err)
			return
		}
		a.JWKS = string(raw)
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(a.JWKS), &set); err != nil || len(set.Keys) == 0 {
		c.wrong(at, "is no JSON Web Key Set: want {\"keys\":[…]} with at least one key")
		return
	}
	for i, key := range set.Keys {
		kind, _ := key["kty"].(string)
		if !slices.Contains([]string{"EC", "RSA", "OKP"}, kind) {
			c.wrong(at, "key %d is of kind %q (want EC, RSA or OKP)", i+1, kind)
		}
		if _, private := key["d"]; private {
			c.wrong(at, "key %d is private: give the public part only", i+1)
		}
	}
}

func (c *checker) grants(at string, a *Application) {
	if !c.written(at+".grants") && len(a.RedirectURIs) > 0 {
		a.Grants = []string{identity.GrantCode, identity.GrantRefresh}
	}
	known := len(c.problems)
	for i, g := range a.Grants {
		if each := fmt.Sprintf("%s.grants[%d]", at, i); g == "" && !c.bad[each] {
			c.wrong(each, "is empty")
		} else if !c.bad[each] {
			c.choice(each, g, "", identity.GrantCode, identity.GrantRefresh, identity.GrantClient)
		}
	}
	if len(c.problems) > known {
		return // what follows from an unknown grant is not known either
	}
	code := slices.Contains(a.Grants, identity.GrantCode)
	switch {
	case code && len(a.RedirectURIs) == 0 && !c.bad[at+".redirect_uris"]:
		c.wrong(at+".grants", "authorization_code needs redirect_uris")
	case !code && len(a.RedirectURIs) > 0:
		c.wrong(at+".redirect_uris", "are not used without the grant authorization_code")
	case slices.Contains(a.Grants, identity.GrantRefresh) && !code:
		c.wrong(at+".grants", "refresh_token needs authorization_code beside it")
	case slices.Contains(a.Grants, identity.GrantClient) && a.Auth == identity.AuthNone:
		c.wrong(at+".grants", "client_credentials is for confidential applications: give it secrets or jwks")
	}
}

func (c *checker) scopes(at string, a *Application) {
	if !c.written(at+".scopes") && len(a.RedirectURIs) > 0 {
		a.Scopes = []string{identity.ScopeOpenID, "profile", "email", identity.ScopeOffline}
	}
	token := regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`) // RFC 6749, 3.3
	seen := map[string]bool{}
	for i, s := range a.Scopes {
		each := fmt.Sprintf("%s.scopes[%d]", at, i)
		switch {
		case c.bad[each]:
		case !token.MatchString(s):
			c.wrong(each, "%q is no scope (no spaces, quotes or backslashes)", s)
		case seen[s]:
			c.wrong(each, "%q is given twice", s)
		case s == identity.ScopeMeFactors && !a.SelfService:
			c.warn(each, "me:factors has no effect without self_service: true")
		}
		seen[s] = true
	}
}

func (c *checker) uris(at string, a *Application) {
	for i, u := range a.RedirectURIs {
		c.target(fmt.Sprintf("%s.redirect_uris[%d]", at, i), u)
	}
	for i, u := range a.PostLogoutURIs {
		c.target(fmt.Sprintf("%s.post_logout_uris[%d]", at, i), u)
	}
	if a.InitiateLoginURI != "" {
		c.target(at+".initiate_login_uri", a.InitiateLoginURI)
	}
	if u, err := url.Parse(a.LogoutURI); a.LogoutURI != "" {
		c.target(at+".backchannel_logout_uri", a.LogoutURI)
		if err == nil && u.Scheme != "https" && u.Scheme != "http" {
			c.wrong(at+".backchannel_logout_uri", "%q must be https: it is asked by the server, not by a browser", a.LogoutURI)
		}
	}
	for i, o := range a.Origins {
		c.origin(fmt.Sprintf("%s.origins[%d]", at, i), o)
	}
	if a.Audience != "" {
		c.audience(at+".audience", a.Audience)
	}
	for i, r := range a.Resources {
		c.audience(fmt.Sprintf("%s.resources[%d]", at, i), r)
	}
}

// target checks an address that a browser is sent to: matched exactly later, so
// it must be whole now (RFC 9700, 2.1 and 4.1.3; RFC 8252, 7).
func (c *checker) target(at, s string) {
	if c.bad[at] {
		return
	}
	u, err := url.Parse(s)
	private := err == nil && regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`).MatchString(u.Scheme)
	switch {
	case err != nil || !u.IsAbs() || strings.ContainsAny(s, " \t\r\n\\"):
		c.wrong(at, "%q is no absolute address", s)
	case strings.Contains(s, "#"):
		c.wrong(at, "%q has a fragment", s)
	case strings.Contains(s, "*"):
		c.wrong(at, "%q has a wildcard: addresses are matched exactly, so write each one", s)
	case u.User != nil:
		c.wrong(at, "%q holds a user name", s)
	case private:
	case u.Scheme != "https" && u.Scheme != "http":
		c.wrong(at, "%q has a scheme that is not allowed (want https, loopback http, or a private scheme with a dot, as com.example.app:/callback)", s)
	case u.Hostname() == "":
		c.wrong(at, "%q has no host", s)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		c.wrong(at, "%q is plain http: only loopback may be", s)
	}
}

func (c *checker) origin(at, s string) {
	if c.bad[at] {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != s || s != strings.ToLower(s) ||
		(u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname()))) {
		c.wrong(at, "%q is no origin (want scheme and host only, as https://app.example.com)", s)
	}
}

// audience checks a resource indicator (RFC 8707, section 2).
func (c *checker) audience(at, s string) {
	if c.bad[at] {
		return
	}
	u, err := url.Parse(s)
	if err != nil || !u.IsAbs() || strings.Contains(s, "#") || strings.ContainsAny(s, " \t\r\n") {
		c.wrong(at, "%q is no audience (want an absolute URI without fragment, as https://api.example.com)", s)
	}
}
