package policy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/risk"
)

var (
	now      = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	password = Method{"password", assurance.Proof{Class: assurance.Memorized}}
	totp     = Method{"totp", assurance.Proof{Class: assurance.OneTime}}
	mail     = Method{"email", assurance.Proof{Class: assurance.Mailbox}}
	passkey  = Method{"passkey", assurance.Proof{Class: assurance.Key, UserVerified: true}}
)

// classes are those of the factors that there are.
var classes = map[string]assurance.Class{
	"password": assurance.Memorized, "totp": assurance.OneTime, "ticket": "", "email": assurance.Mailbox, "sms": assurance.Telephone,
	"recovery": assurance.LookUp, "passkey": assurance.Key,
}

func parse(t *testing.T, text string) Policy {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func level(l assurance.Level) assurance.Requirement { return assurance.Requirement{Level: l} }

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name    string
		policy  string
		in      Input
		want    assurance.Level
		enrol   bool
		denied  bool
		reasons []Reason
	}{
		{"optional, nothing enrolled", `{}`, Input{Held: []Method{password}}, assurance.AAL1, false, false, nil},
		{"optional, enrolled is enforced", `{}`, Input{Held: []Method{password, totp}}, assurance.AAL2, false, false, []Reason{Enrolled}},
		{"C-26 never, enrolled is enforced", `{"mfa":"never"}`, Input{Held: []Method{password, totp}}, assurance.AAL2, false, false, []Reason{Enrolled}},
		{"C-26 never demands nothing", `{"mfa":"never"}`, Input{Held: []Method{password}, Offered: []Method{totp}}, assurance.AAL1, false, false, nil},
		{"always, nothing enrolled", `{"mfa":"always"}`, Input{Held: []Method{password}, Offered: []Method{totp}}, assurance.AAL2, true, false, []Reason{PolicyAlways, EnrolmentDue}},
		{"always, nothing to enrol", `{"mfa":"always"}`, Input{Held: []Method{password}}, assurance.AAL2, false, true, []Reason{PolicyAlways, Unreachable}},
		{"asked for aal2, may enrol", `{}`, Input{Held: []Method{password}, Offered: []Method{totp}, Requested: level(assurance.AAL2)}, assurance.AAL2, true, false, []Reason{RequestedLevel, EnrolmentDue}},
		{"asked for aal2 under never", `{"mfa":"never"}`, Input{Held: []Method{password}, Offered: []Method{totp}, Requested: level(assurance.AAL2)}, assurance.AAL2, false, true, []Reason{RequestedLevel, Unreachable}},
		{"asked for aal3 with codes only", `{}`, Input{Held: []Method{password, totp}, Offered: []Method{mail}, Requested: level(assurance.AAL3)}, assurance.AAL3, false, true, []Reason{Enrolled, RequestedLevel, Unreachable}},
		{"asked for phishing resistance", `{}`, Input{Held: []Method{password, totp}, Offered: []Method{passkey}, Requested: assurance.Requirement{Level: assurance.AAL1, PhishingResistant: true}}, assurance.AAL2, true, false, []Reason{Enrolled, RequestedLevel, EnrolmentDue}},
		{"application floor", `{}`, Input{Held: []Method{password, totp}, Floor: assurance.AAL2}, assurance.AAL2, false, false, []Reason{ApplicationFloor, Enrolled}},
		{"scope", `{"step_up":[{"scope":"pay","level":"aal2"}]}`, Input{Held: []Method{password}, Offered: []Method{totp}, Scopes: []string{"openid", "pay"}}, assurance.AAL2, true, false, []Reason{ScopeStepUp, EnrolmentDue}},
		{"another scope", `{"step_up":[{"scope":"pay","level":"aal2"}]}`, Input{Held: []Method{password}, Scopes: []string{"paying"}}, assurance.AAL1, false, false, nil},
		{"an application stricter by mode", `{}`, Input{Held: []Method{password}, Offered: []Method{totp}, Application: Stricter{MFA: Always}}, assurance.AAL2, true, false, []Reason{ApplicationPolicy, EnrolmentDue}},
		{"an application stricter by level", `{}`, Input{Held: []Method{password, totp}, Application: Stricter{Level: Level(assurance.AAL3)}}, assurance.AAL3, false, true, []Reason{Enrolled, ApplicationPolicy, Unreachable}},
		{"an application of one factor", `{}`, Input{Held: []Method{password, totp}, Offered: []Method{passkey}, Application: Stricter{MFA: Always, Factors: []string{"passkey"}}}, assurance.AAL2, true, false, []Reason{Enrolled, ApplicationPolicy, EnrolmentDue}},
		{"an application that wants a key, which is held", `{}`, Input{Held: []Method{password, totp, passkey}, Application: Stricter{PhishingResistant: true}}, assurance.AAL2, false, false, []Reason{Enrolled, ApplicationPolicy}},
		{"a group", `{"groups":[{"group":"admins","stricter":{"mfa":"always"}}]}`, Input{Held: []Method{password}, Offered: []Method{totp}, Groups: []string{"staff", "admins"}}, assurance.AAL2, true, false, []Reason{GroupPolicy, EnrolmentDue}},
		{"another group", `{"groups":[{"group":"admins","stricter":{"mfa":"always"}}]}`, Input{Held: []Method{password}, Offered: []Method{totp}, Groups: []string{"staff"}}, assurance.AAL1, false, false, nil},
		{"never, but an application asks", `{"mfa":"never"}`, Input{Held: []Method{password}, Offered: []Method{totp}, Application: Stricter{MFA: Always}}, assurance.AAL2, true, false, []Reason{ApplicationPolicy, EnrolmentDue}},
		{"manage without factors", `{}`, Input{Held: []Method{password}, Manage: true}, assurance.AAL1, false, false, []Reason{ManageFactors}},
		{"manage with a factor", `{}`, Input{Held: []Method{password, totp}, Manage: true}, assurance.AAL2, false, false, []Reason{Enrolled, ManageFactors}},
		{"mail under standard", `{}`, Input{Held: []Method{password, mail}}, assurance.AAL2, false, false, []Reason{Enrolled}},
		{"mail under nist raises nothing", `{"assurance":"nist"}`, Input{Held: []Method{password, mail}}, assurance.AAL1, false, false, nil},
		{"high risk denies", `{}`, Input{Held: []Method{password, totp}, Risk: risk.Assessment{Band: risk.High}}, assurance.AAL2, false, true, []Reason{Enrolled, RiskHigh}},
		{"unknown risk adds nothing", `{}`, Input{Held: []Method{password}, Risk: risk.Assessment{Band: risk.Unknown}}, assurance.AAL1, false, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Policy, c.in.Now, c.in.BegunAt, c.in.Classes = parse(t, c.policy), now, now, classes
			got := Decide(c.in)
			if got.Requirement.Level != c.want || got.Enrol != c.enrol {
				t.Errorf("got %+v", got)
			}
			if got.Denied != c.denied {
				t.Errorf("denied %v", got.Denied)
			}
			slices.Sort(got.Reasons)
			slices.Sort(c.reasons)
			if !slices.Equal(got.Reasons, c.reasons) {
				t.Errorf("reasons %v, want %v", got.Reasons, c.reasons)
			}
		})
	}
}

