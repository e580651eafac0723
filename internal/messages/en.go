package messages

// english is complete: other languages are held against it by a test.
func english() language {
	return language{
		tag: "en", dir: "ltr",
		forms: []Form{One, Other},
		plural: func(n int) Form {
			if n == 1 {
				return One
			}
			return Other
		},
		months: [12]string{
			"January", "February", "March", "April", "May", "June",
			"July", "August", "September", "October", "November", "December",
		},
		texts: []map[Key]string{
			enSteps(), enMoreSteps(), enPages(), enFactors(), enSent(), enWays(), enErrors(), enRefusals(), enPasswords(), enFaults(), enReasons(),
			enAccount(), enSecrets(), enSessions(), enDetails(), enDoors(), enChanges(), enEvents(), enBecause(),
			enMail(), enCodeMails(), enNotices(), enAlarms(), enTexts(),
		},
	}
}

func enSteps() map[Key]string {
	return map[Key]string{
		Moment: "{day} {month} {year}, {time} {zone}",

		PageTitle:  "{page} – {tenant}",
		PageFailed: "Error: {page} – {tenant}",
		PageHelp:   "Get help",
		PageMadeBy: "Secured by IntelliAuth",

		StepAsked:      "{application} asks you to confirm:",
		StepReasons:    "Why we ask",
		StepOthers:     "Other ways to confirm it is you",
		StepFor:        "Continue to {application}",
		StepManage:     "Manage your sign-in methods for {application}",
		StepNotYou:     "Not you?",
		StepUser:       "Signing in as",
		PersonLabel:    "Signed in as",
		StepCancel:     "Cancel",
		StepResend:     "Send a new code",
		StepSkip:       "Not now",
		StepLeftDays:   "{number} days are left.",
		StepLeftHours:  "{number} hours are left.",
		StepLeftLittle: "Less than two hours are left.",
		StepSkipBy:     "You can put this off until {moment}.",
		StepSentTo:     "We sent a code to {address}.",
		StepNothing:    "There is no way to confirm this sign-in here.",
		StepScript:     "This way of signing in needs JavaScript.",
		StepReveal:     "Show password",

		SessionOther: "Sign in as someone else",

		ConsentLead: "{application} would like to:",
		ConsentDeny: "Don’t allow",

		EnrolChoose: "Add a second step",
		EnrolFirst:  "Choose how you will sign in",
		EnrolScan:   "Scan this picture with your authenticator app.",
		EnrolQR:     "QR code with the same setup key that can be typed in below",
		EnrolOpen:   "Open an app on this device",
		EnrolManual: "Can’t scan it? Type this key into the app",
		EnrolKey:    "Setup key",
		EnrolCodes:  "Keep these codes in a safe place. Each works once.",
		EnrolCopy:   "Copy",
		EnrolCopied: "Copied",
		EnrolBegin:  "Set up",

		ReturnTitle:  "Back to {application}",
		ReturnLead:   "If nothing happens by itself, please use this button.",
		ReturnSubmit: "Continue",

		DeniedTitle: "You can’t sign in",
		DeniedLead:  "This sign-in was refused. Nothing has changed.",

		UnusualTitle: "This sign-in looks very unusual",
		UnusualLead:  "To protect you, {tenant} did not let it through. Nothing has changed.",
		UnusualWay:   "If it’s you, sign in from a browser in which you have signed in before, or where you usually are.",
	}
}

func enPages() map[Key]string {
	return map[Key]string{
		HomeIn:      "You’re signed in",
		HomeLead:    "This browser is signed in to {tenant}.",
		HomeOut:     "Welcome",
		HomeOutLead: "Nobody is signed in to {tenant} in this browser.",
		HomeSignIn:  "Sign in",
		HomeSignOut: "Sign out",
		HomeSince:   "Signed in on {moment}",
		HomeStrong:  "Confirmed with a second step",

		SignOutTitle:  "Sign out?",
		SignOutLead:   "You will be signed out of {tenant} in this browser.",
		SignOutFor:    "{application} asks to sign you out.",
		SignOutSubmit: "Sign out",
		SignOutStay:   "Stay signed in",
		SignedOut:     "You’re signed out",
		SignedOutLead: "Nobody is signed in to {tenant} in this browser any more. You can close this page.",

		FaultCode:   "Details for developers",
		FaultID:     "Request {id}",
		FaultBackTo: "Back to {application}",
		FaultHome:   "Go to {tenant}",
		FaultAgain:  "Try again in {wait}.",

		WaitSeconds + One:   "{n} second",
		WaitSeconds + Other: "{n} seconds",
		WaitMinutes + One:   "{n} minute",
		WaitMinutes + Other: "{n} minutes",
		WaitHours + One:     "{n} hour",
		WaitHours + Other:   "{n} hours",

		"scope.any":            "Use the permission “{scope}”",
		"scope.profile":        "See your name",
		"scope.email":          "See your e-mail address",
		"scope.phone":          "See your phone number",
		"scope.offline_access": "Keep this access while you are away",
		"scope.me":             "See your sign-in methods and where you are signed in",
		"scope.me:factors":     "Change your sign-in methods",
	}
}

