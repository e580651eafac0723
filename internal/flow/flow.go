// Package flow answers "what comes next?".
//
// One flow is one run from a request to its answer. Signing in is stepping up
// from nothing: there is one kind of flow, and its step is derived from stored
// facts, never stored itself.
//
//	machine.go   pure: Next(Facts) Step; Advance(Flow, Event) → effects
//	lanes.go     pure: guessing limits that cannot be turned on the owner
//	state.go     what is kept of a flow between requests
//	prompts.go   what may be asked next, and the view of it
//	engine.go    load what a request needs
//	facts.go     what Next depends on; which requirement can be reached
//	begin.go     a request comes in: answer at once, or open a flow
//	post.go      a response comes in
//	attempt.go   judging one: spend, Finish outside any transaction, settle
//	settle.go    accept or refuse, if the world is still the same
//	effects.go   apply what the machine decided, in one transaction
//	session.go   the one session builder and the one revocation path
//	revoke.go    what APIs are told of it
//	enrol.go     enrolment outside a flow (the Me API)
//	answer.go    the redirect that ends it
package flow

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// Step is where a flow stands.
type Step string

// The steps.
const (
	Identify Step = "identify"
	Prove    Step = "prove"
	Enrol    Step = "enrol"
	Consent  Step = "consent"
	Done     Step = "done"
	Denied   Step = "denied"
)

// Browser is what the edge read of the browser that speaks.
type Browser struct {
	Binding   string // value of the binding cookie; "" if it has none
	Session   string // secret of the session cookie; "" if none
	Bound     string // the short cookie beside it; "" if none
	Device    string // id half of the device cookie
	Secret    string // secret half of it
	Addr      netip.Addr
	UserAgent string
}

// Request is what an application, or one of our own pages, asks for.
type Request struct {
	Application   identity.Application // zero for our own pages
	Authorization identity.AuthorizationRequest
	Alternatives  []assurance.Requirement // acr_values in order; empty means any sign-in
	Essential     bool                    // a weaker success is an error
	MaxAge        *time.Duration          // nil if not asked; becomes Since
	PromptNone    bool
	PromptLogin   bool
	PromptSelect  bool
	PromptConsent bool
	LoginHint     string
	Subject       string // sub of an id_token_hint or a claim: nobody else may answer
	Duty          *Duty  // a change that the flow is to make at its end
}

// Begun is the result of Begin: a flow to send the person to, or an answer.
type Begun struct {
	FlowID string
	Answer *Answer
}

// Answer ends a flow: where the browser goes and what it keeps.
type Answer struct {
	Redirect string            // absolute URL, or own path
	Form     map[string]string // response_mode=form_post: fields to post to Redirect
	Session  string            // new secret for the session cookie; "" leaves it
	Bind     *Registration     // the browser may bind the session to a key
	Device   string            // new value "id.secret" for the device cookie; "" leaves it
}

// View is what a browser sees of a flow: the body of the flow API and the data
// of the pages. It never tells whether the user exists.
type View struct {
	ID          string          `json:"id"`
	Step        Step            `json:"step"`
	Tenant      ViewTenant      `json:"tenant"`
	Application ViewApplication `json:"application"`
	User        string          `json:"user,omitempty"` // what was typed, or the known identifier
	Prompts     []ViewPrompt    `json:"prompts"`        // the first is current
	Error       *ViewError      `json:"error,omitempty"`
	Reasons     []policy.Reason `json:"reasons"`
	Skippable   bool            `json:"skippable"`
	GraceUntil  time.Time       `json:"graceUntil,omitzero"`
	Purpose     string          `json:"purpose,omitempty"` // "manage": sign-in methods are to be changed; "register", "reset", "recover"
	Scopes      []string        `json:"scopes,omitempty"`  // at step consent
	Asked       string          `json:"asked,omitempty"`   // why the application asks, in its words
	ExpiresAt   time.Time       `json:"expiresAt"`
	Redirect    string          `json:"redirect,omitempty"` // when done or denied
	Duty        *Duty           `json:"duty,omitempty"`     // the change that this flow makes at its end

	Form    map[string]string `json:"-"` // form_post fields to go with Redirect
	Origin  string            `json:"-"` // redirect origin, for form-action
	Popup   bool              `json:"-"`
	Locales []string          `json:"-"` // ui_locales
}

// ViewTenant is the tenant as a page shows it.
type ViewTenant struct {
	Name string `json:"name"`
}

// ViewApplication is the application as a page shows it.
type ViewApplication struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	Home string `json:"initiateLoginUri,omitempty"` // where to start over
}

// ViewPrompt is one prompt. Label is filled in by the edge, in the person's language.
type ViewPrompt struct {
	ID        string         `json:"id"`               // "p1", or "identifier", "session", "consent", "enrol:totp"
	Factor    string         `json:"factor,omitempty"` // "identifier", "session", "consent" or a factor
	Name      string         `json:"name,omitempty"`   // the enrolment's name, or the account's identifier
	Enrolling bool           `json:"enrolling,omitempty"`
	Offer     bool           `json:"offer,omitempty"`     // not begun yet: choose it first
	Fields    []factor.Field `json:"fields,omitempty"`    // to be given when it is chosen (a phone number)
	SelfTest  bool           `json:"selfTest,omitempty"`  // what was just enrolled is to prove itself once
	Mediation string         `json:"mediation,omitempty"` // "conditional": to be offered by autofill, or made silently
	Resend    bool           `json:"resend,omitempty"`    // a new message may be asked for
	Label     string         `json:"label,omitempty"`
	factor.Prompt
}

// ViewError says what went wrong, by code; Message is filled in by the edge.
type ViewError struct {
	Code       string            `json:"code"`
	Message    string            `json:"message"`
	Args       map[string]string `json:"-"`
	RetryAfter int               `json:"retryAfter,omitempty"` // seconds
}

// Post is one response to a flow.
type Post struct {
	Prompt    string
	Value     string            // text, consent ("allow")
	PublicKey json.RawMessage   // WebAuthn JSON
	Choose    string            // switch to this prompt
	Fields    map[string]string // what enrolment asks
	Resend    bool
	Skip      bool
	Cancel    bool
	Restart   bool // "not you?": back to identify
	Upgrade   bool // this browser can make a passkey silently (conditional create)
	Extend    bool // more time is wanted (WCAG 2.2.1): the flow is to wait its whole life from now
}

// Posted is the result of a response: the next view and, when it ended the
// flow, the answer.
type Posted struct {
	View   View
	Answer *Answer
}
