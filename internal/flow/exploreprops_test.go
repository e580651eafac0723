package flow

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// TestEveryReachableState walks what two browsers can do from each of the roots,
// and holds the properties after every request.
func TestEveryReachableState(t *testing.T) {
	states, requests := 0, 0
	for _, root := range roots() {
		n := root.node(t)
		looked, asked := explore(t, n, exploreStates)
		if looked < exploreStates && os.Getenv(mutating) == "" {
			t.Errorf("%s: only %d states were reached", root.name, looked)
		}
		states, requests = states+looked, requests+asked
	}
	t.Logf("%d states, %d requests", states, requests)
}

// mutating is set where the search runs over a broken engine; see mutants_test.go.
const mutating = "INTELLIAUTH_MUTANT"

// root is a state that takes many requests to come to.
type root struct {
	name, policy string
	script       []step
}

// step is a request of a root's script.
type step struct {
	browser int
	begin   func(*Request) // nil: answer the last flow
	duty    *Duty
	answers []string
}

func roots() []root {
	ada := step{0, func(*Request) {}, nil, []string{"ada@x.example", "ada word", "CODE ada"}}
	grace := step{1, func(*Request) {}, nil, []string{"grace@x.example", "grace word", "CODE grace"}}
	again := step{0, func(r *Request) { r.PromptLogin = true }, nil, []string{"ada word"}}
	return []root{
		{"nothing yet", `{}`, nil},
		{"nothing yet, always", `{"mfa":"always"}`, nil},
		{"both signed in", `{}`, []step{ada, grace}},
		{"ada steps up again, the thief is half-way", `{"mfa":"always"}`, []step{
			ada, grace, again, {1, func(r *Request) { r.PromptLogin = true }, nil, nil},
		}},
		{"ada removes a factor", `{}`, []step{ada, {0, nil, &Duty{Kind: DutyRemove, Enrolment: "enr_ada_totp"}, []string{"ada word"}}}},
		{"ada adds a passkey", `{}`, []step{ada, {0, nil, &Duty{Kind: DutyEnrol, Factor: "passkey"}, []string{"ada word", "CODE ada"}}}},
		{"bob steps up from a password alone", `{}`, []step{
			{0, func(*Request) {}, nil, []string{"bob@x.example", "bob word"}}, {0, wantLevel(assurance.AAL2), nil, []string{"bob word", "T-first", "totp"}},
		}},
		{"the thief has bob's password", `{"mfa":"always"}`, []step{{1, func(*Request) {}, nil, []string{"bob@x.example", "bob word"}}}},
		{"ada changes her password beside a sign-in", `{}`, []step{
			ada, again, {0, nil, &Duty{Kind: DutyPassword}, []string{"ada word", "CODE ada"}},
		}},
		{"ada forgot her password", `{}`, []step{{0, func(*Request) {}, nil, []string{"ada@x.example", "reset", "T-reset"}}, grace}},
		{"ada lost her phone", `{}`, []step{{0, func(*Request) {}, nil, []string{"ada@x.example", "ada word", "recovery", "R1"}}, grace}},
	}
}

