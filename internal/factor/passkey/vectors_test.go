package passkey

import (
	"bytes"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	_ "unsafe" // for the roots below

	"github.com/go-webauthn/webauthn/metadata"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// vectorFile is section 16 of WebAuthn Level 3.
//
//go:embed testdata/webauthn-l3.json
var vectorFile []byte

// The library holds two formats to the roots of Google and Apple. The vectors
// end at the specification's own root, so the test adds it there; the roots of
// the metadata, which are ours to check, stay the only other ones.
//
//go:linkname androidRoots github.com/go-webauthn/webauthn/protocol.attAndroidKeyHardwareRootsCertPool
var androidRoots *x509.CertPool

//go:linkname appleRoots github.com/go-webauthn/webauthn/protocol.attAppleHardwareRootsCertPool
var appleRoots *x509.CertPool

// The same goes for the maker of the vectors' TPM, which the registry of makers
// does not list.
//
//go:linkname tpmMakers github.com/go-webauthn/webauthn/protocol.tpmManufacturers
var tpmMakers []struct{ id, name, code string }

func TestMain(m *testing.M) {
	root, _ := readVectors()
	androidRoots.AddCert(root)
	appleRoots.AddCert(root)
	tpmMakers = append(tpmMakers, struct{ id, name, code string }{"00000000", "WebAuthn test vectors", "TEST"})
	os.Exit(m.Run())
}

type vector struct {
	id             string
	register, sign map[string][]byte
}

func vectors(t *testing.T) (root *x509.Certificate, all []vector) {
	t.Helper()
	if root, all = readVectors(); len(all) != 15 {
		t.Fatalf("%d vectors, want 15", len(all))
	}
	return root, all
}

func readVectors() (root *x509.Certificate, all []vector) {
	var file []struct {
		ID     string
		Blocks []map[string]string
	}
	if err := json.Unmarshal(vectorFile, &file); err != nil {
		panic(err)
	}
	for _, entry := range file {
		var blocks []map[string][]byte
		for _, b := range entry.Blocks {
			block := map[string][]byte{}
			for name, value := range b {
				var err error
				if block[name], err = hex.DecodeString(value); err != nil {
					panic(err)
				}
			}
			blocks = append(blocks, block)
		}
		if len(blocks) == 2 {
			all = append(all, vector{entry.ID, blocks[0], blocks[1]})
			continue
		}
		var err error
		if root, err = x509.ParseCertificate(blocks[0]["attestation_ca_cert"]); err != nil {
			panic(err)
		}
	}
	return root, all
}

// rig is one vector under one policy.
type rig struct {
	v       vector
	mode    string
	root    *x509.Certificate
	kind    string // attestation type, if it is certified
	subject factor.Subject
}

func newRig(v vector, root *x509.Certificate) rig {
	r := rig{v: v, root: root, mode: "none", kind: map[string]string{
		"packed-es256": "basic_full", "packed-es384": "basic_full", "packed-es512": "basic_full", "packed-rs256": "basic_full", "packed-eddsa": "basic_full",
		"packed-ed448": "basic_full", "tpm-es256": "attca", "android-key-es256": "basic_full", "apple-es256": "anonca", "fido-u2f-es256": "basic_full",
	}[v.id]}
	if r.kind != "" {
		r.mode = modeAny
	}
	r.subject = factor.Subject{
		Tenant:  identity.Tenant{ID: "tnt_1", Issuer: "https://example.org", Attestation: identity.Attestation{Mode: r.mode}},
		Origins: []string{"https://example.org"},
		User:    &identity.User{ID: "usr_1", Handle: []byte("handle"), Email: "ada@example.org"},
	}
	return r
}

// factor knows the vector's model.
func (r rig) factor(t *testing.T) *Factor {
	t.Helper()
	m := &Metadata{}
	k := known{
		name: "The specification's key", roots: []*x509.Certificate{r.root}, hardware: true,
		kinds: []metadata.AuthenticatorAttestationType{metadata.AuthenticatorAttestationType(r.kind)},
	}
	b := &blob{models: map[string]known{}}
	if id := model(r.v.register["aaguid"]); id != "" {
		b.models[id] = k
	}
	if c, err := parseCreated(r.created(r.v.register)); err == nil && c.object.Format == "fido-u2f" {
		for _, id := range keyIdentifiers(chain(&c.object)[0]) {
			b.models[id] = k
		}
	}
	m.loaded.Store(b)
	f, err := New(Options{
		Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }, Random: zero{}, Metadata: m,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (r rig) created(b map[string][]byte) []byte {
	return r.response(map[string]string{"clientDataJSON": encode(b["clientDataJSON"]), "attestationObject": encode(b["attestationObject"])})
}

func (r rig) response(members map[string]string) []byte {
	id := encode(r.v.register["credential_id"])
	raw, err := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": members})
	if err != nil {
		panic(err)
	}
	return raw
}

// register plays the creation; the challenges of some vectors are longer than ours.
func (r rig) register(t *testing.T, b map[string][]byte) (factor.Enrolled, error) {
	t.Helper()
	return r.factor(t).register(r.subject, state{challenge: r.v.register["challenge"]}, factor.Response{PublicKey: r.created(b)})
}

// sign plays the assertion of a key that was registered.
func (r rig) sign(t *testing.T, data []byte, b map[string][]byte) (factor.Outcome, error) {
	t.Helper()
	s := r.subject
	s.Enrolments = []identity.Enrolment{{ID: "enr_1", User: s.User.ID, Factor: name, Data: data}}
	st := state{challenge: r.v.sign["challenge"], allowed: [][]byte{digest(encode(r.v.register["credential_id"]))}}
	return assert(s, st, false, factor.Response{PublicKey: r.response(map[string]string{
		"clientDataJSON": encode(b["clientDataJSON"]), "authenticatorData": encode(b["authenticatorData"]), "signature": encode(b["signature"]),
	})})
}

// TestW33VectorsOfTheSpecification: each passes whole, but those that show a
// frame of another site, which are refused for that and nothing else; Ed448,
// which is not offered; and the android-key registration, whose certificate has
// two empty authorization lists where 8.4 demands an origin and a purpose.
func TestW33VectorsOfTheSpecification(t *testing.T) {
	root, all := vectors(t)
	for _, v := range all {
		t.Run(v.id, func(t *testing.T) {
			r := newRig(v, root)
			made, asserted := "", ""
			switch v.id {
			case "none-es256-crossOrigin", "none-es256-topOrigin":
				made, asserted = "passkey_origin", "passkey_origin" // the second: reached only after the signature
			case "packed-ed448":
				made, asserted = failed, wrong
			case "android-key-es256":
				made = notAttested
			}
			got, err := r.register(t, v.register)
			expect(t, "registration", err, made)
			if err != nil {
				got.Data = r.unjudged(t)
			}
			out, err := r.sign(t, got.Data, v.sign)
			expect(t, "assertion", err, asserted)
			if made != "" || asserted != "" {
				return
			}
			k := kept(t, got.Data)
			flags := v.sign["authenticatorData"][flagsAt]
			if hardware := r.kind != "" && v.id != "fido-u2f-es256" && !k.BackupEligible; k.Hardware != hardware || out.Proof.Hardware != hardware {
				t.Errorf("hardware %v, want %v: %+v", k.Hardware, hardware, k)
			}
			if out.Proof.UserVerified != (flags&uv != 0 && k.CanVerify) || out.Proof.BackupEligible != (flags&be != 0) {
				t.Errorf("flags %08b, proof %+v", flags, out.Proof)
			}
			if r.kind != "" && k.Kind != r.kind {
				t.Errorf("kind %q, want %q", k.Kind, r.kind)
			}
		})
	}
}

// unjudged is the record that a registration would have left.
func (r rig) unjudged(t *testing.T) []byte {
	t.Helper()
	made, err := parseCreated(r.created(r.v.register))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := record{
		ID: made.id, Key: made.object.AuthData.AttData.CredentialPublicKey, BackupEligible: made.object.AuthData.Flags.HasBackupEligible(),
	}.write()
	return data
}

// TestW33OneBitMakesAVectorFail: any bit of what is signed, in either ceremony.
// Where nothing signs a registration ("none"), the bits that can be checked are
// those of challenge, origin, type and RP ID.
func TestW33OneBitMakesAVectorFail(t *testing.T) {
	root, all := vectors(t)
	for _, v := range all {
		t.Run(v.id, func(t *testing.T) {
			t.Parallel()
			r := newRig(v, root)
			got, err := r.register(t, v.register)
			if err != nil {
				got.Data = r.unjudged(t)
			}
			if _, err := r.sign(t, got.Data, v.sign); err != nil {
				return // refused as it is: see TestW33VectorsOfTheSpecification
			}
			for what, count := range everyBit(t, v.sign, []string{"authenticatorData", "clientDataJSON", "signature"}, nil, func(b map[string][]byte) error {
				_, err := r.sign(t, got.Data, b)
				return err
			}) {
				if count < 64 {
					t.Errorf("only %d bits of %s were tried", count, what)
				}
			}
			if err != nil {
				return
			}
			if kept(t, got.Data).Format == "none" {
				r.unsigned(t)
				return
			}
			everyBit(t, v.register, []string{"attestationObject", "clientDataJSON"}, r.spared(), func(b map[string][]byte) error {
				_, err := r.register(t, b)
				return err
			})
		})
	}
}

// spared are the bytes of an attestation object that the format does not sign,
// and that we make nothing of: a U2F key's flags, counter and AAGUID.
func (r rig) spared() func(part string, at int) bool {
	object := r.v.register["attestationObject"]
	data := bytes.Index(object, []byte("authData")) + len("authData") + 2
	return func(part string, at int) bool {
		return r.v.id == "fido-u2f-es256" && part == "attestationObject" && at >= data+flagsAt && at < data+dataLeast+aaguidLen
	}
}

// everyBit flips each bit of each part, one at a time; of long parts, one bit of
// each byte.
func everyBit(t *testing.T, block map[string][]byte, parts []string, spared func(string, int) bool, try func(map[string][]byte) error) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, part := range parts {
		step := 1
		if len(block[part]) > 100 {
			step = 7 // coprime to 8: another bit in each byte
		}
		for bit := 0; bit < 8*len(block[part]); bit += step {
			if spared != nil && spared(part, bit/8) {
				continue
			}
			b := maps.Clone(block)
			b[part] = slices.Clone(block[part])
			b[part][bit/8] ^= 1 << (bit % 8)
			if err := try(b); err == nil {
				t.Errorf("bit %d of %s (%x): accepted", bit, part, b[part])
			} else if strings.HasPrefix(code(err), "fault") {
				t.Errorf("bit %d of %s: %v", bit, part, err)
			}
			count[part]++
		}
	}
	return count
}

// unsigned flips what is checked of a registration that nobody signed.
func (r rig) unsigned(t *testing.T) {
	t.Helper()
	client := r.v.register["clientDataJSON"]
	end := bytes.Index(client, []byte(`"crossOrigin"`))
	object := r.v.register["attestationObject"]
	data := bytes.Index(object, []byte("authData")) + len("authData") + 2
	for part, within := range map[string][2]int{"clientDataJSON": {0, end}, "attestationObject": {data, data + 32}} {
		for bit := 8 * within[0]; bit < 8*within[1]; bit++ {
			b := map[string][]byte{"clientDataJSON": client, "attestationObject": object}
			b[part] = slices.Clone(b[part])
			b[part][bit/8] ^= 1 << (bit % 8)
			if _, err := r.register(t, b); err == nil {
				t.Errorf("bit %d of %s: accepted: %q", bit, part, b[part])
			}
		}
	}
}
