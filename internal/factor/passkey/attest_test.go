package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// maker is a certificate authority: a maker of keys, or the metadata service.
type maker struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newMaker(name string) maker {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := maker{key: key}
	c.cert = c.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, &key.PublicKey)
	return c
}

func (c maker) issue(template *x509.Certificate, pub *ecdsa.PublicKey) *x509.Certificate {
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	parent := c.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, c.key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

// batch is an attestation certificate of a maker, for one model (8.2.1).
func (c maker) batch(aaguid [16]byte, change func(*x509.Certificate)) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	model, _ := asn1.Marshal(aaguid[:])
	template := &x509.Certificate{
		Subject:               pkix.Name{Country: []string{"SE"}, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Batch 1"},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: model}},
	}
	if change != nil {
		change(template)
	}
	return c.issue(template, &key.PublicKey), key
}

type statement = func(*soft, []byte, []byte) (string, any)

// packed makes statements under an attestation certificate.
func packed(cert *x509.Certificate, key *ecdsa.PrivateKey, more ...*x509.Certificate) statement {
	return func(_ *soft, data, hash []byte) (string, any) {
		x5c := [][]byte{cert.Raw}
		for _, c := range more {
			x5c = append(x5c, c.Raw)
		}
		return "packed", map[string]any{"alg": -7, "sig": (&soft{key: key}).sign(slices.Concat(data, hash)), "x5c": x5c}
	}
}

// u2f makes statements of the oldest sort (8.6).
func u2f(cert *x509.Certificate, key *ecdsa.PrivateKey) statement {
	return func(k *soft, data, hash []byte) (string, any) {
		point, _ := k.key.PublicKey.Bytes()
		message := slices.Concat([]byte{0}, data[:32], hash, k.id, point)
		return "fido-u2f", map[string]any{"sig": (&soft{key: key}).sign(message), "x5c": [][]byte{cert.Raw}}
	}
}

func fixed(format string, stmt any) statement {
	return func(*soft, []byte, []byte) (string, any) { return format, stmt }
}

// spoilt flips a bit of what a statement signs.
func spoilt(s statement) statement {
	return func(k *soft, data, hash []byte) (string, any) {
		hash = slices.Clone(hash)
		hash[0] ^= 1
		return s(k, data, hash)
	}
}

// modelled is an entry of the metadata, and changes to it.
func modelled(aaguid [16]byte, root *x509.Certificate, change func(entry, statement map[string]any)) map[string]any {
	statement := map[string]any{
		"description": "Maker Key 5", "authenticatorVersion": 1, "protocolFamily": "fido2", "schema": 3,
		"upv": []any{map[string]any{"major": 1, "minor": 0}}, "attestationTypes": []string{"basic_full"},
		"authenticationAlgorithms": []string{"secp256r1_ecdsa_sha256_raw"}, "publicKeyAlgAndEncodings": []string{"cose"},
		"keyProtection": []string{"hardware", "secure_element"}, "matcherProtection": []string{"on_chip"},
		"attestationRootCertificates": []string{base64.StdEncoding.EncodeToString(root.Raw)},
	}
	entry := map[string]any{
		"aaguid": uuid.UUID(aaguid).String(), "timeOfLastStatusChange": "2025-01-01", "metadataStatement": statement,
		"statusReports": []any{map[string]any{"status": "FIDO_CERTIFIED_L1", "effectiveDate": "2025-01-01"}},
	}
	if change != nil {
		change(entry, statement)
	}
	return entry
}

// service is a metadata service of our own.
type service struct {
	root   maker
	leaf   *x509.Certificate
	key    *ecdsa.PrivateKey
	number int
}

func newService() *service {
	s := &service{root: newMaker("Metadata root")}
	s.leaf, s.key = s.root.batch([16]byte{}, func(c *x509.Certificate) { c.ExtraExtensions = nil })
	return s
}

func (s *service) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.root.cert.Raw})
}

// edition signs the next edition.
func (s *service) edition(entries ...map[string]any) []byte {
	s.number++
	return s.signed(map[string]any{"legalHeader": "x", "no": s.number, "nextUpdate": "2026-04-01", "entries": entries}, s.key, s.leaf)
}

