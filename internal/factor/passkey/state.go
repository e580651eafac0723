package passkey

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
)

const (
	life            = 10 * time.Minute // of a challenge; 15.1 has 5 to 10 minutes
	challengeLength = 32               // bytes; 16 are the least (13.4.3)
	digestLength    = 16               // bytes that stand for a credential id in a state
)

// forAnyone is the purpose of a challenge that was set for whoever answers. It
// is bound to nobody, and worth nothing to a person who was named.
const forAnyone factor.Purpose = 'a'

// What a challenge was set with, as bits.
const (
	verifying   byte = 1 << iota // user verification was required
	silent                       // conditional create: nobody need have been there (7.1)
	highestFlag = silent
)

// state is what a challenge remembers of itself.
type state struct {
	challenge []byte
	flags     byte
	allowed   [][]byte // digests of the credentials that were asked for; none: any
}

func (f *Factor) newState(flags byte, allowed []descriptor) (state, error) {
	s := state{challenge: make([]byte, challengeLength), flags: flags}
	if _, err := io.ReadFull(f.random, s.challenge); err != nil {
		return state{}, fmt.Errorf("passkey: no randomness: %w", err)
	}
	for _, d := range allowed {
		s.allowed = append(s.allowed, digest(d.ID))
	}
	return s, nil
}

func digest(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:digestLength]
}

func (s state) bytes() []byte {
	return append(append([]byte{s.flags}, s.challenge...), bytes.Join(s.allowed, nil)...)
}

// allows reports whether a credential was asked for (7.2, step 5): one that was
// bound since then was not.
func (s state) allows(id []byte) bool {
	if len(s.allowed) == 0 {
		return true
	}
	for _, d := range s.allowed {
		if bytes.Equal(d, digest(encode(id))) {
			return true
		}
	}
	return false
}

func parseState(b []byte) (state, error) {
	const head = 1 + challengeLength
	if len(b) < head || (len(b)-head)%digestLength != 0 || b[0] >= highestFlag<<1 {
		return state{}, factor.ErrForeign
	}
	s := state{flags: b[0], challenge: b[1:head]}
	for rest := b[head:]; len(rest) > 0; rest = rest[digestLength:] {
		s.allowed = append(s.allowed, rest[:digestLength])
	}
	return s, nil
}

// set seals a state and shows the options.
func (f *Factor) set(p factor.Purpose, who factor.Subject, s state, options []byte) factor.Challenge {
	return factor.Challenge{
		State: bound(p).State(who, f.now(), s.bytes()), Tries: 1,
		Prompt: factor.Prompt{Input: factor.PublicKey, PublicKey: options},
	}
}

// open reads the state of a challenge that was set for this purpose and person,
// or, at sign-in, for anyone.
func (f *Factor) open(p factor.Purpose, who factor.Subject, raw []byte) (s state, anyone bool, err error) {
	const purposeAt = 1 // see factor.Bound.State
	if p == factor.ForSignIn && len(raw) > purposeAt && raw[purposeAt] == byte(forAnyone) {
		p, anyone, who.User = forAnyone, true, nil
	}
	body, err := bound(p).Open(who, f.now(), raw)
	if err != nil {
		return state{}, false, err
	}
	s, err = parseState(body)
	return s, anyone, err
}

func bound(p factor.Purpose) factor.Bound { return factor.Bound{Factor: name, Purpose: p, Life: life} }
