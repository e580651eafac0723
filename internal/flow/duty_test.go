package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// prove answers whatever the flow asks with what ada has.
func (p *person) prove(id string) Posted {
	p.Helper()
	for range 5 {
		v := p.view(id)
		if v.Step != Prove {
			return Posted{View: v}
		}
		var out Posted
		switch v.current() {
		case "word":
			out = p.answer(id, "ada word")
		case "totp":
			p.pass(30 * time.Second)
			out = p.answer(id, p.code())
		case "ticket":
			return Posted{View: v}
		default:
			p.Fatalf("asked for %s", v)
		}
		if out.Answer != nil || out.View.Error != nil {
			return out
		}
	}
	p.Fatal("no end of proofs")
	return Posted{}
}

// TestC20EveryChangeNeedsFreshPurpose: a session just opened, at its highest
// level, makes no change without a new proof; and none is made before the end.
func TestC20EveryChangeNeedsFreshPurpose(t *testing.T) {
	w := newLife(t, `{}`)
	totp := w.addCode("ada")
	w.pass(time.Second)
	key := w.hold("ada", "passkey", "k1")
	p := w.browser()
	p.signIn("ada", func(r *Request) {
		r.Alternatives = []assurance.Requirement{{Level: assurance.AAL1}}
	})
	other := w.browser()
	other.signIn("ada")
	for _, d := range []Duty{
		{Kind: DutyRemove, Enrolment: key},
		{Kind: DutyRename, Enrolment: totp, Value: "Old phone"},
		{Kind: DutyEndSession, Session: w.sessions("ada")[1].ID},
		{Kind: DutyEndOthers},
	} {
		id, err := p.duty(d)
		w.must(err)
		if v := p.view(id); v.Step != Prove || v.Purpose != "manage" || v.Duty == nil || v.Duty.Kind != d.Kind {
			t.Fatalf("%s: %s", d.Kind, v)
		}
		w.pass(time.Second)
		if v := p.choose(id, "offer:word"); v.current() != "word" {
			t.Fatalf("%s: %s", d.Kind, v)
		}
		if out := p.answer(id, "ada word"); out.Answer != nil {
			t.Fatalf("%s was made at AAL1", d.Kind)
		}
		if len(w.held("ada")) != 3 && d.Kind == DutyRemove {
			t.Fatal("removed before it was proved")
		}
		w.pass(30 * time.Second)
		p.choose(id, "offer:totp")
		out := p.answer(id, w.code())
		if out.Answer == nil || out.Answer.Redirect != "/account?done="+string(d.Kind) {
			t.Fatalf("%s: %s", d.Kind, out.View)
		}
	}
	if got := w.held("ada"); slices.Contains(got, "passkey") {
		t.Errorf("held: %v", got)
	}
	if n := len(w.sessions("ada")); n != 1 {
		t.Errorf("%d sessions", n)
	}
	if n := len(w.mailed(identity.MessageFactorRemoved)); n != 1 {
		t.Errorf("%d notices", n)
	}
}

