package factor

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// Purpose is what a challenge was set for.
type Purpose byte

// The purposes. A challenge of one is worth nothing at the other.
const (
	ForEnrolment Purpose = 'e'
	ForSignIn    Purpose = 's'
)

// Bound ties the state of a challenge to its factor, purpose, tenant and user,
// so that it is worth nothing elsewhere. The engine seals states; this is the
// second lock, for a state that was sealed rightly and handed to the wrong
// person's step.
type Bound struct {
	Factor  string
	Purpose Purpose
	Life    time.Duration // how long the challenge may be answered
}

// ErrForeign says that a challenge was set for somebody or something else, is
// damaged, or has expired. It is an [ErrWrong]: it proves nothing.
var ErrForeign = fmt.Errorf("%w: no such challenge", ErrWrong)

const (
	boundVersion = 1
	boundSum     = 16
)

// State writes a state that holds body.
func (b Bound) State(s Subject, at time.Time, body []byte) []byte {
	out := []byte{boundVersion, byte(b.Purpose)}
	out = binary.BigEndian.AppendUint64(out, uint64(at.UnixMicro()))
	for _, field := range [][]byte{[]byte(b.Factor), []byte(s.Tenant.ID), []byte(s.userID()), body} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(field)))
		out = append(out, field...)
	}
	sum := sha256.Sum256(out)
	return append(out, sum[:boundSum]...)
}

// Open returns the body of a state that was written for the same factor,
// purpose, tenant and user, and when, if that is less than Life away from now,
// before or after: a clock that stepped back must not make a state immortal.
// Otherwise it answers [ErrForeign], or a [Refusal] with code "code_expired".
func (b Bound) Open(s Subject, now time.Time, state []byte) (body []byte, err error) {
	const head = 2 + 8
	if len(state) < head+boundSum {
		return nil, ErrForeign
	}
	at := time.UnixMicro(int64(binary.BigEndian.Uint64(state[2:head])))
	rest := state[head : len(state)-boundSum]
	for range 3 { // factor, tenant and user are compared whole, below
		if rest, err = skip(rest); err != nil {
			return nil, err
		}
	}
	if len(rest) < 4 {
		return nil, ErrForeign
	}
	body = rest[4:]
	// Writing it again and comparing leaves no second form of the same state.
	if !bytes.Equal(b.State(s, at, body), state) {
		return nil, ErrForeign
	}
	if age := now.Sub(at); age >= b.Life || age <= -b.Life {
		return nil, &Refusal{Code: "code_expired"}
	}
	return body, nil
}

// skip returns what follows a field.
func skip(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, ErrForeign
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, ErrForeign
	}
	return b[4+n:], nil
}

func (s Subject) userID() string {
	if s.User == nil {
		return ""
	}
	return s.User.ID
}
