package passkey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// TestCreationOptions are what parseCreationOptionsFromJSON takes (W-10, W-17,
// W-22, W-24).
func TestCreationOptions(t *testing.T) {
	w := newWorld(t)
	c, err := w.f.BeginEnrolment(w.s, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	got := options(c)
	challenge := got["challenge"].(string)
	want := map[string]any{
		"rp":        map[string]any{"id": "login.example.com", "name": "Example"},
		"user":      map[string]any{"id": encode(w.s.User.Handle), "name": "ada@example.com", "displayName": "Person ada"},
		"challenge": challenge, "timeout": 600_000.0, "attestation": "none", "excludeCredentials": []any{},
		"authenticatorSelection": map[string]any{"residentKey": "required", "requireResidentKey": true, "userVerification": "preferred"},
		"pubKeyCredParams": []any{
			map[string]any{"type": "public-key", "alg": -8.0},
			map[string]any{"type": "public-key", "alg": -7.0},
			map[string]any{"type": "public-key", "alg": -35.0},
			map[string]any{"type": "public-key", "alg": -36.0},
			map[string]any{"type": "public-key", "alg": -257.0},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w.s.NeedUV = true
	c, _ = w.f.BeginEnrolment(w.s, factor.Asked{})
	if got := options(c)["authenticatorSelection"].(map[string]any)["userVerification"]; got != "required" {
		t.Errorf("verification %q", got)
	}
}

// TestW22HandlesAreTheUsersOwn: without one nothing begins, and it is not the
// name.
func TestW22HandlesAreTheUsersOwn(t *testing.T) {
	w := newWorld(t)
	for what, handle := range map[string][]byte{"none": nil, "too long": make([]byte, 65)} {
		s := w.s
		s.User = &identity.User{ID: "usr_1", Handle: handle}
		if _, err := w.f.BeginEnrolment(s, factor.Asked{}); err == nil {
			t.Errorf("handle %s: begun", what)
		}
	}
	s := w.s
	s.User = nil
	_, err := w.f.BeginEnrolment(s, factor.Asked{})
	expect(t, "nobody", err, wrong)
	s.User = &identity.User{ID: "usr_1", Handle: []byte{1}}
	c, err := w.f.BeginEnrolment(s, factor.Asked{})
	expect(t, "a user without names", err, "")
	if u := options(c)["user"].(map[string]any); u["name"] != "usr_1" || u["displayName"] != "usr_1" {
		t.Errorf("a browser takes no empty names: %v", u)
	}
}

// TestW16W17KnownKeysAreLeftOut, and refused if they come all the same; one that
// was removed may be made again.
func TestW16W17KnownKeysAreLeftOut(t *testing.T) {
	w := newWorld(t)
	k, asleep, removed := newSoft(up|uv), newSoft(up|uv), newSoft(up|uv)
	for _, k := range []*soft{k, asleep, removed} {
		w.bind(k)
	}
	w.s.Enrolments[1].Suspended = true
	w.s.Enrolments[2].Suspended, w.s.Enrolments[2].RemovedAt = true, &w.at
	c, _ := w.f.BeginEnrolment(w.s, factor.Asked{})
	var left []string
	for _, d := range options(c)["excludeCredentials"].([]any) {
		left = append(left, d.(map[string]any)["id"].(string))
	}
	if want := []string{encode(k.id), encode(asleep.id)}; !slices.Equal(left, want) {
		t.Errorf("left out %v, want %v", left, want)
	}
	for what, c := range map[string]struct {
		k    *soft
		want string
	}{"held": {k, "passkey_known"}, "suspended": {asleep, "passkey_known"}, "removed": {removed, ""}} {
		_, err := w.enrol(c.k)
		expect(t, what, err, c.want)
	}
	if got, _ := w.enrol(removed); !bytes.Equal(got.Lookup, removed.id) {
		t.Errorf("lookup %x, want the credential id", got.Lookup)
	}
}

// TestW24TransportsAreKeptAndEchoed, unless they are no words.
func TestW24TransportsAreKeptAndEchoed(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		sent any
		want []any
	}{
		{[]string{"usb", "nfc"}, []any{"usb", "nfc"}},
		{[]string{"smart-card", "teleport"}, []any{"smart-card", "teleport"}},
		{[]string{"<script>", "", "USB", strings.Repeat("a", 33), "ble"}, []any{"ble"}},
		{strings.Split(strings.Repeat("usb,", 20), ","), []any{"usb", "usb", "usb", "usb", "usb", "usb", "usb", "usb"}},
		{"usb", nil},
		{[]any{1, "usb"}, nil},
		{map[string]any{}, nil},
		{nil, nil},
	} {
		w.s.Enrolments = nil
		k := newSoft(up | uv)
		k.transports = c.sent
		w.bind(k)
		got, _ := options(w.begin())["allowCredentials"].([]any)[0].(map[string]any)["transports"].([]any)
		if !cmp.Equal(got, c.want) {
			t.Errorf("sent %v, echoed %v", c.sent, got)
		}
	}
}

// TestW26ConditionalCreate takes a key that nobody was asked about, and no more
// from it than it shows.
func TestW26ConditionalCreate(t *testing.T) {
	w := newWorld(t)
	w.s.NeedUV = true
	got, err := w.enrolAs(newSoft(be|bs), factor.Asked{Conditional: true})
	expect(t, "no presence", err, "")
	if r := kept(t, got.Data); r.CanVerify || !r.BackupEligible || !r.BackedUp {
		t.Errorf("kept %+v", r)
	}
	got, err = w.enrolAs(newSoft(up|uv), factor.Asked{Conditional: true})
	expect(t, "presence and verification", err, "")
	if !kept(t, got.Data).CanVerify {
		t.Error("verification that was seen is not kept")
	}
	_, err = w.enrolAs(newSoft(bs), factor.Asked{Conditional: true})
	expect(t, "flags that contradict each other", err, "passkey_backup_changed")
	c, _ := w.f.BeginEnrolment(w.s, factor.Asked{Conditional: true})
	if got := options(c)["authenticatorSelection"].(map[string]any); got["userVerification"] != "preferred" || got["residentKey"] != "required" {
		t.Errorf("asked %v", got)
	}
	w.s.NeedUV = false
	_, err = w.enrol(newSoft(uv))
	expect(t, "no presence, not conditional", err, failed)
}

// TestW24WhoeverHasAPasswordMayBindAnyKey asks for no more than a second factor
// needs.
func TestW24WhoeverHasAPasswordMayBindAnyKey(t *testing.T) {
	for _, c := range []struct {
		second, conditional bool
		key                 string
		required            bool
	}{{false, false, "required", true}, {true, false, "preferred", false}, {true, true, "required", true}} {
		w := newWorld(t)
		w.s.Second = c.second
		challenge, err := w.f.BeginEnrolment(w.s, factor.Asked{Conditional: c.conditional})
		if err != nil {
			t.Fatal(err)
		}
		got := options(challenge)["authenticatorSelection"].(map[string]any)
		if got["residentKey"] != c.key || got["requireResidentKey"] != c.required {
			t.Errorf("%+v: asked %v", c, got)
		}
	}
}

// TestW29Hints go out with what old browsers know.
func TestW29Hints(t *testing.T) {
	for hints, want := range map[string]any{
		"": nil, "security-key": "cross-platform", "client-device": "platform", "hybrid": "cross-platform", "hybrid,security-key": "cross-platform",
		"client-device,hybrid": nil,
	} {
		w := newWorld(t)
		var list []string
		if hints != "" {
			list = strings.Split(hints, ",")
		}
		f, err := New(Options{Now: w.f.now, Random: w.f.random, Hints: list})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := f.BeginEnrolment(w.s, factor.Asked{})
		if got := options(c)["authenticatorSelection"].(map[string]any)["authenticatorAttachment"]; got != want {
			t.Errorf("%q: attachment %v", hints, got)
		}
		s, _ := f.Begin(w.s)
		for _, o := range []map[string]any{options(c), options(s)} {
			sent, _ := o["hints"].([]any)
			if len(sent) != len(list) {
				t.Errorf("%q: sent %v", hints, sent)
			}
		}
	}
}

// someKey is a COSE key, and whether it is to be taken.
type someKey struct {
	what string
	key  map[int]any
	ok   bool
}

func someKeys(t *testing.T) []someKey {
	t.Helper()
	point := func(c elliptic.Curve) (x, y []byte) {
		k, _ := ecdsa.GenerateKey(c, rand.Reader)
		raw, _ := k.PublicKey.Bytes()
		half := len(raw) / 2
		return raw[1 : 1+half], raw[1+half:]
	}
	x, y := point(elliptic.P256())
	x384, y384 := point(elliptic.P384())
	x521, y521 := point(elliptic.P521())
	ed, _, _ := ed25519.GenerateKey(rand.Reader)
	modulus := func(bits int) []byte {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return k.N.Bytes()
	}
	n := modulus(2048)
	off := bytes.Clone(y)
	off[0] ^= 1
	return []someKey{
		{"ES256", map[int]any{1: 2, 3: -7, -1: 1, -2: x, -3: y}, true},
		{"ES256 with a member of ours", map[int]any{1: 2, 3: -7, -1: 1, -2: x, -3: y, -70000: 1}, true},
		{"ES384", map[int]any{1: 2, 3: -35, -1: 2, -2: x384, -3: y384}, true},
		{"ES512", map[int]any{1: 2, 3: -36, -1: 3, -2: x521, -3: y521}, true},
		{"EdDSA", map[int]any{1: 1, 3: -8, -1: 6, -2: []byte(ed)}, true},
		{"RS256", map[int]any{1: 3, 3: -257, -1: n, -2: []byte{1, 0, 1}}, true},
		{"ES256 on P-384", map[int]any{1: 2, 3: -7, -1: 2, -2: x384, -3: y384}, false},
		{"ES384 on P-256", map[int]any{1: 2, 3: -35, -1: 1, -2: x, -3: y}, false},
		{"ES256 that names no curve", map[int]any{1: 2, 3: -7, -2: x, -3: y}, false},
		{"ES256, compressed", map[int]any{1: 2, 3: -7, -1: 1, -2: x, -3: true}, false},
		{"ES256, off the curve", map[int]any{1: 2, 3: -7, -1: 1, -2: x, -3: off}, false},
		{"ES256, zero", map[int]any{1: 2, 3: -7, -1: 1, -2: make([]byte, 32), -3: make([]byte, 32)}, false},
		{"ES256, short", map[int]any{1: 2, 3: -7, -1: 1, -2: x[1:], -3: y}, false},
		{"ES256 that says OKP", map[int]any{1: 1, 3: -7, -1: 1, -2: x, -3: y}, false},
		{"ES256K", map[int]any{1: 2, 3: -47, -1: 8, -2: x, -3: y}, false},
		{"ESP256, to be avoided", map[int]any{1: 2, 3: -9, -1: 1, -2: x, -3: y}, false},
		{"Ed25519, to be avoided", map[int]any{1: 1, 3: -19, -1: 6, -2: []byte(ed)}, false},
		{"Ed448", map[int]any{1: 1, 3: -8, -1: 7, -2: make([]byte, 57)}, false},
		{"X25519", map[int]any{1: 1, 3: -8, -1: 4, -2: []byte(ed)}, false},
		{"RS1", map[int]any{1: 3, 3: -65535, -1: n, -2: []byte{1, 0, 1}}, false},
		{"PS256", map[int]any{1: 3, 3: -37, -1: n, -2: []byte{1, 0, 1}}, false},
		{"RS256, 1024 bits", map[int]any{1: 3, 3: -257, -1: modulus(1024), -2: []byte{1, 0, 1}}, false},
		{"RS256, too long to verify", map[int]any{1: 3, 3: -257, -1: bytes.Repeat([]byte{0xff}, maxModulus/8+1), -2: []byte{1, 0, 1}}, false},
		{"RS256, 1024 bits with zeros before", map[int]any{1: 3, 3: -257, -1: append(make([]byte, 128), modulus(1024)...), -2: []byte{1, 0, 1}}, false},
		{"RS256, exponent of nothing", map[int]any{1: 3, 3: -257, -1: n, -2: []byte{}}, false},
		{"RS256, exponent of one", map[int]any{1: 3, 3: -257, -1: n, -2: []byte{1}}, false},
		{"RS256, even exponent", map[int]any{1: 3, 3: -257, -1: n, -2: []byte{1, 0, 0}}, false},
		{"symmetric", map[int]any{1: 4, 3: 5, -1: n}, false},
		{"nothing", map[int]any{}, false},
	}
}

// TestW10KeysAreOfferedOnTheirCurveAndLong.
func TestW10KeysAreOfferedOnTheirCurveAndLong(t *testing.T) {
	for _, c := range someKeys(t) {
		w := newWorld(t)
		k := newSoft(up | uv)
		k.cose = cborOf(c.key)
		_, err := w.enrol(k)
		want := failed
		if c.ok {
			want = ""
		}
		expect(t, c.what, err, want)
	}
}

// TestW11W21WhatIsNotKnownIsLeftAlone: members, byte order mark, extensions.
func TestW11W21WhatIsNotKnownIsLeftAlone(t *testing.T) {
	for what, change := range map[string]func(*soft){
		"an unknown member":                 func(k *soft) { k.client = map[string]any{"new_keys_may_be_added_here": map[string]any{"a": []int{1}}} },
		"token binding (Level 1)":           func(k *soft) { k.client = map[string]any{"tokenBinding": map[string]any{"status": "?"}} },
		"an extension of the authenticator": func(k *soft) { k.extensions = cborOf(map[string]any{"credProtect": 2}) },
		"one that is unknown and odd": func(k *soft) {
			k.extensions = cborOf(map[string]any{"credProtect": "x", "hmac-secret": []any{1}, "z": nil})
		},
		"one of the client": func(k *soft) {
			k.outer = map[string]any{"clientExtensionResults": map[string]any{"appid": true, "prf": 7}}
		},
		"results that are no object": func(k *soft) { k.outer = map[string]any{"clientExtensionResults": "none"} },
		"results that are null":      func(k *soft) { k.outer = map[string]any{"clientExtensionResults": nil} },
		"an attachment of nobody":    func(k *soft) { k.outer = map[string]any{"authenticatorAttachment": 7, "getTransports": []any{}} },
	} {
		w := newWorld(t)
		k := newSoft(up | uv)
		change(k)
		_, err := w.enrol(k)
		expect(t, "creation, "+what, err, "")
		w.bind(k)
		_, err = w.signIn(k)
		expect(t, "assertion, "+what, err, "")
	}
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	c := w.begin()
	k.rawClient = append([]byte("\xef\xbb\xbf"), k.clientData("webauthn.get", options(c)["challenge"].(string))...)
	_, err := w.f.Finish(w.s, c, k.get(c))
	expect(t, "a byte order mark", err, "")
}

// TestW11MalformedIsRefused: never more than a refusal, whatever is sent.
func TestW11MalformedIsRefused(t *testing.T) {
	w := newWorld(t)
	client := func(c factor.Challenge, s string) []byte {
		return []byte(strings.ReplaceAll(s, "CHALLENGE", options(c)["challenge"].(string)))
	}
	for what, text := range map[string]string{
		"no JSON":             `type`,
		"null":                `null`,
		"a list":              `["webauthn.create"]`,
		"no origin":           `{"type":"webauthn.create","challenge":"CHALLENGE"}`,
		"another case":        `{"type":"webauthn.create","challenge":"CHALLENGE","Origin":"https://login.example.com:8443"}`,
		"origins":             `{"type":"webauthn.create","challenge":"CHALLENGE","origin":["https://login.example.com:8443"]}`,
		"no challenge":        `{"type":"webauthn.create","origin":"https://login.example.com:8443"}`,
		"a null challenge":    `{"type":"webauthn.create","challenge":null,"origin":"https://login.example.com:8443"}`,
		"a padded challenge":  `{"type":"webauthn.create","challenge":"CHALLENGE=","origin":"https://login.example.com:8443"}`,
		"crossOrigin as text": `{"type":"webauthn.create","challenge":"CHALLENGE","origin":"https://login.example.com:8443","crossOrigin":"false"}`,
		"two objects":         `{"type":"webauthn.create","challenge":"CHALLENGE","origin":"https://login.example.com:8443"}{}`,
		"nothing":             ``,
	} {
		c, _ := w.f.BeginEnrolment(w.s, factor.Asked{})
		k := newSoft(up | uv)
		k.rawClient = client(c, text)
		_, err := w.f.FinishEnrolment(w.s, c, k.create(c))
		expect(t, "client data: "+what, err, failed)
	}
	for what, change := range map[string]func(*soft){
		"extensions that are a list":  func(k *soft) { k.extensions = cborOf([]any{1}) },
		"extensions and more":         func(k *soft) { k.extensions = append(cborOf(map[string]any{}), 0) },
		"extensions cut":              func(k *soft) { k.extensions = []byte{0xa1, 0x61} },
		"extensions without an end":   func(k *soft) { k.extensions = []byte{0xbf, 0xff} },
		"extensions announced, none":  func(k *soft) { k.extensions = []byte{} },
		"a key with a member twice":   func(k *soft) { k.cose = append([]byte{0xa6, 0x01, 0x02}, coseES256(&k.key.PublicKey)[1:]...) },
		"a key that is cut":           func(k *soft) { c := coseES256(&k.key.PublicKey); k.cose = c[:len(c)-1] },
		"a key and more":              func(k *soft) { k.cose = append(coseES256(&k.key.PublicKey), 0) },
		"a key that is a list":        func(k *soft) { k.cose = cborOf([]any{1, 2}) },
		"a key nested without end":    func(k *soft) { k.cose = bytes.Repeat([]byte{0xa1, 0x01}, 20_000) },
		"a key of a billion members":  func(k *soft) { k.cose = []byte{0xba, 0x3b, 0x9a, 0xca, 0x00, 1, 1} },
		"a key with a huge string":    func(k *soft) { k.cose = []byte{0xa1, 0x01, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff} },
		"no credential id":            func(k *soft) { k.id = []byte{} },
		"a credential id of 1024":     func(k *soft) { k.id = make([]byte, 1024) },
		"another id beside":           func(k *soft) { k.outer = map[string]any{"id": "AAAA", "rawId": "AAAA"} },
		"id and rawId differ":         func(k *soft) { k.outer = map[string]any{"id": "AAAA"} },
		"rawId padded":                func(k *soft) { k.id = k.id[:31]; k.outer = map[string]any{"rawId": encode(k.id) + "="} },
		"rawId with a line break":     func(k *soft) { k.outer = map[string]any{"rawId": encode(k.id)[:4] + "\n" + encode(k.id)[4:]} },
		"another type":                func(k *soft) { k.outer = map[string]any{"type": "password"} },
		"no response":                 func(k *soft) { k.outer = map[string]any{"response": nil} },
		"a response that is a list":   func(k *soft) { k.outer = map[string]any{"response": []any{}} },
		"64 KiB of nothing":           func(k *soft) { k.outer = map[string]any{"x": strings.Repeat("x", maxResponse)} },
		"an attestation that is text": func(k *soft) { k.statement = fixed("packed", "x") },
	} {
		k := newSoft(up | uv)
		change(k)
		_, err := w.enrol(k)
		expect(t, what, err, failed)
	}
}

// TestW15CredentialIDs of up to 1023 bytes go all the way.
func TestW15CredentialIDs(t *testing.T) {
	w := newWorld(t)
	for _, length := range []int{1, 16, 255, 256, 1023} {
		w.s.Enrolments = nil
		k := newSoft(up | uv)
		k.id = make([]byte, length)
		_, _ = rand.Read(k.id)
		if got, err := w.enrol(k); err != nil || !bytes.Equal(got.Lookup, k.id) {
			t.Fatalf("%d bytes: %v", length, err)
		}
		w.s.Enrolments = []identity.Enrolment{{ID: "enr_1", User: w.s.User.ID, Factor: name}}
		got, _ := w.enrol(k)
		w.s.Enrolments[0].Data = got.Data
		_, err := w.signIn(k)
		expect(t, "sign-in", err, "")
	}
}

// TestN10WhatWasSeenIsKept when a key is bound.
func TestN10WhatWasSeenIsKept(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv | be)
	k.counter, k.statement = 7, selfStatement
	got, err := w.enrol(k)
	expect(t, "enrolment", err, "")
	want := record{
		ID: k.id, Key: k.cose, AAGUID: model(k.aaguid[:]), Format: "packed", Kind: "basic_surrogate", BackupEligible: true, CanVerify: true, Verified: true,
		Counter: 7, Transports: []string{"internal", "hybrid"},
	}
	if diff := cmp.Diff(want, kept(t, got.Data)); diff != "" {
		t.Error(diff)
	}
	if got.Proof.Class != "" {
		t.Errorf("making a key proved something: %+v", got.Proof)
	}
	if !json.Valid(got.Data) {
		t.Error("no JSON")
	}
}
