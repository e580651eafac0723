package otp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const maxAnswered = 8

// record is what an enrolment keeps: where codes go, and which challenges were
// answered, so that none is answered twice wherever the clock goes.
type record struct {
	To       destination `json:"to"`
	Answered []answered  `json:"answered,omitempty"` // by age, those that may still be open
	Before   int64       `json:"before,omitempty"`   // none from then (microseconds) or earlier is accepted
}

type answered struct {
	At int64  `json:"at"`
	ID []byte `json:"id"`
}

func (r record) has(q posed) bool {
	return q.At <= r.Before || slices.ContainsFunc(r.Answered, func(a answered) bool { return bytes.Equal(a.ID, q.ID) })
}

// answered returns the record with one more challenge. What has expired, and
// what is one too many, is left to Before.
func (r record) answered(q posed, now time.Time) record {
	r.Answered = append(slices.Clone(r.Answered), answered{At: q.At, ID: q.ID})
	slices.SortStableFunc(r.Answered, func(a, b answered) int { return cmp.Compare(a.At, b.At) })
	for len(r.Answered) > maxAnswered || !time.UnixMicro(r.Answered[0].At).Add(life).After(now) {
		r.Before = max(r.Before, r.Answered[0].At)
		if r.Answered = r.Answered[1:]; len(r.Answered) == 0 {
			break
		}
	}
	return r
}

func (r record) bytes() ([]byte, error) { return json.Marshal(r) }

// record reads an enrolment's data, which must be of this factor's channel.
func (f *Factor) record(e identity.Enrolment) (record, error) {
	var r record
	if err := strict(e.Data, &r); err != nil || r.To.Channel != f.channel || r.To.To == "" {
		return record{}, errors.New("otp: the enrolment's data cannot be read") // which may hold a number: not in an error
	}
	return r, nil
}

// pick is the enrolment that a code goes to: the chosen one, else the one that
// was used last, else the first.
func (f *Factor) pick(s factor.Subject) (identity.Enrolment, bool) {
	var best identity.Enrolment
	found := false
	for _, e := range s.Enrolments {
		if f.usable(s, e) && (!found || usedAt(e).After(usedAt(best))) {
			best, found = e, true
		}
	}
	return best, found
}

// find is the enrolment that a code went to, if it may still answer.
func (f *Factor) find(s factor.Subject, id string) (identity.Enrolment, bool) {
	i := slices.IndexFunc(s.Enrolments, func(e identity.Enrolment) bool { return e.ID == id && f.usable(s, e) })
	if i < 0 {
		return identity.Enrolment{}, false
	}
	return s.Enrolments[i], true
}

func (f *Factor) usable(s factor.Subject, e identity.Enrolment) bool {
	return s.User != nil && s.User.ID != "" && e.User == s.User.ID && e.Factor == f.name && !e.Suspended && (s.Chosen == "" || s.Chosen == e.ID)
}

func usedAt(e identity.Enrolment) time.Time {
	if e.LastUsedAt == nil {
		return time.Time{}
	}
	return *e.LastUsedAt
}
