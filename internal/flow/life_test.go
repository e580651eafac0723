package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// TestC21H18FirstFactorNeedsTicket: whoever has only the password binds nothing;
// the owner, with the mailed code, ends at AAL2 with recovery codes (C-22).
func TestC21H18FirstFactorNeedsTicket(t *testing.T) {
	w := newLife(t, `{"mfa":"always","factors":["totp","recovery","passkey"]}`)
	p := w.browser()
	id, v := p.toPassword("ada")
	if v.Step != Prove || v.current() != "ticket" || v.Skippable {
		t.Fatalf("%s", v)
	}
	for _, post := range []Post{{Choose: "offer:totp"}, {Choose: "offer:passkey"}, {Skip: true}, {Prompt: v.prompt(), Value: "T-reset"}, {Prompt: "p99", Value: w.code()}} {
		if out := p.post(id, post); out.View.Step != Prove || out.Answer != nil {
			t.Errorf("%+v: %s", post, out.View)
		}
	}
	if got := w.held("ada"); !slices.Equal(got, []string{"word"}) {
		t.Errorf("held: %v", got)
	}
	if v = p.answer(id, "T-first").View; v.Step != Enrol || !v.has("offer:totp") || !v.has("offer:passkey") {
		t.Fatalf("%s", v)
	}
	if v = p.choose(id, "offer:totp"); v.Prompts[0].Secret == "" {
		t.Fatalf("%s", v)
	}
	if v = p.answer(id, w.code()).View; v.Step != Enrol || v.current() != "recovery" || len(v.Prompts[0].Codes) != 2 || v.Skippable {
		t.Fatalf("codes are to follow: %s", v)
	}
	out := p.answer(id, "kept")
	if st := w.worth(w.redeem(out.Answer).Grant); st.Level != assurance.AAL2 {
		t.Errorf("%+v", st)
	}
	if n := len(w.mailed(identity.MessageFactorAdded)); n != 2 {
		t.Errorf("%d notices", n)
	}
}

// TestC21KnownDeviceStandsForTicket, but not one that became known just now.
func TestC21KnownDeviceStandsForTicket(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		step  Step
	}{"just now": {time.Minute, Prove}, "an hour": {time.Hour, Prove}, "a day": {day1, Enrol}} {
		t.Run(name, func(t *testing.T) {
			w := newLife(t, `{"factors":["totp","passkey"]}`)
			p := w.browser()
			p.signIn("ada")
			w.pass(c.after)
			w.tenant.Policy = json.RawMessage(`{"mfa":"always","factors":["totp","passkey"]}`)
			if _, v := p.toPassword("ada"); v.Step != c.step {
				t.Errorf("%s", v)
			}
		})
	}
}

// TestC21OperatorTicket is taken in place of the mailed code, once, by its user.
func TestC21OperatorTicket(t *testing.T) {
	w := newLife(t, `{"mfa":"always","factors":["totp","passkey"]}`)
	var ticket string
	w.update(func(tx identity.Tx) (err error) {
		ticket, err = w.engine.OperatorTicket(w.Context(), tx, w.users["ada"], w.now().Add(day1))
		return err
	})
	g := w.browser()
	id, _ := g.toPassword("grace")
	if v := g.answer(id, ticket).View; errorCode(v) == "" {
		t.Errorf("another user's ticket: %s", v)
	}
	p := w.browser()
	id, _ = p.toPassword("ada")
	if v := p.answer(id, strings.ToLower(strings.ReplaceAll(ticket, "-", " "))).View; v.Step != Enrol {
		t.Fatalf("%s", v)
	}
	q := w.browser()
	id, _ = q.toPassword("ada")
	if v := q.answer(id, ticket).View; v.Step != Prove || errorCode(v) == "" {
		t.Errorf("used twice: %s", v)
	}
}

// TestH41ResetSaysTheSame for an address that nobody has, and never lets it on.
func TestH41ResetSaysTheSame(t *testing.T) {
	w := newLife(t, `{}`)
	w.addCode("ada")
	var seen []string
	for _, who := range []string{"grace", "nobody", "ada"} {
		p := w.browser()
		id := p.begin().FlowID
		v := p.identify(id, who+"@example.com")
		text := shape(t, v)
		v = p.choose(id, "reset")
		text += shape(t, v)
		v = p.answer(id, "wrong").View
		text += shape(t, v)
		v = p.post(id, Post{Resend: true}).View
		text += shape(t, v)
		seen = append(seen, strings.ReplaceAll(text, who, "WHO"))
		if who == "nobody" {
			if v = p.answer(id, "T-reset").View; v.Step != Prove || errorCode(v) == "" {
				t.Errorf("nobody: %s", v)
			}
		}
	}
	if seen[0] != seen[1] || seen[1] != seen[2] {
		t.Errorf("the views differ:\n%s", strings.Join(seen, "\n"))
	}
}

