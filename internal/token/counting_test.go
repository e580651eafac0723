package token

import (
	"context"
	"sync"
	"testing"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

// newStore returns an empty store that knows tenants.
func newStore(t testing.TB, tenants ...identity.Tenant) identity.Store {
	t.Helper()
	s := storetest.New(t)
	for _, tenant := range tenants {
		if err := s.PutTenant(context.Background(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// counting is a store that counts how often its generation is asked for, and
// can be made to fail there.
type counting struct {
	identity.Store
	mu     sync.Mutex
	n      int
	broken error
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
