package messages

// Until the words branch is here.
const (
	StepTry       Key = "step.try"
	StepTryLead   Key = "step.try.lead"
	StepTrySubmit Key = "step.try.submit"
	StepSentAgain Key = "step.sent-again" // {address}
	StepEnds      Key = "step.ends"       // {moment}
	StepEndsSoon  Key = "step.ends-soon"
	StepEnded     Key = "step.ended"
	StepAgain     Key = "step.again"
	StepExtend    Key = "step.extend"

	EnrolPrint    Key = "enrol.print"
	EnrolDownload Key = "enrol.download"
	EnrolNameHint Key = "enrol.name-hint"

	ScriptCancelled Key = "script.cancelled"
	ScriptOrigin    Key = "script.origin"
	ScriptKnown     Key = "script.known"
	ScriptUnable    Key = "script.unable"
	ScriptFailed    Key = "script.failed"
	ScriptAbsent    Key = "script.absent"
	ScriptWaiting   Key = "script.waiting"
)

func (c Catalogue) Duty(kind string, places ...string) string {
	return map[string]string{
		"remove": "You are about to remove a sign-in method.", "password": "You are about to change your password.",
	}[kind]
}

func enWebTmp() map[Key]string {
	return map[Key]string{
		StepTry:       "Try it once",
		StepTryLead:   "Use it now as you will when you sign in. Then it is ready.",
		StepTrySubmit: "Try it",
		StepSentAgain: "We sent a new code to {address}. Only the newest one works.",
		StepEnds:      "This page waits until {moment}.",
		StepEndsSoon:  "This page will not wait much longer.",
		StepEnded:     "This page has waited too long. Nothing was changed.",
		StepAgain:     "Start again",
		StepExtend:    "I need more time",

		EnrolPrint:    "Print",
		EnrolDownload: "Download",
		EnrolNameHint: "So that you can tell it from others, such as “work phone”. You may leave it empty.",

		ScriptCancelled: "The passkey was not used: the question was closed, or it waited too long. You can try again.",
		ScriptOrigin:    "This page’s address is not one that passkeys for this site work on. Nothing is wrong with your passkey. Please check the address, or tell the people who run this site.",
		ScriptKnown:     "This device or security key already holds a passkey for you here. You can use another one.",
		ScriptUnable:    "This device or security key can’t hold such a passkey. It may need a PIN, a fingerprint or a face to be set up first.",
		ScriptFailed:    "The browser could not use a passkey. Please try again, or use another way.",
		ScriptAbsent:    "This browser can’t use passkeys. Please use another browser, or another way.",
		ScriptWaiting:   "Please follow what your browser or device asks.",

		"factor.passkey":        "Passkey",
		"prompt.passkey.title":  "Use your passkey",
		"prompt.passkey.lead":   "Your device asks for your fingerprint, face, PIN or security key.",
		"prompt.passkey.choose": "A passkey",
		"prompt.passkey.submit": "Sign in with a passkey",
		"enrol.passkey.title":   "Set up a passkey",
		"enrol.passkey.lead":    "A passkey is kept by this device, your password manager or a security key. It replaces typing, and it can’t be given to a false site.",
		"enrol.passkey.choose":  "A passkey",
		"enrol.passkey.submit":  "Create a passkey",

		"factor.sms":        "Text message",
		"prompt.sms.title":  "Enter the code from the text message",
		"prompt.sms.label":  "Code",
		"prompt.sms.choose": "A code by text message",
		"prompt.sms.submit": "Continue",
		"enrol.sms.title":   "Set up codes by text message",
		"enrol.sms.lead":    "We send a code to your phone whenever one is needed.",
		"enrol.sms.label":   "Code",
		"enrol.sms.choose":  "Codes by text message",
		"enrol.sms.submit":  "Confirm",

		"factor.recovery":        "Recovery codes",
		"prompt.recovery.title":  "Enter a recovery code",
		"prompt.recovery.label":  "Recovery code",
		"prompt.recovery.choose": "A recovery code",
		"prompt.recovery.submit": "Continue",
		"enrol.recovery.title":   "Keep your recovery codes",
		"enrol.recovery.lead":    "If you lose your other sign-in methods, one of these lets you back in. They are shown only now.",
		"enrol.recovery.choose":  "Recovery codes",
		"enrol.recovery.submit":  "I have kept them",

		"factor.ticket":        "Code by e-mail",
		"prompt.ticket.title":  "Enter the code from the e-mail",
		"prompt.ticket.label":  "Code",
		"prompt.ticket.submit": "Continue",

		"prompt.reset.title":     "Set a new password",
		"prompt.reset.choose":    "Forgot your password?",
		"prompt.register.title":  "Register",
		"prompt.register.label":  "E-mail address",
		"prompt.register.choose": "Register",
		"prompt.register.submit": "Continue",
		"error.passkey_unknown":  "This passkey is not known here. It may have been removed.",
		"error.number_invalid":   "This is no phone number that we can use.",
	}
}
