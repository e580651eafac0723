package messages

func deErrors() map[Key]string {
	return map[Key]string{
		"error.any":                    "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
		"error.invalid_credentials":    "Die E-Mail-Adresse oder das Passwort stimmt nicht. Bitte prüfen Sie beides.",
		"error.identifier_required":    "Bitte geben Sie Ihre E-Mail-Adresse ein.",
		"error.response_required":      "Bitte füllen Sie dieses Feld aus.",
		"error.code_invalid":           "Dieser Code stimmt nicht. Bitte prüfen Sie ihn, und geben Sie ihn noch einmal ein.",
		"error.code_replayed":          "Dieser Code wurde schon benutzt. Bitte warten Sie auf den nächsten.",
		"error.code_expired":           "Dieser Code ist abgelaufen. Bitte fordern Sie einen neuen an.",
		"error.too_many_attempts":      "Das waren zu viele Versuche. Bitte versuchen Sie es später noch einmal, oder wählen Sie einen anderen Weg.",
		"error.too_many_attempts.wait": "Das waren zu viele Versuche. Bitte warten Sie {wait}.",
		"error.prompt_stale":           "Diese Seite war nicht mehr aktuell. Bitte versuchen Sie es noch einmal.",
		"error.flow_busy":              "Zwei Antworten kamen gleichzeitig an. Bitte versuchen Sie es noch einmal.",
		"error.overloaded":             "Im Augenblick melden sich sehr viele Menschen an. Bitte versuchen Sie es noch einmal.",
		"error.overloaded.wait":        "Im Augenblick melden sich sehr viele Menschen an. Bitte versuchen Sie es in {wait} noch einmal.",
		"error.enrolment_conflict":     "Das ist schon eingerichtet.",
		"error.not_skippable":          "Dieser Schritt lässt sich nicht länger aufschieben.",
	}
}

func deRefusals() map[Key]string {
	return map[Key]string{
		"error.address_invalid":        "An diese E-Mail-Adresse kann keine Nachricht gehen. Bitte prüfen Sie sie.",
		"error.number_invalid":         "Diese Telefonnummer gibt es nicht. Bitte prüfen Sie sie, und beginnen Sie mit der Landesvorwahl, zum Beispiel +49.",
		"error.number_not_mobile":      "Diese Nummer kann keine SMS empfangen. Bitte geben Sie eine Handynummer an.",
		"error.country_not_allowed":    "In dieses Land können wir keine SMS senden. Bitte nehmen Sie eine andere Nummer, oder wählen Sie einen anderen Weg.",
		"error.send_limited":           "Fürs Erste wurden genug Codes gesendet. Bitte benutzen Sie den neuesten, oder wählen Sie einen anderen Weg.",
		"error.send_limited.wait":      "Ein neuer Code kann in {wait} gesendet werden. Bitte suchen Sie den, der schon gesendet wurde.",
		"error.code_kept":              "Bitte bewahren Sie die Codes zuerst sicher auf, und bestätigen Sie es dann.",
		"error.name_in_use":            "Etwas von Ihnen heißt schon so. Bitte wählen Sie einen anderen Namen.",
		"error.name_invalid":           "Bitte geben Sie einen Namen ein.",
		"error.address_unavailable":    "Diese Adresse kann hier nicht verwendet werden. Bitte geben Sie eine andere an.",
		"error.enrolment_exists":       "Das ist bereits eingerichtet.",
		"error.recovered_recently":     "Vor Kurzem wurde ein Wiederherstellungscode benutzt. Zu Ihrem Schutz kann 72 Stunden lang nichts entfernt und keine Adresse geändert werden.",
		"error.frozen":                 "Zu Ihrem Schutz lässt sich hier zurzeit nichts ändern: Eine Änderung wurde als nicht von Ihnen stammend gemeldet, oder ein Wiederherstellungscode wurde benutzt. Bitte versuchen Sie es später noch einmal.",
		"error.last_required_factor":   "Das ist der letzte zweite Schritt, den Sie zum Anmelden brauchen. Bitte fügen Sie zuerst einen anderen hinzu.",
		"error.passkey_unknown":        "Dieser Passkey ist hier nicht bekannt. Vielleicht wurde er entfernt. Bitte nehmen Sie einen anderen, oder wählen Sie einen anderen Weg.",
		"error.passkey_origin":         "Der Passkey hat für eine Seite mit einer anderen Adresse geantwortet. Mit Ihrem Passkey ist alles in Ordnung. Bitte öffnen Sie diese Seite unter ihrer richtigen Adresse, und versuchen Sie es noch einmal.",
		"error.passkey_no_uv":          "Der Passkey hat nicht geprüft, dass Sie es sind. Bitte richten Sie dafür einen Fingerabdruck, ein Gesicht oder eine PIN ein, oder wählen Sie einen anderen Weg.",
		"error.passkey_backup_changed": "Dieser Passkey wurde als kopierbar oder als nicht kopierbar angelegt und sagt nun das Gegenteil. Zu Ihrer Sicherheit wird er nicht angenommen. Bitte wählen Sie einen anderen Weg, und ersetzen Sie ihn danach.",
		"error.passkey_known":          "Dieses Gerät oder dieser Sicherheitsschlüssel enthält schon einen Passkey von Ihnen für diesen Dienst. Bitte nehmen Sie ein anderes.",
		"error.passkey_not_attested":   "Dieser Passkey belegt nicht, wer ihn hergestellt hat, was hier verlangt wird. Bitte nehmen Sie einen Sicherheitsschlüssel, der es belegt, oder wählen Sie einen anderen Weg.",
		"error.passkey_model":          "Passkeys dieser Bauart werden hier nicht angenommen. Bitte nehmen Sie einen anderen, oder wählen Sie einen anderen Weg.",
		"error.passkey_failed":         "Die Antwort des Passkeys ließ sich nicht prüfen und wurde daher nicht angenommen. Bitte versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.",
	}
}

