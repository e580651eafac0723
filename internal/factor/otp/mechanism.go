package otp

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	minKey  = 16
	idBytes = 16
	tries   = 5 // responses to one code (O-02)
)

// Options say how an instance is made. All are required.
type Options struct {
	Now    func() time.Time
	Random io.Reader
	// Key answers the key of a tenant, of 16 bytes or more, under which codes are
	// kept and channels named. It is asked at every challenge and response, must
	// be kept apart from the database, and must not change while passwords and
	// sessions name channels under it (see [identity.ChannelOf]).
	Key func(tenant string) ([]byte, error)
}

// mechanism is what SMS, e-mail and tickets share: a code is made, sent, kept
// as a keyed hash, and recognised.
type mechanism struct {
	name   string
	now    func() time.Time
	random io.Reader
	keys   func(tenant string) ([]byte, error)
}

func newMechanism(name string, o Options) (mechanism, error) {
	if o.Now == nil || o.Random == nil || o.Key == nil {
		return mechanism{}, errors.New("otp: needs a clock, randomness and a key")
	}
	return mechanism{name: name, now: o.Now, random: o.Random, keys: o.Key}, nil
}

func (m mechanism) key(s factor.Subject) ([]byte, error) {
	key, err := m.keys(s.Tenant.ID)
	if err != nil {
		return nil, fmt.Errorf("otp: the tenant's key: %w", err)
	}
	if len(key) < minKey {
		return nil, fmt.Errorf("otp: the tenant's key has %d bytes; want %d or more", len(key), minKey)
	}
	return key, nil
}

// posed is what a state keeps of a code.
type posed struct {
	ID        []byte       `json:"id"` // of this challenge alone; salts the hash
	At        int64        `json:"at"` // microseconds
	Hash      []byte       `json:"hash"`
	Sent      bool         `json:"sent,omitempty"`      // false: nobody got it, so nobody has it
	Enrolment string       `json:"enrolment,omitempty"` // whose destination it went to
	To        *destination `json:"to,omitempty"`        // at enrolment: where it went
}

// pose keeps a code for a purpose and a destination. q says whose it is.
func (m mechanism) pose(s factor.Subject, p factor.Purpose, d destination, q posed, code string) (posed, error) {
	key, err := m.key(s)
	if err != nil {
		return posed{}, err
	}
	q.ID, q.At = make([]byte, idBytes), m.now().UnixMicro()
	if _, err := io.ReadFull(m.random, q.ID); err != nil {
		return posed{}, fmt.Errorf("otp: no randomness: %w", err)
	}
	q.Hash = m.hash(key, s, p, d, q, code)
	return q, nil
}

// is reports, in constant time, whether a typed code is the one that was posed
// to this person for this purpose at this destination. valid says whether it
// has the form of a code at all.
func (m mechanism) is(s factor.Subject, p factor.Purpose, d destination, q posed, code string, valid bool) (bool, error) {
	key, err := m.key(s)
	if err != nil {
		return false, err
	}
	same := subtle.ConstantTimeCompare(m.hash(key, s, p, d, q, code), q.Hash)
	return same == 1 && valid && q.Sent, nil
}

// hash binds a code to everything that it is for (O-03), length before each
// part, so that no two lists of parts read alike.
func (m mechanism) hash(key []byte, s factor.Subject, p factor.Purpose, d destination, q posed, code string) []byte {
	user := ""
	if s.User != nil {
		user = s.User.ID
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("code\x00"))
	for _, part := range []string{m.name, string(rune(p)), s.Purpose, s.Tenant.ID, user, d.Channel, d.To, q.Enrolment, string(q.ID), code} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

func (q posed) bytes() ([]byte, error) { return json.Marshal(q) }

func parsePosed(body []byte) (posed, error) {
	var q posed
	if err := strict(body, &q); err != nil || len(q.ID) != idBytes || len(q.Hash) != sha256.Size {
		return posed{}, factor.ErrForeign
	}
	return q, nil
}

// strict reads one JSON value of known fields and nothing after it.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows")
	}
	return nil
}

// message tells a person a code. The engine fills in id and time.
func (m mechanism) message(s factor.Subject, kind string, d destination, code string, until time.Time) identity.Message {
	out := identity.Message{
		Kind: kind, Channel: d.Channel, To: d.To, Name: greeting(s.User), Code: code,
		Country: d.Country, Prefix: d.Prefix, Locale: s.Locale, Expires: until,
	}
	if s.User != nil {
		out.User = s.User.ID
	}
	return out
}

func wrong() error { return refuse("code_invalid") }
