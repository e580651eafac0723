package messages

func deAccount() map[Key]string {
	return map[Key]string{
		AccountOpen:  "Ihre Anmeldung verwalten",
		AccountTitle: "Ihre Anmeldung",
		AccountLead:  "Sehen Sie, wie Sie sich bei {tenant} anmelden, wo Sie angemeldet sind und was zuletzt geschah.",
		AccountBack:  "Zurück zu Ihrer Anmeldung",
		AccountKeep:  "So lassen, wie es ist",

		AccountMethods:          "Anmeldemethoden",
		AccountMethodsLead:      "Damit bestätigen Sie, dass Sie es sind.",
		AccountMethodsNone:      "Sie haben noch keinen zweiten Schritt.",
		AccountMethodAdded:      "Hinzugefügt am {moment}",
		AccountMethodUsed:       "Zuletzt benutzt am {moment}",
		AccountMethodUnused:     "Noch nicht benutzt",
		AccountMethodRestricted: "SMS können abgefangen und Rufnummern übernommen werden. Ein Passkey oder eine Authentifizierungs-App ist sicherer.",
		AccountMethodSuspended:  "Ausgesetzt: Kurz nach dem Hinzufügen wurde gemeldet, dass Sie es nicht waren.",
		AccountMethodSynced:     "Im Passwortmanager aufbewahrt und auf Ihren Geräten verfügbar",
		AccountMethodHardware:   "Auf einem einzigen Gerät oder Sicherheitsschlüssel aufbewahrt",

		AccountAdd:      "Anmeldemethode hinzufügen",
		AccountAddLead:  "Zuerst prüfen wir, dass Sie es sind. Danach richten Sie die Methode ein.",
		AccountAddNone:  "Sie haben alles eingerichtet, was {tenant} anbietet.",
		AccountAddThis:  "Hinzufügen",
		AccountAddFor:   "Hinzufügen: {factor}",
		AccountNameHint: "Ein Name, der sie von den anderen unterscheidet, zum Beispiel der Name des Geräts.",

		AccountRename:       "Umbenennen",
		AccountRenameFor:    "{name} umbenennen",
		AccountRenameTitle:  "{name} umbenennen",
		AccountRenameLabel:  "Neuer Name",
		AccountRenameSubmit: "Umbenennen",

		AccountRemove:       "Entfernen",
		AccountRemoveFor:    "{name} entfernen",
		AccountRemoveTitle:  "{name} entfernen?",
		AccountRemoveLead:   "Sie können sich damit dann nicht mehr anmelden. Zuerst prüfen wir, dass Sie es sind, und danach benachrichtigen wir Sie.",
		AccountRemoveLast:   "Das ist Ihr einziger zweiter Schritt, und Sie brauchen einen. Bitte fügen Sie zuerst einen anderen hinzu.",
		AccountRemoveSubmit: "Entfernen",

		AccountSuggest:     "Fügen Sie noch einen zweiten Schritt hinzu",
		AccountSuggestLead: "Sie haben nur einen. Mit einem weiteren können Sie sich auch dann noch anmelden, wenn Sie ihn verlieren.",
		AccountFirst:       "Fügen Sie einen zweiten Schritt hinzu",
		AccountFirstLead:   "Zurzeit genügt ein Passwort, um sich als Sie anzumelden. Ein zweiter Schritt hält andere fern, selbst wenn sie es kennen.",
	}
}

