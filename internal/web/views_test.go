package web

import (
	"crypto/rand"
	"maps"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/totp"
	"github.com/intelliauth/intelliauth/internal/flow"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

func passwordPrompt(id string) flow.ViewPrompt {
	return flow.ViewPrompt{ID: id, Factor: "password", Prompt: factor.Prompt{Input: factor.Text, Autocomplete: "current-password", Concealed: true, MaxLength: 256}}
}

func totpPrompt(id, name string) flow.ViewPrompt {
	return flow.ViewPrompt{ID: id, Factor: "totp", Name: name, Prompt: factor.Prompt{Input: factor.Text, Autocomplete: "one-time-code", InputMode: "numeric", MaxLength: 16, Pattern: `[0-9 \-]*`}}
}

func identifierPrompt() flow.ViewPrompt {
	return flow.ViewPrompt{ID: "identifier", Factor: "identifier", Prompt: factor.Prompt{Input: factor.Text, Autocomplete: "username", InputMode: "email", MaxLength: 254}}
}

// enrolPrompt is a real one, so that the picture is.
func enrolPrompt(t testing.TB, id string) flow.ViewPrompt {
	t.Helper()
	f, err := totp.New(totp.Options{Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.BeginEnrolment(factor.Subject{Tenant: tenant(), User: &identity.User{ID: "usr_1", Email: "ada@example.com", Identifier: "ada@example.com"}}, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	return flow.ViewPrompt{ID: id, Factor: "totp", Enrolling: true, Prompt: c.Prompt}
}

// views are all states of a flow.
func views(t testing.TB, n names) map[string]flow.View {
	base := flow.View{
		ID: "flow_06f2k1", Tenant: flow.ViewTenant{Name: n.tenant}, User: n.user, Origin: "https://app.example",
		Application: flow.ViewApplication{ID: "demo", Name: n.application, Home: "https://app.example/login"},
		Reasons:     []policy.Reason{}, ExpiresAt: time.Date(2026, 3, 1, 12, 15, 0, 0, time.UTC),
	}
	at := func(step flow.Step, change func(*flow.View)) flow.View {
		v := base
		v.Step = step
		change(&v)
		return v
	}
	wrong := func(code string, wait int) *flow.ViewError { return &flow.ViewError{Code: code, RetryAfter: wait} }
	all := map[string]flow.View{
		"identify": at(flow.Identify, func(v *flow.View) { v.User, v.Prompts = "", []flow.ViewPrompt{identifierPrompt()} }),
		"identify-own": at(flow.Identify, func(v *flow.View) {
			v.User, v.Application, v.Prompts = "", flow.ViewApplication{}, []flow.ViewPrompt{identifierPrompt()}
		}),
		"identify-empty": at(flow.Identify, func(v *flow.View) {
			v.User, v.Prompts, v.Error = "", []flow.ViewPrompt{identifierPrompt()}, wrong("identifier_required", 0)
		}),
		"select": at(flow.Identify, func(v *flow.View) {
			v.User = ""
			v.Prompts = []flow.ViewPrompt{{ID: "session", Factor: "session", Offer: true, Name: n.user}, identifierPrompt()}
		}),
		"password": at(flow.Prove, func(v *flow.View) { v.Prompts = []flow.ViewPrompt{passwordPrompt("p1")} }),
		"password-wrong": at(flow.Prove, func(v *flow.View) {
			v.Prompts, v.Error = []flow.ViewPrompt{passwordPrompt("p2")}, wrong("invalid_credentials", 0)
		}),
		"password-wait": at(flow.Prove, func(v *flow.View) {
			v.Prompts, v.Error = []flow.ViewPrompt{passwordPrompt("p2")}, wrong("too_many_attempts", 120)
		}),
		"totp": at(flow.Prove, func(v *flow.View) {
			v.Prompts, v.Reasons = []flow.ViewPrompt{totpPrompt("p3", n.enrolment)}, []policy.Reason{policy.Enrolled}
		}),
		"totp-wrong": at(flow.Prove, func(v *flow.View) {
			v.Prompts, v.Reasons = []flow.ViewPrompt{totpPrompt("p3", n.enrolment)}, []policy.Reason{policy.RequestedLevel}
			v.Error = wrong("code_replayed", 0)
		}),
		"totp-others": at(flow.Prove, func(v *flow.View) {
			v.Prompts = []flow.ViewPrompt{
				totpPrompt("p3", n.enrolment),
				{ID: "offer:password", Factor: "password", Offer: true},
				{ID: "offer:knock", Factor: "knock", Offer: true, Name: n.enrolment},
			}
			v.Reasons, v.Purpose = []policy.Reason{policy.Enrolled, policy.ManageFactors}, "manage"
		}),
		"sent": at(flow.Prove, func(v *flow.View) {
			p := totpPrompt("p4", "")
			p.Factor, p.SentTo, p.Resend = "knock", "a••@e••.com", true
			v.Prompts = []flow.ViewPrompt{p}
		}),
		"no-way": at(flow.Prove, func(v *flow.View) {}),
		"enrol": at(flow.Enrol, func(v *flow.View) {
			v.Prompts, v.Reasons = []flow.ViewPrompt{enrolPrompt(t, "p6")}, []policy.Reason{policy.PolicyAlways, policy.EnrolmentDue}
		}),
		"enrol-wrong": at(flow.Enrol, func(v *flow.View) {
			v.Prompts, v.Reasons = []flow.ViewPrompt{enrolPrompt(t, "p6")}, []policy.Reason{policy.PolicyAlways, policy.InGrace}
			v.Error, v.Skippable, v.GraceUntil = wrong("code_invalid", 0), true, time.Date(2026, 3, 8, 9, 30, 0, 0, time.UTC)
		}),
		"enrol-choose": at(flow.Enrol, func(v *flow.View) {
			v.Prompts = []flow.ViewPrompt{{ID: "offer:totp", Factor: "totp", Enrolling: true, Offer: true}, {ID: "offer:knock", Factor: "knock", Enrolling: true, Offer: true}}
			v.Reasons, v.Error = []policy.Reason{policy.PolicyAlways}, wrong("prompt_stale", 0)
		}),
		"consent": at(flow.Consent, func(v *flow.View) {
			v.Scopes = []string{"openid", "profile", "email", "offline_access", n.scope}
			v.Prompts = []flow.ViewPrompt{{ID: "consent", Factor: "consent", Prompt: factor.Prompt{Input: factor.Text}}}
		}),
		"denied": at(flow.Denied, func(*flow.View) {}),
		"done":   at(flow.Done, func(*flow.View) {}),
	}
	maps.Copy(all, keyViews(n, at))
	maps.Copy(all, wayViews(n, at))
	return all
}

const (
	requestJSON  = `{"challenge":"Y2hhbGxlbmdl","rpId":"id.acme.example","timeout":300000,"userVerification":"required"}`
	creationJSON = `{"challenge":"Y2hhbGxlbmdl","rp":{"id":"id.acme.example","name":"Acme"},"user":{"id":"YWRh","name":"ada@example.com","displayName":"Ada"},"pubKeyCredParams":[{"type":"public-key","alg":-7}],"authenticatorSelection":{"residentKey":"required","userVerification":"required"}}`
)

func keyPrompt(id, options, mediation string) flow.ViewPrompt {
	return flow.ViewPrompt{ID: id, Factor: "passkey", Mediation: mediation, Prompt: factor.Prompt{Input: factor.PublicKey, PublicKey: []byte(options)}}
}

func codesPrompt(id string) flow.ViewPrompt {
	return flow.ViewPrompt{ID: id, Factor: "recovery", Enrolling: true, Prompt: factor.Prompt{Codes: []string{
		"h4k2-9qzt-m1n8-c3vd-x7w5-r2pa", "j6s9-t4yb-h4k2-9qzt-m1n8-c3vd", "x7w5-r2pa-j6s9-t4yb-h4k2-9qzt", "m1n8-c3vd-x7w5-r2pa-j6s9-t4yb", "t4yb-h4k2-9qzt-m1n8-c3vd-x7w5",
		"r2pa-j6s9-t4yb-h4k2-9qzt-m1n8", "c3vd-x7w5-r2pa-j6s9-t4yb-h4k2", "9qzt-m1n8-c3vd-x7w5-r2pa-j6s9", "s9t4-yb4k-29qz-tm1n-8c3v-dx7w", "w5r2-paj6-s9t4-ybh4-k29q-ztm1",
	}}}
}

type stand = func(flow.Step, func(*flow.View)) flow.View

// keyViews are states with passkeys.
func keyViews(n names, at stand) map[string]flow.View {
	enrolling := func(mediation string) flow.ViewPrompt {
		p := keyPrompt("p5", creationJSON, mediation)
		p.Enrolling = true
		return p
	}
	return map[string]flow.View{
		"identify-key": at(flow.Identify, func(v *flow.View) {
			name := identifierPrompt()
			name.Autocomplete = "username webauthn"
			v.User, v.Prompts = "", []flow.ViewPrompt{
				name, keyPrompt("p1", requestJSON, "conditional"),
				{ID: "register", Factor: "register", Offer: true},
			}
		}),
		"identify-key-unknown": at(flow.Identify, func(v *flow.View) {
			v.User, v.Prompts = "", []flow.ViewPrompt{identifierPrompt(), keyPrompt("p1", requestJSON, "conditional")}
			v.Error = &flow.ViewError{Code: "passkey_unknown"}
		}),
		"password-key": at(flow.Prove, func(v *flow.View) {
			v.Prompts = []flow.ViewPrompt{
				passwordPrompt("p1"),
				{ID: "offer:passkey", Factor: "passkey", Offer: true},
				{ID: "reset", Factor: "reset", Offer: true},
			}
		}),
		"publickey": at(flow.Prove, func(v *flow.View) {
			v.Prompts = []flow.ViewPrompt{
				keyPrompt("p5", requestJSON, ""),
				{ID: "offer:totp", Factor: "totp", Offer: true, Name: n.enrolment},
				{ID: "offer:recovery", Factor: "recovery", Offer: true},
			}
			v.Reasons = []policy.Reason{policy.Enrolled}
		}),
		"publickey-wrong": at(flow.Prove, func(v *flow.View) {
			v.Prompts, v.Error = []flow.ViewPrompt{keyPrompt("p5", requestJSON, "")}, &flow.ViewError{Code: "passkey_no_uv"}
		}),
		"publickey-enrol": at(flow.Enrol, func(v *flow.View) {
			v.Prompts, v.Skippable = []flow.ViewPrompt{enrolling("")}, true
			v.Duty = &flow.Duty{Kind: flow.DutyEnrol, Factor: "passkey"}
		}),
		"publickey-try": at(flow.Prove, func(v *flow.View) {
			p := keyPrompt("p6", requestJSON, "")
			p.SelfTest = true
			v.Prompts = []flow.ViewPrompt{p}
		}),
		"publickey-silent": at(flow.Enrol, func(v *flow.View) {
			v.Prompts, v.Skippable = []flow.ViewPrompt{enrolling("conditional")}, true
		}),
	}
}

// wayViews are states that lead aside, or ask for something first.
func wayViews(n names, at stand) map[string]flow.View {
	sms := flow.ViewPrompt{ID: "offer:sms", Factor: "sms", Enrolling: true, Offer: true, Fields: []factor.Field{{Name: "phone", Autocomplete: "tel", InputMode: "tel"}}}
	sent := totpPrompt("p4", "")
	sent.Factor, sent.SentTo, sent.Resend, sent.Enrolling = "sms", "•••• 42", true, true
	ticket := flow.ViewPrompt{ID: "p4", Factor: "ticket", Resend: true, Prompt: factor.Prompt{Input: factor.Text, SentTo: "a••@e••.com", MaxLength: 64}}
	newPassword := passwordPrompt("p8")
	newPassword.Enrolling, newPassword.Autocomplete = true, "new-password"
	return map[string]flow.View{
		"register": at(flow.Identify, func(v *flow.View) {
			name := identifierPrompt()
			name.Autocomplete = "email"
			v.User, v.Prompts, v.Purpose = "", []flow.ViewPrompt{name}, "register"
		}),
		"ticket":       at(flow.Prove, func(v *flow.View) { v.Prompts, v.Purpose = []flow.ViewPrompt{ticket}, "register" }),
		"new-password": at(flow.Enrol, func(v *flow.View) { v.Prompts, v.Purpose = []flow.ViewPrompt{newPassword}, "reset" }),
		"new-password-wrong": at(flow.Enrol, func(v *flow.View) {
			v.Prompts, v.Duty = []flow.ViewPrompt{newPassword}, &flow.Duty{Kind: flow.DutyPassword}
			v.Error = &flow.ViewError{Code: "password_too_short", Args: map[string]string{"min": "15"}}
		}),
		"codes": at(flow.Enrol, func(v *flow.View) { v.Prompts = []flow.ViewPrompt{codesPrompt("p7")} }),
		"enrol-offers": at(flow.Enrol, func(v *flow.View) {
			v.Prompts = []flow.ViewPrompt{
				{ID: "offer:passkey", Factor: "passkey", Enrolling: true, Offer: true},
				{ID: "offer:totp", Factor: "totp", Enrolling: true, Offer: true},
				sms,
			}
			v.Reasons = []policy.Reason{policy.PolicyAlways}
		}),
		"enrol-asks": at(flow.Enrol, func(v *flow.View) {
			v.Prompts, v.Duty = []flow.ViewPrompt{sms}, &flow.Duty{Kind: flow.DutyEnrol, Factor: "sms"}
		}),
		"enrol-asks-wrong": at(flow.Enrol, func(v *flow.View) {
			v.Prompts, v.Error = []flow.ViewPrompt{sms}, &flow.ViewError{Code: "number_invalid"}
		}),
		"enrol-sent": at(flow.Enrol, func(v *flow.View) { v.Prompts = []flow.ViewPrompt{sent} }),
		"remove": at(flow.Prove, func(v *flow.View) {
			v.Prompts, v.Purpose = []flow.ViewPrompt{totpPrompt("p3", n.enrolment)}, "manage"
			v.Application, v.Duty = flow.ViewApplication{}, &flow.Duty{Kind: flow.DutyRemove, Factor: "totp", Name: n.enrolment}
			v.Reasons = []policy.Reason{policy.ManageFactors}
		}),
	}
}
