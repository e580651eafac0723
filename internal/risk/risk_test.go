package risk

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// usual is a sign-in like the user's others, with nothing missing.
func usual() Inputs {
	return Inputs{
		Version: Version, History: History{Users: 1000, All: 40_000, Own: 40},
		Address: Feature{{Key: "a", All: 30, Own: 30, DistinctAll: 3000, DistinctOwn: 4}, {Key: "as1", All: 9000, Own: 39, DistinctAll: 50, DistinctOwn: 2}, {Key: "NO", All: 38_000, Own: 40, DistinctAll: 20, DistinctOwn: 1}},
		Agent:   Feature{{All: 400, Own: 20, DistinctAll: 900, DistinctOwn: 3}, {All: 4000, Own: 30, DistinctAll: 90, DistinctOwn: 2}, {All: 9000, Own: 40, DistinctAll: 30, DistinctOwn: 1}, {All: 30_000, Own: 40, DistinctAll: 3, DistinctOwn: 1}},
		Device:  DeviceKnown, Travel: Travel{Seconds: new(int64(86_400)), Kilometres: new(int64(0)), Abroad: new(false)},
		Hours:    Hours{Near: new(int64(20)), Total: new(int64(40))},
		Failures: Failures{User: new(int64(0)), Address: new(int64(0)), Network: new(int64(0))},
		Networks: &[]Listing{}, Changed: new(int64(changeWindow)), Breached: new(false), Client: Browser,
	}
}

func with(change func(*Inputs)) Inputs {
	in := usual()
	change(&in)
	return in
}

func TestR01_AUsualSignInIsLowAndAnOddOneHighWithItsReasons(t *testing.T) {
	if a := Assess(usual()); a.Band != Low || len(a.Reasons) != 0 {
		t.Errorf("usual: %+v", a)
	}
	a := Assess(with(func(in *Inputs) {
		in.Address = Feature{{Key: "x", DistinctAll: 3000, DistinctOwn: 4}, {Key: "as9", DistinctAll: 50, DistinctOwn: 2}, {Key: "BR", All: 3, DistinctAll: 20, DistinctOwn: 1}}
		in.Agent = Feature{{}, {}, {}, {All: 9000}}
		in.Device, in.Client, in.Networks = DeviceNew, Script, &[]Listing{Tor}
		in.Travel = Travel{Seconds: new(int64(600)), Kilometres: new(int64(9000))}
	}))
	want := []string{"new-country", "new-device-type", "new-device", "impossible-travel", "listed-network", "unusual-client"}
	if a.Band != High || !slices.Equal(a.Reasons, want) {
		t.Errorf("odd: %+v", a)
	}
	if a.Contributions[1].Args[0] != "BR" {
		t.Errorf("the country is not named: %+v", a.Contributions[1])
	}
}

func TestR02_TheSumIsTheLogarithmOfThePublishedProduct(t *testing.T) {
	in := usual()
	h := in.History
	s := float64(h.All) / float64(h.Users*h.Own)
	for _, f := range []struct {
		levels  Feature
		weights []float64
	}{{in.Address, []float64{.6, .3, .1}}, {in.Agent, []float64{.5387, .2680, .1882, .0051}}} {
		var all, own float64
		for i, l := range f.levels {
			m, mo := 1.0, 1.0
			if i > 0 {
				m, mo = 1+float64(f.levels[i-1].DistinctAll), 1+float64(f.levels[i-1].DistinctOwn)
			}
			all += f.weights[i] * float64(l.All) / (float64(h.All) + m)
			own += f.weights[i] * float64(l.Own) / (float64(h.Own) + mo)
		}
		s *= all / own
	}
	if want, got := 1000*math.Log2(s), float64(Published(in)); math.Abs(want-got) > 5 {
		t.Errorf("%v thousandths of a bit, the formula says %v", got, want)
	}
}

func TestR03_TheWeightsOfAHierarchyAddUpToOne(t *testing.T) {
	for _, n := range []names{addressReasons(), agentReasons()} {
		var sum int64
		for _, w := range n.weights {
			sum += w
		}
		if sum != 10_000 || len(n.weights) != len(n.new) {
			t.Errorf("%v: %d", n.weights, sum)
		}
	}
}

func TestR04_WhatAUserNeverHadWeighsFourTimes(t *testing.T) {
	for _, all := range []int64{0, 1, 1000} { // however rare or common it is with others
		a := Assess(with(func(in *Inputs) { in.Address = Feature{{All: all}, {All: all}, {All: all}} }))
		if c := a.Contributions[1]; c.Reason != CountryNew || c.Bits != 2000 {
			t.Errorf("%d: %+v", all, c)
		}
	}
}

