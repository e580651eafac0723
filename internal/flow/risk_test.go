package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/risk"
)

const phone = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"

// riskWorld has files of places: 10/8 is a network in Norway, 203.0.113/24 one
// in Brazil that Tor leaves from, and everything else nowhere.
func riskWorld(t testing.TB, policy string) *world {
	w := newLife(t, policy)
	deps := w.engine.Deps
	deps.Locate = func(a netip.Addr) Whereabouts {
		none := []risk.Listing{}
		switch {
		case netip.MustParsePrefix("10.0.0.0/8").Contains(a):
			return Whereabouts{Country: "NO", Network: "AS1", Place: &identity.Place{Latitude: 599, Longitude: 107}, Lists: &none}
		case netip.MustParsePrefix("203.0.113.0/24").Contains(a):
			return Whereabouts{Country: "BR", Network: "AS2", Place: &identity.Place{Latitude: -235, Longitude: -466}, Lists: &[]risk.Listing{risk.Tor}}
		}
		return Whereabouts{}
	}
	w.engine = New(deps)
	return w
}

// settled is a browser in which somebody signed in on five days.
func (w *world) settled(name string) *person {
	w.Helper()
	p := w.browser()
	for range 5 {
		p.Session = ""
		p.signIn(name)
		w.pass(24 * time.Hour)
	}
	p.Session = ""
	return p
}

// stranger is another browser, far away.
func (w *world) stranger() *person {
	p := w.browser()
	p.Addr, p.UserAgent = netip.MustParseAddr("203.0.113.9"), phone
	return p
}

func (w *world) assessments() (out []risk.Assessment) {
	w.Helper()
	for _, e := range w.events(identity.EventRiskAssessed) {
		var a risk.Assessment
		w.must(json.Unmarshal(e.Risk, &a))
		out = append(out, a)
	}
	return out
}

// TestC34AnOddSignInNeedsTheMailboxToo: a password alone, under `optional`. From
// a browser as usual it is enough; from far away a code is mailed and has to come
// back in that browser.
func TestC34AnOddSignInNeedsTheMailboxToo(t *testing.T) {
	w := riskWorld(t, `{"risk":{"deny":1}}`)
	p := w.settled("ada")
	if a := w.assessments()[0]; a.Band != risk.Low {
		t.Fatalf("as usual: %+v", a)
	}
	if _, v := p.toPassword("ada"); v.Step != Done {
		t.Fatalf("as usual: %s", v)
	}
	thief := w.stranger()
	id, v := thief.toPassword("ada")
	if v.Step != Prove || v.current() != "ticket" || !slices.Contains(v.Reasons, "risk-medium") && !slices.Contains(v.Reasons, "risk-high") {
		t.Fatalf("from far away: %s %v", v, v.Reasons)
	}
	a := w.assessments()[0]
	for _, want := range []risk.Reason{risk.CountryNew, risk.DeviceIsNew, risk.NetworkListed} {
		if !slices.Contains(a.Reasons, string(want)) {
			t.Errorf("%s is not among %v", want, a.Reasons)
		}
	}
	if out := thief.answer(id, "wrong"); out.Answer != nil || thief.Session != "" {
		t.Fatalf("a wrong code: %s", out.View)
	}
	mail := w.mail()
	if len(mail) == 0 || mail[len(mail)-1].Code == "" {
		t.Fatalf("no code was mailed: %+v", mail)
	}
	before := w.habit("ada").Total()
	if out := thief.answer(id, mail[len(mail)-1].Code); out.View.Step != Done {
		t.Fatalf("the owner's mailbox spoke: %s", out.View)
	}
	if got := w.habit("ada").Total(); got != before+1 {
		t.Errorf("%d sign-ins after %d", got, before) // now, and not before
	}
	done := w.events(identity.EventSignIn)[0]
	if !slices.Contains(done.Reasons, string(risk.CountryNew)) {
		t.Errorf("the record does not say why: %v", done.Reasons)
	}
}

func (w *world) habit(name string) identity.Habit {
	w.Helper()
	var a identity.HabitAnswer
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
		a, err = tx.Habits.Look(w.Context(), identity.HabitQuery{User: w.users[name].ID})
		return err
	}))
	return a.Habit
}

// TestR05WhatWasNotFinishedIsNotUsual: neither wrong answers nor a challenge that
// nobody met make anything usual.
func TestR05WhatWasNotFinishedIsNotUsual(t *testing.T) {
	w := riskWorld(t, `{}`)
	w.settled("ada")
	before := w.habit("ada").Total()
	for range 3 {
		w.stranger().toPassword("ada")
	}
	if got := w.habit("ada"); got.Total() != before || got.Country != "NO" {
		t.Errorf("%d sign-ins after %d, the last from %s", got.Total(), before, got.Country)
	}
}

// TestReplayEventsHoldNoAddressAndGiveTheSameBytes: every assessment can be
// computed again from its event, and nothing in it leads back to an address.
func TestReplayEventsHoldNoAddressAndGiveTheSameBytes(t *testing.T) {
	w := riskWorld(t, `{}`)
	w.settled("ada")
	w.stranger().toPassword("ada")
	events := w.events(identity.EventRiskAssessed)
	if len(events) != 6 {
		t.Fatalf("%d assessments were told", len(events))
	}
	for _, e := range events {
		in, err := risk.DecodeInputs(e.RiskInputs)
		w.must(err)
		again, err := json.Marshal(risk.Assess(in))
		w.must(err)
		if !bytes.Equal(again, e.Risk) {
			t.Errorf("was %s\nis  %s", e.Risk, again)
		}
		for _, raw := range []string{"203.0.113", "10.0.0", "Pixel", "Firefox", "AS1", "AS2"} {
			if strings.Contains(string(e.RiskInputs), raw) || strings.Contains(string(e.Risk), raw) {
				t.Errorf("%s stands in %s", raw, e.RiskInputs)
			}
		}
	}
}

