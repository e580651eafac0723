package flow

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

func otherPeoples(r *Request) { r.Application.FirstParty = false }

func freshly(r *Request) { r.PromptLogin = true }

// consented gives a user a live grant of the application.
func (w *world) consented(name string) {
	w.update(func(tx identity.Tx) error {
		s := identity.Session{ID: "ses_" + name, User: w.users[name].ID, SecretHash: []byte(name), CreatedAt: w.now(), Activity: assurance.Activity{Last: w.now()}}
		if err := tx.Sessions.Create(w.Context(), s); err != nil {
			return err
		}
		return tx.Grants.Create(w.Context(), identity.Grant{
			ID: identity.NewID("grt", w.now(), rand.Reader), User: s.User, Application: w.app.ID, Session: s.ID,
			Scopes: []string{"openid"}, CreatedAt: w.now(), ExpiresAt: w.now().Add(time.Hour),
		})
	})
}

// TestN20ActivityDoesNotWakeALapsedLevel: a level that idled out comes back by
// new proofs alone, whatever the person does in the meantime.
func TestN20ActivityDoesNotWakeALapsedLevel(t *testing.T) {
	signedIn := func(t *testing.T) (*world, *person, identity.Grant) {
		w := newWorld(t, `{}`)
		w.addCode("ada")
		p := w.browser()
		c := w.redeem(p.signIn("ada"))
		w.pass(2 * time.Hour)
		if st := w.worth(c.Grant); st.Level != assurance.AAL1 {
			t.Fatalf("idle for two hours: %+v", st)
		}
		return w, p, c.Grant
	}
	check := func(t *testing.T, w *world, p *person, g identity.Grant) {
		t.Helper()
		if st := w.worth(g); st.Level != assurance.AAL1 {
			t.Errorf("the old grant is %s again", st.Level)
		}
		b := p.begin(wantLevel(assurance.AAL2), silently)
		if param(t, b.Answer, "code") != "" {
			t.Error("aal2 without a proof")
		}
	}
	t.Run("a request for aal2", func(t *testing.T) {
		w, p, g := signedIn(t)
		id := p.begin(wantLevel(assurance.AAL2)).FlowID
		if v := p.view(id); v.Step != Prove {
			t.Errorf("the flow stands at %s", v)
		}
		check(t, w, p, g)
	})
	t.Run("the home page", func(t *testing.T) {
		w, p, g := signedIn(t)
		c, err := w.engine.Current(t.Context(), w.tenant, p.Browser)
		w.must(err)
		if c.Standing.Level != assurance.AAL1 {
			t.Errorf("%+v", c.Standing)
		}
		check(t, w, p, g)
	})
	t.Run("one of two proofs anew", func(t *testing.T) {
		w, p, g := signedIn(t)
		id := p.begin(freshly).FlowID
		if v := p.answer(id, "ada word").View; v.Step != Prove {
			t.Fatalf("%s", v)
		}
		w.pass(time.Minute)
		out := p.answer(id, w.code())
		c := w.redeem(out.Answer)
		if st := w.worth(c.Grant); st.Level != assurance.AAL2 {
			t.Errorf("new proofs are %+v", st)
		}
		if st := w.worth(g); st.Level != assurance.AAL1 {
			t.Errorf("the old grant is %s again", st.Level)
		}
	})
}

// TestConsentIsOnePersons: what one person allowed before says nothing of the next.
func TestConsentIsOnePersons(t *testing.T) {
	for name, begin := range map[string]func(*person) string{
		"typed": func(p *person) string {
			id := p.begin(otherPeoples).FlowID
			p.identify(id, "ada@example.com")
			return id
		},
		"hinted": func(p *person) string {
			return p.begin(otherPeoples, func(r *Request) { r.LoginHint = "ada@example.com" }).FlowID
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, `{}`)
			w.consented("ada")
			p := w.browser()
			id := begin(p)
			p.post(id, Post{Restart: true})
			p.identify(id, "grace@example.com")
			if out := p.answer(id, "grace word"); out.View.Step != Consent || out.Answer != nil {
				t.Errorf("grace was not asked: %s", out.View)
			}
		})
	}
}

