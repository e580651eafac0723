package flow

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// Codes of ViewError that the engine itself gives; a factor's refusals add theirs.
const (
	codeInvalidCredentials = "invalid_credentials"
	codeInvalid            = "code_invalid"
	codeTooMany            = "too_many_attempts"
	codeStale              = "prompt_stale"
	codeExpired            = "code_expired"
	codeIdentifier         = "identifier_required"
	codeBusy               = "flow_busy"
	codeSendLimited        = "send_limited"
	codeUnknown            = "passkey_unknown"
)

// View shows where a flow stands. A challenge that ran out is replaced.
func (e *Engine) View(ctx context.Context, t identity.Tenant, b Browser, id string) (View, error) {
	base, err := e.start(ctx, t, b)
	if err != nil {
		return View{}, err
	}
	var v View
	changed := false
	see := func(tx identity.Tx, looking bool) (*run, error) {
		r := *base
		r.tx, r.looking = tx, looking
		if err := r.load(id); err != nil {
			return nil, err
		}
		if err := r.read(); err != nil {
			return nil, err
		}
		f := r.facts()
		step := Next(f)
		if step == Denied || step == Done {
			v = r.view(f, step)
			return &r, nil
		}
		var err error
		if changed, err = r.prepare(f, step); err != nil {
			return nil, err
		}
		v = r.view(f, step)
		return &r, nil
	}
	err = e.Store.View(ctx, t.ID, func(tx identity.Tx) error { _, err := see(tx, true); return err })
	if err != nil || !changed {
		return v, e.auditForeign(ctx, base, id, err)
	}
	err = e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r, err := see(tx, false)
		if err != nil || !changed {
			return err
		}
		return r.keep()
	})
	return v, err
}

// auditForeign records that a browser came with another browser's flow.
func (e *Engine) auditForeign(ctx context.Context, base *run, id string, err error) error {
	if !errors.Is(err, identity.ErrForeign) {
		return err
	}
	uerr := e.Store.Update(ctx, base.tenant.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		r.flow = Flow{ID: id}
		return r.record(identity.Event{Type: identity.EventForeignBrowser, Outcome: identity.Refused})
	})
	return errors.Join(err, uerr)
}

// Post takes a response in. A wrong one is no error: the view says so.
func (e *Engine) Post(ctx context.Context, t identity.Tenant, b Browser, id string, p Post) (Posted, error) {
	base, err := e.start(ctx, t, b)
	if err != nil {
		return Posted{}, err
	}
	if strings.HasPrefix(p.Prompt, "p") && p.Choose == "" && !p.Cancel && !p.Restart && !p.Skip && !p.Resend {
		out, err := e.attempt(ctx, base, id, p)
		return e.lost(ctx, base, id, p, out, err)
	}
	var out Posted
	err = e.Store.Update(ctx, t.ID, func(tx identity.Tx) error {
		r := *base
		r.tx = tx
		if err := r.load(id); err != nil {
			return err
		}
		if err := r.read(); err != nil {
			return err
		}
		out, err = r.simple(p)
		return err
	})
	return e.lost(ctx, base, id, p, out, err)
}

// simple handles what needs no judgement by a factor.
func (r *run) simple(p Post) (Posted, error) {
	f := r.facts()
	step := Next(f)
	var h Happening
	switch {
	case step == Denied: // whatever is sent: it is final
		return r.proceed(p)
	case p.Cancel:
		h = Cancel{}
	case p.Restart:
		h = Restarted{}
	case p.Extend:
		r.extend()
		return r.proceed(p)
	case p.Skip && r.skippable(f, step):
		h = Skipped{Silent: step == Enrol && f.enrolling()[0] == dueSilently}
	case p.Resend && len(r.flow.Challenges) > 0 && r.e.kinds[r.flow.Challenges[0].Factor].Sends:
		return r.resend(f, step, p)
	case p.Choose == promptRegister && r.mayRegister():
		h = Meant{Purpose: Register}
	case p.Choose == promptReset && r.mails():
		h = Meant{Purpose: Reset}
	case p.Choose == ticketPrefix+ticketUnlock && r.mails():
		return r.unlock(f, step, p)
	case p.Choose == promptSession || p.Prompt == promptSession:
		return r.continueAs(f, step, p)
	case strings.HasPrefix(p.Choose, offerPrefix) && slices.ContainsFunc(r.offers(f, step), func(o offer) bool { return o.id() == p.Choose }):
		h = Chose{Offer: p.Choose, Asked: p.Fields}
	case p.Prompt == promptIdentifier && step == Identify:
		return r.identify(f, step, p)
	case p.Prompt == promptConsent && step == Consent && p.Value == "allow":
		h = Consented{}
	case step == Done: // met meanwhile, by a sign-in in another tab
		return r.proceed(p)
	default:
		return Posted{View: r.withError(f, step, &ViewError{Code: codeStale})}, nil
	}
	return r.advance(h, step, p)
}

