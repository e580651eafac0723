package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"slices"
	"time"
)

// Client authentication methods (OpenID Connect Core, section 9).
const (
	AuthNone              = "none"
	AuthSecretBasic       = "client_secret_basic"
	AuthSecretPost        = "client_secret_post"
	AuthPrivateKeyJWT     = "private_key_jwt"
	GrantCode             = "authorization_code"
	GrantRefresh          = "refresh_token"
	GrantClient           = "client_credentials"
	ScopeOpenID           = "openid"
	ScopeOffline          = "offline_access"
	ScopeMe               = "me"
	ScopeMeFactors        = "me:factors"
	DefaultRefreshTimeout = 30 * 24 * time.Hour
)

// Application is what users sign in to, or a resource that tokens are for.
type Application struct {
	ID               string          `json:"id"` // client_id
	Name             string          `json:"name"`
	AuthMethod       string          `json:"authMethod"` // none for a public client
	Secrets          []Secret        `json:"secrets,omitempty"`
	JWKS             json.RawMessage `json:"jwks,omitempty"` // public keys for private_key_jwt
	RedirectURIs     []string        `json:"redirectUris,omitempty"`
	PostLogoutURIs   []string        `json:"postLogoutUris,omitempty"`
	InitiateLoginURI string          `json:"initiateLoginUri,omitempty"` // OpenID Connect third-party initiated login
	Grants           []string        `json:"grants,omitempty"`
	Scopes           []string        `json:"scopes,omitempty"`
	Audience         string          `json:"audience,omitempty"`  // default access token audience; the application's own identifier as a resource
	Resources        []string        `json:"resources,omitempty"` // further audiences that it may ask for (RFC 8707)
	Origins          []string        `json:"origins,omitempty"`   // browser origins for CORS
	FirstParty       bool            `json:"firstParty,omitempty"`
	SelfService      bool            `json:"selfService,omitempty"`  // may ask for scope me:factors
	RequirePAR       bool            `json:"requirePar,omitempty"`   // RFC 9126, section 5
	RequireDPoP      bool            `json:"requireDpop,omitempty"`  // RFC 9449, 5.2: dpop_bound_access_tokens
	PKCEOptional     bool            `json:"pkceOptional,omitempty"` // confidential clients that send a nonce only
	MinLevel         int             `json:"minLevel,omitempty"`     // assurance floor, 1 to 3
	LogoutURI        string          `json:"logoutUri,omitempty"`    // is told of sessions that end (Back-Channel Logout 1.0, 2.2)
	Reasons          []Reason        `json:"reasons,omitempty"`      // why it may ask for more, as people read it
	Stricter         json.RawMessage `json:"stricter,omitempty"`     // what it asks beyond the tenant's policy: policy.Stricter
	RefreshFor       time.Duration   `json:"refreshFor,omitempty"`   // absolute life of a refresh family
	Disabled         bool            `json:"disabled,omitempty"`
	Digest           string          `json:"-"`
}

// Reason is why an application asks people to confirm: its own words, registered
// beforehand.
type Reason struct {
	ID   string `json:"id"`
	Text string `json:"text"` // at most 80 characters
}

// ReasonText returns the words of a registered reason.
func (a Application) ReasonText(id string) (text string, ok bool) {
	i := slices.IndexFunc(a.Reasons, func(r Reason) bool { return r.ID == id })
	if i < 0 {
		return "", false
	}
	return a.Reasons[i].Text, true
}

// ActionType is the type of authorization details that bind a token to one action
// (RFC 9396, section 2).
const ActionType = "action"

// Action is one thing that a token is for, and no other.
type Action struct {
	Type   string `json:"type"`   // always [ActionType]
	Action string `json:"action"` // id of a reason of the application
	Digest string `json:"digest"` // SHA-256 of the action's content, base64url without padding
}

// Secret is one client secret, kept as a salted hash. Client secrets are made
// by machines; a fast hash is enough for 128 random bits, and `config check`
// warns of shorter ones.
type Secret struct {
	Salt []byte `json:"salt"`
	Hash []byte `json:"hash"`
}

// NewSecret hashes a client secret under salt.
func NewSecret(salt []byte, value string) Secret {
	sum := sha256.Sum256(append(slices.Clone(salt), value...))
	return Secret{Salt: salt, Hash: sum[:]}
}

// Matches compares in constant time.
func (s Secret) Matches(value string) bool {
	return subtle.ConstantTimeCompare(NewSecret(s.Salt, value).Hash, s.Hash) == 1
}

// Serves lists the audiences that the application's tokens can be for.
func (a Application) Serves() []string {
	out := slices.Clone(a.Resources)
	if a.Audience != "" {
		out = append(out, a.Audience)
	}
	return out
}

// Public reports whether the application cannot keep a secret.
func (a Application) Public() bool { return a.AuthMethod == AuthNone }

// Allows reports whether the application may use a grant type.
func (a Application) Allows(grant string) bool { return slices.Contains(a.Grants, grant) }

// AuthorizationRequest is what an application asked at the authorization
// endpoint, once every check on it has passed. A request of our own pages has
// no ClientID, and RedirectURI is then a path on the issuer.
type AuthorizationRequest struct {
	ClientID            string    `json:"clientId,omitempty"`
	RedirectURI         string    `json:"redirectUri"`
	RedirectURISent     bool      `json:"redirectUriSent,omitempty"`
	ResponseMode        string    `json:"responseMode,omitempty"` // query (default) or form_post
	State               string    `json:"state,omitempty"`
	Nonce               string    `json:"nonce,omitempty"`
	Scopes              []string  `json:"scopes,omitempty"`
	Resources           []string  `json:"resources,omitempty"`
	CodeChallenge       string    `json:"codeChallenge,omitempty"` // S256
	DPoPThumbprint      string    `json:"dpopJkt,omitempty"`
	Claims              []string  `json:"claims,omitempty"` // ID token claims asked for by name
	UserinfoClaims      []string  `json:"userinfoClaims,omitempty"`
	Display             string    `json:"display,omitempty"`
	Reason              string    `json:"reason,omitempty"` // why the application asks, in its words
	Action              *Action   `json:"action,omitempty"` // the one thing that the token is for
	Locales             []string  `json:"locales,omitempty"`
	WantAuthTime        bool      `json:"wantAuthTime,omitempty"` // max_age was asked
	RequestedAt         time.Time `json:"requestedAt"`
	OwnPage             bool      `json:"ownPage,omitempty"`
	AuthenticatedClient bool      `json:"authenticatedClient,omitempty"` // pushed by an authenticated client
}

// AuthorizationCode is what a code stands for until it is redeemed, kept as an
// ephemeral under the hash of the code.
type AuthorizationCode struct {
	Request AuthorizationRequest `json:"request"`
	Grant   Grant                `json:"grant"`          // not yet stored; created at redemption under this id
	Flow    string               `json:"flow,omitempty"` // whose kept answer ends when the code is taken
	Purpose bool                 `json:"purpose"`        // the flow showed "manage your sign-in methods" and proved freshly
}
