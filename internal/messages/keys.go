package messages

// Keys of texts that belong to a page and not to a code.
const (
	Moment Key = "moment" // a time: {day} {month} {year} {time} {zone}

	PageTitle  Key = "page.title"  // of the document: {page} {tenant}
	PageFailed Key = "page.failed" // the same, where an answer was refused: {page} {tenant}
	PageHelp   Key = "page.help"
	PageMadeBy Key = "page.made-by"

	StepAsked      Key = "step.asked"   // before an application's own words
	StepReasons    Key = "step.reasons" // heading over why this is asked
	StepOthers     Key = "step.others"  // heading over other ways
	StepFor        Key = "step.for"     // {application}
	StepManage     Key = "step.manage"  // {application}
	StepNotYou     Key = "step.not-you"
	StepUser       Key = "step.user"    // label of the name of who signs in
	PersonLabel    Key = "person.label" // of who is signed in
	StepCancel     Key = "step.cancel"
	StepResend     Key = "step.resend"
	StepSkip       Key = "step.skip"
	StepSkipBy     Key = "step.skip-by"    // {moment}
	StepLeftDays   Key = "step.left-days"  // {number}, two at least
	StepLeftHours  Key = "step.left-hours" // {number}, two at least
	StepLeftLittle Key = "step.left-little"
	StepSentTo     Key = "step.sent-to" // {address}
	StepNothing    Key = "step.nothing" // no prompt can be shown
	StepScript     Key = "step.script"  // this way needs JavaScript
	StepReveal     Key = "step.reveal"

	SessionOther Key = "session.else"

	ConsentLead Key = "consent.lead" // {application}
	ConsentDeny Key = "consent.deny"

	EnrolChoose Key = "enrol.choose" // title where several could be set up
	EnrolFirst  Key = "enrol.first"  // the same, for somebody new
	EnrolScan   Key = "enrol.scan"
	EnrolQR     Key = "enrol.qr" // text alternative of the picture
	EnrolOpen   Key = "enrol.open"
	EnrolManual Key = "enrol.manual"
	EnrolKey    Key = "enrol.key"
	EnrolCodes  Key = "enrol.codes"
	EnrolCopy   Key = "enrol.copy"
	EnrolCopied Key = "enrol.copied"
	EnrolBegin  Key = "enrol.begin"

	ReturnTitle  Key = "return.title" // {application}
	ReturnLead   Key = "return.lead"
	ReturnSubmit Key = "return.submit"

	DeniedTitle Key = "denied.title"
	DeniedLead  Key = "denied.lead"

	UnusualTitle Key = "unusual.title"
	UnusualLead  Key = "unusual.lead" // {tenant}
	UnusualWay   Key = "unusual.way"

	HomeIn      Key = "home.in"   // {user}
	HomeLead    Key = "home.lead" // {tenant}
	HomeOut     Key = "home.out"
	HomeOutLead Key = "home.out-lead" // {tenant}
	HomeSignIn  Key = "home.sign-in"
	HomeSignOut Key = "home.sign-out"
	HomeSince   Key = "home.since" // {moment}
	HomeStrong  Key = "home.strong"

	SignOutTitle  Key = "sign-out.title"
	SignOutLead   Key = "sign-out.lead" // {user} {tenant}
	SignOutFor    Key = "sign-out.for"  // {application}
	SignOutSubmit Key = "sign-out.submit"
	SignOutStay   Key = "sign-out.stay"
	SignedOut     Key = "signed-out.title"
	SignedOutLead Key = "signed-out.lead" // {tenant}

	FaultCode   Key = "fault.code"   // heading over details for a developer
	FaultID     Key = "fault.id"     // {id}
	FaultBackTo Key = "fault.back"   // {application}
	FaultHome   Key = "fault.home"   // {tenant}
	FaultAgain  Key = "fault.again"  // {wait}
	WaitSeconds Key = "wait.seconds" // plural
	WaitMinutes Key = "wait.minutes" // plural
	WaitHours   Key = "wait.hours"   // plural
)

// Stems of keys that are made from a code.
const (
	stemPrompt Key = "prompt."
	stemEnrol  Key = "enrol."
	stemFactor Key = "factor."
	stemError  Key = "error."
	stemFault  Key = "fault."
	stemReason Key = "reason."
	stemScope  Key = "scope."
	stemField  Key = "field."

	stemPurpose Key = "purpose."

	generic Key = "any" // stands where a code is not known here
)
