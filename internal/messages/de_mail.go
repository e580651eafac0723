package messages

func deMail() map[Key]string {
	return map[Key]string{
		MailGreeting:      "Guten Tag, {name},",
		MailHello:         "Guten Tag,",
		MailCode:          "Ihr Code",
		MailValid + One:   "Der Code gilt {n} Minute lang, und nur in dem Browser, in dem er angefordert wurde.",
		MailValid + Other: "Der Code gilt {n} Minuten lang, und nur in dem Browser, in dem er angefordert wurde.",
		MailSecret:        "Niemand von {tenant} wird Sie je nach diesem Code fragen. Geben Sie ihn nur auf der Seite ein, auf der Sie ihn angefordert haben.",
		MailTime:          "Zeit: {moment}",
		MailPlace:         "Ort: in der Nähe von {place}, soweit das Netz es verrät",
		MailNowhere:       "Ort: unbekannt",
		MailDevice:        "Gerät: {device}",
		MailNoDevice:      "Gerät: unbekannt",
		MailFoot:          "Diese Nachricht kommt von {tenant}, wo Sie sich mit dieser Adresse anmelden. Antworten darauf werden nicht gelesen.",
	}
}

func deCodeMails() map[Key]string {
	return map[Key]string{
		"mail.code.signin.subject": "Ihr Code zum Anmelden bei {tenant}",
		"mail.code.signin.lead":    "Jemand meldet sich als Sie bei {tenant} an. Wenn Sie es sind, kommen Sie mit diesem Code weiter.",
		"mail.code.signin.body":    "Geben Sie ihn auf der Seite ein, auf der Sie sich anmelden.",
		"mail.code.signin.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich: Ohne ihn kommt niemand hinein. Vielleicht kennt jemand Ihr Passwort; bitte ändern Sie es.",

		"mail.code.enrol.subject": "Ihr Code zum Einrichten von {tenant}",
		"mail.code.enrol.lead":    "Jemand richtet zugesandte Codes für die Anmeldung bei {tenant} ein. Wenn Sie es sind, zeigt dieser Code, dass unsere Nachrichten Sie erreichen.",
		"mail.code.enrol.body":    "Geben Sie ihn auf der Seite ein, auf der Sie das einrichten.",
		"mail.code.enrol.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich: Ohne ihn wird nichts eingerichtet. Melden Sie sich an, und sehen Sie Ihre Anmeldemethoden durch.",

		"mail.ticket.first.subject": "Ihr Code für einen zweiten Schritt bei {tenant}",
		"mail.ticket.first.lead":    "Jemand fügt Ihren ersten zweiten Schritt für die Anmeldung bei {tenant} hinzu. Wenn Sie es sind, kommen Sie mit diesem Code weiter.",
		"mail.ticket.first.body":    "Geben Sie ihn auf der Seite ein, auf der Sie ihn hinzufügen. Wir fragen dieses eine Mal danach, damit es niemand tun kann, der bloß Ihr Passwort kennt.",
		"mail.ticket.first.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich: Ohne ihn wird nichts hinzugefügt. Vielleicht kennt jemand Ihr Passwort; bitte ändern Sie es.",

		"mail.ticket.unlock.subject": "Ihr Code zum Weitermachen bei {tenant}",
		"mail.ticket.unlock.lead":    "Bei der Anmeldung als Sie bei {tenant} gab es viele falsche Antworten. Wenn Sie es sind, kommen Sie mit diesem Code weiter.",
		"mail.ticket.unlock.body":    "Geben Sie ihn auf der Seite ein, auf der Sie sich anmelden. Was sonst verlangt wird, wird weiterhin verlangt.",
		"mail.ticket.unlock.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich. Wer immer es ist, kommt ohne ihn nicht weiter.",

		"mail.ticket.risk.subject": "Ihr Code für eine ungewöhnliche Anmeldung bei {tenant}",
		"mail.ticket.risk.lead":    "Jemand meldet sich auf ungewöhnliche Weise als Sie bei {tenant} an. Wenn Sie es sind, kommen Sie mit diesem Code weiter.",
		"mail.ticket.risk.body":    "Geben Sie ihn auf der Seite ein, auf der Sie sich anmelden. Wir fragen danach, weil uns der Ort, der Browser oder die Art der Anmeldung neu ist.",
		"mail.ticket.risk.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich: Ohne ihn kommt niemand hinein. Jemand kennt Ihr Passwort; bitte ändern Sie es.",

		"mail.ticket.reset.subject": "Ihr Code für ein neues Passwort bei {tenant}",
		"mail.ticket.reset.lead":    "Jemand möchte für Sie ein neues Passwort bei {tenant} setzen. Wenn Sie es sind, kommen Sie mit diesem Code weiter.",
		"mail.ticket.reset.body":    "Geben Sie ihn auf der Seite ein, auf der Sie ihn angefordert haben. Wenn Sie einen zweiten Schritt eingerichtet haben, fragen wir auch danach.",
		"mail.ticket.reset.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich: Ihr Passwort bleibt, wie es ist.",

		"mail.ticket.register.subject": "Ihr Code zum Registrieren bei {tenant}",
		"mail.ticket.register.lead":    "Jemand registriert sich unter dieser Adresse bei {tenant}. Wenn Sie es sind, zeigt dieser Code, dass die Adresse Ihnen gehört.",
		"mail.ticket.register.body":    "Geben Sie ihn auf der Seite ein, auf der Sie sich registrieren.",
		"mail.ticket.register.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich: Ohne ihn kann sich niemand unter Ihrer Adresse registrieren.",

		"mail.ticket.address.subject": "Ihr Code zum Bestätigen dieser Adresse bei {tenant}",
		"mail.ticket.address.lead":    "Jemand bei {tenant} möchte künftig unter dieser Adresse erreichbar sein. Wenn Sie es sind, zeigt dieser Code, dass sie Ihnen gehört.",
		"mail.ticket.address.body":    "Geben Sie ihn auf der Seite ein, auf der Sie diese Adresse angegeben haben.",
		"mail.ticket.address.ignore":  "Wenn Sie es nicht waren, behalten Sie den Code bitte für sich: Ohne ihn wird die Adresse nicht übernommen.",

		"mail.ticket.registered.subject": "Sie sind bei {tenant} schon registriert",
		"mail.ticket.registered.lead":    "Jemand wollte sich unter dieser Adresse bei {tenant} registrieren. Falls Sie es waren: Sie sind dort schon registriert.",
		"mail.ticket.registered.body":    "Sie können sich einfach anmelden. Wenn Sie Ihr Passwort nicht mehr wissen, hilft Ihnen die Anmeldeseite, ein neues zu setzen.",
		"mail.ticket.registered.ignore":  "Wenn Sie es nicht waren, brauchen Sie nichts zu tun. Es hat sich nichts geändert.",

		"mail.invite.subject":   "Ihre Einladung zu {tenant}",
		"mail.invite.lead":      "Sie wurden zu {tenant} eingeladen.",
		"mail.invite.body":      "Der Link öffnet eine Seite, auf der Sie die Einladung annehmen und wählen, wie Sie sich anmelden. Er gilt einmal.",
		"mail.invite.body.full": "Der Link öffnet eine Seite, auf der Sie die Einladung annehmen und wählen, wie Sie sich anmelden. Er gilt einmal, bis zum {until}.",
		"mail.invite.link":      "Einladung öffnen",
		"mail.invite.ignore":    "Wenn Sie sie nicht möchten, brauchen Sie nichts zu tun. Es geschieht nichts, bevor Sie annehmen.",
	}
}

