package identity

import "time"

// The channels of a message.
const (
	ChannelEmail = "email"
	ChannelSMS   = "sms"

	// ChannelLogout tells an application, not a person, that a session ended
	// (OpenID Connect Back-Channel Logout 1.0). To is the application's address;
	// Args hold client_id, sid and sub.
	ChannelLogout = "logout"
)

// Kinds of message. The words are the catalogue's; a message holds what they
// speak of. A code or link is in Code and Args["link"] alone, and never in a
// subject, a log or an event.
const (
	MessageCode          = "code.signin"             // Code
	MessageEnrolCode     = "code.enrol"              // Code
	MessageFirstFactor   = "ticket.first"            // Code
	MessageUnlock        = "ticket.unlock"           // Code
	MessageUnusual       = "ticket.risk"             // Code: this sign-in looks unusual
	MessageReset         = "ticket.reset"            // Code
	MessageRegister      = "ticket.register"         // Code
	MessageAddress       = "ticket.address"          // Code: to a new address or number
	MessageRegistered    = "ticket.registered"       // registration was asked for an address that has a user: no code
	MessageInvite        = "invite"                  // Args link, until
	MessageFactorAdded   = "notice.factor_added"     // Args factor, link; so the others that hold link
	MessageFactorRemoved = "notice.factor_removed"   // Args factor, link
	MessageFactorsReset  = "notice.factors_reset"    // by an operator
	MessageRecoveryUsed  = "notice.recovery_used"    // Args link
	MessagePassword      = "notice.password_changed" // Args link
	MessageEmailChanged  = "notice.email_changed"    // Args link
	MessagePhoneChanged  = "notice.phone_changed"    // Args link
	MessageFrozen        = "notice.frozen"           // Args until
	MessageAttempts      = "notice.attempts"         // many failed tries
	MessageTokenReused   = "notice.token_reused"     // Args application
)

// Message is what a person is told: a kind and what its words speak of. It is
// put into words when it is sent. Args always hold "at" (RFC 3339) and, where
// known, "place" and "device".
type Message struct {
	ID      string            // msg_…
	Kind    string            // one of the kinds above
	Channel string            // "email" or "sms"
	To      string            // address or E.164 number
	Name    string            // of the person, for a greeting; may be empty
	Code    string            // the only place of a code
	Args    map[string]string // for the wording
	Locale  string            // BCP 47
	Country string            // of a number, ISO 3166-1 alpha-2
	Prefix  string            // of a number: its first digits, under which sends are counted
	At      time.Time
	Expires time.Time // not sent after this; zero means a day
	User    string    // whom it is for; "" if nobody

	Attempts int       // tries so far
	NextAt   time.Time // not before
	SentAt   *time.Time
	DeadAt   *time.Time // given up
	Trouble  string     // why the last try failed, without address and text
}

// Delivery is the result of a try to send.
type Delivery struct {
	Sent    bool
	Dead    bool      // never to be tried again
	Again   time.Time // else: when
	Untried bool      // with Again: nothing was tried, so the claim does not count
	Trouble string    // bounded, one line
}
