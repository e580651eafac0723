package risk

import "strings"

// Reason names a contribution. Its sentence is internal/messages'.
type Reason string

// All reasons there are.
const (
	BadInputs Reason = "inputs-unknown"  // the inputs contradict themselves or are of other rules
	ColdStart Reason = "history-unknown" // fewer than two sign-ins to compare with
	Seldom    Reason = "frequency"       // how often this user signs in, against everybody

	AddressFamiliar Reason = "address-familiar"
	AddressNew      Reason = "new-address"
	NetworkNew      Reason = "new-network"
	CountryNew      Reason = "new-country" // args: the country's code
	AddressUnknown  Reason = "address-unknown"

	AgentFamiliar Reason = "agent-familiar"
	AgentNew      Reason = "new-agent"
	BrowserNew    Reason = "new-browser"
	SystemNew     Reason = "new-system"
	DeviceTypeNew Reason = "new-device-type"
	AgentUnknown  Reason = "agent-unknown"

	DeviceIsNew   Reason = "new-device"
	DeviceIsStale Reason = "stale-device"
	DeviceUnknown Reason = "device-unknown"

	TravelFast    Reason = "impossible-travel" // args: kilometres, minutes
	TravelCountry Reason = "country-jump"      // another country within minutes, distance not known; args: minutes
	TravelUnknown Reason = "travel-unknown"

	HourRare    Reason = "unusual-hour"
	HourUnknown Reason = "hour-unknown"

	FailuresMany    Reason = "failed-attempts" // args: of the user, the address, the network
	FailuresUnknown Reason = "failures-unknown"

	NetworkListed   Reason = "listed-network" // args: the lists
	NetworksUnknown Reason = "networks-unknown"

	ChangedLately  Reason = "recent-change" // args: hours
	ChangeUnknown  Reason = "change-unknown"
	PasswordLeaked Reason = "breached-password"
	LeakUnknown    Reason = "breach-unknown"

	TheftLately Reason = "recent-theft" // args: hours

	ClientOdd     Reason = "unusual-client"
	ClientUnknown Reason = "client-unknown"
)

// Reasons lists every reason once, for those who word them.
func Reasons() []Reason {
	return []Reason{
		BadInputs, ColdStart, Seldom, AddressFamiliar, AddressNew, NetworkNew, CountryNew, AddressUnknown,
		AgentFamiliar, AgentNew, BrowserNew, SystemNew, DeviceTypeNew, AgentUnknown, DeviceIsNew, DeviceIsStale, DeviceUnknown,
		TravelFast, TravelCountry, TravelUnknown, HourRare, HourUnknown, FailuresMany, FailuresUnknown, NetworkListed, NetworksUnknown,
		ChangedLately, ChangeUnknown, PasswordLeaked, LeakUnknown, TheftLately, ClientOdd, ClientUnknown,
	}
}

// missing says that the reason tells of data nobody had.
func (r Reason) missing() bool { return strings.HasSuffix(string(r), "-unknown") }
