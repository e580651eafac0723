package otp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// What was answered stays answered when the clock steps back, when others were
// answered since, and when it had been forgotten for its age.
func TestH50_AnsweredWhereverTheClockGoes(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	keep := func(c factor.Challenge, code string) {
		t.Helper()
		out, err := s.finish(c, code)
		want(t, "a right code", err, "")
		s.sub.Enrolments[0].Data = out.Data
	}
	var challenges []factor.Challenge
	var codes []string
	const step = 20 * time.Second
	for i := range 40 {
		s.at = start.Add(time.Duration(i) * step)
		c, code := s.begin()
		challenges, codes = append(challenges, c), append(codes, code)
		keep(c, code)
	}
	if n := len(s.sub.Enrolments[0].Data); n > 800 {
		t.Errorf("data has grown to %d bytes", n)
	}
	for i, c := range challenges {
		s.at = start.Add(time.Duration(i) * step)
		_, err := s.finish(c, codes[i])
		want(t, fmt.Sprintf("code %d, with the clock set back", i), err, "code_replayed")
	}
	// Time goes on from the earlier hour: new codes work again when the oldest
	// that is forgotten has passed, at the latest, and before if none is.
	s = newScene(t, newSMS)
	s.at = start.Add(time.Hour)
	s.enrol("enr_1", mobile)
	for range 3 {
		s.at = s.at.Add(time.Second)
		c, code := s.begin()
		keep(c, code)
	}
	s.at = start
	for range 20 {
		s.at = s.at.Add(time.Second)
		c, code := s.begin()
		keep(c, code)
	}
}

// The code goes to the chosen enrolment, else to the one used last.
func TestWhereTheCodeGoes(t *testing.T) {
	s := newScene(t, newSMS)
	s.enrol("enr_1", mobile)
	s.enrol("enr_2", mobile2)
	early, late := start.Add(-time.Hour), start
	for what, c := range map[string]struct {
		chosen, to   string
		first, other *time.Time
	}{
		"none used": {"", mobile, nil, nil}, "one used": {"", mobile2, nil, &early}, "both": {"", mobile, &late, &early},
		"chosen": {"enr_2", mobile2, &late, nil}, "chosen unknown": {"enr_9", "", nil, nil},
	} {
		s.sub.Chosen, s.sub.Enrolments[0].LastUsedAt, s.sub.Enrolments[1].LastUsedAt = c.chosen, c.first, c.other
		begun, code := s.begin()
		if c.to == "" {
			if len(begun.Send) != 0 || begun.Prompt.SentTo != "" {
				t.Errorf("%s: %+v", what, begun.Send)
			}
			continue
		}
		if begun.Send[0].To != c.to {
			t.Errorf("%s: to %s", what, begun.Send[0].To)
		}
		// Another one becoming the last used in between changes nothing.
		s.sub.Enrolments[0].LastUsedAt, s.sub.Enrolments[1].LastUsedAt = c.other, c.first
		out, err := s.finish(begun, code)
		want(t, what, err, "")
		if i := slices.IndexFunc(s.sub.Enrolments, func(e identity.Enrolment) bool { return e.ID == out.Enrolment }); i < 0 || !strings.Contains(string(s.sub.Enrolments[i].Data), c.to) {
			t.Errorf("%s: answered by %q", what, out.Enrolment)
		}
	}
	// A code to one number, and then the other is chosen.
	s.sub.Chosen = "enr_1"
	begun, code := s.begin()
	s.sub.Chosen = "enr_2"
	_, err := s.finish(begun, code)
	want(t, "the other number chosen", err, "code_invalid")
}
