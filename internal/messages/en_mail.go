package messages

// enMail words what all mails have in common.
func enMail() map[Key]string {
	return map[Key]string{
		MailGreeting:      "Hello {name},",
		MailHello:         "Hello,",
		MailCode:          "Your code",
		MailValid + One:   "The code works for {n} minute, and only in the browser where it was asked for.",
		MailValid + Other: "The code works for {n} minutes, and only in the browser where it was asked for.",
		MailSecret:        "Nobody from {tenant} will ever ask you for this code. Enter it only on the page where you asked for it.",
		MailTime:          "Time: {moment}",
		MailPlace:         "Place: near {place}, as far as the network tells",
		MailNowhere:       "Place: unknown",
		MailDevice:        "Device: {device}",
		MailNoDevice:      "Device: unknown",
		MailFoot:          "This message comes from {tenant}, where you sign in with this address. Answers to it are not read.",
	}
}

// enCodeMails words the mails that hold a code, and the one in its place.
func enCodeMails() map[Key]string {
	return map[Key]string{
		"mail.code.signin.subject": "Your code for signing in to {tenant}",
		"mail.code.signin.lead":    "Somebody is signing in to {tenant} as you. If it is you, this code takes you on.",
		"mail.code.signin.body":    "Enter it on the page where you are signing in.",
		"mail.code.signin.ignore":  "If it was not you, please keep the code to yourself: without it nobody gets in. Somebody may know your password, so please change it.",

		"mail.code.enrol.subject": "Your code for setting up {tenant}",
		"mail.code.enrol.lead":    "Somebody is setting up codes by message for signing in to {tenant}. If it is you, this code shows that our messages reach you.",
		"mail.code.enrol.body":    "Enter it on the page where you are setting this up.",
		"mail.code.enrol.ignore":  "If it was not you, please keep the code to yourself: without it nothing is set up. Sign in and look through your sign-in methods.",

		"mail.ticket.first.subject": "Your code for adding a second step at {tenant}",
		"mail.ticket.first.lead":    "Somebody is adding your first second step for signing in to {tenant}. If it is you, this code takes you on.",
		"mail.ticket.first.body":    "Enter it on the page where you are adding it. We ask for it this once, so that nobody who merely knows your password can do it.",
		"mail.ticket.first.ignore":  "If it was not you, please keep the code to yourself: without it nothing is added. Somebody may know your password, so please change it.",

		"mail.ticket.unlock.subject": "Your code for going on at {tenant}",
		"mail.ticket.unlock.lead":    "There were many wrong answers when somebody signed in to {tenant} as you. If it is you, this code lets you go on.",
		"mail.ticket.unlock.body":    "Enter it on the page where you are signing in. What you are asked for otherwise is still asked for.",
		"mail.ticket.unlock.ignore":  "If it was not you, please keep the code to yourself. Whoever it is can’t go on without it.",

		"mail.ticket.risk.subject": "Your code for an unusual sign-in to {tenant}",
		"mail.ticket.risk.lead":    "Somebody is signing in to {tenant} as you in an unusual way. If it is you, this code lets you go on.",
		"mail.ticket.risk.body":    "Enter it on the page where you are signing in. We ask for it because the place, the browser or the way it is done is new to us.",
		"mail.ticket.risk.ignore":  "If it was not you, please keep the code to yourself: without it nobody gets in. Somebody knows your password, so please change it.",

		"mail.ticket.reset.subject": "Your code for a new password at {tenant}",
		"mail.ticket.reset.lead":    "Somebody asked to set a new password for you at {tenant}. If it is you, this code takes you on.",
		"mail.ticket.reset.body":    "Enter it on the page where you asked for it. If you have set up a second step, we ask for that, too.",
		"mail.ticket.reset.ignore":  "If it was not you, please keep the code to yourself: your password stays as it is.",

		"mail.ticket.register.subject": "Your code for registering with {tenant}",
		"mail.ticket.register.lead":    "Somebody is registering with {tenant} under this address. If it is you, this code shows that the address is yours.",
		"mail.ticket.register.body":    "Enter it on the page where you are registering.",
		"mail.ticket.register.ignore":  "If it was not you, please keep the code to yourself: without it nobody can register under your address.",

		"mail.ticket.address.subject": "Your code for confirming this address at {tenant}",
		"mail.ticket.address.lead":    "Somebody at {tenant} wants to be reached under this address from now on. If it is you, this code shows that it is yours.",
		"mail.ticket.address.body":    "Enter it on the page where you gave this address.",
		"mail.ticket.address.ignore":  "If it was not you, please keep the code to yourself: without it the address is not taken over.",

		"mail.ticket.registered.subject": "You are registered with {tenant} already",
		"mail.ticket.registered.lead":    "Somebody wanted to register with {tenant} under this address. If it was you: you are registered there already.",
		"mail.ticket.registered.body":    "You can simply sign in. If you don’t remember your password, the sign-in page helps you to set a new one.",
		"mail.ticket.registered.ignore":  "If it was not you, there is nothing to do. Nothing has changed.",

		"mail.invite.subject":   "Your invitation to {tenant}",
		"mail.invite.lead":      "You have been invited to {tenant}.",
		"mail.invite.body":      "The link opens a page on which you accept the invitation and choose how to sign in. It works once.",
		"mail.invite.body.full": "The link opens a page on which you accept the invitation and choose how to sign in. It works once, until {until}.",
		"mail.invite.link":      "Open the invitation",
		"mail.invite.ignore":    "If you don’t want it, there is nothing to do. Nothing happens until you accept.",
	}
}