func deSecrets() map[Key]string {
	return map[Key]string{
		AccountCodes:             "Wiederherstellungscodes",
		AccountCodesLead:         "Wenn Sie Ihre anderen Anmeldemethoden verlieren, können Sie mit einem dieser Codes neue einrichten.",
		AccountCodesLeft + One:   "Noch {n} Code übrig",
		AccountCodesLeft + Other: "Noch {n} Codes übrig",
		AccountCodesLow + One:    "Sie haben nur noch {n} Wiederherstellungscode. Bitte erstellen Sie bald neue.",
		AccountCodesLow + Other:  "Sie haben nur noch {n} Wiederherstellungscodes. Bitte erstellen Sie bald neue.",
		AccountCodesGone:         "Sie haben alle Ihre Wiederherstellungscodes verbraucht. Bitte erstellen Sie neue.",
		AccountCodesNone:         "Sie haben noch keine Wiederherstellungscodes.",
		AccountCodesMake:         "Wiederherstellungscodes erstellen",
		AccountCodesRenew:        "Neue erstellen",
		AccountCodesTitle:        "Neue Wiederherstellungscodes erstellen?",
		AccountCodesWarn:         "Ihre jetzigen Codes gelten dann nicht mehr. Zuerst prüfen wir, dass Sie es sind.",
		AccountCodesSubmit:       "Neue erstellen",

		AccountPassword:       "Passwort",
		AccountPasswordSet:    "Gesetzt am {moment}",
		AccountPasswordNone:   "Sie haben kein Passwort.",
		AccountPasswordChange: "Passwort ändern",
		AccountPasswordCreate: "Passwort wählen",
		AccountPasswordTitle:  "Passwort ändern",
		AccountPasswordLead:   "Zuerst prüfen wir, dass Sie es sind. Sobald das neue Passwort gesetzt ist, werden Sie in allen anderen Browsern abgemeldet.",
		AccountPasswordSubmit: "Weiter",
	}
}

func deSessions() map[Key]string {
	return map[Key]string{
		AccountSessions:      "Wo Sie angemeldet sind",
		AccountSessionsLead:  "Jeder dieser Browser ist als Sie angemeldet.",
		AccountSessionsOnly:  "Sie sind sonst nirgends angemeldet.",
		AccountSessionThis:   "Dieser Browser",
		AccountSessionBound:  "An sein Gerät gebunden: Ein kopiertes Cookie nützt anderswo nichts",
		AccountSessionLoose:  "Nicht an sein Gerät gebunden",
		AccountSessionAny:    "Unbekannter Browser",
		AccountSessionPlace:  "In der Nähe von {place}",
		AccountSessionWhere:  "Ort unbekannt",
		AccountSessionSince:  "Angemeldet am {moment}",
		AccountSessionActive: "Zuletzt aktiv am {moment}",
		AccountSessionNow:    "Gerade aktiv",

		AccountEnd:             "Abmelden",
		AccountEndFor:          "Abmelden: {device}",
		AccountEndTitle:        "Diesen Browser abmelden: {device}?",
		AccountEndLead:         "Wer ihn benutzt, muss sich neu anmelden. Zuerst prüfen wir, dass Sie es sind.",
		AccountEndSubmit:       "Abmelden",
		AccountEndOthers:       "Alle anderen Browser abmelden",
		AccountEndOthersTitle:  "Alle anderen Browser abmelden?",
		AccountEndOthersLead:   "Hier bleiben Sie angemeldet. Überall sonst müssen Sie sich neu anmelden. Zuerst prüfen wir, dass Sie es sind.",
		AccountEndOthersSubmit: "Die anderen abmelden",
		AccountEndAll:          "Überall abmelden",
		AccountEndAllTitle:     "Überall abmelden?",
		AccountEndAllLead:      "Sie werden in jedem Browser abgemeldet, auch in diesem. Zuerst prüfen wir, dass Sie es sind.",
		AccountEndAllSubmit:    "Überall abmelden",

		AccountActivity:        "Letzte Ereignisse",
		AccountActivityLead:    "Wenn Sie hier etwas sehen, das Sie nicht getan haben, ändern Sie Ihr Passwort, und melden Sie alle anderen Browser ab.",
		AccountActivityNone:    "Es ist noch nichts geschehen.",
		AccountActivityThis:    "In diesem Browser",
		AccountActivityUnknown: "Das war ich nicht",

		AccountApplications:      "Verbundene Anwendungen",
		AccountApplicationsLead:  "Diese Anwendungen dürfen nutzen, was Sie ihnen erlaubt haben.",
		AccountApplicationsNone:  "Es ist keine Anwendung verbunden.",
		AccountApplicationMay:    "Sie darf:",
		AccountApplicationBasic:  "Sie weiß, wer Sie sind, und sonst nichts.",
		AccountApplicationSince:  "Verbunden am {moment}",
		AccountApplicationUntil:  "Längstens bis zum {moment}",
		AccountApplicationAny:    "Eine Anwendung, die nicht mehr registriert ist",
		AccountApplicationEnd:    "Trennen",
		AccountApplicationEndFor: "{application} trennen",
		AccountApplicationTitle:  "{application} trennen?",
		AccountApplicationLead:   "{application} verliert den Zugriff, den Sie gewährt haben. Sie können die Verbindung wiederherstellen, indem Sie sich dort anmelden.",
		AccountApplicationSubmit: "Trennen",
		AccountApplicationEnded:  "Die Anwendung ist getrennt.",
	}
}

