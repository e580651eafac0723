package flow

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// slip is a ticket: its code is "T-" and the purpose.
type slip struct{}

func (slip) Facts() factor.Facts {
	return factor.Facts{Name: "ticket", Class: assurance.Mailbox, Ticket: true, Hidden: true, Sends: true, Accepted: 1, Space: 1 << 40}
}

func (slip) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return factor.Challenge{}, factor.ErrWrong
}

func (slip) FinishEnrolment(factor.Subject, factor.Challenge, factor.Response) (factor.Enrolled, error) {
	return factor.Enrolled{}, factor.ErrWrong
}

func (slip) sends(s factor.Subject) bool {
	return s.Address != "" && (s.Purpose != string(Register) || s.User == nil)
}

func (f slip) Begin(s factor.Subject) (factor.Challenge, error) {
	c := factor.Challenge{State: []byte(s.Purpose), Tries: 5, Prompt: factor.Prompt{Input: factor.Text, SentTo: "a***"}}
	if f.sends(s) {
		c.Send = []identity.Message{{Kind: "ticket." + s.Purpose, Channel: s.Channel, To: s.Address, Code: "T-" + s.Purpose}}
	}
	return c, nil
}

func (f slip) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	if !f.sends(s) || string(c.State) != s.Purpose || r.Value != "T-"+s.Purpose {
		return factor.Outcome{}, factor.ErrWrong
	}
	return factor.Outcome{}, nil
}

// letter is a code by mail or SMS: always 123456, to where the enrolment says.
type letter struct{ channel string }

func (l letter) Facts() factor.Facts {
	f := factor.Facts{Name: l.channel, Class: assurance.Mailbox, AMR: l.channel, Sends: true, Channel: l.channel, Accepted: 1, Space: 1_000_000, Max: 3}
	if l.channel == identity.ChannelSMS {
		f.Class, f.Restricted, f.Asks = assurance.Telephone, true, []factor.Field{{Name: "phone"}}
	}
	f.Best = assurance.Proof{Class: f.Class}
	return f
}

func (l letter) challenge(kind, to string) factor.Challenge {
	m := identity.Message{Kind: kind, Channel: l.channel, To: to, Code: "123456"}
	if l.channel == identity.ChannelSMS {
		m.Country, m.Prefix = "DE", to[:min(6, len(to))]
	}
	return factor.Challenge{State: []byte(to), Tries: 5, Send: []identity.Message{m}, Prompt: factor.Prompt{Input: factor.Text}}
}

func (l letter) BeginEnrolment(s factor.Subject, a factor.Asked) (factor.Challenge, error) {
	to := s.User.Email
	if l.channel == identity.ChannelSMS {
		if to = a.Fields["phone"]; !strings.HasPrefix(to, "+") {
			return factor.Challenge{}, &factor.Refusal{Code: "number_invalid"}
		}
	}
	return l.challenge(identity.MessageEnrolCode, to), nil
}

func (l letter) FinishEnrolment(_ factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	if r.Value != "123456" {
		return factor.Enrolled{}, factor.ErrWrong
	}
	return factor.Enrolled{Data: c.State, Proof: assurance.Proof{Class: l.Facts().Class, Channel: identity.ChannelOf(indexKey, l.channel, string(c.State))}}, nil
}

func (l letter) Begin(s factor.Subject) (factor.Challenge, error) {
	if len(s.Enrolments) == 0 {
		return factor.Challenge{Prompt: factor.Prompt{Input: factor.Text}}, nil
	}
	return l.challenge(identity.MessageCode, string(s.Enrolments[0].Data)), nil
}

func (l letter) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	for _, en := range s.Enrolments {
		if string(en.Data) == string(c.State) && r.Value == "123456" {
			return factor.Outcome{Enrolment: en.ID}, nil
		}
	}
	return factor.Outcome{}, factor.ErrWrong
}

// codes are recovery codes: "R1" and "R2".
type codes struct{}

func (codes) Facts() factor.Facts {
	return factor.Facts{Name: "recovery", Class: assurance.LookUp, AMR: "recovery", Max: 1, Replaces: true, Follows: true, Best: assurance.Proof{Class: assurance.LookUp}}
}