// TestH16H17LevelsOfChanges: what may be added or removed by whom (N-60, N-61, N-68).
func TestH16H17LevelsOfChanges(t *testing.T) {
	for name, c := range map[string]struct {
		holds []string
		duty  func(ids map[string]string) Duty
		level assurance.Level
	}{
		"the first factor":                {nil, func(map[string]string) Duty { return Duty{Kind: DutyEnrol, Factor: "totp"} }, assurance.AAL1},
		"H-16: a code beside a passkey":   {[]string{"passkey"}, func(map[string]string) Duty { return Duty{Kind: DutyEnrol, Factor: "totp"} }, assurance.AAL2},
		"a passkey beside a code":         {[]string{"totp"}, func(map[string]string) Duty { return Duty{Kind: DutyEnrol, Factor: "passkey"} }, assurance.AAL2},
		"new recovery codes":              {[]string{"totp"}, func(map[string]string) Duty { return Duty{Kind: DutyEnrol, Factor: "recovery"} }, assurance.AAL2},
		"H-17: remove the only passkey":   {[]string{"passkey"}, func(ids map[string]string) Duty { return Duty{Kind: DutyRemove, Enrolment: ids["passkey"]} }, assurance.AAL2},
		"remove one of two":               {[]string{"passkey", "totp"}, func(ids map[string]string) Duty { return Duty{Kind: DutyRemove, Enrolment: ids["passkey"]} }, assurance.AAL2},
		"rename":                          {[]string{"totp"}, func(ids map[string]string) Duty { return Duty{Kind: DutyRename, Enrolment: ids["totp"], Value: "x"} }, assurance.AAL2},
		"a new password":                  {[]string{"totp"}, func(map[string]string) Duty { return Duty{Kind: DutyPassword} }, assurance.AAL2},
		"a new address":                   {[]string{"totp"}, func(map[string]string) Duty { return Duty{Kind: DutyEmail, Value: "x@example.com"} }, assurance.AAL2},
		"a new address, with no factors":  {nil, func(map[string]string) Duty { return Duty{Kind: DutyEmail, Value: "x@example.com"} }, assurance.AAL1},
		"other sessions, with no factors": {nil, func(map[string]string) Duty { return Duty{Kind: DutyEndOthers} }, assurance.AAL1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLife(t, `{}`)
			ids := map[string]string{}
			for _, h := range c.holds {
				data := "0"
				if h == "passkey" {
					data = "k1"
				}
				ids[h] = w.hold("ada", h, data)
			}
			base, err := w.engine.start(t.Context(), w.tenant, Browser{})
			w.must(err)
			w.update(func(tx identity.Tx) error {
				r := *base
				u := w.users["ada"]
				r.tx, r.user = tx, &u
				if err := r.readHeld(u.ID); err != nil {
					return err
				}
				if got := r.levelOf(c.duty(ids)); got != c.level {
					t.Errorf("%s, want %s", got, c.level)
				}
				return nil
			})
		})
	}
}

// TestN65LostStrongKeyCanBeRemoved: an AAL3 key that is gone does not lock its
// owner out of removing it.
func TestN65LostStrongKeyCanBeRemoved(t *testing.T) {
	held := []identity.Enrolment{{ID: "a", Factor: "word"}, {ID: "b", Factor: "strong"}, {ID: "c", Factor: "totp"}}
	w := newLife(t, `{}`)
	deps := w.engine.Deps
	deps.Factors = append(slices.Clone(deps.Factors), strongKey{})
	deps.Trust = func(string) bool { return true }
	e := New(deps)
	r, err := e.start(t.Context(), w.tenant, Browser{})
	w.must(err)
	r.held = held
	if got := r.levelOf(Duty{Kind: DutyRemove, Enrolment: "b"}); got != assurance.AAL2 {
		t.Errorf("removing it: %s", got)
	}
	if got := r.levelOf(Duty{Kind: DutyRemove, Enrolment: "c"}); got != assurance.AAL3 {
		t.Errorf("removing the other: %s", got)
	}
}

type strongKey struct{ key }

func (strongKey) Facts() factor.Facts {
	f := key{}.Facts()
	f.Name, f.Best = "strong", assurance.Proof{Class: assurance.Key, UserVerified: true, Hardware: true}
	return f
}

// TestN68LastRequiredFactorStays, and so does the last way in.
func TestN68LastRequiredFactorStays(t *testing.T) {
	w := newLife(t, `{"mfa":"always"}`)
	totp := w.addCode("ada")
	p := w.browser()
	p.signIn("ada")
	var f *identity.Fault
	if _, err := p.duty(Duty{Kind: DutyRemove, Enrolment: totp}); !errors.As(err, &f) || f.Code != "last_required_factor" {
		t.Errorf("%v", err)
	}
	w.hold("ada", "passkey", "k1")
	if _, err := p.duty(Duty{Kind: DutyRemove, Enrolment: totp}); err != nil {
		t.Errorf("with another one: %v", err)
	}
	g := w.browser()
	w.tenant.Policy = json.RawMessage(`{}`)
	g.signIn("grace")
	for _, en := range []string{totp, "enr_none"} {
		if _, err := g.duty(Duty{Kind: DutyRemove, Enrolment: en}); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("another's: %v", err)
		}
	}
}