func deNotices() map[Key]string {
	const ignore = "Wenn Sie es nicht waren, benutzen Sie bald den Link. Er öffnet eine Seite mit einer Schaltfläche, die jeden Browser abmeldet, die letzten Änderungen an Ihren Anmeldemethoden rückgängig macht und weitere Änderungen für einige Zeit verhindert. Der Link meldet niemanden an."
	return map[Key]string{
		"mail.notice.factor_added.subject":   "Eine Anmeldemethode wurde bei {tenant} hinzugefügt",
		"mail.notice.factor_added.lead":      "Für Sie wurde bei {tenant} eine Anmeldemethode hinzugefügt.",
		"mail.notice.factor_added.lead.full": "Für Sie wurde bei {tenant} eine Anmeldemethode hinzugefügt: {factor}.",
		"mail.notice.factor_added.body":      "Wenn Sie es waren, brauchen Sie nichts zu tun.",
		"mail.notice.factor_added.link":      "Das war ich nicht",
		"mail.notice.factor_added.ignore":    ignore,

		"mail.notice.factor_removed.subject":   "Eine Anmeldemethode wurde bei {tenant} entfernt",
		"mail.notice.factor_removed.lead":      "Eine Ihrer Anmeldemethoden wurde bei {tenant} entfernt.",
		"mail.notice.factor_removed.lead.full": "Eine Ihrer Anmeldemethoden wurde bei {tenant} entfernt: {factor}.",
		"mail.notice.factor_removed.body":      "Wenn Sie es waren, brauchen Sie nichts zu tun.",
		"mail.notice.factor_removed.link":      "Das war ich nicht",
		"mail.notice.factor_removed.ignore":    ignore,

		"mail.notice.factors_reset.subject": "Ihre Anmeldemethoden wurden bei {tenant} zurückgesetzt",
		"mail.notice.factors_reset.lead":    "Der Betreiber von {tenant} hat Ihre zweiten Schritte entfernt und Sie überall abgemeldet.",
		"mail.notice.factors_reset.body":    "Wenn Sie darum gebeten haben, bekommen Sie von dort einen Code, mit dem Sie bei der nächsten Anmeldung neue einrichten.",
		"mail.notice.factors_reset.ignore":  "Wenn Sie nicht darum gebeten haben, sagen Sie bitte sofort den Betreibern von {tenant} Bescheid.",

		"mail.notice.recovery_used.subject": "Ein Wiederherstellungscode wurde bei {tenant} benutzt",
		"mail.notice.recovery_used.lead":    "Einer Ihrer Wiederherstellungscodes wurde bei {tenant} benutzt. Damit lassen sich neue Anmeldemethoden für Sie einrichten.",
		"mail.notice.recovery_used.body":    "Wenn Sie es waren, sehen Sie bitte nach, wie viele Codes Ihnen bleiben. 72 Stunden lang lässt sich keine andere Anmeldemethode entfernen und keine Adresse ändern.",
		"mail.notice.recovery_used.link":    "Das war ich nicht",
		"mail.notice.recovery_used.ignore":  ignore,

		"mail.notice.password_changed.subject": "Ihr Passwort wurde bei {tenant} geändert",
		"mail.notice.password_changed.lead":    "Ihr Passwort bei {tenant} wurde geändert, und alle anderen Browser wurden abgemeldet.",
		"mail.notice.password_changed.body":    "Wenn Sie es waren, brauchen Sie nichts zu tun.",
		"mail.notice.password_changed.link":    "Das war ich nicht",
		"mail.notice.password_changed.ignore":  ignore,

		"mail.notice.email_changed.subject": "Ihre E-Mail-Adresse wurde bei {tenant} geändert",
		"mail.notice.email_changed.lead":    "Die E-Mail-Adresse, unter der {tenant} Sie erreicht, wurde geändert.",
		"mail.notice.email_changed.body":    "Wenn Sie es waren, brauchen Sie nichts zu tun. Wir melden es Ihnen unter der alten und unter der neuen Adresse.",
		"mail.notice.email_changed.link":    "Das war ich nicht",
		"mail.notice.email_changed.ignore":  ignore,

		"mail.notice.phone_changed.subject": "Ihre Telefonnummer wurde bei {tenant} geändert",
		"mail.notice.phone_changed.lead":    "Die Telefonnummer, unter der {tenant} Sie erreicht, wurde geändert.",
		"mail.notice.phone_changed.body":    "Wenn Sie es waren, brauchen Sie nichts zu tun.",
		"mail.notice.phone_changed.link":    "Das war ich nicht",
		"mail.notice.phone_changed.ignore":  ignore,
	}
}