// TestPromptConsentAsksAgain, though a grant stands.
func TestPromptConsentAsksAgain(t *testing.T) {
	w := newWorld(t, `{}`)
	w.consented("ada")
	p := w.browser()
	id := p.begin(otherPeoples, func(r *Request) { r.PromptConsent = true }).FlowID
	p.identify(id, "ada@example.com")
	if out := p.answer(id, "ada word"); out.View.Step != Consent || out.Answer != nil {
		t.Errorf("not asked: %s", out.View)
	}
	q := w.browser()
	id = q.begin(otherPeoples).FlowID
	q.identify(id, "ada@example.com")
	if out := q.answer(id, "ada word"); out.Answer == nil {
		t.Errorf("asked twice: %s", out.View)
	}
}

// spy is a store that counts look-ups of grants and can run something between
// a view and what follows.
type spy struct {
	identity.Store
	grants    int
	afterView func()
}

type spyGrants struct {
	identity.Grants
	n *int
}

func (s spyGrants) ByUser(ctx context.Context, user string) ([]identity.Grant, error) {
	*s.n++
	return s.Grants.ByUser(ctx, user)
}

func (s *spy) Update(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	return s.Store.Update(ctx, tenant, func(tx identity.Tx) error {
		tx.Grants = spyGrants{tx.Grants, &s.grants}
		return fn(tx)
	})
}

func (s *spy) View(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	err := s.Store.View(ctx, tenant, fn)
	if after := s.afterView; after != nil {
		s.afterView = nil
		after()
	}
	return err
}

// TestH41SameQueriesBeforeAProof: an application that asks for consent costs no
// look-up more where the name is known.
func TestH41SameQueriesBeforeAProof(t *testing.T) {
	w := newWorld(t, `{}`)
	s := &spy{Store: w.store}
	w.engine.Store = s
	count := func(name string) int {
		s.grants = 0
		p := w.browser()
		id := p.begin(otherPeoples).FlowID
		p.identify(id, name)
		p.answer(id, "wrong")
		w.browser().begin(otherPeoples, func(r *Request) { r.LoginHint = name })
		return s.grants
	}
	if known, unknown := count("ada@example.com"), count("nobody@example.com"); known != unknown {
		t.Errorf("%d look-ups for a known name, %d for an unknown one", known, unknown)
	}
}

// TestH41SubjectNamesNobody: a sub in a request, which anyone can write, shows
// neither whether it exists nor its address to a browser without its session.
func TestH41SubjectNamesNobody(t *testing.T) {
	w := newWorld(t, `{}`)
	open := func(sub string) (View, Begun) {
		p := w.browser()
		b := p.begin(func(r *Request) { r.Subject = sub })
		if b.Answer != nil {
			return View{}, b
		}
		return p.view(b.FlowID), b
	}
	known, _ := open(w.users["ada"].ID)
	unknown, b := open("usr_nobody")
	if b.Answer != nil || known.User != "" || known.Step != Identify || unknown.Step != Identify {
		t.Errorf("known: %s %q, unknown: %s %+v", known, known.User, unknown, b.Answer)
	}
	// And still nobody else answers.
	p := w.browser()
	id := p.begin(func(r *Request) { r.Subject = w.users["ada"].ID }).FlowID
	p.identify(id, "grace@example.com")
	if out := p.answer(id, "grace word"); param(t, out.Answer, "error") != "login_required" {
		t.Errorf("%s", out.View)
	}
}

// TestC07NoHashWithoutASlot: a prompt that opens after the slot was looked for
// is not judged without one.
func TestC07NoHashWithoutASlot(t *testing.T) {
	w := newWorld(t, `{}`)
	s := &spy{Store: w.store}
	w.engine.Store = s
	w.engine.Slots = NewSlots(SlotSize{CPUs: 1, Queue: -1})
	p := w.browser()
	id := p.begin().FlowID
	s.afterView = func() { p.identify(id, "ada@example.com") }
	w.word.hook = func() {
		if free, _ := w.engine.Slots.Load(); free != 0 {
			t.Error("judged without a slot")
		}
	}
	p.post(id, Post{Prompt: "p1", Value: "ada word"})
	w.word.hook = nil
	if out := p.answer(id, "ada word"); out.Answer == nil {
		t.Errorf("%s", out.View)
	}
}

