package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// row is one sign-in, in the columns of the public data set.
type row struct {
	IP, Country, Region, City string
	ASN                       int
	UA, OS, Browser, Device   string
	User                      int64
	At                        time.Time
	RTT                       int // milliseconds
	OK, AttackIP, Takeover    bool
}

// country is where people live: shares, places and distances are plausible, not
// measured.
type country struct {
	code     string
	lat, lon int // tenths of a degree
	share    float64
	rtt      int
}

func countries() []country {
	return []country{
		{"NO", 599, 107, .80, 20},
		{"SE", 593, 181, .06, 30},
		{"DE", 525, 134, .04, 35},
		{"GB", 515, -1, .03, 40},
		{"US", 407, -740, .03, 110},
		{"BR", -235, -466, .01, 220},
		{"IN", 190, 729, .01, 180},
		{"RU", 557, 376, .01, 70},
		{"CN", 312, 1215, .01, 250},
	}
}

func home(code string) country {
	i := slices.IndexFunc(countries(), func(c country) bool { return c.code == code })
	if i < 0 {
		return country{code: code}
	}
	return countries()[i]
}

const (
	year        = 365
	networksOf  = 60 // autonomous systems of a country
	mobileShare = .25
)

type device struct {
	system, family, kind string
	lag                  int // versions behind
	mobile               bool
	model, minor         int // phone models and builds; minor versions of the system
}

type person struct {
	id      int64
	from    country
	every   float64 // days between sign-ins
	hour    float64
	asn     []int
	nets    []string
	phone   int // mobile network
	devices []device
}

type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 0x7269736b))} }

func (g generator) country() country {
	at := g.Float64()
	for _, c := range countries() {
		if at -= c.share; at < 0 {
			return c
		}
	}
	return countries()[0]
}

// network picks a provider of a country: few have most people.
func (g generator) network(code string) int {
	return 1000*(1+slices.IndexFunc(countries(), func(c country) bool { return c.code == code })) + int(float64(networksOf)*math.Pow(g.Float64(), 2.5))
}

func (g generator) device() device {
	d := g.family()
	d.model, d.minor = g.IntN(9), g.IntN(7)
	if d.mobile {
		d.model = int(120 * math.Pow(g.Float64(), 2))
	}
	return d
}

func (g generator) family() device {
	switch at := g.Float64(); {
	case at < .38:
		return device{"Windows 10", "Chrome", "desktop", g.IntN(3), false, 0, 0}
	case at < .50:
		return device{"Mac OS X 14", "Safari", "desktop", g.IntN(2), false, 0, 0}
	case at < .57:
		return device{"Windows 10", "Firefox", "desktop", g.IntN(2), false, 0, 0}
	case at < .80:
		return device{"iOS 18", "Mobile Safari", "mobile", g.IntN(2), true, 0, 0}
	}
	return device{"Android 15", "Chrome Mobile", "mobile", g.IntN(3), true, 0, 0}
}

func (g generator) person(id int64) person {
	p := person{id: id, from: g.country(), hour: 6 + 14*g.Float64()}
	p.every = 1.3 * math.Pow(45, g.Float64()*g.Float64()) // daily to less than monthly, most of them seldom
	for range 1 + g.IntN(2) {
		p.asn = append(p.asn, g.network(p.from.code))
	}
	for range 1 + g.IntN(3) {
		p.nets = append(p.nets, fmt.Sprintf("%d.%d.%d", 20+g.IntN(180), g.IntN(256), g.IntN(256)))
	}
	p.phone = g.network(p.from.code) + 500
	for range 1 + g.IntN(3) {
		p.devices = append(p.devices, g.device())
	}
	return p
}

// signIn is one of a person's, day by day.
func (g generator) signIn(p person, at time.Time) row {
	d := p.devices[int(float64(len(p.devices))*math.Pow(g.Float64(), 2))]
	r := row{User: p.id, At: at, OK: true, Country: p.from.code, Region: "R1", City: "C1", Device: d.kind}
	i := int(float64(len(p.nets)) * math.Pow(g.Float64(), 2))
	r.IP, r.ASN = fmt.Sprintf("%s.%d", p.nets[i], 7+i), p.asn[i%len(p.asn)]
	switch {
	case g.Float64() < .015: // away
		c := countries()[g.IntN(5)]
		r.Country, r.ASN, r.IP = c.code, g.network(c.code), g.address()
	case d.mobile && g.Float64() < mobileShare*2:
		r.ASN, r.IP = p.phone, g.address()
	}
	d.fill(&r, at)
	r.RTT = home(r.Country).rtt + g.IntN(40)
	return r
}

func (g generator) address() string {
	return fmt.Sprintf("%d.%d.%d.%d", 20+g.IntN(180), g.IntN(256), g.IntN(256), g.IntN(256))
}

// fill words the device: a version a month, not the same day for everybody.
func (d device) fill(r *row, at time.Time) {
	version := 100 + (int(at.Unix()/86400)+7*d.lag)/30 - d.lag
	r.OS, r.Browser = fmt.Sprintf("%s.%d", d.system, d.minor), fmt.Sprintf("%s %d", d.family, version)
	r.UA = fmt.Sprintf("Mozilla/5.0 (%s.%d; m%d) %s/%d.0", d.system, d.minor, d.model, d.family, version)
}

// generate makes a year of sign-ins of so many people, by time.
func generate(seed uint64, users int) []row {
	g := newGenerator(seed)
	begin := time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC)
	var out []row
	for id := range users {
		p := g.person(int64(id + 1))
		for day := g.Float64() * 30; day < year; day += p.every * g.ExpFloat64() {
			hour := math.Mod(p.hour+2.2*g.NormFloat64()+24, 24)
			at := begin.AddDate(0, 0, int(day)).Add(time.Duration(hour * float64(time.Hour)))
			out = append(out, g.signIn(p, at))
		}
	}
	slices.SortStableFunc(out, func(a, b row) int { return a.At.Compare(b.At) })
	return out
}

// attackers, from the one who knows nothing to the one who knows all but the keys.
func attackers() []string { return []string{"naive", "VPN", "targeted", "very targeted"} }

// attack is what an attacker shows who wants to be the victim of a sign-in.
func (g generator) attack(kind string, victim row, at time.Time) row {
	r := row{User: victim.User, At: at, OK: true, AttackIP: true, Takeover: true, IP: g.address()}
	c := countries()[g.IntN(len(countries()))]
	r.Country, r.ASN = c.code, g.network(c.code)
	d := g.device()
	d.fill(&r, at)
	r.Device = d.kind
	if kind != "naive" {
		r.Country, r.ASN = victim.Country, g.network(victim.Country)
	}
	if kind == "targeted" || kind == "very targeted" {
		r.ASN, r.Region = victim.ASN, victim.Region
		for d = g.device(); d.kind != victim.Device || !strings.HasPrefix(victim.Browser, d.family+" "); {
			d = g.device()
		}
		d.fill(&r, at)
		r.Device = d.kind
	}
	if kind == "very targeted" {
		r.UA, r.OS, r.Browser = victim.UA, victim.OS, victim.Browser
	}
	r.RTT = home(r.Country).rtt + g.IntN(60)
	return r
}