func dePasswords() map[Key]string {
	return map[Key]string{
		"error.password_invalid":         "Das kann kein Passwort sein. Bitte wählen Sie ein anderes.",
		"error.password_too_short.one":   "Bitte verwenden Sie mindestens {n} Zeichen.",
		"error.password_too_short.other": "Bitte verwenden Sie mindestens {n} Zeichen. Ein paar Wörter ohne Zusammenhang ergeben ein gutes Passwort.",
		"error.password_too_long.one":    "Bitte verwenden Sie höchstens {n} Zeichen.",
		"error.password_too_long.other":  "Bitte verwenden Sie höchstens {n} Zeichen.",
		"error.password_common":          "Dieses Passwort gehört zu den ersten, die andere ausprobieren würden. Bitte wählen Sie ein anderes.",
		"error.password_contains_name":   "Dieses Passwort besteht aus Ihrem Namen, Ihrer Adresse oder dem Namen dieses Dienstes. Bitte wählen Sie ein anderes.",
		"error.password_repeated":        "Dieses Passwort wiederholt sich. Bitte wählen Sie ein anderes.",
		"error.password_sequence":        "Dieses Passwort folgt einem Muster, das leicht zu erraten ist. Bitte wählen Sie ein anderes.",
	}
}

func deFaults() map[Key]string {
	return map[Key]string{
		"fault.any.title": "Das geht nicht",
		"fault.any.lead":  "Die Anfrage wurde nicht verstanden. Es hat sich nichts geändert.",

		"fault.flow_expired.title":           "Bitte beginnen Sie neu",
		"fault.flow_expired.lead":            "Diese Anmeldung wurde schon abgeschlossen, oder sie hat zu lange gewartet.",
		"fault.foreign_browser.title":        "In einem anderen Browser begonnen",
		"fault.foreign_browser.lead":         "Diese Anmeldung wurde in einem anderen Browser begonnen, oder dieser Browser speichert keine Cookies. Zu Ihrer Sicherheit lässt sie sich nur dort abschließen, wo sie begonnen hat. Sie können hier eine neue beginnen.",
		"fault.flow_not_found.title":         "Bitte beginnen Sie neu",
		"fault.flow_not_found.lead":          "Diese Anmeldung gibt es nicht. Vielleicht ist sie schon vor einiger Zeit zu Ende gegangen.",
		"fault.not_found.title":              "Hier ist nichts",
		"fault.not_found.lead":               "Vielleicht ist die Adresse falsch geschrieben, oder die Seite ist umgezogen.",
		"fault.method_not_allowed.title":     "Das geht hier nicht",
		"fault.method_not_allowed.lead":      "Diese Adresse nimmt eine solche Anfrage nicht an.",
		"fault.forbidden.title":              "Nicht erlaubt",
		"fault.forbidden.lead":               "Sie dürfen das nicht tun. Es hat sich nichts geändert.",
		"fault.application_request.title":    "Die Anfrage der Anwendung ist nicht verwendbar",
		"fault.application_request.lead":     "Die Anwendung, von der Sie kommen, hat einen Fehler gemacht. Sie haben nichts falsch gemacht. Bitte sagen Sie den Betreibern der Anwendung Bescheid.",
		"fault.too_large.title":              "Das ist zu viel",
		"fault.too_large.lead":               "Was gesendet wurde, ist zu groß, um gelesen zu werden.",
		"fault.unsupported_media_type.title": "Das ist nicht lesbar",
		"fault.unsupported_media_type.lead":  "Was gesendet wurde, hat eine Form, die hier nicht verstanden wird.",
		"fault.overloaded.title":             "Bitte versuchen Sie es noch einmal",
		"fault.overloaded.lead":              "Im Augenblick melden sich sehr viele Menschen an. Es ging nichts verloren; Ihre Antwort wurde nur noch nicht angesehen.",
		"fault.too_many_requests.title":      "Zu viele Anfragen",
		"fault.too_many_requests.lead":       "Aus diesem Netz kamen in kurzer Zeit sehr viele Anfragen.",
		"fault.internal.title":               "Etwas ist schiefgegangen",
		"fault.internal.lead":                "Der Fehler liegt bei uns, nicht bei Ihnen. Es hat sich nichts geändert. Bitte versuchen Sie es gleich noch einmal.",
	}
}

