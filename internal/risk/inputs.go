package risk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Inputs are all that an assessment rests on: counts, keyed hashes and coarse
// labels. They never hold an address or a header. A nil pointer means that
// nobody could tell.
type Inputs struct {
	Version    int        `json:"v"`
	Thresholds Thresholds `json:"thresholds"`
	History    History    `json:"history"`
	Address    Feature    `json:"address"` // address, ASN, country
	Agent      Feature    `json:"agent"`   // full, browser and version, OS and version, device type
	Device     Device     `json:"device,omitempty"`
	Travel     Travel     `json:"travel"`
	Hours      Hours      `json:"hours"`
	Failures   Failures   `json:"failures"`
	Networks   *[]Listing `json:"networks,omitempty"` // nil: no list could be read
	Changed    *int64     `json:"changed,omitempty"`  // seconds since a factor or the password was changed
	Breached   *bool      `json:"breached,omitempty"` // the password just used is known from a breach
	Theft      *int64     `json:"theft,omitempty"`    // seconds since something of the user's was seen stolen; nil: never
	Client     Client     `json:"client,omitempty"`
}

// Thresholds are a tenant's, in thousandths: a score from Challenge on is
// Medium, from Deny on High. Both zero means 500 and 950.
type Thresholds struct {
	Challenge int `json:"challenge,omitempty"`
	Deny      int `json:"deny,omitempty"`
}

// History counts finished sign-ins inside the retention.
type History struct {
	Users int64 `json:"users"` // users with at least one
	All   int64 `json:"all"`   // of everybody in the tenant
	Own   int64 `json:"own"`   // of this user
}

// Feature is a hierarchy of values, the finest first. A feature without levels
// is missing as a whole.
type Feature []Level

// Level is one value of a hierarchy and how often it was seen.
type Level struct {
	Missing     bool   `json:"missing,omitempty"` // the value is not known; its counts do not count
	Key         string `json:"key,omitempty"`     // a keyed hash, or a label as coarse as a country
	All         int64  `json:"all"`               // finished sign-ins of everybody with this value
	Own         int64  `json:"own"`               // of this user
	DistinctAll int64  `json:"distinctAll"`       // different values of this level that anybody had
	DistinctOwn int64  `json:"distinctOwn"`       // that this user had
}

// The number of levels of each hierarchy.
const (
	AddressLevels = 3
	AgentLevels   = 4
)

// EncodeInputs gives the bytes that an event keeps. Equal inputs give equal bytes.
func EncodeInputs(in Inputs) ([]byte, error) { return json.Marshal(in) }

// most bounds what is decoded: an event's inputs are a few hundred bytes.
const most = 16 << 10

var errInputs = errors.New("risk: the inputs contradict themselves")

// DecodeInputs reads what EncodeInputs wrote. A field it does not know is an
// error, for it may belong to newer rules.
func DecodeInputs(b []byte) (Inputs, error) {
	if len(b) > most {
		return Inputs{}, fmt.Errorf("risk: inputs of %d bytes", len(b))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var in Inputs
	if err := d.Decode(&in); err != nil {
		return Inputs{}, fmt.Errorf("risk: inputs: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Inputs{}, errors.New("risk: something follows the inputs")
	}
	return in, in.check()
}

// ceiling keeps every product of the model inside its integers.
const ceiling = 1 << 40

func (in Inputs) check() error {
	h := in.History
	if h.Own < 0 || h.Own > h.All || h.All > ceiling || h.Users < 0 || h.Users > h.All {
		return errInputs
	}
	if h.Own > 0 && h.Users == 0 {
		return errInputs
	}
	t := in.Thresholds
	if t.Challenge < 0 || t.Challenge > t.Deny || t.Deny > 1000 {
		return errInputs
	}
	if !in.Address.sound(h, AddressLevels) || !in.Agent.sound(h, AgentLevels) {
		return errInputs
	}
	return nil
}

func (f Feature) sound(h History, levels int) bool {
	if len(f) != 0 && len(f) != levels {
		return false
	}
	for _, l := range f {
		if l.Own < 0 || l.Own > l.All || l.Own > h.Own || l.All > h.All {
			return false
		}
		if l.DistinctOwn < 0 || l.DistinctOwn > h.Own || l.DistinctAll < l.DistinctOwn || l.DistinctAll > h.All {
			return false
		}
	}
	return true
}

// whole says that no level is missing.
func (f Feature) whole() bool {
	for _, l := range f {
		if l.Missing {
			return false
		}
	}
	return len(f) > 0
}
