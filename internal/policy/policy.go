// Package policy answers "how much is asked of this person, now?".
//
// A tenant's [Policy] is data. [Decide] joins what each rule demands: a rule
// may raise the requirement, demand an enrolment or deny, and no rule may
// lower anything, so the order of rules cannot matter. One rule is one file:
//
//	rule_request.go   what the application asked, and its own floor
//	rule_mode.go      mfa: always | optional | never
//	rule_enrolled.go  enrolled means enforced
//	rule_scope.go     step_up: by scope
//	rule_stricter.go  what an application or a group asks beyond the policy
//	rule_manage.go    changing sign-in methods needs fresh proof
//	rule_risk.go      what the risk assessment adds
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
)

// Mode says of whom a second factor is demanded.
type Mode string

// The modes. Optional decides who must enrol, never who may skip: a person who
// enrolled a factor is asked for it under every mode.
const (
	Always   Mode = "always"
	Optional Mode = "optional"
	Never    Mode = "never"
)

// Duration is a non-negative time.Duration written as in "90s", "5m", "24h".
type Duration time.Duration

// UnmarshalText refuses negative durations: a limit in the past would be no limit.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration (write 90s, 5m or 24h)", b)
	}
	if v < 0 {
		return fmt.Errorf("duration %q is negative", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Level is an assurance level written "aal1" to "aal3".
type Level assurance.Level

// UnmarshalText refuses unknown levels.
func (l *Level) UnmarshalText(b []byte) error {
	v, err := assurance.ParseLevel(string(b))
	*l = Level(v)
	return err
}

// MarshalText writes the form that UnmarshalText reads.
func (l Level) MarshalText() ([]byte, error) { return []byte(assurance.Level(l).String()), nil }

// Policy is a tenant's rules, as written under `policy:` in the configuration.
type Policy struct {
	MFA            Mode              `json:"mfa,omitempty" yaml:"mfa"`                         // always, optional or never [optional]
	Factors        []string          `json:"factors,omitempty" yaml:"factors"`                 // allowed factors beside the password [all]
	Assurance      assurance.Profile `json:"assurance,omitempty" yaml:"assurance"`             // standard, nist or strict [standard]
	EnrolmentGrace Duration          `json:"enrolment_grace,omitempty" yaml:"enrolment_grace"` // how long `always` lets a new user put off enrolment [0s]
	Enrolment      Enrolment         `json:"enrolment,omitzero" yaml:"enrolment"`              // what a first factor needs
	Registration   Registration      `json:"registration,omitempty" yaml:"registration"`       // open: people may make their own user; closed: they may not [closed]
	StepUp         []StepUp          `json:"step_up,omitempty" yaml:"step_up"`                 // what a scope needs
	Groups         []GroupRule       `json:"groups,omitempty" yaml:"groups"`                   // what is asked of groups of users beyond this
	Sessions       Sessions          `json:"sessions,omitzero" yaml:"sessions"`                // how long each level is held
	Risk           Risk              `json:"risk,omitzero" yaml:"risk"`                        // thresholds of the risk engine
	AccessToken    Duration          `json:"access_token,omitempty" yaml:"access_token"`       // life of an access token, at most 10m [10m]
}

// Enrolment says what binding a first factor needs beside the password, which
// may have been stolen.
type Enrolment struct {
	FirstFactor FirstFactor `json:"first_factor,omitempty" yaml:"first_factor"` // ticket: a code mailed to the user, or an operator's; password: nothing, for tenants without mail [ticket]
}

// FirstFactor is what a first factor needs beside the password.
type FirstFactor string

// The choices.
const (
	ByTicket   FirstFactor = "ticket"
	ByPassword FirstFactor = "password"
)

// Registration says whether people may make their own user.
type Registration string

// The choices.
const (
	Closed Registration = "closed"
	Open   Registration = "open"
)

// StepUp says what a scope needs before it is given.
type StepUp struct {
	Scope  string   `json:"scope" yaml:"scope"`               // the scope that is asked for. Required
	Level  Level    `json:"level" yaml:"level"`               // assurance level that it needs. Required
	MaxAge Duration `json:"max_age,omitempty" yaml:"max_age"` // how old its proofs may be; 0s means any age [0s]
}

// Sessions holds the limits of each level.
type Sessions struct {
	AAL1 Limit `json:"aal1,omitzero" yaml:"aal1"` // limits of AAL1 [overall 720h, no idle limit]
	AAL2 Limit `json:"aal2,omitzero" yaml:"aal2"` // limits of AAL2 [overall 24h, idle 1h]
	AAL3 Limit `json:"aal3,omitzero" yaml:"aal3"` // limits of AAL3; overall at most 12h [overall 12h, idle 15m]

	Bound    Bound    `json:"bound,omitempty" yaml:"bound"`         // prefer: sessions are bound to a key of the browser where it can; require: the cookie of an unbound session opens nothing a minute after it was proved; off [prefer]
	BoundFor Duration `json:"bound_for,omitempty" yaml:"bound_for"` // life of the short cookie of a bound session, 10s to 5m: how long a copy of all cookies is of use [5m]
}

// Bound says whether sessions are bound to a key (Device Bound Session Credentials).
type Bound string

// The choices.
const (
	BoundPrefer  Bound = "prefer"
	BoundRequire Bound = "require"
	BoundOff     Bound = "off"
)

// Bounds of the short cookie's life.
const (
	boundForMost  = 5 * time.Minute
	boundForLeast = 10 * time.Second
)

func (s Sessions) check() error {
	if s.Bound != "" && s.Bound != BoundPrefer && s.Bound != BoundRequire && s.Bound != BoundOff {
		return fmt.Errorf("policy: sessions: bound %q is unknown (want prefer, require or off)", s.Bound)
	}
	if n := time.Duration(s.BoundFor); n != 0 && (n < boundForLeast || n > boundForMost) {
		return fmt.Errorf("policy: sessions: bound_for %s is out of range (want 10s to 5m)", n)
	}
	return nil
}

// Limit bounds how long a level is held; absent fields keep the default.
type Limit struct {
	Overall *Duration `json:"overall,omitempty" yaml:"overall"` // since the oldest proof that the level needs
	Idle    *Duration `json:"idle,omitempty" yaml:"idle"`       // since the last activity; 0s means no idle limit
}

// Risk holds the thresholds at which a score (0 to 1) asks for more, or denies.
type Risk struct {
	Challenge *float64 `json:"challenge,omitempty" yaml:"challenge"` // score from which more is asked: a second factor of who has one, a mailed code of who has none [0.5]
	Deny      *float64 `json:"deny,omitempty" yaml:"deny"`           // score from which only the owner goes on: with the strongest factor on a known browser, elsewhere with a mailed code beside it; without mail it is denied [0.95]
	Mode      string   `json:"mode,omitempty" yaml:"mode"`           // enforce, or monitor to record only [enforce]
}

// knownFactors are the names a policy may list: the promised set, whether or
// not each is wired yet, so that a configuration survives an upgrade.
func knownFactors() []string { return []string{"passkey", "totp", "sms", "email", "recovery"} }

// Parse reads a policy from JSON and checks it. Empty input is the default
// policy. Unknown keys, levels, factors and negative durations are errors.
func Parse(raw []byte) (Policy, error) {
	var p Policy
	if len(bytes.TrimSpace(raw)) > 0 {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&p); err != nil {
			return Policy{}, fmt.Errorf("policy: %w", err)
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return Policy{}, errors.New("policy: trailing data")
		}
	}
	if err := p.Check(); err != nil {
		return Policy{}, err
	}
	return p.withDefaults(), nil
}

func (p Policy) withDefaults() Policy {
	if p.MFA == "" {
		p.MFA = Optional
	}
	if p.Assurance == "" {
		p.Assurance = assurance.Standard
	}
	if p.Enrolment.FirstFactor == "" {
		p.Enrolment.FirstFactor = ByTicket
	}
	if p.Registration == "" {
		p.Registration = Closed
	}
	if len(p.Factors) == 0 {
		p.Factors = knownFactors()
	}
	if p.Sessions.Bound == "" {
		p.Sessions.Bound = BoundPrefer
	}
	if p.Sessions.BoundFor == 0 {
		p.Sessions.BoundFor = Duration(boundForMost)
	}
	if p.AccessToken == 0 {
		p.AccessToken = Duration(10 * time.Minute)
	}
	return p
}

// Check reports the first thing in p that cannot be, with what would be right.
func (p Policy) Check() error {
	if p.MFA != "" && p.MFA != Always && p.MFA != Optional && p.MFA != Never {
		return fmt.Errorf("policy: mfa %q is unknown (want always, optional or never)", p.MFA)
	}
	if p.Assurance != "" && !p.Assurance.Valid() {
		return fmt.Errorf("policy: assurance %q is unknown (want standard, nist or strict)", p.Assurance)
	}
	if f := p.Enrolment.FirstFactor; f != "" && f != ByTicket && f != ByPassword {
		return fmt.Errorf("policy: enrolment: first_factor %q is unknown (want ticket or password)", f)
	}
	if p.Registration != "" && p.Registration != Closed && p.Registration != Open {
		return fmt.Errorf("policy: registration %q is unknown (want closed or open)", p.Registration)
	}
	for _, f := range p.Factors {
		if !slices.Contains(knownFactors(), f) {
			return fmt.Errorf("policy: factor %q is unknown (want some of %s)", f, strings.Join(knownFactors(), ", "))
		}
	}
	if n := time.Duration(p.AccessToken); n != 0 && (n < time.Minute || n > 10*time.Minute) {
		return fmt.Errorf("policy: access_token %s is out of range (want 1m to 10m)", n)
	}
	for _, s := range p.StepUp {
		if s.Scope == "" || s.Level == 0 {
			return errors.New("policy: each entry of step_up needs scope and level")
		}
	}
	if err := p.checkGroups(); err != nil {
		return err
	}
	if err := p.checkPasskey(); err != nil {
		return err
	}
	if err := p.Risk.check(); err != nil {
		return err
	}
	if err := p.Sessions.check(); err != nil {
		return err
	}
	return p.checkLimits()
}

// checkPasskey holds SP 800-63B-4, 2.2.2: where AAL2 is claimed, something
// phishing-resistant must be on offer.
func (p Policy) checkPasskey() error {
	if len(p.Factors) > 0 && !slices.Contains(p.Factors, "passkey") &&
		(p.Assurance == assurance.NIST || p.Assurance == assurance.Strict) {
		return fmt.Errorf("policy: factors must include passkey under assurance: %s (SP 800-63B-4, 2.2.2)", p.Assurance)
	}
	return nil
}

// The thresholds where none are set, in thousandths.
const (
	defaultChallenge = 500
	defaultDeny      = 950
)

// Thresholds are the scores from which more is asked, and from which the sign-in
// is denied, in thousandths.
func (r Risk) Thresholds() (challenge, deny int) {
	challenge, deny = defaultChallenge, defaultDeny
	if r.Challenge != nil {
		challenge = int(math.Round(*r.Challenge * 1000))
	}
	if r.Deny != nil {
		deny = int(math.Round(*r.Deny * 1000))
	}
	return challenge, deny
}

func (r Risk) check() error {
	if r.Mode != "" && r.Mode != "enforce" && r.Mode != "monitor" {
		return fmt.Errorf("policy: risk mode %q is unknown (want enforce or monitor)", r.Mode)
	}
	for _, v := range []*float64{r.Challenge, r.Deny} {
		if v != nil && (*v < 0 || *v > 1) {
			return fmt.Errorf("policy: risk threshold %v is out of range (want 0 to 1)", *v)
		}
	}
	if challenge, deny := r.Thresholds(); challenge > deny {
		return fmt.Errorf("policy: risk: challenge %.3f is above deny %.3f", float64(challenge)/1000, float64(deny)/1000)
	}
	return nil
}

// checkLimits refuses a level that never ends, and an AAL3 limit above the 12
// hours that SP 800-63B-4, 2.3.3 sets as a bound.
func (p Policy) checkLimits() error {
	l := p.Limits()
	for level := assurance.AAL1; level <= assurance.AAL3; level++ {
		if l.Of(level).Overall <= 0 {
			return fmt.Errorf("policy: sessions: %s needs an overall limit above 0s", level)
		}
	}
	if l.Of(assurance.AAL3).Overall > 12*time.Hour {
		return errors.New("policy: sessions: aal3 overall may not exceed 12h (SP 800-63B-4, 2.3.3)")
	}
	return nil
}

// Limits returns the session limits, defaults filled in.
func (p Policy) Limits() assurance.Limits {
	limits := assurance.DefaultLimits()
	for i, l := range []Limit{p.Sessions.AAL1, p.Sessions.AAL2, p.Sessions.AAL3} {
		if l.Overall != nil {
			limits[i].Overall = time.Duration(*l.Overall)
		}
		if l.Idle != nil {
			limits[i].Idle = time.Duration(*l.Idle)
		}
	}
	return limits
}

// Allows reports whether a factor beside the password may be enrolled.
func (p Policy) Allows(factor string) bool { return slices.Contains(p.Factors, factor) }
