package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// rsaBits gives RS256 keys 112 bits of strength (SP 800-57 part 1, table 2).
const rsaBits = 2048

// Ensure gives a tenant its first signing key, in use at once, where it has
// none; and begins a rotation where its newest key is of another algorithm than
// the tenant's. Any number of nodes may call it at the same time.
func (k *Keys) Ensure(ctx context.Context, tenant identity.Tenant) error {
	r, err := k.ring(ctx, tenant.ID)
	if err != nil {
		return err
	}
	if len(r.keys) > 0 && r.keys[0].Algorithm == algorithm(tenant) {
		return nil
	}
	// Made before the transaction: an RSA key takes its time.
	made, err := k.generate(tenant)
	if err != nil {
		return err
	}
	err = k.store.Update(ctx, tenant.ID, func(tx identity.Tx) error {
		stored, err := tx.Keys.List(ctx)
		if err != nil {
			return err
		}
		newestFirst(stored)
		if len(stored) == 0 {
			made.ActiveAt = made.CreatedAt
			return tx.Keys.Put(ctx, made)
		}
		if stored[0].Algorithm == made.Algorithm {
			return nil // another node was first
		}
		_, err = k.succeed(ctx, tx, made, "system")
		return err
	})
	if err != nil {
		return fmt.Errorf("ensure a signing key: %w", err)
	}
	k.forget(tenant.ID)
	return nil
}

// Rotate makes a key that signs from [CacheLife] on. Until then it is only
// published and the present key signs; after that the present key is published
// for [Overlap] more.
func (k *Keys) Rotate(ctx context.Context, tenant identity.Tenant) (identity.SigningKey, error) {
	made, err := k.generate(tenant)
	if err != nil {
		return identity.SigningKey{}, err
	}
	var next identity.SigningKey
	err = k.store.Update(ctx, tenant.ID, func(tx identity.Tx) (err error) {
		next, err = k.succeed(ctx, tx, made, "operator")
		return err
	})
	if err != nil {
		return identity.SigningKey{}, fmt.Errorf("rotate the signing key: %w", err)
	}
	k.forget(tenant.ID)
	return next, nil
}

// succeed stores made as the successor of all keys that have none yet. With
// nothing to succeed it is in use at once.
func (k *Keys) succeed(ctx context.Context, tx identity.Tx, made identity.SigningKey, actor string) (identity.SigningKey, error) {
	stored, err := tx.Keys.List(ctx)
	if err != nil {
		return made, err
	}
	made.ActiveAt = made.CreatedAt
	if len(stored) > 0 {
		made.ActiveAt = made.CreatedAt.Add(CacheLife)
	}
	for _, old := range stored {
		if old.RetiredAt != nil {
			continue
		}
		retired, expires := made.ActiveAt, made.ActiveAt.Add(Overlap)
		old.RetiredAt, old.ExpiresAt = &retired, &expires
		if err := tx.Keys.Put(ctx, old); err != nil {
			return made, err
		}
	}
	if err := tx.Keys.Put(ctx, made); err != nil {
		return made, err
	}
	return made, tx.Events.Append(ctx, identity.Event{
		ID: identity.NewID("evt", made.CreatedAt, k.random), At: made.CreatedAt,
		Type: identity.EventKeyRotated, Outcome: identity.Succeeded, Actor: actor,
		Data: map[string]string{"kid": made.ID, "alg": made.Algorithm, "activeAt": made.ActiveAt.UTC().Format(time.RFC3339)},
	})
}

func algorithm(tenant identity.Tenant) string {
	if tenant.Algorithm == "" {
		return string(jose.ES256)
	}
	return tenant.Algorithm
}

// generate makes a key pair. Its id is its thumbprint (RFC 7638), so no two
// keys share one.
func (k *Keys) generate(tenant identity.Tenant) (identity.SigningKey, error) {
	alg := algorithm(tenant)
	private, err := newPrivate(alg, k.random)
	if err != nil {
		return identity.SigningKey{}, err
	}
	sealed, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return identity.SigningKey{}, fmt.Errorf("encode a signing key: %w", err)
	}
	jwk := jose.JSONWebKey{Key: private.Public(), Algorithm: alg, Use: "sig"}
	print, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return identity.SigningKey{}, fmt.Errorf("name a signing key: %w", err)
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(print)
	public, err := jwk.MarshalJSON()
	if err != nil {
		return identity.SigningKey{}, fmt.Errorf("encode a public key: %w", err)
	}
	return identity.SigningKey{
		ID: jwk.KeyID, Algorithm: alg, Public: public, Private: sealed, CreatedAt: k.now(),
	}, nil
}

func newPrivate(alg string, random io.Reader) (crypto.Signer, error) {
	switch jose.SignatureAlgorithm(alg) {
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), random)
	case jose.EdDSA:
		_, private, err := ed25519.GenerateKey(random)
		return private, err
	case jose.RS256:
		return rsa.GenerateKey(random, rsaBits)
	}
	return nil, identity.Invalid("algorithm", fmt.Sprintf("unknown signing algorithm %q (want ES256, EdDSA or RS256)", alg))
}