// TestN17RiskIsOnlyWatched under monitor: recorded, and nothing is asked.
func TestN17RiskIsOnlyWatched(t *testing.T) {
	w := riskWorld(t, `{"risk":{"mode":"monitor"}}`)
	w.settled("ada")
	if _, v := w.stranger().toPassword("ada"); v.Step != Done {
		t.Errorf("%s", v)
	}
	if a := w.assessments()[0]; a.Band != risk.Medium && a.Band != risk.High {
		t.Errorf("%+v", a)
	}
}

// TestC34ADenialLeavesItsOwnerAWay: at a score where sign-ins are denied. On a
// browser of theirs the owner needs their second factor, now; elsewhere a mailed
// code beside it; where nobody can be mailed to it ends.
func TestC34ADenialLeavesItsOwnerAWay(t *testing.T) {
	const deny = `{"risk":{"challenge":0,"deny":0}}`
	w := riskWorld(t, deny)
	w.hold("ada", "totp", "0")
	known := w.settledWith(deny, "ada")
	id, v := known.toPassword("ada")
	if v.Step != Prove || v.current() != "totp" {
		t.Fatalf("on a browser of hers: %s", v)
	}
	w.pass(30 * time.Second)
	if out := known.answer(id, w.code()); out.View.Step != Done {
		t.Fatalf("on a browser of hers: %s", out.View)
	}
	w.pass(30 * time.Second)
	thief := w.stranger()
	id, v = thief.toPassword("ada")
	if v.current() != "totp" {
		t.Fatalf("elsewhere: %s", v)
	}
	if out := thief.answer(id, w.code()); out.View.Step != Prove || out.View.current() != "ticket" {
		t.Fatalf("elsewhere, with a code: %s", out.View)
	}
	w.tenant.Channels = nil
	w.pass(30 * time.Second)
	if _, v := w.stranger().toPassword("ada"); v.Step != Denied {
		t.Errorf("where nobody can be mailed to: %s", v)
	}
}

// settledWith lets somebody get used to a browser before a policy holds.
func (w *world) settledWith(then, name string) *person {
	w.tenant.Policy = json.RawMessage(`{"risk":{"mode":"monitor"}}`)
	defer func() { w.tenant.Policy = json.RawMessage(then) }()
	return w.settled(name)
}

// TestH55ABrokenMapIsUnknown: a reader of places that panics, and one that knows
// nothing, are never low; a history that cannot be read ends nothing well.
func TestH55ABrokenMapIsUnknown(t *testing.T) {
	for name, locate := range map[string]func(netip.Addr) Whereabouts{
		"absent": nil,
		"empty":  func(netip.Addr) Whereabouts { return Whereabouts{} },
		"broken": func(netip.Addr) Whereabouts { panic("corrupt file") },
	} {
		w := riskWorld(t, `{}`)
		w.settled("ada")
		deps := w.engine.Deps
		deps.Locate = locate
		w.engine = New(deps)
		p := w.browser()
		p.Addr = netip.MustParseAddr("198.51.100.7")
		p.toPassword("ada")
		if a := w.assessments()[0]; a.Band == risk.Low || !slices.Contains(a.Reasons, string(risk.NetworksUnknown)) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

type noHistory struct {
	identity.Store
}

type blindHabits struct{ identity.Habits }

var errBlind = errors.New("no history today")

func (blindHabits) Look(context.Context, identity.HabitQuery) (identity.HabitAnswer, error) {
	return identity.HabitAnswer{}, errBlind
}

func (s noHistory) Update(ctx context.Context, tenant string, fn func(identity.Tx) error) error {
	return s.Store.Update(ctx, tenant, func(tx identity.Tx) error {
		tx.Habits = blindHabits{tx.Habits}
		return fn(tx)
	})
}

func TestH55WithoutHistoryNothingIsConcluded(t *testing.T) {
	w := riskWorld(t, `{}`)
	p := w.settled("ada")
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	deps := w.engine.Deps
	deps.Store = noHistory{w.store}
	w.engine = New(deps)
	v := p.view(id)
	_, err := w.engine.Post(t.Context(), w.tenant, p.Browser, id, Post{Prompt: v.Prompts[0].ID, Value: "ada word"})
	if !errors.Is(err, errBlind) {
		t.Errorf("%v", err)
	}
}

// TestR07WrongAnswersRaiseIt: of the user, and of the address whoever was tried.
func TestR07WrongAnswersRaiseIt(t *testing.T) {
	w := riskWorld(t, `{"risk":{"mode":"monitor"}}`)
	p := w.settled("ada")
	p.toPassword("ada")
	before := w.assessments()[0]
	p.Session = ""
	for _, name := range []string{"ada", "ada", "nobody", "nobody"} {
		id := p.begin().FlowID
		p.identify(id, name+"@example.com")
		p.answer(id, "wrong")
	}
	p.toPassword("ada")
	after := w.assessments()[0]
	if after.Bits <= before.Bits || !slices.Contains(after.Reasons, string(risk.FailuresMany)) {
		t.Errorf("%+v\nafter %+v", after, before)
	}
}
