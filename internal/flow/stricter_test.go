package flow

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/policy"
)

// An application that takes keys only gets a key, though a code would have
// raised the session to the same level, and though one was shown to another.
func TestStricterApplicationTakesOneFactorAlone(t *testing.T) {
	w := newLife(t, `{}`)
	w.addCode("ada")
	w.hold("ada", "passkey", "k1")
	p := w.browser()
	id, _ := p.toPassword("ada")
	p.choose(id, "offer:totp")
	if out := p.answer(id, w.code()); out.Answer == nil {
		t.Fatalf("not signed in: %s", out.View)
	}
	payroll := func(r *Request) {
		r.Application.ID, r.Application.Stricter = "payroll", json.RawMessage(`{"mfa":"always","factors":["passkey"]}`)
	}
	begun := p.begin(payroll)
	if begun.Answer != nil {
		t.Fatal("a code opened what takes keys only")
	}
	v := p.view(begun.FlowID)
	if !slices.Contains(v.Reasons, policy.ApplicationPolicy) {
		t.Errorf("reasons %v", v.Reasons)
	}
	out := p.press(begun.FlowID, "k1", "ada")
	if out.Answer == nil {
		t.Fatalf("the key is refused: %s", out.View)
	}
	p.take(out.Answer)
	if again := p.begin(payroll); again.Answer == nil {
		t.Error("the key does not count the next time")
	}
}

// A group is asked for more wherever its people go, our own pages included.
func TestGroupIsAskedForMoreEverywhere(t *testing.T) {
	w := newLife(t, `{"enrolment":{"first_factor":"password"},"groups":[{"group":"admins","stricter":{"mfa":"always"}}]}`)
	p := w.browser()
	p.toPassword("ada")
	if c, err := w.engine.Current(t.Context(), w.tenant, p.Browser); err != nil || c.Insufficient {
		t.Fatalf("not signed in: %+v %v", c, err)
	}
	w.update(func(tx identity.Tx) error {
		u, err := tx.Users.ByID(w.Context(), w.users["ada"].ID)
		if err != nil {
			return err
		}
		u.Groups = []string{"admins"}
		return tx.Users.Save(w.Context(), u)
	})
	begun := p.begin()
	if begun.Answer != nil {
		t.Fatal("an admin gets a code for a password")
	}
	if v := p.answer(begun.FlowID, "ada word").View; v.Step != Enrol || !slices.Contains(v.Reasons, policy.GroupPolicy) || !slices.Contains(v.Reasons, policy.EnrolmentDue) {
		t.Errorf("%s %v", v.Step, v.Reasons)
	}
	c, err := w.engine.Current(t.Context(), w.tenant, p.Browser)
	if err != nil || !c.Insufficient {
		t.Errorf("the session still opens pages: %+v %v", c, err)
	}
}

// Grace puts off what the tenant asks of everyone, for as long as it says.
func TestAdmitsInGrace(t *testing.T) {
	w := newLife(t, `{"mfa":"always","enrolment_grace":"24h","enrolment":{"first_factor":"password"}}`)
	u, proofs := w.users["ada"], []assurance.Proof{{Factor: "word", Class: assurance.Memorized, At: w.now()}}
	b := Bearing{User: u, Session: identity.Session{User: u.ID, Proofs: proofs}, Proofs: proofs}
	b.Session.Activity.Last = w.now()
	for _, c := range []struct {
		age  time.Duration
		want bool
	}{{24*time.Hour - time.Microsecond, true}, {24 * time.Hour, false}} {
		b.User.CreatedAt = w.now().Add(-c.age)
		got, err := w.engine.Admits(w.tenant, b)
		if err != nil || got != c.want {
			t.Errorf("%s after its making: %v %v", c.age, got, err)
		}
	}
}

// What was removed is kept for a while, in case it was not its owner who did it,
// and is on no list of sign-in methods.
func TestRemovedMethodsAreOnNoList(t *testing.T) {
	w := newLife(t, `{}`)
	gone, kept := w.hold("ada", "sms", "+4915112345678"), w.hold("ada", "passkey", "k1")
	w.update(func(tx identity.Tx) error {
		all, err := tx.Enrolments.ByUser(w.Context(), w.users["ada"].ID)
		for _, en := range all {
			if en.ID == gone && err == nil {
				at := w.now()
				en.RemovedAt, en.Suspended = &at, true
				err = tx.Enrolments.Swap(w.Context(), en)
			}
		}
		return err
	})
	list, err := w.engine.Enrolments(t.Context(), w.tenant, w.users["ada"].ID)
	if err != nil || len(list) != 1 || list[0].ID != kept {
		t.Errorf("%+v %v", list, err)
	}
}
