package flow

import (
	"context"
	"errors"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// DutyKind names a change that a person makes to their own sign-in.
type DutyKind string

// The changes. Each needs fresh purpose (C-20), on a page and by the Me API.
const (
	DutyEnrol      DutyKind = "enrol"       // Factor; "" lets the person choose. Recovery codes: a new set
	DutyRemove     DutyKind = "remove"      // Enrolment
	DutyRename     DutyKind = "rename"      // Enrolment, Value: the new name
	DutyPassword   DutyKind = "password"    // set a new password; its text is asked by the flow
	DutyEmail      DutyKind = "email"       // Value: the new address, confirmed by a code sent there
	DutyPhone      DutyKind = "phone"       // Value: the new number, E.164 or national; "" removes it
	DutyEndSession DutyKind = "end-session" // Session
	DutyEndOthers  DutyKind = "end-others"  // all sessions but this one
	DutyEndAll     DutyKind = "end-all"     // this one, too
)

// Duty is a change that a flow makes at its end, in the transaction that
// accepts the proofs it needs.
type Duty struct {
	Kind      DutyKind `json:"kind"`
	Factor    string   `json:"factor,omitempty"`
	Enrolment string   `json:"enrolment,omitempty"`
	Session   string   `json:"session,omitempty"`
	Value     string   `json:"value,omitempty"`
	Name      string   `json:"name,omitempty"` // of the enrolment that it is about, for the page; filled in by the engine
}

// Account is what a person sees of their own sign-in.
type Account struct {
	Current
	Enrolments []identity.Enrolment // not the password, not removed ones
	Password   *identity.Enrolment  // nil: none is set
	Codes      int                  // recovery codes left; -1 without any enrolled
	CodesOf    string               // the factor that Codes counts; "" if the tenant does not offer it
	Sessions   []identity.Session   // live ones, this one first
	Grants     []identity.Grant     // live ones
	Events     []identity.Event     // newest first
	Offered    []string             // factors that could be added
	Signals    *factor.Signals      // for the Signal API; nil without passkeys
}

var errUnbuilt = errors.New("flow: not built yet")

// BeginDuty begins the flow of a change by the person of this browser's
// session, or answers identity.ErrNotFound if nobody is signed in. The flow
// ends at back, a path on the issuer.
func (e *Engine) BeginDuty(ctx context.Context, t identity.Tenant, b Browser, d Duty, back string) (Begun, error) {
	return Begun{}, errUnbuilt
}

// Change makes a change at once, for an actor whose token shows fresh purpose;
// else it answers [LevelRequired].
func (e *Engine) Change(ctx context.Context, t identity.Tenant, a Actor, d Duty) error {
	return errUnbuilt
}

// Account loads the account page of this browser's session, or answers
// identity.ErrNotFound.
func (e *Engine) Account(ctx context.Context, t identity.Tenant, b Browser) (Account, error) {
	return Account{}, errUnbuilt
}

// BeginJoin begins the flow of an invitation, by the token of its link.
func (e *Engine) BeginJoin(ctx context.Context, t identity.Tenant, b Browser, token string) (Begun, error) {
	return Begun{}, errUnbuilt
}

// Repudiate carries out "this wasn't me" by the token of a notice: factors
// added in the last 72 hours are suspended, removed ones restored, sessions
// ended and changes frozen. A token works once; see Repudiable for looking.
func (e *Engine) Repudiate(ctx context.Context, t identity.Tenant, token string) error {
	return errUnbuilt
}

// Repudiable tells, without using it up, whether a token of a notice is good.
func (e *Engine) Repudiable(ctx context.Context, t identity.Tenant, token string) error {
	return errUnbuilt
}
