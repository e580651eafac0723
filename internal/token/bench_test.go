package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func benchAccess() Access {
	return Access{
		Issuer: "https://login.example.com", Subject: "usr_01hzzzzzzzzzzzzzzzzzzzzzzz", Audience: "https://api.example.com",
		Scope: "openid profile email", ClientID: "demo-spa", Session: "ses_01hzzzzzzzzzzzzzzzzzzzzzzz", ACR: "aal2",
		AMR: []string{"pwd", "otp", "mfa"}, AuthTime: 1760000000, ID: UserJTI("grt_01hzzzzzzzzzzzzzzzzzzzzzzz", rand.Reader),
		Expires: time.Now().Add(10 * time.Minute).Unix(), IssuedAt: time.Now().Unix(),
	}
}

// BenchmarkRawES256 is the limit that the others are read against.
func BenchmarkRawES256(b *testing.B) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	sum := sha256.Sum256([]byte("x"))
	for b.Loop() {
		if _, err := ecdsa.SignASN1(rand.Reader, key, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			k, tenant := benchKeys(b, alg)
			claims := benchAccess()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign(context.Background(), tenant, TypAccess, claims); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSignByLibrary is the same token by the JOSE library's signer.
func BenchmarkSignByLibrary(b *testing.B) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}},
		(&jose.SignerOptions{}).WithType(TypAccess))
	if err != nil {
		b.Fatal(err)
	}
	claims := benchAccess()
	b.ReportAllocs()
	for b.Loop() {
		payload, _ := encode(claims)
		jws, err := signer.Sign(payload)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := jws.CompactSerialize(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyAccess(b *testing.B) {
	k, tenant := benchKeys(b, "ES256")
	compact, err := k.Sign(context.Background(), tenant, TypAccess, benchAccess())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.VerifyAccess(context.Background(), tenant, compact, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func benchKeys(b *testing.B, alg string) (*Keys, identity.Tenant) {
	tenant := identity.Tenant{ID: "tnt_x", Issuer: "https://login.example.com", Algorithm: alg}
	k := NewKeys(newStore(b, tenant), time.Now, rand.Reader)
	if err := k.Ensure(context.Background(), tenant); err != nil {
		b.Fatal(err)
	}
	return k, tenant
}
