package identity

import (
	"errors"
	"time"
)

// Kinds of error. Each edge maps them to its own tongue once; anything else is
// an internal error and shows nothing of itself.
var (
	ErrNotFound   = errors.New("not found")
	ErrConflict   = errors.New("conflict")               // a compare-and-swap lost, or a unique value exists
	ErrTaken      = errors.New("already taken")          // a single-use thing was used before
	ErrExpired    = errors.New("expired")                // its time has passed
	ErrInvalid    = errors.New("invalid")                // the caller's input
	ErrForbidden  = errors.New("forbidden")              // not for this caller
	ErrForeign    = errors.New("another browser's flow") // flow binding does not match
	ErrOverloaded = errors.New("overloaded")             // try again later; see RetryAfter
)

// Fault is an error of one kind with a message that may be shown to the caller
// and a code of the documented list (see the Me API), where there is one.
type Fault struct {
	Kind    error
	Code    string
	Message string
	Retry   time.Duration // for ErrOverloaded and too_many_attempts
}

func (f *Fault) Error() string {
	if f.Message == "" {
		return f.Kind.Error()
	}
	return f.Message
}

func (f *Fault) Unwrap() error { return f.Kind }

// Invalid makes a fault about the caller's input.
func Invalid(code, message string) error {
	return &Fault{Kind: ErrInvalid, Code: code, Message: message}
}

// Forbidden makes a fault about what the caller may do.
func Forbidden(code, message string) error {
	return &Fault{Kind: ErrForbidden, Code: code, Message: message}
}

// RetryAfter returns how long to wait, if err says so.
func RetryAfter(err error) (time.Duration, bool) {
	var f *Fault
	if errors.As(err, &f) && f.Retry > 0 {
		return f.Retry, true
	}
	return 0, false
}
