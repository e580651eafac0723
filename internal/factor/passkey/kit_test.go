package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// Flags of authenticator data (6.1).
const (
	up = byte(protocol.FlagUserPresent)
	uv = byte(protocol.FlagUserVerified)
	be = byte(protocol.FlagBackupEligible)
	bs = byte(protocol.FlagBackupState)
	at = byte(protocol.FlagAttestedCredentialData)
	ed = byte(protocol.FlagHasExtensions)
)

// world is a factor with a clock, and one person of one tenant.
type world struct {
	t  *testing.T
	f  *Factor
	s  factor.Subject
	at time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), s: person("ada")}
	f, err := New(Options{Now: func() time.Time { return w.at }, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	w.f = f
	return w
}

func person(user string) factor.Subject {
	handle := sha256.Sum256([]byte(user))
	return factor.Subject{
		Tenant:  identity.Tenant{ID: "tnt_1", Issuer: "https://login.example.com:8443", RPID: "login.example.com", Name: "Example"},
		Origins: []string{"https://login.example.com:8443"},
		User:    &identity.User{ID: "usr_" + user, Handle: append(handle[:], handle[:]...), Email: user + "@example.com", Name: "Person " + user},
	}
}

// soft is an authenticator in software that can be told to lie. Each field but
// the key may be changed before it answers.
type soft struct {
	key        *ecdsa.PrivateKey
	id         []byte
	aaguid     [16]byte
	flags      byte // beside at and ed
	counter    uint32
	handle     []byte // nil: the one that it was made for; empty: none
	extensions []byte // CBOR of the authenticator's extension outputs
	cose       []byte // public key, if not that of key
	rp         string // RP ID, if not the one in the options
	client     map[string]any
	rawClient  []byte         // client data as it is sent, if not client's
	outer      map[string]any // members of the response beside the usual
	statement  func(*soft, []byte, []byte) (format string, statement any)
	transports any
}

func newSoft(flags byte) *soft {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	k := &soft{key: key, id: make([]byte, 32), flags: flags, statement: noStatement, transports: []string{"internal", "hybrid"}}
	_, _ = rand.Read(k.id)
	_, _ = rand.Read(k.aaguid[:])
	return k
}

func noStatement(*soft, []byte, []byte) (string, any) { return "none", map[string]any{} }

// selfStatement is packed, signed by the credential's own key (8.2).
func selfStatement(k *soft, data, hash []byte) (string, any) {
	return "packed", map[string]any{"alg": -7, "sig": k.sign(append(append([]byte{}, data...), hash...))}
}

func (k *soft) sign(message []byte) []byte {
	sum := sha256.Sum256(message)
	sig, err := ecdsa.SignASN1(rand.Reader, k.key, sum[:])
	if err != nil {
		panic(err)
	}
	return sig
}

func coseES256(pub *ecdsa.PublicKey) []byte {
	raw, err := pub.Bytes()
	if err != nil {
		panic(err)
	}
	return cborOf(map[int]any{1: 2, 3: -7, -1: 1, -2: raw[1:33], -3: raw[33:]})
}

func cborOf(v any) []byte {
	b, err := webauthncbor.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// data is authenticator data for an RP.
func (k *soft) data(rp string, made bool) []byte {
	if k.rp != "" {
		rp = k.rp
	}
	hash := sha256.Sum256([]byte(rp))
	flags := k.flags
	if made {
		flags |= at
	}
	if k.extensions != nil {
		flags |= ed
	}
	out := append(hash[:], flags)
	out = binary.BigEndian.AppendUint32(out, k.counter)
	if made {
		out = append(out, k.aaguid[:]...)
		out = binary.BigEndian.AppendUint16(out, uint16(len(k.id)))
		out = append(out, k.id...)
		if k.cose == nil {
			k.cose = coseES256(&k.key.PublicKey)
		}
		out = append(out, k.cose...)
	}
	return append(out, k.extensions...)
}

func (k *soft) clientData(kind, challenge string) []byte {
	if k.rawClient != nil {
		return k.rawClient
	}
	members := map[string]any{"type": kind, "challenge": challenge, "origin": "https://login.example.com:8443", "crossOrigin": false}
	for name, v := range k.client {
		if v == nil {
			delete(members, name)
			continue
		}
		members[name] = v
	}
	out, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return out
}

func options(c factor.Challenge) map[string]any {
	var o map[string]any
	if err := json.Unmarshal(c.Prompt.PublicKey, &o); err != nil {
		panic(err)
	}
	return o
}

// create answers a challenge of an enrolment.
func (k *soft) create(c factor.Challenge) factor.Response {
	o := options(c)
	if k.handle == nil {
		k.handle, _ = base64.RawURLEncoding.DecodeString(o["user"].(map[string]any)["id"].(string))
	}
	client := k.clientData("webauthn.create", o["challenge"].(string))
	hash := sha256.Sum256(client)
	data := k.data(o["rp"].(map[string]any)["id"].(string), true)
	format, statement := k.statement(k, data, hash[:])
	object := cborOf(map[string]any{"fmt": format, "attStmt": statement, "authData": data})
	return k.respond(map[string]any{"clientDataJSON": encode(client), "attestationObject": encode(object), "transports": k.transports})
}

// get answers a challenge of a sign-in.
func (k *soft) get(c factor.Challenge) factor.Response {
	o := options(c)
	client := k.clientData("webauthn.get", o["challenge"].(string))
	hash := sha256.Sum256(client)
	rp, _ := o["rpId"].(string)
	data := k.data(rp, false)
	out := map[string]any{
		"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(k.sign(append(data, hash[:]...))),
	}
	if len(k.handle) > 0 {
		out["userHandle"] = encode(k.handle)
	}
	return k.respond(out)
}

func (k *soft) respond(response map[string]any) factor.Response {
	out := map[string]any{"id": encode(k.id), "rawId": encode(k.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}}
	for name, v := range k.outer {
		out[name] = v
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return factor.Response{PublicKey: raw}
}

// enrol lets a key be made, and does not mind if it is refused.
func (w *world) enrol(k *soft) (factor.Enrolled, error) { return w.enrolAs(k, factor.Asked{}) }

func (w *world) enrolAs(k *soft, asked factor.Asked) (factor.Enrolled, error) {
	w.t.Helper()
	c, err := w.f.BeginEnrolment(w.s, asked)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.f.FinishEnrolment(w.s, c, k.create(c))
}

// bind enrols a key that must be accepted and gives it to the person.
func (w *world) bind(k *soft) identity.Enrolment {
	w.t.Helper()
	got, err := w.enrol(k)
	if err != nil {
		w.t.Fatal(err)
	}
	en := identity.Enrolment{ID: "enr_" + encode(k.id)[:8], User: w.s.User.ID, Factor: name, Data: got.Data, Lookup: got.Lookup}
	w.s.Enrolments = append(w.s.Enrolments, en)
	return en
}

// signIn asks and lets a key answer.
func (w *world) signIn(k *soft) (factor.Outcome, error) {
	w.t.Helper()
	c := w.begin()
	return w.f.Finish(w.s, c, k.get(c))
}

func (w *world) begin() factor.Challenge {
	w.t.Helper()
	c, err := w.f.Begin(w.s)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) beginAny() factor.Challenge {
	w.t.Helper()
	s := w.s
	s.User, s.Enrolments = nil, nil
	c, err := w.f.BeginAny(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// must signs in, keeps the outcome's data and returns it.
func (w *world) must(k *soft) factor.Outcome {
	w.t.Helper()
	out, err := w.signIn(k)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range w.s.Enrolments {
		if w.s.Enrolments[i].ID == out.Enrolment {
			w.s.Enrolments[i].Data = out.Data
		}
	}
	return out
}

// wrong is the code of a plain ErrWrong.
const wrong = "wrong"

// code names an error: a refusal's code, "wrong" for a plain one, "" for none.
func code(err error) string {
	var r *factor.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &r):
		return r.Code
	case errors.Is(err, factor.ErrWrong):
		return wrong
	}
	return "fault: " + err.Error()
}

func expect(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func kept(t *testing.T, data []byte) record {
	t.Helper()
	r, err := readRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