func deReasons() map[Key]string {
	return map[Key]string{
		"reason.requested-level":    "{application} verlangt eine stärkere Anmeldung.",
		"reason.requested-recency":  "{application} bittet Sie, noch einmal zu bestätigen, dass Sie es sind.",
		"reason.application-floor":  "{application} verlangt immer einen zweiten Schritt.",
		"reason.application-policy": "{application} verlangt mehr als eine gewöhnliche Anmeldung.",
		"reason.group-policy":       "{tenant} verlangt von Personen mit Ihren Aufgaben mehr als eine gewöhnliche Anmeldung.",
		"reason.policy-always":      "{tenant} verlangt von allen einen zweiten Schritt.",
		"reason.enrolled":           "Sie haben einen zweiten Schritt eingerichtet, deshalb fragen wir danach.",
		"reason.scope":              "Was {application} tun möchte, braucht eine stärkere Anmeldung.",
		"reason.manage-factors":     "Ihre Anmeldemethoden sollen geändert werden.",
		"reason.risk-medium":        "Diese Anmeldung wirkt ungewöhnlich, deshalb prüfen wir noch einmal.",
		"reason.risk-high":          "Diese Anmeldung wirkt sehr ungewöhnlich.",
		"reason.level-unreachable":  "Keine Ihrer Anmeldemethoden ist dafür stark genug.",
		"reason.enrolment-required": "Sie haben noch keinen zweiten Schritt, deshalb wird jetzt einer eingerichtet.",
	}
}