func deDetails() map[Key]string {
	return map[Key]string{
		AccountDetails: "Ihre Angaben",

		AccountEmail:           "E-Mail-Adresse",
		AccountEmailNone:       "Es ist keine E-Mail-Adresse bekannt.",
		AccountEmailVerified:   "Bestätigt",
		AccountEmailUnverified: "Noch nicht bestätigt",
		AccountEmailChange:     "E-Mail-Adresse ändern",
		AccountEmailTitle:      "E-Mail-Adresse ändern",
		AccountEmailLead:       "Wir senden einen Code an die neue Adresse, um zu sehen, dass sie Ihnen gehört, und benachrichtigen Sie unter der alten. Zuerst prüfen wir, dass Sie es sind.",
		AccountEmailLabel:      "Neue E-Mail-Adresse",
		AccountEmailSubmit:     "Weiter",

		AccountPhone:             "Telefonnummer",
		AccountPhoneNone:         "Es ist keine Telefonnummer bekannt.",
		AccountPhoneAdd:          "Telefonnummer hinzufügen",
		AccountPhoneChange:       "Telefonnummer ändern",
		AccountPhoneTitle:        "Ihre Telefonnummer",
		AccountPhoneLead:         "Wir senden einen Code an die neue Nummer, um zu sehen, dass sie Ihnen gehört. Zuerst prüfen wir, dass Sie es sind.",
		AccountPhoneLabel:        "Neue Telefonnummer",
		AccountPhoneHint:         "Mit der Landesvorwahl, zum Beispiel +49 171 3920012",
		AccountPhoneSubmit:       "Weiter",
		AccountPhoneRemove:       "Telefonnummer entfernen",
		AccountPhoneRemoveTitle:  "Telefonnummer entfernen?",
		AccountPhoneRemoveLead:   "Wir senden dann nichts mehr dorthin. Zuerst prüfen wir, dass Sie es sind.",
		AccountPhoneRemoveSubmit: "Entfernen",

		AccountName:       "Name",
		AccountNameNone:   "Es ist kein Name bekannt.",
		AccountNameChange: "Namen ändern",
		AccountNameTitle:  "Namen ändern",
		AccountNameLead:   "Anwendungen, die Ihren Namen sehen dürfen, erfahren den neuen.",
		AccountNameLabel:  "Name",
		AccountNameSubmit: "Speichern",
	}
}