// enNotices words the mails that tell what has happened.
func enNotices() map[Key]string {
	const ignore = "If it was not you, use the link soon. It opens a page with a button that signs out every browser, undoes recent changes to your sign-in methods and stops further changes for some time. The link signs nobody in."
	return map[Key]string{
		"mail.notice.factor_added.subject":   "A sign-in method was added at {tenant}",
		"mail.notice.factor_added.lead":      "A sign-in method was added for you at {tenant}.",
		"mail.notice.factor_added.lead.full": "A sign-in method was added for you at {tenant}: {factor}.",
		"mail.notice.factor_added.body":      "If it was you, there is nothing to do.",
		"mail.notice.factor_added.link":      "This was not me",
		"mail.notice.factor_added.ignore":    ignore,

		"mail.notice.factor_removed.subject":   "A sign-in method was removed at {tenant}",
		"mail.notice.factor_removed.lead":      "One of your sign-in methods was removed at {tenant}.",
		"mail.notice.factor_removed.lead.full": "One of your sign-in methods was removed at {tenant}: {factor}.",
		"mail.notice.factor_removed.body":      "If it was you, there is nothing to do.",
		"mail.notice.factor_removed.link":      "This was not me",
		"mail.notice.factor_removed.ignore":    ignore,

		"mail.notice.factors_reset.subject": "Your sign-in methods were reset at {tenant}",
		"mail.notice.factors_reset.lead":    "An operator of {tenant} removed your second steps and signed you out everywhere.",
		"mail.notice.factors_reset.body":    "If you asked for it, you will get a code from them with which you set up new ones at your next sign-in.",
		"mail.notice.factors_reset.ignore":  "If you did not ask for it, please tell the people who run {tenant} at once.",

		"mail.notice.recovery_used.subject": "A recovery code was used at {tenant}",
		"mail.notice.recovery_used.lead":    "One of your recovery codes was used at {tenant}. With it, new sign-in methods can be set up for you.",
		"mail.notice.recovery_used.body":    "If it was you, please look how many codes you have left. For 72 hours no other sign-in method can be removed and no address changed.",
		"mail.notice.recovery_used.link":    "This was not me",
		"mail.notice.recovery_used.ignore":  ignore,

		"mail.notice.password_changed.subject": "Your password was changed at {tenant}",
		"mail.notice.password_changed.lead":    "Your password at {tenant} was changed, and all other browsers were signed out.",
		"mail.notice.password_changed.body":    "If it was you, there is nothing to do.",
		"mail.notice.password_changed.link":    "This was not me",
		"mail.notice.password_changed.ignore":  ignore,

		"mail.notice.email_changed.subject": "Your e-mail address was changed at {tenant}",
		"mail.notice.email_changed.lead":    "The e-mail address under which {tenant} reaches you was changed.",
		"mail.notice.email_changed.body":    "If it was you, there is nothing to do. We tell you at the old address and at the new one.",
		"mail.notice.email_changed.link":    "This was not me",
		"mail.notice.email_changed.ignore":  ignore,

		"mail.notice.phone_changed.subject": "Your phone number was changed at {tenant}",
		"mail.notice.phone_changed.lead":    "The phone number under which {tenant} reaches you was changed.",
		"mail.notice.phone_changed.body":    "If it was you, there is nothing to do.",
		"mail.notice.phone_changed.link":    "This was not me",
		"mail.notice.phone_changed.ignore":  ignore,
	}
}

