package flow

import (
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/risk"
)

func asking(need assurance.Requirement) func(*Request) {
	return func(r *Request) { r.Alternatives = []assurance.Requirement{need} }
}

// TestH10AnotherPersonsCodeRaisesNobody: Grace answers the step-up of Ada, in
// her own browser and, having taken it over, in Ada's.
func TestH10AnotherPersonsCodeRaisesNobody(t *testing.T) {
	w := newLife(t, `{}`)
	w.addCode("ada")
	w.addCode("grace")
	p := w.browser()
	id, _ := p.toPassword("ada")
	p.take(p.answer(id, w.code()).Answer)
	session := p.Session
	w.pass(2 * time.Hour)
	id = p.begin(asking(assurance.Requirement{Level: assurance.AAL2, Since: w.now()})).FlowID
	prompt := p.view(id).Prompts[0].ID
	q := w.browser()
	q.Session = session
	if _, err := w.engine.Post(t.Context(), w.tenant, q.Browser, id, Post{Prompt: prompt, Value: "grace word"}); err == nil {
		t.Error("another browser may answer")
	}
	p.post(id, Post{Restart: true})
	p.identify(id, "grace@example.com")
	p.answer(id, "grace word")
	out := p.answer(id, w.code())
	if out.Answer == nil {
		return // refused altogether
	}
	code := w.redeem(out.Answer)
	if code.Grant.User != w.users["grace"].ID || out.Answer.Session == "" || out.Answer.Session == session {
		t.Errorf("Grace's answer stands for %s", code.Grant.User)
	}
	w.update(func(tx identity.Tx) error {
		s, err := tx.Sessions.BySecret(w.Context(), identity.Hash(session))
		if err == nil && s.User == w.users["ada"].ID && !s.Ended() {
			for _, proof := range s.Proofs {
				if proof.At.After(w.now().Add(-time.Hour)) {
					t.Errorf("Ada's session was raised: %+v", proof)
				}
			}
		}
		return nil
	})
}

// TestH21NoWayBelowWhatIsAsked: where phishing resistance is demanded, neither
// an offer nor a guessed choice leads to a code.
func TestH21NoWayBelowWhatIsAsked(t *testing.T) {
	w := newLife(t, `{}`)
	w.hold("ada", "passkey", "k1")
	w.hold("ada", "sms", "+4915112345678")
	w.addCode("ada")
	p := w.browser()
	id, v := p.toPassword("ada", asking(assurance.Requirement{Level: assurance.AAL2, PhishingResistant: true}))
	for _, prompt := range v.Prompts {
		if prompt.Factor == "sms" || prompt.Factor == "totp" {
			t.Errorf("%s is offered", prompt.Factor)
		}
	}
	for _, way := range []string{"offer:sms", "offer:totp", "sms", "totp"} {
		if v := p.choose(id, way); v.current() == "sms" || v.current() == "totp" {
			t.Errorf("%s was taken: %s", way, v)
		}
	}
	if out := p.press(id, "k1", "ada"); out.Answer == nil {
		t.Errorf("the passkey, which is asked for, is refused: %s", out.View)
	}
}

// TestH18ThePasswordAloneEnrolsNothing: the policy turns to always, and who stole
// a password comes first, from a browser that nobody knows.
func TestH18ThePasswordAloneEnrolsNothing(t *testing.T) {
	for _, mode := range []string{`{"mfa":"always"}`, `{}`} {
		w := newLife(t, mode)
		thief := w.browser()
		asks := asking(assurance.Requirement{Level: assurance.AAL2})
		id, v := thief.toPassword("ada", asks)
		if v.Step != Prove || v.current() != "ticket" {
			t.Fatalf("%s: after the password alone: %s", mode, v)
		}
		for _, way := range []string{"offer:totp", "totp", "enrol:totp", "offer:passkey"} {
			if v := thief.choose(id, way); v.Step == Enrol || v.current() == "totp" || v.current() == "passkey" {
				t.Errorf("%s: %s led to %s", mode, way, v)
			}
		}
		for _, guess := range []string{"", "000000", "ada word"} {
			if out := thief.answer(id, guess); out.Answer != nil || out.View.Step == Enrol {
				t.Errorf("%s: %q opened %s", mode, guess, out.View)
			}
		}
		if got := len(w.mail()); got == 0 {
			t.Errorf("%s: the owner was told nothing", mode)
		}
		if thief.Session != "" || len(w.sessions("ada")) != 0 {
			t.Errorf("%s: a session was opened", mode)
		}
	}
}

// TestH19OddSignInsEnrolNothingInline: a right password, no factors, and a sign-in
// that looks odd. At high risk it ends, or the owner's mailbox has to speak first;
// at medium a browser that was long known vouches for nothing any more.
func TestH19OddSignInsEnrolNothingInline(t *testing.T) {
	for _, c := range []struct {
		band   risk.Band
		step   Step
		prompt string
	}{
		{risk.Unknown, Enrol, ""}, // the control: a browser known for days needs no ticket
		{risk.Low, Enrol, ""},
		{risk.Medium, Prove, "ticket"},
		{risk.High, Prove, "ticket"},
		{risk.High, Denied, ""},
	} {
		t.Run(string(c.band)+string(c.step), func(t *testing.T) {
			w := newLife(t, `{}`)
			if c.step == Denied { // nobody can be mailed to
				w.tenant.Channels = nil
			}
			p := w.browser()
			p.signIn("ada")
			w.pass(48 * time.Hour)
			deps := w.engine.Deps
			deps.Assess = func(risk.Inputs) risk.Assessment { return risk.Assessment{Band: c.band} }
			w.engine = New(deps)
			p.Session = "" // the browser is known; nobody is signed in
			id := p.begin(asking(assurance.Requirement{Level: assurance.AAL2})).FlowID
			if v := p.identify(id, "ada@example.com"); v.Step != Prove || len(v.Reasons) != 0 {
				t.Fatalf("before a proof it says %s %v", v.Step, v.Reasons)
			}
			v := p.answer(id, "ada word").View
			if v.Step != c.step || c.prompt != "" && v.current() != c.prompt {
				t.Fatalf("after the password: %s", v)
			}
			if c.step == Enrol {
				return
			}
			for _, way := range []string{"offer:totp", "offer:passkey", "totp"} {
				if out, err := w.engine.Post(t.Context(), w.tenant, p.Browser, id, Post{Choose: way}); err == nil && out.View.Step == Enrol {
					t.Errorf("%s leads to %s", way, out.View)
				}
			}
			w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) error {
				held, err := tx.Enrolments.ByUser(t.Context(), w.users["ada"].ID)
				if len(held) != 1 {
					t.Errorf("%d enrolments", len(held))
				}
				return err
			}))
		})
	}
}
