package messages

// german addresses people as "Sie".
func german() language {
	return language{
		tag: "de", dir: "ltr",
		forms: []Form{One, Other},
		plural: func(n int) Form {
			if n == 1 {
				return One
			}
			return Other
		},
		months: [12]string{
			"Januar", "Februar", "März", "April", "Mai", "Juni",
			"Juli", "August", "September", "Oktober", "November", "Dezember",
		},
		texts: []map[Key]string{
			deSteps(), deMoreSteps(), dePages(), deFactors(), deSent(), deWays(), deErrors(), deRefusals(), dePasswords(), deFaults(), deReasons(),
			deAccount(), deSecrets(), deSessions(), deDetails(), deDoors(), deChanges(), deEvents(), deBecause(),
			deMail(), deCodeMails(), deNotices(), deAlarms(), deTexts(),
		},
	}
}

func deSteps() map[Key]string {
	return map[Key]string{
		Moment: "{day}. {month} {year}, {time} Uhr ({zone})",

		PageTitle:  "{page} – {tenant}",
		PageFailed: "Fehler: {page} – {tenant}",
		PageHelp:   "Hilfe",
		PageMadeBy: "Geschützt durch IntelliAuth",

		StepAsked:      "{application} bittet Sie um Bestätigung:",
		StepReasons:    "Warum wir fragen",
		StepOthers:     "Andere Wege, sich auszuweisen",
		StepFor:        "Weiter zu {application}",
		StepManage:     "Ihre Anmeldemethoden für {application} verwalten",
		StepNotYou:     "Sind Sie das nicht?",
		StepUser:       "Anmeldung als",
		PersonLabel:    "Angemeldet als",
		StepCancel:     "Abbrechen",
		StepResend:     "Neuen Code senden",
		StepSkip:       "Jetzt nicht",
		StepLeftDays:   "Es bleiben {number} Tage.",
		StepLeftHours:  "Es bleiben {number} Stunden.",
		StepLeftLittle: "Es bleiben keine zwei Stunden mehr.",
		StepSkipBy:     "Sie können das bis zum {moment} aufschieben.",
		StepSentTo:     "Wir haben einen Code an {address} gesendet.",
		StepNothing:    "Diese Anmeldung lässt sich hier auf keinem Weg bestätigen.",
		StepScript:     "Diese Art der Anmeldung braucht JavaScript.",
		StepReveal:     "Passwort anzeigen",

		SessionOther: "Als jemand anderes anmelden",

		ConsentLead: "{application} möchte:",
		ConsentDeny: "Nicht erlauben",

		EnrolChoose: "Zweiten Schritt hinzufügen",
		EnrolFirst:  "Wählen Sie, wie Sie sich anmelden",
		EnrolScan:   "Scannen Sie dieses Bild mit Ihrer Authentifizierungs-App.",
		EnrolQR:     "QR-Code mit demselben Schlüssel, der sich unten abtippen lässt",
		EnrolOpen:   "App auf diesem Gerät öffnen",
		EnrolManual: "Scannen geht nicht? Geben Sie diesen Schlüssel in die App ein",
		EnrolKey:    "Schlüssel zum Einrichten",
		EnrolCodes:  "Bewahren Sie diese Codes sicher auf. Jeder gilt einmal.",
		EnrolCopy:   "Kopieren",
		EnrolCopied: "Kopiert",
		EnrolBegin:  "Einrichten",

		ReturnTitle:  "Zurück zu {application}",
		ReturnLead:   "Falls es nicht von selbst weitergeht, benutzen Sie bitte diese Schaltfläche.",
		ReturnSubmit: "Weiter",

		DeniedTitle: "Sie können sich nicht anmelden",
		DeniedLead:  "Diese Anmeldung wurde abgelehnt. Es hat sich nichts geändert.",

		UnusualTitle: "Diese Anmeldung wirkt sehr ungewöhnlich",
		UnusualLead:  "Zu Ihrem Schutz hat {tenant} sie nicht zugelassen. Es hat sich nichts geändert.",
		UnusualWay:   "Wenn Sie es sind, melden Sie sich in einem Browser an, in dem Sie schon angemeldet waren, oder dort, wo Sie sonst sind.",
	}
}

