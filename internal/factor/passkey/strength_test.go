package passkey

import (
	"slices"
	"testing"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// TestW06N13PresenceIsAlwaysAsked of an assertion.
func TestW06N13PresenceIsAlwaysAsked(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	k.flags = uv
	_, err := w.signIn(k)
	expect(t, "assertion without presence", err, failed)
	_, err = w.enrol(newSoft(uv))
	expect(t, "creation without presence", err, failed)
}

// TestW07N11N12VerificationIsReadFromTheResponse: never from what was asked, nor
// from what the key once showed.
func TestW07N11N12VerificationIsReadFromTheResponse(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	for _, c := range []struct {
		what         string
		asked, today bool
		flags        byte
		want         string
		verified     bool
		option       string
	}{
		{"preferred, shown", false, false, up | uv, "", true, "preferred"},
		{"preferred, not shown", false, false, up, "", false, "preferred"},
		{"required, shown", true, true, up | uv, "", true, "required"},
		{"required, not shown", true, true, up, "passkey_no_uv", false, "required"},
		{"required when asked only", true, false, up, "passkey_no_uv", false, "required"},
		{"required when answered only", false, true, up, "passkey_no_uv", false, "preferred"},
	} {
		w.s.NeedUV = c.asked
		challenge := w.begin()
		if got := options(challenge)["userVerification"]; got != c.option {
			t.Errorf("%s: option %q", c.what, got)
		}
		w.s.NeedUV = c.today
		k.flags = c.flags
		out, err := w.f.Finish(w.s, challenge, k.get(challenge))
		expect(t, c.what, err, c.want)
		if out.Proof.UserVerified != c.verified {
			t.Errorf("%s: verified %v", c.what, out.Proof.UserVerified)
		}
	}
	w.s.NeedUV = true
	_, err := w.enrol(newSoft(up))
	expect(t, "creation, required, not shown", err, "passkey_no_uv")
}

// TestW08BackedUpThoughNotEligible in both ceremonies.
func TestW08BackedUpThoughNotEligible(t *testing.T) {
	w := newWorld(t)
	_, err := w.enrol(newSoft(up | uv | bs))
	expect(t, "creation", err, "passkey_backup_changed")
	k := newSoft(up | uv)
	w.bind(k)
	k.flags |= bs
	_, err = w.signIn(k)
	expect(t, "assertion", err, "passkey_backup_changed")
}

// TestH23W09EligibilityNeverChanges; state does, once all else was checked.
func TestH23W09EligibilityNeverChanges(t *testing.T) {
	for _, c := range []struct {
		bound, shown byte
		want         string
	}{
		{0, be, "passkey_backup_changed"},
		{0, be | bs, "passkey_backup_changed"},
		{be, 0, "passkey_backup_changed"},
		{be | bs, 0, "passkey_backup_changed"},
		{be, be | bs, ""},
		{be | bs, be, ""},
		{0, 0, ""},
	} {
		w := newWorld(t)
		k := newSoft(up | uv | c.bound)
		w.bind(k)
		k.flags = up | uv | c.shown
		out, err := w.signIn(k)
		expect(t, "from "+string('0'+c.bound)+" to "+string('0'+c.shown), err, c.want)
		if err == nil {
			if r := kept(t, out.Data); r.BackedUp != (c.shown&bs != 0) || r.BackupEligible != (c.bound&be != 0) {
				t.Errorf("kept %+v", r)
			}
		}
	}
}

// TestW19CounterIsAReasonNotARefusal.
func TestW19CounterIsAReasonNotARefusal(t *testing.T) {
	for _, c := range []struct {
		before, after uint32
		reported      bool
		kept          uint32
	}{
		{0, 0, false, 0}, {0, 1, false, 1}, {7, 8, false, 8}, {7, 7, true, 7}, {7, 6, true, 7}, {7, 0, true, 7}, {1<<32 - 1, 0, true, 1<<32 - 1},
	} {
		w := newWorld(t)
		k := newSoft(up | uv)
		k.counter = c.before
		w.bind(k)
		k.counter = c.after
		out, err := w.signIn(k)
		expect(t, "a counter", err, "")
		var want []string
		if c.reported {
			want = []string{CounterWentBack}
		}
		if !slices.Equal(out.Reasons, want) || kept(t, out.Data).Counter != c.kept {
			t.Errorf("from %d to %d: reasons %v, kept %d", c.before, c.after, out.Reasons, kept(t, out.Data).Counter)
		}
	}
}

// TestW20AKeyBoundWithoutVerificationGrowsBesideAnotherProofOnly, and not in the
// ceremony that makes it grow.
func TestW20AKeyBoundWithoutVerificationGrowsBesideAnotherProofOnly(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up)
	w.bind(k)
	k.flags = up | uv
	step := func(what string, beside, want bool) {
		t.Helper()
		w.s.Beside = beside
		if out := w.must(k); out.Proof.UserVerified != want {
			t.Errorf("%s: verified %v", what, out.Proof.UserVerified)
		}
	}
	step("alone", false, false)
	step("alone again", false, false)
	if w.f.Best(w.s.Tenant, &w.s.Enrolments[0]).UserVerified {
		t.Error("graded as verifying")
	}
	step("beside a password", true, false)
	step("the next time", false, true)
	if !w.f.Best(w.s.Tenant, &w.s.Enrolments[0]).UserVerified {
		t.Error("not graded as verifying")
	}
	k.flags = up
	step("without, later", false, false)
	k.flags = up | uv
	step("and with again", false, true)
}