// node plays a root's script; a step of 30 s passes before each code.
func (r root) node(t *testing.T) node {
	t.Helper()
	n := firstNode(r.policy)
	for _, s := range r.script {
		x := n.explorer(t)
		var err error
		if s.duty != nil {
			err = x.duty(s.browser, *s.duty)
		} else {
			err = x.begin(s.browser, s.begin)
		}
		for _, a := range s.answers {
			if err != nil {
				t.Fatalf("%s: %v", r.name, err)
			}
			flows := n.flows[s.browser]
			id := flows[len(flows)-1]
			n.now = n.now.Add(30 * time.Second)
			switch a {
			case "ada@x.example", "grace@x.example", "bob@x.example":
				err = x.post(s.browser, id, Post{Prompt: promptIdentifier, Value: a})
			case "reset":
				err = x.post(s.browser, id, Post{Choose: promptReset})
			case "recovery", "totp":
				err = x.post(s.browser, id, Post{Choose: "offer:" + a})
			default:
				err = x.answer(s.browser, id, a)
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
		x.done()
		n.checked = len(n.grants)
		for b := range n.flows { // finished flows are of no more use
			n.flows[b] = slices.DeleteFunc(n.flows[b], func(id string) bool { return n.state.items["flow "+id].TakenAt != nil })
		}
	}
	return n
}

// explore searches breadth first until limit states have been looked at.
func explore(t *testing.T, first node, limit int) (looked, requests int) {
	t.Helper()
	seen := map[[32]byte]bool{first.sum(): true}
	queue := []node{first}
	for len(queue) > 0 && looked < limit && !t.Failed() {
		n := queue[0]
		queue = queue[1:]
		looked++
		if len(n.path) >= exploreDepth {
			continue
		}
		for _, r := range n.requests() {
			next := n.clone()
			next.path = append(next.path, r.name)
			x := next.explorer(t)
			before := x.store.mapState
			requests++
			err := r.do(x)
			x.done()
			x.hold(before)
			if err != nil {
				continue
			}
			if sum := next.sum(); !seen[sum] {
				seen[sum] = true
				queue = append(queue, next)
			}
		}
	}
	return looked, requests
}

// hold checks the properties of a state, and of the request that led to it.
func (x *explorer) hold(before mapState) {
	x.holdLevels()
	x.holdThief()
	x.holdChanges(before)
	x.holdPasswords(before)
	x.holdGranted()
	for key, n := range x.n.proofs {
		if n > 1 {
			x.Errorf("a code was honoured %d times (%s): %v", n, key, x.n.path)
		}
	}
	for _, s := range x.store.sessions {
		if len(s.Proofs) == 0 && !s.Ended() {
			x.Errorf("a session without a proof: %v", x.n.path)
		}
		for _, p := range s.Proofs {
			if p.Class == assurance.LookUp {
				x.Errorf("a recovery code opened a session: %v", x.n.path)
			}
			if p.Enrolment == "" || x.store.enrolments[p.Enrolment].User != s.User {
				x.Errorf("a session of %s with a proof of %q: %v", s.User, p.Enrolment, x.n.path)
			}
		}
	}
}

// holdLevels: no AAL2 without a second factor's own evidence, no AAL3 without
// attested hardware, acr and auth_time of one set of proofs (C-03), and no grant
// rises by what its owner does elsewhere (C-02).
func (x *explorer) holdLevels() {
	for _, g := range x.n.grants {
		stored := x.store.grants[g.grant.ID]
		s := x.store.sessions[g.grant.Session]
		if stored.Revoked() && !s.Ended() && x.store.users[g.grant.User].DisabledAt == nil {
			continue
		}
		st, err := x.engine.Standing(x.tenant, s, g.grant.Proofs)
		if err != nil {
			x.Fatal(err)
		}
		if st.Level > g.level {
			x.Errorf("a grant rose from %s to %s: %v", g.level, st.Level, x.n.path)
		}
		if st.Level == assurance.AAL3 {
			x.Errorf("AAL3 without attested hardware: %v", x.n.path)
		}
		if st.Level >= assurance.AAL2 && !strong(st.Proofs) {
			x.Errorf("%s from %v: %v", st.Level, st.Proofs, x.n.path)
		}
		if st.Level > assurance.None {
			x.holdPair(st)
		}
		if s.Ended() && st.Level > assurance.None {
			x.Errorf("a grant outlived its session: %v", x.n.path)
		}
	}
}

func strong(proofs []assurance.Proof) bool {
	password, second := false, false
	for _, p := range proofs {
		password = password || p.Class == assurance.Memorized
		second = second || p.Class == assurance.OneTime
		if p.Class == assurance.Key && p.UserVerified {
			return true
		}
	}
	return password && second
}

// holdPair: over all sets of proofs that give the level, auth_time is the best
// value of the set's oldest.
func (x *explorer) holdPair(st assurance.Standing) {
	var best time.Time
	for set := 1; set < 1<<len(st.Proofs); set++ {
		var some []assurance.Proof
		for i, p := range st.Proofs {
			if set&(1<<i) != 0 {
				some = append(some, p)
			}
		}
		if assurance.LevelOf(assurance.Standard, nil, some) < st.Level {
			continue
		}
		oldest := slices.MinFunc(some, func(a, b assurance.Proof) int { return a.At.Compare(b.At) }).At
		if oldest.After(best) {
			best = oldest
		}
	}
	if !st.AuthTime.Equal(best) {
		x.Errorf("auth_time %s at %s, and its proofs say %s: %v", st.AuthTime, st.Level, best, x.n.path)
	}
}

// holdThief: with a password and codes that were seen, the thief gets nothing of
// ada's, who holds a second factor: no session, no code, no flow past the proofs.
func (x *explorer) holdThief() {
	thief := x.n.people[1]
	for _, s := range x.store.sessions {
		if s.User == adaID && thief.Session != "" && string(s.SecretHash) == string(identity.Hash(thief.Session)) {
			x.Errorf("the thief has a session of ada's: %v", x.n.path)
		}
	}
	for _, g := range x.n.grants {
		if g.browser == 1 && g.grant.User == adaID {
			x.Errorf("the thief has a grant of ada's: %v", x.n.path)
		}
		if g.browser == 0 && g.grant.User == graceID {
			x.Errorf("ada has a grant of grace's: %v", x.n.path)
		}
	}
	for _, id := range x.n.flows[1] {
		if f, ok := x.flow(id); ok && f.User == adaID && len(f.Tickets) > 0 {
			x.Errorf("the thief opened a door with %v: %v", f.Tickets, x.n.path)
		}
	}
}

// holdGranted: what a code was given for rests on nothing that was taken out of
// use before.
func (x *explorer) holdGranted() {
	if len(x.n.grants) == 0 || x.n.checked == len(x.n.grants) {
		return
	}
	x.n.checked = len(x.n.grants)
	for _, p := range x.n.grants[len(x.n.grants)-1].grant.Proofs {
		if x.store.enrolments[p.Enrolment].Suspended {
			x.Errorf("a %s that was taken out of use opened a session: %v", p.Factor, x.n.path)
		}
	}
}

// holdPasswords: a new password of who holds a second factor rests on a proof of
// something else than mail, and a passkey is bound only when it has signed.
func (x *explorer) holdPasswords(before mapState) {
	for id, en := range x.store.enrolments {
		if _, existed := before.enrolments[id]; existed {
			continue
		}
		proved := false
		for _, ids := range x.n.flows {
			for _, flow := range ids {
				f, ok := x.flow(flow)
				if !ok || f.User != en.User {
					continue
				}
				for _, p := range f.Proofs {
					proved = proved || p.Class != assurance.Memorized
				}
				if en.Factor == "passkey" && f.Trial != nil && x.store.items["flow "+flow].TakenAt == nil { // a finished flow is kept as it was
					x.Errorf("a passkey was bound before it signed: %v", x.n.path)
				}
			}
		}
		if en.Factor == "word" && !proved && en.User != bobID {
			x.Errorf("a password was set by mail alone: %v", x.n.path)
		}
	}
}

// holdChanges: whatever of ada's changed, browser 0 did it, with proofs of this
// flow at the level that the account held; nothing is added below it, and the
// last factor under `always` stays.
func (x *explorer) holdChanges(before mapState) {
	for id, en := range x.store.enrolments {
		was, existed := before.enrolments[id]
		if existed && was.Suspended == en.Suspended {
			continue
		}
		last := x.n.path[len(x.n.path)-1]
		if (en.User == adaID || en.User == bobID) && last[0] != '0' {
			x.Errorf("%s changed the %s of %s: %v", last, en.Factor, en.User, x.n.path)
		}
		if en.User == graceID && last[0] != '1' {
			x.Errorf("%s changed grace's %s: %v", last, en.Factor, x.n.path)
		}
		if x.store.users[en.User].DisabledAt != nil {
			x.Errorf("a disabled user's %s changed: %v", en.Factor, x.n.path)
		}
	}
	if x.n.policy != `{"mfa":"always"}` || x.holds(adaID, "totp") || x.holds(adaID, "passkey") {
		return
	}
	for _, en := range before.enrolments {
		if en.ID == "enr_ada_totp" && !en.Suspended && x.n.path[len(x.n.path)-1] != "the policy changes" {
			x.Errorf("the last required factor went: %v", x.n.path)
		}
	}
}
