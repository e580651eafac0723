package flow

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestSignInWithPassword(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	a := p.signIn("ada")
	if got := param(t, a, "iss"); got != w.tenant.Issuer {
		t.Errorf("iss %q", got)
	}
	if param(t, a, "state") != "st" {
		t.Error("state is lost")
	}
	c := w.redeem(a)
	if st := w.worth(c.Grant); st.Level != assurance.AAL1 || !slices.Equal(st.AMR, []string{"pwd"}) {
		t.Errorf("standing %+v", st)
	}
	if p.Session == "" || p.Device == "" {
		t.Error("no cookies")
	}
	// The session now answers by itself.
	if b := p.begin(); b.Answer == nil || param(t, b.Answer, "code") == "" {
		t.Errorf("no single sign-on: %+v", b)
	}
}

// TestEnrolledMeansEnforced: under every mode a person with a second factor is
// asked for it, and nothing but its proof goes on.
func TestEnrolledMeansEnforced(t *testing.T) {
	for _, mode := range []string{"optional", "never", "always"} {
		w := newWorld(t, `{"mfa":"`+mode+`"}`)
		w.addCode("ada")
		p := w.browser()
		id := p.begin().FlowID
		p.identify(id, "ada@example.com")
		v := p.answer(id, "ada word").View
		if v.Step != Prove || v.Prompts[0].Factor != "totp" {
			t.Fatalf("%s: %s", mode, v)
		}
		for _, post := range []Post{{Skip: true}, {Prompt: promptConsent, Value: "allow"}, {Choose: "offer:none"}, {Choose: promptSession}, {Prompt: "p99", Value: "1"}} {
			if out := p.post(id, post); out.View.Step != Prove || out.Answer != nil {
				t.Errorf("%s: %+v went to %s", mode, post, out.View.Step)
			}
		}
		w.pass(time.Minute)
		out := p.answer(id, w.code())
		if st := w.worth(w.redeem(out.Answer).Grant); st.Level != assurance.AAL2 || !slices.Equal(st.AMR, []string{"otp", "pwd", "mfa"}) {
			t.Errorf("%s: %+v", mode, st)
		}
	}
}

// TestC22H09ForcedEnrolmentCompletesAtAAL2, and its confirming code is no code any more.
func TestC22H09ForcedEnrolmentCompletesAtAAL2(t *testing.T) {
	w := newWorld(t, byPassword(`"mfa":"always","factors":["totp"]`))
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	v := p.answer(id, "ada word").View
	if v.Step != Enrol || !v.Prompts[0].Enrolling || v.Prompts[0].Secret == "" || v.Skippable {
		t.Fatalf("%s", v)
	}
	if out := p.post(id, Post{Skip: true}); out.View.Step != Enrol {
		t.Errorf("skipped to %s", out.View.Step)
	}
	if out := p.answer(id, "1"); out.View.Error == nil || out.View.Error.Code != "code_invalid" {
		t.Errorf("wrong code: %s", out.View)
	}
	used := w.code()
	out := p.answer(id, used)
	if st := w.worth(w.redeem(out.Answer).Grant); st.Level != assurance.AAL2 {
		t.Errorf("%+v", st)
	}
	// T-04, H-09: another flow in the same step.
	q := w.browser()
	id = q.begin().FlowID
	q.identify(id, "ada@example.com")
	q.answer(id, "ada word")
	if v := q.answer(id, used).View; v.Error == nil || v.Error.Code != "code_replayed" {
		t.Errorf("confirmation code signed in: %s", v)
	}
	if n := len(w.events(identity.EventEnrolmentCreated)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestH08CodeOnce: the same code in two flows at once is one success.
func TestH08CodeOnce(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	const n = 8
	ids, people := make([]string, n), make([]*person, n)
	for i := range n {
		p := w.browser()
		ids[i], people[i] = p.begin().FlowID, p
		p.identify(ids[i], "ada@example.com")
		if v := p.answer(ids[i], "ada word").View; v.Step != Prove {
			t.Fatalf("%s", v)
		}
	}
	w.pass(time.Minute)
	value := w.code()
	var mu sync.Mutex
	done := 0
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			out, err := w.engine.Post(t.Context(), w.tenant, people[i].Browser, ids[i], Post{Prompt: "p2", Value: value})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if out.View.Step == Done {
				done++
			}
		}()
	}
	wg.Wait()
	if done != 1 {
		t.Errorf("%d flows finished with one code", done)
	}
}

