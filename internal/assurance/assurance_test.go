package assurance

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	k     = Proof{Factor: "k", Class: Memorized, AMR: "pwd", At: start}
	tt    = Proof{Factor: "t", Class: OneTime, AMR: "otp", At: start}
	s     = Proof{Factor: "s", Class: Telephone, AMR: "sms", At: start}
	r     = Proof{Factor: "r", Class: LookUp, AMR: "recovery", At: start}
	e     = Proof{Factor: "e", Class: Mailbox, AMR: "email", At: start}
)

func key(uv, be, hw bool) Proof {
	return Proof{Factor: "w", Class: Key, AMR: "key", At: start, UserVerified: uv, BackupEligible: be, Hardware: hw, Model: "m"}
}

func trusted(string) bool { return true }

// TestTable19 walks every row of the decision table in every profile.
func TestTable19(t *testing.T) {
	rows := []struct {
		name                   string
		proofs                 []Proof
		standard, nist, strict Level
		amr                    []string
		resistant, restricted  bool // at the standard profile
	}{
		{"1 E", []Proof{e}, AAL1, None, None, []string{"email"}, false, true},
		{"2 K", []Proof{k}, AAL1, AAL1, AAL1, []string{"pwd"}, false, false},
		{"2 T", []Proof{tt}, AAL1, AAL1, AAL1, []string{"otp"}, false, false},
		{"2 S", []Proof{s}, AAL1, AAL1, None, []string{"sms"}, false, true},
		{"2 R", []Proof{r}, AAL1, AAL1, AAL1, []string{"recovery"}, false, false},
		{"3 W uv=0", []Proof{key(false, false, false)}, AAL1, AAL1, AAL1, []string{"pop", "user"}, true, false},
		{"4 T+S", []Proof{tt, s}, AAL1, AAL1, AAL1, []string{"otp", "sms"}, false, false},
		{"4 T+W uv=0", []Proof{tt, key(false, true, false)}, AAL1, AAL1, AAL1, []string{"otp", "swk", "user"}, true, false},
		{"4 R+T+S", []Proof{r, tt, s}, AAL1, AAL1, AAL1, []string{"recovery", "otp", "sms"}, false, false},
		{"5 K+E", []Proof{k, e}, AAL2, AAL1, AAL1, []string{"pwd", "email", "mfa"}, false, true},
		{"6 K+T", []Proof{k, tt}, AAL2, AAL2, AAL2, []string{"pwd", "otp", "mfa"}, false, false},
		{"7 K+S", []Proof{k, s}, AAL2, AAL2, AAL1, []string{"pwd", "sms", "mfa"}, false, true},
		{"8 K+R raises nothing", []Proof{k, r}, AAL1, AAL1, AAL1, []string{"pwd", "recovery"}, false, false},
		{"9 K+W uv=0 be=1", []Proof{k, key(false, true, false)}, AAL2, AAL2, AAL2, []string{"pwd", "swk", "user", "mfa"}, true, false},
		{"9 K+W uv=0 hw unknown", []Proof{k, key(false, false, false)}, AAL2, AAL2, AAL2, []string{"pwd", "pop", "user", "mfa"}, true, false},
		{"10 W uv=1 be=1", []Proof{key(true, true, false)}, AAL2, AAL2, AAL2, []string{"swk", "user", "mfa"}, true, false},
		{"10 W uv=1 be=1 hw", []Proof{key(true, true, true)}, AAL2, AAL2, AAL2, []string{"swk", "user", "mfa"}, true, false},
		{"11 W uv=1 be=0", []Proof{key(true, false, false)}, AAL2, AAL2, AAL2, []string{"pop", "user", "mfa"}, true, false},
		{"12 W uv=1 be=0 hw", []Proof{key(true, false, true)}, AAL3, AAL3, AAL3, []string{"hwk", "user", "mfa"}, true, false},
		{"13 K+W uv=0 be=0 hw", []Proof{k, key(false, false, true)}, AAL3, AAL3, AAL3, []string{"pwd", "hwk", "user", "mfa"}, true, false},
		{"nothing", nil, None, None, None, []string{}, false, false},
		{"unknown class", []Proof{{Class: "new"}}, None, None, None, []string{}, false, false},
	}
	for _, row := range rows {
		for profile, want := range map[Profile]Level{Standard: row.standard, NIST: row.nist, Strict: row.strict, "other": min(row.nist, row.strict)} {
			if got := LevelOf(profile, trusted, row.proofs); got != want {
				t.Errorf("%s, %s: got %s, want %s", row.name, profile, got, want)
			}
		}
		q := Question{Profile: Standard, Trust: trusted, Limits: DefaultLimits(), Activity: Activity{Last: start}, Now: start}
		got := q.Standing(row.proofs)
		slices.Sort(got.AMR)
		slices.Sort(row.amr)
		if got.Level != row.standard || !slices.Equal(got.AMR, row.amr) || got.PhishingResistant != row.resistant || got.Restricted != row.restricted {
			t.Errorf("%s: got %+v", row.name, got)
		}
	}
}

