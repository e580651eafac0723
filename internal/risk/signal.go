package risk

// signals are all bounded rules on top of the model, in the order in which
// their reasons are told. None takes evidence away, and each knows its most:
// together with the model they decide, alone none does.
func signals() []func(Inputs) Contribution {
	return []func(Inputs) Contribution{
		device, travel, hour, velocity, listed, change, breach, theft, client,
	}
}
