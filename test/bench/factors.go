package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/factor/passkey"
	"github.com/intelliauth/intelliauth/internal/factor/totp"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

// holder is a user with something to sign in with.
type holder struct {
	email  string
	secret []byte // of TOTP
	auth   virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
	rp     virtualwebauthn.RelyingParty
}

// factors measures sign-ins with a passkey and with a TOTP code, each beside
// what it cannot do without: the signatures checked and made, and its commits.
func (b *bench) factors() error {
	h, err := b.newHouse("factors")
	if err != nil {
		return err
	}
	// A code is good once, so TOTP takes a new user for each sign-in.
	keys, codes := b.plan.users/2, b.plan.users*8
	if err := b.furnish(h, b.light, cheap(), keys+codes); err != nil {
		return err
	}
	holders, err := b.equip(h, keys, codes)
	if err != nil {
		return err
	}
	s, err := h.serve(b.light)
	if err != nil {
		return err
	}
	defer s.stop()
	var turn, spent atomic.Int64
	byKey := func(w *wire) error { return holders[int(turn.Add(1))%keys].byPasskey(w) }
	byCode := func(w *wire) error {
		n := int(spent.Add(1)) - 1
		if n >= codes {
			return errors.New("every TOTP user has signed in once: raise plan.users")
		}
		return holders[keys+n].byTOTP(w)
	}
	for _, way := range []struct {
		name    string
		signIn  func(*wire) error
		checked bool // a signature is checked
	}{
		{"passkey sign-in: authorize, post, token", byKey, true},
		{"password and TOTP sign-in but the hash: authorize, three posts, token", byCode, false},
	} {
		if err := b.beside(h, s, way.name, way.signIn, way.checked); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return nil
}

// beside measures one way to sign in, and its limit with as many commits as one
// of them was seen to make.
func (b *bench) beside(h *house, s *server, name string, signIn func(*wire) error, checked bool) error {
	w, err := newWire(h.address(), h.host())
	if err != nil {
		return err
	}
	defer w.close()
	if err := signIn(w); err != nil { // statements are prepared, the device is new
		return err
	}
	before, err := h.counted()
	if err != nil {
		return err
	}
	if err := signIn(w); err != nil {
		return err
	}
	after, err := h.counted()
	if err != nil {
		return err
	}
	commits, statements := after.commits-before.commits, after.statements-before.statements
	limit, end, err := b.mustDo(commits, 1, checked)
	if err != nil {
		return err
	}
	least := inProcess(16, b.plan.window/2, limit)
	end()
	limit, end, err = b.mustDo(commits, statements/commits, checked)
	if err != nil {
		return err
	}
	defer end()
	const clients = 16
	ours, theirs, err := b.byTurns(func(window time.Duration) (result, error) {
		return measure(h, s.cpu, clients, window, func(w *wire, _ int) (func() error, error) {
			return func() error { return signIn(w) }, nil
		})
	}, func(window time.Duration) (result, error) {
		return inProcess(clients, window, limit), nil
	})
	if err != nil {
		return err
	}
	share := float64(theirs.each()) / float64(ours.each())
	b.add(row{
		what: name, rate: perSecond(ours.rate()), cpu: short(ours.each()), limit: perSecond(theirs.rate()) + ", " + short(theirs.each()) + " CPU",
		ratio: ratio(share), goal: "≥ 0.4 (CPU, limit without HTTP)", met: judge(share >= 0.4),
	})
	b.add(row{what: "  the same beside commits of one small update each", limit: short(least.each()) + " CPU", ratio: ratio(float64(least.each()) / float64(ours.each()))})
	b.add(row{what: fmt.Sprintf("  round trips to the database: %d statements in %d commits and some reads", statements, commits)})
	return nil
}

// mustDo is what no sign-in can do without: the check of a signature, two
// signatures, and its grouped commits, each of so many small updates.
func (b *bench) mustDo(commits, updates int, checked bool) (step, end func(), err error) {
	sign, err := signer()
	if err != nil {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	digest := sha256.Sum256([]byte(secret))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return nil, nil, err
	}
	g, err := newGroup(b.folder)
	if err != nil {
		return nil, nil, err
	}
	return func() {
		if checked && !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
			panic("a signature does not verify")
		}
		sign()
		sign()
		for range commits {
			g.write(updates)
		}
	}, g.close, nil
}

