package token

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestC41_AnotherNodeSeesTheGeneration(t *testing.T) {
	c := newClock()
	tenant := tenantNamed("one", "EdDSA")
	store := newStore(t, tenant)
	a, b := NewKeys(store, c.now, rand.Reader), NewKeys(store, c.now, rand.Reader)
	if err := a.Ensure(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	if n := len(published(t, b, tenant)); n != 1 {
		t.Fatalf("%d keys, want 1", n)
	}
	next, err := a.Rotate(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(published(t, b, tenant)); n != 1 {
		t.Errorf("%d keys without asking: what would a poll be for", n)
	}
	c.move(pollEvery)
	if _, ok := published(t, b, tenant)[next.ID]; !ok {
		t.Error("not seen after the next poll")
	}
}

// A token by a key that this node has not seen makes it ask out of turn, once.
func TestA39_UnknownKeyAsksAgainOnce(t *testing.T) {
	c := newClock()
	tenant, other := tenantNamed("one", "EdDSA"), tenantNamed("two", "EdDSA")
	store := &counting{Store: newStore(t, tenant, other)}
	a, b := NewKeys(store, c.now, rand.Reader), NewKeys(store, c.now, rand.Reader)
	if _, _, err := b.JWKS(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	if err := a.Ensure(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	compact := sign(t, a, tenant, TypAccess, access(tenant, c.now()))
	if _, err := b.VerifyAccess(t.Context(), tenant, compact, ""); err != nil {
		t.Fatalf("the fresh key was not looked for: %v", err)
	}
	if err := a.Ensure(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	foreign := sign(t, a, other, TypAccess, access(other, c.now()))
	before := store.asked()
	for range 50 {
		if err := b.Verify(t.Context(), tenant, foreign, TypAccess, &Access{}); !errors.Is(err, identity.ErrInvalid) {
			t.Fatalf("foreign key: %v", err)
		}
	}
	if n := store.asked() - before; n > 1 {
		t.Errorf("50 unknown keys cost the store %d questions, want at most 1", n)
	}
}

func TestPollIsAtMostOncePerSecond(t *testing.T) {
	c := newClock()
	tenant := tenantNamed("one", "EdDSA")
	store := &counting{Store: newStore(t, tenant)}
	k := NewKeys(store, c.now, rand.Reader)
	if err := k.Ensure(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	sign(t, k, tenant, TypID, ID{})
	before := store.asked()
	for range 100 {
		sign(t, k, tenant, TypID, ID{})
		c.move(pollEvery / 10)
	}
	if n := store.asked() - before; n != 9 && n != 10 {
		t.Errorf("asked %d times in ten seconds", n)
	}
}

func TestBrokenStoreFailsClosed(t *testing.T) {
	c := newClock()
	tenant := tenantNamed("one", "EdDSA")
	store := &counting{Store: newStore(t, tenant)}
	k := NewKeys(store, c.now, rand.Reader)
	if err := k.Ensure(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	compact := sign(t, k, tenant, TypAccess, access(tenant, c.now()))
	c.move(pollEvery)
	store.fail(errors.New("no store"))
	if _, err := k.VerifyAccess(t.Context(), tenant, compact, ""); err == nil || errors.Is(err, identity.ErrInvalid) {
		t.Errorf("verify: %v, want an internal error", err)
	}
	if _, err := k.Sign(t.Context(), tenant, TypID, ID{}); err == nil {
		t.Error("signs with keys that may stand no more")
	}
	store.fail(nil)
	if _, err := k.VerifyAccess(t.Context(), tenant, compact, ""); err != nil {
		t.Errorf("does not come back: %v", err)
	}
}

func TestNoKeyNoToken(t *testing.T) {
	c := newClock()
	tenant := tenantNamed("one", "ES256")
	k := NewKeys(newStore(t, tenant), c.now, rand.Reader)
	if _, err := k.Sign(t.Context(), tenant, TypID, ID{}); !errors.Is(err, errNoKey) {
		t.Errorf("sign: %v", err)
	}
	if doc, _, err := k.JWKS(t.Context(), tenant); err != nil || string(doc) != `{"keys":[]}` {
		t.Errorf("JWKS %s, %v", doc, err)
	}
	tenant.Algorithm = "HS256"
	if err := k.Ensure(t.Context(), tenant); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("HS256: %v", err)
	}
}
