package passkey

import (
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/factortest"
)

// virtual is somebody's authenticator, of another author than the factor.
type virtual struct {
	kind       virtualwebauthn.KeyType
	auth       virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
}

func newVirtual(kind virtualwebauthn.KeyType) *virtual {
	return &virtual{kind: kind, auth: virtualwebauthn.NewAuthenticator(), credential: wholeCredential(kind)}
}

// wholeCredential draws until both coordinates have their 32 bytes: one key in
// 128 has a coordinate with a leading zero, which that library leaves out
// against RFC 9053 (7.1.1), and such a key is rightly refused.
func wholeCredential(kind virtualwebauthn.KeyType) virtualwebauthn.Credential {
	const whole = 77 // bytes of a COSE key on P-256
	for {
		c := virtualwebauthn.NewCredential(kind)
		if kind != virtualwebauthn.KeyTypeEC2 || len(c.Key.AttestationData()) == whole {
			return c
		}
	}
}

func rp(id string) virtualwebauthn.RelyingParty {
	return virtualwebauthn.RelyingParty{ID: id, Name: id, Origin: "https://" + id}
}

func (v *virtual) Enrol(c factor.Challenge, _ time.Time) factor.Response {
	o, err := virtualwebauthn.ParseAttestationOptions(string(c.Prompt.PublicKey))
	if err != nil {
		panic(err)
	}
	v.auth.Options.UserHandle = []byte(o.UserID)
	return factor.Response{PublicKey: []byte(virtualwebauthn.CreateAttestationResponse(rp(o.RelyingPartyID), v.auth, v.credential, *o))}
}

func (v *virtual) Misenrol(c factor.Challenge, at time.Time) factor.Response {
	o, err := virtualwebauthn.ParseAttestationOptions(string(c.Prompt.PublicKey))
	if err != nil {
		panic(err)
	}
	o.Challenge[7] ^= 1
	return factor.Response{PublicKey: []byte(virtualwebauthn.CreateAttestationResponse(rp(o.RelyingPartyID), v.auth, v.credential, *o))}
}

func (v *virtual) Answer(c factor.Challenge, _ time.Time) factor.Response {
	return v.sign(c, v.credential)
}

// Misanswer signs rightly with a wrong key.
func (v *virtual) Misanswer(c factor.Challenge, _ time.Time) factor.Response {
	other := virtualwebauthn.NewCredential(v.kind)
	other.ID = v.credential.ID
	return v.sign(c, other)
}

func (v *virtual) sign(c factor.Challenge, with virtualwebauthn.Credential) factor.Response {
	o, err := virtualwebauthn.ParseAssertionOptions(string(c.Prompt.PublicKey))
	if err != nil { // an enrolment's challenge: any answer will do
		return factor.Response{PublicKey: []byte("{}")}
	}
	return factor.Response{PublicKey: []byte(virtualwebauthn.CreateAssertionResponse(rp(o.RelyingPartyID), v.auth, with, *o))}
}

// blanked is a prompt without its challenge.
func blanked(p factor.Prompt) factor.Prompt {
	var options map[string]any
	if err := json.Unmarshal(p.PublicKey, &options); err != nil {
		panic(err)
	}
	options["challenge"] = len(options["challenge"].(string))
	p.PublicKey, _ = json.Marshal(options)
	return p
}

// TestFactorContract holds the factor against what the flow engine relies on,
// with keys on P-256 and with RSA.
func TestFactorContract(t *testing.T) {
	for name, kind := range map[string]virtualwebauthn.KeyType{"ES256": virtualwebauthn.KeyTypeEC2, "RS256": virtualwebauthn.KeyTypeRSA} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			factortest.Run(t, func(*testing.T) factortest.Harness {
				return factortest.Harness{
					New: func(now func() time.Time, random io.Reader) (factor.Factor, error) {
						return New(Options{Now: now, Random: random})
					},
					Authenticator: func() factortest.Authenticator { return newVirtual(kind) },
					EnrolmentLife: life, SignInLife: life, Step: time.Second, Shown: blanked,
				}
			})
		})
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	now, random := time.Now, zero{}
	for what, o := range map[string]Options{
		"no clock": {Random: random}, "no randomness": {Now: now}, "a hint of nobody": {Now: now, Random: random, Hints: []string{"phone"}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := New(Options{Now: now, Random: random, Hints: hintWords()}); err != nil {
		t.Error(err)
	}
}

type zero struct{}

func zeroTime() time.Time { return time.Unix(0, 0) }

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }
