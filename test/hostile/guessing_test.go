// Package hostile attacks the built binary over HTTP. Each test is one case of
// the list of attacks, by its number, and asserts causes, never seconds.
//
//	guessing_test.go   H-01, H-02, H-05, H-08, H-41
//	browser_test.go    H-15, H-28, H-29, H-30, H-40
//	races_test.go      H-07, H-51, H-52
//	bodies_test.go     H-48
package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/test/world"
)

// mostGuesses is how many six-digit codes strangers may have compared in 30
// days: two are good at a time, and they may succeed with chance 8e-5.
const mostGuesses = 40

// ada is a person with an authenticator app, in the browser that set it up. The
// clock has gone on, so that the step of the set-up is over.
func ada(t *testing.T, w *world.World) *world.Person {
	p := w.Person(t, world.Ada, world.AdaPassword)
	p.Enrol(w)
	w.Advance(time.Minute)
	return p
}

// thief knows the password of ada, and has a browser of their own.
func thief(t *testing.T, w *world.World) *world.Person {
	return w.Person(t, world.Ada, world.AdaPassword)
}

// owns fails the test unless the owner can still sign in with a right code, in
// the browser that the product knows.
func owns(t *testing.T, w *world.World, owner *world.Person) {
	t.Helper()
	v := owner.Begin(w.Authorize("max_age", "0", "acr_values", "aal2"))
	for range 3 {
		switch prompt := v.Prompts[0]; prompt.Factor {
		case "password":
			v = owner.Respond(w, v, owner.Password)
		case "totp":
			v = owner.Respond(w, v, world.Code(t, owner.Secret, w.Now()))
		default:
			t.Fatalf("the owner is asked for %q", prompt.Factor)
		}
		if v.Failed() != "" {
			t.Fatalf("the owner is refused: %s", v.Raw)
		}
		if v.Redirect != "" {
			return
		}
	}
	t.Fatalf("the owner cannot sign in: %s", v.Raw)
}

// tally counts what guesses were answered with.
type tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *tally) add(v world.View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	code := v.Failed()
	if v.Redirect != "" {
		code = "ACCEPTED"
	}
	c.seen[fmt.Sprintf("%d %s", v.Status, code)]++
}

// compared is how many guesses were looked at: the answer told that the code
// was wrong, rather than that it would not be looked at.
func (c *tally) compared() int { return c.seen["200 code_invalid"] }

func TestH01_ManyWrongCodesInOneFlow(t *testing.T) {
	w := world.Start(t)
	owner := ada(t, w)
	other := thief(t, w)
	v := other.At(w, w.Authorize())
	var got tally
	for _, guess := range world.WrongCodes(t, owner.Secret, w.Now(), 101) {
		answer, err := other.TryRespond(w, v.ID, v.Prompts[0].ID, guess)
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Prompts) > 0 {
			v = answer
		}
		got.add(answer)
	}
	if n := got.compared(); n == 0 || n > mostGuesses {
		t.Errorf("%d of 101 guesses were compared, want 1 to %d: %v", n, mostGuesses, got.seen)
	}
	right, err := other.TryRespond(w, v.ID, v.Prompts[0].ID, world.Code(t, owner.Secret, w.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if right.Redirect != "" || right.Failed() == "" {
		t.Errorf("the right code is taken after that: %s", right.Raw)
	}
	owns(t, w, owner)
}

func TestH02_OneWrongCodeInEachOfManyFlows(t *testing.T) {
	w := world.Start(t)
	owner := ada(t, w)
	guesses := world.WrongCodes(t, owner.Secret, w.Now(), 200)
	var got tally
	for i, guess := range guesses {
		other := thief(t, w)
		from(other, fmt.Sprintf("127.0.0.%d", 2+i%50))
		v := other.At(w, w.Authorize())
		answer, err := other.TryRespond(w, v.ID, v.Prompts[0].ID, guess)
		if err != nil {
			t.Fatal(err)
		}
		got.add(answer)
		// The attacker is patient: as long as the answer says, at most an hour.
		if wait := retryAfter(answer); wait > 0 && wait <= time.Hour {
			w.Advance(wait + time.Second)
		}
		other.HTTP.CloseIdleConnections()
	}
	if n := got.compared(); n == 0 || n > mostGuesses {
		t.Errorf("%d of 200 guesses were compared, want 1 to %d: %v", n, mostGuesses, got.seen)
	}
	if got.seen["200 ACCEPTED"] > 0 {
		t.Errorf("a wrong code was accepted: %v", got.seen)
	}
	late := thief(t, w)
	v := late.At(w, w.Authorize())
	if right := late.Respond(w, v, world.Code(t, owner.Secret, w.Now())); right.Redirect != "" {
		t.Errorf("an unknown browser gets in once strangers have used up their guesses: %s", right.Raw)
	}
	owns(t, w, owner)
}

func retryAfter(v world.View) time.Duration {
	if v.Error == nil {
		return 0
	}
	return time.Duration(v.Error.RetryAfter) * time.Second
}

// from makes a person connect from another address of the loopback network.
func from(p *world.Person, address string) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := p.HTTP.Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, "127.0.0.1:"+port)
	}
}