func deAlarms() map[Key]string {
	return map[Key]string{
		"mail.notice.frozen.subject":   "Ihre Anmeldung bei {tenant} ist geschützt",
		"mail.notice.frozen.lead":      "Eine Änderung an Ihrer Anmeldung bei {tenant} wurde als nicht von Ihnen stammend gemeldet. Jeder Browser wurde abgemeldet, und die letzten Änderungen an Ihren Anmeldemethoden wurden rückgängig gemacht.",
		"mail.notice.frozen.body":      "Für einige Zeit kann niemand Ihre Anmeldemethoden, Ihr Passwort oder Ihre Adresse ändern. Bitte melden Sie sich an, und sehen Sie durch, was zuletzt geschah.",
		"mail.notice.frozen.body.full": "Bis zum {until} kann niemand Ihre Anmeldemethoden, Ihr Passwort oder Ihre Adresse ändern. Bitte melden Sie sich an, und sehen Sie durch, was zuletzt geschah.",
		"mail.notice.frozen.ignore":    "Wenn Sie es nicht gemeldet haben, liest jemand anderes Ihre Nachrichten. Bitte ändern Sie das Passwort Ihres Postfachs, und sagen Sie den Betreibern von {tenant} Bescheid.",

		"mail.notice.attempts.subject": "Viele falsche Antworten bei Ihrer Anmeldung bei {tenant}",
		"mail.notice.attempts.lead":    "Jemand wollte sich als Sie bei {tenant} anmelden und hat viele falsche Antworten gegeben.",
		"mail.notice.attempts.body":    "Hineingekommen ist niemand, und von dort werden fürs Erste keine Antworten mehr angenommen. Wenn Sie es waren, warten Sie bitte eine Weile, oder nehmen Sie einen Browser, in dem Sie sich schon einmal angemeldet haben.",
		"mail.notice.attempts.ignore":  "Wenn Sie es nicht waren, müssen Sie nichts tun. Mit einem Passkey gäbe es nichts zu erraten.",

		"mail.notice.token_reused.subject":   "Eine Anwendung wurde bei {tenant} getrennt",
		"mail.notice.token_reused.lead":      "Der Zugriff, den Sie einer Anwendung bei {tenant} gewährt haben, wurde doppelt benutzt. Das geschieht, wenn er kopiert wurde; deshalb haben wir ihn beendet und Sie in dem Browser abgemeldet, aus dem er kam.",
		"mail.notice.token_reused.lead.full": "Der Zugriff, den Sie {application} bei {tenant} gewährt haben, wurde doppelt benutzt. Das geschieht, wenn er kopiert wurde; deshalb haben wir ihn beendet und Sie in dem Browser abgemeldet, aus dem er kam.",
		"mail.notice.token_reused.body":      "Um die Anwendung wieder zu benutzen, melden Sie sich bitte dort an. Ihre nächsten Anmeldungen werden eine Woche lang genauer betrachtet.",
		"mail.notice.token_reused.ignore":    "Wenn das noch einmal geschieht, sagen Sie bitte den Betreibern der Anwendung Bescheid.",
	}
}

