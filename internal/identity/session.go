package identity

import (
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
)

// Session is a user's signed-in state in one browser. Its ID is stable (the sid
// claim); only its cookie secret rotates.
type Session struct {
	ID         string // ses_…
	User       string
	SecretHash []byte // SHA-256 of the cookie secret
	Proofs     []assurance.Proof
	CreatedAt  time.Time
	Activity   assurance.Activity // when a request last bore the cookie
	Device     string             // dev_…, may be empty
	IP         string
	UserAgent  string // a label, never an identity
	EndedAt    *time.Time
	EndReason  string
	Bound      *Binding        // nil: its cookie is a bearer's
	Told       assurance.Level // the last level that an event told of; never what it is worth
	Version    int64
}

// Ended reports whether the session was ended.
func (s Session) Ended() bool { return s.EndedAt != nil }

// Grant is what a user let an application have, with the proofs of the flow
// that made it. A family of refresh tokens hangs on it.
type Grant struct {
	ID          string            `json:"id"` // grt_…
	User        string            `json:"user"`
	Application string            `json:"application"`
	Session     string            `json:"session"`
	Proofs      []assurance.Proof `json:"proofs"`
	Scopes      []string          `json:"scopes"`
	Resources   []string          `json:"resources,omitempty"`
	Nonce       string            `json:"nonce,omitempty"`
	Thumbprint  string            `json:"jkt,omitempty"` // DPoP key that refresh is bound to
	Claims      []string          `json:"claims,omitempty"`
	Userinfo    []string          `json:"userinfo,omitempty"`
	CreatedAt   time.Time         `json:"createdAt"`
	ExpiresAt   time.Time         `json:"expiresAt"` // absolute; rotation never extends it
	RevokedAt   *time.Time        `json:"revokedAt,omitempty"`
	Reason      string            `json:"reason,omitempty"`
	Version     int64             `json:"-"`
}

// Revoked reports whether the grant was revoked.
func (g Grant) Revoked() bool { return g.RevokedAt != nil }

// Device is a browser that finished a full sign-in of this user. It carries no
// proof and lowers nothing. The cookie holds ID and a secret that rotates at
// completed sign-ins.
type Device struct {
	ID         string // dev_…, one per browser
	User       string
	SecretHash []byte
	PrevHash   []byte // good for 60 s after RotatedAt; an older value is a risk signal
	RotatedAt  time.Time
	CreatedAt  time.Time
	LastSeen   time.Time
	Label      string
}

// Lane is the record of guesses against one subject from one place: browsers
// unknown to the user share a lane, each known device has its own.
type Lane struct {
	Subject  string // user id, or keyed hash of an identifier before the first proof
	Name     string // "unknown" or a device id
	Days     []DayMass
	Failures int // consecutive
	LastFail time.Time
	Version  int64
}

// DayMass is the mass of guesses spent on one day, in parts per 10^12 of
// certain success.
type DayMass struct {
	Day  int64 `json:"d"` // days since the Unix epoch
	Mass int64 `json:"m"`
}

// SigningKey is one key of a tenant that signs its tokens.
type SigningKey struct {
	ID        string // kid
	Algorithm string // ES256, EdDSA, RS256
	Public    []byte // JWK as JSON
	Private   []byte // PKCS #8, sealed at rest
	CreatedAt time.Time
	ActiveAt  time.Time  // signs from then on; published before
	RetiredAt *time.Time // signs no more
	ExpiresAt *time.Time // published no more
}
