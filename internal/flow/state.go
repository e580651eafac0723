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

	Proofs     []assurance.Proof `json:"proofs,omitempty"`
	Challenges []Challenge       `json:"challenges,omitempty"` // the first is current
	Sequence   int               `json:"sequence,omitempty"`
	Chosen     string            `json:"chosen,omitempty"` // offer that the person prefers
	Skipped    bool              `json:"skipped,omitempty"`
	Consented  bool              `json:"consented,omitempty"`
	Denial     Denial            `json:"denial,omitempty"` // final
}

// App is what a flow needs of its application.
type App struct {
	ID         string          `json:"id,omitempty"`
	Name       string          `json:"name,omitempty"`
	Home       string          `json:"home,omitempty"`
	Floor      assurance.Level `json:"floor,omitempty"`
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
	Tries     int              `json:"tries,omitempty"` // responses so far, where the challenge bounds them
	Spent     bool             `json:"spent,omitempty"` // it takes no more
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
	return slices.Contains(f.Authorization.Scopes, identity.ScopeMeFactors)
}

// challenge finds a challenge by id.
func (f Flow) challenge(id string) (int, bool) {
	i := slices.IndexFunc(f.Challenges, func(c Challenge) bool { return c.ID == id })
	return i, i >= 0
}

// forget empties everything that belongs to the user named so far.
func (f Flow) forget() Flow {
	f.Identifier, f.Canonical, f.User, f.Epoch, f.Session = "", "", "", 0, ""
	f.Proofs, f.Challenges, f.Chosen = nil, nil, ""
	f.Skipped, f.Consented = false, false
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
}
