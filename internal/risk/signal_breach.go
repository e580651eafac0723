package risk

const leaked = 2000

// breach: strangers hold the password that was just typed.
func breach(in Inputs) Contribution {
	switch {
	case in.Breached == nil:
		return Contribution{Reason: LeakUnknown}
	case *in.Breached:
		return Contribution{Reason: PasswordLeaked, Bits: leaked}
	}
	return Contribution{}
}
