package intelliauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	josejson "github.com/go-jose/go-jose/v4/json"
)

// Bounds on what is read of a request.
const (
	maxToken = 16 << 10 // bytes
	maxLife  = time.Hour
)

// Error says why a request is refused. Code is one of the codes below.
type Error struct {
	Code        string
	Description string
	Status      int

	scheme   string // of the challenge
	level    AAL    // wanted
	maxAge   time.Duration
	scopes   string
	noDetail bool
}

func (e *Error) Error() string { return "intelliauth: " + e.Code + ": " + e.Description }

// The codes of [Error]. Those of RFC 6750, 9449 and 9470 keep their names.
const (
	CodeMissing           = "token_missing"
	CodeInvalidRequest    = "invalid_request"
	CodeInvalidToken      = "invalid_token"
	CodeInvalidProof      = "invalid_dpop_proof"
	CodeInsufficientScope = "insufficient_scope"
	CodeMFARequired       = "mfa_required" // on the wire: insufficient_user_authentication
	CodeRevoked           = "session_revoked"
	CodeUnavailable       = "temporarily_unavailable" // keys or feed cannot be read: nothing is believed
)

func bad(code, description string) *Error {
	return &Error{Code: code, Description: description, Status: http.StatusUnauthorized}
}

// Token is what a checked access token says.
type Token struct {
	Subject  string // the user, or the application itself
	ClientID string
	Session  string // "" where no person stands behind it
	Scopes   []string
	AAL      AAL
	AMR      []string
	AuthTime time.Time // the oldest of the proofs that give AAL
	IssuedAt time.Time
	Expires  time.Time
	ID       string
	Key      string  // thumbprint of the key that it is bound to; "" for a bearer
	Action   *Action // the one thing that it is for; nil for any

	now func() time.Time
}

// Action binds a token to one action and its content (RFC 9396): compare both
// with what is about to be done, and remember Token.ID, or introspect the token.
type Action struct {
	Type   string `json:"type"`
	Action string `json:"action"`
	Digest string `json:"digest"` // SHA-256, base64url without padding
}

// HasScope reports whether the token has a scope.
func (t *Token) HasScope(scope string) bool { return slices.Contains(t.Scopes, scope) }

// claims are read with names spelt exactly, each once.
type claims struct {
	Issuer       string              `json:"iss"`
	Subject      string              `json:"sub"`
	Audience     josejson.RawMessage `json:"aud"`
	ClientID     string              `json:"client_id"`
	Scope        string              `json:"scope"`
	Session      string              `json:"sid"`
	ACR          string              `json:"acr"`
	AMR          []string            `json:"amr"`
	AuthTime     int64               `json:"auth_time"`
	ID           string              `json:"jti"`
	Expires      int64               `json:"exp"`
	IssuedAt     int64               `json:"iat"`
	NotBefore    int64               `json:"nbf"`
	Details      []Action            `json:"authorization_details"`
	Confirmation *struct {
		Thumbprint string `json:"jkt"`
	} `json:"cnf"`
}

// Verify checks an access token: signature by a key of the issuer, type, issuer,
// audience, times. Neither a key that it is bound to nor revocation is asked: see
// [Verifier.Check].
func (v *Verifier) Verify(ctx context.Context, compact string) (*Token, error) {
	if !wellFormed(compact) {
		return nil, bad(CodeInvalidToken, "The access token is malformed.")
	}
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		return nil, bad(CodeInvalidToken, "The access token is malformed.")
	}
	header := jws.Signatures[0].Protected
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	if typ != "at+jwt" || len(header.ExtraHeaders) != 1 {
		return nil, bad(CodeInvalidToken, "This is no access token.")
	}
	key, err := v.keys.find(ctx, header.KeyID)
	if err != nil {
		return nil, err
	}
	if key == nil || key.Algorithm != header.Algorithm {
		return nil, bad(CodeInvalidToken, "The access token was signed by an unknown key.")
	}
	payload, err := jws.Verify(key.Key)
	if err != nil {
		return nil, bad(CodeInvalidToken, "The signature of the access token is wrong.")
	}
	var c claims
	if err := josejson.Unmarshal(payload, &c); err != nil {
		return nil, bad(CodeInvalidToken, "The access token cannot be read.")
	}
	return v.judge(c)
}

// judge holds claims against RFC 9068, section 4.
func (v *Verifier) judge(c claims) (*Token, error) {
	now := v.now()
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	switch {
	case c.Issuer != v.issuer:
		return nil, bad(CodeInvalidToken, "The access token is of another issuer.")
	case !v.addressed(c.Audience):
		return nil, bad(CodeInvalidToken, "The access token is for another API.")
	case c.Subject == "" || c.ClientID == "" || c.ID == "":
		return nil, bad(CodeInvalidToken, "The access token lacks sub, client_id or jti.")
	case c.Expires <= 0 || !now.Before(expires.Add(v.leeway)):
		return nil, bad(CodeInvalidToken, "The access token has run out.")
	case c.IssuedAt <= 0 || issued.After(now.Add(v.leeway)) || expires.Sub(issued) > maxLife:
		return nil, bad(CodeInvalidToken, "The times of the access token cannot be.")
	case c.NotBefore > now.Add(v.leeway).Unix():
		return nil, bad(CodeInvalidToken, "The access token is not good yet.")
	case c.AuthTime < 0 || c.AuthTime > now.Add(v.leeway).Unix():
		return nil, bad(CodeInvalidToken, "auth_time is in the future.")
	case len(c.Details) > 1:
		return nil, bad(CodeInvalidToken, "The access token is for several actions.")
	}
	t := &Token{
		Subject: c.Subject, ClientID: c.ClientID, Session: c.Session, Scopes: strings.Fields(c.Scope), AMR: c.AMR,
		IssuedAt: issued, Expires: expires, ID: c.ID, now: v.now,
	}
	// acr and auth_time count together or not at all (fail closed).
	for level := AAL1; level <= AAL3; level++ {
		if c.ACR == level.String() && c.AuthTime > 0 && c.Session != "" {
			t.AAL, t.AuthTime = level, time.Unix(c.AuthTime, 0)
		}
	}
	if c.Confirmation != nil {
		if t.Key = c.Confirmation.Thumbprint; t.Key == "" {
			return nil, bad(CodeInvalidToken, "The access token is bound in a way that is not known here.")
		}
	}
	if len(c.Details) == 1 {
		t.Action = &c.Details[0]
	}
	return t, nil
}

// addressed reports whether this API is the token's one audience.
func (v *Verifier) addressed(aud []byte) bool {
	var one string
	if json.Unmarshal(aud, &one) == nil {
		return one == v.audience
	}
	var list []string
	return json.Unmarshal(aud, &list) == nil && len(list) == 1 && list[0] == v.audience
}

// wellFormed reports whether s has the size and the exact form of a compact JWS:
// readers of base64 overlook line breaks and loose last bits, and one token must
// not have many spellings.
func wellFormed(s string) bool {
	if len(s) > maxToken || strings.ContainsAny(s, "\r\n") || strings.Count(s, ".") != 2 {
		return false
	}
	strict := base64.RawURLEncoding.Strict()
	for part := range strings.SplitSeq(s, ".") {
		if part == "" {
			return false
		}
		if tail := part[len(part)&^3:]; tail != "" {
			if _, err := strict.DecodeString(tail); err != nil {
				return false
			}
		}
	}
	return true
}