// TestH41H42UnknownUserLooksTheSame: same views, same work, same events' shape.
func TestH41H42UnknownUserLooksTheSame(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("grace")
	run := func(name string) ([]View, int) {
		p := w.browser()
		id := p.begin().FlowID
		before := w.word.judged
		var views []View
		views = append(views, p.identify(id, name))
		for range 7 {
			views = append(views, p.post(id, Post{Prompt: views[len(views)-1].prompt(), Value: "wrong"}).View)
			views = append(views, p.view(id))
		}
		return views, w.word.judged - before
	}
	known, hashes := run("ada@example.com")
	unknown, hashes2 := run("nobody@example.com")
	withFactor, hashes3 := run("grace@example.com")
	ignore := cmpopts.IgnoreFields(View{}, "ID", "User", "ExpiresAt")
	if d := cmp.Diff(known, unknown, ignore); d != "" {
		t.Errorf("an unknown user differs:\n%s", d)
	}
	if d := cmp.Diff(known, withFactor, ignore); d != "" {
		t.Errorf("a user with a factor differs:\n%s", d)
	}
	if hashes != hashes2 || hashes != hashes3 || hashes != 5 {
		t.Errorf("hashes: known %d, unknown %d, with factor %d", hashes, hashes2, hashes3)
	}
	if known[9].Error == nil || last(known).Error != nil {
		t.Log(known)
	}
}

func last[T any](s []T) T { return s[len(s)-1] }

// TestH01H02OneBudget: wrong codes in one flow or in many, from one address or
// fifty, meet one counter; then the right code is refused, too.
func TestH01H02OneBudget(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	compared := 0
	p := w.browser()
	for i := range 101 {
		if i%3 == 0 {
			p = w.browser()
		}
		id := p.begin().FlowID
		p.identify(id, "ada@example.com")
		if v := p.answer(id, "ada word").View; v.Step != Prove || v.Prompts[0].Factor != "totp" {
			t.Fatalf("%s", v)
		}
		v := p.answer(id, "1").View
		if v.Error == nil {
			t.Fatalf("%s", v)
		}
		if v.Error.Code == "code_invalid" {
			compared++
		}
		w.pass(time.Hour)
	}
	if compared != 40 {
		t.Errorf("%d wrong codes were compared, want 40", compared)
	}
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	p.answer(id, "ada word")
	if v := p.answer(id, w.code()).View; v.Error == nil || v.Error.Code != codeTooMany || v.Error.RetryAfter <= 0 {
		t.Errorf("right code behind a full lane: %s", v)
	}
	if len(w.events(identity.EventLaneClosed)) == 0 {
		t.Error("nobody was told that the lane closed")
	}
}

// TestN33OwnerKeepsAWay: strangers fill their lane; the known device signs in.
func TestN33OwnerKeepsAWay(t *testing.T) {
	w := newWorld(t, `{}`)
	owner := w.browser()
	owner.signIn("ada")
	stranger := w.browser()
	for range 200 {
		id := stranger.begin().FlowID
		stranger.identify(id, "ada@example.com")
		stranger.answer(id, "guess")
		w.pass(time.Hour)
	}
	id := stranger.begin().FlowID
	stranger.identify(id, "ada@example.com")
	if v := stranger.answer(id, "ada word").View; v.Error == nil || v.Error.Code != codeTooMany {
		t.Fatalf("stranger: %s", v)
	}
	owner.Session = ""
	owner.signIn("ada")
}

// TestH05ParallelGuesses: spending before judging, parallelism buys nothing.
func TestH05ParallelGuesses(t *testing.T) {
	w := newWorld(t, `{}`)
	var ids []string
	p := w.browser()
	for range 10 {
		id := p.begin().FlowID
		p.identify(id, "ada@example.com")
		ids = append(ids, id)
	}
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := w.engine.Post(t.Context(), w.tenant, p.Browser, ids[i%10], Post{Prompt: "p1", Value: "guess"}); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if w.word.judged != freeFailures {
		t.Errorf("%d guesses were compared, want %d before the first wait", w.word.judged, freeFailures)
	}
}

