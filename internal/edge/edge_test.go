package edge

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// counting is a store that counts its questions and can be made to fail.
type counting struct {
	identity.Store
	mu     sync.Mutex
	n      int // questions for the generation
	reads  int // of all tenants
	broken error
}

func (s *counting) Tenants(ctx context.Context) ([]identity.Tenant, error) {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	return s.Store.Tenants(ctx)
}

func (s *counting) Generation(ctx context.Context) (int64, error) {
	s.mu.Lock()
	s.n++
	err := s.broken
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return s.Store.Generation(ctx)
}

func (s *counting) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *counting) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

func put(t *testing.T, s identity.Store, tenants ...identity.Tenant) {
	t.Helper()
	for _, tenant := range tenants {
		if err := s.PutTenant(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
}

func newStore(t *testing.T, tenants ...identity.Tenant) *counting {
	t.Helper()
	s := &counting{Store: storetest.New(t)}
	put(t, s, tenants...)
	return s
}

func tenantAt(id, issuer string) identity.Tenant {
	return identity.Tenant{ID: id, Issuer: issuer, RPID: "example.com", Name: id}
}

// logged collects log lines.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newLog() (*slog.Logger, *logged) {
	l := &logged{}
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})), l
}

// front is a whole front for one tenant at https://login.example.com.
func front(t *testing.T, next http.Handler) (http.Handler, *logged) {
	t.Helper()
	log, lines := newLog()
	tenants := NewTenants(newStore(t, tenantAt("tnt_1", "https://login.example.com")))
	return Front{
		Log: log, Now: time.Now, Random: rand.Reader, Secure: true, Tenants: tenants,
		Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}.Handler(next), lines
}

func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "login.example.com"
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if typ := w.Header().Get("Content-Type"); typ != "application/problem+json" {
		t.Fatalf("status %d, media type %q, body %s", w.Code, typ, w.Body)
	}
	var p map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p["status"] != float64(w.Code) {
		t.Errorf("status %v in the body of a %d", p["status"], w.Code)
	}
	return p
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