func deMoreSteps() map[Key]string {
	return map[Key]string{
		StepTry:       "Probieren Sie es einmal aus",
		StepTryLead:   "Benutzen Sie es jetzt so, wie Sie es beim Anmelden tun werden. Danach ist es bereit.",
		StepTrySubmit: "Ausprobieren",
		StepSentAgain: "Wir haben einen neuen Code an {address} gesendet. Nur der neueste gilt.",
		StepSentIf:    "Falls diese Adresse hier bekannt ist, ist ein Code an {address} unterwegs.",
		StepSpam:      "Nichts angekommen? Es kann eine Minute dauern. Bitte sehen Sie auch bei den unerwünschten Nachrichten nach.",
		StepEnds:      "Diese Seite wartet bis zum {moment}.",
		StepEndsSoon:  "Diese Seite wartet nicht mehr lange.",
		StepEnded:     "Diese Seite hat zu lange gewartet. Es wurde nichts geändert.",
		StepAgain:     "Neu beginnen",
		StepExtend:    "Ich brauche mehr Zeit",
		StepScriptFor: "Mit JavaScript ginge hier auch: {factor}.",

		EnrolPrint:    "Drucken",
		EnrolDownload: "Herunterladen",
		EnrolNameHint: "Damit Sie es von anderen unterscheiden können, zum Beispiel „Diensthandy“. Sie können das Feld leer lassen.",
		EnrolSecond:   "Einen weiteren Weg zur Anmeldung hinzufügen",
		EnrolAfter:    "Ihr zweiter Schritt ist bereit. Diese Codes sind für den Tag, an dem Sie ihn nicht zur Hand haben.",
		EnrolOnce:     "Sie werden nur jetzt angezeigt. Drucken Sie sie aus, oder bewahren Sie sie in Ihrem Passwortmanager auf.",
		EnrolFileOf:   "Wiederherstellungscodes von {user} für {tenant}",
		EnrolFileAt:   "Erstellt am {moment}. Frühere Codes gelten nicht mehr.",

		UpgradeTitle: "Ein Passkey fürs nächste Mal",
		UpgradeLead:  "Ihr Passwortmanager kann einen Passkey aufbewahren, mit dem Sie sich anmelden, ohne Ihr Passwort einzutippen.",

		ScriptCancelled: "Der Passkey wurde nicht benutzt: Die Abfrage wurde geschlossen, oder sie hat zu lange gewartet. Sie können es noch einmal versuchen.",
		ScriptOrigin:    "Unter der Adresse dieser Seite funktionieren die Passkeys für diesen Dienst nicht. Mit Ihrem Passkey ist alles in Ordnung. Bitte prüfen Sie die Adresse, oder sagen Sie den Betreibern des Dienstes Bescheid.",
		ScriptKnown:     "Dieses Gerät oder dieser Sicherheitsschlüssel enthält schon einen Passkey von Ihnen für diesen Dienst. Sie können einen anderen benutzen.",
		ScriptUnable:    "Dieses Gerät oder dieser Sicherheitsschlüssel kann einen solchen Passkey nicht aufbewahren. Vielleicht muss dort zuerst eine PIN, ein Fingerabdruck oder ein Gesicht eingerichtet werden.",
		ScriptFailed:    "Der Browser konnte keinen Passkey benutzen. Bitte versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.",
		ScriptAbsent:    "Dieser Browser kann keine Passkeys benutzen. Bitte nehmen Sie einen anderen Browser, oder wählen Sie einen anderen Weg.",
		ScriptWaiting:   "Bitte folgen Sie dem, was Ihr Browser oder Ihr Gerät verlangt.",
	}
}

func dePages() map[Key]string {
	return map[Key]string{
		HomeIn:      "Sie sind angemeldet",
		HomeLead:    "Dieser Browser ist bei {tenant} angemeldet.",
		HomeOut:     "Willkommen",
		HomeOutLead: "In diesem Browser ist niemand bei {tenant} angemeldet.",
		HomeSignIn:  "Anmelden",
		HomeSignOut: "Abmelden",
		HomeSince:   "Angemeldet am {moment}",
		HomeStrong:  "Mit einem zweiten Schritt bestätigt",

		SignOutTitle:  "Abmelden?",
		SignOutLead:   "Sie werden in diesem Browser von {tenant} abgemeldet.",
		SignOutFor:    "{application} bittet darum, Sie abzumelden.",
		SignOutSubmit: "Abmelden",
		SignOutStay:   "Angemeldet bleiben",
		SignedOut:     "Sie sind abgemeldet",
		SignedOutLead: "In diesem Browser ist niemand mehr bei {tenant} angemeldet. Sie können diese Seite schließen.",

		FaultCode:   "Einzelheiten für Entwickler",
		FaultID:     "Anfrage {id}",
		FaultBackTo: "Zurück zu {application}",
		FaultHome:   "Zu {tenant}",
		FaultAgain:  "Versuchen Sie es in {wait} noch einmal.",

		WaitSeconds + One:   "{n} Sekunde",
		WaitSeconds + Other: "{n} Sekunden",
		WaitMinutes + One:   "{n} Minute",
		WaitMinutes + Other: "{n} Minuten",
		WaitHours + One:     "{n} Stunde",
		WaitHours + Other:   "{n} Stunden",

		"scope.any":            "Die Berechtigung „{scope}“ nutzen",
		"scope.profile":        "Ihren Namen sehen",
		"scope.email":          "Ihre E-Mail-Adresse sehen",
		"scope.phone":          "Ihre Telefonnummer sehen",
		"scope.offline_access": "Diesen Zugriff behalten, während Sie nicht da sind",
		"scope.me":             "Sehen, mit welchen Methoden und wo Sie angemeldet sind",
		"scope.me:factors":     "Ihre Anmeldemethoden ändern",
	}
}