// TestH15ForeignBrowser: a flow answers only to the browser that began it.
func TestH15ForeignBrowser(t *testing.T) {
	w := newWorld(t, `{}`)
	attacker, victim := w.browser(), w.browser()
	id := attacker.begin().FlowID
	attacker.identify(id, "ada@example.com")
	if _, err := w.engine.View(t.Context(), w.tenant, victim.Browser, id); !errors.Is(err, identity.ErrForeign) {
		t.Errorf("view: %v", err)
	}
	for _, post := range []Post{{Prompt: "p1", Value: "ada word"}, {Cancel: true}, {Restart: true}} {
		if _, err := w.engine.Post(t.Context(), w.tenant, victim.Browser, id, post); !errors.Is(err, identity.ErrForeign) {
			t.Errorf("%+v: %v", post, err)
		}
	}
	victim.Binding = ""
	if _, err := w.engine.View(t.Context(), w.tenant, victim.Browser, id); !errors.Is(err, identity.ErrForeign) {
		t.Errorf("no cookie: %v", err)
	}
	if len(w.events(identity.EventForeignBrowser)) == 0 {
		t.Error("not audited")
	}
	if w.word.judged != 0 {
		t.Error("the response was judged")
	}
}

// TestH11OtherTenant: a flow of one tenant is not found in another.
func TestH11OtherTenant(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	other := identity.Tenant{ID: "tnt_b", Issuer: "https://b.example", Name: "B"}
	w.must(w.store.PutTenant(t.Context(), other))
	if _, err := w.engine.View(t.Context(), other, p.Browser, id); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestC05LostLastReply: the same response again gets the same answer, for a
// minute, in the same browser, until the code is taken.
func TestC05LostLastReply(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	last := Post{Prompt: "p1", Value: "ada word"}
	first := p.post(id, last)
	if again := p.post(id, last); cmp.Diff(first.Answer, again.Answer) != "" {
		t.Errorf("another answer: %+v, then %+v", first.Answer, again.Answer)
	}
	if n := len(w.events(identity.EventSessionOpened)); n != 1 {
		t.Errorf("%d sessions", n)
	}
	gone := func(who *person, post Post, why string) {
		t.Helper()
		if out, err := w.engine.Post(t.Context(), w.tenant, who.Browser, id, post); err == nil || out.Answer != nil {
			t.Errorf("%s: got %+v", why, out.Answer)
		}
	}
	gone(p, Post{Prompt: "p1", Value: "other"}, "another response")
	gone(w.browser(), last, "another browser")
	w.redeem(first.Answer)
	gone(p, last, "after the code was taken")
	var over *OverError
	if _, err := w.engine.View(t.Context(), w.tenant, p.Browser, id); !errors.As(err, &over) || over.Application.Home == "" {
		t.Errorf("a spent page: %v", err)
	}
}

// TestC06ProofsFromBeforeAChangeAreNone: whatever raises the user's epoch in
// mid-flow starts the flow over.
func TestC06ProofsFromBeforeAChangeAreNone(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	p.answer(id, "ada word")
	w.update(func(tx identity.Tx) error {
		u, err := tx.Users.ByID(t.Context(), w.users["ada"].ID)
		if err != nil {
			return err
		}
		return w.engine.EndUser(t.Context(), tx, u, "test")
	})
	if v := p.view(id); v.Step != Prove || v.Prompts[0].Factor != "word" {
		t.Errorf("went on with %s", v)
	}
	// And while a response is being judged.
	w.word.hook = func() {
		w.word.hook = nil
		w.update(func(tx identity.Tx) error {
			u, err := tx.Users.ByID(t.Context(), w.users["ada"].ID)
			if err != nil {
				return err
			}
			return tx.Users.Bump(t.Context(), u.ID, u.Epoch)
		})
	}
	if v := p.answer(id, "ada word").View; v.Step != Prove || v.Prompts[0].Factor != "word" || v.Error == nil || v.Error.Code != codeBusy {
		t.Errorf("accepted across a change: %s", v)
	}
}

// TestH31DisabledUser: a right password of a disabled user opens nothing.
func TestH31DisabledUser(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	p.signIn("ada")
	w.update(func(tx identity.Tx) error {
		u, err := tx.Users.ByID(t.Context(), w.users["ada"].ID)
		if err != nil {
			return err
		}
		at := w.now()
		u.DisabledAt = &at
		if err := tx.Users.Save(t.Context(), u); err != nil {
			return err
		}
		return w.engine.EndUser(t.Context(), tx, u, "disabled")
	})
	if _, err := w.engine.Current(t.Context(), w.tenant, p.Browser); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("session lives: %v", err)
	}
	id := p.begin().FlowID
	if v := p.view(id); v.Step != Identify {
		t.Fatalf("%s", v)
	}
	p.identify(id, "ada@example.com")
	out := p.answer(id, "ada word")
	if out.View.Step != Denied || param(t, out.Answer, "error") != "access_denied" || param(t, out.Answer, "code") != "" {
		t.Errorf("%s %+v", out.View, out.Answer)
	}
}

