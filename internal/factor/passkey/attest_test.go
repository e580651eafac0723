package passkey

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// stated is a statement, and what each policy makes of it.
type stated struct {
	what            string
	how             statement
	none, any, list string
}

// strongly says that a key is taken and called hardware.
const strongly = "hardware"

func (s *shop) statements() []stated {
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

	const no, ok, hw = notAttested, "", strongly
	return []stated{
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
	}
}

// TestW12W13H24EachPolicyAndEachFormat (CVE-2025-12150): nothing but a statement
// that a root of the model stands behind passes where attestation is asked for,
// and nowhere else is a key called hardware.
func TestW12W13H24EachPolicyAndEachFormat(t *testing.T) {
	s := newShop(t)
	for _, c := range s.statements() {
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
			if want == strongly {
				want = ""
			}
			expect(t, c.what+", policy "+p.policy.Mode, err, want)
			if err != nil {
				if got.Data != nil || got.Lookup != nil {
					t.Errorf("%s: refused, and yet something was kept", c.what)
				}
				continue
			}
			best := w.f.Best(w.s.Tenant, &identity.Enrolment{Data: got.Data})
			if best.Hardware != (p.want == strongly) || (best.Model == s.model) != best.Hardware {
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
