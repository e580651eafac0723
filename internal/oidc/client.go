package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// credentials is how a client says who it is.
type credentials struct {
	id        string
	method    string // client_secret_basic, client_secret_post, private_key_jwt or none
	secret    string
	assertion string
}

// noClient is the one answer to every client that is not who it says it is.
// The scheme is named only to those that used it (RFC 6749, 5.2): a browser
// would open a dialog.
func noClient(byHeader bool) *oauthError {
	o := &oauthError{code: "invalid_client", description: "Client authentication failed.", status: http.StatusUnauthorized}
	if byHeader {
		o.challenge = `Basic realm="oauth2", charset="UTF-8"`
	}
	return o
}

// authenticate finds out which client asks, and makes it prove so by the method
// that it is registered with. A client with a secret may send it in the header
// or in the body, whichever of the two it is registered with: the proof is the
// same, and client libraries try both. path is the endpoint that is asked.
//
// Nothing is consumed before this: who is not known by name spends no code, no
// token and no refresh (C-31).
func (e *endpoints) authenticate(r *http.Request, form url.Values, path string) (identity.Application, error) {
	ctx, tenant := r.Context(), edge.TenantOf(r.Context())
	byHeader := len(r.Header.Values("Authorization")) > 0
	c, err := present(r, form)
	if err != nil {
		return identity.Application{}, err
	}
	app, err := e.apps.byID(ctx, tenant.ID, c.id)
	unknown := errors.Is(err, identity.ErrNotFound)
	if err != nil && !unknown {
		return identity.Application{}, err
	}
	good := false
	switch c.method {
	case identity.AuthNone:
		good = app.Public()
	case identity.AuthPrivateKeyJWT:
		if !unknown && app.AuthMethod == identity.AuthPrivateKeyJWT {
			good, err = e.asserted(ctx, tenant, app, c.assertion, path)
		}
	default:
		secrets := app.AuthMethod == identity.AuthSecretBasic || app.AuthMethod == identity.AuthSecretPost
		good = matches(app.Secrets, c.secret) && secrets
	}
	switch {
	case err != nil && !unknown:
		return identity.Application{}, err
	case unknown || !good:
		return identity.Application{}, noClient(byHeader)
	}
	return app, nil
}

// matches compares a secret with all that are registered, and with one that
// nobody has: an unknown client costs the same as a wrong secret.
func matches(secrets []identity.Secret, value string) bool {
	nobody := identity.Secret{Salt: make([]byte, 16), Hash: make([]byte, 32)}
	good := nobody.Matches(value)
	for _, s := range secrets {
		good = s.Matches(value) || good
	}
	return good && value != ""
}

// present reads the credentials, of which there must be one kind (RFC 6749, 2.3).
func present(r *http.Request, form url.Values) (credentials, error) {
	headers := r.Header.Values("Authorization")
	_, bySecret := form["client_secret"]
	byAssertion := form.Has("client_assertion") || form.Has("client_assertion_type")
	if len(headers) > 1 {
		return credentials{}, invalidRequest("There is more than one Authorization header.")
	}
	if count(len(headers) == 1, bySecret, byAssertion) > 1 {
		return credentials{}, invalidRequest("There is more than one kind of client authentication.")
	}
	id := form.Get("client_id")
	switch {
	case len(headers) == 1:
		named, secret, ok := parseBasic(headers[0])
		if !ok {
			return credentials{}, noClient(true)
		}
		if id != "" && id != named {
			return credentials{}, invalidRequest("client_id differs from the Authorization header.")
		}
		return credentials{id: named, method: identity.AuthSecretBasic, secret: secret}, nil
	case bySecret:
		return credentials{id: id, method: identity.AuthSecretPost, secret: form.Get("client_secret")}, nil
	case byAssertion:
		if form.Get("client_assertion_type") != assertionType {
			return credentials{}, invalidRequest("client_assertion_type is not known.")
		}
		assertion := form.Get("client_assertion")
		if id == "" {
			id = issuerOf(assertion)
		}
		return credentials{id: id, method: identity.AuthPrivateKeyJWT, assertion: assertion}, nil
	}
	return credentials{id: id, method: identity.AuthNone}, nil
}

func count(facts ...bool) (n int) {
	for _, f := range facts {
		if f {
			n++
		}
	}
	return n
}

// parseBasic reads an Authorization header of the Basic scheme. Both halves are
// form-encoded under the base64 (RFC 6749, 2.3.1).
func parseBasic(header string) (id, secret string, ok bool) {
	scheme, encoded, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Basic") || strings.ContainsAny(encoded, "\r\n") { // which base64 overlooks
		return "", "", false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(encoded, " "))
	if err != nil {
		return "", "", false
	}
	left, right, found := strings.Cut(string(raw), ":")
	if !found {
		return "", "", false
	}
	if id, err = url.QueryUnescape(left); err != nil {
		return "", "", false
	}
	if secret, err = url.QueryUnescape(right); err != nil {
		return "", "", false
	}
	if id == "" || !printable(id) || !printable(secret) {
		return "", "", false
	}
	return id, secret, true
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// issuerOf reads who an assertion claims to be from, so that its keys can be
// found. Nothing is believed until those keys verified it.
func issuerOf(assertion string) string {
	_, rest, _ := strings.Cut(assertion, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// asserted checks a client assertion, and that it was never used before. That it
// was used is kept even if the request fails later.
func (e *endpoints) asserted(ctx context.Context, tenant identity.Tenant, app identity.Application, assertion, path string) (bool, error) {
	audiences := []string{tenant.Issuer, tenant.Issuer + TokenPath, tenant.Issuer + path}
	jti, exp, err := e.Assertions.Verify(assertion, app.JWKS, app.ID, audiences, e.now())
	if errors.Is(err, identity.ErrInvalid) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	seen := identity.HashKey(app.ID + "\x00" + jti)
	err = e.Store.Update(ctx, tenant.ID, func(tx identity.Tx) error {
		return tx.Ephemerals.Put(ctx, kindJTI, seen, []byte{1}, exp)
	})
	if errors.Is(err, identity.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// confidential is authenticate for endpoints that tell nothing to whoever merely
// says a name.
func (e *endpoints) confidential(r *http.Request, form url.Values, path string) (identity.Application, error) {
	app, err := e.authenticate(r, form, path)
	if err == nil && app.Public() {
		return identity.Application{}, noClient(false)
	}
	return app, err
}
