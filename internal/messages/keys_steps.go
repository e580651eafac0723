package messages

// Keys of the steps of a flow that speak of no factor by name.
const (
	StepTry       Key = "step.try" // what was just set up proves itself once
	StepTryLead   Key = "step.try.lead"
	StepTrySubmit Key = "step.try.submit"
	StepSentAgain Key = "step.sent-again" // {address}
	StepSentIf    Key = "step.sent-if"    // {address}, where it is not said whether anybody is known by it
	StepSpam      Key = "step.spam"       // where to look for what does not arrive
	StepEnds      Key = "step.ends"       // {moment}
	StepEndsSoon  Key = "step.ends-soon"
	StepEnded     Key = "step.ended"
	StepAgain     Key = "step.again"
	StepExtend    Key = "step.extend"
	StepScriptFor Key = "step.script-for" // {factor}, beside a way that needs no script

	EnrolPrint    Key = "enrol.print"
	EnrolDownload Key = "enrol.download"
	EnrolNameHint Key = "enrol.name-hint"
	EnrolSecond   Key = "enrol.second"  // heading: one more way is suggested
	EnrolAfter    Key = "enrol.after"   // why recovery codes follow
	EnrolOnce     Key = "enrol.once"    // what is shown now is never shown again
	EnrolFileOf   Key = "enrol.file"    // first line of the file of codes: {tenant} {user}
	EnrolFileAt   Key = "enrol.file-at" // {moment}

	UpgradeTitle Key = "upgrade.title" // a passkey is made without a question
	UpgradeLead  Key = "upgrade.lead"

	ScriptCancelled Key = "script.cancelled" // what failed in the browser, before anything was sent
	ScriptOrigin    Key = "script.origin"
	ScriptKnown     Key = "script.known"
	ScriptUnable    Key = "script.unable"
	ScriptFailed    Key = "script.failed"
	ScriptAbsent    Key = "script.absent"
	ScriptWaiting   Key = "script.waiting"
)
