package messages

func deFactors() map[Key]string {
	return map[Key]string{
		"prompt.any.title":  "Bestätigen Sie, dass Sie es sind",
		"prompt.any.label":  "Ihre Antwort",
		"prompt.any.choose": "{factor}",
		"prompt.any.submit": "Weiter",
		"enrol.any.title":   "{factor} einrichten",
		"enrol.any.lead":    "Von nun an können Sie sich damit ausweisen.",
		"enrol.any.label":   "Ihre Antwort",
		"enrol.any.choose":  "{factor}",
		"enrol.any.submit":  "Weiter",

		"factor.password":        "Passwort",
		"prompt.password.title":  "Geben Sie Ihr Passwort ein",
		"prompt.password.label":  "Passwort",
		"prompt.password.choose": "Ihr Passwort",
		"prompt.password.submit": "Weiter",
		"enrol.password.title":   "Wählen Sie ein Passwort",
		"enrol.password.lead":    "Ein paar Wörter ohne Zusammenhang ergeben ein gutes. Ziffern oder Sonderzeichen sind nicht vorgeschrieben.",
		"enrol.password.label":   "Neues Passwort",
		"enrol.password.choose":  "Ein Passwort",
		"enrol.password.submit":  "Speichern",

		"factor.totp":        "Authentifizierungs-App",
		"prompt.totp.title":  "Geben Sie den Code aus Ihrer App ein",
		"prompt.totp.lead":   "Öffnen Sie Ihre Authentifizierungs-App, und suchen Sie dort {tenant}.",
		"prompt.totp.label":  "6-stelliger Code",
		"prompt.totp.choose": "Ein Code aus Ihrer Authentifizierungs-App",
		"prompt.totp.submit": "Weiter",
		"enrol.totp.title":   "Authentifizierungs-App einrichten",
		"enrol.totp.lead":    "Die App zeigt alle 30 Sekunden einen neuen Code an. Beim Anmelden werden Sie danach gefragt.",
		"enrol.totp.label":   "6-stelliger Code aus der App",
		"enrol.totp.choose":  "Eine Authentifizierungs-App",
		"enrol.totp.submit":  "Bestätigen",

		"factor.passkey":        "Passkey",
		"prompt.passkey.title":  "Benutzen Sie Ihren Passkey",
		"prompt.passkey.lead":   "Ihr Gerät fragt nach Fingerabdruck, Gesicht oder PIN, oder nach Ihrem Sicherheitsschlüssel.",
		"prompt.passkey.label":  "Passkey",
		"prompt.passkey.choose": "Ein Passkey oder Sicherheitsschlüssel",
		"prompt.passkey.submit": "Mit einem Passkey anmelden",
		"enrol.passkey.title":   "Passkey einrichten",
		"enrol.passkey.lead":    "Ein Passkey liegt auf diesem Gerät, in Ihrem Passwortmanager oder auf einem Sicherheitsschlüssel. Sie müssen sich nichts merken, und keine gefälschte Seite kann ihn Ihnen entlocken.",
		"enrol.passkey.label":   "Passkey",
		"enrol.passkey.choose":  "Ein Passkey oder Sicherheitsschlüssel",
		"enrol.passkey.submit":  "Passkey erstellen",
	}
}

