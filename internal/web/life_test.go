package web

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/otp"
	"github.com/intelliauth/intelliauth/internal/factor/passkey"
	"github.com/intelliauth/intelliauth/internal/factor/recovery"
	"github.com/intelliauth/intelliauth/internal/factor/totp"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// factors are all that there are, beside those that were made already.
func (h *house) factors(made ...factor.Factor) []factor.Factor {
	h.Helper()
	o := otp.Options{Now: h.now, Random: rand.Reader, Key: func(string) ([]byte, error) { return []byte("index key of thirty-two bytes..."), nil }}
	key, err := passkey.New(passkey.Options{Now: h.now, Random: rand.Reader})
	h.must(err)
	sms, err := otp.SMS(o)
	h.must(err)
	mail, err := otp.Email(o)
	h.must(err)
	codes, err := recovery.New(recovery.Options{Now: h.now, Random: rand.Reader})
	h.must(err)
	ticket, err := otp.Ticket(o)
	h.must(err)
	return append(made, key, sms, mail, codes, ticket)
}

func number(t identity.Tenant, typed string) (string, error) {
	n, err := otp.ParseNumber(typed, t.SMSCountries)
	return n.E164, err
}

// code reads the newest code that was sent.
func (h *house) code() string {
	h.Helper()
	var all []identity.Message
	h.must(h.store.View(h.Context(), h.tenant.ID, func(tx identity.Tx) (err error) {
		all, err = tx.Outbox.List(h.Context(), 1)
		return err
	}))
	if len(all) != 1 || all[0].Code == "" {
		h.Fatalf("no code was sent: %+v", all)
	}
	return all[0].Code
}

// codes reads the codes that the page shows to be kept.
func (p *person) codes() []string {
	p.Helper()
	var out []string
	for _, n := range p.page.elements("code") {
		out = append(out, text(n))
	}
	if len(out) != 10 {
		p.Fatalf("%d codes on %s: %s", len(out), p.at, text(p.page.root))
	}
	return out
}

// follow goes where a link of the page leads, by what it is called.
func (p *person) follow(name string) {
	p.Helper()
	for _, n := range p.page.elements("a") {
		if attr(n, "aria-label") == name || text(n) == name {
			p.open(attr(n, "href"))
			return
		}
	}
	p.Fatalf("no link %q on %s: %s", name, p.at, squeezed(text(p.page.root)))
}

func squeezed(s string) string { return regexp.MustCompile(`\s+`).ReplaceAllString(s, " ") }

// TestLifeOfFactorsByPages goes through the life of factors as a person without
// JavaScript does: set up, keep codes, use, rename, lose, come back, remove.
func TestLifeOfFactorsByPages(t *testing.T) {
	h := newHouse(t, `{"mfa":"always"}`)
	p := h.browser()
	p.open("/account")
	p.heading("Sign in")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	p.send("Continue", h.code())
	p.send("An authenticator app", "")
	secret := p.secret()
	p.send("Confirm", totp.Code(secret, h.now()))
	kept := p.codes()
	p.page.contains("Your second step is ready.", "They are shown only now.")
	p.send("I have kept them", "")
	p.heading("Your sign-in")
	p.page.contains("Authenticator app", "10 codes left", "Add one more second step", "This browser", "You signed in.")

	// Rename it: who it is is proved anew, since this change was begun.
	p.follow("Rename Authenticator app")
	h.pass(31 * time.Second)
	p.send("Rename", "Blue phone")
	p.page.contains("You are about to rename a sign-in method.")
	p.send("Continue", passphrase)
	p.page.contains("You are about to rename")
	p.send("Continue", totp.Code(secret, h.now()))
	if p.at != "/account?done=rename" {
		t.Fatalf("came to %s", p.at)
	}
	p.page.contains("The sign-in method has its new name.", "Blue phone")

	// It is the last one that is needed: the page that asks says so.
	p.follow("Remove Blue phone")
	p.send("Remove it", "")
	p.page.contains("Please add another one first.")

	// The phone is lost: a code lets in to set up another, and nothing else.
	p.open("/signout")
	p.send("Sign out", "")
	p.open("/account")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	p.send("A recovery code", "")
	p.send("Continue", kept[0])
	p.heading("Add a second step")
	p.send("An authenticator app", "")
	fresh := p.secret()
	p.send("Confirm", totp.Code(fresh, h.now()))
	p.heading("Enter your password") // C-23: a full sign-in follows
	h.pass(31 * time.Second)
	p.send("Continue", passphrase)
	p.send("Continue", totp.Code(fresh, h.now()))
	p.in()
	p.page.contains("9 codes left", "A recovery code was used.")
	p.follow("Remove Blue phone")
	h.pass(31 * time.Second)
	p.send("Remove it", "")
	p.page.contains("nothing can be removed")

	// Out everywhere, this browser too.
	p.open("/account")
	p.follow("Sign out everywhere")
	p.send("Sign out everywhere", "")
	p.send("Continue", passphrase)
	p.send("Continue", totp.Code(fresh, h.now()))
	p.heading("You’re signed out")
}

// A session from before a policy that asks everyone for more opens no page and
// no API, and signing in again leads to what is missing.
func TestAlwaysTurnsAwayAPasswordAlone(t *testing.T) {
	h := newHouse(t, `{"enrolment":{"first_factor":"password"}}`)
	p := h.browser()
	p.open("/account")
	p.send("Continue", "ada@example.com")
	p.send("Continue", passphrase)
	p.in()
	h.must(h.store.Update(t.Context(), h.tenant.ID, func(tx identity.Tx) error {
		return tx.Applications.Put(t.Context(), identity.Application{ID: "spa", Name: "Demo"})
	}))
	bearer := p.grantToken("me")
	h.tenant.Policy = json.RawMessage(`{"mfa":"always","enrolment":{"first_factor":"password"}}`)
	h.must(h.store.PutTenant(t.Context(), h.tenant))
	if status, body := p.me(); status != http.StatusForbidden || body["code"] != "mfa_required" || body["requiredAal"] != 2.0 {
		t.Errorf("by cookie: %d %v", status, body)
	}
	if status, body := h.call("GET", "/me", bearer, ""); status != http.StatusUnauthorized || body["code"] != "mfa_required" || body["requiredAal"] != 2.0 {
		t.Errorf("by token: %d %v", status, body)
	}
	p.open("/account")
	p.heading("Enter your password")
	p.send("Continue", passphrase)
	if p.at == "/account" {
		t.Errorf("let in by the password alone: %s", text(p.page.root))
	}
	p.page.contains("Acme asks everyone for a second step.")
}