// TestC24OneMailboxIsOneProof: a password reset through a mailbox and a code to
// the same mailbox prove one thing.
func TestC24OneMailboxIsOneProof(t *testing.T) {
	kc, ec, sc := k, e, s
	kc.Channel, ec.Channel, sc.Channel = "c", "c", "c"
	for _, p := range []Profile{Standard, NIST, Strict} {
		if got := LevelOf(p, trusted, []Proof{kc, ec}); got > AAL1 {
			t.Errorf("%s: password and code through one mailbox gave %s", p, got)
		}
		if got := LevelOf(p, trusted, []Proof{kc, sc}); got > AAL1 {
			t.Errorf("%s: password and code through one number gave %s", p, got)
		}
	}
	other := ec
	other.Channel = "d"
	if got := LevelOf(Standard, trusted, []Proof{kc, other}); got != AAL2 {
		t.Errorf("another mailbox: got %s", got)
	}
	if got := LevelOf(Standard, trusted, []Proof{kc, ec, tt}); got != AAL2 {
		t.Errorf("with TOTP beside: got %s", got)
	}
}

// TestC25TrustIsAskedToday: metadata that revokes a model lowers live proofs.
func TestC25TrustIsAskedToday(t *testing.T) {
	proofs := []Proof{key(true, false, true)}
	if got := LevelOf(NIST, func(string) bool { return false }, proofs); got != AAL2 {
		t.Errorf("revoked model: got %s", got)
	}
	if got := LevelOf(NIST, nil, proofs); got != AAL2 {
		t.Errorf("no metadata: got %s", got)
	}
}

func anyProof(t *rapid.T, label string) Proof {
	return Proof{
		Factor:         rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, label+"factor"),
		Class:          rapid.SampledFrom([]Class{Memorized, OneTime, Telephone, Mailbox, LookUp, Key}).Draw(t, label+"class"),
		AMR:            "x",
		At:             start.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, label+"at")) * time.Hour),
		UserVerified:   rapid.Bool().Draw(t, label+"uv"),
		BackupEligible: rapid.Bool().Draw(t, label+"be"),
		Hardware:       rapid.Bool().Draw(t, label+"hw"),
		Channel:        rapid.SampledFrom([]string{"", "c"}).Draw(t, label+"ch"),
	}
}

func anyProofs(t *rapid.T) []Proof {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Proof { return anyProof(t, "") }), 0, 6).Draw(t, "proofs")
}

// TestLevelIsMonotone: no subset of proofs gives more than the whole.
func TestLevelIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proofs := anyProofs(t)
		profile := rapid.SampledFrom([]Profile{Standard, NIST, Strict}).Draw(t, "profile")
		whole := LevelOf(profile, trusted, proofs)
		for mask := range 1 << len(proofs) {
			var part []Proof
			for i, p := range proofs {
				if mask>>i&1 == 1 {
					part = append(part, p)
				}
			}
			if got := LevelOf(profile, trusted, part); got > whole {
				t.Fatalf("%v gave %s, the whole %s", part, got, whole)
			}
		}
	})
}

