package identity

import (
	"crypto/subtle"
	"time"
)

// Binding ties a session to a key that never leaves the browser's machine
// (Device Bound Session Credentials). Its cookie then opens nothing by itself:
// beside it must come a short one, which only the key's holder is given.
type Binding struct {
	ID        string    `json:"id"`  // the browser's name for it: unguessable, and never the sid
	Key       []byte    `json:"key"` // public key as JWK; never replaced
	At        time.Time `json:"at"`
	Short     []byte    `json:"short"` // SHA-256 of the short cookie handed out last
	Until     time.Time `json:"until"`
	Prev      []byte    `json:"prev,omitempty"` // of the one before, for requests under way
	PrevUntil time.Time `json:"prevUntil,omitzero"`
}

// Holds reports whether a short cookie, by its hash, is good at now. A cookie is
// good until its moment and not at it. Both are compared in constant time.
func (b Binding) Holds(hash []byte, now time.Time) bool {
	short := subtle.ConstantTimeCompare(b.Short, hash) == 1 && now.Before(b.Until)
	prev := subtle.ConstantTimeCompare(b.Prev, hash) == 1 && now.Before(b.PrevUntil)
	return len(hash) > 0 && (short || prev)
}

// Hand notes a new short cookie, good until then; the last one stays good for
// grace, and never longer than it was.
func (b Binding) Hand(hash []byte, now, until time.Time, grace time.Duration) Binding {
	b.Prev, b.PrevUntil = b.Short, b.Until
	if end := now.Add(grace); end.Before(b.PrevUntil) {
		b.PrevUntil = end
	}
	b.Short, b.Until = hash, until
	return b
}
