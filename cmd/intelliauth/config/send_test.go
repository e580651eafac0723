package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// certificate is some certificate; its key is nowhere.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUK8b058SAVQTO/q2AB+3kIs2D/9wwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjQwMzM0MzZaGA8yMTI2MTAzMTAzMzQz
NlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKTg
vdFw6A2jLzVi2XaBcijjNLMeGompX8C0clwO3GLaOBAVyYZBBkicIETfJmmLdGti
5rFZ7KU2A86zEBkFHIGjUzBRMB0GA1UdDgQWBBSliXgXqqLyI/99dz5UVc67F6Oz
uDAfBgNVHSMEGDAWgBSliXgXqqLyI/99dz5UVc67F6OzuDAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQC9N7bw+T0gvyJNk8egOyK64ClmctqRmPxC
048SjehkDgIhAIRuTy1MP9j5VC9v/43GJRq8RGEzgY/Hl6+eJGwK2Uv/
-----END CERTIFICATE-----`

const (
	sid     = "00000000000000000000000000000000"
	twilio  = `twilio: {account: AC` + sid + `, token: "${DB_PASSWORD}", from: Acme}`
	webhook = `webhook: {url: https://sms.example.com/send, secret: "file:sms.secret"}`
)

// sms is a good block with one entry and more keys behind.
func sms(entry, more string) string {
	return whole(someMail+"sms:\n  countries: [DE]\n  providers:\n    - "+entry+"\n"+more, "")
}

// changed is a good line in which one thing is another.
func changed(line, from, to string) string { return strings.Replace(line, from, to, 1) }

