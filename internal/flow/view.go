package flow

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// view renders what the browser may see.
func (r *run) view(f Facts, step Step) View {
	v := View{
		ID: r.flow.ID, Step: step, Tenant: ViewTenant{Name: r.tenant.Name}, ExpiresAt: r.flow.ExpiresAt.Truncate(time.Second),
		Application: ViewApplication{ID: r.flow.Application.ID, Name: r.flow.Application.Name, Home: r.flow.Application.Home},
		User:        r.flow.Identifier, Prompts: []ViewPrompt{}, Reasons: []policy.Reason{},
		Origin: origin(r.flow.Authorization.RedirectURI), Popup: r.flow.Authorization.Display == "popup",
		Locales: r.flow.Authorization.Locales, Asked: r.flow.Authorization.Reason, Duty: r.flow.Duty, Purpose: string(r.flow.Purpose), Error: r.trouble,
	}
	if v.Purpose == "" && r.flow.Manages() {
		v.Purpose = "manage"
	}
	if len(f.Proofs) > 0 {
		v.Reasons = f.Decision.Reasons
		v.Skippable = r.skippable(f, step)
		if v.Skippable && f.skippable() {
			v.GraceUntil = f.Decision.GraceUntil
		}
		if f.recovering() {
			v.Purpose = "recover"
		}
	}
	switch step {
	case Identify:
		v.Prompts = r.identifyPrompts(f)
	case Prove, Enrol:
		v.Prompts = r.factorPrompts(f, step)
	case Consent:
		v.Scopes = r.flow.Authorization.Scopes
		v.Prompts = []ViewPrompt{{ID: promptConsent, Factor: promptConsent, Prompt: factor.Prompt{Input: factor.Text}}}
	case Denied:
		a := r.deny(f.denial())
		v.Redirect, v.Form = a.Redirect, a.Form
	}
	return v
}

// skippable reports whether what is asked may be put off.
func (r *run) skippable(f Facts, step Step) bool {
	if step == Enrol {
		w := f.enrolling()[0]
		return w == dueSilently || w == duePolicy && f.skippable()
	}
	return step == Prove && f.wantsTicket() == ticketFirst && f.skippable()
}

func (r *run) identifyPrompts(f Facts) []ViewPrompt {
	var out []ViewPrompt
	if r.session != nil && r.flow.Offered == r.session.ID && r.flow.Purpose == "" {
		out = append(out, ViewPrompt{ID: promptSession, Factor: promptSession, Offer: true, Name: r.flow.OfferedName})
	}
	autocomplete := "username"
	for _, c := range r.flow.Challenges {
		if c.Anybody {
			autocomplete = "username webauthn"
		}
	}
	if r.flow.Purpose == Register {
		autocomplete = "email"
	}
	out = append(out, ViewPrompt{ID: promptIdentifier, Factor: promptIdentifier, Prompt: factor.Prompt{
		Input: factor.Text, Autocomplete: autocomplete, InputMode: "email", MaxLength: 254,
	}})
	for _, c := range r.flow.Challenges {
		if c.Anybody {
			out = append(out, ViewPrompt{ID: c.ID, Factor: c.Factor, Mediation: "conditional", Prompt: c.Challenge.Prompt})
		}
	}
	if r.mayRegister() {
		out = append(out, ViewPrompt{ID: promptRegister, Factor: promptRegister, Offer: true})
	}
	return out
}

// factorPrompts are the current challenge and what else could be chosen.
func (r *run) factorPrompts(f Facts, step Step) []ViewPrompt {
	var out []ViewPrompt
	if len(r.flow.Challenges) > 0 && r.offered(f, step) {
		c := r.flow.Challenges[0]
		p := ViewPrompt{
			ID: c.ID, Factor: c.Factor, Enrolling: c.Enrolling, Name: r.nameOf(f, c.Factor, c.Enrolling),
			SelfTest: c.Trial, Resend: f.Kinds[c.Factor].Sends, Prompt: c.Challenge.Prompt,
		}
		if c.Silent {
			p.Mediation = "conditional"
		}
		out = append(out, p)
	}
	for _, o := range r.offers(f, step) {
		if len(r.flow.Challenges) > 0 && r.flow.Challenges[0].Factor == o.Factor && r.flow.Challenges[0].Enrolling == o.Enrolling {
			continue
		}
		p := ViewPrompt{ID: o.id(), Factor: o.Factor, Enrolling: o.Enrolling, Offer: true, Name: r.nameOf(f, o.Factor, o.Enrolling)}
		if o.Enrolling {
			p.Fields = o.facts.Asks
		}
		out = append(out, p)
	}
	if step == Prove && len(f.Proofs) == 0 && f.Flow.Purpose == "" && !f.present() {
		if r.closed && r.mails() {
			out = append(out, ViewPrompt{ID: ticketPrefix + ticketUnlock, Factor: "ticket", Offer: true})
		}
		if r.mails() {
			out = append(out, ViewPrompt{ID: promptReset, Factor: promptReset, Offer: true})
		}
	}
	return out
}

// mails reports whether the tenant can send mail: what rests on a mailed code is
// not offered without.
func (r *run) mails() bool { return r.tenant.Sends(identity.ChannelEmail) }

// mayRegister reports whether somebody new may make a user here and now.
func (r *run) mayRegister() bool {
	return r.policy.Registration == policy.Open && r.mails() && r.flow.Purpose == "" && r.flow.Duty == nil && r.flow.Subject == ""
}

// offered reports whether the current challenge is of what the step offers: a
// kept one may not be.
func (r *run) offered(f Facts, step Step) bool {
	c := r.flow.Challenges[0]
	return slices.ContainsFunc(r.offers(f, step), func(o offer) bool {
		return o.Factor == c.Factor && o.Enrolling == c.Enrolling && o.Trial == c.Trial && o.Purpose == c.Purpose
	})
}

// nameOf is the name of the only enrolment of a factor. Before a first proof
// nothing is named: a name would tell that somebody is there.
func (r *run) nameOf(f Facts, name string, enrolling bool) string {
	if enrolling || len(f.Proofs) == 0 {
		return ""
	}
	found := ""
	for _, en := range f.Held {
		if en.Factor == name {
			if found != "" {
				return ""
			}
			found = en.Name
		}
	}
	return found
}

// cannotBegin notes why an enrolment could not even begin: what was asked of
// the person was wrong, and they may give it again.
func (r *run) cannotBegin(o offer, err error) bool {
	var why *factor.Refusal
	if !o.Enrolling || !errors.As(err, &why) {
		return false
	}
	r.trouble = &ViewError{Code: why.Code, Args: why.Args}
	r.flow.Chosen, r.flow.Asked = "", nil
	return true
}

func ignore(err error, refused bool) error {
	if refused {
		return nil
	}
	return err
}

// seconds rounds a wait up.
func seconds(wait float64) int { return int(math.Ceil(wait)) }