// enAlarms words the mails that tell of something out of the common.
func enAlarms() map[Key]string {
	return map[Key]string{
		"mail.notice.frozen.subject":   "Your sign-in is protected at {tenant}",
		"mail.notice.frozen.lead":      "A change to your sign-in at {tenant} was reported as not made by you. Every browser was signed out, and recent changes to your sign-in methods were undone.",
		"mail.notice.frozen.body":      "For some time nobody can change your sign-in methods, your password or your address. Please sign in and look through what happened lately.",
		"mail.notice.frozen.body.full": "Until {until} nobody can change your sign-in methods, your password or your address. Please sign in and look through what happened lately.",
		"mail.notice.frozen.ignore":    "If you did not report it, somebody else reads your messages. Please change the password of your mailbox, and tell the people who run {tenant}.",

		"mail.notice.attempts.subject": "Many wrong answers at your sign-in to {tenant}",
		"mail.notice.attempts.lead":    "Somebody tried to sign in to {tenant} as you and gave many wrong answers.",
		"mail.notice.attempts.body":    "They did not get in, and no more answers are taken from there for now. If it was you, please wait a while, or use a browser in which you have signed in before.",
		"mail.notice.attempts.ignore":  "If it was not you, there is nothing you must do. With a passkey there would be nothing to guess.",

		"mail.notice.token_reused.subject":   "An application was disconnected at {tenant}",
		"mail.notice.token_reused.lead":      "Access that you gave to an application at {tenant} was used twice. That happens when it was copied, so we ended it and signed you out of the browser it came from.",
		"mail.notice.token_reused.lead.full": "Access that you gave to {application} at {tenant} was used twice. That happens when it was copied, so we ended it and signed you out of the browser it came from.",
		"mail.notice.token_reused.body":      "To use the application again, please sign in there. Your next sign-ins are looked at more closely for a week.",
		"mail.notice.token_reused.ignore":    "If this happens again, please tell the people who run the application.",
	}
}

// enTexts words text messages, in the GSM 7-bit alphabet.
func enTexts() map[Key]string {
	return map[Key]string{
		"sms.code.signin":             "{code} is your code for signing in to {tenant}. Keep it to yourself.",
		"sms.code.signin.full":        "{code} is your code for signing in to {tenant} near {place}. Keep it to yourself.",
		"sms.code.enrol":              "{code} is your code for setting up {tenant}. Keep it to yourself.",
		"sms.ticket.first":            "{code} is your code for adding a second step at {tenant}. Keep it to yourself.",
		"sms.ticket.risk":             "{code} is your code for signing in to {tenant}. Keep it to yourself.",
		"sms.ticket.unlock":           "{code} is your code for going on at {tenant}. Keep it to yourself.",
		"sms.ticket.reset":            "{code} is your code for a new password at {tenant}. Keep it to yourself.",
		"sms.ticket.register":         "{code} is your code for registering with {tenant}. Keep it to yourself.",
		"sms.ticket.address":          "{code} is your code for confirming this number at {tenant}. Keep it to yourself.",
		"sms.ticket.registered":       "{tenant}: this number is registered already. You can simply sign in.",
		"sms.invite":                  "You have been invited to {tenant}. Open the invitation by this link.",
		"sms.notice.factor_added":     "{tenant}: a sign-in method was added for you. Was it not you? Use this link.",
		"sms.notice.factor_removed":   "{tenant}: one of your sign-in methods was removed. Was it not you? Use this link.",
		"sms.notice.factors_reset":    "{tenant}: an operator reset your sign-in methods. If you did not ask for it, tell them at once.",
		"sms.notice.recovery_used":    "{tenant}: one of your recovery codes was used. Was it not you? Use this link.",
		"sms.notice.password_changed": "{tenant}: your password was changed. Was it not you? Use this link.",
		"sms.notice.email_changed":    "{tenant}: your e-mail address was changed. Was it not you? Use this link.",
		"sms.notice.phone_changed":    "{tenant}: your phone number was changed. Was it not you? Use this link.",
		"sms.notice.frozen":           "{tenant}: recent changes to your sign-in were undone, and no more can be made for some time.",
		"sms.notice.attempts":         "{tenant}: somebody gave many wrong answers at your sign-in. They did not get in.",
		"sms.notice.token_reused":     "{tenant}: we disconnected an application whose access was used twice.",
	}
}
