// Package password answers "does this person know the secret that they chose?",
// and "is that secret fit to be chosen?".
//
// Passwords are compared whole, as Unicode text in NFC, and kept as argon2id
// hashes in PHC strings, behind an optional keyed step. For somebody unknown
// the same work is done. What is refused at enrolment is what a guesser tries
// first: known passwords, keyboard runs, repeats, the person's own name.
//
//	password.go    the factor: enrolment, sign-in, upgrade of old hashes
//	phc.go         how a hash is written and read, and its bounds
//	check.go       length, and why a password is refused
//	material.go    how much of a password is left to guess, in bits
//	blocklist.go   common passwords, words and phrases; gen/ makes the list
//	keyboard.go    runs of keys
//	fold.go        the form in which passwords are looked up
package password

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed" // the list of common passwords
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

//go:generate go run gen/main.go
//go:embed common.bin
var embedded string

const (
	name      = "password"
	life      = 15 * time.Minute // of a challenge
	keyIDSize = 8
	minPepper = 16
	// space is nominal, for the guessing limits: it gives strangers 50 wrong
	// tries in a month and known devices 12, half of what SP 800-63B-4, 3.2.2
	// allows. It says nothing about how strong a password is.
	space = 625_000
)

// Options say how the factor is made. Now and Random are required.
type Options struct {
	Now    func() time.Time
	Random io.Reader
	Params Params // default [DefaultParams]
	// Pepper, of 16 bytes or more, keys the step before the hash. It must be kept
	// apart from the database (SP 800-63B-4, 3.1.1.2). OldPeppers still verify;
	// whoever signs in moves on to Pepper.
	Pepper     []byte
	OldPeppers [][]byte
	// Blocklist is a list beside the embedded one, binary as [WriteBlocklist]
	// makes it or text with one password a line. It is read by New.
	Blocklist io.Reader
	// Hashed is told of every hash computed, for metrics and tests.
	Hashed func(Params)
}

// Factor is the password factor. It is safe for concurrent use.
type Factor struct {
	now     func() time.Time
	random  io.Reader
	params  Params
	current []byte            // id of the current pepper; nil without one
	peppers map[string][]byte // by id
	extra   *blocklist
	hashed  func(Params)
	lists   func() ([]*blocklist, error) // decodes the embedded list when first asked
	keys    func() *keyboards
}

// New decodes nothing of the embedded list and computes no hash.
func New(o Options) (*Factor, error) {
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("password: needs a clock and randomness")
	}
	if o.Params == (Params{}) {
		o.Params = DefaultParams()
	}
	if err := o.Params.valid(); err != nil {
		return nil, err
	}
	f := &Factor{now: o.Now, random: o.Random, params: o.Params, hashed: o.Hashed, peppers: map[string][]byte{}}
	for _, key := range slices.Concat([][]byte{o.Pepper}, o.OldPeppers) {
		if len(key) == 0 {
			continue
		}
		if len(key) < minPepper {
			return nil, fmt.Errorf("password: a pepper of %d bytes; want %d or more", len(key), minPepper)
		}
		f.peppers[string(keyID(key))] = key
	}
	if len(o.Pepper) > 0 {
		f.current = keyID(o.Pepper)
	}
	if o.Blocklist != nil {
		extra, err := readBlocklist(o.Blocklist)
		if err != nil {
			return nil, err
		}
		f.extra = extra
	}
	f.lists = sync.OnceValues(f.decode)
	f.keys = sync.OnceValue(newKeyboards)
	return f, nil
}

func (f *Factor) decode() ([]*blocklist, error) {
	ours, err := parseBlocklist(embedded)
	if err != nil {
		return nil, fmt.Errorf("password: embedded %w", err)
	}
	if f.extra == nil {
		return []*blocklist{ours}, nil
	}
	return []*blocklist{ours, f.extra}, nil
}