// TestC20PurposeIsProvedInItsOwnFlow: a sign-in for something else does not
// stand for a change of sign-in methods begun before it.
func TestC20PurposeIsProvedInItsOwnFlow(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	p.signIn("ada")
	w.pass(time.Minute)
	manage := p.begin(func(r *Request) { r.Authorization.Scopes = []string{identity.ScopeMeFactors} }).FlowID
	w.pass(time.Minute)
	id := p.begin(freshly).FlowID
	if out := p.answer(id, "ada word"); out.Answer == nil {
		t.Fatalf("%s", out.View)
	}
	if v := p.view(manage); v.Step != Prove {
		t.Errorf("proved elsewhere: %s", v)
	}
	if out := p.post(manage, Post{Prompt: promptConsent}); out.Answer != nil {
		t.Errorf("a code for me:factors: %s", out.View)
	}
}

// TestNotYouIsHeardAtDone: "not you?" never finishes the sign-in it refuses.
func TestNotYouIsHeardAtDone(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	p.signIn("ada")
	w.pass(time.Minute)
	first := p.begin(freshly).FlowID
	w.pass(time.Minute)
	second := p.begin(freshly).FlowID
	p.answer(second, "ada word")
	if v := p.view(first); v.Step != Done {
		t.Fatalf("%s", v)
	}
	if out := p.post(first, Post{Restart: true}); out.Answer != nil || out.View.Step != Identify {
		t.Errorf("%s", out.View)
	}
}

// TestH31EnrolmentInFlight: what was judged before a session ended is not
// carried out after.
func TestH31EnrolmentInFlight(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	p.signIn("ada")
	c, err := w.engine.Current(t.Context(), w.tenant, p.Browser)
	w.must(err)
	a := Actor{User: c.User, Session: c.Session.ID, Proofs: c.Standing.Proofs, Fresh: true, Browser: p.Browser}
	id, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{})
	w.must(err)
	w.must(w.engine.SignOut(t.Context(), w.tenant, c.Session.ID, "test", p.Browser))
	if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, id, factor.Response{Value: w.code()}); !errors.Is(err, identity.ErrForbidden) {
		t.Errorf("bound after the session ended: %v", err)
	}
	if _, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{}); !errors.Is(err, identity.ErrForbidden) {
		t.Errorf("begun after the session ended: %v", err)
	}
}

// TestC05KeptDigestIsKeyed: what is kept to know a response again is no hash
// that passwords could be tried on: it hangs on a cookie that only the browser has.
func TestC05KeptDigestIsKeyed(t *testing.T) {
	w := newWorld(t, `{}`)
	keep := func() string {
		p := w.browser()
		id := p.begin().FlowID
		p.identify(id, "ada@example.com")
		p.answer(id, "ada word")
		var k kept
		w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) error {
			item, err := tx.Ephemerals.Get(t.Context(), kindAnswer, id)
			if err != nil {
				return err
			}
			return json.Unmarshal(item.Value, &k)
		}))
		return k.Digest
	}
	if one, two := keep(), keep(); one == "" || one == two {
		t.Error("the same password leaves the same digest in two browsers")
	}
}

// TestC08CodeEndsWithItsLevel: a code is no longer good than the level it was
// given for, so that no weaker token comes of it.
func TestC08CodeEndsWithItsLevel(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	start := w.now()
	p.signIn("ada")
	for w.now().Before(start.Add(24*time.Hour - 40*time.Minute)) {
		w.pass(30 * time.Minute)
		if _, err := w.engine.Current(t.Context(), w.tenant, p.Browser); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(start.Add(24*time.Hour - 10*time.Second).Sub(w.now()))
	b := p.begin(wantLevel(assurance.AAL2), silently)
	code := param(t, b.Answer, "code")
	if code == "" {
		t.Fatalf("%+v", b.Answer)
	}
	w.pass(30 * time.Second)
	w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) error {
		if _, err := tx.Ephemerals.Get(t.Context(), KindCode, identity.HashKey(code)); !errors.Is(err, identity.ErrExpired) {
			t.Errorf("the code outlives its level: %v", err)
		}
		return nil
	}))
}

