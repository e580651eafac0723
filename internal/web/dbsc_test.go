package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/edge"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// secure makes the house one that browsers bind to.
func secure(h *house) *house {
	h.tenant.Issuer = "https://id.example"
	h.must(h.store.PutTenant(h.Context(), h.tenant))
	return h
}

// keyed is a browser that binds its session to a key.
type keyed struct {
	*person
	key       *ecdsa.PrivateKey
	id        string
	challenge string
}

func (p *person) keyed() *keyed {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p.must(err)
	return &keyed{person: p, key: key}
}

// copied is another browser with the same cookies, and a key of its own.
func (k *keyed) copied() *keyed {
	other := k.browser().keyed()
	for name, value := range k.jar {
		other.jar[name] = value
	}
	other.id, other.challenge = k.id, k.challenge
	return other
}

// proof signs a challenge as browsers do.
func (k *keyed) proof(key *ecdsa.PrivateKey, claims map[string]string, embed bool) string {
	k.Helper()
	o := (&jose.SignerOptions{EmbedJWK: embed}).WithType("dbsc+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, o)
	k.must(err)
	payload, err := json.Marshal(claims)
	k.must(err)
	jws, err := signer.Sign(payload)
	k.must(err)
	compact, err := jws.CompactSerialize()
	k.must(err)
	return compact
}

type bindingAnswer struct {
	status int
	header http.Header
	body   map[string]any
}

// ask posts to a route of bindings, and keeps what it gives.
func (k *keyed) ask(path string, header ...string) bindingAnswer {
	k.Helper()
	r, err := http.NewRequestWithContext(k.Context(), http.MethodPost, k.server.URL+path, nil)
	k.must(err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	for name, value := range k.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	k.must(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	k.must(err)
	out := bindingAnswer{status: res.StatusCode, header: res.Header}
	_ = json.Unmarshal(raw, &out.body)
	for _, c := range res.Cookies() {
		k.jar[c.Name] = c.Value
	}
	if m := regexp.MustCompile(`^"([^"]+)";id="([^"]+)"$`).FindStringSubmatch(res.Header.Get("Secure-Session-Challenge")); m != nil {
		k.challenge = m[1]
	}
	return out
}

// signIn signs in with the password and returns the invitation to bind.
func (k *keyed) signIn() (challenge, authorization string) {
	k.Helper()
	k.open("/account")
	k.send("Continue", "ada@example.com")
	k.invited = ""
	k.send("Continue", passphrase)
	m := regexp.MustCompile(`^\(ES256 RS256\);path="/dbsc/register";challenge="([\w-]{43})";authorization="([\w-]{43})"$`).FindStringSubmatch(k.invited)
	if m == nil {
		return "", ""
	}
	return m[1], m[2]
}

func (k *keyed) register(challenge, authorization string) bindingAnswer {
	k.Helper()
	a := k.ask(edge.BindPath, "Secure-Session-Response", k.proof(k.key, map[string]string{"jti": challenge, "authorization": authorization}, true))
	if id, ok := a.body["session_identifier"].(string); ok {
		k.id = id
	}
	return a
}

// refresh signs the last challenge.
func (k *keyed) refresh() bindingAnswer {
	k.Helper()
	return k.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(k.key, map[string]string{"jti": k.challenge}, false))
}

// bound signs in and binds.
func (h *house) bound() *keyed {
	h.Helper()
	k := h.browser().keyed()
	challenge, authorization := k.signIn()
	if a := k.register(challenge, authorization); a.status != http.StatusOK {
		h.Fatalf("%d %v", a.status, a.body)
	}
	return k
}

// opens reports whether the account page opens.
func (p *person) opens() bool {
	p.Helper()
	answer := p.request(http.MethodGet, "/account", "")
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (h *house) events(kind string) (out []identity.Event) {
	h.Helper()
	h.must(h.store.View(h.Context(), h.tenant.ID, func(tx identity.Tx) error {
		all, err := tx.Events.List(h.Context(), identity.EventFilter{Limit: 1000})
		for _, e := range all {
			if e.Type == kind {
				out = append(out, e)
			}
		}
		return err
	}))
	return out
}

func TestD02_D06_RegistrationAndItsAnswer(t *testing.T) {
	h := secure(newHouse(t, ``))
	k := h.browser().keyed()
	challenge, authorization := k.signIn()
	if challenge == "" || challenge == authorization {
		t.Fatal("no invitation to bind came with the sign-in")
	}
	a := k.register(challenge, authorization)
	if a.status != http.StatusOK || a.header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	if a.body["refresh_url"] != "/dbsc/refresh" || len(k.id) != 43 {
		t.Errorf("%v", a.body)
	}
	scope := a.body["scope"].(map[string]any)
	if scope["origin"] != "https://id.example" || scope["include_site"] != false {
		t.Errorf("%v", scope)
	}
	excluded := map[any]bool{}
	for _, r := range scope["scope_specification"].([]any) {
		rule := r.(map[string]any)
		if rule["type"] != "exclude" || rule["domain"] != "id.example" {
			t.Errorf("%v", rule)
		}
		excluded[rule["path"]] = true
	}
	for _, path := range []string{"/static", "/dbsc/register", "/oauth2/token"} { // D-07
		if !excluded[path] {
			t.Errorf("%s is covered", path)
		}
	}
	if excluded["/flow"] || excluded["/oauth2/authorize"] || excluded["/account"] {
		t.Error("what a session opens is not covered")
	}
	// The instruction's attributes are those of the cookie that came with it.
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	h.must(err)
	told := a.body["credentials"].([]any)[0].(map[string]any)
	attributes := strings.SplitN(a.header.Get("Set-Cookie"), "; ", 2)[1]
	attributes = regexp.MustCompile(`Max-Age=\d+; `).ReplaceAllString(attributes, "")
	if told["name"] != cookie.Name || !sameAttributes(told["attributes"].(string)+"; Secure", attributes+"; Secure") || cookie.MaxAge != 300 {
		t.Errorf("told %v, set %q", told, a.header.Get("Set-Cookie"))
	}
	if n := len(h.events(identity.EventSessionBound)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// sameAttributes compares two lists of attributes, whatever their order. This
// house keeps no cookie to https: that one is left out.
func sameAttributes(a, b string) bool {
	set := func(s string) map[string]bool {
		out := map[string]bool{}
		for _, part := range strings.Split(s, "; ") {
			out[strings.ToLower(part)] = true
		}
		return out
	}
	x, y := set(a), set(b)
	if len(x) != len(y) {
		return false
	}
	for k := range x {
		if !y[k] {
			return false
		}
	}
	return true
}

func TestC37_OnceBoundTheLongCookieOpensNothingAlone(t *testing.T) {
	h := secure(newHouse(t, ``))
	k := h.bound()
	if !k.opens() {
		t.Fatal("the owner is out")
	}
	thief := k.copied()
	delete(thief.jar, "ia_bound")
	if !thief.opens() {
		t.Error("a request that was under way when the session was bound lost it")
	}
	h.pass(5 * time.Second)
	if thief.opens() {
		t.Fatal("the long cookie opens the account page")
	}
	if !k.opens() {
		t.Error("the owner is out")
	}
	// Nor does a short cookie of another session, or of nobody.
	other := h.bound()
	for _, value := range []string{other.jar["ia_bound"], identity.RandomToken(32, rand.Reader), ""} {
		thief.jar["ia_bound"] = value
		if thief.opens() {
			t.Errorf("a foreign short cookie opens it: %q", value)
		}
	}
	// To the second: a short cookie is good until its end and not at it.
	h.pass(295*time.Second - time.Microsecond)
	if !k.opens() {
		t.Error("the short cookie ended early")
	}
	h.pass(time.Microsecond)
	if k.opens() {
		t.Error("the short cookie opens after its end")
	}
	if a := k.refresh(); a.status != http.StatusOK || !k.opens() {
		t.Errorf("the owner came back with %d", a.status)
	}
}

func TestD17_ACopyOfAllCookiesWorksNoLongerThanTheShortOne(t *testing.T) {
	h := secure(newHouse(t, `{"sessions":{"bound_for":"10s"}}`))
	k := h.bound()
	h.pass(6 * time.Second)
	thief := k.copied() // all cookies, the short one included
	if !thief.opens() {
		t.Fatal("the copy is of no use at all: then this test shows nothing")
	}
	h.pass(4 * time.Second)
	if thief.opens() {
		t.Error("the copy outlives the short cookie")
	}
	if a := thief.refresh(); a.status != http.StatusForbidden || thief.opens() {
		t.Errorf("the thief refreshes: %d", a.status)
	}
	if a := k.refresh(); a.status != http.StatusOK || !k.opens() {
		t.Errorf("the owner does not go on: %d", a.status)
	}
	if thief.opens() {
		t.Error("the owner's refresh let the copy in again")
	}
}

func TestH59_WhatIsNotTheKeysIsRefusedAndTheOwnerGoesOn(t *testing.T) {
	h := secure(newHouse(t, ``))
	k := h.bound()
	old := k.challenge
	if a := k.refresh(); a.status != http.StatusOK {
		t.Fatalf("%d", a.status)
	}
	thief := k.copied()
	jti := map[string]string{"jti": k.challenge}
	for name, a := range map[string]bindingAnswer{
		"no proof":             thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id),
		"another key":          thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(thief.key, jti, false)),
		"a key it brings":      thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(thief.key, jti, true)),
		"the own key, brought": thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(k.key, jti, true)),
		"an old challenge":     thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(k.key, map[string]string{"jti": old}, false)),
		"no challenge":         thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(k.key, map[string]string{"jti": ""}, false)),
		"rubbish":              thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", "a.b.c"),
		"two proofs":           thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(k.key, jti, false), "Secure-Session-Response", k.proof(k.key, jti, false)),
	} {
		if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" || a.header.Get("Secure-Session-Challenge") == "" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	for name, a := range map[string]bindingAnswer{
		"no name":         thief.ask(edge.RebindPath, "Secure-Session-Response", k.proof(k.key, jti, false)),
		"another name":    thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", identity.RandomToken(32, rand.Reader)),
		"two names":       thief.ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Sec-Secure-Session-Id", k.id),
		"no long cookie":  h.browser().keyed().ask(edge.RebindPath, "Sec-Secure-Session-Id", k.id, "Secure-Session-Response", k.proof(k.key, jti, false)),
		"register twice":  thief.register(identity.RandomToken(32, rand.Reader), identity.RandomToken(32, rand.Reader)),
		"no JWT at all":   thief.ask(edge.BindPath),
		"a refresh's JWT": thief.ask(edge.BindPath, "Secure-Session-Response", k.proof(k.key, jti, false)),
	} {
		if a.status != http.StatusBadRequest || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
	// S-18: it is told, and raises risk; not once for each try.
	refused := h.events(identity.EventBindingRefused)
	if len(refused) != 1 || refused[0].User != h.user.ID || refused[0].Outcome != identity.Refused {
		t.Errorf("told %d times: %+v", len(refused), refused)
	}
	if a := k.refresh(); a.status != http.StatusOK || !k.opens() {
		t.Errorf("the owner: %d %v", a.status, a.body)
	}
}