// advance applies a happening, then goes on to wherever the flow stands now.
func (r *run) advance(h Happening, step Step, p Post) (Posted, error) {
	next, effects, err := Advance(r.flow, h, step)
	if errors.Is(err, errStale) {
		return Posted{View: r.withError(r.facts(), step, &ViewError{Code: codeStale})}, nil
	}
	if err != nil {
		return Posted{}, err
	}
	r.flow = next
	if err := r.apply(effects); err != nil {
		return Posted{}, err
	}
	if !r.flow.Identified() {
		r.user, r.held, r.device, r.devices = nil, nil, nil, nil
	}
	return r.proceed(p)
}

// proceed derives the step and does what it calls for.
func (r *run) proceed(p Post) (Posted, error) {
	f := r.facts()
	step, err := r.step(&f)
	if err != nil {
		return Posted{}, err
	}
	switch step {
	case Done:
		a, err := r.conclude(f, r.browser.digest(p))
		if err != nil {
			return Posted{}, err
		}
		v := r.view(f, step)
		v.Redirect, v.Form = a.Redirect, a.Form
		return Posted{View: v, Answer: a}, nil
	case Denied:
		if r.flow.Denial == "" {
			r.flow.Denial = f.denial()
		}
		if err := r.recordDenied(f); err != nil {
			return Posted{}, err
		}
		if _, err := r.tx.Ephemerals.Take(r.ctx, kindFlow, r.flow.ID); err != nil {
			return Posted{}, err
		}
		a := r.deny(r.flow.Denial)
		return Posted{View: r.view(f, step), Answer: a}, r.keepAnswer(a, Denied, r.browser.digest(p))
	}
	if _, err := r.prepare(f, step); err != nil {
		return Posted{}, err
	}
	return Posted{View: r.view(f, step)}, r.keep()
}

// identify takes the name of a person. What follows is the same whether or not
// anybody has it.
func (r *run) identify(f Facts, step Step, p Post) (Posted, error) {
	if strings.TrimSpace(p.Value) == "" || len(p.Value) > 1024 {
		return Posted{View: r.withError(f, step, &ViewError{Code: codeIdentifier})}, nil
	}
	if err := r.name(strings.TrimSpace(p.Value)); err != nil {
		return Posted{}, err
	}
	if !r.flow.Identified() {
		return Posted{View: r.withError(f, step, &ViewError{Code: codeIdentifier})}, nil
	}
	// The session counts again if it is this person's.
	if r.session != nil && r.user != nil && r.session.User == r.user.ID {
		r.flow.Session = r.session.ID
	}
	return r.proceed(p)
}

// continueAs goes on as the user of the session that was offered.
func (r *run) continueAs(f Facts, step Step, p Post) (Posted, error) {
	if step != Identify || r.session == nil || r.flow.Offered != r.session.ID {
		return Posted{View: r.withError(f, step, &ViewError{Code: codeStale})}, nil
	}
	user, err := r.tx.Users.ByID(r.ctx, r.session.User)
	if err != nil {
		return Posted{}, err
	}
	if r.flow, _, err = Advance(r.flow, Continued{User: user, Session: r.session.ID}, step); err != nil {
		return Posted{}, err
	}
	r.user = &user
	if err := r.readHeld(user.ID); err != nil {
		return Posted{}, err
	}
	return r.proceed(p)
}

