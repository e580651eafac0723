package flow

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// word is a memorized secret kept in the clear: cheap, for tests of the engine.
// It counts judgements, so that a test can ask how much work was done.
type word struct {
	mu     sync.Mutex
	judged int
	hook   func() // runs while a response is being judged
}

func (*word) Facts() factor.Facts {
	return factor.Facts{
		Name: "word", Class: assurance.Memorized, Kinds: []factor.Kind{factor.Knowledge}, AMR: "pwd", First: true, Hidden: true,
		Heavy: true, Replaces: true, Accepted: 1, Space: 625_000, Max: 1, Best: assurance.Proof{Class: assurance.Memorized},
	}
}

func (*word) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return factor.Challenge{Prompt: factor.Prompt{Input: factor.Text}}, nil
}

func (*word) FinishEnrolment(_ factor.Subject, _ factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	return factor.Enrolled{Data: []byte(r.Value), Proof: assurance.Proof{Class: assurance.Memorized}}, nil
}

func (*word) Begin(factor.Subject) (factor.Challenge, error) {
	return factor.Challenge{Prompt: factor.Prompt{Input: factor.Text, Concealed: true}}, nil
}

func (w *word) Finish(s factor.Subject, _ factor.Challenge, r factor.Response) (factor.Outcome, error) {
	w.mu.Lock()
	w.judged++
	hook := w.hook
	w.mu.Unlock()
	if hook != nil {
		hook()
	}
	for _, en := range s.Enrolments {
		if string(en.Data) == r.Value {
			return factor.Outcome{Proof: assurance.Proof{Class: assurance.Memorized}, Enrolment: en.ID}, nil
		}
	}
	return factor.Outcome{}, factor.ErrWrong
}

// code is a one-time code: the number of 30 s steps since 1970, each step once.
type code struct{ now func() time.Time }

func (*code) Facts() factor.Facts {
	return factor.Facts{
		Name: "totp", Class: assurance.OneTime, Kinds: []factor.Kind{factor.Possession}, AMR: "otp",
		Accepted: 2, Space: 1_000_000, Max: 5, Best: assurance.Proof{Class: assurance.OneTime},
	}
}

func (c *code) step() int64 { return c.now().Unix() / 30 }

func (c *code) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return factor.Challenge{State: []byte("secret"), Prompt: factor.Prompt{Input: factor.Text, Secret: "SECRET"}}, nil
}

func (c *code) accept(last int64, value string) ([]byte, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n != c.step() {
		return nil, factor.ErrWrong
	}
	if n <= last {
		return nil, &factor.Refusal{Code: "code_replayed"}
	}
	return []byte(value), nil
}

func (c *code) FinishEnrolment(_ factor.Subject, _ factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	data, err := c.accept(0, r.Value)
	return factor.Enrolled{Data: data, Proof: assurance.Proof{Class: assurance.OneTime}}, err
}

func (c *code) Begin(factor.Subject) (factor.Challenge, error) {
	return factor.Challenge{Prompt: factor.Prompt{Input: factor.Text}}, nil
}

func (c *code) Finish(s factor.Subject, _ factor.Challenge, r factor.Response) (factor.Outcome, error) {
	err := factor.ErrWrong
	for _, en := range s.Enrolments {
		last, perr := strconv.ParseInt(string(en.Data), 10, 64)
		if perr != nil {
			return factor.Outcome{}, perr
		}
		data, aerr := c.accept(last, r.Value)
		if aerr == nil {
			return factor.Outcome{Proof: assurance.Proof{Class: assurance.OneTime}, Enrolment: en.ID, Data: data}, nil
		}
		err = aerr
	}
	return factor.Outcome{}, err
}

// world is a tenant with two users on a real store and a moving clock.
type world struct {
	testing.TB
	mu     sync.Mutex
	clock  time.Time
	store  *store.Store
	engine *Engine
	tenant identity.Tenant
	word   *word
	app    identity.Application
	users  map[string]identity.User
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// byPassword is a policy under which a password is enough to bind a first factor.
func byPassword(rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return `{"enrolment":{"first_factor":"password"}` + rest + `}`
}

func newWorld(t testing.TB, policyText string) *world {
	w := &world{TB: t, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), word: &word{}, users: map[string]identity.User{}}
	w.store = storetest.Open(t, storetest.WithClock(w.now))
	w.tenant = identity.Tenant{ID: "tnt_a", Issuer: "https://a.example", RPID: "a.example", Name: "A", Algorithm: "ES256", Policy: json.RawMessage(policyText)}
	w.must(w.store.PutTenant(t.Context(), w.tenant))
	w.engine = w.newEngine()
	w.app = identity.Application{ID: "app", Name: "App", AuthMethod: identity.AuthNone, RedirectURIs: []string{"https://app.example/cb"}, FirstParty: true, InitiateLoginURI: "https://app.example/login"}
	for _, name := range []string{"ada", "grace"} {
		w.addUser(name)
	}
	return w
}

