package flow

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// The search walks every state that two browsers can bring the engine into:
// breadth first, each state once, every request in every state. In browser 0
// sits ada, who knows and holds all that is hers. In browser 1 sits a thief who
// is grace: she knows her own things and ada's password, she sees the codes that
// ada used, and has no mailbox but hers. After each request named properties are
// held against what is stored and what was answered. Each request is served by a
// new engine, so every step is a restart, too.
const (
	exploreDepth  = 7
	exploreStates = 12_000 // looked at, at most
	exploreFloor  = 8_000  // and at least, or the search has lost its way
)

// node is one state of the whole: what is stored, the clock, two browsers.
type node struct {
	state  mapState
	now    time.Time
	random uint64
	policy string
	people [2]Browser
	flows  [2][]string    // those that each browser began
	grants []earned       // codes that were redeemed
	used   []string       // one-time codes that were accepted, for the thief to try again
	proofs map[string]int // proofs accepted of each code
	denied map[string]bool
	path   []string
}

// earned is a grant and what it was worth when it was made.
type earned struct {
	grant   identity.Grant
	browser int
	level   assurance.Level
}

func (n node) clone() node {
	n.state = n.state.clone()
	n.flows[0], n.flows[1] = slices.Clone(n.flows[0]), slices.Clone(n.flows[1])
	n.grants, n.used, n.path = slices.Clone(n.grants), slices.Clone(n.used), slices.Clone(n.path)
	n.proofs, n.denied = maps.Clone(n.proofs), maps.Clone(n.denied)
	return n
}

// counter is randomness that can be copied: a hash of how often it was read.
type counter struct{ n *uint64 }

func (c counter) Read(b []byte) (int, error) {
	for i := 0; i < len(b); i += sha256.Size {
		*c.n++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, *c.n))
		copy(b[i:], sum[:])
	}
	return len(b), nil
}

// explorer serves the requests of one state.
type explorer struct {
	testing.TB
	n      *node
	store  *mapStore
	engine *Engine
	tenant identity.Tenant
}

const (
	adaID   = "usr_ada"
	graceID = "usr_grace"
)

func (n *node) explorer(t testing.TB) *explorer {
	now := func() time.Time { return n.now }
	x := &explorer{TB: t, n: n, store: &mapStore{now: now, mapState: n.state}}
	x.tenant = identity.Tenant{ID: "t", Issuer: "https://t.example", Name: "T", Policy: json.RawMessage(n.policy), Channels: []string{"email"}}
	x.engine = New(Deps{
		Store: x.store, Factors: []factor.Factor{&word{}, key{}, &code{now: now}, codes{}, slip{}}, Now: now, Random: counter{&n.random},
		Index: func(context.Context, string) ([]byte, error) { return indexKey, nil },
	})
	return x
}

func (x *explorer) done() { x.n.state = x.store.mapState }

func firstNode(policyText string) node {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	n := node{now: start, policy: policyText, proofs: map[string]int{}, denied: map[string]bool{}}
	n.state = mapState{
		users: map[string]identity.User{}, enrolments: map[string]identity.Enrolment{}, sessions: map[string]identity.Session{}, grants: map[string]identity.Grant{},
		devices: map[string]identity.Device{}, lanes: map[string]identity.Lane{}, items: map[string]identity.Item{},
	}
	for _, id := range []string{adaID, graceID} {
		name := strings.TrimPrefix(id, "usr_")
		n.state.users[id] = identity.User{ID: id, Handle: []byte(name), Identifier: name + "@x.example", Email: name + "@x.example", EmailVerified: true, CreatedAt: start.AddDate(-1, 0, 0)}
		n.hold(id, "word", name+" word")
		n.hold(id, "totp", "0")
	}
	n.hold(adaID, "recovery", "R1")
	for i := range n.people {
		n.people[i] = Browser{Binding: fmt.Sprint("binding of browser ", i)}
	}
	return n
}