// equip enrols passkeys for the first users and TOTP for the others, as the
// factors themselves do it, some minutes ago.
func (b *bench) equip(h *house, keys, codes int) ([]*holder, error) {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{DSN: "sqlite:" + h.database(), RootKeys: [][]byte{h.key}, Now: time.Now, Random: rand.Reader})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	then := func() time.Time { return time.Now().Add(-5 * time.Minute) }
	pk, err := passkey.New(passkey.Options{Now: then, Random: rand.Reader})
	if err != nil {
		return nil, err
	}
	tp, err := totp.New(totp.Options{Now: then, Random: rand.Reader})
	if err != nil {
		return nil, err
	}
	tenants, err := st.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*holder, keys+codes)
	err = st.Update(ctx, tenantID, func(tx identity.Tx) error {
		for i := range out {
			out[i] = &holder{email: email(i), rp: virtualwebauthn.RelyingParty{ID: "localhost", Name: "Bench", Origin: tenants[0].Issuer}}
			u, err := tx.Users.ByIdentifier(ctx, out[i].email)
			if err != nil {
				return err
			}
			var f factor.Factor = tp
			if i < keys {
				f = pk
			}
			subject := factor.Subject{Tenant: tenants[0], Origins: []string{tenants[0].Issuer}, User: &u}
			c, err := f.BeginEnrolment(subject, factor.Asked{})
			if err != nil {
				return err
			}
			response, err := out[i].bind(c, then())
			if err != nil {
				return err
			}
			made, err := f.FinishEnrolment(subject, c, response)
			if err != nil {
				return err
			}
			if err := tx.Enrolments.Create(ctx, identity.Enrolment{
				ID: identity.NewID("enr", then(), rand.Reader), User: u.ID, Factor: f.Facts().Name, Data: made.Data, Lookup: made.Lookup, EnrolledAt: then().UTC(),
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// bind answers the challenge of an enrolment.
func (p *holder) bind(c factor.Challenge, at time.Time) (factor.Response, error) {
	if c.Prompt.Input == factor.Text {
		var err error
		p.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(c.Prompt.Secret, " ", ""))
		return factor.Response{Value: p.code(at)}, err
	}
	options, err := virtualwebauthn.ParseAttestationOptions(string(c.Prompt.PublicKey))
	if err != nil {
		return factor.Response{}, err
	}
	p.auth = virtualwebauthn.NewAuthenticator()
	p.auth.Options.UserHandle = []byte(options.UserID)
	const whole = 77 // bytes of a COSE key on P-256; the library leaves out leading zeros
	for len(p.key.ID) == 0 || len(p.key.Key.AttestationData()) != whole {
		p.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return factor.Response{PublicKey: []byte(virtualwebauthn.CreateAttestationResponse(p.rp, p.auth, p.key, *options))}, nil
}

// code is the TOTP code at a time (RFC 6238).
func (p *holder) code(at time.Time) string {
	mac := hmac.New(sha1.New, p.secret)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	from := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[from:])&0x7fffffff%1_000_000)
}

// byPasskey signs in without a name, by the passkey alone.
func (p *holder) byPasskey(w *wire) error {
	flow, v, err := begin(w)
	if err != nil {
		return err
	}
	prompt := v.Prompts[len(v.Prompts)-1]
	for _, each := range v.Prompts {
		if each.Factor == "passkey" {
			prompt = each
		}
	}
	options, err := virtualwebauthn.ParseAssertionOptions(string(prompt.PublicKey))
	if err != nil {
		return fmt.Errorf("no passkey is asked for: %w", err)
	}
	signed := virtualwebauthn.CreateAssertionResponse(p.rp, p.auth, p.key, *options)
	if v, err = send(w, flow, fmt.Appendf(nil, `{"prompt":%q,"response":%s}`, prompt.ID, signed)); err != nil {
		return err
	}
	return redeem(w, flow, v)
}

// byTOTP signs in by password and a code.
func (p *holder) byTOTP(w *wire) error {
	flow, _, err := begin(w)
	if err != nil {
		return err
	}
	v, err := post(w, flow, "identifier", p.email)
	for _, word := range []string{secret, p.code(time.Now())} {
		if err != nil {
			return err
		}
		v, err = post(w, flow, v.Prompts[0].ID, word)
	}
	if err != nil {
		return err
	}
	return redeem(w, flow, v)
}

// begin asks for a sign-in and for its first view.
func begin(w *wire) (flow string, v view, err error) {
	w.forget()
	begun, err := w.ask("GET", authorizePath(), "Accept: text/html\r\n", nil)
	if err != nil {
		return "", v, err
	}
	if begun.status != http.StatusSeeOther {
		return "", v, unexpected("authorize", begun)
	}
	answer, err := w.ask("GET", begun.location, "Accept: application/json\r\n", nil)
	if err != nil {
		return "", v, err
	}
	if answer.status != http.StatusOK {
		return "", v, unexpected("flow", answer)
	}
	if err := json.Unmarshal(answer.body, &v); err != nil || len(v.Prompts) == 0 {
		return "", v, fmt.Errorf("no prompt at the start: %.200s", answer.body)
	}
	return begun.location, v, nil
}

// redeem skips what may be skipped and exchanges the code.
func redeem(w *wire, flow string, v view) (err error) {
	for v.Redirect == "" && v.Skippable {
		if v, err = send(w, flow, []byte(`{"response":{"skip":true}}`)); err != nil {
			return err
		}
	}
	if v.Redirect == "" {
		return fmt.Errorf("the sign-in does not end: %+v", v)
	}
	back, err := url.Parse(v.Redirect)
	if err != nil {
		return err
	}
	_, err = token(w, url.Values{
		"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
	})
	return err
}

// tally is what the server says that its database was asked.
type tally struct{ commits, statements int }

func (h *house) counted() (t tally, err error) {
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", h.admin))
	if err != nil {
		return t, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return t, err
	}
	for name, into := range map[string]*int{
		`intelliauth_store_updates_total{result="committed"} `: &t.commits, "intelliauth_store_statements_total ": &t.statements,
	} {
		_, rest, ok := strings.Cut(string(body), "\n"+name)
		line, _, _ := strings.Cut(rest, "\n")
		value, err := strconv.ParseFloat(line, 64)
		if !ok || err != nil {
			return t, fmt.Errorf("/metrics does not say %s", name)
		}
		*into = int(value)
	}
	return t, nil
}
