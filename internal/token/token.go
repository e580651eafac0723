// Package token answers "signed by whom?": it makes and checks what IntelliAuth
// signs, and checks what applications sign to prove that it is they who ask.
//
// Everything is a compact JWS (RFC 7515, 7.1). A key is chosen by its id among
// the tenant's own and nowhere else, and it takes its own algorithm only; so
// "none", a public key used as an HMAC secret, and keys that a token brings
// along (jwk, jku, x5u, x5c) have no road in.
//
//	keys.go       the keys of each tenant, cached until the store's generation moves
//	rotate.go     the first key, and its successors: published before used
//	sign.go       claims → compact JWS; one prepared signer per key
//	verify.go     compact JWS → claims, or a fault
//	access.go     access tokens (RFC 9068)
//	id.go         ID tokens (OpenID Connect Core, section 2) and hints
//	assertion.go  client assertions (RFC 7523)
package token

import (
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// The typ headers of what is signed. A token of one type is never taken for
// another (RFC 8725, 3.11).
const (
	TypAccess = "at+jwt"
	TypID     = "JWT"
	TypLogout = "logout+jwt"
)

// CacheLife is how long others may keep the published keys, and so how long a
// new key is published before it signs.
const CacheLife = 5 * time.Minute

// Overlap is how long a key stays published after it signed its last token.
const Overlap = 24 * time.Hour

// maxCompact bounds what is parsed at all, in bytes.
const maxCompact = 16 << 10

// invalid is the one fault that a bad token of ours gives; why says what a
// developer may know of it.
func invalid(why string) error { return identity.Invalid("invalid_token", why) }