// Facts says that a hash is heavy at FinishEnrolment as at Finish.
func (f *Factor) Facts() factor.Facts {
	return factor.Facts{
		Name: name, Class: assurance.Memorized, Kinds: []factor.Kind{factor.Knowledge}, AMR: "pwd",
		First: true, Max: 1, Heavy: true, Hidden: true, Replaces: true, Accepted: 1, Space: space, Best: proof(),
	}
}

func proof() assurance.Proof {
	return assurance.Proof{Factor: name, Class: assurance.Memorized, AMR: "pwd"}
}

func bound(p factor.Purpose) factor.Bound { return factor.Bound{Factor: name, Purpose: p, Life: life} }

// prompt has no maximum length: a browser would cut a pasted password to it.
func prompt(autocomplete string) factor.Prompt {
	return factor.Prompt{Input: factor.Text, Autocomplete: autocomplete, Concealed: true}
}

// BeginEnrolment asks for a new password.
func (f *Factor) BeginEnrolment(s factor.Subject, _ factor.Asked) (factor.Challenge, error) {
	if s.User == nil {
		return factor.Challenge{}, factor.ErrWrong
	}
	return factor.Challenge{State: bound(factor.ForEnrolment).State(s, f.now(), nil), Prompt: prompt("new-password")}, nil
}

// FinishEnrolment answers the refusals of [Factor.Check]. A password that was
// just chosen is known: whoever was let choose it need not type it again.
func (f *Factor) FinishEnrolment(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Enrolled, error) {
	if err := open(factor.ForEnrolment, s, f.now(), c); err != nil {
		return factor.Enrolled{}, err
	}
	if s.User == nil {
		return factor.Enrolled{}, factor.ErrForeign
	}
	password, err := f.check(r.Value, s.MinLength, words(s))
	if err != nil {
		return factor.Enrolled{}, err
	}
	data, err := f.hash(password)
	return factor.Enrolled{Data: data, Proof: proof()}, err
}

// Begin shows a field for the password and nothing else.
func (f *Factor) Begin(s factor.Subject) (factor.Challenge, error) {
	return factor.Challenge{State: bound(factor.ForSignIn).State(s, f.now(), nil), Prompt: prompt("current-password")}, nil
}

// Finish verifies a password. A wrong one costs as much work for nobody, for
// somebody without a password, and for a hash of older, cheaper parameters.
// Outcome.Data is a new hash where the stored one is weaker than today's.
func (f *Factor) Finish(s factor.Subject, c factor.Challenge, r factor.Response) (factor.Outcome, error) {
	if err := open(factor.ForSignIn, s, f.now(), c); err != nil {
		return factor.Outcome{}, err
	}
	password, valid := normalise(r.Value)
	e, known := pick(s)
	kept := f.dummy()
	var broken error
	if known {
		var err error
		if kept, err = f.read(e.Data); err != nil {
			kept, broken = f.dummy(), err
		}
	}
	matches := kept.equal(f.derive(kept, password))
	if broken != nil || !known || !valid || !matches {
		f.topUp(kept.params)
		if broken != nil {
			return factor.Outcome{}, broken
		}
		return factor.Outcome{}, factor.ErrWrong
	}
	out := factor.Outcome{Proof: proof(), Enrolment: e.ID}
	if f.listed(password) {
		out.Reasons = []string{factor.ReasonBreached}
	}
	if f.weaker(kept) {
		data, err := f.hash(password)
		if err != nil {
			return factor.Outcome{}, err
		}
		out.Data = data
	}
	return out, nil
}

func open(p factor.Purpose, s factor.Subject, now time.Time, c factor.Challenge) error {
	body, err := bound(p).Open(s, now, c.State)
	if err == nil && len(body) != 0 {
		err = factor.ErrForeign
	}
	return err
}