// TestRulesCommute: the order of rules cannot matter, and no rule lowers.
func TestRulesCommute(t *testing.T) {
	policies := []Policy{
		parse(t, `{}`), parse(t, `{"mfa":"always"}`), parse(t, `{"mfa":"never"}`),
		parse(t, `{"groups":[{"group":"a","stricter":{"level":"aal2","max_age":"1h"}},{"group":"b","stricter":{"factors":["passkey"],"phishing_resistant":true}}]}`),
		parse(t, `{"assurance":"nist","step_up":[{"scope":"pay","level":"aal3","max_age":"5m"}]}`),
	}
	methods := []Method{password, totp, mail, passkey}
	rapid.Check(t, func(t *rapid.T) {
		in := Input{
			Policy: rapid.SampledFrom(policies).Draw(t, "policy"), Now: now, BegunAt: now,
			Requested:   assurance.Requirement{Level: assurance.Level(rapid.IntRange(0, 3).Draw(t, "level")), PhishingResistant: rapid.Bool().Draw(t, "pr")},
			Floor:       assurance.Level(rapid.IntRange(0, 3).Draw(t, "floor")),
			Scopes:      rapid.SampledFrom([][]string{nil, {"pay"}}).Draw(t, "scopes"),
			Application: rapid.SampledFrom([]Stricter{{}, {MFA: Always}, {Level: Level(assurance.AAL3)}, {Factors: []string{"totp"}, MaxAge: Duration(time.Minute)}}).Draw(t, "application"),
			Groups:      rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"a", "b"}}).Draw(t, "groups"),
			Classes:     classes,
			Manage:      rapid.Bool().Draw(t, "manage"),
			Held:        rapid.SliceOfDistinct(rapid.SampledFrom(methods), func(m Method) string { return m.Factor }).Draw(t, "held"),
			Offered:     rapid.SliceOfDistinct(rapid.SampledFrom(methods), func(m Method) string { return m.Factor }).Draw(t, "offered"),
			Risk:        risk.Assessment{Band: rapid.SampledFrom([]risk.Band{risk.Unknown, risk.Low, risk.Medium, risk.High}).Draw(t, "risk")},
		}
		want := Decide(in)
		shuffled := rules()
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := decide(in, shuffled); !cmp.Equal(got, want) {
			t.Fatalf("order matters: %v and %v", got, want)
		}
		drop := rapid.IntRange(0, len(shuffled)-1).Draw(t, "drop")
		fewer := decide(in, slices.Delete(slices.Clone(shuffled), drop, drop+1))
		if fewer.Requirement.Join(want.Requirement).Level != want.Requirement.Level || (fewer.Denied && !want.Denied && !want.Enrol) {
			t.Fatalf("a rule lowered: with %v, without %v", want, fewer)
		}
	})
}