// enErrors words what the flow refuses.
func enErrors() map[Key]string {
	return map[Key]string{
		"error.any":                    "That did not work. Please try again.",
		"error.invalid_credentials":    "The e-mail address or the password is not right. Please check both.",
		"error.identifier_required":    "Please enter your e-mail address.",
		"error.response_required":      "Please fill in this field.",
		"error.code_invalid":           "That code is not right. Please check it and enter it again.",
		"error.code_replayed":          "That code was used already. Please wait for the next one.",
		"error.code_expired":           "That code has expired. Please ask for a new one.",
		"error.too_many_attempts":      "There were too many attempts. Please try again later, or use another way.",
		"error.too_many_attempts.wait": "There were too many attempts. Please wait {wait}.",
		"error.prompt_stale":           "This page was out of date. Please try again.",
		"error.flow_busy":              "Two answers arrived at once. Please try again.",
		"error.overloaded":             "Very many people are signing in right now. Please try again.",
		"error.overloaded.wait":        "Very many people are signing in right now. Please try again in {wait}.",
		"error.enrolment_conflict":     "This has been set up already.",
		"error.not_skippable":          "This step can’t be put off any longer.",
	}
}

// enRefusals words what is refused of numbers, messages, changes and passkeys:
// each says what is the matter and what to do.
func enRefusals() map[Key]string {
	return map[Key]string{
		"error.address_invalid":        "No message can go to this e-mail address. Please check it.",
		"error.number_invalid":         "This is not a phone number that exists. Please check it, and begin with the country code, such as +44.",
		"error.number_not_mobile":      "This number can’t receive text messages. Please give the number of a mobile phone.",
		"error.country_not_allowed":    "We can’t send text messages to this country. Please use another number, or another way.",
		"error.send_limited":           "Enough codes have been sent for now. Please use the newest one, or another way.",
		"error.send_limited.wait":      "A new code can be sent in {wait}. Please look for the one that was sent.",
		"error.code_kept":              "Please keep the codes in a safe place first, and then confirm that you have.",
		"error.name_in_use":            "Something of yours has this name already. Please choose another one.",
		"error.name_invalid":           "Please enter a name.",
		"error.address_unavailable":    "This address can’t be used here. Please give another one.",
		"error.enrolment_exists":       "This has been set up already.",
		"error.recovered_recently":     "A recovery code was used a short time ago. To protect you, nothing can be removed and no address can be changed for 72 hours after that.",
		"error.frozen":                 "To protect you, nothing can be changed here for now: a change was reported as not made by you, or a recovery code was used. Please try again later.",
		"error.last_required_factor":   "This is the last second step that you need to sign in. Please add another one first.",
		"error.passkey_unknown":        "This passkey is not known here. It may have been removed. Please use another one, or another way.",
		"error.passkey_origin":         "The passkey answered for a page with another address. Nothing is wrong with your passkey. Please open this page by its proper address and try again.",
		"error.passkey_no_uv":          "The passkey did not check that it’s you. Please set up a fingerprint, a face or a PIN for it, or use another way.",
		"error.passkey_backup_changed": "This passkey was made as one that can’t be copied, or as one that can, and now says the opposite. To keep you safe it is not accepted. Please use another way, and then replace it.",
		"error.passkey_known":          "This device or security key already holds a passkey for you here. Please use another one.",
		"error.passkey_not_attested":   "This passkey does not prove who made it, which is asked for here. Please use a security key that does, or another way.",
		"error.passkey_model":          "Passkeys of this make are not accepted here. Please use another one, or another way.",
		"error.passkey_failed":         "The answer of the passkey could not be verified, so it was not accepted. Please try again, or use another way.",
	}
}