// TestTable19 computes the level of what the factor itself proved (rows 3 and
// 9 to 13).
func TestTable19(t *testing.T) {
	password := assurance.Proof{Factor: "password", Class: assurance.Memorized, AMR: "pwd"}
	for _, c := range []struct {
		row          string
		bound, shown byte
		with         []assurance.Proof
		want         assurance.Level
		amr          []string
	}{
		{"3", uv, 0, nil, assurance.AAL1, []string{"pop", "user"}},
		{"9 synced", be | uv, be, []assurance.Proof{password}, assurance.AAL2, []string{"pwd", "swk", "user", "mfa"}},
		{"9 hardware not known", uv, 0, []assurance.Proof{password}, assurance.AAL2, []string{"pwd", "pop", "user", "mfa"}},
		{"10", be | bs | uv, be | bs | uv, nil, assurance.AAL2, []string{"swk", "user", "mfa"}},
		{"11", uv, uv, nil, assurance.AAL2, []string{"pop", "user", "mfa"}},
	} {
		w := newWorld(t)
		k := newSoft(up | c.bound)
		w.bind(k)
		k.flags = up | c.shown
		proofs := append(slices.Clone(c.with), w.must(k).Proof)
		everything := func(string) bool { return true } // no trust makes hardware of what was not attested (N-09)
		level := assurance.LevelOf(assurance.NIST, everything, proofs)
		if amr := assurance.AMR(everything, proofs, level); level != c.want || !slices.Equal(amr, c.amr) {
			t.Errorf("row %s: %s %v", c.row, level, amr)
		}
		if !assurance.PhishingResistant(proofs) {
			t.Errorf("row %s: not resistant to phishing", c.row)
		}
	}
}

// TestH22ClaimsGiveNothing: neither attachment, transports, extensions nor a
// hardware model's AAGUID make a key more than its flags say.
func TestH22ClaimsGiveNothing(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv | be)
	k.transports = []string{"usb", "nfc"}
	k.outer = map[string]any{"authenticatorAttachment": "cross-platform", "hw": true, "clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}}}
	copy(k.aaguid[:], "a hardware model")
	en := w.bind(k)
	k.outer["response.uv"] = true
	out := w.must(k)
	if out.Proof.Hardware || out.Proof.Model != "" || !out.Proof.BackupEligible {
		t.Errorf("proof %+v", out.Proof)
	}
	if best := w.f.Best(w.s.Tenant, &en); best.Hardware || !best.BackupEligible || best.Model != "" {
		t.Errorf("graded %+v", best)
	}
}

// TestBestOfOneYetToBeBound: hardware where attestation is asked for and some
// model would be taken.
func TestBestOfOneYetToBeBound(t *testing.T) {
	w := newWorld(t)
	for _, mode := range []string{"", "none", modeAny, modeList} {
		w.s.Tenant.Attestation.Mode = mode
		if got := w.f.Best(w.s.Tenant, nil); got.Hardware || !got.UserVerified || !got.BackupEligible {
			t.Errorf("mode %q without metadata: %+v", mode, got)
		}
	}
	damaged := identity.Enrolment{Data: []byte("{")}
	if got := w.f.Best(w.s.Tenant, &damaged); got.UserVerified || got.Hardware {
		t.Errorf("damaged: %+v", got)
	}
}