func (s *service) signed(payload any, key any, chain ...*x509.Certificate) []byte {
	var x5c []string
	for _, c := range chain {
		x5c = append(x5c, base64.StdEncoding.EncodeToString(c.Raw))
	}
	alg := jose.ES256
	if _, ok := key.([]byte); ok {
		alg = jose.HS256
	}
	options := (&jose.SignerOptions{}).WithHeader("x5c", x5c)
	if x5c == nil {
		options = nil
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign([]byte(jsonOf(payload)))
	if err != nil {
		panic(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return []byte(out)
}

// shop is a maker, its model and a metadata service that knows it.
type shop struct {
	maker   maker
	aaguid  [16]byte
	model   string
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
	service *service
	known   *Metadata
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{maker: newMaker("Maker root"), service: newService(), known: &Metadata{}}
	copy(s.aaguid[:], "hardware model 5")
	s.model = uuid.UUID(s.aaguid).String()
	s.cert, s.key = s.maker.batch(s.aaguid, nil)
	s.load(t, nil)
	return s
}

var march = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (s *shop) load(t *testing.T, change func(entry, statement map[string]any)) {
	t.Helper()
	next, err := s.known.Load(s.service.edition(modelled(s.aaguid, s.maker.cert, change)), s.service.pem(), march)
	if err != nil {
		t.Fatal(err)
	}
	if !next.Equal(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("next edition %v", next)
	}
}

func (s *shop) world(t *testing.T, a identity.Attestation) *world {
	t.Helper()
	w := newWorld(t)
	w.f.metadata = s.known
	w.s.Tenant.Attestation = a
	return w
}

func (s *shop) soft(flags byte, how statement) *soft {
	k := newSoft(flags)
	k.aaguid, k.statement = s.aaguid, how
	return k
}

// TestW12W13H24EachPolicyAndEachFormat (CVE-2025-12150): nothing but a statement
// that a root of the model stands behind passes where attestation is asked for,
// and nowhere else is a key called hardware.
func TestW12W13H24EachPolicyAndEachFormat(t *testing.T) {
	s := newShop(t)
	genuine := packed(s.cert, s.key)
	other := newMaker("Other root")
	theirs, theirKey := other.batch(s.aaguid, nil)
	swapped, swappedKey := s.maker.batch([16]byte{9}, nil)
	expired, expiredKey := s.maker.batch(s.aaguid, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	authority, authorityKey := s.maker.batch(s.aaguid, func(c *x509.Certificate) { c.IsCA = true })
	twin := newMaker("Maker root") // the same name, another key
	twinCert, twinKey := twin.batch(s.aaguid, nil)

	const no, ok, hw = notAttested, "", "hardware"
	for _, c := range []struct {
		what            string
		how             statement
		none, any, list string
	}{
		{"none, with the AAGUID of a hardware model", noStatement, ok, no, no},
		{"none, with a statement", fixed("none", map[string]any{"sig": []byte{1}}), failed, no, no},
		{"self", selfStatement, ok, no, no},
		{"self, forged", spoilt(selfStatement), failed, no, no},
		{"packed, genuine", genuine, ok, hw, hw},
		{"packed, its root sent along", packed(s.cert, s.key, s.maker.cert), ok, hw, hw},
		{"packed, forged", spoilt(genuine), failed, no, no},
		{"packed, signed with another key", packed(s.cert, theirKey), failed, no, no},
		{"packed, of another maker", packed(theirs, theirKey), ok, no, no},
		{"packed, of another maker with his root", packed(theirs, theirKey, other.cert), ok, no, no},
		{"packed, of a maker with the same name", packed(twinCert, twinKey, twin.cert), ok, no, no},
		{"packed, certificate of another model", packed(swapped, swappedKey), failed, no, no},
		{"packed, certificate expired", packed(expired, expiredKey), failed, no, no},
		{"packed, certificate of an authority", packed(authority, authorityKey), failed, no, no},
		{"packed, no certificate in the list", fixed("packed", map[string]any{"alg": -7, "sig": []byte{1}, "x5c": [][]byte{}}), failed, no, no},
		{"packed, no certificate at all", fixed("packed", map[string]any{"alg": -7, "sig": []byte{1}, "x5c": [][]byte{{1, 2}}}), failed, no, no},
		{"packed, ECDAA", fixed("packed", map[string]any{"alg": -7, "sig": []byte{1}, "ecdaaKeyId": []byte{1}}), failed, no, no},
		{"packed, empty", fixed("packed", map[string]any{}), failed, no, no},
		{"fido-u2f, genuine, claiming the AAGUID", u2f(s.cert, s.key), ok, no, no},
		{"fido-u2f, forged", spoilt(u2f(s.cert, s.key)), failed, no, no},
		{"tpm, empty", fixed("tpm", map[string]any{}), failed, no, no},
		{"android-key, empty", fixed("android-key", map[string]any{}), failed, no, no},
		{"android-key, packed's statement", func(k *soft, d, h []byte) (string, any) { _, v := genuine(k, d, h); return "android-key", v }, failed, no, no},
		{"apple, packed's statement", func(k *soft, d, h []byte) (string, any) { _, v := genuine(k, d, h); return "apple", v }, failed, no, no},
		{"android-safetynet", fixed("android-safetynet", map[string]any{"ver": "1", "response": []byte("a.b.c")}), failed, no, no},
		{"Packed", func(k *soft, d, h []byte) (string, any) { _, v := genuine(k, d, h); return "Packed", v }, failed, no, no},
		{"nobody's format", fixed("x", map[string]any{}), failed, no, no},
		{"no format", fixed("", map[string]any{}), failed, no, no},
		{"compound, a list", fixed("compound", []any{map[string]any{"fmt": "none", "attStmt": map[string]any{}}, map[string]any{"fmt": "none", "attStmt": map[string]any{}}}), failed, failed, failed},
		{"compound, a map", fixed("compound", map[string]any{}), failed, no, no},
		{"a statement that is text", fixed("packed", "sig"), failed, failed, failed},
	} {
		for _, p := range []struct {
			policy identity.Attestation
			want   string
		}{
			{identity.Attestation{}, c.none},
			{identity.Attestation{Mode: "none"}, c.none},
			{identity.Attestation{Mode: modeAny}, c.any},
			{identity.Attestation{Mode: modeList, Models: []string{strings.ToUpper(s.model)}}, c.list},
		} {
			w := s.world(t, p.policy)
			got, err := w.enrol(s.soft(up|uv, c.how))
			want := p.want
			if want == hw {
				want = ok
			}
			expect(t, c.what+", policy "+p.policy.Mode, err, want)
			if err != nil {
				if got.Data != nil || got.Lookup != nil {
					t.Errorf("%s: refused, and yet something was kept", c.what)
				}
				continue
			}
			best := w.f.Best(w.s.Tenant, &identity.Enrolment{Data: got.Data})
			if best.Hardware != (p.want == hw) || (best.Model == s.model) != best.Hardware {
				t.Errorf("%s, policy %q: graded %+v", c.what, p.policy.Mode, best)
			}
		}
	}
}

// TestAttestationPolicies: lists, no metadata, and modes of nobody.
func TestAttestationPolicies(t *testing.T) {
	s := newShop(t)
	genuine := packed(s.cert, s.key)
	for _, c := range []struct {
		what   string
		policy identity.Attestation
		known  *Metadata
		want   string
	}{
		{"another model is listed", identity.Attestation{Mode: modeList, Models: []string{uuid.NewString()}}, s.known, "passkey_model"},
		{"nothing is listed", identity.Attestation{Mode: modeList}, s.known, "passkey_model"},
		{"an empty entry is listed", identity.Attestation{Mode: modeList, Models: []string{""}}, s.known, "passkey_model"},
		{"no metadata, any", identity.Attestation{Mode: modeAny}, nil, notAttested},
		{"empty metadata, any", identity.Attestation{Mode: modeAny}, &Metadata{}, notAttested},
		{"no metadata, list", identity.Attestation{Mode: modeList, Models: []string{s.model}}, nil, notAttested},
		{"a mode of nobody", identity.Attestation{Mode: "ANY"}, s.known, failed},
	} {
		w := s.world(t, c.policy)
		w.f.metadata = c.known
		_, err := w.enrol(s.soft(up|uv, genuine))
		expect(t, c.what, err, c.want)
	}
	asks := func(mode string) any {
		w := s.world(t, identity.Attestation{Mode: mode})
		c, err := w.f.BeginEnrolment(w.s, factor.Asked{})
		if err != nil {
			t.Fatal(err)
		}
		return options(c)["attestation"]
	}
	for mode, want := range map[string]string{"": "none", "none": "none", modeAny: "direct", modeList: "direct"} {
		if got := asks(mode); got != want {
			t.Errorf("mode %q asks %q", mode, got)
		}
	}
}

// TestAttestationIsJudgedByTodaysPolicy, not by the one that the ceremony began
// under.
func TestAttestationIsJudgedByTodaysPolicy(t *testing.T) {
	s := newShop(t)
	w := s.world(t, identity.Attestation{})
	c, _ := w.f.BeginEnrolment(w.s, factor.Asked{})
	w.s.Tenant.Attestation.Mode = modeAny
	_, err := w.f.FinishEnrolment(w.s, c, newSoft(up|uv).create(c))
	expect(t, "asked under none, judged under any", err, notAttested)
}

// TestW14N09WhatMetadataSaysDecides whether a model's keys are in hardware, and
// whether one may be bound.
func TestW14N09WhatMetadataSaysDecides(t *testing.T) {
	status := func(names ...string) func(map[string]any, map[string]any) {
		return func(entry, _ map[string]any) {
			var reports []any
			for _, n := range names {
				reports = append(reports, map[string]any{"status": n, "effectiveDate": "2025-01-01"})
			}
			entry["statusReports"] = reports
		}
	}
	protected := func(how ...string) func(map[string]any, map[string]any) {
		return func(_, s map[string]any) { s["keyProtection"] = how }
	}
	for _, c := range []struct {
		what     string
		change   func(entry, statement map[string]any)
		want     string
		hardware bool
	}{
		{"certified", nil, "", true},
		{"not certified", status("NOT_FIDO_CERTIFIED"), "", true},
		{"no report", status(), "", true},
		{"update available", status("FIDO_CERTIFIED_L1", "UPDATE_AVAILABLE"), "", true},
		{"revoked", status("REVOKED"), "passkey_model", false},
		{"revoked, once", status("REVOKED", "FIDO_CERTIFIED_L2"), "passkey_model", false},
		{"retired", status("RETIRED"), "passkey_model", false},
		{"attestation key out", status("ATTESTATION_KEY_COMPROMISE"), "passkey_model", false},
		{"user keys out, from afar", status("USER_KEY_REMOTE_COMPROMISE"), "passkey_model", false},
		{"user keys out, in the hand", status("FIDO_CERTIFIED_L1", "USER_KEY_PHYSICAL_COMPROMISE"), "passkey_model", false},
		{"verification bypassed", status("USER_VERIFICATION_BYPASS"), "passkey_model", false},
		{"tee", protected("hardware", "tee"), "", true},
		{"remote handle", protected("hardware", "remote_handle"), "", true},
		{"software", protected("software"), "", false},
		{"software, too", protected("hardware", "software"), "", false},
		{"not said", protected(), "", false},
		{"every key may be copied", func(_, s map[string]any) { s["multiDeviceCredentialSupport"] = "implicit" }, "", false},
		{"copied keys say so", func(_, s map[string]any) { s["multiDeviceCredentialSupport"] = "explicit" }, "", true},
		{"another sort of attestation", func(_, s map[string]any) { s["attestationTypes"] = []string{"basic_surrogate"} }, notAttested, true},
		{"no roots", func(_, s map[string]any) { s["attestationRootCertificates"] = []string{} }, notAttested, true},
		{"an entry that cannot be read", func(e, _ map[string]any) { e["timeOfLastStatusChange"] = "yesterday" }, notAttested, false},
	} {
		s := newShop(t)
		other := modelled([16]byte{1}, s.maker.cert, nil)
		if _, err := s.known.Load(s.service.edition(modelled(s.aaguid, s.maker.cert, c.change), other), s.service.pem(), march); err != nil {
			t.Fatal(err)
		}
		w := s.world(t, identity.Attestation{Mode: modeAny})
		got, err := w.enrol(s.soft(up|uv, packed(s.cert, s.key)))
		expect(t, c.what, err, c.want)
		if s.known.Trusts(s.model) != c.hardware {
			t.Errorf("%s: trusted %v", c.what, !c.hardware)
		}
		if err == nil && kept(t, got.Data).Hardware != c.hardware {
			t.Errorf("%s: hardware %v", c.what, !c.hardware)
		}
		if err == nil && got.Name != "Maker Key 5" {
			t.Errorf("%s: name %q", c.what, got.Name)
		}
	}
}

// TestC25N08Rows12And13AreAskedToday: a revoked model lowers what was proved, and
// a key that may leave its device never reached it.
func TestC25N08Rows12And13AreAskedToday(t *testing.T) {
	s := newShop(t)
	w := s.world(t, identity.Attestation{Mode: modeAny})
	k := s.soft(up|uv, packed(s.cert, s.key))
	w.bind(k)
	password := assurance.Proof{Factor: "password", Class: assurance.Memorized, AMR: "pwd"}
	verified := []assurance.Proof{w.must(k).Proof}
	k.flags = up
	beside := []assurance.Proof{password, w.must(k).Proof}
	synced := s.soft(up|uv|be, packed(s.cert, s.key))
	w.bind(synced)
	eligible := []assurance.Proof{password, w.must(synced).Proof}
	level := func(p []assurance.Proof) assurance.Level { return assurance.LevelOf(assurance.NIST, s.known.Trusts, p) }
	check := func(when string, row12, row13 assurance.Level, amr string) {
		t.Helper()
		if a, b, c := level(verified), level(beside), level(eligible); a != row12 || b != row13 || c != assurance.AAL2 {
			t.Errorf("%s: row 12 %s, row 13 %s, BE=1 %s", when, a, b, c)
		}
		if got := assurance.AMR(s.known.Trusts, verified, level(verified)); got[0] != amr {
			t.Errorf("%s: amr %v", when, got)
		}
	}
	check("today", assurance.AAL3, assurance.AAL3, "hwk")
	s.load(t, func(e, _ map[string]any) {
		e["statusReports"] = []any{map[string]any{"status": "REVOKED", "effectiveDate": "2026-01-01"}}
	})
	check("revoked", assurance.AAL2, assurance.AAL2, "pop")
	s.load(t, nil)
	check("and taken back", assurance.AAL3, assurance.AAL3, "hwk")
}

// TestN61BestOfOneYetToBeBound names a model that would be taken, so that an
// AAL3 key is bound at AAL3.
func TestN61BestOfOneYetToBeBound(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		a    identity.Attestation
		want assurance.Proof
	}{
		{identity.Attestation{}, strength(true, true, false, "")},
		{identity.Attestation{Mode: "none"}, strength(true, true, false, "")},
		{identity.Attestation{Mode: modeAny}, strength(true, false, true, s.model)},
		{identity.Attestation{Mode: modeList, Models: []string{s.model}}, strength(true, false, true, s.model)},
		{identity.Attestation{Mode: modeList, Models: []string{uuid.NewString()}}, strength(true, true, false, "")},
	} {
		w := s.world(t, c.a)
		if got := w.f.Best(w.s.Tenant, nil); got != c.want {
			t.Errorf("%+v: %+v", c.a, got)
		}
	}
}

// TestW12U2FKeysAreFoundByTheirCertificate: its statement signs no AAGUID, so
// that no model's name can be claimed with it.
func TestW12U2FKeysAreFoundByTheirCertificate(t *testing.T) {
	s := newShop(t)
	byKey := func(e, _ map[string]any) {
		delete(e, "aaguid")
		e["attestationCertificateKeyIdentifiers"] = keyIdentifiers(s.cert)
	}
	if _, err := s.known.Load(s.service.edition(modelled(s.aaguid, s.maker.cert, nil), modelled([16]byte{}, s.maker.cert, byKey)), s.service.pem(), march); err != nil {
		t.Fatal(err)
	}
	w := s.world(t, identity.Attestation{Mode: modeAny})
	got, err := w.enrol(s.soft(up, u2f(s.cert, s.key)))
	expect(t, "any", err, "")
	if r := kept(t, got.Data); r.Hardware || r.AAGUID != "" {
		t.Errorf("kept %+v", r)
	}
	w.s.Tenant.Attestation = identity.Attestation{Mode: modeList, Models: []string{s.model}}
	_, err = w.enrol(s.soft(up, u2f(s.cert, s.key)))
	expect(t, "list", err, "passkey_model")
}