// enPasswords words why a new password is refused.
func enPasswords() map[Key]string {
	return map[Key]string{
		"error.password_invalid":         "This can’t be a password. Please choose another one.",
		"error.password_too_short.one":   "Please use at least {n} character.",
		"error.password_too_short.other": "Please use at least {n} characters. A few unrelated words make a good password.",
		"error.password_too_long.one":    "Please use at most {n} character.",
		"error.password_too_long.other":  "Please use at most {n} characters.",
		"error.password_common":          "This password is among the first that others would try. Please choose another one.",
		"error.password_contains_name":   "This password is made from your name, your address or the name of this place. Please choose another one.",
		"error.password_repeated":        "This password repeats itself. Please choose another one.",
		"error.password_sequence":        "This password follows a pattern that is easily guessed. Please choose another one.",
	}
}

// enFaults words errors that take a whole page.
func enFaults() map[Key]string {
	return map[Key]string{
		"fault.any.title": "That can’t be done",
		"fault.any.lead":  "The request was not understood. Nothing has changed.",

		"fault.flow_expired.title":           "Please start again",
		"fault.flow_expired.lead":            "This sign-in was finished before, or it waited too long.",
		"fault.foreign_browser.title":        "Started in another browser",
		"fault.foreign_browser.lead":         "This sign-in was begun in another browser, or this browser keeps no cookies. To keep you safe it can only be finished where it began. You can start a new one here.",
		"fault.flow_not_found.title":         "Please start again",
		"fault.flow_not_found.lead":          "There is no such sign-in. It may have ended some time ago.",
		"fault.not_found.title":              "There is nothing here",
		"fault.not_found.lead":               "The address may be mistyped, or the page has moved.",
		"fault.method_not_allowed.title":     "That can’t be done here",
		"fault.method_not_allowed.lead":      "This address does not take such a request.",
		"fault.forbidden.title":              "Not allowed",
		"fault.forbidden.lead":               "You are not allowed to do this. Nothing has changed.",
		"fault.application_request.title":    "The application’s request can’t be used",
		"fault.application_request.lead":     "The application that sent you here made a mistake. You did nothing wrong. Please tell the people who run it.",
		"fault.too_large.title":              "That is too much",
		"fault.too_large.lead":               "What was sent is too large to be read.",
		"fault.unsupported_media_type.title": "That can’t be read",
		"fault.unsupported_media_type.lead":  "What was sent has a form that is not understood here.",
		"fault.overloaded.title":             "Please try again",
		"fault.overloaded.lead":              "Very many people are signing in right now. Nothing was lost; your answer just was not looked at yet.",
		"fault.too_many_requests.title":      "Too many requests",
		"fault.too_many_requests.lead":       "This network sent a great many requests in a short time.",
		"fault.internal.title":               "Something went wrong",
		"fault.internal.lead":                "The fault is ours, not yours. Nothing has changed. Please try again in a moment.",
	}
}

// enReasons words why something is asked. Reasons that are left out are not
// shown to people.
func enReasons() map[Key]string {
	return map[Key]string{
		"reason.requested-level":    "{application} asks for a stronger sign-in.",
		"reason.requested-recency":  "{application} asks you to confirm again that it’s you.",
		"reason.application-floor":  "{application} always asks for a second step.",
		"reason.application-policy": "{application} asks for more than a usual sign-in.",
		"reason.group-policy":       "{tenant} asks people with your duties for more than a usual sign-in.",
		"reason.policy-always":      "{tenant} asks everyone for a second step.",
		"reason.enrolled":           "You set up a second step, so we ask for it.",
		"reason.scope":              "What {application} wants to do needs a stronger sign-in.",
		"reason.manage-factors":     "Your sign-in methods are about to be changed.",
		"reason.risk-medium":        "This sign-in looks unusual, so we check once more.",
		"reason.risk-high":          "This sign-in looks very unusual.",
		"reason.level-unreachable":  "None of your sign-in methods is strong enough for this.",
		"reason.enrolment-required": "You have no second step yet, so one is set up now.",
	}
}