// TestC06TwoRemovalsAtOnce cannot both pass the check for the last factor.
func TestC06TwoRemovalsAtOnce(t *testing.T) {
	w := newLife(t, `{"mfa":"always"}`)
	totp, key := w.addCode("ada"), w.hold("ada", "passkey", "k1")
	actor := w.token("ada", true)
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, en := range []string{totp, key} {
		wg.Go(func() { errs[i] = w.engine.Change(t.Context(), w.tenant, actor, Duty{Kind: DutyRemove, Enrolment: en}) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || len(w.held("ada")) != 2 {
		t.Errorf("%v; held %v", errs, w.held("ada"))
	}
}

// token is ada or grace by a token of a session at AAL2.
func (w *world) token(name string, fresh bool) Actor {
	w.Helper()
	proofs := []assurance.Proof{
		{Factor: "word", Class: assurance.Memorized, AMR: "pwd", At: w.now()}, {Factor: "totp", Class: assurance.OneTime, AMR: "otp", At: w.now()},
	}
	s := identity.Session{ID: "ses_" + name, User: w.users[name].ID, SecretHash: []byte(name), Proofs: proofs, CreatedAt: w.now(), Activity: assurance.Activity{Last: w.now()}}
	w.update(func(tx identity.Tx) error { return tx.Sessions.Create(w.Context(), s) })
	return Actor{User: w.users[name], Session: s.ID, Application: "app", Proofs: proofs, Fresh: fresh}
}

// TestC20ByToken: the API is held to the same, and a token without the purpose
// changes nothing.
func TestC20ByToken(t *testing.T) {
	w := newLife(t, `{}`)
	totp := w.addCode("ada")
	w.hold("ada", "passkey", "k1")
	stale := w.token("ada", false)
	low := stale
	low.Fresh, low.Proofs = true, stale.Proofs[:1]
	for name, a := range map[string]Actor{"not fresh": stale, "too low": low} {
		for _, d := range []Duty{
			{Kind: DutyRemove, Enrolment: totp},
			{Kind: DutyRename, Enrolment: totp, Value: "x"},
			{Kind: DutyEndOthers},
			{Kind: DutyEndAll},
			{Kind: DutyEndSession, Session: stale.Session},
			{Kind: DutyPhone},
		} {
			var need *LevelRequired
			if err := w.engine.Change(t.Context(), w.tenant, a, d); !errors.As(err, &need) || need.Level != assurance.AAL2 {
				t.Errorf("%s, %s: %v", name, d.Kind, err)
			}
		}
		var need *LevelRequired
		if err := w.engine.ChangePassword(t.Context(), w.tenant, a, "ada word", "new"); !errors.As(err, &need) {
			t.Errorf("%s, password: %v", name, err)
		}
		if _, _, err := w.engine.BeginAddress(t.Context(), w.tenant, a, identity.Address{Channel: "email", To: "x@example.com"}); !errors.As(err, &need) {
			t.Errorf("%s, address: %v", name, err)
		}
	}
	a := stale
	a.Fresh = true
	w.must(w.engine.Change(t.Context(), w.tenant, a, Duty{Kind: DutyRename, Enrolment: totp, Value: "  New\u202e phone "}))
	if err := w.engine.Change(t.Context(), w.tenant, a, Duty{Kind: DutyEmail, Value: "x@example.com"}); err == nil {
		t.Error("an address was changed without a code")
	}
	if err := w.engine.ChangePassword(t.Context(), w.tenant, a, "wrong", "new"); err == nil {
		t.Error("a wrong password changed it")
	}
	w.must(w.engine.ChangePassword(t.Context(), w.tenant, a, "ada word", "brand new"))
	if n := len(w.mailed(identity.MessagePassword)); n != 1 {
		t.Errorf("%d notices", n)
	}
}

// TestC20GuessesAtThePasswordSpendTheBudget of the user.
func TestC20GuessesAtThePasswordSpendTheBudget(t *testing.T) {
	w := newLife(t, `{}`)
	a := w.token("ada", true)
	wrong := 0
	for range 200 {
		var f *identity.Fault
		err := w.engine.ChangePassword(t.Context(), w.tenant, a, "wrong", "new")
		if errors.As(err, &f) && f.Code == codeTooMany {
			w.pass(f.Retry)
			if f.Retry > time.Hour {
				break
			}
			a = Actor{User: a.User, Session: a.Session, Proofs: a.Proofs, Fresh: true}
			continue
		}
		wrong++
	}
	if wrong == 0 || wrong > 50 {
		t.Errorf("%d guesses", wrong)
	}
}

// TestO10AddressChange: fresh purpose, a code to the new address, notice to both,
// and the notice's link undoes it.
func TestO10AddressChange(t *testing.T) {
	w := newLife(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	p.signIn("ada")
	id, err := p.duty(Duty{Kind: DutyEmail, Value: "Ada.New@example.com"})
	w.must(err)
	v := p.prove(id).View
	if v.Step != Prove || v.current() != "ticket" {
		t.Fatalf("%s", v)
	}
	if m := w.mailed("ticket.address"); len(m) != 1 || m[0].To != "Ada.New@example.com" {
		t.Fatalf("%+v", m)
	}
	if out := p.answer(id, "T-address"); out.Answer == nil {
		t.Fatalf("%s", out.View)
	}
	if u := w.reload("ada"); u.Identifier != "ada.new@example.com" || u.Email != "Ada.New@example.com" {
		t.Errorf("%+v", u)
	}
	told := w.mailed(identity.MessageEmailChanged)
	var to []string
	for _, m := range told {
		to = append(to, m.To)
	}
	if slices.Sort(to); !slices.Equal(to, []string{"Ada.New@example.com", "ada@example.com"}) {
		t.Fatalf("told %v", to)
	}
	w.must(w.engine.Repudiate(t.Context(), w.tenant, linkOf(t, told[0])))
	if u := w.reload("ada"); u.Identifier != "ada@example.com" || u.FrozenUntil == nil || len(w.sessions("ada")) != 0 {
		t.Errorf("%+v", u)
	}
}

// TestO10TakenAddressSaysNothing: who asks for somebody else's address learns
// nothing of it, and the owner gets no code.
func TestO10TakenAddressSaysNothing(t *testing.T) {
	w := newLife(t, `{}`)
	var seen []string
	for i, to := range []string{"grace@example.com", "free@example.com"} {
		p := w.browser()
		p.signIn("ada")
		id, err := p.duty(Duty{Kind: DutyEmail, Value: to})
		w.must(err)
		v := p.prove(id).View
		v.Duty = nil
		seen = append(seen, shape(t, v))
		if i == 0 {
			if out := p.answer(id, "T-address"); out.Answer != nil {
				t.Error("took over an address")
			}
		}
	}
	if seen[0] != seen[1] || len(w.mailed("ticket.address")) != 1 {
		t.Errorf("%v", seen)
	}
}

// linkOf is the secret in a notice's link.
func linkOf(t *testing.T, m identity.Message) string {
	t.Helper()
	_, out, ok := strings.Cut(m.Args["link"], "?token=")
	if !ok {
		t.Fatalf("no link in %s", m.Kind)
	}
	return out
}

// TestN64ThisWasNotMe: a thief's factor is suspended, what the thief removed is
// back, sessions end, changes freeze, and the link works once.
func TestN64ThisWasNotMe(t *testing.T) {
	w := newLife(t, `{}`)
	old := w.addCode("ada")
	w.pass(30 * day1)
	thief := w.browser()
	thief.signIn("ada")
	id, err := thief.duty(Duty{Kind: DutyEnrol, Factor: "passkey"})
	w.must(err)
	if v := thief.prove(id).View; v.Step != Enrol || v.current() != "passkey" {
		t.Fatalf("%s", v)
	}
	thief.press(id, "evil", "ada")
	if out := thief.press(id, "evil", "ada"); out.View.Step == Enrol { // recovery codes follow
		thief.answer(id, "kept")
	}
	id, err = thief.duty(Duty{Kind: DutyRemove, Enrolment: old})
	w.must(err)
	if v := thief.press(id, "evil", "ada").View; v.Step != Done {
		t.Fatalf("%s", v)
	}
	if got := w.held("ada"); !slices.Equal(got, []string{"passkey", "recovery", "word"}) {
		t.Fatalf("held %v", got)
	}
	link := linkOf(t, w.mailed(identity.MessageFactorAdded)[0])
	if err := w.engine.Repudiable(t.Context(), w.tenant, link); err != nil {
		t.Fatal(err)
	}
	w.must(w.engine.Repudiate(t.Context(), w.tenant, link))
	if got := w.held("ada"); !slices.Equal(got, []string{"totp", "word"}) {
		t.Errorf("held %v", got)
	}
	if n := len(w.sessions("ada")); n != 0 {
		t.Errorf("%d sessions", n)
	}
	if err := w.engine.Repudiate(t.Context(), w.tenant, link); !errors.Is(err, identity.ErrTaken) {
		t.Errorf("again: %v", err)
	}
	w.pass(time.Minute)
	p := w.browser()
	p.signIn("ada")
	var f *identity.Fault
	for _, d := range []Duty{{Kind: DutyEnrol, Factor: "passkey"}, {Kind: DutyRemove, Enrolment: old}, {Kind: DutyPassword}, {Kind: DutyEmail, Value: "x@example.com"}} {
		if _, err := p.duty(d); !errors.As(err, &f) || f.Code != "frozen" {
			t.Errorf("%s while frozen: %v", d.Kind, err)
		}
	}
	if _, err := p.duty(Duty{Kind: DutyEndOthers}); err != nil {
		t.Errorf("ending sessions while frozen: %v", err)
	}
	q := w.browser()
	qid := q.begin().FlowID
	if v := q.press(qid, "evil", "ada").View; v.Step != Identify {
		t.Errorf("the suspended passkey: %s", v)
	}
}

// TestDutyIsOfItsPerson: somebody else who takes the flow over changes nothing.
func TestDutyIsOfItsPerson(t *testing.T) {
	w := newLife(t, `{}`)
	p := w.browser()
	p.signIn("ada")
	id, err := p.duty(Duty{Kind: DutyEmail, Value: "x@example.com"})
	w.must(err)
	p.post(id, Post{Restart: true})
	p.identify(id, "grace@example.com")
	if out := p.answer(id, "grace word"); out.View.Step != Denied {
		t.Errorf("%s", out.View)
	}
	if _, err := w.browser().duty(Duty{Kind: DutyEndAll}); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("without a session: %v", err)
	}
}

// TestEndAllLeavesNobodySignedIn, this browser included.
func TestEndAllLeavesNobodySignedIn(t *testing.T) {
	w := newLife(t, `{}`)
	p, q := w.browser(), w.browser()
	q.signIn("ada")
	p.signIn("ada")
	id, err := p.duty(Duty{Kind: DutyEndAll})
	w.must(err)
	if out := p.answer(id, "ada word"); out.Answer == nil || out.Answer.Session != "" {
		t.Fatalf("%s", out.View)
	}
	if n := len(w.sessions("ada")); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// TestPasswordDuty asks for the new one after the proof, and nobody else stays
// signed in.
func TestPasswordDuty(t *testing.T) {
	w := newLife(t, `{}`)
	p, q := w.browser(), w.browser()
	q.signIn("ada")
	p.signIn("ada")
	id, err := p.duty(Duty{Kind: DutyPassword})
	w.must(err)
	if v := p.answer(id, "ada word").View; v.Step != Enrol || v.current() != "word" {
		t.Fatalf("%s", v)
	}
	if out := p.answer(id, "ada second word"); out.Answer == nil || out.Answer.Redirect != "/account?done=password" {
		t.Fatalf("%s", out.View)
	}
	if n := len(w.sessions("ada")); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// TestUsernameless: a passkey names its user; what is unknown, forged, suspended
// or another tenant's all look the same.
func TestUsernameless(t *testing.T) {
	w := newLife(t, `{}`)
	en := w.hold("ada", "passkey", "k1")
	p := w.browser()
	id := p.begin().FlowID
	v := p.view(id)
	if v.Prompts[0].ID != promptIdentifier || v.Prompts[0].Autocomplete != "username webauthn" || v.Prompts[1].Mediation != "conditional" {
		t.Fatalf("%s", v)
	}
	var seen []string
	for name, press := range map[string]func() Posted{
		"unknown":      func() Posted { return p.press(id, "k9", "ada") },
		"forged":       func() Posted { return p.press(id, "k1", "ada", func(t *touch) { t.Bad = true }) },
		"wrong handle": func() Posted { return p.press(id, "k1", "grace") },
	} {
		out := press()
		if out.View.Step != Identify || errorCode(out.View) != codeUnknown {
			t.Errorf("%s: %s", name, out.View)
		}
		seen = append(seen, shape(t, out.View))
	}
	if out := p.press(id, "k1", "ada"); out.Answer == nil || w.worth(w.redeem(out.Answer).Grant).Level != assurance.AAL2 {
		t.Errorf("%s", out.View)
	}
	q := w.browser()
	id = q.begin().FlowID
	prompt := q.view(id).Prompts[1].ID
	out := q.press(id, "k9", "ada")
	if again := q.post(id, Post{Prompt: prompt, PublicKey: json.RawMessage(`{"id":"k1"}`)}); errorCode(again.View) != codeStale || out.View.Prompts[1].ID == prompt {
		t.Errorf("a challenge was answered twice: %s", again.View)
	}
	w.update(func(tx identity.Tx) error {
		all, err := tx.Enrolments.ByUser(w.Context(), w.users["ada"].ID)
		for _, e := range all {
			if e.ID == en {
				e.Suspended = true
				return tx.Enrolments.Swap(w.Context(), e)
			}
		}
		return err
	})
	if v := q.press(id, "k1", "ada").View; v.Step != Identify {
		t.Errorf("suspended: %s", v)
	}
	for i := range seen { // ids of prompts are never used again
		seen[i] = regexp.MustCompile(`"p\d+"`).ReplaceAllString(seen[i], `"p"`)
	}
	if seen[0] != seen[1] || seen[1] != seen[2] {
		t.Errorf("they are told apart: %q", seen)
	}
}

// TestUsernamelessWithoutUV is one proof, and goes on to the password.
func TestUsernamelessWithoutUV(t *testing.T) {
	w := newLife(t, `{}`)
	w.hold("ada", "passkey", "k1")
	p := w.browser()
	id := p.begin().FlowID
	out := p.press(id, "k1", "ada", func(t *touch) { t.UV = false })
	if out.View.Step != Prove || out.View.current() != "word" || out.View.User != "ada@example.com" {
		t.Errorf("%s", out.View)
	}
}

// TestSelfTest: a passkey counts only once it has answered, and a crash between
// leaves none (W-23).
func TestSelfTest(t *testing.T) {
	w := newLife(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	p.signIn("ada")
	id, err := p.duty(Duty{Kind: DutyEnrol, Factor: "passkey"})
	w.must(err)
	p.prove(id)
	v := p.press(id, "k1", "ada").View
	if v.Step != Prove || !v.Prompts[0].SelfTest || !v.has("offer:passkey") || slices.Contains(w.held("ada"), "passkey") {
		t.Fatalf("%s", v)
	}
	if v = p.press(id, "k2", "ada").View; errorCode(v) == "" || v.Step != Prove || slices.Contains(w.held("ada"), "passkey") {
		t.Fatalf("another key stood in: %s", v)
	}
	if v = p.choose(id, "offer:passkey"); v.Step != Enrol {
		t.Fatalf("made anew: %s", v)
	}
	p.press(id, "k3", "ada")
	v = p.press(id, "k3", "ada").View
	if v.Step != Enrol || v.current() != "recovery" {
		t.Fatalf("%s", v)
	}
	if out := p.answer(id, "kept"); out.Answer == nil {
		t.Fatalf("%s", out.View)
	}
	if got := w.held("ada"); !slices.Equal(got, []string{"passkey", "recovery", "totp", "word"}) {
		t.Errorf("held %v", got)
	}
}

// TestW16KeyOfSomebodyElse is not enrolled a second time.
func TestW16KeyOfSomebodyElse(t *testing.T) {
	w := newLife(t, `{}`)
	w.hold("grace", "passkey", "k1")
	p := w.browser()
	p.signIn("ada")
	w.pass(25 * time.Hour)
	id, err := p.duty(Duty{Kind: DutyEnrol, Factor: "passkey"})
	w.must(err)
	p.prove(id)
	p.press(id, "k1", "ada")
	if _, err := p.engine.Post(t.Context(), w.tenant, p.Browser, id, Post{Prompt: p.view(id).prompt(), PublicKey: json.RawMessage(`{"id":"k1","uv":true}`)}); err == nil {
		t.Error("moved to another user")
	}
	if slices.Contains(w.held("ada"), "passkey") {
		t.Error("enrolled")
	}
}

// TestW26SilentUpgrade: after a password, in a browser that can, on a device known
// for a day; never elsewhere, and never in the way.
func TestW26SilentUpgrade(t *testing.T) {
	w := newLife(t, `{"risk":{"mode":"monitor"}}`)
	p := w.browser()
	p.signIn("ada")
	try := func(p *person, upgrade bool) (string, Posted) {
		w.pass(time.Second)
		id := p.begin(func(r *Request) { r.PromptLogin = true }).FlowID
		if v := p.view(id); v.Step == Identify {
			p.identify(id, "ada@example.com")
		}
		return id, p.post(id, Post{Prompt: p.view(id).prompt(), Value: "ada word", Upgrade: upgrade})
	}
	if _, out := try(p, true); out.Answer == nil {
		t.Errorf("on a new device: %s", out.View)
	}
	w.pass(25 * time.Hour)
	if _, out := try(p, false); out.Answer == nil {
		t.Errorf("in a browser that cannot: %s", out.View)
	}
	if _, out := try(w.browser(), true); out.Answer == nil {
		t.Errorf("in another browser: %s", out.View)
	}
	id, out := try(p, true)
	if v := out.View; v.Step != Enrol || v.Prompts[0].Mediation != "conditional" || !v.Skippable {
		t.Fatalf("%s", v)
	}
	if out = p.post(id, Post{Skip: true}); out.Answer == nil {
		t.Fatalf("put off: %s", out.View)
	}
	id, _ = try(p, true)
	if out = p.press(id, "k1", "ada"); out.Answer == nil {
		t.Fatalf("%s", out.View)
	}
	if got := w.held("ada"); !slices.Equal(got, []string{"passkey", "word"}) {
		t.Errorf("held %v", got)
	}
}

// TestO04Resend: 30 s apart and growing, three at most, and the code that is on
// its way stays good when the person looks at another way.
func TestO04Resend(t *testing.T) {
	w := newLife(t, `{}`)
	w.hold("ada", "sms", "+4915112345678")
	w.addCode("ada")
	p := w.browser()
	id, v := p.toPassword("ada")
	if v.current() != "sms" {
		v = p.choose(id, "offer:sms")
	}
	if v.current() != "sms" || len(w.mailed(identity.MessageCode)) != 1 {
		t.Fatalf("%s", v)
	}
	if v = p.choose(id, "offer:totp"); v.current() != "totp" {
		t.Fatalf("elsewhere: %s", v)
	}
	if v = p.choose(id, "offer:sms"); v.current() != "sms" || v.Error != nil || len(w.mailed(identity.MessageCode)) != 1 {
		t.Fatalf("coming back: %s, %d sent", v, len(w.mailed(identity.MessageCode)))
	}
	for n, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
		w.pass(wait - time.Second)
		if v = p.post(id, Post{Resend: true}).View; errorCode(v) != codeSendLimited || v.Error.RetryAfter != 1 || v.current() != "sms" {
			t.Errorf("%d: a second early: %s", n, v)
		}
		w.pass(time.Second)
		if v = p.post(id, Post{Resend: true}).View; v.Error != nil || len(w.mailed(identity.MessageCode)) != n+2 {
			t.Errorf("%d: in time: %s, %d sent", n, v, len(w.mailed(identity.MessageCode)))
		}
	}
	w.pass(5 * time.Minute)
	if v = p.post(id, Post{Resend: true}).View; errorCode(v) != codeSendLimited {
		t.Errorf("a fifth: %s", v)
	}
	if out := p.answer(id, "123456"); out.Answer == nil {
		t.Errorf("%s", out.View)
	}
}

// TestH03ResendResetsNoCount: the budget is the person's, not the code's.
func TestH03ResendResetsNoCount(t *testing.T) {
	w := newLife(t, `{}`)
	w.hold("ada", "sms", "+4915112345678")
	compared := 0
	for range 60 {
		p := w.browser()
		id, v := p.toPassword("ada")
		for range 6 {
			v = p.post(id, Post{Prompt: v.prompt(), Value: "000000"}).View
			if errorCode(v) == codeInvalid {
				compared++
			}
		}
		w.pass(time.Hour)
	}
	if compared == 0 || compared > 90 {
		t.Errorf("%d codes were compared", compared)
	}
}

// TestH58Pumping: ten thousand requests for SMS over numbers and addresses send
// no more than the caps, and a range whose codes never come back is closed.
func TestH58Pumping(t *testing.T) {
	w := newLife(t, byPassword(`"mfa":"always","factors":["sms","passkey"]`))
	w.tenant.SMSPerDay = 60
	base, err := w.engine.start(t.Context(), w.tenant, Browser{})
	w.must(err)
	sent := map[string]int{}
	for i := range 2000 {
		prefix := fmt.Sprintf("+49151%d", i%7)
		w.update(func(tx identity.Tx) error {
			r := *base
			r.tx, r.flow.Canonical = tx, fmt.Sprintf("u%d@example.com", i)
			r.browser.Addr = netip.MustParseAddr(fmt.Sprintf("198.51.%d.%d", i%200, i%250))
			ok, err := r.countSend(identity.Message{Channel: identity.ChannelSMS, To: fmt.Sprintf("%s%06d", prefix, i), Country: "DE", Prefix: prefix})
			if ok {
				sent[prefix]++
			}
			return err
		})
	}
	total := 0
	for prefix, n := range sent {
		if n > breakerAfter {
			t.Errorf("%s got %d, though none came back", prefix, n)
		}
		total += n
	}
	if total == 0 || total > 60 {
		t.Errorf("%d in all", total)
	}
}

// TestH33WayOutOfAFullLane (C-11): strangers fill the lane; a code mailed to the
// owner opens a lane of the owner's own, and says the same for nobody.
func TestC11TicketOutOfAFullLane(t *testing.T) {
	w := newLife(t, `{}`)
	for _, who := range []string{"ada", "nobody"} {
		for range 80 {
			p := w.browser()
			id := p.begin().FlowID
			p.identify(id, who+"@example.com")
			v := p.answer(id, "wrong").View
			if v.Error != nil && v.Error.RetryAfter > 3600 {
				break
			}
			w.pass(time.Hour)
		}
		p := w.browser()
		id := p.begin().FlowID
		if v := p.identify(id, who+"@example.com"); v.has("ticket:unlock") {
			t.Error("offered before it is needed")
		}
		v := p.answer(id, who+" word").View
		if errorCode(v) != codeTooMany || !v.has("ticket:unlock") {
			t.Fatalf("%s: %s", who, v)
		}
		if v = p.choose(id, "ticket:unlock"); v.current() != "ticket" {
			t.Fatalf("%s: %s", who, v)
		}
		v = p.answer(id, "T-unlock").View
		if who == "nobody" {
			if errorCode(v) == "" {
				t.Errorf("nobody: %s", v)
			}
			continue
		}
		if v.current() != "word" {
			t.Fatalf("%s", v)
		}
		if out := p.answer(id, "ada word"); out.Answer == nil {
			t.Errorf("%s", out.View)
		}
	}
	q := w.browser()
	id := q.begin().FlowID
	q.identify(id, "grace@example.com")
	if v := q.choose(id, "ticket:unlock"); errorCode(v) != codeStale || len(w.mailed("ticket.unlock")) != 1 {
		t.Errorf("mail for the asking: %s", v)
	}
}

// TestH54OutageIsNoWayIn: what cannot be sent is not skipped, and other factors
// are offered.
func TestH54OutageIsNoWayIn(t *testing.T) {
	w := newLife(t, `{}`)
	w.hold("ada", "sms", "+4915112345678")
	w.addCode("ada")
	p := w.browser()
	id, v := p.toPassword("ada")
	if v.current() != "sms" {
		v = p.choose(id, "offer:sms")
	}
	for _, post := range []Post{{Skip: true}, {Prompt: v.prompt(), Value: ""}, {Prompt: promptConsent, Value: "allow"}} {
		if out := p.post(id, post); out.Answer != nil {
			t.Errorf("%+v let in", post)
		}
	}
	if !p.view(id).has("offer:totp") {
		t.Errorf("%s", p.view(id))
	}
}

// TestX04Extend: a flow lives its whole life from when more time is asked, an hour
// at most.
func TestX04Extend(t *testing.T) {
	w := newLife(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	for range 8 {
		w.pass(10 * time.Minute)
		out, err := w.engine.Post(t.Context(), w.tenant, p.Browser, id, Post{Extend: true})
		if err != nil {
			if at := w.now().Sub(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)); at < time.Hour {
				t.Fatalf("over after %s: %v", at, err)
			}
			return
		}
		if want := w.now().Add(flowLife); out.View.ExpiresAt.After(want) {
			t.Errorf("until %s", out.View.ExpiresAt)
		}
	}
	t.Error("it lives for ever")
}

// TestN50NoCodesBelowAAL2: recovery codes are not made for who holds a password
// alone, on a page or by the API.
func TestN50NoCodesBelowAAL2(t *testing.T) {
	w := newLife(t, `{}`)
	p := w.browser()
	p.signIn("grace")
	var f *identity.Fault
	if _, err := p.duty(Duty{Kind: DutyEnrol, Factor: "recovery"}); !errors.As(err, &f) || f.Code != "factor_unavailable" {
		t.Errorf("%v", err)
	}
	if _, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, w.token("grace", true), "recovery", factor.Asked{}); !errors.As(err, &f) || f.Code != "factor_unavailable" {
		t.Errorf("%v", err)
	}
	id, err := p.duty(Duty{Kind: DutyEnrol})
	w.must(err)
	v := p.answer(id, "grace word").View
	if v.current() == "ticket" {
		v = p.answer(id, "T-first").View
	}
	if v.Step != Enrol || v.has("offer:recovery") || !v.has("offer:totp") {
		t.Errorf("%s", v)
	}
	a, err := w.engine.Account(t.Context(), w.tenant, p.Browser)
	w.must(err)
	if a.CodesOf != "" || a.Codes != -1 {
		t.Errorf("%q %d", a.CodesOf, a.Codes)
	}
}
