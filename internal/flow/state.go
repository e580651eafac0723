package flow

import (
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// Flow is what is kept of a run between requests: facts, never a step or a
// level. It is stored sealed, as an ephemeral.
type Flow struct {
	ID            string                        `json:"id"`
	Binding       []byte                        `json:"binding"` // hash of the binding cookie of the browser that began it
	Application   App                           `json:"app"`
	Authorization identity.AuthorizationRequest `json:"authorization"`
	Alternatives  []assurance.Requirement       `json:"alternatives"`
	Essential     bool                          `json:"essential,omitempty"`
	Subject       string                        `json:"subject,omitempty"`     // nobody else may answer
	AskConsent    bool                          `json:"askConsent,omitempty"`  // unless a grant of whoever answers covers it
	AskAnew       bool                          `json:"askAnew,omitempty"`     // prompt=consent: whatever was given before
	Offered       string                        `json:"offered,omitempty"`     // session that may be continued (prompt=select_account)
	OfferedName   string                        `json:"offeredName,omitempty"` // the address of its user
	BegunAt       time.Time                     `json:"begunAt"`
	ExpiresAt     time.Time                     `json:"expiresAt"`

	Identifier string `json:"identifier,omitempty"` // as typed
	Canonical  string `json:"canonical,omitempty"`
	User       string `json:"user,omitempty"` // "" although identified: nobody known by that name
	Epoch      int64  `json:"epoch,omitempty"`
	Session    string `json:"session,omitempty"` // whose proofs count, and which rises

	Purpose  Purpose   `json:"purpose,omitempty"`
	Duty     *Duty     `json:"duty,omitempty"`     // the change that the flow makes at its end
	Tickets  []Ticket  `json:"tickets,omitempty"`  // doors that were opened
	Invite   string    `json:"invite,omitempty"`   // key of the invitation that this flow uses up
	Trial    *Trial    `json:"trial,omitempty"`    // enrolled, and yet to prove itself
	Silently string    `json:"silently,omitempty"` // enrolment that was made without asking: from the next sign-in on it is asked for
	Upgrade  bool      `json:"upgrade,omitempty"`  // the browser can make a passkey silently
	Follow   bool      `json:"follow,omitempty"`   // a first factor was bound: what follows it is due
	Sent     []Sending `json:"sent,omitempty"`     // messages, oldest first

	Proofs     []assurance.Proof `json:"proofs,omitempty"`
	Challenges []Challenge       `json:"challenges,omitempty"` // the first is current
	Sequence   int               `json:"sequence,omitempty"`
	Chosen     string            `json:"chosen,omitempty"` // offer that the person prefers
	Asked      map[string]string `json:"asked,omitempty"`  // what the chosen enrolment asks
	Skipped    bool              `json:"skipped,omitempty"`
	Consented  bool              `json:"consented,omitempty"`
	Denial     Denial            `json:"denial,omitempty"` // final
	Risk       *assessed         `json:"risk,omitempty"`
	Breached   bool              `json:"breached,omitempty"` // the password that was typed is on a list of known ones
}

// App is what a flow needs of its application.
type App struct {
	ID         string          `json:"id,omitempty"`
	Name       string          `json:"name,omitempty"`
	Home       string          `json:"home,omitempty"`
	Floor      assurance.Level `json:"floor,omitempty"`
	Stricter   policy.Stricter `json:"stricter,omitzero"`
	FirstParty bool            `json:"firstParty,omitempty"`
}

// Challenge is one begun challenge of a flow.
type Challenge struct {
	ID        string           `json:"id"` // p1, p2, … never reused within a flow
	Factor    string           `json:"factor"`
	Enrolment string           `json:"enrolment,omitempty"`
	Enrolling bool             `json:"enrolling,omitempty"`
	Challenge factor.Challenge `json:"challenge"`
	At        time.Time        `json:"at"`
	Tries     int              `json:"tries,omitempty"`   // responses so far, where the challenge bounds them
	Spent     bool             `json:"spent,omitempty"`   // it takes no more
	Anybody   bool             `json:"anybody,omitempty"` // whoever answers is the user (usernameless)
	Trial     bool             `json:"trial,omitempty"`   // asked of what was just enrolled
	Silent    bool             `json:"silent,omitempty"`  // an enrolment that nobody is asked about (conditional create)
	Purpose   string           `json:"purpose,omitempty"` // of a ticket
	Prefix    string           `json:"prefix,omitempty"`  // range of numbers that a code was sent to
}

// Purpose is why a flow runs, where it is not a plain sign-in.
type Purpose string

// The purposes.
const (
	Register Purpose = "register" // somebody new makes a user
	Join     Purpose = "join"     // somebody invited makes their user theirs
	Reset    Purpose = "reset"    // the password is forgotten
)

// The purposes of tickets that are not a flow's own.
const (
	ticketFirst   = "first"   // binding a first factor (C-21)
	ticketUnlock  = "unlock"  // out of a full lane (C-11)
	ticketAddress = "address" // a new address or number belongs to the person
	ticketRisk    = "risk"    // this sign-in looks unusual
)

// Ticket is a door that a mailed code, or an operator's, opened in this flow.
// It proves nothing about who somebody is.
type Ticket struct {
	For     string    `json:"for"`
	Channel string    `json:"channel,omitempty"`
	To      string    `json:"to,omitempty"` // where the code went; "" for an operator's ticket
	At      time.Time `json:"at"`
}

// Sending is one message that a flow sent, and what for.
type Sending struct {
	What string    `json:"what"`
	At   time.Time `json:"at"`
}

// Trial is an authenticator that was made and has not proved itself. It is no
// enrolment yet.
type Trial struct {
	Enrolment identity.Enrolment `json:"enrolment"`
	Data      []byte             `json:"data"`
	Lookup    []byte             `json:"lookup"`
}

// Whole is the enrolment with what its own JSON leaves out.
func (t Trial) Whole() identity.Enrolment {
	en := t.Enrolment
	en.Data, en.Lookup = t.Data, t.Lookup
	return en
}

// Denial says why a flow was denied.
type Denial string

// The denials.
const (
	Cancelled    Denial = "cancelled"     // the person gave up
	Barred       Denial = "barred"        // disabled, or policy says no
	WrongPerson  Denial = "wrong-person"  // somebody else than the application named
	Unmet        Denial = "unmet"         // the level cannot be reached
	NeedsLogin   Denial = "needs-login"   // prompt=none, and nobody is signed in freshly enough
	Interaction  Denial = "interaction"   // prompt=none, and more would have to be asked
	NeedsConsent Denial = "needs-consent" // prompt=none, and consent is missing
)

// OAuth returns the error that the application gets (RFC 6749, 4.1.2.1; OpenID
// Connect Core, 3.1.2.6; OpenID Connect Unmet Authentication Requirements).
func (d Denial) OAuth() string {
	switch d {
	case WrongPerson, NeedsLogin:
		return "login_required"
	case Unmet:
		return "unmet_authentication_requirements"
	case Interaction:
		return "interaction_required"
	case NeedsConsent:
		return "consent_required"
	}
	return "access_denied"
}

// Identified reports whether somebody was named, known or not.
func (f Flow) Identified() bool { return f.Canonical != "" }

// Manages reports whether the flow's purpose is to change sign-in methods.
func (f Flow) Manages() bool {
	return f.Duty != nil || slices.Contains(f.Authorization.Scopes, identity.ScopeMeFactors)
}

// challenge finds a challenge by id.
func (f Flow) challenge(id string) (int, bool) {
	i := slices.IndexFunc(f.Challenges, func(c Challenge) bool { return c.ID == id })
	return i, i >= 0
}

// ticket finds the door that was opened for a purpose.
func (f Flow) ticket(purpose string) (Ticket, bool) {
	i := slices.IndexFunc(f.Tickets, func(t Ticket) bool { return t.For == purpose })
	if i < 0 {
		return Ticket{}, false
	}
	return f.Tickets[i], true
}

// ticketed reports whether any of these doors was opened.
func (f Flow) ticketed(purposes ...string) bool {
	return slices.ContainsFunc(f.Tickets, func(t Ticket) bool { return slices.Contains(purposes, t.For) })
}

// forget empties everything that belongs to the user named so far. What the
// flow was begun for, a duty, stays.
func (f Flow) forget() Flow {
	f.Identifier, f.Canonical, f.User, f.Epoch, f.Session = "", "", "", 0, ""
	f.Proofs, f.Challenges, f.Chosen, f.Asked = nil, nil, "", nil
	f.Skipped, f.Consented = false, false
	f.Risk, f.Breached = nil, false
	f.Purpose, f.Tickets, f.Invite, f.Trial, f.Follow, f.Upgrade = "", nil, "", nil, false, false
	return f
}

// Facts is everything that Next depends on: the flow, and what was read beside
// it in the same transaction.
type Facts struct {
	Flow     Flow
	User     *identity.User       // nil: nobody known by that name
	Held     []identity.Enrolment // live enrolments of the user
	Session  *identity.Session    // live session of this browser whose proofs count
	Decision policy.Decision
	Proofs   []assurance.Proof // the flow's and the session's, as far as limits let them count
	Bind     assurance.Requirement
	Profile  assurance.Profile
	Trust    assurance.Trust
	Now      time.Time
	Consent  bool // must be asked

	NeedTicket bool                    // a first factor would be bound, and nothing but a password speaks for it (C-21)
	Mailbox    string                  // keyed hash of where this flow's reset code went
	Kinds      map[string]factor.Facts // of the factors there are
	Silent     string                  // factor that could be made silently now; "" if none
}
