package risk

// Device says what the device cookie told (C-13). It is never a factor: a known
// device adds nothing and takes nothing away.
type Device string

// What a browser can show.
const (
	DeviceKnown Device = "known" // it finished a sign-in of this user before
	DeviceNew   Device = "new"   // it showed nothing, or what this user never had
	DeviceStale Device = "stale" // it showed a value that was rotated away: someone holds a copy
)

// DeviceOf turns what the engine found into what the browser showed.
func DeviceOf(known, stale bool) Device {
	switch {
	case stale:
		return DeviceStale
	case known:
		return DeviceKnown
	}
	return DeviceNew
}

const (
	newDevice   = 6000
	staleDevice = 7000
)

func device(in Inputs) Contribution {
	switch in.Device {
	case DeviceKnown:
		return Contribution{}
	case DeviceNew:
		return Contribution{Reason: DeviceIsNew, Bits: newDevice}
	case DeviceStale:
		return Contribution{Reason: DeviceIsStale, Bits: staleDevice}
	}
	return Contribution{Reason: DeviceUnknown}
}
