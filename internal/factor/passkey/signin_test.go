package passkey

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
)

// TestW01ChallengeIsFreshAndBound: 32 random bytes, ours in the state, gone in
// ten minutes.
func TestW01ChallengeIsFreshAndBound(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	seen := map[string]bool{}
	for range 50 {
		c := w.begin()
		challenge := options(c)["challenge"].(string)
		if seen[challenge] || len(challenge) != 43 {
			t.Fatalf("challenge %q", challenge)
		}
		seen[challenge] = true
		if c.Tries != 1 || c.Prompt.Input != factor.PublicKey {
			t.Fatalf("tries %d, input %q", c.Tries, c.Prompt.Input)
		}
	}
	if minutes := options(w.begin())["timeout"].(float64) / 60_000; minutes < 5 || minutes > 10 {
		t.Errorf("timeout of %v minutes", minutes)
	}
	c := w.begin()
	r := k.get(c)
	w.at = w.at.Add(life)
	_, err := w.f.Finish(w.s, c, r)
	expect(t, "at the end of its life", err, "code_expired")
	w.at = w.at.Add(-time.Millisecond)
	_, err = w.f.Finish(w.s, c, r)
	expect(t, "just before", err, "")
}

// TestW01AnAnswerCountsOnce: the same answer to the same challenge is refused
// once its acceptance was kept, even by a key that has no counter.
func TestW01AnAnswerCountsOnce(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	c := w.begin()
	r := k.get(c)
	first, err := w.f.Finish(w.s, c, r)
	expect(t, "first", err, "")
	if bytes.Equal(first.Data, w.s.Enrolments[0].Data) {
		t.Error("the record stays as it was: two could be accepted at once")
	}
	w.s.Enrolments[0].Data = first.Data
	_, err = w.f.Finish(w.s, c, r)
	expect(t, "again", err, wrong)
	second := w.must(k)
	if bytes.Equal(first.Data, second.Data) {
		t.Error("two assertions leave the same record")
	}
}

// TestH13W02CeremoniesCannotBeSwapped, whichever part of them is.
func TestH13W02CeremoniesCannotBeSwapped(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	k.client = map[string]any{"type": "webauthn.create"}
	_, err := w.signIn(k)
	expect(t, "an assertion that says create", err, wrong)
	for _, kind := range []string{"webauthn.get", "WEBAUTHN.CREATE", "webauthn.creat", "payment.get"} {
		other := newSoft(up | uv)
		other.client = map[string]any{"type": kind}
		_, err = w.enrol(other)
		expect(t, "a creation that says "+kind, err, failed)
	}
	k.client = nil
	enrolment, err := w.f.BeginEnrolment(w.s, factor.Asked{})
	expect(t, "begin", err, "")
	_, err = w.f.Finish(w.s, enrolment, k.get(enrolment))
	expect(t, "a registration's challenge for an assertion", err, wrong)
	signIn := w.begin()
	asCreation := signIn
	asCreation.Prompt.PublicKey = slices.Clone(enrolment.Prompt.PublicKey)
	o := options(enrolment)
	o["challenge"] = options(signIn)["challenge"]
	asCreation.Prompt.PublicKey, _ = json.Marshal(o)
	_, err = w.f.FinishEnrolment(w.s, signIn, newSoft(up|uv).create(asCreation))
	expect(t, "an assertion's challenge for a registration", err, wrong)
}

// TestH12W18AnotherPersonsKey is worth nothing, by whichever way it comes.
func TestH12W18AnotherPersonsKey(t *testing.T) {
	w := newWorld(t)
	ada, eve := newSoft(up|uv), newSoft(up|uv)
	w.bind(ada)
	theirs := newWorld(t)
	theirs.s = person("eve")
	theirs.bind(eve)

	c := w.begin()
	_, err := w.f.Finish(w.s, c, eve.get(c))
	expect(t, "another person's key", err, wrong)
	mixed := w.s
	mixed.Enrolments = append(slices.Clone(w.s.Enrolments), theirs.s.Enrolments...)
	c, _ = w.f.Begin(mixed)
	if allowed := options(c)["allowCredentials"].([]any); len(allowed) != 1 {
		t.Errorf("another person's key is asked for: %v", allowed)
	}
	_, err = w.f.Finish(mixed, c, eve.get(c))
	expect(t, "another person's enrolment in the list", err, wrong)
	ada.handle = theirs.s.User.Handle
	_, err = w.signIn(ada)
	expect(t, "the right key with another person's handle, which the library takes", err, wrong)
	ada.handle = w.s.User.Handle[:63]
	_, err = w.signIn(ada)
	expect(t, "half a handle", err, wrong)
	ada.handle = []byte{}
	_, err = w.signIn(ada)
	expect(t, "no handle, though asked for by id (a security key)", err, "")
}

