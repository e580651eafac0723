package risk

import "testing"

// TestSignals is the table of every signal: inputs, the reason, its weight.
func TestSignals(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	for name, c := range map[string]struct {
		signal func(Inputs) Contribution
		in     Inputs
		reason Reason
		bits   int64
	}{
		"known device": {device, Inputs{Device: DeviceKnown}, "", 0},
		"new device":   {device, Inputs{Device: DeviceNew}, DeviceIsNew, 6000},
		"stale device": {device, Inputs{Device: DeviceOf(true, true)}, DeviceIsStale, 7000},
		"no device":    {device, Inputs{}, DeviceUnknown, 0},

		"a flight":             {travel, Inputs{Travel: Travel{Seconds: n(7 * 3600), Kilometres: n(6000)}}, "", 0},
		"faster than a flight": {travel, Inputs{Travel: Travel{Seconds: n(3600), Kilometres: n(1800)}}, TravelFast, 3000},
		"at once":              {travel, Inputs{Travel: Travel{Seconds: n(0), Kilometres: n(20_000)}}, TravelFast, 4000},
		"next door":            {travel, Inputs{Travel: Travel{Seconds: n(0), Kilometres: n(99)}}, "", 0},
		"a company's VPN":      {travel, Inputs{Travel: Travel{Seconds: n(0), Kilometres: n(9000), Egress: true}}, "", 0},
		"abroad in minutes":    {travel, Inputs{Travel: Travel{Seconds: n(600), Abroad: new(true)}}, TravelCountry, 2000},
		"abroad a day later":   {travel, Inputs{Travel: Travel{Seconds: n(86_400), Abroad: new(true)}}, "", 0},
		"clock set back":       {travel, Inputs{Travel: Travel{Seconds: n(-1), Kilometres: n(9000)}}, TravelUnknown, 0},

		"an hour like others": {hour, Inputs{Hours: Hours{n(8), n(40)}}, "", 0},
		"an hour never had":   {hour, Inputs{Hours: Hours{n(0), n(15)}}, HourRare, 1500},
		"a short history":     {hour, Inputs{Hours: Hours{n(0), n(0)}}, "", 0},
		"hours of nobody":     {hour, Inputs{Hours: Hours{n(3), n(2)}}, HourUnknown, 0},

		"one slip":         {velocity, Inputs{Failures: Failures{n(1), n(1), n(20)}}, "", 0},
		"four of the user": {velocity, Inputs{Failures: Failures{n(4), n(0), n(0)}}, FailuresMany, 1000},
		"a sprayer":        {velocity, Inputs{Failures: Failures{n(1), n(1000), n(1000)}}, FailuresMany, 3000},
		"half is missing":  {velocity, Inputs{Failures: Failures{n(4), nil, n(0)}}, FailuresUnknown, 1000},

		"on no list":      {listed, Inputs{Networks: &[]Listing{}}, "", 0},
		"hosting":         {listed, Inputs{Networks: &[]Listing{Hosting}}, NetworkListed, 1500},
		"tor and hosting": {listed, Inputs{Networks: &[]Listing{Tor, Hosting}}, NetworkListed, 3000},
		"an operator's":   {listed, Inputs{Networks: &[]Listing{"ours"}}, NetworkListed, 2000},
		"no lists":        {listed, Inputs{}, NetworksUnknown, 0},
		"changed now":     {change, Inputs{Changed: n(0)}, ChangedLately, 1000},
		"changed in 36 h": {change, Inputs{Changed: n(36 * 3600)}, ChangedLately, 500},
		"nearly over":     {change, Inputs{Changed: n(changeWindow - 1)}, ChangedLately, 1},
		"over":            {change, Inputs{Changed: n(changeWindow)}, "", 0},
		"no change known": {change, Inputs{}, ChangeUnknown, 0},
		"stolen now":      {theft, Inputs{Theft: n(0)}, TheftLately, 4000},
		"half a week ago": {theft, Inputs{Theft: n(theftWindow / 2)}, TheftLately, 2000},
		"a moment left":   {theft, Inputs{Theft: n(theftWindow - 1)}, TheftLately, 1},
		"long ago":        {theft, Inputs{Theft: n(theftWindow)}, "", 0},
		"a clock behind":  {theft, Inputs{Theft: n(-5)}, TheftLately, 4000},
		"never":           {theft, Inputs{}, "", 0},
		"leaked":          {breach, Inputs{Breached: new(true)}, PasswordLeaked, 2000},
		"not leaked":      {breach, Inputs{Breached: new(false)}, "", 0},
		"nobody looked":   {breach, Inputs{}, LeakUnknown, 0},
		"a browser":       {client, Inputs{Client: Browser}, "", 0},
		"a script":        {client, Inputs{Client: Script}, ClientOdd, 2500},
		"something":       {client, Inputs{Client: "moon"}, ClientUnknown, 0},
	} {
		if got := c.signal(c.in); got.Reason != c.reason || got.Bits != c.bits {
			t.Errorf("%s: %+v, want %s %d", name, got, c.reason, c.bits)
		}
	}
}

func TestNearCountsTheSameKindOfDay(t *testing.T) {
	var h [Week]int64
	h[0*24+23], h[1*24+1], h[2*24+3], h[5*24+0] = 1, 10, 100, 1000
	for hour, want := range map[int]int64{0: 11, 2 * 24: 11, 6*24 + 1: 1000, 3: 110, -1: 0, Week: 0} {
		if got := Near(h, hour); got != want {
			t.Errorf("hour %d: %d, want %d", hour, got, want)
		}
	}
}