func TestCancelIsFinal(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	out := p.post(id, Post{Cancel: true})
	if out.View.Step != Denied || param(t, out.Answer, "error") != "access_denied" || param(t, out.Answer, "state") != "st" || param(t, out.Answer, "iss") == "" {
		t.Errorf("%+v", out)
	}
	if _, err := w.engine.Post(t.Context(), w.tenant, p.Browser, id, Post{Prompt: "p1", Value: "ada word"}); !errors.Is(err, identity.ErrTaken) {
		t.Errorf("went on: %v", err)
	}
}

// TestC01SessionRises: the id stays, the secret rotates, the old one is dead.
func TestC01SessionRises(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	before := w.redeem(p.signIn("ada")).Grant
	old := p.Session
	w.addCode("ada")
	w.pass(time.Minute)
	after := w.redeem(p.signIn("ada", wantLevel(assurance.AAL2))).Grant
	if before.Session != after.Session {
		t.Errorf("sid changed from %s to %s", before.Session, after.Session)
	}
	if p.Session == old {
		t.Error("the secret did not rotate")
	}
	stale := *p
	stale.Session = old
	if _, err := w.engine.Current(t.Context(), w.tenant, stale.Browser); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("the old secret opens: %v", err)
	}
	// C-02: the first grant does not rise with the session.
	if st := w.worth(before); st.Level != assurance.AAL1 {
		t.Errorf("a grant of aal1 rose to %s", st.Level)
	}
	if st := w.worth(after); st.Level != assurance.AAL2 {
		t.Errorf("the raised grant has %s", st.Level)
	}
	// Another user makes a new session and ends this one.
	q := p.begin(func(r *Request) { r.PromptSelect = true }).FlowID
	p.identify(q, "grace@example.com")
	other := w.redeem(p.answer(q, "grace word").Answer).Grant
	if other.Session == after.Session {
		t.Error("two users share a sid")
	}
	if st := w.worth(after); st.Level != assurance.None {
		t.Errorf("the first user's grant lives at %s", st.Level)
	}
}

// TestH14OnlyItsOwnSessionRises.
func TestH14OnlyItsOwnSessionRises(t *testing.T) {
	w := newWorld(t, `{}`)
	own, attacker := w.browser(), w.browser()
	own.signIn("ada")
	stolen := w.redeem(attacker.signIn("ada")).Grant
	w.addCode("ada")
	own.signIn("ada", wantLevel(assurance.AAL2))
	cur, err := w.engine.Current(t.Context(), w.tenant, attacker.Browser)
	w.must(err)
	if cur.Standing.Level != assurance.AAL1 || w.worth(stolen).Level != assurance.AAL1 {
		t.Errorf("the other session rose to %s", cur.Standing.Level)
	}
}

// TestH56A24PromptNone: no page, no weaker answer.
func TestH56A24PromptNone(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	want := func(name, code string, change ...func(*Request)) {
		t.Helper()
		b := p.begin(append(change, silently)...)
		if b.FlowID != "" || param(t, b.Answer, "error") != code || param(t, b.Answer, "code") != "" {
			t.Errorf("%s: got %+v, want %s", name, b.Answer, code)
		}
	}
	want("nobody signed in", "login_required")
	p.signIn("ada")
	w.pass(time.Minute)
	want("max_age=0", "login_required", maxAge(0))
	want("max_age too short", "login_required", maxAge(59*time.Second))
	want("aal3 that nobody can reach", "unmet_authentication_requirements", wantLevel(assurance.AAL3))
	want("aal2 would need an enrolment", "interaction_required", wantLevel(assurance.AAL2))
	want("max_age=0 and aal3", "unmet_authentication_requirements", maxAge(0), wantLevel(assurance.AAL3))
	want("another subject", "login_required", func(r *Request) { r.Subject = w.users["grace"].ID })
	want("unknown subject", "login_required", func(r *Request) { r.Subject = "usr_x" })
	want("managing factors", "login_required", func(r *Request) { r.Authorization.Scopes = []string{"openid", "me:factors"} })
	if b := p.begin(silently, maxAge(time.Minute)); b.Answer == nil || param(t, b.Answer, "code") == "" {
		t.Errorf("max_age that holds: %+v", b)
	}
}

