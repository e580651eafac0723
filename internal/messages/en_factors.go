package messages

// enFactors has one block for each factor, and one for those not known here.
func enFactors() map[Key]string {
	return map[Key]string{
		"prompt.any.title":  "Confirm it’s you",
		"prompt.any.label":  "Your answer",
		"prompt.any.choose": "{factor}",
		"prompt.any.submit": "Continue",
		"enrol.any.title":   "Set up {factor}",
		"enrol.any.lead":    "From now on you can confirm with it that it’s you.",
		"enrol.any.label":   "Your answer",
		"enrol.any.choose":  "{factor}",
		"enrol.any.submit":  "Continue",

		"factor.password":        "Password",
		"prompt.password.title":  "Enter your password",
		"prompt.password.label":  "Password",
		"prompt.password.choose": "Your password",
		"prompt.password.submit": "Continue",
		"enrol.password.title":   "Choose a password",
		"enrol.password.lead":    "A few unrelated words make a good one. There are no rules about digits or signs.",
		"enrol.password.label":   "New password",
		"enrol.password.choose":  "A password",
		"enrol.password.submit":  "Save",

		"factor.totp":        "Authenticator app",
		"prompt.totp.title":  "Enter the code from your app",
		"prompt.totp.lead":   "Open your authenticator app and look for {tenant}.",
		"prompt.totp.label":  "6-digit code",
		"prompt.totp.choose": "A code from your authenticator app",
		"prompt.totp.submit": "Continue",
		"enrol.totp.title":   "Set up an authenticator app",
		"enrol.totp.lead":    "The app shows a new code every 30 seconds. You will be asked for one when you sign in.",
		"enrol.totp.label":   "6-digit code from the app",
		"enrol.totp.choose":  "An authenticator app",
		"enrol.totp.submit":  "Confirm",

		"factor.passkey":        "Passkey",
		"prompt.passkey.title":  "Use your passkey",
		"prompt.passkey.lead":   "Your device asks for your fingerprint, your face, its PIN, or your security key.",
		"prompt.passkey.label":  "Passkey",
		"prompt.passkey.choose": "A passkey or security key",
		"prompt.passkey.submit": "Sign in with a passkey",
		"enrol.passkey.title":   "Set up a passkey",
		"enrol.passkey.lead":    "A passkey is kept by this device, by your password manager or by a security key. There is nothing to remember, and no false page can get it out of you.",
		"enrol.passkey.label":   "Passkey",
		"enrol.passkey.choose":  "A passkey or security key",
		"enrol.passkey.submit":  "Create a passkey",
	}
}

// enSent words the factors that rest on a code: sent by message, or kept on paper.
func enSent() map[Key]string {
	return map[Key]string{
		"factor.sms":        "Text message",
		"prompt.sms.title":  "Enter the code from the text message",
		"prompt.sms.label":  "Code from the text message",
		"prompt.sms.choose": "A code by text message",
		"prompt.sms.submit": "Continue",
		"enrol.sms.title":   "Set up codes by text message",
		"enrol.sms.lead":    "We send a code to your phone whenever one is needed. Text messages can be intercepted, and a phone number can be taken over: a passkey or an authenticator app is safer.",
		"enrol.sms.label":   "Code from the text message",
		"enrol.sms.choose":  "Codes by text message",
		"enrol.sms.submit":  "Confirm",

		"factor.email":        "Code by e-mail",
		"prompt.email.title":  "Enter the code from the e-mail",
		"prompt.email.label":  "Code from the e-mail",
		"prompt.email.choose": "A code by e-mail",
		"prompt.email.submit": "Continue",
		"enrol.email.title":   "Set up codes by e-mail",
		"enrol.email.lead":    "We send a code to your e-mail address whenever one is needed. It is only as safe as your mailbox.",
		"enrol.email.label":   "Code from the e-mail",
		"enrol.email.choose":  "Codes by e-mail",
		"enrol.email.submit":  "Confirm",

		"factor.recovery":        "Recovery codes",
		"prompt.recovery.title":  "Enter a recovery code",
		"prompt.recovery.lead":   "It is one of the codes that you kept. It works once, and lets you set up new sign-in methods.",
		"prompt.recovery.label":  "Recovery code",
		"prompt.recovery.choose": "A recovery code",
		"prompt.recovery.submit": "Continue",
		"enrol.recovery.title":   "Keep your recovery codes",
		"enrol.recovery.lead":    "If you lose your other sign-in methods, one of these codes lets you set up new ones.",
		"enrol.recovery.label":   "Recovery codes",
		"enrol.recovery.choose":  "Recovery codes",
		"enrol.recovery.submit":  "I have kept them",

		"factor.ticket":        "Code that we sent you",
		"prompt.ticket.title":  "Enter the code we sent you",
		"prompt.ticket.lead":   "It comes from {tenant} and is of use only in this browser.",
		"prompt.ticket.label":  "Code from the message",
		"prompt.ticket.choose": "A code that we send you",
		"prompt.ticket.submit": "Continue",
	}
}

