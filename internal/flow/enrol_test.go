package flow

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/totp"
	"github.com/intelliauth/intelliauth/internal/identity"
)

// actor is a user with a token of scope me:factors and these proofs.
func (w *world) actor(name string, proofs ...assurance.Class) Actor {
	a := Actor{User: w.users[name], Session: "ses_" + name, Application: "app", Fresh: true}
	w.update(func(tx identity.Tx) error {
		err := tx.Sessions.Create(w.Context(), identity.Session{ID: a.Session, User: a.User.ID, SecretHash: []byte(name), CreatedAt: w.now()})
		if errors.Is(err, identity.ErrConflict) { // by an actor before
			return nil
		}
		return err
	})
	for _, c := range proofs {
		a.Proofs = append(a.Proofs, assurance.Proof{Factor: string(c), Class: c, At: w.now()})
	}
	return a
}

func TestEnrolOutsideAFlow(t *testing.T) {
	w := newWorld(t, `{}`)
	a := w.actor("ada", assurance.Memorized)
	id, prompt, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{Name: "  Phone\u202e\n "})
	w.must(err)
	if prompt.Secret == "" {
		t.Error("nothing to scan")
	}
	// T-07: unconfirmed, it is no factor.
	if list, err := w.engine.Enrolments(t.Context(), w.tenant, a.User.ID); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, id, factor.Response{Value: "1"}); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("wrong code: %v", err)
	}
	// Another user or another session cannot confirm it.
	for _, other := range []Actor{w.actor("grace", assurance.Memorized), {User: a.User, Session: "ses_2", Fresh: true, Proofs: a.Proofs}} {
		if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, other, id, factor.Response{Value: w.code()}); !errors.Is(err, identity.ErrNotFound) {
			t.Errorf("somebody else: %v", err)
		}
	}
	en, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, id, factor.Response{Value: w.code()})
	w.must(err)
	if en.ID != id || en.Name != "Phone" {
		t.Errorf("%+v", en)
	}
	if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, id, factor.Response{Value: w.code()}); err == nil {
		t.Error("confirmed twice")
	}
	list, err := w.engine.Enrolments(t.Context(), w.tenant, a.User.ID)
	w.must(err)
	if len(list) != 1 || list[0].Factor != "totp" {
		t.Errorf("%+v (the password has its own page)", list)
	}
}

// TestT07RestartReplaces: beginning again kills what was pending.
func TestT07RestartReplaces(t *testing.T) {
	w := newWorld(t, `{}`)
	a := w.actor("ada", assurance.Memorized)
	first, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{})
	w.must(err)
	second, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{})
	w.must(err)
	if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, first, factor.Response{Value: w.code()}); !errors.Is(err, identity.ErrTaken) {
		t.Errorf("the replaced one: %v", err)
	}
	w.pass(challengeLife)
	if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, second, factor.Response{Value: w.code()}); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("after ten minutes: %v", err)
	}
	if _, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{}); err != nil {
		t.Errorf("once more: %v", err)
	}
}

// TestC20H16BindingNeedsTheLevelHeld: no fresh purpose, or less than the
// account can prove, binds nothing.
func TestC20H16BindingNeedsTheLevelHeld(t *testing.T) {
	w := newWorld(t, `{}`)
	stale := w.actor("ada", assurance.Memorized)
	stale.Fresh = false
	var need *LevelRequired
	if _, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, stale, "totp", factor.Asked{}); !errors.As(err, &need) {
		t.Errorf("without the purpose: %v", err)
	}
	a := w.actor("ada", assurance.Memorized)
	id, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{})
	w.must(err)
	w.addCode("ada") // meanwhile the account holds more
	if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, id, factor.Response{Value: w.code()}); !errors.As(err, &need) || need.Level != assurance.AAL2 {
		t.Errorf("completed at aal1: %v", err)
	}
	if _, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{}); !errors.As(err, &need) {
		t.Errorf("begun at aal1: %v", err)
	}
	if _, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, w.actor("ada", assurance.Memorized, assurance.OneTime), "totp", factor.Asked{}); err != nil {
		t.Errorf("at aal2: %v", err)
	}
	for _, name := range []string{"word", "fax", ""} {
		if _, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, name, factor.Asked{}); !errors.Is(err, identity.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestParallelCompletionBindsOnce.
func TestParallelCompletionBindsOnce(t *testing.T) {
	w := newWorld(t, `{}`)
	a := w.actor("ada", assurance.Memorized)
	id, _, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{})
	w.must(err)
	var wg sync.WaitGroup
	var done atomic.Int32
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := w.engine.CompleteEnrolment(t.Context(), w.tenant, a, id, factor.Response{Value: w.code()}); err == nil {
				done.Add(1)
			}
		}()
	}
	wg.Wait()
	if done.Load() != 1 {
		t.Errorf("bound %d times", done.Load())
	}
}

