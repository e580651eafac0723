package passkey

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// fuzzWorld is a world whose challenges are all zero, so that a corpus lasts.
func fuzzWorld() (*Factor, factor.Subject) {
	f, err := New(Options{Now: zeroTime, Random: zero{}})
	if err != nil {
		panic(err)
	}
	return f, person("ada")
}

// FuzzCreated holds what is read of a creation to its bounds, under each policy.
func FuzzCreated(f *testing.F) {
	p, s := fuzzWorld()
	c, err := p.BeginEnrolment(s, factor.Asked{})
	if err != nil {
		f.Fatal(err)
	}
	root, all := readVectors()
	for _, v := range all {
		f.Add(newRig(v, root).created(v.register))
	}
	for _, how := range []statement{noStatement, selfStatement} {
		k := newSoft(up | uv)
		k.statement, k.extensions = how, cborOf(map[string]any{"credProtect": 2})
		f.Add([]byte(k.create(c).PublicKey))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if made, err := parseCreated(raw); err == nil {
			data := made.object.AuthData
			if len(made.id) == 0 || len(made.id) > maxCredentialID || !bytes.Equal(made.id, data.AttData.CredentialID) || len(made.transports) > maxTransports {
				t.Errorf("out of bounds: %+v", made)
			}
			if len(raw) > maxResponse || len(data.RPIDHash) != 32 || made.client.origin == "" {
				t.Errorf("out of bounds: %+v", made)
			}
		}
		for _, mode := range []string{"", modeAny, modeList} {
			s.Tenant.Attestation.Mode = mode
			got, err := p.FinishEnrolment(s, c, factor.Response{PublicKey: raw})
			if (err == nil) != (got.Data != nil) || err == nil && mode != "" {
				t.Errorf("mode %q: %v, kept %q", mode, err, got.Data)
			}
		}
	})
}

// FuzzAsserted: nothing but what the key signed is accepted.
func FuzzAsserted(f *testing.F) {
	p, s := fuzzWorld()
	k := newSoft(up | uv)
	c, err := p.BeginEnrolment(s, factor.Asked{})
	if err != nil {
		f.Fatal(err)
	}
	got, err := p.FinishEnrolment(s, c, k.create(c))
	if err != nil {
		f.Fatal(err)
	}
	s.Enrolments = []identity.Enrolment{{ID: "enr_1", User: s.User.ID, Factor: name, Data: got.Data}}
	if c, err = p.Begin(s); err != nil {
		f.Fatal(err)
	}
	right := k.get(c)
	f.Add([]byte(right.PublicKey))
	f.Add([]byte(newSoft(up).get(c).PublicKey))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`))
	signed := func(raw []byte) string {
		var a answer
		_ = json.Unmarshal(raw, &a)
		return encode(a.Response.AuthenticatorData) + "." + encode(a.Response.ClientDataJSON) + "." + encode(a.Response.Signature)
	}
	want := signed(right.PublicKey)
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := p.Finish(s, c, factor.Response{PublicKey: raw})
		if err == nil && signed(raw) != want {
			t.Errorf("accepted %s", raw)
		}
		if err != nil && (out.Data != nil || out.Proof.Class != "") {
			t.Errorf("refused, and yet: %+v", out)
		}
		if handle, lookup, err := p.Locate(factor.Response{PublicKey: raw}); err == nil && (len(handle) == 0 || len(handle) > maxHandle || len(lookup) > maxCredentialID) {
			t.Errorf("located %x %x", handle, lookup)
		}
	})
}

// FuzzAuthenticatorData: what is read is what was sent, and all of it.
func FuzzAuthenticatorData(f *testing.F) {
	_, all := readVectors()
	for _, v := range all {
		f.Add(v.sign["authenticatorData"])
	}
	k := newSoft(up)
	k.extensions = cborOf(map[string]any{"a": 1})
	f.Add(k.data("example.org", true))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := parseAuthenticatorData(raw)
		if err != nil {
			return
		}
		size := dataLeast
		if d.Flags.HasAttestedCredentialData() {
			size += aaguidLen + 2 + len(d.AttData.CredentialID) + len(d.AttData.CredentialPublicKey)
		}
		if size > len(raw) || size < len(raw) != d.Flags.HasExtensions() {
			t.Errorf("read %d of %d bytes, extensions %v", size, len(raw), d.Flags.HasExtensions())
		}
		_ = acceptable(d.AttData.CredentialPublicKey)
	})
}

// FuzzRecord: what storage returns never panics, and what is read can be kept.
func FuzzRecord(f *testing.F) {
	data, _ := record{ID: []byte{1}, Key: nobodysKey(), Transports: []string{"usb"}}.write()
	f.Add(data)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := readRecord(raw)
		if err != nil {
			return
		}
		again, err := r.write()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := readRecord(again); err != nil || !bytes.Equal(back.ID, r.ID) || !bytes.Equal(back.Key, r.Key) {
			t.Errorf("%+v became %+v, %v", r, back, err)
		}
	})
}
