package flow

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// Begin takes a request in. If the browser's session already meets it, or if it
// forbids any page (prompt=none), the answer is there at once; else there is a
// flow to send the person to. b.Binding must be set.
func (e *Engine) Begin(ctx context.Context, t identity.Tenant, b Browser, req Request) (Begun, error) {
	if b.Binding == "" {
		return Begun{}, identity.Invalid("binding_missing", "The browser has no binding cookie.")
	}
	base, err := e.start(ctx, t, b)
	if err != nil {
		return Begun{}, err
	}
	var begun Begun
	err = e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		begun, err = r.open1(req)
		return err
	})
	return begun, err
}

// newFlow is the flow of a request, before anybody is named.
func (r *run) newFlow(req Request) (Flow, error) {
	a := req.Application
	stricter, err := policy.ParseStricter(a.Stricter)
	if err != nil {
		return Flow{}, err
	}
	f := Flow{
		ID: identity.NewID("flow", r.now, r.e.Random), Binding: identity.Hash(r.browser.Binding),
		Application:   App{ID: a.ID, Name: a.Name, Home: a.InitiateLoginURI, Floor: assurance.Level(a.MinLevel), Stricter: stricter, FirstParty: a.FirstParty},
		Authorization: req.Authorization, Essential: req.Essential, Subject: req.Subject,
		BegunAt: r.now, ExpiresAt: r.now.Add(flowLife), Duty: req.Duty,
	}
	f.Alternatives = slices.Clone(req.Alternatives)
	if len(f.Alternatives) == 0 {
		f.Alternatives = []assurance.Requirement{{}}
	}
	// max_age and prompt=login become a moment: only proofs since then count.
	var since assurance.Requirement
	if req.MaxAge != nil {
		since.Since = r.now.Add(-*req.MaxAge)
	}
	if req.PromptLogin {
		since.Since = r.now
	}
	for i := range f.Alternatives {
		f.Alternatives[i] = f.Alternatives[i].Join(since)
	}
	return f, nil
}

// open1 decides between an answer and a flow, and writes what follows.
func (r *run) open1(req Request) (Begun, error) {
	var err error
	if r.flow, err = r.newFlow(req); err != nil {
		return Begun{}, err
	}
	if err := r.readSession(); err != nil {
		return Begun{}, err
	}
	if err := r.tellLapse(); err != nil {
		return Begun{}, err
	}
	if err := r.recognise(req); err != nil {
		return Begun{}, err
	}
	r.needConsent(req.PromptConsent)
	f := r.facts()
	step, err := r.step(&f)
	if err != nil {
		return Begun{}, err
	}
	switch {
	case step == Done:
		a, err := r.answerFromSession(f)
		return Begun{Answer: a}, err
	case step == Denied:
		return Begun{Answer: r.deny(f.denial())}, r.recordDenied(f)
	case req.PromptNone:
		return Begun{Answer: r.deny(silent(f, step))}, nil
	}
	if _, err := r.prepare(f, step); err != nil {
		return Begun{}, err
	}
	if err := r.touch(); err != nil {
		return Begun{}, err
	}
	value, err := json.Marshal(r.flow)
	if err != nil {
		return Begun{}, err
	}
	return Begun{FlowID: r.flow.ID}, r.tx.Ephemerals.Put(r.ctx, kindFlow, r.flow.ID, value, r.flow.ExpiresAt)
}

// silent says what prompt=none answers where a page would be needed.
func silent(f Facts, step Step) Denial {
	switch {
	case step == Consent:
		return NeedsConsent
	case step == Identify || f.Session == nil || f.User == nil || f.Session.User != f.User.ID:
		return NeedsLogin
	case len(f.Proofs) == 0 && !f.Decision.Enrol: // signed in, but not freshly enough
		return NeedsLogin
	}
	return Interaction
}