func TestR04_SmoothingCountsTheValuesBeneath(t *testing.T) {
	for _, c := range []struct {
		count, total, beneath int64
		num, den              int64
	}{{5, 10, 0, 5, 11}, {5, 10, 3, 5, 14}, {0, 10, 3, 1, 14}, {1, 10, 3, 1, 14}} {
		want := new(big.Int).Div(new(big.Int).Mul(big.NewInt(one*10_000), big.NewInt(c.num)), big.NewInt(c.den))
		if got := smoothed(10_000, c.count, c.total, c.beneath); got != want.Uint64() {
			t.Errorf("%+v: %d, want %d", c, got, want)
		}
	}
}

func TestR06_FewerThanTwoSignInsAreUnknown(t *testing.T) {
	for own, unknown := range map[int64]bool{0: true, 1: true, 2: false} {
		in := usual()
		in.History.Own = own
		for _, f := range []Feature{in.Address, in.Agent} {
			for i := range f {
				f[i].Own, f[i].DistinctOwn = own, min(own, 1)
			}
		}
		if a := Assess(in); (a.Band == Unknown) != unknown || unknown != slices.Contains(a.Reasons, string(ColdStart)) {
			t.Errorf("%d: %+v", own, a)
		}
	}
}

func TestR07_NoSignalAloneDeniesAUsualSignIn(t *testing.T) {
	for i, worst := range worse() {
		if a := Assess(with(worst)); a.Band == High {
			t.Errorf("%d: %+v", i, a)
		}
	}
}

func TestN17_ThresholdsAreTheTenants(t *testing.T) {
	score := Assess(usual()).Score
	for _, c := range []struct {
		t    Thresholds
		want Band
	}{{Thresholds{score + 1, 1000}, Low}, {Thresholds{score, 1000}, Medium}, {Thresholds{score, score}, High}, {Thresholds{}, Low}} {
		if a := Assess(with(func(in *Inputs) { in.Thresholds = c.t })); a.Band != c.want {
			t.Errorf("%+v: %s, want %s", c.t, a.Band, c.want)
		}
	}
}

// lack is everything that can be missing.
func lack() map[string]func(*Inputs) {
	return map[string]func(*Inputs){
		"addresses":   func(in *Inputs) { in.Address = nil },
		"the address": func(in *Inputs) { in.Address[0] = Level{Missing: true} },
		"the ASN":     func(in *Inputs) { in.Address[1] = Level{Missing: true} },
		"the country": func(in *Inputs) { in.Address[2] = Level{Missing: true} },
		"GeoIP":       func(in *Inputs) { in.Address[1], in.Address[2] = Level{Missing: true}, Level{Missing: true} },
		"the agent":   func(in *Inputs) { in.Agent = nil },
		"an agent unread": func(in *Inputs) {
			in.Agent = Feature{{Missing: true}, {Missing: true}, {Missing: true}, {Missing: true}}
		},
		"the system":       func(in *Inputs) { in.Agent[2] = Level{Missing: true} },
		"the device":       func(in *Inputs) { in.Device = "" },
		"an odd device":    func(in *Inputs) { in.Device = "trusted" },
		"coordinates":      func(in *Inputs) { in.Travel.Kilometres, in.Travel.Abroad = nil, nil },
		"the last time":    func(in *Inputs) { in.Travel.Seconds = nil },
		"a clock set back": func(in *Inputs) { in.Travel.Seconds = new(int64(-5)) },
		"a distance":       func(in *Inputs) { in.Travel.Kilometres = new(int64(-5)) },
		"hours":            func(in *Inputs) { in.Hours.Near = nil },
		"all hours":        func(in *Inputs) { in.Hours.Total = nil },
		"user failures":    func(in *Inputs) { in.Failures.User = nil },
		"addr failures":    func(in *Inputs) { in.Failures.Address = new(int64(-1)) },
		"network failures": func(in *Inputs) { in.Failures.Network = nil },
		"lists":            func(in *Inputs) { in.Networks = nil },
		"changes":          func(in *Inputs) { in.Changed = nil },
		"a change to come": func(in *Inputs) { in.Changed = new(int64(-1)) },
		"breaches":         func(in *Inputs) { in.Breached = nil },
		"the client":       func(in *Inputs) { in.Client = "" },
	}
}