func TestH05_AThousandParallelGuesses(t *testing.T) {
	w := world.Start(t)
	owner := ada(t, w)
	// Twenty flows of twenty browsers, so that no flow's own order can help.
	const flows, each = 20, 50
	guesses := world.WrongCodes(t, owner.Secret, w.Now(), flows*each)
	var got tally
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range flows {
		other := thief(t, w)
		v := other.At(w, w.Authorize())
		for _, guess := range guesses[i*each : (i+1)*each] {
			wait.Go(func() {
				<-start
				answer, err := other.TryRespond(w, v.ID, v.Prompts[0].ID, guess)
				if err != nil {
					t.Error(err)
					return
				}
				got.add(answer)
			})
		}
	}
	close(start)
	wait.Wait()
	if n := got.compared(); n == 0 || n > mostGuesses {
		t.Errorf("%d of %d guesses were compared, want 1 to %d: %v", n, len(guesses), mostGuesses, got.seen)
	}
	for answer := range got.seen {
		if strings.HasPrefix(answer, "5") && !strings.HasPrefix(answer, "503") || strings.Contains(answer, "ACCEPTED") {
			t.Errorf("guesses were answered with %v", got.seen)
		}
	}
	if failed := count(t, w, "factor.failed"); failed > mostGuesses {
		t.Errorf("the audit log has %d failures, want at most %d", failed, mostGuesses)
	}
	owns(t, w, owner)
}

// count is how many events of a type the audit log of the demo tenant has.
func count(t *testing.T, w *world.World, kind string) int {
	t.Helper()
	n := 0
	for _, e := range events(t, w) {
		if e.Type == kind {
			n++
		}
	}
	return n
}

type event struct {
	Type, Outcome, User, Flow, Factor, IP, UserAgent string
}

func events(t *testing.T, w *world.World) []event {
	t.Helper()
	var out []event
	for line := range strings.Lines(w.Run("events", "--json", "--tenant", "demo")) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("an event that is no JSON: %q", line)
		}
		out = append(out, e)
	}
	return out
}

func TestH08_AnAcceptedCodeIsSpent(t *testing.T) {
	w := world.Start(t)
	owner := ada(t, w)
	one, two, three := thief(t, w), thief(t, w), thief(t, w)
	a, b, c := one.At(w, w.Authorize()), two.At(w, w.Authorize()), three.At(w, w.Authorize())
	now := w.Now()
	if v := one.Respond(w, a, world.Code(t, owner.Secret, now)); v.Redirect == "" {
		t.Fatalf("the right code is refused: %s", v.Raw)
	}
	if v := two.Respond(w, b, world.Code(t, owner.Secret, now)); v.Redirect != "" || v.Failed() == "" {
		t.Errorf("the same code is taken in another flow: %s", v.Raw)
	}
	if v := three.Respond(w, c, world.Code(t, owner.Secret, now.Add(-30*time.Second))); v.Redirect != "" || v.Failed() == "" {
		t.Errorf("the step before an accepted one is taken: %s", v.Raw)
	}
}