// TestFloorHoldsWithoutASignIn: what is asked of an application or a group holds
// whenever something is given; only its age belongs to a sign-in.
func TestFloorHoldsWithoutASignIn(t *testing.T) {
	p := parse(t, `{"groups":[{"group":"admins","stricter":{"phishing_resistant":true,"max_age":"5m"}}]}`)
	app := Stricter{MFA: Always, Factors: []string{"totp", "passkey"}, MaxAge: Duration(time.Minute)}
	old := now.Add(-time.Hour)
	proofs := func(methods ...Method) (out []assurance.Proof) {
		for _, m := range methods {
			m.Best.At = old
			out = append(out, m.Best)
		}
		return out
	}
	for _, c := range []struct {
		name   string
		groups []string
		held   []assurance.Proof
		want   bool
	}{
		{"a factor that counts", nil, proofs(password, totp), true},
		{"one that does not", nil, proofs(password, mail), false},
		{"the password alone", nil, proofs(password), false},
		{"a code where the group needs a key", []string{"admins"}, proofs(password, totp), false},
		{"the key", []string{"admins"}, proofs(passkey), true},
	} {
		floor := p.Floor(Bearer{Application: app, Groups: c.groups}, classes)
		if got := floor.MetBy(p.Assurance, nil, c.held); got != c.want {
			t.Errorf("%s: %v, want %v (%+v)", c.name, got, c.want, floor)
		}
	}
	if floor := p.Floor(Bearer{MinLevel: assurance.AAL3}, classes); floor.Level != assurance.AAL3 {
		t.Errorf("the application's minimum is lost: %+v", floor)
	}
}