func (codes) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return factor.Challenge{Prompt: factor.Prompt{Codes: []string{"R1", "R2"}}}, nil
}

func (codes) FinishEnrolment(_ factor.Subject, _ factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	if r.Value != "kept" {
		return factor.Enrolled{}, &factor.Refusal{Code: "code_kept"}
	}
	return factor.Enrolled{Data: []byte("R1,R2")}, nil
}

func (codes) Begin(factor.Subject) (factor.Challenge, error) {
	return factor.Challenge{Prompt: factor.Prompt{Input: factor.Text}}, nil
}

func (codes) Finish(s factor.Subject, _ factor.Challenge, r factor.Response) (factor.Outcome, error) {
	for _, en := range s.Enrolments {
		left := strings.Split(string(en.Data), ",")
		if i := slices.Index(left, r.Value); i >= 0 && r.Value != "" {
			return factor.Outcome{Enrolment: en.ID, Data: []byte(strings.Join(slices.Delete(left, i, i+1), ","))}, nil
		}
	}
	return factor.Outcome{}, factor.ErrWrong
}

func (codes) Left(en identity.Enrolment) int {
	if len(en.Data) == 0 {
		return 0
	}
	return len(strings.Split(string(en.Data), ","))
}

// key is a passkey without cryptography: a response is {"id","handle","uv"}.
type key struct{}

type touch struct {
	ID     string `json:"id"`
	Handle []byte `json:"handle"`
	UV     bool   `json:"uv"`
	Bad    bool   `json:"bad"`
}

func (key) Facts() factor.Facts {
	return factor.Facts{Name: "passkey", Class: assurance.Key, First: true, SelfTest: true, Max: 5, Best: assurance.Proof{Class: assurance.Key, UserVerified: true, BackupEligible: true}}
}

func (key) challenge() (factor.Challenge, error) {
	return factor.Challenge{Tries: 1, Prompt: factor.Prompt{Input: factor.PublicKey, PublicKey: json.RawMessage(`{"challenge":"` + rand.Text() + `"}`)}}, nil
}

func (k key) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return k.challenge()
}

func (key) read(r factor.Response) (t touch, err error) {
	if json.Unmarshal(r.PublicKey, &t) != nil || t.ID == "" || t.Bad {
		return t, factor.ErrWrong
	}
	return t, nil
}

func (k key) FinishEnrolment(_ factor.Subject, _ factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	t, err := k.read(r)
	return factor.Enrolled{Data: []byte(t.ID), Lookup: []byte(t.ID), Name: "Key " + t.ID}, err
}

func (k key) Begin(factor.Subject) (factor.Challenge, error)    { return k.challenge() }
func (k key) BeginAny(factor.Subject) (factor.Challenge, error) { return k.challenge() }

func (k key) Locate(r factor.Response) (handle, lookup []byte, err error) {
	t, err := k.read(r)
	return t.Handle, []byte(t.ID), err
}

func (k key) Finish(s factor.Subject, _ factor.Challenge, r factor.Response) (factor.Outcome, error) {
	t, err := k.read(r)
	if err != nil {
		return factor.Outcome{}, err
	}
	for _, en := range s.Enrolments {
		if string(en.Data) == t.ID && s.User != nil {
			return factor.Outcome{Enrolment: en.ID, Proof: assurance.Proof{UserVerified: t.UV, BackupEligible: true}, Data: []byte(t.ID)}, nil
		}
	}
	return factor.Outcome{}, factor.ErrWrong
}

var indexKey = []byte("index key of thirty-two bytes...")

// newLife is a world with every sort of factor.
func newLife(t testing.TB, policyText string) *world {
	w := newWorld(t, policyText)
	w.tenant.Channels, w.tenant.SMSCountries = []string{"email", "sms"}, []string{"DE"}
	deps := w.engine.Deps
	deps.Factors = []factor.Factor{w.word, key{}, &code{now: w.now}, letter{identity.ChannelSMS}, letter{identity.ChannelEmail}, codes{}, slip{}}
	deps.Number = func(_ identity.Tenant, typed string) (string, error) {
		if !strings.HasPrefix(typed, "+") {
			return "", &factor.Refusal{Code: "number_invalid"}
		}
		return typed, nil
	}
	w.engine = New(deps)
	return w
}