func TestH55_MissingDataIsUnknownAndNeverLow(t *testing.T) {
	known := Assess(usual())
	for name, lose := range lack() {
		a := Assess(with(lose))
		if a.Band == Low || a.Bits < known.Bits {
			t.Errorf("without %s: %+v", name, a)
		}
		if !slices.ContainsFunc(a.Reasons, func(r string) bool { return strings.HasSuffix(r, "-unknown") }) {
			t.Errorf("without %s no reason says so: %v", name, a.Reasons)
		}
	}
	if a := Assess(Inputs{}); a.Band != Unknown {
		t.Errorf("nothing at all: %+v", a)
	}
}

func TestH55_ContradictionsAreUnknown(t *testing.T) {
	for i, spoil := range []func(*Inputs){
		func(in *Inputs) { in.Version++ },
		func(in *Inputs) { in.History.Own = -1 },
		func(in *Inputs) { in.History.Own = in.History.All + 1 },
		func(in *Inputs) { in.History.All = math.MaxInt64 },
		func(in *Inputs) { in.History.Users = 0 },
		func(in *Inputs) { in.History.Users = in.History.All + 1 },
		func(in *Inputs) { in.Address = in.Address[:2] },
		func(in *Inputs) { in.Agent[0].Own = 41 },
		func(in *Inputs) { in.Agent[0].All = 19 },
		func(in *Inputs) { in.Agent[1].DistinctAll = -1 },
		func(in *Inputs) { in.Agent[1].DistinctOwn = 41 },
		func(in *Inputs) { in.Thresholds = Thresholds{900, 800} },
		func(in *Inputs) { in.Thresholds = Thresholds{900, 1001} },
	} {
		if a := Assess(with(spoil)); a.Band != Unknown || !slices.Equal(a.Reasons, []string{string(BadInputs)}) {
			t.Errorf("%d: %+v", i, a)
		}
	}
}

// drawn is any sound inputs.
func drawn(t *rapid.T) Inputs {
	in := usual()
	n := func(name string, lo, hi int64) int64 { return rapid.Int64Range(lo, hi).Draw(t, name) }
	in.History.Own = n("own", 0, 1<<20)
	in.History.All = n("all", max(1, in.History.Own), 1<<40)
	in.History.Users = n("users", 1, in.History.All)
	for _, f := range []Feature{in.Address, in.Agent} {
		for i := range f {
			own := n("level", 0, in.History.Own)
			distinct := n("distinct", 0, in.History.Own)
			f[i] = Level{
				Own: own, All: n("everybody", own, in.History.All), Missing: n("missing", 0, 9) == 0,
				DistinctOwn: distinct, DistinctAll: n("values", distinct, in.History.All),
			}
		}
	}
	in.Device = rapid.SampledFrom([]Device{DeviceKnown, DeviceNew, DeviceStale, ""}).Draw(t, "device")
	in.Failures.User = new(n("failures", 0, math.MaxInt64))
	in.Changed = new(n("changed", 0, 2*changeWindow))
	in.Hours = Hours{Near: new(n("near", 0, 10)), Total: new(n("total", 10, ceiling))}
	in.Travel.Kilometres, in.Travel.Seconds = new(n("km", 0, math.MaxInt64)), new(n("s", 0, math.MaxInt64))
	return in
}

// worse is every way to make a sign-in odder.
func worse() []func(*Inputs) {
	return []func(*Inputs){
		func(in *Inputs) { in.Device = DeviceStale },
		func(in *Inputs) { in.Travel = Travel{Seconds: new(int64(1)), Kilometres: new(int64(20_000))} },
		func(in *Inputs) { in.Hours = Hours{Near: new(int64(0)), Total: new(int64(ceiling))} },
		func(in *Inputs) { in.Failures.User = new(int64(math.MaxInt64)) },
		func(in *Inputs) { in.Failures.Address = new(int64(math.MaxInt64)) },
		func(in *Inputs) { in.Failures.Network = new(int64(math.MaxInt64)) },
		func(in *Inputs) { l := append(slices.Clone(*in.Networks), Tor); in.Networks = &l },
		func(in *Inputs) { in.Changed = new(int64(0)) },
		func(in *Inputs) { in.Breached = new(true) },
		func(in *Inputs) { in.Client = Script },
	}
}

func TestR07_ABadSignalNeverLowers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		before := Assess(in)
		worse()[rapid.IntRange(0, len(worse())-1).Draw(t, "signal")](&in)
		after := Assess(in)
		if after.Bits < before.Bits || after.Score < before.Score {
			t.Fatalf("%+v became %+v", before, after)
		}
		if before.Score < 0 || after.Score > 1000 {
			t.Fatalf("off the scale: %+v %+v", before, after)
		}
	})
}