// TestW18OnlyWhatWasAskedForAnswers: not a key that was bound while the
// challenge was pending (CVE-2026-111949), nor another one than was chosen.
func TestW18OnlyWhatWasAskedForAnswers(t *testing.T) {
	w := newWorld(t)
	first, second := newSoft(up|uv), newSoft(up|uv)
	w.bind(first)
	c := w.begin()
	later := w.bind(second)
	_, err := w.f.Finish(w.s, c, second.get(c))
	expect(t, "bound since then", err, wrong)
	_, err = w.f.Finish(w.s, c, first.get(c))
	expect(t, "asked for", err, "")
	w.s.Chosen = later.ID
	c = w.begin()
	if allowed := options(c)["allowCredentials"].([]any); len(allowed) != 1 {
		t.Errorf("chosen one, asked for %d", len(allowed))
	}
	_, err = w.f.Finish(w.s, c, first.get(c))
	expect(t, "not chosen", err, wrong)
	_, err = w.f.Finish(w.s, c, second.get(c))
	expect(t, "chosen", err, "")
}

// TestW18NobodyNamed: without a list, the handle says whose the key is.
func TestW18NobodyNamed(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	c := w.beginAny()
	if o := options(c); len(o["allowCredentials"].([]any)) != 0 || o["userVerification"] != "preferred" || o["rpId"] != "login.example.com" {
		t.Errorf("options %v", o)
	}
	handle, lookup, err := w.f.Locate(k.get(c))
	if err != nil || !bytes.Equal(handle, w.s.User.Handle) || !bytes.Equal(lookup, k.id) {
		t.Fatalf("located %x %x %v", handle, lookup, err)
	}
	out, err := w.f.Finish(w.s, c, k.get(c))
	expect(t, "found by its handle", err, "")
	if out.Enrolment != w.s.Enrolments[0].ID {
		t.Errorf("enrolment %q", out.Enrolment)
	}
	k.handle = []byte{}
	_, _, err = w.f.Locate(k.get(c))
	expect(t, "located without a handle", err, wrong)
	_, err = w.f.Finish(w.s, c, k.get(c))
	expect(t, "without a handle", err, wrong)
	first := w.s
	first.Enrolments = nil
	named, _ := w.f.Begin(first)
	_, err = w.f.Finish(w.s, named, k.get(named))
	expect(t, "named, no list, without a handle", err, wrong)
	k.handle = person("eve").User.Handle
	_, err = w.f.Finish(w.s, c, k.get(c))
	expect(t, "with another person's handle", err, wrong)
	nobody := w.s
	nobody.User, nobody.Enrolments = nil, nil
	_, err = w.f.Finish(nobody, c, k.get(c))
	expect(t, "of a key that nobody knows", err, wrong)
}

// TestChallengesForAnyoneAndForOneDoNotMix, in any pairing.
func TestChallengesForAnyoneAndForOneDoNotMix(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	anyone, named := w.beginAny(), w.begin()
	nobody := w.s
	nobody.User, nobody.Enrolments = nil, nil
	unknown, _ := w.f.Begin(nobody)
	const purposeAt = 1
	for what, c := range map[string]factor.Challenge{"set for anyone": anyone, "set for her": named, "set for a name that nobody has": unknown} {
		for _, p := range []byte{'a', 's', 'e', 0} {
			swapped := c
			swapped.State = slices.Clone(c.State)
			swapped.State[purposeAt] = p
			_, err := w.f.Finish(w.s, swapped, k.get(c))
			want := wrong
			if p == c.State[purposeAt] && what != "set for a name that nobody has" {
				want = ""
			}
			expect(t, what+", purpose "+string(rune(p)), err, want)
		}
	}
	elsewhere := w.s
	elsewhere.Tenant.ID = "tnt_2"
	_, err := w.f.Finish(elsewhere, anyone, k.get(anyone))
	expect(t, "set for anyone of another tenant", err, wrong)
	_, err = w.f.FinishEnrolment(w.s, anyone, k.get(anyone))
	expect(t, "set for anyone, as an enrolment", err, wrong)
}