// TestA25MaxAgeProvesAgain: a fresh sign-in has a newer auth_time, and with a
// second factor both are proved again.
func TestA25MaxAgeProvesAgain(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	first := w.worth(w.redeem(p.signIn("ada")).Grant)
	w.pass(10 * time.Minute)
	asked := w.now()
	second := w.worth(w.redeem(p.signIn("ada", maxAge(0))).Grant)
	if !second.AuthTime.After(first.AuthTime) || second.AuthTime.Before(asked) || second.Level != assurance.AAL2 {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

// TestA26AnotherPersonAnswers: the hint's user is expected; nobody else will do.
func TestA26AnotherPersonAnswers(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	id := p.begin(func(r *Request) { r.Subject = w.users["ada"].ID }).FlowID
	p.post(id, Post{Restart: true})
	p.identify(id, "grace@example.com")
	out := p.answer(id, "grace word")
	if out.View.Step != Denied || param(t, out.Answer, "error") != "login_required" {
		t.Errorf("%s", out.View)
	}
}

// TestC07ChangingTheUserForgetsProofs.
func TestC07ChangingTheUserForgetsProofs(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	p.answer(id, "ada word")
	p.post(id, Post{Restart: true})
	if v := p.identify(id, "grace@example.com"); v.Step != Prove || v.Prompts[0].Factor != "word" {
		t.Errorf("grace goes on with ada's proof: %s", v)
	}
	p.post(id, Post{Restart: true})
	if v := p.identify(id, "ada@example.com"); v.Prompts[0].Factor != "word" {
		t.Errorf("ada's proof came back: %s", v)
	}
}

// TestC08FirstReachableWins.
func TestC08FirstReachableWins(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	alternatives := func(levels ...assurance.Level) func(*Request) {
		return func(r *Request) {
			for _, l := range levels {
				r.Alternatives = append(r.Alternatives, assurance.Requirement{Level: l})
			}
		}
	}
	if st := w.worth(w.redeem(p.signIn("ada", alternatives(assurance.AAL3, assurance.AAL2))).Grant); st.Level != assurance.AAL2 {
		t.Errorf("got %s", st.Level)
	}
	q := w.browser()
	id := q.begin(alternatives(assurance.AAL3)).FlowID
	q.identify(id, "ada@example.com")
	if out := q.answer(id, "ada word"); out.View.Step != Denied || param(t, out.Answer, "error") != "unmet_authentication_requirements" {
		t.Errorf("%s", out.View)
	}
	if len(w.events(identity.EventRequirementFailed)) != 1 {
		t.Error("the denial was not recorded")
	}
}

// TestN20DecayThroughTheEngine moves the clock past the idle limit of AAL2.
func TestN20DecayThroughTheEngine(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	g := w.redeem(p.signIn("ada")).Grant
	w.pass(time.Hour - time.Second)
	if st := w.worth(g); st.Level != assurance.AAL2 {
		t.Errorf("a second before: %s", st.Level)
	}
	w.pass(time.Second)
	if st := w.worth(g); st.Level != assurance.AAL1 {
		t.Errorf("at the limit: %s", st.Level)
	}
	// Enrolled is enforced, so the next request asks again.
	if b := p.begin(); b.Answer != nil {
		t.Errorf("decayed session answered: %+v", b.Answer)
	}
	w.pass(720 * time.Hour)
	if _, err := w.engine.Current(t.Context(), w.tenant, p.Browser); !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("after 30 days: %v", err)
	}
}

// TestH52Restart: a flow goes on in another process, and counters are kept.
func TestH52Restart(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	for range 5 {
		p.answer(id, "wrong")
	}
	w.engine = w.newEngine()
	if v := p.answer(id, "ada word").View; v.Error == nil || v.Error.Code != codeTooMany {
		t.Errorf("the counter was forgotten: %s", v)
	}
	w.pass(30 * time.Second)
	if out := p.answer(id, "ada word"); out.Answer == nil {
		t.Errorf("%s", out.View)
	}
}

// TestFlowExpires after 15 minutes, exactly.
func TestFlowExpires(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	w.pass(flowLife - time.Microsecond)
	p.view(id)
	w.pass(time.Microsecond)
	if _, err := w.engine.View(t.Context(), w.tenant, p.Browser, id); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("got %v", err)
	}
}

