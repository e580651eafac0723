package main

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/risk"
)

const levels = risk.AddressLevels + risk.AgentLevels

// counts is what was seen of one user, or of all.
type counts struct {
	n      int64
	values [levels]map[string]int64
	hours  [risk.Week]int64
	last   row
	known  map[string]bool // devices
}

func newCounts() *counts {
	c := &counts{known: map[string]bool{}}
	for i := range c.values {
		c.values[i] = map[string]int64{}
	}
	return c
}

func valuesOf(r row) [levels]string {
	return [levels]string{r.IP, strconv.Itoa(r.ASN), r.Country, r.UA, r.Browser, r.OS, r.Device}
}

func (c *counts) add(r row) {
	c.n++
	for i, v := range valuesOf(r) {
		c.values[i][v]++
	}
	c.hours[hourOf(r.At)]++
	c.known[deviceOf(r)] = true
	c.last = r
}

// hourOf is the hour of the week; 0 begins on Monday.
func hourOf(t time.Time) int { return (int(t.Weekday())+6)%7*24 + t.Hour() }

// deviceOf stands for the cookie of a browser: a family on a system, whatever
// its version.
func deviceOf(r row) string {
	family, _, _ := strings.Cut(r.Browser, " ")
	return family + "/" + r.OS + "/" + r.Device
}

// past is all history at one moment.
type past struct {
	all   *counts
	users map[int64]*counts
}

func newPast() *past { return &past{newCounts(), map[int64]*counts{}} }

func (p *past) of(user int64) *counts {
	if p.users[user] == nil {
		p.users[user] = newCounts()
	}
	return p.users[user]
}

func (p *past) add(r row) {
	p.all.add(r)
	p.of(r.User).add(r)
}

// inputs are what the engine would have gathered. stolen says that the browser
// is not the user's, whatever it looks like; cleared that its cookie is gone.
func (p *past) inputs(r row, strange bool) risk.Inputs {
	own := p.of(r.User)
	zero, changed := int64(0), int64(math.MaxInt32)
	in := risk.Inputs{
		Version: risk.Version, History: risk.History{Users: int64(len(p.users)), All: p.all.n, Own: own.n},
		Device: risk.DeviceOf(!strange && own.known[deviceOf(r)], false), Client: risk.Browser, Networks: &[]risk.Listing{},
		Changed: &changed, Breached: new(false), Failures: risk.Failures{User: &zero, Address: &zero, Network: &zero},
	}
	in.History.Users = max(1, min(in.History.Users, in.History.All))
	values := valuesOf(r)
	for i, v := range values {
		l := risk.Level{
			Own: own.values[i][v], All: p.all.values[i][v],
			DistinctOwn: int64(len(own.values[i])), DistinctAll: int64(len(p.all.values[i])),
		}
		if i < risk.AddressLevels {
			in.Address = append(in.Address, l)
		} else {
			in.Agent = append(in.Agent, l)
		}
	}
	near := risk.Near(own.hours, hourOf(r.At))
	in.Hours = risk.Hours{Near: &near, Total: &own.n}
	if own.n > 0 {
		in.Travel.Seconds = new(int64(r.At.Sub(own.last.At) / time.Second))
		in.Travel.Abroad = new(r.Country != own.last.Country)
		a, b := home(r.Country), home(own.last.Country)
		if a.lat != 0 && b.lat != 0 {
			in.Travel.Kilometres = new(distance(a, b))
		}
	}
	return in
}

func distance(a, b country) int64 {
	rad := func(tenths int) float64 { return float64(tenths) / 10 * math.Pi / 180 }
	half := func(x float64) float64 { s := math.Sin(x / 2); return s * s }
	h := half(rad(a.lat-b.lat)) + math.Cos(rad(a.lat))*math.Cos(rad(b.lat))*half(rad(a.lon-b.lon))
	return int64(2 * 6371 * math.Asin(math.Sqrt(min(1, h))))
}

// models are what is graded, and what it is held against.
func models() []string { return []string{"ours", "published"} }

func scores(in risk.Inputs) [2]int64 { return [2]int64{risk.Assess(in).Bits, risk.Published(in)} }

// graded is what a run over history gave: scores of honest sign-ins by user, in
// their order, and of attacks.
type graded struct {
	honest  map[int64][][2]int64
	attacks map[string][][2]int64
}

const cleared = .03 // of honest sign-ins come without their cookie

// replay scores each honest sign-in before it is history, and attacks beside
// some of them. Takeovers that were accepted are history like any other.
func replay(rows []row, seed uint64, takeovers float64) graded {
	g := newGenerator(seed ^ 0xa77ac4)
	p := newPast()
	out := graded{map[int64][][2]int64{}, map[string][][2]int64{}}
	for _, r := range rows {
		if !r.OK || r.Takeover {
			continue
		}
		strange := g.Float64() < cleared
		out.honest[r.User] = append(out.honest[r.User], scores(p.inputs(r, strange)))
		if own := p.of(r.User); own.n == 12 || own.n == 25 || own.n == 39 {
			for _, kind := range attackers() {
				a := g.attack(kind, own.last, r.At.Add(time.Duration(g.IntN(24*60))*time.Minute))
				out.attacks[kind] = append(out.attacks[kind], scores(p.inputs(a, true)))
			}
		}
		p.add(r)
		if g.Float64() < takeovers {
			p.add(g.attack(attackers()[g.IntN(3)], r, r.At))
		}
	}
	return out
}
