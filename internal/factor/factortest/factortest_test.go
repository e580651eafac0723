package factortest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const toyLife = 5 * time.Minute

// toy is a factor that keeps the contract: a counter-based code under a random
// key. breaks names the one rule that it is told to break.
type toy struct {
	now    func() time.Time
	random io.Reader
	breaks string
	worked *atomic.Int64
}

func (y toy) Facts() factor.Facts {
	f := factor.Facts{
		Name: "toy", Class: assurance.OneTime, Kinds: []factor.Kind{factor.Possession}, AMR: "otp",
		First: true, Heavy: true, Accepted: 1, Space: 1_000_000, Best: y.proof(),
	}
	if y.breaks == "Facts" {
		f.Accepted = 0
	}
	return f
}

func (y toy) proof() assurance.Proof {
	return assurance.Proof{Factor: "toy", Class: assurance.OneTime, AMR: "otp"}
}

func (y toy) bound(p factor.Purpose) factor.Bound {
	b := factor.Bound{Factor: "toy", Purpose: p, Life: toyLife}
	if y.breaks == "OtherPurpose" {
		b.Purpose = 'x'
	}
	if p == factor.ForSignIn && y.breaks == "ExpiredSignInRefused" || p == factor.ForEnrolment && y.breaks == "ExpiredEnrolmentRefused" {
		b.Life *= 2
	}
	return b
}

// owner is the subject that states are bound to.
func (y toy) owner(s factor.Subject) factor.Subject {
	if y.breaks == "ForeignChallenge" {
		s.Tenant.ID = "tnt_any"
	}
	return s
}

func code(key []byte, counter uint64) string {
	mac := hmac.New(sha256.New, key)
	_ = binary.Write(mac, binary.BigEndian, counter)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func (y toy) BeginEnrolment(s factor.Subject, _ factor.Asked) (factor.Challenge, error) {
	key := make([]byte, 16)
	if y.breaks == "Randomness" {
		copy(key, s.User.ID)
	} else if _, err := io.ReadFull(y.random, key); err != nil {
		return factor.Challenge{}, err
	}
	if s.User == nil {
		return factor.Challenge{}, factor.ErrWrong
	}
	return factor.Challenge{
		State:  y.bound(factor.ForEnrolment).State(y.owner(s), y.now(), key),
		Prompt: factor.Prompt{Input: factor.Text, Secret: hex.EncodeToString(key)},
	}, nil
}

func (y toy) FinishEnrolment(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	key, err := y.bound(factor.ForEnrolment).Open(y.owner(s), y.now(), c.State)
	if err != nil {
		return factor.Enrolled{}, err
	}
	if len(key) != 16 || y.breaks != "WrongEnrolmentRefused" && r.Value != code(key, 1) {
		return factor.Enrolled{}, factor.ErrWrong
	}
	next := uint64(2)
	if y.breaks == "ConfirmationConsumed" {
		next = 1
	}
	return factor.Enrolled{Data: binary.BigEndian.AppendUint64(key[:16:16], next), Proof: y.proof()}, nil
}

func (y toy) Begin(s factor.Subject) (factor.Challenge, error) {
	c := factor.Challenge{Prompt: factor.Prompt{Input: factor.Text}}
	switch y.breaks {
	case "NoSecretInPrompt":
		c.Prompt.SentTo = s.User.Email
	case "UnknownUser prompt":
		if s.User != nil {
			c.Prompt.MaxLength = 16
		}
	}
	var body []byte
	if y.breaks == "Restart" {
		body = fmt.Appendf(nil, "%p", y.random)
	}
	c.State = y.bound(factor.ForSignIn).State(y.owner(s), y.now(), body)
	return c, nil
}

func (y toy) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	body, err := y.bound(factor.ForSignIn).Open(y.owner(s), y.now(), c.State)
	if err != nil && y.breaks != "TamperedState" {
		return factor.Outcome{}, err
	}
	if y.breaks == "Restart" && string(body) != fmt.Sprintf("%p", y.random) {
		return factor.Outcome{}, factor.ErrWrong
	}
	key, id, next := make([]byte, 16), "", uint64(0)
	for _, e := range s.Enrolments {
		usable := s.User != nil && s.User.ID != "" && e.User == s.User.ID && (s.Chosen == "" || s.Chosen == e.ID)
		usable = usable || y.breaks == "OtherUsersEnrolment"
		if !usable || e.Factor != "toy" || e.Suspended && y.breaks != "SuspendedOrForeignEnrolment" {
			continue
		}
		if len(e.Data) != 24 && (y.breaks != "DamagedData" || len(e.Data) < 24) {
			return factor.Outcome{}, fmt.Errorf("toy: data of %d bytes", len(e.Data))
		}
		key, id, next = e.Data[:16], e.ID, binary.BigEndian.Uint64(e.Data[16:])
		if y.breaks == "FinishChangesNothingInPlace" {
			binary.BigEndian.PutUint64(e.Data[16:], next+1)
		}
	}
	if id != "" || y.breaks != "UnknownUser work" {
		y.worked.Add(1)
	}
	right := subtle.ConstantTimeCompare([]byte(code(key, next)), []byte(r.Value)) == 1
	if y.breaks == "WrongResponseRefused" {
		right = right || strings.HasPrefix(r.Value, code(key, next)[:4])
	}
	if id == "" || !right {
		return factor.Outcome{}, factor.ErrWrong
	}
	out := factor.Outcome{Proof: y.proof(), Enrolment: id, Data: binary.BigEndian.AppendUint64(key[:16:16], next+1)}
	switch y.breaks {
	case "ReplayRefused":
		out.Data = nil
	case "EnrolAndSignIn":
		out.Proof.Enrolment = id
	}
	return out, nil
}