func (n *node) hold(user, kind, data string) {
	id := "enr_" + strings.TrimPrefix(user, "usr_") + "_" + kind
	n.state.enrolments[id] = identity.Enrolment{ID: id, User: user, Factor: kind, Name: kind, Data: []byte(data), EnrolledAt: n.now.AddDate(0, -6, 0), Version: 1}
}

// request is one thing that can happen, by name.
type request struct {
	name string
	do   func(*explorer) error
}

// requests lists all that can happen in a state.
func (n *node) requests() []request {
	out := []request{
		{"a step of 30 s passes", func(x *explorer) error { x.n.now = x.n.now.Add(30 * time.Second); return nil }},
		{"an hour passes", func(x *explorer) error { x.n.now = x.n.now.Add(time.Hour); return nil }},
		{"the policy changes", func(x *explorer) error {
			x.n.policy = map[string]string{`{}`: `{"mfa":"always"}`, `{"mfa":"always"}`: `{}`}[x.n.policy]
			return nil
		}},
		{"an operator disables ada", func(x *explorer) error {
			return x.operator(func(u *identity.User) { at := x.n.now; u.DisabledAt = &at })
		}},
	}
	for b := range n.people {
		if len(n.flows[b]) < 2 {
			out = append(out, n.begins(b)...)
		}
		for _, id := range n.flows[b] {
			out = append(out, n.posts(b, id)...)
		}
		if other := n.flows[1-b]; len(other) > 0 { // another browser's flow
			out = append(out, request{fmt.Sprintf("%d cancels the other's flow", b), func(x *explorer) error { return x.post(b, other[0], Post{Cancel: true}) }})
		}
	}
	return out
}

func (n *node) begins(b int) []request {
	req := func(name string, change func(*Request)) request {
		return request{fmt.Sprintf("%d begins %s", b, name), func(x *explorer) error { return x.begin(b, change) }}
	}
	out := []request{
		req("a sign-in", func(*Request) {}),
		req("a step-up", wantLevel(assurance.AAL2)),
		req("a silent step-up", func(r *Request) { wantLevel(assurance.AAL2)(r); silently(r) }),
		req("a manage flow", func(r *Request) { r.Authorization.Scopes = []string{"openid", identity.ScopeMeFactors} }),
	}
	for _, d := range []Duty{{Kind: DutyRemove, Enrolment: "enr_ada_totp"}, {Kind: DutyEnrol, Factor: "passkey"}, {Kind: DutyPassword}} {
		out = append(out, request{fmt.Sprintf("%d begins to %s", b, d.Kind), func(x *explorer) error { return x.duty(b, d) }})
	}
	return out
}

// posts lists what a browser can send to a flow: what its person knows, what
// they saw, and what is wrong.
func (n *node) posts(b int, id string) []request {
	at := func(name string, p Post) request {
		return request{fmt.Sprintf("%d posts %s", b, name), func(x *explorer) error { return x.post(b, id, p) }}
	}
	out := []request{
		at("cancel", Post{Cancel: true}), at("restart", Post{Restart: true}), at("skip", Post{Skip: true}), at("reset", Post{Choose: promptReset}),
		at("ada's name", Post{Prompt: promptIdentifier, Value: "ada@x.example"}), at("grace's name", Post{Prompt: promptIdentifier, Value: "grace@x.example"}),
		at("consent", Post{Prompt: promptConsent, Value: "allow"}),
		at("totp please", Post{Choose: "offer:totp"}), at("recovery please", Post{Choose: "offer:recovery"}), at("passkey please", Post{Choose: "offer:passkey"}),
	}
	// Answers go to the prompt that is open; which one that is, the view says.
	for _, secret := range n.knows(b) {
		out = append(out, request{fmt.Sprintf("%d answers %q", b, secret), func(x *explorer) error { return x.answer(b, id, secret) }})
	}
	return out
}

// knows lists the answers that a person can give.
func (n *node) knows(b int) []string {
	if b == 0 {
		return []string{"ada word", "CODE ada", "R1", "T-first", "T-reset", "KEY a1", "kept", "a new word", "wrong"}
	}
	out := []string{"ada word", "grace word", "CODE grace", "T-grace", "KEY g1", "kept", "a thief's word"}
	for _, c := range n.used {
		out = append(out, "SEEN "+c)
	}
	return out
}

