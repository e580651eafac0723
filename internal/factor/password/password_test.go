package password

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/factortest"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// cheap is for tests: the same code, a thousandth of the work.
func cheap() Params { return Params{Memory: 32, Passes: 1, Threads: 1} }

// mind is a person's memory.
type mind string

func (m mind) Enrol(factor.Challenge, time.Time) factor.Response {
	return m.Answer(factor.Challenge{}, time.Time{})
}

func (m mind) Answer(factor.Challenge, time.Time) factor.Response {
	return factor.Response{Value: string(m)}
}

func (m mind) Misenrol(factor.Challenge, time.Time) factor.Response {
	return factor.Response{Value: "passwordpassword"}
}

func (m mind) Misanswer(factor.Challenge, time.Time) factor.Response {
	return factor.Response{Value: string(m) + "!"}
}

func TestContract(t *testing.T) {
	for what, options := range map[string]Options{"plain": {}, "peppered": {Pepper: bytes.Repeat([]byte("p"), 32)}} {
		t.Run(what, func(t *testing.T) {
			factortest.Run(t, func(*testing.T) factortest.Harness {
				var work atomic.Int64
				people := []mind{"vexing pigeons of Ulm", "wet socks on the radiator", "oboe lantern fjord pickle"}
				var next atomic.Int64
				return factortest.Harness{
					New: func(now func() time.Time, random io.Reader) (factor.Factor, error) {
						o := options
						o.Now, o.Random, o.Params = now, random, cheap()
						o.Hashed = func(p Params) { work.Add(int64(p.cost())) }
						return New(o)
					},
					Authenticator: func() factortest.Authenticator { return people[int(next.Add(1)-1)%len(people)] },
					EnrolmentLife: 15 * time.Minute, SignInLife: 15 * time.Minute, Step: time.Second,
					Reusable: true, Work: work.Load,
				}
			})
		})
	}
}

func ada(data []byte) factor.Subject {
	s := factor.Subject{
		Tenant: identity.Tenant{ID: "tnt_a", Name: "Numbat Works", Issuer: "https://sign-in.zorblat.example:8443"},
		User:   &identity.User{ID: "usr_ada", Name: "Ada Lovelace", Identifier: "ada@example.com", Email: "ada@example.com"},
	}
	if data != nil {
		s.Enrolments = []identity.Enrolment{{ID: "enr_1", User: "usr_ada", Factor: "password", Data: data}}
	}
	return s
}

func signIn(t testing.TB, f *Factor, s factor.Subject, password string) (factor.Outcome, error) {
	t.Helper()
	c, err := f.Begin(s)
	if err != nil {
		t.Fatal(err)
	}
	return f.Finish(s, c, factor.Response{Value: password})
}

const right = "vexing pigeons of Ulm"