func TestR02_AMoreFamiliarValueNeverRaises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		in.History.Own = max(in.History.Own, coldStart)
		in.History.All = max(in.History.All, in.History.Own)
		i := rapid.IntRange(0, 2).Draw(t, "level")
		l := &in.Address[i]
		l.Missing, l.Own = false, rapid.Int64Range(1, max(1, in.History.Own-1)).Draw(t, "own")
		l.All = max(l.All, l.Own+1)
		in.History.All = max(in.History.All, l.All)
		before := Assess(in)
		l.Own++
		if after := Assess(in); after.Bits > before.Bits {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

func TestH55_DataLostNeverMakesItLow(t *testing.T) {
	losses := lack()
	names := make([]string, 0, len(losses))
	for name := range losses {
		names = append(names, name)
	}
	slices.Sort(names)
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		losses[rapid.SampledFrom(names).Draw(t, "loss")](&in)
		if a := Assess(in); a.Band == Low {
			t.Fatalf("%+v", a)
		}
	})
}

func TestReplayIsEqualToTheByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		kept, err := EncodeInputs(in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeInputs(kept)
		if err != nil {
			t.Fatal(err)
		}
		twice, _ := EncodeInputs(again)
		a, _ := json.Marshal(Assess(in))
		b, _ := json.Marshal(Assess(again))
		if string(kept) != string(twice) || string(a) != string(b) {
			t.Fatalf("%s\n%s\n%s\n%s", kept, twice, a, b)
		}
	})
}

// A change of the rules that changes this line needs a new Version.
func TestReplayOfVersion1(t *testing.T) {
	in := with(func(in *Inputs) {
		in.Address[0].Own, in.Device, in.Failures.User = 0, DeviceNew, new(int64(4))
	})
	got, _ := json.Marshal(Assess(in))
	if string(got) != version1 {
		t.Errorf("version %d gives\n%s", Version, got)
	}
}

const version1 = `{"v":1,"score":686,"band":"medium","bits":2724,"reasons":["new-device","failed-attempts"],"contributions":[{"reason":"frequency","bits":1},{"reason":"new-address","bits":-1249},{"reason":"agent-familiar","bits":-3028},{"reason":"new-device","bits":6000},{"reason":"failed-attempts","bits":1000,"args":["4","0","0"]}]}`

// TestInAHouseholdWhatIsUsualIsLow: two people, who are all that the tenant has
// ever seen. The published model knows nobody to compare them with.
func TestInAHouseholdWhatIsUsualIsLow(t *testing.T) {
	in := with(func(in *Inputs) {
		in.History = History{Users: 2, All: 10, Own: 5}
		in.Address = Feature{{All: 10, Own: 5, DistinctAll: 1, DistinctOwn: 1}, {All: 10, Own: 5, DistinctAll: 1, DistinctOwn: 1}, {Key: "NO", All: 10, Own: 5, DistinctAll: 1, DistinctOwn: 1}}
		in.Agent = Feature{{All: 5, Own: 5, DistinctAll: 2, DistinctOwn: 1}, {All: 5, Own: 5, DistinctAll: 2, DistinctOwn: 1}, {All: 5, Own: 5, DistinctAll: 2, DistinctOwn: 1}, {All: 10, Own: 5, DistinctAll: 1, DistinctOwn: 1}}
	})
	if Published(in) < -1500 {
		t.Errorf("the published model sets them apart by %d", Published(in))
	}
	if a := Assess(in); a.Band != Low {
		t.Errorf("as usual: %+v", a)
	}
	in.Device = DeviceNew
	in.Agent = Feature{{DistinctAll: 2, DistinctOwn: 1}, {DistinctAll: 2, DistinctOwn: 1}, {DistinctAll: 2, DistinctOwn: 1}, {All: 10, Own: 5, DistinctAll: 1, DistinctOwn: 1}}
	at := Assess(in).Score
	in.Networks = &[]Listing{Tor}
	if a := Assess(in); a.Band != Medium || a.Score <= at {
		t.Errorf("a new device on a risky network: %+v after %d", a, at)
	}
}

// What a browser may leave out must not be better left out.
func TestR09_SayingNothingIsNoBetterThanSayingSomethingNew(t *testing.T) {
	odd := with(func(in *Inputs) {
		in.Agent = Feature{{DistinctAll: 9}, {DistinctAll: 9}, {DistinctAll: 9}, {DistinctAll: 9}}
	})
	for _, mute := range []Feature{nil, {{Missing: true}, {Missing: true}, {Missing: true}, {Missing: true}}} {
		if a, b := Assess(odd), Assess(with(func(in *Inputs) { in.Agent = mute })); b.Bits < a.Bits {
			t.Errorf("%d bits with nothing said, %d with something new", b.Bits, a.Bits)
		}
	}
}