// TestC03AcrAndAuthTimeAreOnePair compares the standing with the definition:
// over all sets that give the level, the best value of the set's oldest proof.
func TestC03AcrAndAuthTimeAreOnePair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proofs := anyProofs(t)
		q := Question{Profile: Standard, Trust: trusted, Limits: Limits{{Overall: 1000 * time.Hour}, {Overall: 1000 * time.Hour}, {Overall: 1000 * time.Hour}}, Activity: Activity{Last: start}, Now: start.Add(101 * time.Hour)}
		got := q.Standing(proofs)
		var best time.Time
		for mask := range 1 << len(proofs) {
			var part []Proof
			var oldest time.Time
			for i, p := range proofs {
				if mask>>i&1 == 1 {
					part = append(part, p)
					if oldest.IsZero() || p.At.Before(oldest) {
						oldest = p.At
					}
				}
			}
			if len(part) > 0 && LevelOf(Standard, trusted, part) >= got.Level && oldest.After(best) {
				best = oldest
			}
		}
		if got.Level > None && !got.AuthTime.Equal(best) {
			t.Fatalf("auth_time %s, want %s for %v", got.AuthTime, best, proofs)
		}
		if LevelOf(Standard, trusted, got.Proofs) != got.Level && got.Level > None && LevelOf(Standard, trusted, got.Proofs) < got.Level {
			t.Fatalf("the set does not give the level")
		}
	})
}

// TestN20N21N23LimitsToTheSecond moves a clock across each limit.
func TestN20N21N23LimitsToTheSecond(t *testing.T) {
	all := []Proof{k, tt, key(true, false, true)}
	second := time.Second
	for _, c := range []struct {
		name   string
		proofs []Proof
		active time.Duration // since start
		now    time.Duration
		want   Level
	}{
		{"aal3 one second before idle", all, 0, 15*time.Minute - second, AAL3},
		{"aal3 at idle decays to aal2", all, 0, 15 * time.Minute, AAL2},
		{"aal3 one second before overall", all, 12*time.Hour - second, 12*time.Hour - second, AAL3},
		{"aal3 at overall decays to aal2", all, 12 * time.Hour, 12 * time.Hour, AAL2},
		{"aal2 one second before idle", []Proof{k, tt}, 0, time.Hour - second, AAL2},
		{"aal2 at idle decays to aal1", []Proof{k, tt}, 0, time.Hour, AAL1},
		{"aal2 active, one second before overall", []Proof{k, tt}, 24*time.Hour - second, 24*time.Hour - second, AAL2},
		{"aal2 active, at overall decays to aal1", []Proof{k, tt}, 24 * time.Hour, 24 * time.Hour, AAL1},
		{"aal1 idles without limit", []Proof{k}, 0, 720*time.Hour - second, AAL1},
		{"aal1 ends at overall", []Proof{k}, 720 * time.Hour, 720 * time.Hour, None},
	} {
		q := Question{Profile: NIST, Trust: trusted, Limits: DefaultLimits(), Activity: Activity{Last: start.Add(c.active)}, Now: start.Add(c.now)}
		if got := q.Standing(c.proofs); got.Level != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got.Level, c.want)
		}
	}
}

// TestN23ComingBackRevivesNothing: a level that idled away needs new proofs,
// however often the session is used after that.
func TestN23ComingBackRevivesNothing(t *testing.T) {
	limits := DefaultLimits()
	a := Activity{Last: start}
	q := Question{Profile: NIST, Trust: trusted, Limits: limits}
	at := func(d time.Duration, proofs ...Proof) Level {
		q.Activity, q.Now = a, start.Add(d)
		return q.Standing(proofs).Level
	}
	a = a.Touch(limits, start.Add(59*time.Minute))
	if got := at(59*time.Minute, k, tt); got != AAL2 {
		t.Fatalf("active in time: %s", got)
	}
	back := 59*time.Minute + time.Hour
	for i := range 3 {
		a = a.Touch(limits, start.Add(back+time.Duration(i)*time.Second))
		if got := at(back+time.Duration(i)*time.Second, k, tt); got != AAL1 {
			t.Errorf("back at aal2 limit, use %d: %s", i+1, got)
		}
	}
	later := tt
	later.At = start.Add(back + time.Minute)
	if got := at(back+time.Minute, k, tt, later); got != AAL1 {
		t.Errorf("one new proof beside an old one: %s", got)
	}
	again := k
	again.At = later.At
	if got := at(back+time.Minute, k, tt, later, again); got != AAL2 {
		t.Errorf("both proved again: %s", got)
	}
	// AAL3 alone lapses after 15 minutes; the same proofs still give AAL2.
	hw := key(true, false, true)
	a = Activity{Last: start}.Touch(limits, start.Add(20*time.Minute))
	if got := at(20*time.Minute, hw); got != AAL2 {
		t.Errorf("aal3 after 20 idle minutes: %s", got)
	}
}

