package flow

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/risk"
)

var simulatedRounds = flag.Int("simulated-rounds", 13, "rounds of 80 sign-ins that are foretold; 1250 are a hundred thousand")

// stands is where a real sign-in stands after its password.
func stands(v View) Outcome {
	switch {
	case v.Step == Denied:
		return TurnsAway
	case v.Step == Enrol, v.current() == "ticket" && !slices.Contains(v.Reasons, "risk-medium") && !slices.Contains(v.Reasons, "risk-high"):
		return AsksEnrolment
	case v.current() == "ticket":
		return AsksTicket
	case v.Step == Prove:
		return AsksFactor
	}
	return PassesThrough
}

// TestSimulationForetellsWhatFlowsDo: past sign-ins under one policy; what a draft
// would have asked of each is told before; then the draft holds, the same people
// come again in the same way, and every one is asked just that.
func TestSimulationForetellsWhatFlowsDo(t *testing.T) {
	if underRace { // thirty times as slow, and one goroutine
		*simulatedRounds = 1
	}
	flows := 0
	for _, draft := range []string{
		`{}`, `{"mfa":"always"}`, `{"mfa":"never"}`, `{"mfa":"always","factors":["sms"]}`, `{"assurance":"nist"}`,
		`{"risk":{"challenge":0.3,"deny":1}}`, `{"risk":{"mode":"monitor"}}`, `{"risk":{"challenge":0.1,"deny":0.2}}`,
		`{"groups":[{"group":"staff","stricter":{"level":"aal2"}}]}`, `{"mfa":"always","risk":{"challenge":0.4,"deny":0.55}}`,
	} {
		w := riskWorld(t, `{"risk":{"mode":"monitor"}}`)
		w.hold("grace", "totp", "0")
		staff := w.users["ada"]
		staff.Groups = []string{"staff"}
		w.update(func(tx identity.Tx) error { return tx.Users.Save(t.Context(), staff) })
		browsers := map[string]*person{"ada": w.settled("ada"), "grace": w.settled("grace")}
		type sign struct {
			name    string
			strange bool
			level   assurance.Level
		}
		var all []sign
		for _, name := range []string{"ada", "grace"} {
			for _, strange := range []bool{false, true} {
				for _, level := range []assurance.Level{assurance.AAL1, assurance.AAL2} {
					all = append(all, sign{name, strange, level})
				}
			}
		}
		come := func(s sign) View {
			w.pass(24 * time.Hour)
			p := browsers[s.name]
			if s.strange {
				p = w.stranger()
			}
			p.Session = ""
			_, v := p.toPassword(s.name, asking(assurance.Requirement{Level: s.level}))
			return v
		}
		all = slices.Repeat(all, *simulatedRounds)
		var foretold []Outcome
		then := w.tenant
		then.Policy = json.RawMessage(draft)
		for _, s := range all {
			come(s)
			e := w.lastAssessment()
			in, err := risk.DecodeInputs(e.RiskInputs)
			w.must(err)
			var asked Asked
			w.must(json.Unmarshal(e.Asked, &asked))
			past := Past{Inputs: in, Request: asked.Request()}
			w.must(w.store.View(t.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
				if past.User, err = tx.Users.ByID(t.Context(), e.User); err != nil {
					return err
				}
				o, err := w.engine.Simulate(t.Context(), tx, then, past)
				foretold = append(foretold, o)
				return err
			}))
		}
		w.tenant = then
		for i, s := range all {
			v := come(s)
			got := stands(v)
			if foretold[i] == LocksOut && v.Step == Denied {
				got = LocksOut
			}
			if flows++; got != foretold[i] {
				t.Errorf("%s: %+v: foretold %q, and it %q: %s %v", draft, s, foretold[i], got, v, v.Reasons)
			}
		}
	}
	if flows != 80**simulatedRounds {
		t.Error(fmt.Sprint(flows, " flows"))
	}
}

// lastAssessment is the newest event that tells of one.
func (w *world) lastAssessment() identity.Event {
	w.Helper()
	var few []identity.Event
	w.must(w.store.View(w.Context(), w.tenant.ID, func(tx identity.Tx) (err error) {
		few, err = tx.Events.List(w.Context(), identity.EventFilter{Limit: 8})
		return err
	}))
	i := slices.IndexFunc(few, func(e identity.Event) bool { return e.Type == identity.EventRiskAssessed })
	if i < 0 {
		w.Fatal("no assessment was told lately")
	}
	return few[i]
}