func TestH59_LogoutThenRefresh(t *testing.T) {
	h := secure(newHouse(t, ``))
	k := h.bound()
	kept := k.copied()
	kept.key = k.key
	k.open("/signout")
	k.send("Sign out", "")
	if len(k.jar["ia_bound"])+len(k.jar["ia_session"]) != 0 {
		t.Errorf("the browser keeps %v", k.jar)
	}
	// The same key, all cookies: what was signed out stays so (D-11).
	if a := kept.refresh(); a.status != http.StatusBadRequest || a.header.Get("Set-Cookie") != "" || a.header.Get("Secure-Session-Challenge") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if kept.opens() {
		t.Error("a session that was signed out opens")
	}
}

func TestD12_OnceWithinSecondsByWhoSignedIn(t *testing.T) {
	h := secure(newHouse(t, ``))
	for name, c := range map[string]func(k *keyed, challenge, authorization string) bindingAnswer{
		"late": func(k *keyed, c, a string) bindingAnswer { h.pass(30 * time.Second); return k.register(c, a) },
		"another authorization": func(k *keyed, c, _ string) bindingAnswer {
			return k.register(c, identity.RandomToken(32, rand.Reader))
		},
		"another challenge": func(k *keyed, _, a string) bindingAnswer {
			return k.register(identity.RandomToken(32, rand.Reader), a)
		},
		"without the cookie": func(k *keyed, c, a string) bindingAnswer { return h.browser().keyed().register(c, a) },
		"with another session's": func(k *keyed, c, a string) bindingAnswer {
			other := h.browser().keyed()
			other.signIn()
			return other.register(c, a)
		},
		"tried with a wrong authorization before": func(k *keyed, c, a string) bindingAnswer {
			k.register(c, "wrong")
			return k.register(c, a)
		},
		"twice": func(k *keyed, c, a string) bindingAnswer { k.register(c, a); return k.register(c, a) },
	} {
		k := h.browser().keyed()
		challenge, authorization := k.signIn()
		if a := c(k, challenge, authorization); a.status != http.StatusBadRequest || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", name, a.status, a.body)
		}
	}
}

