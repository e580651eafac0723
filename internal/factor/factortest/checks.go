package factortest

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
)

func facts(w *world) error {
	f := w.factor.Facts()
	var bad []error
	want := func(ok bool, what string) {
		if !ok {
			bad = append(bad, errors.New("Facts: "+what))
		}
	}
	if w.ticket() {
		want(f.Class == "" && f.AMR == "" && f.Max == 0 && f.Best == (assurance.Proof{}), "a ticket proves nothing and is held by nobody")
		want(f.Hidden && f.Sends && !f.First && f.Accepted > 0 && f.Space > 0, "a ticket is sent, and guesses at it count")
		_, err := w.factor.BeginEnrolment(w.subject("one", "ada"), w.Asked)
		return errors.Join(append(bad, refused("enrolling a ticket", err, false))...)
	}
	want(f.Name != "" && strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz") == "", "the name is no lower-case word")
	want(slices.Contains([]assurance.Class{
		assurance.Memorized, assurance.OneTime, assurance.Telephone, assurance.Mailbox, assurance.LookUp, assurance.Key,
	}, f.Class), "unknown class "+string(f.Class))
	want(f.AMR != "" || f.Class == assurance.Key, "no amr")
	want(len(f.Kinds) > 0, "no kind")
	want(f.Max >= 0, "negative Max")
	want(f.Space >= 0 && f.Accepted >= 0 && f.Accepted <= f.Space, "Accepted and Space make no chance")
	want(f.Space == 0 || f.Accepted > 0, "a guessable secret whose guesses weigh nothing")
	want(f.Best.Factor == f.Name && f.Best.Class == f.Class, "Best is of another factor or class")
	want((w.Work != nil) == f.Heavy, "Heavy is not what the harness says")
	return errors.Join(bad...)
}

// proofFits holds a proof against the facts.
func (w *world) proofFits(p assurance.Proof) error {
	f := w.factor.Facts()
	switch {
	case p.Factor != f.Name, p.Class != f.Class, f.Class != assurance.Key && p.AMR != f.AMR:
		return fmt.Errorf("proof %+v is not of factor %q", p, f.Name)
	case p.UserVerified && !f.Best.UserVerified, p.Hardware && !f.Best.Hardware:
		return fmt.Errorf("proof %+v is stronger than Best %+v", p, f.Best)
	case !p.At.IsZero() || p.Enrolment != "":
		return errors.New("the proof fills in At or Enrolment, which are the engine's")
	}
	return nil
}

func enrolAndSignIn(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	for range 3 {
		if err := w.signIn(&p); err != nil {
			return err
		}
		w.at = w.at.Add(w.Step)
	}
	p.subject.Chosen = p.subject.Enrolments[0].ID
	return w.signIn(&p)
}

func wrongEnrolment(w *world) error {
	s, auth := w.subject("one", "ada"), w.Authenticator()
	c, err := w.factor.BeginEnrolment(s, w.Asked)
	if err != nil {
		return err
	}
	for what, r := range map[string]factor.Response{
		"a wrong response": auth.Misenrol(c, w.at), "no response": {}, "a long response": long(),
	} {
		if err := w.refuseEnrolment("enrolment with "+what, s, c, r); err != nil {
			return err
		}
	}
	return nil
}

func wrongResponse(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, right, err := w.answer(p)
	if err != nil {
		return err
	}
	for what, r := range map[string]factor.Response{
		"a wrong response": p.auth.Misanswer(c, w.at), "no response": {}, "a long response": long(),
		"not UTF-8":        {Value: "\xff\xfe" + right.Value},
		"half a response":  {Value: right.Value[:len(right.Value)/2], PublicKey: right.PublicKey[:len(right.PublicKey)/2]},
		"twice a response": {Value: right.Value + right.Value, PublicKey: append(slices.Clone(right.PublicKey), right.PublicKey...)},
	} {
		if err := w.refuse("sign-in with "+what, p.subject, c, r); err != nil {
			return err
		}
	}
	return w.accept(&p, c, right) // wrong tries must not spoil the right one
}

func long() factor.Response {
	return factor.Response{Value: strings.Repeat("7", 60_000), PublicKey: bytes.Repeat([]byte("["), 60_000)}
}

// replay tries an accepted response again, with the data that its acceptance
// returned: at the same challenge, at a new one, and later.
func replay(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, r, err := w.answer(p)
	if err != nil {
		return err
	}
	before := p.subject.Enrolments[0].Data
	if err := w.accept(&p, c, r); err != nil {
		return err
	}
	if w.Reusable {
		return w.accept(&p, c, r)
	}
	if bytes.Equal(before, p.subject.Enrolments[0].Data) {
		return errors.New("an accepted response leaves the data as it was, so two could be accepted at once")
	}
	if err := w.refuse("the same response, same challenge", p.subject, c, r); err != nil {
		return err
	}
	for _, later := range []time.Duration{0, w.Step / 2, w.Step} {
		w.at = w.at.Add(later)
		again, err := w.factor.Begin(p.subject)
		if err != nil {
			return err
		}
		if err := w.refuse("the same response, new challenge", p.subject, again, r); err != nil {
			return err
		}
	}
	w.at = w.at.Add(w.Step)
	return w.signIn(&p)
}

// confirmation tries what confirmed the enrolment as the next sign-in.
func confirmation(w *world) error {
	p, err := w.enrol(w.subject("one", "ada"))
	if err != nil || w.Reusable {
		return err
	}
	c, err := w.factor.Begin(p.subject)
	if err != nil {
		return err
	}
	return w.refuse("sign-in with what confirmed the enrolment", p.subject, c, p.confirmed)
}

// inPlace: the engine may run Finish again when a compare-and-swap is lost, so
// what it handed in must stay as it was.
func inPlace(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, r, err := w.answer(p)
	if err != nil {
		return err
	}
	var kept []byte
	if !w.ticket() {
		kept = p.subject.Enrolments[0].Data
	}
	data, state := slices.Clone(kept), slices.Clone(c.State)
	if err := w.accept(&p, c, r); err != nil {
		return err
	}
	if !bytes.Equal(data, kept) || !bytes.Equal(state, c.State) {
		return errors.New("finish wrote into the data or state that it was given")
	}
	return nil
}

func expiredSignIn(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, err := w.factor.Begin(p.subject)
	if err != nil {
		return err
	}
	w.at = w.at.Add(w.SignInLife)
	if err := w.refuse("a challenge at the end of its life", p.subject, c, p.auth.Answer(c, w.at)); err != nil {
		return err
	}
	w.at = w.at.Add(-time.Millisecond)
	return w.accept(&p, c, p.auth.Answer(c, w.at))
}

func expiredEnrolment(w *world) error {
	s, auth := w.subject("one", "ada"), w.Authenticator()
	c, err := w.factor.BeginEnrolment(s, w.Asked)
	if err != nil {
		return err
	}
	w.at = w.at.Add(w.EnrolmentLife)
	if err := w.refuseEnrolment("an enrolment at the end of its life", s, c, auth.Enrol(c, w.at)); err != nil {
		return err
	}
	w.at = w.at.Add(-time.Millisecond)
	_, err = w.factor.FinishEnrolment(s, c, auth.Enrol(c, w.at))
	return err
}

// restart finishes with one instance what another began.
func restart(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, r, err := w.answer(p)
	if err != nil {
		return err
	}
	if w.factor, err = w.make(zeros{}); err != nil {
		return err
	}
	return w.accept(&p, c, r)
}

// noSecret looks for anything in a sign-in prompt that would help to answer it
// or that tells a stranger where the owner can be reached.
func noSecret(w *world) error {
	p, err := w.person("ada")
	if err != nil {
		return err
	}
	c, r, err := w.answer(p)
	if err != nil {
		return err
	}
	shown := c.Prompt
	if shown.Secret != "" || shown.URI != "" || shown.QR != "" || len(shown.Codes) > 0 {
		return fmt.Errorf("the sign-in prompt shows a secret: %+v", shown)
	}
	raw, err := json.Marshal(shown)
	if err != nil {
		return err
	}
	var data []byte
	if !w.ticket() {
		data = p.subject.Enrolments[0].Data
	}
	secrets := append(slices.Clone(p.shown.Codes), r.Value, p.shown.Secret, strings.ReplaceAll(p.shown.Secret, " ", ""),
		string(data), hex.EncodeToString(data), base64.StdEncoding.EncodeToString(data),
		base64.RawURLEncoding.EncodeToString(data), base32.StdEncoding.EncodeToString(data),
		p.subject.User.Email, p.subject.User.Phone)
	for _, secret := range secrets {
		if secret != "" && bytes.Contains(raw, []byte(secret)) {
			return fmt.Errorf("the sign-in prompt holds a secret: %s", raw)
		}
	}
	return nil
}