// shape is a view without what is new in each flow.
func shape(t *testing.T, v View) string {
	t.Helper()
	v.ID, v.ExpiresAt = "", time.Time{}
	for i := range v.Prompts {
		v.Prompts[i].PublicKey = nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw) + "\n"
}

// TestS01ResetNeverBypassesMFA (ASVS 6.4.3): mail and a second factor, or for who
// has none mail alone; other sessions end, and everybody is told.
func TestS01ResetNeverBypassesMFA(t *testing.T) {
	w := newLife(t, `{}`)
	w.addCode("ada")
	other := w.browser()
	other.signIn("ada")
	w.pass(time.Minute)
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	p.choose(id, "reset")
	v := p.answer(id, "T-reset").View
	if v.Step != Prove || v.current() != "totp" || v.Purpose != "reset" {
		t.Fatalf("%s", v)
	}
	if out := p.answer(id, "1"); out.View.Step != Prove {
		t.Fatalf("%s", out.View)
	}
	if v = p.answer(id, w.code()).View; v.Step != Enrol || v.current() != "word" {
		t.Fatalf("%s", v)
	}
	out := p.answer(id, "a new word")
	if st := w.worth(w.redeem(out.Answer).Grant); st.Level != assurance.AAL2 {
		t.Errorf("%+v", st)
	}
	if n := len(w.sessions("ada")); n != 1 {
		t.Errorf("%d sessions are left", n)
	}
	if n := len(w.mailed(identity.MessagePassword)); n != 1 {
		t.Errorf("%d notices", n)
	}
	if _, err := w.engine.Current(t.Context(), w.tenant, other.Browser); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("the other session: %v", err)
	}
	q := w.browser()
	id = q.begin().FlowID
	q.identify(id, "ada@example.com")
	if v := q.answer(id, "ada word").View; errorCode(v) != codeInvalidCredentials {
		t.Errorf("the old password: %s", v)
	}
}

// TestC24ResetByMailAndCodeByMailAreOneProof, until the password is changed with
// something else.
func TestC24ResetByMailAndCodeByMailAreOneProof(t *testing.T) {
	w := newLife(t, `{}`)
	w.hold("ada", "email", "ada@example.com")
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	p.choose(id, "reset")
	if v := p.answer(id, "T-reset").View; v.Step != Enrol || v.current() != "word" {
		t.Fatalf("a code to the same mailbox is nothing more: %s", v)
	}
	out := p.answer(id, "ada word")
	if st := w.worth(w.redeem(out.Answer).Grant); st.Level != assurance.AAL1 {
		t.Errorf("%+v", st)
	}
	q := w.browser()
	if b := q.begin(wantLevel(assurance.AAL2)); b.FlowID != "" {
		id = b.FlowID
		q.identify(id, "ada@example.com")
		v := q.answer(id, "ada word").View
		if v.current() == "email" {
			v = q.answer(id, "123456").View
		}
		if v.Step == Done {
			t.Errorf("one mailbox reached AAL2")
		}
	}
}

// TestPeersResetNeedsTheMailedSecret (CVE-2026-18963): from every state of a
// reset no sequence of requests without the mailed code comes to a new password.
func TestPeersResetNeedsTheMailedSecret(t *testing.T) {
	w := newLife(t, `{"registration":"open"}`)
	w.addCode("ada")
	w.hold("ada", "recovery", "R1,R2")
	posts := []Post{
		{Choose: "reset"},
		{Choose: "register"},
		{Choose: "offer:word"},
		{Choose: "offer:totp"},
		{Choose: "offer:passkey"},
		{Choose: "offer:recovery"},
		{Choose: "ticket:unlock"},
		{Choose: "ticket:first"},
		{Choose: "ticket:reset"},
		{Skip: true},
		{Resend: true},
		{Restart: true},
		{Prompt: "identifier", Value: "ada@example.com"},
		{Value: "T-first"},
		{Value: "T-register"},
		{Value: "R1"},
		{Value: "kept"},
		{Value: "a thief's word"},
	}
	var walk func(p *person, id string, path []int)
	count := 0
	walk = func(p *person, id string, path []int) {
		if len(path) == 3 {
			return
		}
		for i := range posts {
			// Every path begins anew: a flow has no way back.
			next := append(slices.Clone(path), i)
			p := w.browser()
			id := p.begin().FlowID
			p.identify(id, "ada@example.com")
			for _, j := range next {
				post := posts[j]
				if post.Value != "" && post.Prompt == "" {
					post.Prompt = p.view(id).prompt()
				}
				out, err := p.engine.Post(p.Context(), p.tenant, p.Browser, id, post)
				if err != nil {
					return
				}
				if s := out.View.Step; s == Enrol || s == Done || out.Answer != nil {
					t.Fatalf("%v came to %s", next, out.View)
				}
			}
			count++
			walk(p, id, next)
		}
	}
	walk(nil, "", nil)
	if count < 1000 {
		t.Errorf("only %d paths", count)
	}
}

