package oidc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// pollEvery is how long a change of an application may go unseen.
const pollEvery = time.Second

// maxClientID bounds what is looked up at all, in bytes.
const maxClientID = 128

// applications keeps applications as they were read, until the store's
// generation moves. What is not found is not kept, so made-up ids fill nothing.
type applications struct {
	store identity.Store
	now   func() time.Time

	mu         sync.RWMutex
	polled     time.Time
	generation int64
	known      map[key]identity.Application
}

type key struct{ tenant, id string }

func newApplications(store identity.Store, now func() time.Time) *applications {
	return &applications{store: store, now: now, known: map[key]identity.Application{}}
}

// byID returns an application that is not disabled, or identity.ErrNotFound.
func (a *applications) byID(ctx context.Context, tenant, id string) (identity.Application, error) {
	if id == "" || len(id) > maxClientID {
		return identity.Application{}, identity.ErrNotFound
	}
	generation, err := a.current(ctx)
	if err != nil {
		return identity.Application{}, err
	}
	a.mu.RLock()
	app, ok := a.known[key{tenant, id}]
	a.mu.RUnlock()
	if !ok {
		if app, err = a.read(ctx, tenant, id, generation); err != nil {
			return identity.Application{}, err
		}
	}
	if app.Disabled {
		return identity.Application{}, identity.ErrNotFound
	}
	return app, nil
}

func (a *applications) read(ctx context.Context, tenant, id string, generation int64) (identity.Application, error) {
	var app identity.Application
	err := a.store.View(ctx, tenant, func(tx identity.Tx) (err error) {
		app, err = tx.Applications.ByID(ctx, id)
		return err
	})
	if err != nil {
		return app, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// Read under an older generation, it may be older than what that one brought.
	if generation == a.generation {
		a.known[key{tenant, id}] = app
	}
	return app, nil
}

// current returns the generation that known belongs to, asking the store at
// most once a second. Where the store cannot be asked, nothing is known.
func (a *applications) current(ctx context.Context) (int64, error) {
	a.mu.RLock()
	generation, fresh := a.generation, a.fresh()
	a.mu.RUnlock()
	if fresh {
		return generation, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fresh() {
		return a.generation, nil
	}
	generation, err := a.store.Generation(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for the generation of applications: %w", err)
	}
	if generation != a.generation {
		a.known = map[key]identity.Application{}
	}
	a.generation, a.polled = generation, a.now()
	return generation, nil
}

// fresh copes with a clock that was set back.
func (a *applications) fresh() bool {
	age := a.now().Sub(a.polled)
	return age >= 0 && age < pollEvery
}
