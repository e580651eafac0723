package flow

import (
	"errors"
	"slices"
	"strings"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// subjectToAsk is whom a challenge is set for. Before a first proof it holds no
// enrolment: what is asked then must not tell who has any, but to a device on
// which this person has signed in before.
func (r *run) subjectToAsk(c Challenge) (factor.Subject, error) {
	s, err := r.subjectOf(c)
	if len(r.flow.Proofs) == 0 && !c.Trial && !c.Enrolling && r.flow.Purpose == "" && !r.known() && r.device == nil {
		s.Enrolments = nil
	}
	return s, err
}

// known reports whether this browser's own session says who it is.
func (r *run) known() bool {
	return r.session != nil && r.user != nil && r.session.User == r.user.ID && r.session.ID == r.flow.Session
}

// subjectOf is whom a factor is to judge.
func (r *run) subjectOf(c Challenge) (factor.Subject, error) {
	s := factor.Subject{
		Tenant: r.tenant, Origins: []string{r.tenant.Issuer}, User: r.user,
		NeedUV: r.needUV(), MinLength: minLength(r.policy), Purpose: "signin", Locale: r.locale(),
	}
	s.Beside = c.Trial || slices.ContainsFunc(r.flow.Proofs, func(p assurance.Proof) bool { return p.Factor != c.Factor })
	s.Second = slices.ContainsFunc(r.flow.Proofs, func(p assurance.Proof) bool { return p.Class == assurance.Memorized })
	if c.Anybody {
		s.User = nil
		return s, nil
	}
	if c.Enrolling {
		s.Purpose = "enrol"
	}
	if r.user != nil {
		s.Words = Words(r.tenant, *r.user)
	}
	if c.Trial && r.flow.Trial != nil {
		s.Enrolments = []identity.Enrolment{r.flow.Trial.Whole()}
		return s, nil
	}
	for _, en := range r.held {
		if en.Factor == c.Factor {
			s.Enrolments = append(s.Enrolments, en)
		}
	}
	if c.Purpose == "" {
		return s, nil
	}
	s.Purpose = c.Purpose
	var err error
	s.Channel, s.Address, err = r.addressee(c.Purpose)
	return s, err
}

// addressee is where a ticket goes; "" if nowhere.
func (r *run) addressee(purpose string) (channel, to string, err error) {
	switch purpose {
	case string(Register):
		return identity.ChannelEmail, r.flow.Identifier, nil
	case ticketAddress:
		return r.newAddressee()
	}
	if r.user == nil || r.user.Disabled() {
		return identity.ChannelEmail, "", nil
	}
	return identity.ChannelEmail, r.user.Email, nil
}

// newAddressee is the address or number that the duty names, unless somebody
// else signs in by it: then nothing is sent, and nothing says so.
func (r *run) newAddressee() (channel, to string, err error) {
	d := r.flow.Duty
	if d == nil {
		return "", "", nil
	}
	if d.Kind == DutyPhone {
		return identity.ChannelSMS, d.Value, nil
	}
	canonical, _ := identity.Canonical(d.Value)
	other, err := r.tx.Users.ByIdentifier(r.ctx, canonical)
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return identity.ChannelEmail, d.Value, nil
	case err != nil:
		return "", "", err
	case other.ID == r.flow.User:
		return identity.ChannelEmail, d.Value, nil
	}
	return identity.ChannelEmail, "", nil
}

// needUV reports whether a key has to verify its user to meet what is asked.
// Before a first proof it depends on nothing that only a known user has.
func (r *run) needUV() bool {
	if len(r.flow.Proofs) == 0 && !r.known() {
		need := max(r.flow.Application.Floor, assurance.Level(r.flow.Application.Stricter.Level))
		if len(r.flow.Alternatives) > 0 {
			need = max(need, r.flow.Alternatives[0].Level)
		}
		return need >= assurance.AAL2 || r.policy.MFA == policy.Always || r.flow.Application.Stricter.MFA == policy.Always
	}
	with := append(slices.Clone(r.flow.Proofs), assurance.Proof{Class: assurance.Key, Hardware: true})
	need := r.decision.Requirement.Level
	return need >= assurance.AAL2 && assurance.LevelOf(r.policy.Assurance, func(string) bool { return true }, with) < need
}

// minLength is NIST's: 8 where the policy always asks for a second factor,
// else 15.
func minLength(p policy.Policy) int {
	if p.MFA == policy.Always {
		return 8
	}
	return 15
}

// locale is the language that messages of this flow are worded in.
func (r *run) locale() string {
	switch {
	case r.user != nil && r.user.Locale != "":
		return r.user.Locale
	case len(r.flow.Authorization.Locales) > 0:
		return r.flow.Authorization.Locales[0]
	}
	return r.tenant.Locale
}

// Words are what a password of this user may not be made of.
func Words(t identity.Tenant, u identity.User) []string {
	words := append([]string{u.Email, t.Name, t.ID, t.Host()}, strings.Fields(u.Name)...)
	return append(words, strings.FieldsFunc(u.Email, func(c rune) bool { return c == '@' || c == '.' || c == '-' || c == '_' || c == '+' })...)
}