// TestC44_SendingHasItsLines is the table of refusals for mail, SMS and passkeys.
func TestC44_SendingHasItsLines(t *testing.T) {
	t.Parallel()
	mail := func(lines string) string {
		return whole("mail:\n  host: smtp.example.com\n  from: a@b.example\n"+lines, "")
	}
	metadata := "passkey_metadata: {blob: blob.jwt, root: ca.pem}\n"
	for name, tc := range map[string]struct {
		text string
		line int
		want string
	}{
		"mail without host":      {whole("mail:\n  from: a@b.example\n", ""), 6, "mail.host: is missing"},
		"mail without from":      {whole("mail:\n  host: smtp.example.com\n", ""), 6, "mail.from: is missing"},
		"host with port":         {whole("mail:\n  host: smtp.example.com:25\n  from: a@b.example\n", ""), 6, "the port is a key of its own"},
		"host with scheme":       {whole("mail:\n  host: smtp://smtp.example.com\n  from: a@b.example\n", ""), 6, "is no host"},
		"port too high":          {mail("  port: 70000\n"), 8, "is no port"},
		"port zero":              {mail("  port: 0\n"), 8, "is no port"},
		"port of letters":        {mail("  port: smtp\n"), 8, "wants a whole number"},
		"port with a fraction":   {mail("  port: 25.5\n"), 8, "wants a whole number"},
		"unknown mail key":       {mail("  usernme: x\n"), 8, "did you mean username?"},
		"password in the file":   {mail("  username: x\n  password: hunter2\n"), 9, "password: is written in the file"},
		"password not set":       {mail("  username: x\n  password: ${NOWHERE}\n"), 9, "NOWHERE is not set"},
		"password for nobody":    {mail("  password: ${DB_PASSWORD}\n"), 8, "needs a username"},
		"username alone":         {mail("  username: x\n"), 8, "needs a password"},
		"kind of TLS":            {mail("  tls: none\n"), 8, "want starttls, tls or opportunistic"},
		"opportunistic abroad":   {mail("  tls: opportunistic\n"), 8, "is for a server on this machine"},
		"ca that is none":        {mail("  ca: key.pem\n"), 8, "holds no certificate"},
		"ca that is not there":   {mail("  ca: no.pem\n"), 8, "no.pem does not exist"},
		"from of two lines":      {whole("mail:\n  host: h\n  from: \"a@b.example\\r\\nBcc: c@d.example\"\n", ""), 7, "is no address"},
		"from two people":        {whole("mail:\n  host: h\n  from: a@b.example, c@d.example\n", ""), 7, "is no address"},
		"locale":                 {whole(someMail+"locale: German\n", ""), 6, "is no language"},
		"sms without providers":  {whole(someMail+"sms: {countries: [DE]}\n", ""), 6, "providers: is missing"},
		"sms without countries":  {whole(someMail+"sms:\n  providers:\n    - "+webhook+"\n", ""), 7, "countries: is missing"},
		"country by name":        {changed(sms(webhook, ""), "[DE]", "[Germany]"), 7, `"Germany" is no country`},
		"country in small":       {changed(sms(webhook, ""), "[DE]", "[de]"), 7, `"de" is no country`},
		"continent":              {changed(sms(webhook, ""), "[DE]", "[\"150\"]"), 7, "is no country"},
		"country twice":          {changed(sms(webhook, ""), "[DE]", "[DE, DE]"), 7, "is given twice"},
		"nothing a day":          {sms(webhook, "  per_day: 0\n"), 10, "wants a number above 0"},
		"less than nothing":      {sms(webhook, "  per_day: -1\n"), 10, "wants a number above 0"},
		"two providers in one":   {whole(someMail+"sms:\n  countries: [DE]\n  providers:\n    - {"+twilio+", "+webhook+"}\n", ""), 9, "is two at once"},
		"provider of nothing":    {whole(someMail+"sms:\n  countries: [DE]\n  providers:\n    - {}\n", ""), 9, "names nothing"},
		"unknown provider":       {sms("sns: {}", ""), 9, "sns: is no known key"},
		"twilio account":         {sms(changed(twilio, "AC0", "AB0"), ""), 9, "account: wants the account's SID"},
		"twilio key":             {sms(changed(twilio, "from", "key: SK1, from"), ""), 9, "key: wants an API key's SID"},
		"twilio token in file":   {sms(changed(twilio, "\"${DB_PASSWORD}\"", "abcdef"), ""), 9, "token: is written in the file"},
		"twilio without token":   {sms(changed(twilio, ", token: \"${DB_PASSWORD}\"", ""), ""), 9, "token: is missing"},
		"twilio from":            {sms(changed(twilio, "Acme", "a-name-too-long"), ""), 9, "from: wants a number"},
		"twilio from digits":     {sms(changed(twilio, "Acme", "\"12345\""), ""), 9, "from: wants a number"},
		"twilio url":             {sms(changed(twilio, "from", "url: http://twilio.example, from"), ""), 9, "is plain http"},
		"webhook without url":    {sms(changed(webhook, "url: https://sms.example.com/send, ", ""), ""), 9, "url: is missing"},
		"webhook to a file":      {sms(changed(webhook, "https://sms.example.com/send", "file:///etc/passwd"), ""), 9, "is no address"},
		"webhook in the clear":   {sms(changed(webhook, "https:", "http:"), ""), 9, "is plain http"},
		"webhook with user":      {sms(changed(webhook, "//sms", "//u:p@sms"), ""), 9, "holds a user name"},
		"webhook to this":        {sms(changed(webhook, "sms.example.com", "localhost"), ""), 9, "is on this machine"},
		"webhook without secret": {sms(changed(webhook, ", secret: \"file:sms.secret\"", ""), ""), 9, "secret: is missing"},
		"webhook secret in file": {sms(changed(webhook, "\"file:sms.secret\"", strings.Repeat("x", 40)), ""), 9, "secret: is written in the file"},
		"webhook short secret":   {sms(changed(webhook, "file:sms.secret", "${DB_PASSWORD}"), ""), 9, "is shorter than 22 characters"},
		"open without mail":      {whole("policy: {registration: open}\n", ""), 5, "open needs mail"},
		"related origin":         {whole("related_origins: [https://a.example/x]\n", ""), 5, "is no origin"},
		"related to itself":      {whole("related_origins: [https://login.example.com]\n", ""), 5, "is the issuer"},
		"related twice":          {whole("related_origins: [https://a.example, https://a.example]\n", ""), 5, "is given twice"},
		"related to many":        {whole("related_origins: [https://a.com, https://b.com, https://c.com, https://d.com, https://e.com, https://f.com]\n", ""), 5, "no more than 5"},
		"attestation mode":       {whole("attestation: {mode: some}\n", ""), 5, "want none, any or list"},
		"attestation unproved":   {whole("attestation: {mode: any}\n", ""), 5, "any needs passkey_metadata"},
		"list of nothing":        {metadata + whole("attestation: {mode: list}\n", ""), 6, "list needs models"},
		"models for nothing":     {metadata + whole("attestation: {mode: any, models: [ee882879-721c-4913-9775-3dfcce97072a]}\n", ""), 6, "are not used"},
		"model by name":          {metadata + whole("attestation: {mode: list, models: [YubiKey]}\n", ""), 6, "is no AAGUID"},
		"metadata without root":  {"passkey_metadata: {blob: blob.jwt}\n" + whole("", ""), 1, "root: is missing"},
		"metadata unsigned":      {"passkey_metadata: {blob: key.pem, root: ca.pem}\n" + whole("", ""), 1, "does not hold a signed BLOB"},
		"metadata root":          {"passkey_metadata: {blob: blob.jwt, root: key.pem}\n" + whole("", ""), 1, "does not hold a certificate"},
		"metadata not there":     {"passkey_metadata: {blob: no.jwt, root: ca.pem}\n" + whole("", ""), 1, "no.jwt does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(tc.text)
			refusedAt(t, err, tc.line, tc.want)
		})
	}
}

