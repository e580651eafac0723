// Package factor answers "how is it proved?": the one interface that every
// factor implements and that the flow speaks to.
//
// A factor knows neither store, clock, network nor HTTP: its constructor takes
// now and random, and the engine keeps what it returns. A signature without a
// context does no I/O. What a factor gives back is data: a [Challenge] with a
// public [Prompt], and an [Outcome] with a proof. The engine makes replay
// impossible for all factors at once: it writes Outcome.Data by
// compare-and-swap in the transaction that accepts the proof.
//
//	person → page/API → flow engine → Factor.Begin  → Challenge{State, Prompt}
//	person ← Prompt
//	person → Response → flow engine → Factor.Finish → Outcome{Proof, Data}
package factor

import (
	"encoding/json"
	"errors"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Kind is what a factor rests on.
type Kind string

// The kinds of proof (NIST SP 800-63-4, "authentication factor").
const (
	Knowledge  Kind = "knowledge"
	Possession Kind = "possession"
	Inherence  Kind = "inherence"
)

// Facts are the static facts of a factor.
type Facts struct {
	Name  string          // "totp": its name on the wire and in the database
	Class assurance.Class // where it stands in the decision table
	Kinds []Kind
	AMR   string // RFC 8176

	First      bool   // may be the first proof of a flow, before the user is known to exist
	Max        int    // enrolments per user; 0 means no limit
	Restricted bool   // SP 800-63B-4, 3.2.9
	Heavy      bool   // Finish costs memory and time: the engine holds a hash slot for it
	Sends      bool   // Begin makes a message
	Channel    string // by which it is sent, where the factor has one: a tenant without it has not the factor
	Hidden     bool   // not in the list of sign-in methods (the password has its own page)
	Ticket     bool   // a code to a mailbox or number that opens one door in a flow and is no proof (held by nobody)
	Replaces   bool   // a user has one: a new one takes the old one's place
	SelfTest   bool   // has to prove itself once before it is bound
	Follows    bool   // is made right after a first second factor (recovery codes)

	// A guess at a secret below 64 bits succeeds with chance Accepted/Space.
	// Space 0 says that guessing is hopeless and is limited by source only.
	Accepted, Space int64

	Best assurance.Proof // the strongest proof it could give, to judge what may be reached or bound; see [Grader]
	Asks []Field         // what enrolment asks beside a name
}

// Field is one thing that enrolment asks, such as a phone number.
type Field struct {
	Name         string `json:"name"`
	Autocomplete string `json:"autocomplete,omitempty"`
	InputMode    string `json:"inputmode,omitempty"`
}

// Input is the sort of answer that a prompt takes.
type Input string

// The two input kinds; None is a prompt that only shows something.
const (
	Text      Input = "text"
	PublicKey Input = "publickey"
)

// Prompt is the public part of a challenge: what to show and what to take.
// It is data, so one template and one component serve every factor. It must
// hold nothing that would let its reader answer it, save at enrolment.
type Prompt struct {
	Input        Input           `json:"input"`
	Autocomplete string          `json:"autocomplete,omitempty"` // HTML autofill token
	InputMode    string          `json:"inputmode,omitempty"`
	MaxLength    int             `json:"maxlength,omitempty"`
	Pattern      string          `json:"pattern,omitempty"`
	Concealed    bool            `json:"concealed,omitempty"` // shown as dots
	PublicKey    json.RawMessage `json:"publicKey,omitempty"` // WebAuthn options
	Secret       string          `json:"secret,omitempty"`    // enrolment: to be typed into an app, grouped by fours
	URI          string          `json:"uri,omitempty"`       // enrolment: otpauth:
	QR           string          `json:"qr,omitempty"`        // enrolment: SVG markup of the URI, our own
	Codes        []string        `json:"codes,omitempty"`     // enrolment: to be kept
	SentTo       string          `json:"sentTo,omitempty"`    // masked
}

// Challenge is what was set: our part and the public part.
type Challenge struct {
	State  []byte             `json:"state"` // ours alone; sealed at rest, never sent
	Prompt Prompt             `json:"prompt"`
	Send   []identity.Message `json:"-"`               // for the outbox
	Tries  int                `json:"tries,omitempty"` // how many responses it takes (WebAuthn: 1); 0 means no bound of its own
}

// Response is what came back.
type Response struct {
	Value     string          // text
	PublicKey json.RawMessage // WebAuthn JSON
}

// Subject is whom a challenge is for.
type Subject struct {
	Tenant     identity.Tenant
	Origins    []string             // accepted WebAuthn origins
	User       *identity.User       // nil: nobody known by that name; do the same work
	Enrolments []identity.Enrolment // of this factor, of this user
	Chosen     string               // enrolment id, if one was chosen
	NeedUV     bool
	Beside     bool     // a proof of another factor stands in this flow already
	Second     bool     // a password was proved in this flow: what is bound now need not be found without a name
	MinLength  int      // passwords: 15 where one alone opens a session, 8 where a second factor is always asked
	Words      []string // passwords: name, address, tenant: what the secret may not be made of

	Purpose string // what a code that is sent is for: "signin", "enrol", "first", "unlock", "risk", "reset", "register", "address"
	Address string // where a ticket goes; "" where there is nobody to send it to: do the same work
	Channel string // "email" or "sms" of Address
	Locale  string // BCP 47 tag that messages are worded in
}

// Asked is what a person gave to begin an enrolment.
type Asked struct {
	Name        string
	Fields      map[string]string
	Conditional bool // WebAuthn conditional create
}

// Enrolled is what an enrolment keeps.
type Enrolled struct {
	Data   []byte
	Lookup []byte          // blind index input, unique per tenant and factor; nil if none
	Proof  assurance.Proof // what the confirming response showed; zero Class if nothing
	Name   string          // what to call it if the person does not say; "" leaves it to the wording
}

// Outcome is an accepted response.
type Outcome struct {
	Proof     assurance.Proof // At and Enrolment are filled in by the engine
	Enrolment string          // which enrolment answered
	Data      []byte          // its new data; nil leaves it
	Reasons   []string        // what was odd about it, for the record ("counter_went_back")
}

// ReasonBreached among an Outcome's reasons says that the password that was
// typed is on a list of known ones.
const ReasonBreached = "password_breached"

// Factor is a way to prove. All methods are safe for concurrent use.
type Factor interface {
	Facts() Facts
	BeginEnrolment(Subject, Asked) (Challenge, error)
	FinishEnrolment(Subject, Challenge, Response) (Enrolled, error)
	Begin(Subject) (Challenge, error)
	// Finish answers [ErrWrong] (or an error that wraps it) for a response that
	// does not prove; it does the same work for an unknown user.
	Finish(Subject, Challenge, Response) (Outcome, error)
}

// Discoverable is a factor that can find its user (usernameless passkeys).
type Discoverable interface {
	// BeginAny sets a challenge for whoever answers; Subject holds no user. Its
	// Finish is called with the subject that Locate found.
	BeginAny(Subject) (Challenge, error)
	// Locate reads, without judging, whom a response claims to be of: the user
	// handle and the Lookup of the enrolment.
	Locate(Response) (handle, lookup []byte, err error)
}

// Grader is a factor whose authenticators differ in strength.
type Grader interface {
	// Best is the strongest proof that an enrolment could give; nil asks about
	// one yet to be bound in this tenant.
	Best(t identity.Tenant, en *identity.Enrolment) assurance.Proof
}

// Signaller is a factor with authenticators that a browser can keep in step
// with us (WebAuthn Level 3, 5.1.10).
type Signaller interface {
	// Signals names the credentials of a subject that are still accepted.
	Signals(Subject) Signals
}

// Signals is what the methods of the Signal API take. It is shown to the
// signed-in owner alone.
type Signals struct {
	RPID        string   `json:"rpId"`
	User        string   `json:"userId"`                   // base64url
	Credentials []string `json:"allAcceptedCredentialIds"` // base64url
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`
}

// Counter is a factor whose enrolments run out (recovery codes).
type Counter interface {
	// Left is how many responses an enrolment may still prove with; 0 if its data
	// cannot be read.
	Left(en identity.Enrolment) int
}

// ErrWrong says that a response does not prove.
var ErrWrong = errors.New("wrong response")

// Refusal is an ErrWrong that a person can mend, by its code in the catalogue
// of messages ("code_replayed", "password_too_short", …).
type Refusal struct {
	Code string
	Args map[string]string
}

func (r *Refusal) Error() string { return "refused: " + r.Code }

// Unwrap makes a Refusal an ErrWrong.
func (r *Refusal) Unwrap() error { return ErrWrong }