// hold gives a user an enrolment of any factor.
func (w *world) hold(name, kind, data string) string {
	en := identity.Enrolment{
		ID: identity.NewID("enr", w.now(), rand.Reader), User: w.users[name].ID, Factor: kind, Name: kind + " of " + name, Data: []byte(data), EnrolledAt: w.now(),
	}
	switch kind {
	case "passkey":
		en.Lookup = []byte(data)
	case "email", "sms":
		en.Channel = identity.ChannelOf(indexKey, kind, data)
	}
	w.update(func(tx identity.Tx) error { return tx.Enrolments.Create(w.Context(), en) })
	return en.ID
}

// held lists a user's enrolments that are in use.
func (w *world) held(name string) []string {
	var out []string
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) error {
		all, err := tx.Enrolments.ByUser(w.Context(), w.users[name].ID)
		for _, en := range all {
			if !en.Suspended {
				out = append(out, en.Factor)
			}
		}
		return err
	}))
	slices.Sort(out)
	return out
}

// mail lists what was sent, oldest first.
func (w *world) mail() []identity.Message {
	var out []identity.Message
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) error {
		all, err := tx.Outbox.List(w.Context(), 1000)
		for _, m := range all {
			if m.To != "" {
				out = append(out, m)
			}
		}
		return err
	}))
	slices.Reverse(out)
	return out
}

func (w *world) mailed(kind string) []identity.Message {
	return slices.DeleteFunc(w.mail(), func(m identity.Message) bool { return m.Kind != kind })
}

// sessions are a user's live ones.
func (w *world) sessions(name string) []identity.Session {
	var out []identity.Session
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
		out, err = tx.Sessions.ByUser(w.Context(), w.users[name].ID)
		return err
	}))
	return out
}

// reload reads a user anew.
func (w *world) reload(name string) identity.User {
	var u identity.User
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
		u, err = tx.Users.ByID(w.Context(), w.users[name].ID)
		return err
	}))
	return u
}

// press answers the current prompt with a key.
func (p *person) press(id, keyID, name string, change ...func(*touch)) Posted {
	p.Helper()
	t := touch{ID: keyID, UV: true}
	if u, ok := p.users[name]; ok {
		t.Handle = u.Handle
	}
	for _, c := range change {
		c(&t)
	}
	raw, err := json.Marshal(t)
	p.must(err)
	v := p.view(id)
	prompt := v.prompt()
	for _, o := range v.Prompts {
		if !o.Offer && o.Input == factor.PublicKey {
			prompt = o.ID
		}
	}
	return p.post(id, Post{Prompt: prompt, PublicKey: raw})
}

func (p *person) choose(id, what string, fields ...string) View {
	p.Helper()
	post := Post{Choose: what}
	for i := 0; i+1 < len(fields); i += 2 {
		if post.Fields == nil {
			post.Fields = map[string]string{}
		}
		post.Fields[fields[i]] = fields[i+1]
	}
	return p.post(id, post).View
}

// toPassword comes as far as the password's answer.
func (p *person) toPassword(name string, change ...func(*Request)) (string, View) {
	p.Helper()
	id := p.begin(change...).FlowID
	if v := p.view(id); v.Step == Identify {
		p.identify(id, name+"@example.com")
	}
	return id, p.answer(id, name+" word").View
}

// duty begins a change from the person's session.
func (p *person) duty(d Duty) (string, error) {
	b, err := p.engine.BeginDuty(p.Context(), p.tenant, p.Browser, d, "/account?done="+string(d.Kind))
	if err == nil && b.FlowID == "" {
		p.Fatalf("a change was made at once: %+v", b.Answer)
	}
	return b.FlowID, err
}

func (v View) current() string {
	if len(v.Prompts) == 0 {
		return ""
	}
	return v.Prompts[0].Factor
}

func (v View) has(id string) bool {
	return slices.ContainsFunc(v.Prompts, func(p ViewPrompt) bool { return p.ID == id })
}

func errorCode(v View) string {
	if v.Error == nil {
		return ""
	}
	return v.Error.Code
}

const day1 = 24 * time.Hour
