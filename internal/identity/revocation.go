package identity

import (
	"context"
	"time"
)

// Kinds of revocations: whose tokens they take back.
const (
	RevokedSession = "session" // all of a session
	RevokedGrant   = "grant"   // those of a session that one application holds, made until then
	RevokedUser    = "user"    // those of a user, made until then
	RevokedClient  = "client"  // those of an application, made until then
	RevokedLevel   = "level"   // those of a session, made until then: its level is lower now
	RevokedKey     = "key"     // those signed by a key, made until then
)

// Revocation is what an API is told of tokens that are good by their signature
// and taken back all the same.
type Revocation struct {
	Number    int64     `json:"-"` // of the tenant's entries; given by the store
	At        time.Time `json:"-"`
	Kind      string    `json:"kind"`
	Session   string    `json:"sid,omitempty"`
	ClientID  string    `json:"clientId,omitempty"`
	User      string    `json:"sub,omitempty"`       // of kind user alone
	Key       string    `json:"kid,omitempty"`       // of kind key alone
	Before    time.Time `json:"before"`              // tokens with iat until then; of a session's, all
	Until     time.Time `json:"until"`               // no such token lives longer
	Audiences []string  `json:"audiences,omitempty"` // for whom its tokens are; nil says for anybody
}

// Revocations keeps what was taken back, for as long as its tokens could live.
type Revocations interface {
	// Append numbers an entry by the tenant's counter, which is raised in this
	// transaction: entries become visible in the order of their numbers.
	Append(ctx context.Context, r Revocation) error
	// Last is the number of the last entry, 0 without any.
	Last(ctx context.Context) (int64, error)
	// Live lists the entries that still matter at now, by number.
	Live(ctx context.Context, now time.Time) ([]Revocation, error)
	// Sweep deletes at most limit entries that stopped to matter before.
	Sweep(ctx context.Context, before time.Time, limit int) (int, error)
}