// token is the authenticator of a toy.
type token struct {
	key     []byte
	counter uint64
}

func (k *token) Enrol(c factor.Challenge, _ time.Time) factor.Response {
	k.key, _ = hex.DecodeString(c.Prompt.Secret)
	k.counter = 1
	return factor.Response{Value: code(k.key, 1)}
}

func (k *token) Answer(_ factor.Challenge, _ time.Time) factor.Response {
	return factor.Response{Value: code(k.key, k.counter+1)}
}

func (k *token) Misenrol(factor.Challenge, time.Time) factor.Response {
	return factor.Response{Value: "ffffffffffffffff"}
}

func (k *token) Misanswer(c factor.Challenge, at time.Time) factor.Response {
	n, _ := new(big.Int).SetString(k.Answer(c, at).Value, 16)
	return factor.Response{Value: fmt.Sprintf("%016x", n.Xor(n, big.NewInt(1)))}
}

// toyHarness counts each acceptance with the authenticator by the clock: one
// step of the clock is one press of its button.
func toyHarness(breaks string) Harness {
	var worked atomic.Int64
	return Harness{
		New: func(now func() time.Time, random io.Reader) (factor.Factor, error) {
			return toy{now: now, random: random, breaks: breaks, worked: &worked}, nil
		},
		Authenticator: func() Authenticator { return &clocked{} },
		EnrolmentLife: toyLife, SignInLife: toyLife, Step: time.Second,
		Work: worked.Load,
	}
}

// clocked presses the token's button as often as it was answered rightly.
type clocked struct {
	token
	last time.Time
}

func (k *clocked) Enrol(c factor.Challenge, at time.Time) factor.Response {
	k.last = at.Add(time.Second)
	return k.token.Enrol(c, at)
}

func (k *clocked) Answer(c factor.Challenge, at time.Time) factor.Response {
	if at.After(k.last) && at.Sub(k.last) < time.Minute {
		k.counter++
	}
	k.last = at
	return k.token.Answer(c, at)
}

func TestAFactorThatKeepsTheContractPasses(t *testing.T) {
	Run(t, func(*testing.T) Harness { return toyHarness("") })
}

// Every check can fail: a factor that breaks one rule is caught by the check of
// that name.
func TestEveryCheckCatchesItsBreach(t *testing.T) {
	also := map[string][]string{"UnknownUser": {"UnknownUser prompt", "UnknownUser work"}}
	for _, c := range checks() {
		if c.name == "Concurrent" {
			continue // the race detector's work
		}
		breaches := also[c.name]
		if breaches == nil {
			breaches = []string{c.name}
		}
		for _, breach := range breaches {
			err := safely(c, toyHarness(breach))
			if err == nil {
				t.Errorf("check %s lets pass a factor that breaks %s", c.name, breach)
			} else {
				t.Logf("%s: %.150s", breach, strings.ReplaceAll(err.Error(), "\n", "; "))
			}
		}
	}
}

func safely(c check, h Harness) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return c.hold(h)
}

