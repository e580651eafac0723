package token

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// clock is moved by tests.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func tenantNamed(name, alg string) identity.Tenant {
	return identity.Tenant{ID: "tnt_" + name, Issuer: "https://" + name + ".example.com", Algorithm: alg}
}

// started returns keys with a first one in use.
func started(t *testing.T, alg string) (*Keys, identity.Tenant, *clock) {
	t.Helper()
	c := newClock()
	tenant := tenantNamed("one", alg)
	k := NewKeys(newStore(t, tenant), c.now, rand.Reader)
	if err := k.Ensure(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	return k, tenant, c
}

func access(tenant identity.Tenant, now time.Time) Access {
	return Access{
		Issuer: tenant.Issuer, Subject: "usr_1", Audience: "https://api.example.com", Scope: "openid", ClientID: "app",
		Session: "ses_1", ACR: "aal2", AMR: []string{"pwd", "otp", "mfa"}, AuthTime: now.Unix(),
		ID: UserJTI("grt_1", rand.Reader), IssuedAt: now.Unix(), Expires: now.Add(10 * time.Minute).Unix(),
	}
}

func sign(t *testing.T, k *Keys, tenant identity.Tenant, typ string, claims any) string {
	t.Helper()
	compact, err := k.Sign(t.Context(), tenant, typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

func kidOf(t *testing.T, compact string) string {
	t.Helper()
	return headerOf(t, compact)["kid"].(string)
}

func headerOf(t *testing.T, compact string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(compact[:strings.IndexByte(compact, '.')])
	if err != nil {
		t.Fatal(err)
	}
	var h map[string]any
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func published(t *testing.T, k *Keys, tenant identity.Tenant) map[string]jose.JSONWebKey {
	t.Helper()
	doc, etag, err := k.JWKS(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(etag, `"`) || !strings.HasSuffix(etag, `"`) {
		t.Errorf("etag %s is not quoted", etag)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(doc, &set); err != nil {
		t.Fatal(err)
	}
	out := map[string]jose.JSONWebKey{}
	for _, key := range set.Keys {
		if !key.IsPublic() || key.Use != "sig" {
			t.Errorf("published key %s is private or not for signatures", key.KeyID)
		}
		out[key.KeyID] = key
	}
	return out
}

// A token of each algorithm verifies here, and with the library against the
// published keys alone.
func TestA11_TokenOfEachAlgorithm(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		t.Run(alg, func(t *testing.T) {
			k, tenant, c := started(t, alg)
			want := access(tenant, c.now())
			want.Confirmation = &Confirmation{Thumbprint: "abc"}
			compact := sign(t, k, tenant, TypAccess, want)
			got, err := k.VerifyAccess(t.Context(), tenant, compact, want.Audience)
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != want.ID || got.Confirmation.Thumbprint != "abc" || got.ACR != "aal2" || len(got.AMR) != 3 {
				t.Errorf("read %+v, want %+v", got, want)
			}
			h := headerOf(t, compact)
			if len(h) != 3 || h["alg"] != alg || h["typ"] != "at+jwt" {
				t.Errorf("header %v", h)
			}
			jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := jws.Verify(published(t, k, tenant)[kidOf(t, compact)].Key); err != nil {
				t.Errorf("the library refuses the token: %v", err)
			}
		})
	}
}

func TestA11_AccessTokenClaimNames(t *testing.T) {
	full := access(tenantNamed("one", ""), time.Now())
	out, err := encode(full)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(out, &claims); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("iss sub aud scope client_id sid acr amr auth_time jti exp iat") {
		if _, ok := claims[name]; !ok {
			t.Errorf("claim %s is missing", name)
		}
		delete(claims, name)
	}
	if len(claims) != 0 {
		t.Errorf("claims nobody promised: %v", claims)
	}
}

func TestC41_KeyIsPublishedOneCacheLifeBeforeUse(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	old := kidOf(t, sign(t, k, tenant, TypAccess, access(tenant, c.now())))
	_, tag, _ := k.JWKS(t.Context(), tenant)

	next, err := k.Rotate(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	if !next.ActiveAt.Equal(c.now().Add(CacheLife)) {
		t.Errorf("in use at %v", next.ActiveAt)
	}
	keys := published(t, k, tenant)
	if _, ok := keys[next.ID]; !ok || len(keys) != 2 {
		t.Errorf("published %d keys, want the old and the next", len(keys))
	}
	if _, changed, _ := k.JWKS(t.Context(), tenant); changed == tag {
		t.Error("the entity tag did not change with the keys")
	}
	c.move(CacheLife - time.Second)
	last := sign(t, k, tenant, TypAccess, access(tenant, c.now()))
	if kidOf(t, last) != old {
		t.Error("the next key signs before others can know it")
	}
	c.move(time.Second)
	if kidOf(t, sign(t, k, tenant, TypAccess, access(tenant, c.now()))) != next.ID {
		t.Error("the next key does not sign when its time has come")
	}
	if _, err := k.VerifyAccess(t.Context(), tenant, last, ""); err != nil {
		t.Errorf("A-39: the old key's token is refused during the overlap: %v", err)
	}
	c.move(Overlap - time.Second)
	if len(published(t, k, tenant)) != 2 {
		t.Error("the old key left before the overlap was over")
	}
	c.move(time.Second)
	if keys := published(t, k, tenant); len(keys) != 1 {
		t.Errorf("published %d keys after the overlap, want 1", len(keys))
	}
	if err := k.Verify(t.Context(), tenant, last, TypAccess, &Access{}); !errors.Is(err, identity.ErrInvalid) {
		t.Errorf("an expired key's token: %v", err)
	}
}

func TestC41_RotatingTwiceLeavesOneKeyInUseAtEveryMoment(t *testing.T) {
	k, tenant, c := started(t, "EdDSA")
	for range 3 {
		if _, err := k.Rotate(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
		c.move(time.Minute)
	}
	for range 12 {
		compact := sign(t, k, tenant, TypAccess, access(tenant, c.now()))
		if _, err := k.VerifyAccess(t.Context(), tenant, compact, ""); err != nil {
			t.Fatal(err)
		}
		c.move(time.Minute)
	}
	c.move(25 * time.Hour)
	if n := len(published(t, k, tenant)); n != 1 {
		t.Errorf("%d keys stay published, want 1", n)
	}
}

func TestC41_RotationIsAnEvent(t *testing.T) {
	c := newClock()
	tenant := tenantNamed("one", "ES256")
	store := newStore(t, tenant)
	k := NewKeys(store, c.now, rand.Reader)
	if err := k.Ensure(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	next, err := k.Rotate(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	var events []identity.Event
	err = store.View(t.Context(), tenant.ID, func(tx identity.Tx) (err error) {
		events, err = tx.Events.List(t.Context(), identity.EventFilter{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != 1 || events[0].Type != identity.EventKeyRotated || events[0].Data["kid"] != next.ID {
		t.Fatalf("events %+v", events)
	}
	if shown, _ := json.Marshal(events[0]); bytes.Contains(shown, []byte(base64.StdEncoding.EncodeToString(next.Private)[:24])) {
		t.Error("the event holds the private key")
	}
}

func TestC41_EnsureMakesOneKeyAndChangesAlgorithmByRotation(t *testing.T) {
	k, tenant, c := started(t, "ES256")
	for range 3 {
		if err := k.Ensure(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(published(t, k, tenant)); n != 1 {
		t.Fatalf("%d keys, want 1", n)
	}
	tenant.Algorithm = "EdDSA"
	for range 3 {
		if err := k.Ensure(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(published(t, k, tenant)); n != 2 {
		t.Fatalf("%d keys, want 2", n)
	}
	if alg := headerOf(t, sign(t, k, tenant, TypID, ID{}))["alg"]; alg != "ES256" {
		t.Errorf("signs with %s before the next key is known", alg)
	}
	c.move(CacheLife)
	if alg := headerOf(t, sign(t, k, tenant, TypID, ID{}))["alg"]; alg != "EdDSA" {
		t.Errorf("signs with %s after", alg)
	}
}

func TestC41_EnsureOnManyNodesMakesOneKey(t *testing.T) {
	c := newClock()
	tenant := tenantNamed("one", "EdDSA")
	store := newStore(t, tenant)
	var nodes []*Keys
	var wg sync.WaitGroup
	for range 8 {
		k := NewKeys(store, c.now, rand.Reader)
		nodes = append(nodes, k)
		wg.Go(func() {
			if err := k.Ensure(context.Background(), tenant); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(published(t, NewKeys(store, c.now, rand.Reader), tenant)); n != 1 {
		t.Fatalf("%d keys, want 1", n)
	}
	compact := sign(t, nodes[0], tenant, TypAccess, access(tenant, c.now()))
	for _, k := range nodes {
		if _, err := k.VerifyAccess(t.Context(), tenant, compact, ""); err != nil {
			t.Error(err)
		}
	}
}
