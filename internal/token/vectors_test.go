package token

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"os"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// TestC43_CommonVectors: what the Go SDK takes and refuses, the server takes and
// refuses: one file drives both.
func TestC43_CommonVectors(t *testing.T) {
	raw, err := os.ReadFile("../../sdk/go/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	type vector struct {
		Name, Compact, Method, URL, Access, Thumbprint string
		Good                                           bool
	}
	var file struct {
		Issuer, Audience string
		Now              time.Time
		JWKS             struct{ Keys []json.RawMessage }
		Tokens, Proofs   []vector
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return file.Now }
	st := storetest.Open(t, storetest.WithClock(now))
	tenant := identity.Tenant{ID: "tnt_v", Issuer: file.Issuer, Algorithm: "ES256"}
	if err := st.PutTenant(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	own, err := newPrivate("ES256", rand.Reader) // signs nothing here
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	for _, public := range file.JWKS.Keys {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(public); err != nil {
			t.Fatal(err)
		}
		if err := st.Update(t.Context(), tenant.ID, func(tx identity.Tx) error {
			return tx.Keys.Put(t.Context(), identity.SigningKey{ID: key.KeyID, Algorithm: key.Algorithm, Public: public, Private: private, CreatedAt: file.Now, ActiveAt: file.Now})
		}); err != nil {
			t.Fatal(err)
		}
	}
	k := NewKeys(st, now, rand.Reader)
	for _, c := range file.Tokens {
		if _, err := k.VerifyAccess(t.Context(), tenant, c.Compact, file.Audience); (err == nil) != c.Good {
			t.Errorf("token %q: %v, want good %v", c.Name, err, c.Good)
		}
	}
	for _, c := range file.Proofs {
		p, err := readProof(Shown{Compact: c.Compact, Method: c.Method, URL: c.URL, Access: c.Access}, file.Now)
		if (err == nil) != c.Good || err == nil && p.thumbprint != c.Thumbprint {
			t.Errorf("proof %q: %v %q, want good %v", c.Name, err, p.thumbprint, c.Good)
		}
	}
	if len(file.Tokens) < 20 || len(file.Proofs) < 12 {
		t.Errorf("%d tokens, %d proofs: the file is not whole", len(file.Tokens), len(file.Proofs))
	}
}