// TestRegistration makes a user of who shows the mailbox, and nobody else.
func TestRegistration(t *testing.T) {
	w := newLife(t, `{"registration":"open"}`)
	p := w.browser()
	id := p.begin().FlowID
	if v := p.view(id); !v.has("register") {
		t.Fatalf("%s", v)
	}
	if v := p.choose(id, "register"); v.Step != Identify || v.Purpose != "register" || v.has("register") {
		t.Fatalf("%s", v)
	}
	if v := p.identify(id, "new@example.com"); v.Step != Prove || v.current() != "ticket" {
		t.Fatalf("%s", v)
	}
	if v := p.answer(id, "T-first").View; v.Step != Prove {
		t.Fatalf("%s", v)
	}
	v := p.answer(id, "T-register").View
	if v.Step != Enrol || !v.has("offer:word") || !v.has("offer:passkey") {
		t.Fatalf("%s", v)
	}
	p.choose(id, "offer:word")
	out := p.answer(id, "new word")
	if out.Answer == nil {
		t.Fatalf("%s", out.View)
	}
	g := w.redeem(out.Answer).Grant
	w.users["new"] = identity.User{ID: g.User}
	if u := w.reload("new"); u.Email != "new@example.com" || !u.EmailVerified || len(u.Handle) != handleLength {
		t.Errorf("%+v", u)
	}
	if n := len(w.mailed(identity.MessagePassword)); n != 0 {
		t.Error("a first password was announced as a change")
	}
}

// TestH41RegistrationSaysTheSame for an address that somebody has.
func TestH41RegistrationSaysTheSame(t *testing.T) {
	w := newLife(t, `{"registration":"open"}`)
	var seen []string
	for _, who := range []string{"ada", "new"} {
		p := w.browser()
		id := p.begin().FlowID
		p.choose(id, "register")
		text := shape(t, p.identify(id, who+"@example.com")) + shape(t, p.answer(id, "wrong").View)
		seen = append(seen, strings.ReplaceAll(text, who, "WHO"))
		if who == "ada" {
			if v := p.answer(id, "T-register").View; v.Step != Prove {
				t.Errorf("registered over somebody: %s", v)
			}
		}
	}
	if seen[0] != seen[1] {
		t.Errorf("the views differ:\n%s\n%s", seen[0], seen[1])
	}
}