func deSent() map[Key]string {
	return map[Key]string{
		"factor.sms":        "SMS",
		"prompt.sms.title":  "Geben Sie den Code aus der SMS ein",
		"prompt.sms.label":  "Code aus der SMS",
		"prompt.sms.choose": "Ein Code per SMS",
		"prompt.sms.submit": "Weiter",
		"enrol.sms.title":   "Codes per SMS einrichten",
		"enrol.sms.lead":    "Wir senden einen Code an Ihr Telefon, wann immer einer nötig ist. SMS können abgefangen und Rufnummern übernommen werden: Ein Passkey oder eine Authentifizierungs-App ist sicherer.",
		"enrol.sms.label":   "Code aus der SMS",
		"enrol.sms.choose":  "Codes per SMS",
		"enrol.sms.submit":  "Bestätigen",

		"factor.email":        "Code per E-Mail",
		"prompt.email.title":  "Geben Sie den Code aus der E-Mail ein",
		"prompt.email.label":  "Code aus der E-Mail",
		"prompt.email.choose": "Ein Code per E-Mail",
		"prompt.email.submit": "Weiter",
		"enrol.email.title":   "Codes per E-Mail einrichten",
		"enrol.email.lead":    "Wir senden einen Code an Ihre E-Mail-Adresse, wann immer einer nötig ist. Das ist nur so sicher wie Ihr Postfach.",
		"enrol.email.label":   "Code aus der E-Mail",
		"enrol.email.choose":  "Codes per E-Mail",
		"enrol.email.submit":  "Bestätigen",

		"factor.recovery":        "Wiederherstellungscodes",
		"prompt.recovery.title":  "Geben Sie einen Wiederherstellungscode ein",
		"prompt.recovery.lead":   "Das ist einer der Codes, die Sie aufbewahrt haben. Er gilt einmal, und Sie können damit neue Anmeldemethoden einrichten.",
		"prompt.recovery.label":  "Wiederherstellungscode",
		"prompt.recovery.choose": "Ein Wiederherstellungscode",
		"prompt.recovery.submit": "Weiter",
		"enrol.recovery.title":   "Bewahren Sie Ihre Wiederherstellungscodes auf",
		"enrol.recovery.lead":    "Wenn Sie Ihre anderen Anmeldemethoden verlieren, können Sie mit einem dieser Codes neue einrichten.",
		"enrol.recovery.label":   "Wiederherstellungscodes",
		"enrol.recovery.choose":  "Wiederherstellungscodes",
		"enrol.recovery.submit":  "Ich habe sie aufbewahrt",

		"factor.ticket":        "Zugesandter Code",
		"prompt.ticket.title":  "Geben Sie den Code ein, den wir Ihnen gesendet haben",
		"prompt.ticket.lead":   "Er kommt von {tenant} und gilt nur in diesem Browser.",
		"prompt.ticket.label":  "Code aus der Nachricht",
		"prompt.ticket.choose": "Ein Code, den wir Ihnen senden",
		"prompt.ticket.submit": "Weiter",
	}
}

func deWays() map[Key]string {
	return map[Key]string{
		"prompt.identifier.title":  "Anmelden",
		"prompt.identifier.label":  "E-Mail-Adresse",
		"prompt.identifier.submit": "Weiter",

		"prompt.session.title":  "Willkommen zurück",
		"prompt.session.choose": "Weiter",
		"prompt.consent.title":  "{application} den Zugriff erlauben?",
		"prompt.consent.submit": "Erlauben",

		"prompt.register.title":  "Bei {tenant} registrieren",
		"prompt.register.lead":   "Wir senden einen Code an Ihre E-Mail-Adresse, um zu sehen, dass sie Ihnen gehört.",
		"prompt.register.label":  "E-Mail-Adresse",
		"prompt.register.choose": "Neu hier? Registrieren",
		"prompt.register.submit": "Weiter",
		"prompt.reset.title":     "Neues Passwort setzen",
		"prompt.reset.lead":      "Wir senden einen Code an Ihre E-Mail-Adresse. Wenn Sie einen zweiten Schritt eingerichtet haben, fragen wir auch danach.",
		"prompt.reset.label":     "E-Mail-Adresse",
		"prompt.reset.choose":    "Passwort vergessen?",
		"prompt.reset.submit":    "Weiter",

		"purpose.any":      "Weiter zu {application}",
		"purpose.manage":   "Ihre Anmeldemethoden für {application} verwalten",
		"purpose.register": "Bei {tenant} registrieren",
		"purpose.reset":    "Neues Passwort für {tenant} setzen",
		"purpose.recover":  "Ihre Anmeldung bei {tenant} neu einrichten",
		"purpose.join":     "{tenant} beitreten",

		"field.name":       "Ein Name dafür",
		"field.phone":      "Handynummer",
		"field.phone.hint": "Mit der Landesvorwahl, zum Beispiel +49 171 3920012",
		"field.email":      "E-Mail-Adresse",
	}
}