func deTexts() map[Key]string {
	return map[Key]string{
		"sms.code.signin":             "{code} ist Ihr Code zum Anmelden bei {tenant}. Behalten Sie ihn für sich.",
		"sms.code.signin.full":        "{code} ist Ihr Code zum Anmelden bei {tenant} nahe {place}. Behalten Sie ihn für sich.",
		"sms.code.enrol":              "{code} ist Ihr Code zum Einrichten von {tenant}. Behalten Sie ihn für sich.",
		"sms.ticket.first":            "{code} ist Ihr Code für einen zweiten Schritt bei {tenant}. Behalten Sie ihn für sich.",
		"sms.ticket.risk":             "{code} ist Ihr Code zum Anmelden bei {tenant}. Behalten Sie ihn für sich.",
		"sms.ticket.unlock":           "{code} ist Ihr Code zum Weitermachen bei {tenant}. Behalten Sie ihn für sich.",
		"sms.ticket.reset":            "{code} ist Ihr Code für ein neues Passwort bei {tenant}. Behalten Sie ihn für sich.",
		"sms.ticket.register":         "{code} ist Ihr Code zum Registrieren bei {tenant}. Behalten Sie ihn für sich.",
		"sms.ticket.address":          "{code} ist Ihr Code zum Bestätigen dieser Nummer bei {tenant}. Behalten Sie ihn für sich.",
		"sms.ticket.registered":       "{tenant}: Diese Nummer ist schon registriert. Sie können sich einfach anmelden.",
		"sms.invite":                  "Sie wurden zu {tenant} eingeladen. Öffnen Sie die Einladung mit diesem Link.",
		"sms.notice.factor_added":     "{tenant}: Eine Anmeldemethode wurde für Sie hinzugefügt. Waren Sie es nicht? Benutzen Sie diesen Link.",
		"sms.notice.factor_removed":   "{tenant}: Eine Ihrer Anmeldemethoden wurde entfernt. Waren Sie es nicht? Benutzen Sie diesen Link.",
		"sms.notice.factors_reset":    "{tenant}: Der Betreiber hat Ihre Anmeldemethoden zurückgesetzt. Wenn Sie nicht darum baten, melden Sie sich dort sofort.",
		"sms.notice.recovery_used":    "{tenant}: Einer Ihrer Wiederherstellungscodes wurde benutzt. Waren Sie es nicht? Benutzen Sie diesen Link.",
		"sms.notice.password_changed": "{tenant}: Ihr Passwort wurde geändert. Waren Sie es nicht? Benutzen Sie diesen Link.",
		"sms.notice.email_changed":    "{tenant}: Ihre E-Mail-Adresse wurde geändert. Waren Sie es nicht? Benutzen Sie diesen Link.",
		"sms.notice.phone_changed":    "{tenant}: Ihre Telefonnummer wurde geändert. Waren Sie es nicht? Benutzen Sie diesen Link.",
		"sms.notice.frozen":           "{tenant}: Die letzten Änderungen an Ihrer Anmeldung wurden rückgängig gemacht. Vorerst sind keine weiteren möglich.",
		"sms.notice.attempts":         "{tenant}: Jemand hat bei Ihrer Anmeldung viele falsche Antworten gegeben. Hineingekommen ist niemand.",
		"sms.notice.token_reused":     "{tenant}: Wir haben eine Anwendung getrennt, deren Zugriff doppelt benutzt wurde.",
	}
}