func (x *explorer) begin(b int, change func(*Request)) error {
	req := Request{
		Application:   identity.Application{ID: "app", Name: "App", FirstParty: true},
		Authorization: identity.AuthorizationRequest{ClientID: "app", RedirectURI: "https://app.example/cb", State: "s", Scopes: []string{"openid"}, RequestedAt: x.n.now},
	}
	change(&req)
	begun, err := x.engine.Begin(x.Context(), x.tenant, x.n.people[b], req)
	return x.begun(b, begun, err)
}

func (x *explorer) duty(b int, d Duty) error {
	begun, err := x.engine.BeginDuty(x.Context(), x.tenant, x.n.people[b], d, "/account")
	return x.begun(b, begun, err)
}

func (x *explorer) begun(b int, begun Begun, err error) error {
	if err != nil {
		return err
	}
	if begun.FlowID != "" {
		x.n.flows[b] = append(x.n.flows[b], begun.FlowID)
	}
	return x.answered(b, begun.Answer)
}

// answer sends a secret to the prompt that is open.
func (x *explorer) answer(b int, id, secret string) error {
	v, err := x.engine.View(x.Context(), x.tenant, x.n.people[b], id)
	if err != nil {
		return err
	}
	var open *ViewPrompt
	for i := range v.Prompts {
		if p := &v.Prompts[i]; !p.Offer && p.ID != promptIdentifier && p.ID != promptConsent {
			open = p
		}
	}
	if open == nil {
		return errors.New("nothing is open")
	}
	post := Post{Prompt: open.ID, Value: secret}
	kind, rest, _ := strings.Cut(secret, " ")
	switch kind {
	case "CODE": // who holds the app reads it
		post.Value = fmt.Sprint(x.n.now.Unix() / 30)
		if f, ok := x.flow(id); !ok || f.User != "usr_"+rest {
			if rest == "grace" { // her own app shows the same number in this world, and must not count for ada
				return errors.New("another's code")
			}
		}
	case "SEEN":
		post.Value = rest
	case "KEY":
		f, _ := x.flow(id)
		raw, err := json.Marshal(touch{ID: rest, UV: true, Handle: x.n.state.users[f.User].Handle})
		if err != nil {
			return err
		}
		post.Value, post.PublicKey = "", raw
	case "T-grace": // the mail that grace gets
		f, _ := x.flow(id)
		if f.User != graceID || len(f.Challenges) == 0 {
			return errors.New("no mail of hers")
		}
		post.Value = "T-" + f.Challenges[0].Purpose
	}
	return x.post(b, id, post)
}

func (x *explorer) flow(id string) (Flow, bool) {
	item, ok := x.store.items["flow "+id]
	var f Flow
	return f, ok && json.Unmarshal(item.Value, &f) == nil
}

func (x *explorer) post(b int, id string, p Post) error {
	before, _ := x.flow(id)
	out, err := x.engine.Post(x.Context(), x.tenant, x.n.people[b], id, p)
	if err != nil {
		return err
	}
	if x.n.denied[id] && out.View.Step != Denied {
		x.Errorf("a denied flow went on to %s: %v", out.View.Step, x.n.path)
	}
	x.n.denied[id] = x.n.denied[id] || out.View.Step == Denied
	after, ok := x.flow(id)
	if ok && len(after.Proofs) > len(before.Proofs) || out.View.Step == Done {
		if c := p.Value; c != "" && strings.Trim(c, "0123456789") == "" {
			x.n.proofs[before.User+" "+c]++
			x.n.used = slices.Compact(append(x.n.used, c))
		}
	}
	return x.answered(b, out.Answer)
}