// Everything about an answer that differs from one request to the next, whoever
// is asked for.
var varying = regexp.MustCompile(`flow_[0-9a-z]+|"expiresAt":"[^"]*"|(?i)Request [0-9a-z_-]{8,}|"requestId":"[^"]*"|\d{4}-\d\d-\d\dT[0-9:.]+Z|\d\d:\d\d UTC|data-ends="\d+"`)

// fingerprint is all that an attacker sees of an answer.
func fingerprint(page *world.Page, identifier string) string {
	var b bytes.Buffer
	fmt.Fprintln(&b, page.Status)
	for _, name := range slices.Sorted(mapKeys(page.Header)) {
		for _, value := range page.Header[name] {
			switch name {
			case "Date", "X-Request-Id":
				value = fmt.Sprint(len(value))
			case "Set-Cookie":
				value = regexp.MustCompile(`=[^;]*`).ReplaceAllStringFunc(value, func(s string) string { return fmt.Sprint(len(s)) })
			}
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	local, _, _ := strings.Cut(identifier, "@")
	body := strings.ReplaceAll(page.Body, local, "IDENTIFIER")
	fmt.Fprintf(&b, "%d bytes\n%s", len(page.Body), body)
	return varying.ReplaceAllString(b.String(), "VARYING")
}

func mapKeys(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

func TestH41_KnownAndUnknownLookTheSame(t *testing.T) {
	w := world.Start(t)
	// As long as each other and with the same initial, which the page shows.
	known, unknown := world.Ada, "ava@example.com"
	for _, accept := range []string{"text/html", "application/json"} {
		// Seven wrong passwords: the answers differ once waits begin, and must
		// begin for both alike (C-12).
		fingerprints := map[string][]string{}
		for _, identifier := range []string{known, unknown} {
			p := w.Person(t, identifier, "not the password of anybody")
			p.Headers.Set("Accept", accept)
			fingerprints[identifier] = walk(p, w, identifier, 7)
		}
		for i, want := range fingerprints[unknown] {
			if got := fingerprints[known][i]; got != want {
				t.Errorf("%s: answer %d tells who exists\nknown:\n%s\n\nunknown:\n%s", accept, i, got, want)
			}
		}
		w.Advance(2 * time.Hour)
	}
}

// walk gives an identifier and wrong passwords, and returns what was seen.
func walk(p *world.Person, w *world.World, identifier string, wrong int) []string {
	page := p.Open(w.Authorize())
	address := page.URL.String()
	prompt := regexp.MustCompile(`name="prompt" value="([^"]+)"|"prompts":\[\{"id":"([^"]+)"`)
	var seen []string
	for i := range wrong + 1 {
		value := p.Password
		if i == 0 {
			value = identifier
		}
		id := ""
		for _, m := range prompt.FindStringSubmatch(page.Body)[1:] {
			id += m
		}
		page = postAs(p, address, id, value)
		seen = append(seen, fingerprint(page, identifier))
	}
	return seen
}

// postAs answers a prompt in the form that suits what the person accepts.
func postAs(p *world.Person, address, prompt, value string) *world.Page {
	var r *http.Request
	if p.Headers.Get("Accept") == "application/json" {
		body, _ := json.Marshal(map[string]any{"prompt": prompt, "response": map[string]string{"value": value}})
		r, _ = http.NewRequest(http.MethodPost, address, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		return p.Do(r)
	}
	body := fmt.Sprintf("prompt=%s&value=%s", prompt, strings.ReplaceAll(value, " ", "+"))
	r, _ = http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	page := p.Do(r)
	if to := page.Location(); to != nil {
		return p.Get(to.String())
	}
	return page
}

// browser copies the cookies of a person into another browser.
func browser(t *testing.T, w *world.World, of *world.Person) *world.Person {
	p := w.Person(t, of.Email, of.Password)
	jar, _ := cookiejar.New(nil)
	u := mustURL(t, w.Issuer)
	jar.SetCookies(u, of.Jar.Cookies(u))
	p.HTTP.Jar, p.Jar = jar, jar
	return p
}