func TestD08_AChallengeServesOnceAmongMany(t *testing.T) {
	h := secure(newHouse(t, ``))
	k := h.bound()
	const many = 16
	answers := make([]bindingAnswer, many)
	var wait sync.WaitGroup
	for i := range answers {
		each := k.copied()
		each.key = k.key
		wait.Go(func() { answers[i] = each.refresh() })
	}
	wait.Wait()
	won := 0
	for _, a := range answers {
		switch a.status {
		case http.StatusOK:
			won++
		case http.StatusForbidden:
		default:
			t.Errorf("%d %v", a.status, a.body)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d used one challenge", won, many)
	}
}

// D-14: nobody is locked out for want of support, unless the policy says so.
func TestD14_PreferRequireAndOff(t *testing.T) {
	for mode, want := range map[string]struct{ invited, stays bool }{"": {true, true}, "prefer": {true, true}, "off": {false, true}, "require": {true, false}} {
		policy := ``
		if mode != "" {
			policy = `{"sessions":{"bound":"` + mode + `"}}`
		}
		h := secure(newHouse(t, policy))
		k := h.browser().keyed()
		challenge, _ := k.signIn()
		if (challenge != "") != want.invited {
			t.Errorf("%q: invited %t", mode, challenge != "")
		}
		h.pass(time.Minute - time.Microsecond)
		if !k.opens() {
			t.Errorf("%q: out at once", mode)
		}
		h.pass(time.Microsecond)
		if k.opens() != want.stays {
			t.Errorf("%q: an unbound session after a minute: %t", mode, !want.stays)
		}
	}
	// Browsers bind over https alone: none is invited over http.
	k := newHouse(t, ``).browser().keyed()
	if challenge, _ := k.signIn(); challenge != "" {
		t.Error("invited over http")
	}
}

// A raise keeps the binding: the key is never replaced (D-12), and no second
// invitation comes with it.
func TestD12_ARaiseKeepsTheKey(t *testing.T) {
	h := secure(newHouse(t, `{"enrolment":{"first_factor":"password"}}`))
	k := h.bound()
	before := k.jar["ia_session"]
	k.invited = ""
	k.follow("Change your password")
	k.send("Continue", "")
	k.send("Continue", passphrase)
	k.send("Save", "another quiet heron at dawn")
	if k.jar["ia_session"] == before {
		t.Fatalf("nothing was raised: %s", squeezed(text(k.page.root)))
	}
	if k.invited != "" {
		t.Error("a bound session is invited again")
	}
	if a := k.refresh(); a.status != http.StatusOK || !k.opens() {
		t.Errorf("%d", a.status)
	}
}