// TestN60N61ToBind is the table of SP 800-63B-4, 4.1.2.1.
func TestN60N61ToBind(t *testing.T) {
	hardware := Method{"passkey", assurance.Proof{Class: assurance.Key, UserVerified: true, Hardware: true}}
	trust := func(string) bool { return true }
	for _, c := range []struct {
		name string
		held []Method
		add  Method
		want assurance.Level
	}{
		{"password only, first TOTP", []Method{password}, totp, assurance.AAL1},
		{"TOTP held, add a passkey", []Method{password, totp}, passkey, assurance.AAL2},
		{"TOTP held, add an AAL3 key", []Method{password, totp}, hardware, assurance.AAL2},
		{"AAL3 key held, add another", []Method{password, hardware}, hardware, assurance.AAL3},
		{"AAL3 key held, add TOTP", []Method{password, hardware}, totp, assurance.AAL2},
		{"nothing held", nil, totp, assurance.AAL1},
	} {
		if got := ToBind(parse(t, `{}`), trust, c.held, c.add); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestEnrolmentGrace: always lets a new user wait, and only as long as it says.
func TestEnrolmentGrace(t *testing.T) {
	p := parse(t, `{"mfa":"always","enrolment_grace":"24h"}`)
	in := Input{Policy: p, Now: now, Created: now.Add(-24*time.Hour + time.Second), Held: []Method{password}, Offered: []Method{totp}}
	d := Decide(in)
	if !d.Enrol || !d.GraceUntil.Equal(now.Add(time.Second)) || d.Fallback.Level != assurance.AAL1 {
		t.Errorf("in grace: %+v", d)
	}
	in.Created = now.Add(-24 * time.Hour)
	if d := Decide(in); !d.GraceUntil.IsZero() {
		t.Errorf("at its end: %+v", d)
	}
	in.Created, in.Application = now, Stricter{MFA: Always}
	if d := Decide(in); !d.GraceUntil.IsZero() {
		t.Errorf("what the application asks by itself may be put off: %+v", d)
	}
	in.Application, in.Requested = Stricter{}, level(assurance.AAL2)
	if d := Decide(in); !d.GraceUntil.IsZero() {
		t.Errorf("asked for aal2 nothing may be put off: %+v", d)
	}
}

func TestC44ParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"mfa":"sometimes"}`:                                       "mfa",
		`{"mfo":"always"}`:                                          "unknown field",
		`{"factors":["totp","fax"]}`:                                "fax",
		`{"assurance":"high"}`:                                      "assurance",
		`{"enrolment_grace":"-1h"}`:                                 "negative",
		`{"enrolment_grace":"1 hour"}`:                              "duration",
		`{"step_up":[{"scope":"a","level":"aal4"}]}`:                "aal4",
		`{"step_up":[{"level":"aal2"}]}`:                            "scope",
		`{"sessions":{"aal3":{"overall":"13h"}}}`:                   "12h",
		`{"sessions":{"aal1":{"overall":"0s"}}}`:                    "overall",
		`{"sessions":{"aal4":{"overall":"1h"}}}`:                    "unknown field",
		`{"risk":{"challenge":1.5}}`:                                "risk",
		`{"risk":{"mode":"off"}}`:                                   "risk",
		`{"groups":[{"group":"a"}]}`:                                "stricter",
		`{"groups":[{"group":"","stricter":{"mfa":"always"}}]}`:     "group",
		`{"groups":[{"group":"a","stricter":{"mfa":"never"}}]}`:     "not be stricter",
		`{"groups":[{"group":"a","stricter":{"mfa":"optional"}}]}`:  "not be stricter",
		`{"groups":[{"group":"a","stricter":{"level":"aal4"}}]}`:    "aal4",
		`{"groups":[{"group":"a","stricter":{"max_age":"-1s"}}]}`:   "negative",
		`{"groups":[{"group":"a","stricter":{"factors":["fax"]}}]}`: "fax",
		`{"groups":[{"group":"a","stricter":{"level":"aal2"}},{"group":"a","stricter":{"level":"aal3"}}]}`: "twice",
		`{"factors":["totp"],"groups":[{"group":"a","stricter":{"factors":["sms"]}}]}`:                     "allows",
		`{"access_token":"11m"}`:                            "access_token",
		`{"assurance":"nist","factors":["totp"]}`:           "passkey",
		`{"assurance":"strict","factors":["totp","email"]}`: "passkey",
		`{} {}`: "trailing",
		`[]`:    "policy",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %q", text, err, want)
		}
	}
	p := parse(t, "")
	if p.MFA != Optional || p.Assurance != assurance.Standard || time.Duration(p.AccessToken) != 10*time.Minute || !p.Allows("totp") || p.Allows("password") {
		t.Errorf("defaults: %+v", p)
	}
	if p.Limits() != assurance.DefaultLimits() {
		t.Errorf("limits: %+v", p.Limits())
	}
}

// TestExplain: what is told is what is decided, and the ways are the least ones.
func TestExplain(t *testing.T) {
	in := Input{
		Policy: parse(t, `{}`), Now: now, BegunAt: now, Classes: classes,
		Held: []Method{password, totp, totp, passkey, {"recovery", assurance.Proof{Class: assurance.LookUp}}}, Requested: level(assurance.AAL2),
	}
	x := Explain(in)
	if !cmp.Equal(x.Decision, Decide(in)) {
		t.Errorf("told %+v, decided %+v", x.Decision, Decide(in))
	}
	if want := [][]string{{"passkey"}, {"password", "totp"}}; !cmp.Equal(x.Ways, want) || x.Enrol != nil {
		t.Errorf("ways %v %v, want %v", x.Ways, x.Enrol, want)
	}
	var spoke []Reason
	for _, d := range x.Demands {
		spoke = append(spoke, d.Reason)
	}
	slices.Sort(spoke)
	if !slices.Equal(spoke, x.Decision.Reasons) {
		t.Errorf("%v spoke, reasons %v", spoke, x.Decision.Reasons)
	}
	in.Held, in.Offered, in.Requested = []Method{password}, []Method{totp, mail}, assurance.Requirement{Level: assurance.AAL2, Barred: []assurance.Class{assurance.Mailbox}}
	if x := Explain(in); x.Ways != nil || !cmp.Equal(x.Enrol, [][]string{{"password", "totp"}}) {
		t.Errorf("by enrolling: %v %v", x.Ways, x.Enrol)
	}
	in.Risk = risk.Assessment{Band: risk.High}
	if x := Explain(in); !x.Decision.Denied || x.Ways != nil || x.Enrol != nil {
		t.Errorf("denied, and yet: %+v", x)
	}
}

// TestC34WhatRiskAsks: by what a person holds, whether they can be mailed to, and
// whether the browser is theirs.
func TestC34WhatRiskAsks(t *testing.T) {
	weak, strong := []Method{password}, []Method{password, totp}
	for name, c := range map[string]struct {
		policy        string
		band          risk.Band
		held          []Method
		mails, known  bool
		ticket, deny  bool
		level         assurance.Level
		fresh, reason bool
	}{
		"low":                           {`{}`, risk.Low, weak, true, false, false, false, assurance.AAL1, false, false},
		"unknown":                       {`{}`, risk.Unknown, weak, true, false, false, false, assurance.AAL1, false, false},
		"medium, a password alone":      {`{}`, risk.Medium, weak, true, true, true, false, assurance.AAL1, false, true},
		"medium, nothing can be asked":  {`{}`, risk.Medium, weak, false, true, false, false, assurance.AAL1, false, true},
		"medium, a second factor":       {`{}`, risk.Medium, strong, true, false, false, false, assurance.AAL2, false, true},
		"high, a password alone":        {`{}`, risk.High, weak, true, true, true, false, assurance.AAL1, false, true},
		"high, no mail":                 {`{}`, risk.High, weak, false, true, false, true, assurance.AAL1, false, true},
		"high, a browser of theirs":     {`{}`, risk.High, strong, true, true, false, false, assurance.AAL2, true, true},
		"high, theirs and no mail":      {`{}`, risk.High, strong, false, true, false, false, assurance.AAL2, true, true},
		"high, a second factor":         {`{}`, risk.High, strong, true, false, true, false, assurance.AAL2, true, true},
		"high, elsewhere and no mail":   {`{}`, risk.High, strong, false, false, false, true, assurance.AAL2, true, true},
		"high, and it is only recorded": {`{"risk":{"mode":"monitor"}}`, risk.High, weak, false, false, false, false, assurance.AAL1, false, false},
	} {
		in := Input{Policy: parse(t, c.policy), Held: c.held, Mails: c.mails, Known: c.known, Risk: risk.Assessment{Band: c.band}, BegunAt: time.Unix(1000, 0)}
		d := Decide(in)
		told := slices.Contains(d.Reasons, RiskMedium) || slices.Contains(d.Reasons, RiskHigh)
		if d.Ticket != c.ticket || d.Denied != c.deny || d.Requirement.Level != c.level || d.Requirement.Since.IsZero() == c.fresh || told != c.reason {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
