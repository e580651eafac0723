// Package passkey answers "does this key, made for this site, sign for this
// person?": WebAuthn Level 3, as second factor, as first factor, and without
// a user name.
//
// CBOR, COSE and the procedures of the attestation formats are go-webauthn's.
// What a browser sends is read here, and what a ceremony may show, and what it
// is worth, is decided here.
//
//	passkey.go    what the factor is, and how strong a key may be
//	options.go    what the browser is asked (sections 5.4 and 5.5)
//	state.go      what a challenge remembers, and for whom it was set
//	response.go   what the browser sent, read within bounds
//	register.go   a new credential judged (7.1)
//	assert.go     an assertion judged (7.2)
//	key.go        algorithms, curves, signatures
//	attest.go     a tenant's wish for attestation (section 8)
//	metadata.go   which models keep their keys in hardware, and which are revoked
//	record.go     what is kept of a credential
package passkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/assurance"
	"github.com/intelliauth/intelliauth/internal/factor"
	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	name    = "passkey"
	maxKeys = 20
	failed  = "passkey_failed" // says no more than that it did not verify
)

// Options are what the factor is made of. Now and Random are required.
type Options struct {
	Now      func() time.Time
	Random   io.Reader
	Metadata *Metadata // what is known of models; nil: nothing
	Hints    []string  // security-key, client-device, hybrid (5.8.8), best first; none leaves the choice to the browser
}

// Factor is WebAuthn. It is safe for concurrent use.
type Factor struct {
	now      func() time.Time
	random   io.Reader
	metadata *Metadata
	hints    []string
}

// New refuses a factor without clock or randomness, and hints that no browser
// knows.
func New(o Options) (*Factor, error) {
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("passkey: needs a clock and randomness")
	}
	for _, h := range o.Hints {
		if !slices.Contains(hintWords(), h) {
			return nil, fmt.Errorf("passkey: unknown hint %q", h)
		}
	}
	return &Factor{now: o.Now, random: o.Random, metadata: o.Metadata, hints: slices.Clone(o.Hints)}, nil
}

// Facts gives a guess no chance: nobody guesses a signature.
func (f *Factor) Facts() factor.Facts {
	return factor.Facts{
		Name: name, Class: assurance.Key, Kinds: []factor.Kind{factor.Possession, factor.Inherence}, AMR: "pop",
		First: true, SelfTest: true, Max: maxKeys, Best: strength(true, false, true, ""),
	}
}

func strength(uv, be, hw bool, model string) assurance.Proof {
	return assurance.Proof{Factor: name, Class: assurance.Key, AMR: "pop", UserVerified: uv, BackupEligible: be, Hardware: hw, Model: model}
}

// Best grades an enrolment by what was seen when it was bound and since. One yet
// to be bound can be hardware only where attestation is asked for and some model
// that would be taken is trusted today: nothing else shows it (SP 800-63B-4,
// 3.2.13). That model is named, so that the level to bind at comes out right.
func (f *Factor) Best(t identity.Tenant, en *identity.Enrolment) assurance.Proof {
	if en == nil {
		if attested(t) {
			if m := f.metadata.strongest(t.Attestation.Mode, t.Attestation.Models); m != "" {
				return strength(true, false, true, m)
			}
		}
		return strength(true, true, false, "")
	}
	r, err := readRecord(en.Data)
	if err != nil {
		return strength(false, true, false, "") // unreadable: as little as a key can be
	}
	return r.proof(r.CanVerify)
}

// Signals names the credentials that are still accepted (5.1.10). Where one
// cannot be read it says nothing at all, with an empty RPID: a browser hides
// whatever is not named.
func (f *Factor) Signals(s factor.Subject) factor.Signals {
	s.Chosen = ""
	keys, damaged := usable(s)
	if !named(s) || damaged > 0 {
		return factor.Signals{Credentials: []string{}}
	}
	out := factor.Signals{
		RPID: rpID(s.Tenant), User: encode(s.User.Handle), Credentials: []string{}, Name: userName(*s.User), DisplayName: displayName(*s.User),
	}
	for _, k := range keys {
		out.Credentials = append(out.Credentials, encode(k.ID))
	}
	return out
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// rpID is the tenant's RP ID; by default the host of its issuer, without port.
func rpID(t identity.Tenant) string {
	if t.RPID != "" {
		return t.RPID
	}
	u, err := url.Parse(t.Issuer)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// tenantName, userName and displayName are what a browser shows; it takes no
// empty ones.
func tenantName(t identity.Tenant) string { return first(t.Name, rpID(t)) }

func userName(u identity.User) string { return first(u.Email, u.Identifier, u.Phone, u.ID) }

func displayName(u identity.User) string { return first(u.Name, userName(u)) }

func first(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}