func TestDamagedHasEveryBitAndCut(t *testing.T) {
	whole := []byte{1, 2, 3}
	seen := map[string]bool{}
	for _, b := range damaged(whole) {
		if bytes.Equal(b, whole) {
			t.Error("the whole is among the damaged")
		}
		seen[string(b)] = true
	}
	if want := 3*8 + 3 + 2; len(seen) != want { // the first cut leaves nothing
		t.Errorf("%d forms, want %d", len(seen), want)
	}
}

// slip is a ticket that keeps the contract, or breaks the rule that it is told
// to break. Its code is a hash of its state: nobody reads states.
type slip struct{ toy }

func (y slip) Facts() factor.Facts {
	f := factor.Facts{Name: "slip", Ticket: true, Hidden: true, Sends: true, Accepted: 1, Space: 1 << 40}
	if y.breaks == "Facts" {
		f.Class = assurance.Mailbox
	}
	return f
}

func (y slip) BeginEnrolment(factor.Subject, factor.Asked) (factor.Challenge, error) {
	return factor.Challenge{}, factor.ErrWrong
}

func (y slip) Begin(s factor.Subject) (factor.Challenge, error) {
	c, err := y.toy.Begin(s)
	if err != nil {
		return c, err
	}
	if s.Address == "" || s.Address == "@" {
		if y.breaks == "UnknownUser" {
			c.Prompt.MaxLength = 8
		}
		return c, nil
	}
	c.Send = []identity.Message{{To: s.Address, Code: code(c.State, 0)}}
	return c, nil
}

func (y slip) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	body, err := y.bound(factor.ForSignIn).Open(y.owner(s), y.now(), c.State)
	want := code(c.State, 0)
	switch {
	case err != nil && y.breaks == "TamperedState":
		return factor.Outcome{}, nil
	case err != nil:
		return factor.Outcome{}, err
	case y.breaks == "Restart" && string(body) != fmt.Sprintf("%p", y.random):
		return factor.Outcome{}, factor.ErrWrong
	case y.breaks == "FinishChangesNothingInPlace":
		c.State[0]++
	case y.breaks == "UnknownUser accepted" && s.Address == "":
		return factor.Outcome{}, nil
	case y.breaks == "WrongResponseRefused" && strings.HasPrefix(r.Value, want[:4]):
		return factor.Outcome{}, nil
	case y.breaks == "WrongResponseRefused error":
		return factor.Outcome{}, errors.New("wrong")
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(r.Value)) != 1 || s.Address == "" {
		return factor.Outcome{}, factor.ErrWrong
	}
	if y.breaks == "Proof" {
		return factor.Outcome{Proof: y.proof()}, nil
	}
	return factor.Outcome{}, nil
}

// reader opens the mail of one person.
type reader struct{ token }

func (k *reader) Answer(c factor.Challenge, _ time.Time) factor.Response {
	if len(c.Send) == 0 {
		return factor.Response{Value: "0000000000000000"}
	}
	return factor.Response{Value: c.Send[0].Code}
}

func (k *reader) Misanswer(c factor.Challenge, at time.Time) factor.Response {
	v := k.Answer(c, at).Value
	return factor.Response{Value: v[:15] + map[bool]string{true: "1", false: "0"}[v[15] == '0']}
}

func slipHarness(breaks string) Harness {
	return Harness{
		New: func(now func() time.Time, random io.Reader) (factor.Factor, error) {
			return slip{toy: toy{now: now, random: random, breaks: breaks}}, nil
		},
		Authenticator: func() Authenticator { return &reader{} },
		SignInLife:    toyLife, Step: time.Second,
		Subject: func(s *factor.Subject) { s.Address, s.Channel = s.User.Email, "email" },
	}
}

func TestATicketThatKeepsTheContractPasses(t *testing.T) {
	Run(t, func(*testing.T) Harness { return slipHarness("") })
}

func TestEveryTicketCheckCatchesItsBreach(t *testing.T) {
	also := map[string][]string{
		"UnknownUser":          {"UnknownUser", "UnknownUser accepted"},
		"WrongResponseRefused": {"WrongResponseRefused", "WrongResponseRefused error", "Proof"},
	}
	caught := 0
	for _, c := range checks() {
		if !c.ticket || c.name == "Concurrent" {
			continue
		}
		breaches := also[c.name]
		if breaches == nil {
			breaches = []string{c.name}
		}
		for _, breach := range breaches {
			if err := safely(c, slipHarness(breach)); err == nil {
				t.Errorf("check %s lets pass a ticket that breaks %s", c.name, breach)
			}
			caught++
		}
	}
	if caught < 11 {
		t.Errorf("only %d breaches were tried", caught)
	}
}
