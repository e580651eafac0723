package factor

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ada() Subject {
	return Subject{Tenant: identity.Tenant{ID: "tnt_a"}, User: &identity.User{ID: "usr_ada"}}
}

func TestBoundOpensWhatItWrote(t *testing.T) {
	b := Bound{Factor: "totp", Purpose: ForEnrolment, Life: time.Minute}
	for _, body := range []string{"", "x", "a body of some length"} {
		got, err := b.Open(ada(), noon.Add(59*time.Second), b.State(ada(), noon, []byte(body)))
		if err != nil || string(got) != body {
			t.Errorf("body %q: %q, %v", body, got, err)
		}
	}
	nobody := Subject{Tenant: identity.Tenant{ID: "tnt_a"}}
	if _, err := b.Open(nobody, noon, b.State(nobody, noon, nil)); err != nil {
		t.Errorf("a state for nobody known: %v", err)
	}
}

func TestBoundRefusesWhatIsNotItsOwn(t *testing.T) {
	b := Bound{Factor: "totp", Purpose: ForEnrolment, Life: time.Minute}
	state := b.State(ada(), noon, []byte("secret"))
	otherTenant, otherUser, nobody := ada(), ada(), ada()
	otherTenant.Tenant.ID = "tnt_b"
	otherUser.User = &identity.User{ID: "usr_bob"}
	nobody.User = nil
	// Tenant and user must not run into each other.
	shifted := Subject{Tenant: identity.Tenant{ID: "tnt_au"}, User: &identity.User{ID: "sr_ada"}}
	for name, try := range map[string]func() ([]byte, error){
		"tenant":  func() ([]byte, error) { return b.Open(otherTenant, noon, state) },
		"user":    func() ([]byte, error) { return b.Open(otherUser, noon, state) },
		"nobody":  func() ([]byte, error) { return b.Open(nobody, noon, state) },
		"shifted": func() ([]byte, error) { return b.Open(shifted, noon, state) },
		"factor": func() ([]byte, error) {
			return Bound{Factor: "sms", Purpose: ForEnrolment, Life: time.Minute}.Open(ada(), noon, state)
		},
		"purpose": func() ([]byte, error) {
			return Bound{Factor: "totp", Purpose: ForSignIn, Life: time.Minute}.Open(ada(), noon, state)
		},
		"longer":  func() ([]byte, error) { return b.Open(ada(), noon, append(bytes.Clone(state), 0)) },
		"shorter": func() ([]byte, error) { return b.Open(ada(), noon, state[:len(state)-1]) },
		"nothing": func() ([]byte, error) { return b.Open(ada(), noon, nil) },
	} {
		if body, err := try(); body != nil || !errors.Is(err, ErrForeign) || !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %q, %v; want ErrForeign", name, body, err)
		}
	}
}

func TestBoundEndsOnTime(t *testing.T) {
	b := Bound{Factor: "totp", Purpose: ForSignIn, Life: 10 * time.Minute}
	state := b.State(ada(), noon, nil)
	for after, want := range map[time.Duration]bool{
		0: true, b.Life - time.Microsecond: true, b.Life: false, time.Hour: false,
		-b.Life + time.Microsecond: true, -b.Life: false, -time.Hour: false,
	} {
		_, err := b.Open(ada(), noon.Add(after), state)
		var refusal *Refusal
		if expired := errors.As(err, &refusal) && refusal.Code == "code_expired"; (err == nil) != want || expired == want {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

// Every changed bit and every cut is refused, and nothing panics.
func FuzzBoundOpen(f *testing.F) {
	b := Bound{Factor: "totp", Purpose: ForEnrolment, Life: time.Minute}
	state := b.State(ada(), noon, []byte("secret"))
	f.Add(state)
	for i := range state {
		for bit := range 8 {
			bad := bytes.Clone(state)
			bad[i] ^= 1 << bit
			f.Add(bad)
		}
		f.Add(state[:i])
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		body, err := b.Open(ada(), noon, in)
		if err == nil && !bytes.Equal(b.State(ada(), stateTime(in), body), in) {
			t.Fatalf("%x opened to %x", in, body)
		}
		if len(in) == len(state) && !bytes.Equal(in, state) && err == nil && bytes.Equal(body, []byte("secret")) && stateTime(in).Equal(noon) {
			t.Fatalf("two forms of one state: %x", in)
		}
	})
}

func stateTime(state []byte) time.Time {
	var micros int64
	for _, c := range state[2:10] {
		micros = micros<<8 | int64(c)
	}
	return time.UnixMicro(micros)
}