// TestW30NothingTellsWhoIsKnown: before a first proof the options have one
// shape; an unknown key and a wrong signature have one answer.
func TestW30NothingTellsWhoIsKnown(t *testing.T) {
	w := newWorld(t)
	k := newSoft(up | uv)
	w.bind(k)
	first, nobody := w.s, w.s
	first.Enrolments = nil
	nobody.User, nobody.Enrolments = nil, nil
	shown := func(s factor.Subject) string {
		c, err := w.f.Begin(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(blanked(c.Prompt).PublicKey)
	}
	if a, b := shown(first), shown(nobody); a != b || strings.Contains(a, encode(k.id)) {
		t.Errorf("known %s, unknown %s", a, b)
	}
	c := w.beginAny()
	forged := *k
	forged.key = newSoft(0).key
	liar := forged
	liar.client, liar.flags, liar.rp = map[string]any{"origin": "https://evil.test"}, bs, "evil.test"
	stranger := newSoft(up | uv)
	stranger.handle = k.handle
	for what, r := range map[string]factor.Response{
		"a wrong signature": forged.get(c), "an unknown key": stranger.get(c), "a wrong signature over lies": liar.get(c),
	} {
		_, err := w.f.Finish(w.s, c, r)
		if !cmp.Equal(err.Error(), factor.ErrWrong.Error()) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNobodysKeyIsAKey, so that holding a response against it takes the time.
func TestNobodysKeyIsAKey(t *testing.T) {
	if !acceptable(nobodysKey()) {
		t.Error("no key")
	}
}

// TestDamagedRecordsAskForNobody: a person whose keys cannot be read is not
// asked for just any key.
func TestDamagedRecordsAskForNobody(t *testing.T) {
	w := newWorld(t)
	k, lost := newSoft(up|uv), newSoft(up|uv)
	w.bind(k)
	w.bind(lost)
	w.s.Enrolments[1].Data = []byte(`{"id":""}`)
	c := w.begin()
	_, err := w.f.Finish(w.s, c, k.get(c))
	expect(t, "the other one", err, "")
	if _, err = w.f.Finish(w.s, c, lost.get(c)); err == nil {
		t.Error("accepted")
	}
	w.s.Enrolments = w.s.Enrolments[1:]
	if _, err = w.f.Begin(w.s); err == nil {
		t.Error("begun")
	}
	if got := w.f.Signals(w.s); got.RPID != "" {
		t.Errorf("signalled %+v", got)
	}
}

// TestW27SignalsNameWhatIsAccepted and nothing that is suspended or removed.
func TestW27SignalsNameWhatIsAccepted(t *testing.T) {
	w := newWorld(t)
	k, asleep, removed := newSoft(up|uv), newSoft(up|uv), newSoft(up|uv)
	w.bind(k)
	w.bind(asleep)
	w.bind(removed)
	w.s.Enrolments[1].Suspended = true
	w.s.Enrolments[2].RemovedAt = &w.at
	want := factor.Signals{
		RPID: "login.example.com", User: encode(w.s.User.Handle), Credentials: []string{encode(k.id)}, Name: "ada@example.com", DisplayName: "Person ada",
	}
	if diff := cmp.Diff(want, w.f.Signals(w.s)); diff != "" {
		t.Error(diff)
	}
	w.s.User = nil
	if got := w.f.Signals(w.s); got.RPID != "" || len(got.Credentials) != 0 {
		t.Errorf("of nobody: %+v", got)
	}
}

// TestFactsFitTheEngine.
func TestFactsFitTheEngine(t *testing.T) {
	f := newWorld(t).f
	facts := f.Facts()
	if facts.Name != "passkey" || facts.Class != assurance.Key || !facts.First || !facts.SelfTest || facts.Space != 0 || facts.Max != 20 || facts.Heavy || facts.Sends {
		t.Errorf("%+v", facts)
	}
	var _ factor.Discoverable = f
	var _ factor.Grader = f
	var _ factor.Signaller = f
}

// TestLocateJudgesNothing and survives everything.
func TestLocateJudgesNothing(t *testing.T) {
	w := newWorld(t)
	k := newSoft(0)
	k.handle = []byte("whose")
	r := k.get(w.beginAny())
	handle, lookup, err := w.f.Locate(r)
	if err != nil || string(handle) != "whose" || !bytes.Equal(lookup, k.id) {
		t.Errorf("%q %x %v", handle, lookup, err)
	}
	for what, bad := range map[string][]byte{
		"nothing": nil, "no JSON": []byte("x"), "a list": []byte("[]"), "null": []byte("null"), "cut": r.PublicKey[:len(r.PublicKey)-1],
		"twice": append(slices.Clone(r.PublicKey), r.PublicKey...), "too long": bytes.Repeat([]byte(" "), maxResponse+1),
	} {
		if _, _, err := w.f.Locate(factor.Response{PublicKey: bad}); code(err) != wrong {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestDigestsStandForIDs: a state of all a person's keys stays small.
func TestDigestsStandForIDs(t *testing.T) {
	var all []descriptor
	for i := range maxKeys {
		all = append(all, descriptor{ID: strings.Repeat(string(rune('a'+i)), 1364)})
	}
	st, err := newWorld(t).f.newState(verifying, all)
	if err != nil {
		t.Fatal(err)
	}
	b := st.bytes()
	if len(b) != 1+challengeLength+maxKeys*digestLength {
		t.Errorf("%d bytes", len(b))
	}
	back, err := parseState(b)
	if err != nil || back.flags != verifying || len(back.allowed) != maxKeys || !bytes.Equal(back.challenge, st.challenge) {
		t.Errorf("read back %+v %v", back, err)
	}
	sum := sha256.Sum256([]byte(all[3].ID))
	if !bytes.Equal(back.allowed[3], sum[:digestLength]) {
		t.Error("another digest")
	}
	for _, bad := range [][]byte{nil, b[:len(b)-1], b[:challengeLength], append([]byte{highestFlag << 1}, b[1:]...)} {
		if _, err := parseState(bad); code(err) != wrong {
			t.Errorf("state of %d bytes: %v", len(bad), err)
		}
	}
}