// TestC13SharedBrowser: the second user of a browser does not make it stale for
// a tab that still has the last value.
func TestC13SharedBrowser(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	p.signIn("ada")
	last := p.Browser
	p.Session = ""
	p.signIn("grace")
	for _, name := range []string{"ada", "grace"} {
		r, err := w.engine.start(t.Context(), w.tenant, last)
		w.must(err)
		u := w.users[name]
		r.user = &u
		w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) error { r.tx = tx; return r.readDevice() }))
		if r.oldCookie || r.device == nil {
			t.Errorf("%s: stale %v, known %v", name, r.oldCookie, r.device != nil)
		}
	}
}

// TestH48ChosenIsBounded: what a browser prefers is one of our own ids, or nothing.
func TestH48ChosenIsBounded(t *testing.T) {
	w := newWorld(t, `{}`)
	p := w.browser()
	id := p.begin().FlowID
	p.post(id, Post{Choose: offerPrefix + string(make([]byte, 100_000))})
	w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) error {
		item, err := tx.Ephemerals.Get(t.Context(), kindFlow, id)
		if len(item.Value) > 10_000 {
			t.Errorf("the flow takes %d bytes", len(item.Value))
		}
		return err
	}))
}

// TestH52FactorGone: a challenge of a factor that this version does not have is
// over, and nothing else happens.
func TestH52FactorGone(t *testing.T) {
	w := newWorld(t, `{}`)
	w.addCode("ada")
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	open := p.answer(id, "ada word").View
	w.engine = New(Deps{Store: w.store, Factors: []factor.Factor{w.word}, Index: w.engine.Index, Now: w.now, Random: rand.Reader, Slots: NewSlots(SlotSize{})})
	if out := p.post(id, Post{Prompt: open.prompt(), Value: w.code()}); out.View.Error == nil || out.View.Error.Code != codeStale {
		t.Errorf("%s", out.View)
	}
	// Enrolled means enforced, still.
	if v := p.view(id); v.Step != Prove || len(v.Prompts) != 0 {
		t.Errorf("%s", v)
	}
	q := w.browser()
	id = q.begin().FlowID
	q.identify(id, "ada@example.com")
	if out := q.answer(id, "ada word"); out.Answer != nil || out.View.Step != Prove {
		t.Errorf("the password alone: %s", out.View)
	}
}

// TestC20SessionBindsNothing: who finds a session open cannot set up a factor
// of their own in it: that takes a proof since the change began.
func TestC20SessionBindsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		ask    func(*Request)
	}{
		"asked for":   {byPassword(``), wantLevel(assurance.AAL2)},
		"policy":      {byPassword(`"mfa":"always"`), func(*Request) {}},
		"in its time": {byPassword(`"mfa":"always","enrolment_grace":"24h"`), func(*Request) {}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, `{}`)
			p := w.browser()
			p.signIn("ada")
			w.tenant.Policy = json.RawMessage(c.policy)
			w.pass(time.Minute)
			id := p.begin(c.ask).FlowID
			v := p.view(id)
			if v.Step != Prove || v.Prompts[0].Factor != "word" {
				t.Fatalf("%s", v)
			}
			if v = p.answer(id, "ada word").View; v.Step != Enrol {
				t.Fatalf("%s", v)
			}
			if out := p.answer(id, w.code()); out.Answer == nil {
				t.Errorf("%s", out.View)
			}
			if b := p.begin(wantLevel(assurance.AAL2), silently); param(t, b.Answer, "code") == "" {
				t.Errorf("%+v", b.Answer)
			}
		})
	}
}

// TestLoginHintIsAnAddress, or no hint: a link puts no other words on the page.
func TestLoginHintIsAnAddress(t *testing.T) {
	w := newWorld(t, `{}`)
	for hint, want := range map[string]string{"ada@example.com": "ada@example.com", "call 555-0100 to sign in": "", "ada@example.com\u202e": ""} {
		p := w.browser()
		if v := p.view(p.begin(func(r *Request) { r.LoginHint = hint }).FlowID); v.User != want {
			t.Errorf("%q is shown as %q", hint, v.User)
		}
	}
}
