package risk

// Client is the kind of program that asks, by its own claim.
type Client string

// The kinds of clients. The zero value is one that nobody could read.
const (
	Browser Client = "browser"
	Script  Client = "script" // a library, a tool or a headless browser
)

const oddClient = 2500

// client: people do not sign in with curl. A liar passes; the claim is a hint.
func client(in Inputs) Contribution {
	switch in.Client {
	case Browser:
		return Contribution{}
	case Script:
		return Contribution{Reason: ClientOdd, Bits: oddClient}
	}
	return Contribution{Reason: ClientUnknown}
}
