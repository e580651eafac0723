// Package deliver answers "how is it sent?".
//
// A message is written into the outbox by the transaction that makes it, as a
// kind and what its words speak of. From there it goes
//
//	outbox → worker.go     claims what is due, under a lease; bounded, per channel
//	         try.go        one try: in time? which sender? what became of it?
//	         breaker.go    a sender that is down is left alone for a while
//	         render.go     kind → words: mail.html, mail.txt, text messages
//	         smtp.go · twilio.go · webhook.go    the senders, tried in order
//	         dial.go       where a request may go, looked at as it is dialled
//	       → settled       sent, later, or given up with an event
//
// A message is sent at least once: a worker that dies between sending and
// settling leaves a lease that ends, and the message goes out again. Nothing
// here logs or records an address, a text, a code or what a server said.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Parcel is a message ready to be sent.
type Parcel struct {
	ID      string // of the message: the same in every try, so that a receiver can tell a repetition
	Tenant  identity.Tenant
	Kind    string
	Channel string
	To      string
	Code    string // also in Text; for receivers that have a template of their own
	Args    map[string]string
	Expires time.Time
	Rendered
}

// Sender hands messages to one mail server or provider. Send returns nil once
// that has taken the message over. A sender is a pointer: the worker remembers
// by it which ones are down.
type Sender interface {
	Name() string // as in logs and metrics: "smtp", "twilio", "webhook"
	Send(ctx context.Context, p Parcel) error
}

// Prober is a Sender that can tell, without sending anything, whether it would
// get through. Its error is for the operator's eyes.
type Prober interface {
	Probe(ctx context.Context) error
}

// Failure is why a sender did not send. Trouble goes into logs and events, so it
// holds what happened in our own words and a server's code, never its text.
type Failure struct {
	Refused bool // for good; else it may be tried again
	Works   bool // the sender works: it is this message that it does not take, for good or for now
	Trouble string
	Cause   error // for the operator's eyes; never logged
}

func (f *Failure) Error() string { return f.Trouble }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

func refused(format string, args ...any) *Failure {
	return &Failure{Refused: true, Works: true, Trouble: fmt.Sprintf(format, args...)}
}

// troubled is a failure of the sender itself, or of the way to it.
func troubled(cause error, format string, args ...any) *Failure {
	return &Failure{Trouble: fmt.Sprintf(format, args...), Cause: cause}
}

// maxTrouble bounds what is kept of a failure, in bytes.
const maxTrouble = 200

// troubleOf says what happened without repeating what others said: an error's
// own text may hold an address.
func troubleOf(err error) string {
	var f *Failure
	if errors.As(err, &f) {
		return f.Trouble[:min(len(f.Trouble), maxTrouble)]
	}
	return reason(err)
}

// reason names the class of a network error.
func reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errForbidden):
		return "its address is not allowed"
	case errors.As(err, &dns):
		return "its host was not found"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	case errors.As(err, &op) && op.Op == "dial":
		return "it could not be reached"
	case isTLS(err):
		return "TLS failed"
	}
	return "the connection failed"
}