// TestC04UntilIsWhenTheLevelLapses: one instant before, the level holds; then not.
func TestC04UntilIsWhenTheLevelLapses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proofs := anyProofs(t)
		q := Question{Profile: Standard, Trust: trusted, Limits: DefaultLimits(), Activity: Activity{Last: start.Add(100 * time.Hour)}, Now: start.Add(100 * time.Hour)}
		now := q.Standing(proofs)
		if now.Level == None || now.Until.IsZero() {
			return
		}
		q.Now = now.Until.Add(-time.Microsecond)
		if got := q.Standing(proofs).Level; got != now.Level {
			t.Fatalf("just before: %s, want %s", got, now.Level)
		}
		q.Now = now.Until
		if got := q.Standing(proofs).Level; got >= now.Level {
			t.Fatalf("at until: still %s", got)
		}
	})
}

func anyRequirement(t *rapid.T, label string) Requirement {
	return Requirement{
		Level:             Level(rapid.IntRange(0, 3).Draw(t, label+"level")),
		Since:             start.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, label+"since")) * time.Hour),
		PhishingResistant: rapid.Bool().Draw(t, label+"pr"),
		Barred:            rapid.SliceOfNDistinct(rapid.SampledFrom([]Class{Telephone, Mailbox, OneTime}), 0, 3, rapid.ID).Draw(t, label+"barred"),
	}
}

// TestJoinIsASemilattice: associative, commutative, idempotent, and at least as
// strict as both sides.
func TestJoinIsASemilattice(t *testing.T) {
	same := func(a, b Requirement) bool { return cmp.Equal(a.Join(Requirement{}), b.Join(Requirement{})) }
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyRequirement(t, "a"), anyRequirement(t, "b"), anyRequirement(t, "c")
		if !same(a.Join(b), b.Join(a)) || !same(a.Join(a), a) || !same(a.Join(b).Join(c), a.Join(b.Join(c))) {
			t.Fatal("not a semilattice", a, b, c)
		}
		proofs := anyProofs(t)
		if a.Join(b).MetBy(Standard, trusted, proofs) && (!a.MetBy(Standard, trusted, proofs) || !b.MetBy(Standard, trusted, proofs)) {
			t.Fatal("join is met though a side is not")
		}
	})
}

// TestC02IntersectKeepsOwnTime: a later proof of the same kind stands for an
// earlier one, an earlier one never for a later.
func TestC02IntersectKeepsOwnTime(t *testing.T) {
	later := k
	later.At = start.Add(time.Hour)
	if got := Intersect([]Proof{k}, []Proof{later}); len(got) != 1 || !got[0].At.Equal(start) {
		t.Errorf("proved again: got %v", got)
	}
	if got := Intersect([]Proof{later}, []Proof{k}); len(got) != 0 {
		t.Errorf("an earlier proof stood for a later one: %v", got)
	}
	if got := Intersect([]Proof{k}, []Proof{tt}); len(got) != 0 {
		t.Errorf("another factor stood for a password: %v", got)
	}
}

func TestParseLevel(t *testing.T) {
	for l := AAL1; l <= AAL3; l++ {
		if got, err := ParseLevel(l.String()); err != nil || got != l {
			t.Errorf("%s: %v %v", l, got, err)
		}
	}
	for _, s := range []string{"", "aal0", "aal4", "AAL2", "2", "aal2 "} {
		if got, err := ParseLevel(s); err == nil || got != None {
			t.Errorf("%q was taken for %s", s, got)
		}
	}
}
