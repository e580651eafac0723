// Package identity answers "who is this?".
//
// It holds the nouns that every other room speaks of: [Tenant], [Application],
// [User], [Enrolment], [Session], [Grant], [Device] and [Event], the kinds of
// error that edges translate, and the ports that storage implements. It does
// no I/O and knows no protocol.
//
//	nouns    identity.go, application.go, session.go, event.go
//	ports    ports.go           reached through a tenant, at most 6 methods each
//	errors   errors.go          few kinds, mapped once per edge
//	ids      id.go              prefix + UUIDv7 in base32
//	names    canonical.go       one rule for what a person types
package identity

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// Tenant is an isolated set of users, applications, keys and policy. Its
// issuer is one host (OpenID Connect Core, section 2, "iss").
type Tenant struct {
	ID        string          `json:"id"`
	Issuer    string          `json:"issuer"` // absolute URL without path, byte for byte the iss claim
	RPID      string          `json:"rpId"`   // WebAuthn RP ID; default: the issuer's host
	Name      string          `json:"name"`
	Branding  Branding        `json:"branding"`
	Algorithm string          `json:"algorithm"`        // ES256 (default), EdDSA or RS256
	Policy    json.RawMessage `json:"policy,omitempty"` // opaque here; policy.Parse reads it
	Disabled  bool            `json:"disabled,omitempty"`
	Digest    string          `json:"-"` // digest of the declaration that this was applied from

	RelatedOrigins []string    `json:"relatedOrigins,omitempty"` // may create passkeys for RPID through the Me API (WebAuthn Level 3, 5.11)
	Attestation    Attestation `json:"attestation,omitzero"`
	SMSCountries   []string    `json:"smsCountries,omitempty"` // ISO 3166-1 alpha-2; numbers of others get no SMS
	SMSPerDay      int         `json:"smsPerDay,omitempty"`    // ceiling of all SMS in 24 hours; 0 means 1000
	Channels       []string    `json:"channels,omitempty"`     // by which messages can go out: "email", "sms"
	Locale         string      `json:"locale,omitempty"`       // of messages to people of whom no language is known; default en
}

// Attestation says which authenticators may be enrolled as passkeys.
type Attestation struct {
	Mode   string   `json:"mode,omitempty"`   // none (default): not asked; any: must verify, whatever the model; list: only Models
	Models []string `json:"models,omitempty"` // AAGUIDs as UUIDs, for list
}

// Branding is how a tenant's pages look.
type Branding struct {
	Logo        string `json:"logo,omitempty"`        // SVG or PNG as a data: URL, served from the tenant's own host
	Accent      string `json:"accent,omitempty"`      // CSS colour #rrggbb for light pages
	AccentDark  string `json:"accentDark,omitempty"`  // the same for dark pages
	SupportLink string `json:"supportLink,omitempty"` // https: or mailto: shown where a person is stuck
}

// Host returns the host, with port where there is one, of the tenant's issuer.
func (t Tenant) Host() string {
	u, err := url.Parse(t.Issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

// Sends reports whether messages can go out by a channel.
func (t Tenant) Sends(channel string) bool {
	return slices.Contains(t.Channels, channel) && (channel != ChannelSMS || len(t.SMSCountries) > 0)
}

// MeAudience is the audience of the tenant's own Me API.
func (t Tenant) MeAudience() string { return t.Issuer + "/api/v1" }

// User is a person who signs in.
type User struct {
	ID            string     `json:"id"`         // usr_…; the sub claim
	Handle        []byte     `json:"handle"`     // 64 random bytes: the WebAuthn user handle (Level 3, 14.6.1)
	Identifier    string     `json:"identifier"` // canonical form of what the person types to sign in
	Email         string     `json:"email"`      // as the person wrote it
	EmailVerified bool       `json:"emailVerified"`
	Name          string     `json:"name"`
	Phone         string     `json:"phone,omitempty"` // E.164
	Locale        string     `json:"locale,omitempty"`
	Groups        []string   `json:"groups,omitempty"`
	CreatedAt     time.Time  `json:"createdAt"`
	DisabledAt    *time.Time `json:"disabledAt,omitempty"`
	PhoneVerified bool       `json:"phoneVerified,omitempty"`
	Former        []Address  `json:"former,omitempty"`      // still told of changes for a while (SP 800-63B-4, 4.6)
	RecoveredAt   *time.Time `json:"recoveredAt,omitempty"` // last came back by a recovery code
	FrozenUntil   *time.Time `json:"frozenUntil,omitempty"` // no change of sign-in methods before
	TheftAt       *time.Time `json:"theftAt,omitempty"`     // when something of theirs was last seen stolen: a sign-in is looked at more closely for a while
	Epoch         int64      `json:"-"`                     // raised by every change of factors, password, lock or sessions
}

// Address is where a person is told of changes.
type Address struct {
	Channel string    `json:"channel"` // "email" or "sms"
	To      string    `json:"to"`
	Until   time.Time `json:"until,omitzero"`
}

// Addresses lists where a user is told of changes at a moment: the present
// address and number, and former ones for as long as they count.
func (u User) Addresses(now time.Time) []Address {
	var out []Address
	if u.Email != "" {
		out = append(out, Address{Channel: ChannelEmail, To: u.Email})
	}
	if u.Phone != "" && u.PhoneVerified {
		out = append(out, Address{Channel: ChannelSMS, To: u.Phone})
	}
	for _, a := range u.Former {
		if now.Before(a.Until) {
			out = append(out, a)
		}
	}
	return out
}

// Frozen reports whether the user's sign-in methods may not be changed.
func (u User) Frozen(now time.Time) bool { return u.FrozenUntil != nil && now.Before(*u.FrozenUntil) }

// Disabled reports whether the user may not sign in.
func (u User) Disabled() bool { return u.DisabledAt != nil }

// Enrolment is one authenticator bound to one user. A password is one, too.
type Enrolment struct {
	ID         string     `json:"id"` // enr_…
	User       string     `json:"user"`
	Factor     string     `json:"factor"`
	Name       string     `json:"name"`              // what the person calls it
	Data       []byte     `json:"-"`                 // the factor's own, sealed at rest
	Lookup     []byte     `json:"-"`                 // blind index, unique per tenant and factor; may be nil
	Channel    string     `json:"channel,omitempty"` // keyed hash of the mailbox or number that it rests on: where its codes go or, of a password, through which it was last set; see [ChannelOf]
	EnrolledAt time.Time  `json:"enrolledAt"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty"`
	Suspended  bool       `json:"suspended,omitempty"` // proves nothing
	RemovedAt  *time.Time `json:"removedAt,omitempty"` // removed, but may be restored by its owner for a while; then Suspended too
	Version    int64      `json:"-"`                   // compare-and-swap
}
