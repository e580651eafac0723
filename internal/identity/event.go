package identity

import (
	"encoding/json"
	"time"
)

// Event is an immutable audit line, written in the transaction that makes it
// so. It never holds a secret, a code or a token.
type Event struct {
	ID          string            `json:"id"` // evt_…
	At          time.Time         `json:"at"`
	Type        string            `json:"type"` // see the constants below
	Outcome     string            `json:"outcome"`
	User        string            `json:"user,omitempty"`
	Actor       string            `json:"actor,omitempty"` // user id, "operator" or "system"
	Application string            `json:"application,omitempty"`
	Session     string            `json:"session,omitempty"`
	Flow        string            `json:"flow,omitempty"`
	Factor      string            `json:"factor,omitempty"`
	Reasons     []string          `json:"reasons,omitempty"`
	IP          string            `json:"ip,omitempty"`
	Device      string            `json:"device,omitempty"`
	UserAgent   string            `json:"userAgent,omitempty"`
	Data        map[string]string `json:"data,omitempty"`

	// Of risk.assessed: the assessment, the inputs that it rests on, of which it
	// can be computed again, and what the sign-in was asked for.
	Risk       json.RawMessage `json:"risk,omitempty"`
	RiskInputs json.RawMessage `json:"riskInputs,omitempty"`
	Asked      json.RawMessage `json:"asked,omitempty"`
}

// Outcomes of an event.
const (
	Succeeded = "success"
	Failed    = "failure"
	Refused   = "refused"
)

// Types of event: noun, dot, past participle.
const (
	EventSignIn            = "signin.completed"
	EventSignInDenied      = "signin.denied"
	EventFactorProved      = "factor.proved"
	EventFactorFailed      = "factor.failed"
	EventFactorChallenged  = "factor.challenged"
	EventEnrolmentCreated  = "enrolment.created"
	EventEnrolmentRemoved  = "enrolment.removed"
	EventEnrolmentRenamed  = "enrolment.renamed"
	EventSessionOpened     = "session.opened"
	EventSessionRaised     = "session.raised"
	EventSessionDecayed    = "session.decayed"         // its level is lower than was last told
	EventSessionBound      = "session.bound"           // to a key of its browser
	EventBindingRefused    = "session.binding_refused" // somebody tried to use or take over a binding without its key
	EventSessionEnded      = "session.ended"
	EventGrantCreated      = "grant.created"
	EventGrantRevoked      = "grant.revoked"
	EventTokenReused       = "token.reused"
	EventKeyForeign        = "token.foreign_key" // a bound refresh token came without its key
	EventLaneClosed        = "lane.closed"
	EventUserCreated       = "user.created"
	EventUserDisabled      = "user.disabled"
	EventUserEnabled       = "user.enabled"
	EventGroupsChanged     = "user.groups_changed"
	EventFactorsReset      = "user.factors_reset"
	EventKeyRotated        = "key.rotated"
	EventConfigApplied     = "config.applied"
	EventConsentGiven      = "consent.given"
	EventForeignBrowser    = "flow.foreign_browser"
	EventRequirementFailed = "requirement.refused"
	EventDeviceStale       = "device.stale_secret"
	EventTicketSent        = "ticket.sent"
	EventTicketUsed        = "ticket.used"
	EventRecoveryUsed      = "recovery.used"
	EventPasswordChanged   = "password.changed"
	EventAddressChanged    = "address.changed"
	EventUserRegistered    = "user.registered"
	EventUserInvited       = "user.invited"
	EventRepudiated        = "user.repudiated" // "this wasn't me"
	EventSendRefused       = "send.refused"    // a cap on messages was reached
	EventSendFailed        = "send.failed"     // a message was given up
	EventRiskAssessed      = "risk.assessed"
	EventCounterBack       = "passkey.counter_went_back"
)

// EventFilter selects events, newest first.
type EventFilter struct {
	User  string
	Since time.Time
	Until time.Time // before this; zero: no bound
	Limit int       // default 100
}
