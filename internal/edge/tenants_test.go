package edge

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
)

func TestC32_OneTenantIsOneHost(t *testing.T) {
	disabled := tenantAt("off", "https://off.example.com")
	disabled.Disabled = true
	tenants := NewTenants(newStore(t,
		tenantAt("tls", "https://login.example.com"), tenantAt("explicit", "https://Explicit.example.com:443"),
		tenantAt("plain", "http://localhost"), tenantAt("port", "http://localhost:8080"), tenantAt("six", "https://[2001:db8::1]:8443"),
		tenantAt("twin1", "https://twin.example.com"), tenantAt("twin2", "http://twin.example.com:443"),
		disabled,
	))
	for host, want := range map[string]string{
		"login.example.com": "tls", "LOGIN.Example.COM": "tls", "login.example.com:443": "tls",
		"explicit.example.com": "explicit", "explicit.example.com:443": "explicit",
		"localhost": "plain", "localhost:80": "plain", "localhost:8080": "port", "[2001:db8::1]:8443": "six",

		"": "", "login.example.com:80": "", "login.example.com:8443": "", "login.example.com.": "", "login.example.com.:443": "",
		"xlogin.example.com": "", "example.com": "", "login.example.com.evil.test": "", "login.example.com@evil.test": "",
		"localhost:443": "", "localhost:08080": "", "[2001:db8::1]": "", "127.0.0.1:8080": "", "login.example.com ": "",
		"twin.example.com:443": "", "off.example.com": "",
	} {
		tenant, found := tenants.ByHost(t.Context(), host)
		if tenant.ID != want || found != (want != "") {
			t.Errorf("%q: %q, want %q", host, tenant.ID, want)
		}
	}
}

// H-40: Host decides, and nothing that a client may write beside it.
func TestH40_ForwardedHostIsNotRead(t *testing.T) {
	tenants := NewTenants(newStore(t, tenantAt("one", "https://one.example.com"), tenantAt("two", "https://two.example.com")))
	var got identity.Tenant
	h := tenants.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = TenantOf(r.Context()) }))
	r := request("GET", "/", "")
	r.Host = "one.example.com"
	r.Header.Set("X-Forwarded-Host", "two.example.com")
	r.Header.Set("X-Original-Host", "two.example.com")
	r.Header.Set("Forwarded", "host=two.example.com")
	r.Header.Set("X-Forwarded-Proto", "http")
	serve(h, r)
	if got.ID != "one" || got.Issuer != "https://one.example.com" {
		t.Errorf("tenant %+v", got)
	}
	for _, accept := range []string{"", "text/html,*/*;q=0.8"} {
		got = identity.Tenant{}
		r := request("GET", "/", "")
		r.Host = "evil.test"
		r.Header.Set("X-Forwarded-Host", "one.example.com")
		r.Header.Set("Accept", accept)
		w := serve(h, r)
		if w.Code != http.StatusNotFound || got.ID != "" {
			t.Errorf("accept %q: status %d, tenant %q", accept, w.Code, got.ID)
		}
	}
}

func TestTenantsFollowTheGeneration(t *testing.T) {
	store := newStore(t, tenantAt("one", "https://one.example.com"))
	tenants := NewTenants(store)
	if _, found := tenants.ByHost(t.Context(), "one.example.com"); !found {
		t.Fatal("not found at first")
	}
	put(t, store, tenantAt("two", "https://two.example.com"))
	before := store.asked()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				tenants.ByHost(t.Context(), "two.example.com")
			}
		})
	}
	wg.Wait()
	// 800 look-ups last less than a second; were this machine that slow, two.
	if n := store.asked() - before; n > 2 {
		t.Errorf("800 look-ups asked the store %d times", n)
	}
	tenants.due.Reset(0) // a second passes
	if _, found := tenants.ByHost(t.Context(), "two.example.com"); !found {
		t.Error("a new tenant is not seen at the next poll")
	}

	for range 3 {
		tenants.due.Reset(0)
		tenants.ByHost(t.Context(), "one.example.com")
	}
	if store.reads != 2 {
		t.Errorf("the tenants were read %d times although they changed once", store.reads-1)
	}

	gone := tenantAt("one", "https://one.example.com")
	gone.Disabled = true
	put(t, store, gone)
	store.fail(errors.New("no store"))
	tenants.due.Reset(0)
	if _, found := tenants.ByHost(t.Context(), "one.example.com"); !found {
		t.Error("what was known is lost while the store cannot be asked")
	}
	if err := tenants.Refresh(t.Context()); err == nil {
		t.Error("refresh hides that the store cannot be asked")
	}
	store.fail(nil)
	if err := tenants.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, found := tenants.ByHost(t.Context(), "one.example.com"); found {
		t.Error("a disabled tenant is found")
	}
}

func TestTenantsWithoutAStoreFindNobody(t *testing.T) {
	store := newStore(t, tenantAt("one", "https://one.example.com"))
	store.fail(errors.New("no store"))
	tenants := NewTenants(store)
	if _, found := tenants.ByHost(t.Context(), "one.example.com"); found {
		t.Fatal("found without a store")
	}
	store.fail(nil)
	if _, found := tenants.ByHost(t.Context(), "one.example.com"); !found {
		t.Error("not found once the store is back")
	}
}

func TestWithTenantKeepsTheRest(t *testing.T) {
	var outer, inner string
	h := RequestIDs(zeros{}, nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := WithTenant(r.Context(), tenantAt("one", "https://one.example.com"))
		outer, inner = TenantOf(r.Context()).ID, TenantOf(ctx).ID
		if RequestID(ctx) == "" || RequestID(ctx) != RequestID(r.Context()) {
			t.Error("the request id is lost")
		}
	}))
	serve(h, request("GET", "/", ""))
	if outer != "" || inner != "one" {
		t.Errorf("outer %q, inner %q", outer, inner)
	}
}

// zeros is no randomness at all.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