// TestC13DeviceRotates: the value changes at each completed sign-in; the last
// one is good for a minute, an older one is a signal, never a device.
func TestC13DeviceRotates(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	p.signIn("ada")
	first := *p
	p.Session = ""
	p.signIn("ada")
	if p.Device != first.Device || p.Secret == first.Secret {
		t.Errorf("device %s → %s", first.Device, p.Device)
	}
	known := func(b Browser) bool {
		r, err := w.engine.start(t.Context(), w.tenant, b)
		w.must(err)
		u := w.users["ada"]
		r.user = &u
		w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) error { r.tx = tx; return r.readDevice() }))
		return r.device != nil
	}
	if !known(p.Browser) || !known(first.Browser) {
		t.Error("the current or the last value is not known")
	}
	w.pass(deviceGrace)
	if known(first.Browser) {
		t.Error("the last value is good after a minute")
	}
	first.Session = ""
	first.signIn("ada")
	if first.Device == p.Device || len(w.events(identity.EventDeviceStale)) != 1 {
		t.Error("a stale value became the device, or nobody noticed")
	}
}

// TestDevicesAreBounded: ten per user, the oldest go.
func TestDevicesAreBounded(t *testing.T) {
	w := newWorld(t, `{}`)
	for range 13 {
		w.browser().signIn("ada")
		w.pass(time.Minute)
	}
	var n int
	w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) error {
		all, err := tx.Devices.ByUser(t.Context(), w.users["ada"].ID)
		n = len(all)
		return err
	}))
	if n != maxDevices {
		t.Errorf("%d devices", n)
	}
}

// TestConsent: other people's applications ask, and a refusal is final.
func TestConsent(t *testing.T) {
	w := newWorld(t, `{}`)
	w.app.FirstParty = false
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	out := p.answer(id, "ada word")
	if out.View.Step != Consent || out.Answer != nil {
		t.Fatalf("%s", out.View)
	}
	if out := p.post(id, Post{Prompt: promptConsent, Value: "no"}); out.View.Step != Consent {
		t.Errorf("%s", out.View)
	}
	out = p.post(id, Post{Prompt: promptConsent, Value: "allow"})
	c := w.redeem(out.Answer)
	if b := p.begin(silently); param(t, b.Answer, "error") != "consent_required" {
		t.Errorf("%+v", b.Answer)
	}
	w.update(func(tx identity.Tx) error {
		c.Grant.ExpiresAt = w.now().Add(time.Hour)
		return tx.Grants.Create(t.Context(), c.Grant)
	})
	if b := p.begin(silently); param(t, b.Answer, "code") == "" {
		t.Errorf("asked twice: %+v", b.Answer)
	}
	if b := p.begin(silently, func(r *Request) { r.Authorization.Scopes = []string{"openid", "email"} }); param(t, b.Answer, "error") != "consent_required" {
		t.Errorf("more scopes: %+v", b.Answer)
	}
}

// TestH43NoSecretInEvents: what people type never reaches the audit.
func TestH43NoSecretInEvents(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	p.UserAgent = "evil\r\nagent\x1b[31m"
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	p.answer(id, "ada wrong word")
	p.answer(id, "ada word")
	var all []identity.Event
	w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
		all, err = tx.Events.List(t.Context(), identity.EventFilter{})
		return err
	}))
	if len(all) < 4 {
		t.Fatalf("%d events", len(all))
	}
	for _, e := range all {
		text := strings.Join(e.Reasons, " ") + e.UserAgent + e.Type
		for _, v := range e.Data {
			text += v
		}
		for _, secret := range []string{"word ", "wrong", p.Session, p.Secret, p.Binding, "\r", "\n", "\x1b"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", e.Type, secret)
			}
		}
	}
}