func deDoors() map[Key]string {
	return map[Key]string{
		JoinTitle:  "{tenant} beitreten",
		JoinLead:   "Sie wurden zu {tenant} eingeladen. Wenn Sie annehmen, wählen Sie, wie Sie sich anmelden.",
		JoinHint:   "Die Einladung gilt einmal. Sie ist erst verbraucht, wenn Sie sie annehmen.",
		JoinSubmit: "Einladung annehmen",
		JoinGone:   "Diese Einladung gilt nicht mehr",
		JoinAgain:  "Sie wurde schon angenommen, oder sie ist abgelaufen. Wenn Sie sich noch nicht anmelden können, bitten Sie um eine neue, wer immer Sie eingeladen hat.",

		NotMeTitle:     "Waren Sie das nicht?",
		NotMeLead:      "Wir haben Ihnen eine Änderung an Ihrer Anmeldung gemeldet. Wenn sie nicht von Ihnen stammt, können Sie sie hier aufhalten. Es geschieht nichts, bevor Sie die Schaltfläche drücken.",
		NotMeWill:      "Das wird geschehen:",
		NotMeSessions:  "Jeder Browser wird abgemeldet, auch dieser.",
		NotMeAdded:     "Anmeldemethoden, die in den letzten 72 Stunden hinzugefügt wurden, gelten nicht mehr.",
		NotMeRemoved:   "Anmeldemethoden, die in den letzten 72 Stunden entfernt wurden, gelten wieder.",
		NotMeFrozen:    "Für einige Zeit kann niemand Ihre Anmeldemethoden, Ihr Passwort oder Ihre Adresse ändern.",
		NotMeSubmit:    "Das war ich nicht: meine Anmeldung schützen",
		NotMeWasMe:     "Wenn Sie es waren, schließen Sie einfach diese Seite.",
		NotMeDone:      "Ihre Anmeldung ist geschützt",
		NotMeDoneLead:  "Jeder Browser ist abgemeldet, die letzten Änderungen an Ihren Anmeldemethoden sind rückgängig gemacht, und fürs Erste sind keine weiteren möglich.",
		NotMeNext:      "Was Sie als Nächstes tun sollten",
		NotMeMailbox:   "Ändern Sie das Passwort Ihres Postfachs, und suchen Sie dort nach Weiterleitungen, die nicht von Ihnen stammen.",
		NotMePassword:  "Melden Sie sich wieder an, und wählen Sie, sobald Änderungen möglich sind, ein neues Passwort, das Sie nirgends sonst benutzen.",
		NotMeReview:    "Sehen Sie Ihre Anmeldemethoden und die letzten Ereignisse durch, und entfernen Sie, was Sie nicht kennen.",
		NotMeHelp:      "Wenn Sie sich nicht anmelden können, bitten Sie {tenant} um Hilfe.",
		NotMeGone:      "Dieser Link gilt nicht mehr",
		NotMeGoneLead:  "Er wurde schon benutzt, oder er ist zu alt. Es hat sich nichts geändert.",
		NotMeGoneAgain: "Melden Sie sich an, um Ihre Anmeldemethoden zu sehen und was zuletzt geschah. Eine neuere Nachricht enthält einen neueren Link.",
	}
}

func deChanges() map[Key]string {
	return map[Key]string{
		"duty.any":              "Sie sind dabei, Ihre Anmeldung zu ändern.",
		"duty.enrol":            "Sie sind dabei, eine Anmeldemethode hinzuzufügen.",
		"duty.enrol.full":       "Sie sind dabei, eine Anmeldemethode hinzuzufügen: {factor}.",
		"duty.remove":           "Sie sind dabei, eine Anmeldemethode zu entfernen.",
		"duty.remove.full":      "Sie sind dabei, eine Anmeldemethode zu entfernen: {name}.",
		"duty.rename":           "Sie sind dabei, eine Anmeldemethode umzubenennen.",
		"duty.rename.full":      "Sie sind dabei, eine Anmeldemethode umzubenennen: {name}.",
		"duty.password":         "Sie sind dabei, Ihr Passwort zu ändern.",
		"duty.email":            "Sie sind dabei, Ihre E-Mail-Adresse zu ändern.",
		"duty.phone":            "Sie sind dabei, Ihre Telefonnummer zu ändern.",
		"duty.end-session":      "Sie sind dabei, einen Browser abzumelden.",
		"duty.end-session.full": "Sie sind dabei, einen Browser abzumelden: {device}.",
		"duty.end-others":       "Sie sind dabei, alle anderen Browser abzumelden.",
		"duty.end-all":          "Sie sind dabei, sich überall abzumelden.",

		"done.enrol":       "Die neue Anmeldemethode ist bereit.",
		"done.remove":      "Die Anmeldemethode ist entfernt.",
		"done.rename":      "Die Anmeldemethode hat ihren neuen Namen.",
		"done.password":    "Ihr Passwort ist geändert. Alle anderen Browser sind abgemeldet.",
		"done.email":       "Ihre E-Mail-Adresse ist geändert.",
		"done.phone":       "Ihre Telefonnummer ist geändert.",
		"done.name":        "Ihr Name ist geändert.",
		"done.end-session": "Der Browser ist abgemeldet.",
		"done.end-others":  "Alle anderen Browser sind abgemeldet.",
		"done.end-all":     "Sie sind überall abgemeldet.",

		"level.aal0": "Muss neu bestätigt werden",
		"level.aal1": "Mit einem Schritt angemeldet, etwa nur mit einem Passwort",
		"level.aal2": "Mit zwei Schritten oder mit einem Passkey angemeldet",
		"level.aal3": "Mit einem Schlüssel angemeldet, der seine Hardware nicht verlassen kann",
	}
}