// TestEnrolmentGraceIsVisible: while it lasts, a person may skip and is told
// until when; after that, not.
func TestEnrolmentGraceIsVisible(t *testing.T) {
	w := newWorld(t, byPassword(`"mfa":"always","factors":["totp"],"enrolment_grace":"24h"`))
	p := w.browser()
	id := p.begin().FlowID
	p.identify(id, "ada@example.com")
	v := p.answer(id, "ada word").View
	if v.Step != Enrol || !v.Skippable || !v.GraceUntil.Equal(w.users["ada"].CreatedAt.Add(24*time.Hour)) {
		t.Fatalf("%s until %s", v, v.GraceUntil)
	}
	if out := p.post(id, Post{Skip: true}); out.Answer == nil || w.worth(w.redeem(out.Answer).Grant).Level != assurance.AAL1 {
		t.Errorf("%s", out.View)
	}
	w.pass(24 * time.Hour)
	q := w.browser()
	id = q.begin().FlowID
	q.identify(id, "ada@example.com")
	if v := q.answer(id, "ada word").View; v.Step != Enrol || v.Skippable {
		t.Errorf("after the grace: %s", v)
	}
	if out := q.post(id, Post{Skip: true}); out.Answer != nil {
		t.Error("skipped after the grace")
	}
}

// TestTwoAppsEitherAnswers: a person with the same factor twice may use either,
// with the real factor; each keeps its own memory of what was used.
func TestTwoAppsEitherAnswers(t *testing.T) {
	w := newWorld(t, `{}`)
	otp, err := totp.New(totp.Options{Now: w.now, Random: rand.Reader})
	w.must(err)
	w.engine = New(Deps{Store: w.store, Factors: []factor.Factor{w.word, otp}, Index: w.engine.Index, Now: w.now, Random: rand.Reader})
	secrets := []string{}
	for range 2 {
		a := w.actor("ada", assurance.Memorized, assurance.OneTime)
		id, prompt, err := w.engine.BeginEnrolment(t.Context(), w.tenant, a, "totp", factor.Asked{})
		w.must(err)
		secrets = append(secrets, prompt.Secret)
		_, err = w.engine.CompleteEnrolment(t.Context(), w.tenant, a, id, factor.Response{Value: totpNow(t, prompt.Secret, w.now())})
		w.must(err)
		w.pass(time.Minute)
	}
	for _, secret := range secrets {
		for i, want := range []Step{Done, Prove} { // the second time it is a replay
			p := w.browser()
			id := p.begin().FlowID
			p.identify(id, "ada@example.com")
			p.answer(id, "ada word")
			if v := p.answer(id, totpNow(t, secret, w.now())).View; v.Step != want {
				t.Errorf("app %s, use %d: %s", secret[:4], i+1, v)
			}
		}
		w.pass(time.Minute)
	}
}

// totpNow is RFC 6238 with SHA-1, 30 s and six digits, written once more.
func totpNow(t *testing.T, secret string, now time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	if err := binary.Write(mac, binary.BigEndian, now.Unix()/30); err != nil {
		t.Fatal(err)
	}
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}
