package messages

// Keys of what all mails have in common.
const (
	MailGreeting Key = "mail.greeting"  // {name}
	MailHello    Key = "mail.hello"     // where no name is known
	MailCode     Key = "mail.code"      // over the code
	MailValid    Key = "mail.valid"     // plural: minutes for which the code works
	MailSecret   Key = "mail.secret"    // nobody is to be told it: {tenant}
	MailTime     Key = "mail.time"      // {moment}
	MailPlace    Key = "mail.place"     // {place}
	MailNowhere  Key = "mail.nowhere"   // where the place is not known
	MailDevice   Key = "mail.device"    // {device}
	MailNoDevice Key = "mail.no-device" // where it is not known
	MailFoot     Key = "mail.foot"      // {tenant}
)

const (
	stemMail Key = "mail."
	stemSMS  Key = "sms."
)

// Mail is the key of a part of a mail of a kind (identity.Message.Kind). The
// parts are "subject", "lead" (what is going on), "body" (what it means or asks
// for) and "ignore" (what to do if it was not you); a kind that has a link has
// "link", too, to stand on it. None of them holds the code or the link itself.
func Mail(kind, part string) Key { return stemMail + Key(kind+"."+part) }

// SMS is the key of the text message of a kind. Of those that have a code it
// holds the place {code}; a link follows on a line of its own. It is in the
// GSM 7-bit alphabet wherever what stands in its places is.
func SMS(kind string) Key { return stemSMS + Key(kind) }