// enWays words what is no factor: who one is, and the ways aside.
func enWays() map[Key]string {
	return map[Key]string{
		"prompt.identifier.title":  "Sign in",
		"prompt.identifier.label":  "E-mail address",
		"prompt.identifier.submit": "Continue",

		"prompt.session.title":  "Welcome back",
		"prompt.session.choose": "Continue",
		"prompt.consent.title":  "Allow {application}?",
		"prompt.consent.submit": "Allow",

		"prompt.register.title":  "Register with {tenant}",
		"prompt.register.lead":   "We send a code to your e-mail address to see that it is yours.",
		"prompt.register.label":  "E-mail address",
		"prompt.register.choose": "New here? Register",
		"prompt.register.submit": "Continue",
		"prompt.reset.title":     "Set a new password",
		"prompt.reset.lead":      "We send a code to your e-mail address. If you have set up a second step, we ask for it, too.",
		"prompt.reset.label":     "E-mail address",
		"prompt.reset.choose":    "Forgot your password?",
		"prompt.reset.submit":    "Continue",

		"purpose.any":      "Continue to {application}",
		"purpose.manage":   "Manage your sign-in methods for {application}",
		"purpose.register": "Register with {tenant}",
		"purpose.reset":    "Set a new password for {tenant}",
		"purpose.recover":  "Set up your sign-in to {tenant} again",
		"purpose.join":     "Join {tenant}",

		"field.name":       "A name for it",
		"field.phone":      "Mobile phone number",
		"field.phone.hint": "With the country code, such as +44 7700 900123",
		"field.email":      "E-mail address",
	}
}

// enMoreSteps words the steps of a flow that speak of no factor by name.
func enMoreSteps() map[Key]string {
	return map[Key]string{
		StepTry:       "Try it once",
		StepTryLead:   "Use it now as you will when you sign in. Then it is ready.",
		StepTrySubmit: "Try it",
		StepSentAgain: "We sent a new code to {address}. Only the newest one works.",
		StepSentIf:    "If this address is known here, a code is on its way to {address}.",
		StepSpam:      "Nothing there? It may take a minute. Please look among the unwanted messages, too.",
		StepEnds:      "This page waits until {moment}.",
		StepEndsSoon:  "This page will not wait much longer.",
		StepEnded:     "This page has waited too long. Nothing was changed.",
		StepAgain:     "Start again",
		StepExtend:    "I need more time",
		StepScriptFor: "With JavaScript you could also use: {factor}.",

		EnrolPrint:    "Print",
		EnrolDownload: "Download",
		EnrolNameHint: "So that you can tell it from others, such as “work phone”. You may leave it empty.",
		EnrolSecond:   "Add one more way to sign in",
		EnrolAfter:    "Your second step is ready. These codes are for the day when you don’t have it at hand.",
		EnrolOnce:     "They are shown only now. Print them, or keep them in your password manager.",
		EnrolFileOf:   "Recovery codes of {user} for {tenant}",
		EnrolFileAt:   "Made on {moment}. Earlier codes no longer work.",

		UpgradeTitle: "A passkey for next time",
		UpgradeLead:  "Your password manager can keep a passkey, with which you sign in without typing your password.",

		ScriptCancelled: "The passkey was not used: the question was closed, or it waited too long. You can try again.",
		ScriptOrigin:    "Passkeys for this site do not work at the address of this page. Nothing is wrong with your passkey. Please check the address, or tell the people who run this site.",
		ScriptKnown:     "This device or security key already holds a passkey for you here. You can use another one.",
		ScriptUnable:    "This device or security key can’t hold such a passkey. It may need a PIN, a fingerprint or a face to be set up first.",
		ScriptFailed:    "The browser could not use a passkey. Please try again, or use another way.",
		ScriptAbsent:    "This browser can’t use passkeys. Please use another browser, or another way.",
		ScriptWaiting:   "Please follow what your browser or device asks.",
	}
}