// answered keeps the cookies of an answer and redeems its code.
func (x *explorer) answered(b int, a *Answer) error {
	if a == nil {
		return nil
	}
	p := &x.n.people[b]
	if a.Session != "" {
		p.Session = a.Session
	}
	if a.Device != "" {
		p.Device, p.Secret, _ = strings.Cut(a.Device, ".")
	}
	_, value, ok := strings.Cut(a.Redirect, "code=")
	if !ok {
		return nil
	}
	value, _, _ = strings.Cut(value, "&")
	return x.store.Update(x.Context(), "t", func(tx identity.Tx) error {
		item, err := tx.Ephemerals.Take(x.Context(), KindCode, identity.HashKey(value))
		if err != nil {
			return err
		}
		var c identity.AuthorizationCode
		if err := json.Unmarshal(item.Value, &c); err != nil {
			return err
		}
		if err := tx.Grants.Create(x.Context(), c.Grant); err != nil {
			return err
		}
		s, err := tx.Sessions.ByID(x.Context(), c.Grant.Session)
		if err != nil {
			return err
		}
		st, err := x.engine.Standing(x.tenant, s, c.Grant.Proofs)
		if err != nil {
			return err
		}
		x.n.grants = append(x.n.grants, earned{c.Grant, b, st.Level})
		if c.Purpose && st.Level < assurance.AAL2 && x.holds(c.Grant.User, "totp") {
			x.Errorf("a purpose was shown at %s: %v", st.Level, x.n.path)
		}
		return nil
	})
}

func (x *explorer) holds(user, kind string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(x.store.enrolments)), func(e identity.Enrolment) bool {
		return e.User == user && e.Factor == kind && !e.Suspended
	})
}

func (x *explorer) operator(change func(*identity.User)) error {
	return x.store.Update(x.Context(), "t", func(tx identity.Tx) error {
		u, err := tx.Users.ByID(x.Context(), adaID)
		if err != nil || u.Disabled() {
			return errors.Join(err, errors.New("nothing to do"))
		}
		change(&u)
		if err := tx.Users.Save(x.Context(), u); err != nil {
			return err
		}
		return x.engine.EndUser(x.Context(), tx, u, "disabled")
	})
}

var (
	names  = regexp.MustCompile(`[A-Za-z0-9_-]{22,}={0,2}|(usr|ses|flow|enr|dev|grt)_[0-9a-z]{20,}`)
	stamps = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
)

// sum is the state with its names numbered in the order they appear and its times
// told from now, so that two ways to one state are found to be one.
func (n *node) sum() [32]byte {
	var b strings.Builder
	write := func(v any) {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		b.Write(raw)
		b.WriteByte('\n')
	}
	b.WriteString(n.policy)
	for _, k := range slices.Sorted(maps.Keys(n.state.users)) {
		write(n.state.users[k].DisabledAt != nil)
		write(n.state.users[k].RecoveredAt)
	}
	for _, k := range slices.Sorted(maps.Keys(n.state.enrolments)) {
		e := n.state.enrolments[k]
		e.Version, e.LastUsedAt = 0, nil
		write(e)
		write(string(e.Data))
	}
	for i := range n.people {
		write(n.people[i].Session != "" && n.live(n.people[i].Session))
		for _, id := range n.flows[i] {
			item := n.state.items["flow "+id]
			write([]any{string(item.Value), item.TakenAt != nil, !n.now.Before(item.ExpiresAt), n.denied[id]})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(n.state.sessions)) {
		if s := n.state.sessions[k]; !s.Ended() {
			write(s.Proofs)
		}
	}
	for _, g := range n.grants {
		write([]any{g.browser, g.level, g.grant.User, n.state.grants[g.grant.ID].Revoked()})
	}
	write(len(n.used))
	text := stamps.ReplaceAllStringFunc(b.String(), func(s string) string {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return s
		}
		return n.now.Sub(at).Round(time.Second).String()
	})
	seen := map[string]string{}
	text = names.ReplaceAllStringFunc(text, func(s string) string {
		if _, ok := seen[s]; !ok {
			seen[s] = fmt.Sprint("#", len(seen))
		}
		return seen[s]
	})
	return sha256.Sum256([]byte(text))
}

func (n *node) live(secret string) bool {
	for _, s := range n.state.sessions {
		if string(s.SecretHash) == string(identity.Hash(secret)) {
			return !s.Ended()
		}
	}
	return false
}