func hash(t testing.TB, f *Factor, password string) []byte {
	t.Helper()
	data, err := f.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestN59_StoredForm(t *testing.T) {
	data := hash(t, newFactor(t, Options{}), right)
	if !strings.HasPrefix(string(data), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%s", data)
	}
	s, err := parsePHC(string(data))
	if err != nil || len(s.salt) < 4 || len(s.salt) != 16 || len(s.hash) != 32 || s.keyID != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if bytes.Equal(data, hash(t, newFactor(t, Options{}), right)) {
		t.Error("the same password has the same hash twice")
	}
}

// Verified whole: a character more, fewer, or different far out is another
// password; the two ways to write é are one.
func TestN58_VerifiedWithoutTruncation(t *testing.T) {
	f := newFactor(t, Options{Params: cheap()})
	long := strings.Repeat("wet socks on the radiator; ", 37) + "café"
	data := hash(t, f, long)
	for what, c := range map[string]struct {
		password string
		ok       bool
	}{
		"itself":           {long, true},
		"decomposed":       {norm.NFD.String(long), true},
		"one less":         {long[:len(long)-2], false},
		"one more":         {long + "!", false},
		"72 bytes":         {long[:72], false},
		"without accent":   {strings.TrimSuffix(long, "é") + "e", false},
		"other case":       {strings.ToUpper(long), false},
		"spaces at end":    {long + " ", false},
		"too long":         {strings.Repeat(long, 2), false},
		"full-width space": {strings.Replace(long, " ", "\u3000", 1), false},
		"empty":            {"", false},
		"a NUL":            {long + "\x00", false},
	} {
		if _, err := signIn(t, f, ada(data), c.password); (err == nil) != c.ok || err != nil && !errors.Is(err, factor.ErrWrong) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestN59_ParametersAreUpgradedAtSignIn(t *testing.T) {
	pepper, other := bytes.Repeat([]byte("p"), 32), bytes.Repeat([]byte("q"), 32)
	strong := Params{Memory: 64, Passes: 2, Threads: 1}
	for what, c := range map[string]struct {
		before, now Options
		upgraded    bool
	}{
		"the same":          {Options{Params: strong}, Options{Params: strong}, false},
		"weaker":            {Options{Params: cheap()}, Options{Params: strong}, true},
		"stronger":          {Options{Params: strong}, Options{Params: cheap()}, false},
		"less memory":       {Options{Params: Params{Memory: 32, Passes: 4, Threads: 1}}, Options{Params: strong}, true},
		"no pepper yet":     {Options{Params: strong}, Options{Params: strong, Pepper: pepper}, true},
		"the same pepper":   {Options{Params: strong, Pepper: pepper}, Options{Params: strong, Pepper: pepper}, false},
		"an old pepper":     {Options{Params: strong, Pepper: other}, Options{Params: strong, Pepper: pepper, OldPeppers: [][]byte{other}}, true},
		"pepper taken away": {Options{Params: strong, Pepper: other}, Options{Params: strong, OldPeppers: [][]byte{other}}, false},
	} {
		data := hash(t, newFactor(t, c.before), right)
		now := newFactor(t, c.now)
		out, err := signIn(t, now, ada(data), right)
		if err != nil || (out.Data != nil) != c.upgraded {
			t.Errorf("%s: %s, %v; want upgraded %v", what, out.Data, err, c.upgraded)
			continue
		}
		if _, err := signIn(t, now, ada(data), right+"!"); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("%s: a wrong password: %v", what, err)
		}
		if !c.upgraded {
			continue
		}
		s, err := parsePHC(string(out.Data))
		if err != nil || s.params != now.params || !bytes.Equal(s.keyID, now.current) {
			t.Errorf("%s: upgraded to %s, %v", what, out.Data, err)
		}
		if again, err := signIn(t, now, ada(out.Data), right); err != nil || again.Data != nil {
			t.Errorf("%s: after the upgrade: %s, %v", what, again.Data, err)
		}
	}
}

func TestN59_Pepper(t *testing.T) {
	pepper := bytes.Repeat([]byte("p"), 32)
	peppered := newFactor(t, Options{Params: cheap(), Pepper: pepper})
	data := hash(t, peppered, right)
	s, err := parsePHC(string(data))
	if err != nil || len(s.keyID) != keyIDSize || bytes.Contains(pepper, s.keyID) {
		t.Fatalf("%s, %v", data, err)
	}
	if s.equal(s.derive([]byte(right))) {
		t.Error("the hash verifies without the pepper")
	}
	// Without its pepper a hash is a fault of the configuration, not a wrong
	// password; and the work is done all the same.
	var work atomic.Int64
	without := newFactor(t, Options{Params: cheap(), Hashed: func(Params) { work.Add(1) }})
	if _, err := signIn(t, without, ada(data), right); err == nil || errors.Is(err, factor.ErrWrong) || work.Load() != 1 {
		t.Errorf("without the pepper: %v after %d hashes", err, work.Load())
	}
	if _, err := New(Options{Now: time.Now, Random: rand.Reader, Pepper: []byte("short")}); err == nil {
		t.Error("a pepper of five bytes was taken")
	}
}

// H-42: whoever it is, a wrong password costs the same: as many blocks filled,
// and as many hashes where the stored parameters are today's.
func TestH42_SameWorkForUnknownUsers(t *testing.T) {
	type count struct{ hashes, blocks uint64 }
	today := Params{Memory: 128, Passes: 2, Threads: 1}
	var got count
	f := newFactor(t, Options{Params: today, Hashed: func(p Params) { got.hashes++; got.blocks += p.cost() }})
	older := hash(t, newFactor(t, Options{Params: Params{Memory: 64, Passes: 1, Threads: 1}}), right)
	nobody, asleep, anothers := ada(nil), ada(hash(t, f, right)), ada(hash(t, f, right))
	nobody.User = nil
	asleep.Enrolments[0].Suspended = true
	anothers.Enrolments[0].User = "usr_bob"
	for _, c := range []struct {
		what     string
		s        factor.Subject
		password string
		hashes   uint64
	}{
		{"a known user", ada(hash(t, f, right)), "wrong", 1},
		{"nobody", nobody, "wrong", 1},
		{"a user without a password", ada(nil), "wrong", 1},
		{"a suspended password", asleep, right, 1},
		{"somebody else's password", anothers, right, 1},
		{"a hash of older parameters", ada(older), "wrong", 2},
		{"a hash that cannot be read", ada([]byte("$argon2id$")), "wrong", 1},
		{"a password that is too long", ada(hash(t, f, right)), strings.Repeat("x", 5000), 1},
		{"not UTF-8", nobody, "\xff", 1},
		{"an empty password", nobody, "", 1},
	} {
		got = count{}
		if _, err := signIn(t, f, c.s, c.password); err == nil {
			t.Errorf("%s: accepted", c.what)
		}
		if want := (count{c.hashes, today.cost()}); got != want {
			t.Errorf("%s: %+v, want %+v", c.what, got, want)
		}
	}
}

// A zero password hash, as the dummy has, matches nothing.
func TestDummyMatchesNothing(t *testing.T) {
	f := newFactor(t, Options{Params: cheap()})
	s := ada([]byte(f.dummy().String()))
	for _, p := range []string{"", right} {
		if _, err := signIn(t, f, s, p); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

// N-58 by the factor itself: what the subject shows counts beside Words.
func TestN58_EnrolmentRefusesAndSaysWhy(t *testing.T) {
	f := newFactor(t, Options{Params: cheap()})
	s := ada(nil)
	s.Words = []string{"Hummingbird Division"}
	s.MinLength = 15
	c, err := f.BeginEnrolment(s, factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Prompt; p.Autocomplete != "new-password" || !p.Concealed || p.MaxLength != 0 {
		t.Errorf("prompt %+v", p)
	}
	for password, want := range map[string]string{
		"short": "password_too_short", "passwordpassword": isRepeated, "AdaLovelace1815!": hasName, "ada@example.com1": hasName,
		"numbatworks12345": hasName, "zorblat-1234567": hasName, "Hummingbird2024!": hasName, right: "",
	} {
		got, err := f.FinishEnrolment(s, c, factor.Response{Value: password})
		if code(err) != want || (got.Data != nil) != (want == "") || (got.Proof.Class != "") != (want == "") {
			t.Errorf("%q: %q, want %q", password, code(err), want)
		}
	}
	s.MinLength = 8
	if _, err := f.FinishEnrolment(s, c, factor.Response{Value: "kJ4!xzPq"}); err != nil {
		t.Errorf("eight where a second factor is always asked: %v", err)
	}
}

func TestSignInPrompt(t *testing.T) {
	c, err := newFactor(t, Options{Params: cheap()}).Begin(ada(nil))
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Prompt; p.Autocomplete != "current-password" || !p.Concealed || p.MaxLength != 0 || p.Input != factor.Text {
		t.Errorf("prompt %+v: a maximum would cut a pasted password", p)
	}
}

func TestNewRefuses(t *testing.T) {
	for what, o := range map[string]Options{
		"no clock": {Random: rand.Reader}, "no randomness": {Now: time.Now},
		"a gigabyte":    {Now: time.Now, Random: rand.Reader, Params: Params{Memory: 1 << 20, Passes: 1, Threads: 1}},
		"half a params": {Now: time.Now, Random: rand.Reader, Params: Params{Memory: 1024}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}

// Making the factor, showing its prompts and signing in leave the embedded list
// and the keyboards alone; the first password to be set decodes them, once.
func TestNothingIsDecodedAtStart(t *testing.T) {
	f := newFactor(t, Options{Params: cheap()})
	decoded := 0
	decode := f.lists
	f.lists = func() ([]*blocklist, error) { decoded++; return decode() }
	c, err := f.BeginEnrolment(ada(nil), factor.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	if decoded != 0 {
		t.Error("the list was decoded before a password was set")
	}
	if _, err := f.FinishEnrolment(ada(nil), c, factor.Response{Value: right}); err != nil || decoded != 1 {
		t.Errorf("%v, decoded %d times", err, decoded)
	}
	// Were the list decoded by New itself, its fingerprints would show here.
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	factors := make([]*Factor, 10)
	for i := range factors {
		factors[i] = newFactor(t, Options{Params: cheap()})
	}
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(factors)
	if each := (after.TotalAlloc - before.TotalAlloc) / 10; each > 8<<10 {
		t.Errorf("New allocates %d bytes", each)
	}
	if first, err := f.lists(); err != nil || !slices.Equal(first, must(decode())) {
		t.Error("the list is decoded anew each time")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func BenchmarkSignIn(b *testing.B) {
	f := newFactor(b, Options{})
	s := ada(hash(b, f, right))
	for b.Loop() {
		if _, err := signIn(b, f, s, right); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkArgon2id is the limit that BenchmarkSignIn is held against.
func BenchmarkArgon2id(b *testing.B) {
	f := newFactor(b, Options{})
	for b.Loop() {
		f.dummy().derive([]byte(right))
	}
}

func BenchmarkCheck(b *testing.B) {
	f := newFactor(b, Options{})
	for b.Loop() {
		if err := f.Check(right, 15, personalWords()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewAndFirstCheck(b *testing.B) {
	for b.Loop() {
		if err := newFactor(b, Options{}).Check(right, 15, nil); err != nil {
			b.Fatal(err)
		}
	}
}