func pick(s factor.Subject) (identity.Enrolment, bool) {
	if s.User == nil || s.User.ID == "" {
		return identity.Enrolment{}, false
	}
	for _, e := range s.Enrolments {
		if e.Factor == name && e.User == s.User.ID && !e.Suspended && (s.Chosen == "" || s.Chosen == e.ID) {
			return e, true
		}
	}
	return identity.Enrolment{}, false
}

// Hash returns the data of an enrolment with this password, which it does not
// judge: call [Factor.Check] first. It is for those who set a password without
// a challenge.
func (f *Factor) Hash(password string) ([]byte, error) {
	password, ok := normalise(password)
	if !ok {
		return nil, refuse("password_invalid")
	}
	return f.hash(password)
}

// hash makes the data for a normalised password under today's parameters.
func (f *Factor) hash(password string) ([]byte, error) {
	s := stored{params: f.params, keyID: f.current, salt: make([]byte, saltBytes), hash: make([]byte, hashBytes)}
	if _, err := io.ReadFull(f.random, s.salt); err != nil {
		return nil, fmt.Errorf("password: no randomness: %w", err)
	}
	s.hash = f.derive(s, password)
	return []byte(s.String()), nil
}

// read parses a stored hash and finds its pepper.
func (f *Factor) read(data []byte) (stored, error) {
	s, err := parsePHC(string(data))
	if err != nil {
		return stored{}, err
	}
	if len(s.keyID) > 0 && f.peppers[string(s.keyID)] == nil {
		return stored{}, errors.New("password: stored hash: its pepper is not configured")
	}
	return s, nil
}

// dummy is a hash that no password has, of today's cost.
func (f *Factor) dummy() stored {
	return stored{params: f.params, keyID: f.current, salt: make([]byte, saltBytes), hash: make([]byte, hashBytes)}
}

// derive computes one hash: the keyed step, if there is one, then argon2id.
func (f *Factor) derive(s stored, password string) []byte {
	f.count(s.params)
	prepared := []byte(password)
	if len(s.keyID) > 0 {
		prepared = keyed(f.peppers[string(s.keyID)], "password", prepared)
	}
	return s.derive(prepared)
}

// topUp does the work by which a wrong guess at an older, cheaper hash would
// answer sooner than a guess at nobody's.
func (f *Factor) topUp(done Params) {
	if done.cost() >= f.params.cost() {
		return
	}
	missing := Params{
		Memory: uint32((f.params.cost() - done.cost()) / uint64(f.params.Passes)),
		Passes: f.params.Passes, Threads: f.params.Threads,
	}
	if missing.valid() == nil { // else it is too little to be measured
		dummy := f.dummy()
		dummy.params = missing
		f.derive(dummy, "")
	}
}

// weaker reports whether a hash would be made better today. It is never made
// cheaper than it is.
func (f *Factor) weaker(s stored) bool {
	return s.params.cost() < f.params.cost() || s.params.cost() == f.params.cost() && s.params.Memory < f.params.Memory ||
		len(s.salt) < saltBytes || len(s.hash) < hashBytes ||
		f.current != nil && !bytes.Equal(s.keyID, f.current)
}

func (f *Factor) count(p Params) {
	if f.hashed != nil {
		f.hashed(p)
	}
}

func keyID(pepper []byte) []byte { return keyed(pepper, "id", nil)[:keyIDSize] }

// keyed is the keyed step; label keeps its uses apart.
func keyed(pepper []byte, label string, message []byte) []byte {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(label))
	mac.Write([]byte{0})
	mac.Write(message)
	return mac.Sum(nil)
}

// words are what a password may not be made of: what the engine says, and what
// the subject shows anyway.
func words(s factor.Subject) []string {
	out := append(slices.Clone(s.Words), s.Tenant.Name, s.User.Name, s.User.Email, s.User.Identifier)
	if u, err := url.Parse(s.Tenant.Issuer); err == nil {
		out = append(out, "x@"+u.Hostname()) // so that its last label is passed over
	}
	return out
}