// recognise names the person from the session or from a login hint; otherwise
// nobody is named yet. A subject that the application named is held against who
// answers, and names nobody: a claim can be written by anybody, an ID token is
// held by applications that were given no address, and the page would show it.
// Whoever else is signed in is not switched silently (C-33).
func (r *run) recognise(req Request) error {
	if r.session != nil && !req.PromptSelect && (req.Subject == "" || req.Subject == r.session.User) {
		r.flow.User, r.flow.Session = r.session.User, r.session.ID
		user, err := r.tx.Users.ByID(r.ctx, r.session.User)
		if err != nil {
			return err
		}
		r.flow.Identifier, r.flow.Canonical, r.flow.Epoch = user.Email, user.Identifier, user.Epoch
		r.user = &user
		return r.readHeld(user.ID)
	}
	if req.PromptSelect && r.session != nil {
		user, err := r.tx.Users.ByID(r.ctx, r.session.User)
		if err != nil {
			return err
		}
		r.flow.Offered, r.flow.OfferedName = r.session.ID, user.Email
		return nil
	}
	if _, address := identity.Canonical(req.LoginHint); address { // else a link could put any words on the page
		return r.name(req.LoginHint)
	}
	return nil
}

// name sets who was typed, looking up the same things for a name that nobody has.
func (r *run) name(typed string) error {
	canonical, _ := identity.Canonical(typed)
	if canonical == "" {
		return nil
	}
	h := Named{Typed: typed, Canonical: canonical}
	user, err := r.tx.Users.ByIdentifier(r.ctx, canonical)
	switch {
	case err == nil:
		h.User = &user
	case !errors.Is(err, identity.ErrNotFound):
		return err
	}
	if r.flow, _, err = Advance(r.flow, h, Identify); err != nil {
		return err
	}
	r.user = h.User
	id := nobody
	if h.User != nil {
		id = h.User.ID
	}
	return r.readHeld(id)
}

// needConsent notes whether people must be asked: by applications of others, or
// where the request says so.
func (r *run) needConsent(prompted bool) {
	app := r.flow.Application
	if r.flow.Authorization.OwnPage || app.ID == "" {
		return
	}
	r.flow.AskConsent, r.flow.AskAnew = prompted || !app.FirstParty, prompted
}

// step is Next, except that nobody is asked for a consent that they gave before
// and that still stands. That is looked up for who has proved who they are, and
// kept nowhere: the next person to be named gave nothing.
func (r *run) step(f *Facts) (Step, error) {
	step := Next(*f)
	if step != Consent || r.flow.AskAnew {
		return step, nil
	}
	grants, err := r.tx.Grants.ByUser(r.ctx, r.user.ID)
	if err != nil {
		return step, err
	}
	f.Consent = !slices.ContainsFunc(grants, func(g identity.Grant) bool {
		return g.Application == r.flow.Application.ID && covers(g.Scopes, r.flow.Authorization.Scopes)
	})
	return Next(*f), nil
}

func covers(have, want []string) bool {
	for _, s := range want {
		if !slices.Contains(have, s) {
			return false
		}
	}
	return true
}

// tellLapse tells, once, of the browser's session that no level is left of it.
func (r *run) tellLapse() error {
	if r.lapsed == nil {
		return nil
	}
	return r.e.NoteLevel(r.ctx, r.tx, r.tenant, *r.lapsed)
}

// touch records that a request bore the session cookie.
func (r *run) touch() error {
	if r.session == nil {
		return nil
	}
	r.session.Activity = r.session.Activity.Touch(r.policy.Limits(), r.now)
	ev, decayed := r.e.tellDecay(r.session, r.policy, r.now)
	if err := r.tx.Sessions.Save(r.ctx, *r.session); err != nil {
		return err
	}
	r.session.Version++
	if decayed {
		return r.tx.Events.Append(r.ctx, ev)
	}
	return nil
}

// answerFromSession answers a request that the session already meets: single
// sign-on. No page, no new secret.
func (r *run) answerFromSession(f Facts) (*Answer, error) {
	if err := r.touch(); err != nil {
		return nil, err
	}
	ev := identity.Event{
		Type: identity.EventSignIn, Outcome: identity.Succeeded, Session: r.session.ID,
		Reasons: reasons(f), Data: map[string]string{"sso": "true", "level": r.level(r.session.Proofs).String()},
	}
	if err := r.record(ev); err != nil {
		return nil, err
	}
	return r.answer(f, *r.session)
}
