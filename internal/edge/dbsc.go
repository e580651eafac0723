package edge

import (
	"net/http"
	"strings"
	"time"
)

// Headers of Device Bound Session Credentials (W3C draft, section 9). The
// Sec-Session-* names of 2024 are gone.
const (
	headerRegistration = "Secure-Session-Registration"
	headerChallenge    = "Secure-Session-Challenge"
	headerResponse     = "Secure-Session-Response"
	headerSessionID    = "Sec-Secure-Session-Id"
)

// Where browsers bind sessions, and come back for short cookies.
const (
	BindPath   = "/dbsc/register"
	RebindPath = "/dbsc/refresh"
)

const boundCookie = "ia_bound"

// boundAttributes are those of the short cookie as [Cookies.SetBound] writes it,
// in the form in which a browser is told to expect it. Age is none of them.
const boundAttributes = "Path=/; Secure; HttpOnly; SameSite=Lax"

// Bound returns the short cookie of a bound session, or "".
func (c Cookies) Bound(r *http.Request) string { return c.secret(r, boundCookie) }

// SetBound hands out a short cookie.
func (c Cookies) SetBound(w http.ResponseWriter, secret string, life time.Duration) {
	c.set(w, boundCookie, secret, int(life/time.Second))
}

// OfferBinding invites the browser to bind the session that this answer opens
// (9.1). Both values are ours: URL-safe base64.
func OfferBinding(w http.ResponseWriter, challenge, authorization string) {
	w.Header().Set(headerRegistration, `(ES256 RS256);path="`+BindPath+`";challenge="`+challenge+`";authorization="`+authorization+`"`)
}

// SetBindingChallenge gives the browser what its next proof has to sign (9.2).
func SetBindingChallenge(w http.ResponseWriter, challenge, session string) {
	w.Header().Set(headerChallenge, `"`+challenge+`";id="`+session+`"`)
}

// BindingOf reads what a browser says of its bound session: which it is, and its
// proof. Each is "" where it is missing, comes twice or is malformed. The draft
// has quoted strings; Chromium sends them bare (both are taken).
func BindingOf(r *http.Request) (session, proof string) {
	return bare(r.Header[headerSessionID]), bare(r.Header[headerResponse])
}

func bare(values []string) string {
	if len(values) != 1 {
		return ""
	}
	v := strings.TrimSpace(values[0])
	if inner, ok := strings.CutPrefix(v, `"`); ok {
		if v, ok = strings.CutSuffix(inner, `"`); !ok {
			return ""
		}
	}
	if v == "" || len(v) > maxBindingHeader || strings.ContainsAny(v, "\"\\; \t") {
		return ""
	}
	return v
}

// maxBindingHeader bounds each header, in bytes.
const maxBindingHeader = 4 << 10

// Instructions tell a browser what its bound session covers (8.9, 9.6 to 9.9).
type Instructions struct {
	Session     string             `json:"session_identifier"`
	RefreshURL  string             `json:"refresh_url"`
	Scope       instructedScope    `json:"scope"`
	Credentials []instructedCookie `json:"credentials"`
}

type instructedScope struct {
	Origin      string           `json:"origin"`
	IncludeSite bool             `json:"include_site"` // required
	Rules       []instructedRule `json:"scope_specification"`
}

type instructedRule struct {
	Type   string `json:"type"`
	Domain string `json:"domain"`
	Path   string `json:"path"`
}

type instructedCookie struct {
	Type       string `json:"type"`
	Name       string `json:"name"`
	Attributes string `json:"attributes"`
}

// Instruct says that the whole origin is covered, save what no session opens:
// requests to it need not wait for a short cookie. The flow's own pages are
// covered, since a step-up begins from the session. An issuer is scheme and host.
func (c Cookies) Instruct(issuer, session string) Instructions {
	domain := strings.TrimPrefix(issuer, "https://")
	if host, _, ok := strings.Cut(domain, ":"); ok {
		domain = host
	}
	var rules []instructedRule
	for _, path := range []string{"/static", "/brand", "/favicon.ico", "/.well-known", "/oauth2/token", "/oauth2/par", "/oauth2/jwks", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/userinfo", BindPath} {
		rules = append(rules, instructedRule{Type: "exclude", Domain: domain, Path: path})
	}
	return Instructions{
		Session: session, RefreshURL: RebindPath, Scope: instructedScope{Origin: issuer, Rules: rules},
		Credentials: []instructedCookie{{Type: "cookie", Name: c.name(boundCookie), Attributes: boundAttributes}},
	}
}