// withError is the same view again, with what was wrong.
func (r *run) withError(f Facts, step Step, e *ViewError) View {
	v := r.view(f, step)
	v.Error = e
	return v
}

// longestFlow is how long a flow may live in all, however often it is extended.
const longestFlow = time.Hour

// extend lets a flow live its whole life from now (WCAG 2.2.1).
func (r *run) extend() {
	until := r.now.Add(flowLife)
	if end := r.flow.BegunAt.Add(longestFlow); until.After(end) {
		until = end
	}
	if until.After(r.flow.ExpiresAt) {
		r.flow.ExpiresAt = until
	}
}

// resend sets the current challenge anew, if its message may be sent again.
func (r *run) resend(f Facts, step Step, p Post) (Posted, error) {
	if !r.mayResend(r.flow.Challenges[0].what()) {
		return Posted{View: r.withError(f, step, r.trouble)}, nil
	}
	if offered := r.flow.Challenges[0]; offered.Enrolling { // it is begun again with what was asked
		r.flow.Chosen = offerPrefix + offered.Factor
	}
	return r.advance(Resent{}, step, p)
}

// unlock sends a way out of a lane that is full, and only out of that.
func (r *run) unlock(f Facts, step Step, p Post) (Posted, error) {
	lanes, err := r.lanes(r.subject(f))
	if err != nil {
		return Posted{}, err
	}
	if step != Prove || len(f.Proofs) > 0 || !lanes.Check(1).Closed && !r.full(lanes) {
		return Posted{View: r.withError(f, step, &ViewError{Code: codeStale})}, nil
	}
	return r.advance(Chose{Offer: p.Choose}, step, p)
}

// full reports whether a lane takes no guess of any first factor any more.
func (r *run) full(lanes Lanes) bool {
	for _, kind := range r.e.kinds {
		if mass := Guess(kind.Accepted, kind.Space); kind.First && mass > 0 && lanes.Check(mass).Closed {
			return true
		}
	}
	return false
}

// errMoved and errEnrolmentMoved say that the second transaction found another
// world than the first read.
var (
	errMoved          = errors.New("flow moved on meanwhile")
	errEnrolmentMoved = errors.New("enrolment changed meanwhile")
)

// mayJudge refuses a heavy challenge that opened only after a slot was looked
// for: nothing is hashed without one.
func (r *run) mayJudge(c Challenge) bool {
	return r.holding || r.e.Slots == nil || !r.e.factors[c.Factor].Facts().Heavy
}

// reload shows where the flow stands, after somebody else moved it.
func (e *Engine) reload(ctx context.Context, base *run, id string) (Posted, error) {
	v, err := e.View(ctx, base.tenant, base.browser, id)
	if err == nil && v.Error == nil && v.Step != Done && v.Step != Denied {
		v.Error = &ViewError{Code: codeBusy}
	}
	return Posted{View: v}, err
}

// digest tells one response from another, without keeping it: under the binding
// cookie, which only the browser has, so that no password can be tried on it.
func (b Browser) digest(p Post) string {
	post, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(b.Binding))
	mac.Write(post)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// lost gives the answer of a finished flow once more to the browser that sent
// the same response again, because the reply was lost on its way.
func (e *Engine) lost(ctx context.Context, base *run, id string, p Post, out Posted, err error) (Posted, error) {
	var over *OverError
	if !errors.As(err, &over) || !errors.Is(err, identity.ErrTaken) {
		return out, err
	}
	var k kept
	verr := e.Store.View(ctx, base.tenant.ID, func(tx identity.Tx) error {
		item, err := tx.Ephemerals.Get(ctx, kindAnswer, id)
		if err != nil {
			return err
		}
		return json.Unmarshal(item.Value, &k)
	})
	if verr != nil || !hmac.Equal([]byte(k.Digest), []byte(base.browser.digest(p))) {
		return out, err
	}
	a := k.Answer
	return Posted{View: View{ID: id, Step: k.Step, Redirect: a.Redirect, Form: a.Form, Tenant: ViewTenant{Name: base.tenant.Name}}, Answer: &a}, nil
}