func (w *world) newEngine() *Engine {
	return New(Deps{
		Store: w.store, Factors: []factor.Factor{w.word, &code{now: w.now}},
		Index: func(context.Context, string) ([]byte, error) { return []byte("index key of thirty-two bytes..."), nil },
		Now:   w.now, Random: rand.Reader,
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) update(fn func(identity.Tx) error) {
	w.Helper()
	w.must(w.store.Update(w.Context(), w.tenant.ID, fn))
}

func (w *world) addUser(name string) {
	u := identity.User{ID: identity.NewID("usr", w.now(), rand.Reader), Handle: []byte(identity.RandomToken(48, rand.Reader)), Identifier: name + "@example.com", Email: name + "@example.com", EmailVerified: true, Name: name, CreatedAt: w.now()}
	w.update(func(tx identity.Tx) error {
		if err := tx.Users.Create(w.Context(), u); err != nil {
			return err
		}
		return tx.Enrolments.Create(w.Context(), identity.Enrolment{ID: identity.NewID("enr", w.now(), rand.Reader), User: u.ID, Factor: "word", Data: []byte(name + " word"), EnrolledAt: w.now()})
	})
	w.users[name] = u
}

// addCode gives a user a second factor.
func (w *world) addCode(name string) string {
	id := identity.NewID("enr", w.now(), rand.Reader)
	w.update(func(tx identity.Tx) error {
		return tx.Enrolments.Create(w.Context(), identity.Enrolment{ID: id, User: w.users[name].ID, Factor: "totp", Name: "Phone", Data: []byte("0"), EnrolledAt: w.now()})
	})
	return id
}

// code is the code that is right now.
func (w *world) code() string { return strconv.FormatInt(w.now().Unix()/30, 10) }

// person is one browser.
type person struct {
	*world
	Browser
}

func (w *world) browser() *person {
	return &person{world: w, Browser: Browser{Binding: identity.RandomToken(16, rand.Reader), Addr: netip.MustParseAddr("10.0.0.1"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}
}

// take keeps the cookies of an answer.
func (p *person) take(a *Answer) {
	if a == nil {
		return
	}
	if a.Session != "" {
		p.Session = a.Session
	}
	if a.Device != "" {
		p.Device, p.Secret, _ = strings.Cut(a.Device, ".")
	}
}

func (p *person) begin(change ...func(*Request)) Begun {
	p.Helper()
	req := Request{Application: p.app, Authorization: identity.AuthorizationRequest{
		ClientID: p.app.ID, RedirectURI: "https://app.example/cb", State: "st", Scopes: []string{"openid"}, RequestedAt: p.now(),
	}}
	for _, c := range change {
		c(&req)
	}
	begun, err := p.engine.Begin(p.Context(), p.tenant, p.Browser, req)
	p.must(err)
	p.take(begun.Answer)
	return begun
}

func (p *person) post(id string, post Post) Posted {
	p.Helper()
	out, err := p.engine.Post(p.Context(), p.tenant, p.Browser, id, post)
	p.must(err)
	p.take(out.Answer)
	return out
}

func (p *person) view(id string) View {
	p.Helper()
	v, err := p.engine.View(p.Context(), p.tenant, p.Browser, id)
	p.must(err)
	return v
}

// prompt is the id of the first prompt.
func (v View) prompt() string {
	if len(v.Prompts) == 0 {
		return ""
	}
	return v.Prompts[0].ID
}

func (p *person) identify(id, who string) View {
	p.Helper()
	return p.post(id, Post{Prompt: promptIdentifier, Value: who}).View
}

// answer responds to the current prompt.
func (p *person) answer(id, value string) Posted {
	p.Helper()
	return p.post(id, Post{Prompt: p.view(id).prompt(), Value: value})
}

// signIn goes all the way with what the user has.
func (p *person) signIn(name string, change ...func(*Request)) *Answer {
	p.Helper()
	id := p.begin(change...).FlowID
	v := p.view(id)
	if v.Step == Identify {
		v = p.identify(id, name+"@example.com")
	}
	var out Posted
	for range 4 {
		value := name + " word"
		if v.Prompts[0].Factor == "totp" {
			p.pass(30 * time.Second)
			value = p.code()
		}
		out = p.answer(id, value)
		if v = out.View; v.Step == Done {
			return out.Answer
		}
		if v.Error != nil {
			p.Fatalf("%s: %+v", v.Step, v.Error)
		}
	}
	p.Fatalf("still at %s", out.View.Step)
	return nil
}

// redeem takes the code of an answer, as the token endpoint does.
func (w *world) redeem(a *Answer) identity.AuthorizationCode {
	w.Helper()
	u, err := url.Parse(a.Redirect)
	w.must(err)
	c := u.Query().Get("code")
	if c == "" {
		w.Fatalf("no code in %s", a.Redirect)
	}
	var out identity.AuthorizationCode
	w.update(func(tx identity.Tx) error {
		item, err := tx.Ephemerals.Take(w.Context(), KindCode, identity.HashKey(c))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(item.Value, &out); err != nil {
			return err
		}
		if _, err := tx.Ephemerals.Take(w.Context(), kindAnswer, out.Flow); err != nil && !errors.Is(err, identity.ErrNotFound) {
			return err
		}
		return nil
	})
	return out
}

// worth is the standing of the grant behind an answer.
func (w *world) worth(g identity.Grant) assurance.Standing {
	w.Helper()
	var s identity.Session
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
		s, err = tx.Sessions.ByID(w.Context(), g.Session)
		return err
	}))
	st, err := w.engine.Standing(w.tenant, s, g.Proofs)
	w.must(err)
	return st
}

func (w *world) events(kind string) []identity.Event {
	w.Helper()
	var all []identity.Event
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
		all, err = tx.Events.List(w.Context(), identity.EventFilter{Limit: 10000})
		return err
	}))
	var out []identity.Event
	for _, e := range all {
		if e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

func param(t *testing.T, a *Answer, name string) string {
	t.Helper()
	if a == nil {
		t.Fatal("no answer")
	}
	u, err := url.Parse(a.Redirect)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

func wantLevel(level assurance.Level) func(*Request) {
	return func(r *Request) { r.Alternatives = []assurance.Requirement{{Level: level}}; r.Essential = true }
}

func maxAge(d time.Duration) func(*Request) { return func(r *Request) { r.MaxAge = &d } }

func silently(r *Request) { r.PromptNone = true }

func (v View) String() string { return fmt.Sprintf("%s %v %v", v.Step, v.Prompts, v.Error) }
