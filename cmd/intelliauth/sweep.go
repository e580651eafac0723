package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 500       // rows in one transaction
	sweepMost  = 20        // transactions for one tenant in one round
	keepTaken  = time.Hour // how long a spent thing is remembered after its end, so that its replay is known
	keepLanes  = 31 * 24 * time.Hour
)

// sweeper deletes what has expired, a little at a time, so that nobody waits
// for it.
type sweeper struct {
	store identity.Store
	now   func() time.Time
	log   *slog.Logger
}

// run sweeps until ctx ends.
func (s sweeper) run(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "what has expired could not be deleted", "error", err)
			}
		}
	}
}

// sweep is one round over all tenants.
func (s sweeper) sweep(ctx context.Context) error {
	tenants, err := s.store.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		if err := s.tenant(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (s sweeper) tenant(ctx context.Context, t identity.Tenant) error {
	now := s.now()
	for range sweepMost {
		deleted := 0
		err := s.store.Update(ctx, t.ID, func(tx identity.Tx) (err error) {
			deleted, err = tx.Ephemerals.Sweep(ctx, now.Add(-keepTaken), sweepBatch)
			return err
		})
		if err != nil {
			return err
		}
		if deleted < sweepBatch {
			break
		}
	}
	return s.store.Update(ctx, t.ID, func(tx identity.Tx) error {
		return tx.Lanes.Sweep(ctx, now.Add(-keepLanes))
	})
}