// TestRegistrationIsClosedByDefault: no page offers it and no request gets it.
func TestRegistrationIsClosedByDefault(t *testing.T) {
	w := newLife(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	if v := p.choose(id, "register"); v.Purpose != "" || errorCode(v) != codeStale || v.has("register") {
		t.Errorf("%s", v)
	}
}

// TestInvitation gives a person their user, once.
func TestInvitation(t *testing.T) {
	w := newLife(t, `{}`)
	u := identity.User{ID: "usr_invited", Identifier: "bo@example.com", Email: "bo@example.com", Handle: []byte("h"), CreatedAt: w.now()}
	var token string
	w.update(func(tx identity.Tx) (err error) {
		if err := tx.Users.Create(w.Context(), u); err != nil {
			return err
		}
		token, err = w.engine.Invite(w.Context(), tx, u, w.now().Add(day1), true)
		return err
	})
	w.users["bo"] = u
	join := func(p *person) string {
		b, err := w.engine.BeginJoin(t.Context(), w.tenant, p.Browser, token)
		w.must(err)
		return b.FlowID
	}
	left := w.browser() // begun, and never finished: the link still works
	join(left)
	p := w.browser()
	id := join(p)
	v := p.view(id)
	if v.Step != Enrol || !v.has("offer:word") {
		t.Fatalf("%s", v)
	}
	p.choose(id, "offer:word")
	if out := p.answer(id, "bo word"); out.Answer == nil || out.Answer.Redirect != "/account" {
		t.Fatalf("%s", out.View)
	}
	if u := w.reload("bo"); !u.EmailVerified {
		t.Error("the mailed link did not confirm the address")
	}
	if _, err := w.engine.BeginJoin(t.Context(), w.tenant, w.browser().Browser, token); !errors.Is(err, identity.ErrTaken) {
		t.Errorf("used twice: %v", err)
	}
}

// TestC23H20RecoveryOpensReEnrolmentOnly: no session, no code, no account; then a
// full sign-in; and for three days nothing is removed.
func TestC23H20RecoveryOpensReEnrolmentOnly(t *testing.T) {
	w := newLife(t, `{}`)
	lost := w.addCode("ada")
	w.hold("ada", "recovery", "R1,R2")
	p := w.browser()
	id, v := p.toPassword("ada")
	if v.current() != "totp" || !v.has("offer:recovery") {
		t.Fatalf("recovery comes last: %s", v)
	}
	p.choose(id, "offer:recovery")
	out := p.answer(id, "R1")
	if v = out.View; v.Step != Enrol || v.Purpose != "recover" || out.Answer != nil || v.has("offer:recovery") {
		t.Fatalf("%s", v)
	}
	if n := len(w.sessions("ada")); n != 0 || p.Session != "" {
		t.Errorf("%d sessions", n)
	}
	if n := len(w.mailed(identity.MessageRecoveryUsed)); n != 1 {
		t.Errorf("%d notices", n)
	}
	p.choose(id, "offer:passkey")
	p.press(id, "k1", "ada")
	if v = p.press(id, "k1", "ada").View; v.Step != Prove || v.current() != "word" {
		t.Fatalf("a full sign-in is to follow: %s", v)
	}
	p.answer(id, "ada word")
	p.choose(id, "offer:passkey")
	if out = p.press(id, "k1", "ada"); out.Answer == nil {
		t.Fatalf("%s", out.View)
	}
	w.pass(time.Hour)
	for _, d := range []Duty{{Kind: DutyRemove, Enrolment: lost}, {Kind: DutyEmail, Value: "thief@example.com"}, {Kind: DutyPhone, Value: "+4915112345678"}} {
		var f *identity.Fault
		if _, err := p.duty(d); !errors.As(err, &f) || f.Code != "recovered_recently" {
			t.Errorf("%s: %v", d.Kind, err)
		}
	}
	w.pass(cooling)
	if _, err := p.duty(Duty{Kind: DutyRemove, Enrolment: lost}); err != nil && !errors.Is(err, identity.ErrNotFound) { // the session may have idled away
		t.Errorf("after three days: %v", err)
	}
	// The code is spent.
	q := w.browser()
	id, _ = q.toPassword("ada")
	q.choose(id, "offer:recovery")
	if v := q.answer(id, "R1").View; errorCode(v) == "" {
		t.Errorf("used twice: %s", v)
	}
}

// TestH06RecoveryCodeOnce: twenty at once, on two engines.
func TestH06RecoveryCodeOnce(t *testing.T) {
	w := newLife(t, `{}`)
	w.addCode("ada")
	w.hold("ada", "recovery", "R1,R2")
	second := New(w.engine.Deps)
	var ids [20]string
	var people [20]*person
	for i := range ids {
		people[i] = w.browser()
		ids[i], _ = people[i].toPassword("ada")
		people[i].choose(ids[i], "offer:recovery")
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	enrolling := 0
	for i := range ids {
		wg.Go(func() {
			e := w.engine
			if i%2 == 1 {
				e = second
			}
			p := people[i]
			v, err := e.View(t.Context(), p.tenant, p.Browser, ids[i])
			if err != nil {
				t.Error(err)
				return
			}
			out, err := e.Post(t.Context(), p.tenant, p.Browser, ids[i], Post{Prompt: v.prompt(), Value: "R1"})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if out.View.Step == Enrol {
				enrolling++
			}
		})
	}
	wg.Wait()
	if enrolling != 1 {
		t.Errorf("%d of twenty got on", enrolling)
	}
}

func ExampleView() {
	fmt.Println(View{Step: Prove}.Step)
	// Output: prove
}