// TestSendingDefaults: what is left out gets a value that works.
func TestSendingDefaults(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]Mail{
		"":                               {Port: 587, TLS: "starttls"},
		"  tls: tls\n":                   {Port: 465, TLS: "tls"},
		"  tls: tls\n  port: 2465\n":     {Port: 2465, TLS: "tls"},
		"  ca: ca.pem\n":                 {Port: 587, TLS: "starttls", CA: "/etc/ia/ca.pem"},
		"  tls: starttls\n  port: 587\n": {Port: 587, TLS: "starttls"},
	} {
		c, err := parse(whole("mail:\n  host: smtp.example.com\n  from: Acme <a@b.example>\n"+lines, ""))
		if err != nil {
			t.Error(err)
			continue
		}
		m := c.Tenants[0].Mail
		if m.Port != want.Port || m.TLS != want.TLS || m.CA != want.CA || len(c.Warnings) != 0 {
			t.Errorf("%q: %+v, %v", lines, m, c.Warnings)
		}
	}
	c, err := parse(whole("mail: {host: localhost, from: a@b.example, tls: opportunistic, username: u, password: \"${DB_PASSWORD}\"}\n", ""))
	if err != nil || c.Tenants[0].Mail.Port != 25 || c.Tenants[0].Mail.Password.Reveal() != "hunter2-hunter2" {
		t.Fatal(err, c)
	}
	if s := fmt.Sprintf("%+v %#v", c.Tenants[0].Mail, *c.Tenants[0].Mail); strings.Contains(s, "hunter2") {
		t.Error("the password is printed")
	}
	c, err = parse(sms(twilio, "    - "+webhook+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := c.Declared()[0].Tenant
	if d.SMSPerDay != 1000 || !slices.Equal(d.SMSCountries, []string{"DE"}) || !d.Sends(identity.ChannelSMS) || !d.Sends(identity.ChannelEmail) {
		t.Errorf("%+v", d)
	}
	if p := c.Tenants[0].SMS.Providers; len(p) != 2 || p[0].Twilio.Token.Reveal() == "" || len(p[1].Webhook.Secret.Reveal()) != 32 {
		t.Errorf("%+v", p)
	}
}

// TestDeclaredPasskeysAndLocale.
func TestDeclaredPasskeysAndLocale(t *testing.T) {
	t.Parallel()
	text := "passkey_metadata: {blob: blob.jwt, root: /etc/ia/ca.pem}\n" + whole(someMail+"locale: pt-BR\nrelated_origins: [https://a.com, https://www.a.com, https://a.co.uk, https://b.com, https://c.com, https://d.com]\n"+
		"attestation: {mode: list, models: [EE882879-721C-4913-9775-3DFCCE97072A]}\n", "")
	c, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	d := c.Declared()[0].Tenant
	if d.Locale != "pt-BR" || len(d.RelatedOrigins) != 6 || d.Attestation.Mode != "list" || d.Attestation.Models[0] != "ee882879-721c-4913-9775-3dfcce97072a" {
		t.Errorf("%+v", d)
	}
	if c.PasskeyMetadata.Blob != "/etc/ia/blob.jwt" || c.PasskeyMetadata.Root != "/etc/ia/ca.pem" {
		t.Errorf("%+v", c.PasskeyMetadata)
	}
}

// TestC21_TenantWithoutMailIsTold: a first factor needs a code that is mailed;
// whoever has no mail says that a password is to be enough, or hears what it
// means.
func TestC21_TenantWithoutMailIsTold(t *testing.T) {
	t.Parallel()
	for lines, told := range map[string]bool{
		"":                        true,
		"policy: {mfa: always}\n": true,
		"policy: {mfa: never}\n":  false,
		someMail:                  false,
		"policy: {enrolment: {first_factor: password}}\n": false,
		"policy: {enrolment: {first_factor: ticket}}\n":   true,
	} {
		c, err := parse(whole(lines, ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(c.Warnings) == 1 && strings.Contains(c.Warnings[0].String(), "intelliauth.yaml:3: warning: tenants[0]: has no mail"); got != told {
			t.Errorf("%q: %v", lines, c.Warnings)
		}
		if d := c.Declared()[0].Tenant; d.Sends(identity.ChannelEmail) != (lines == someMail) {
			t.Errorf("%q: channels %v", lines, d.Channels)
		}
	}
	// The dev command keeps messages itself.
	out := outside()
	out.Inbox = true
	c, err := Parse("/etc/ia/x.yaml", []byte(whole("policy: {registration: open}\nsms: {countries: [DE]}\n", "")), out)
	if err != nil || len(c.Warnings) != 0 || !c.Declared()[0].Tenant.Sends(identity.ChannelSMS) || !c.Declared()[0].Tenant.Sends(identity.ChannelEmail) {
		t.Errorf("%v %+v", err, c)
	}
}
