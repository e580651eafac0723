package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 500       // rows in one transaction
	sweepMost  = 20        // transactions for one tenant in one round
	keepTaken  = time.Hour // how long a spent thing is remembered after its end, so that its replay is known
	keepLanes  = 31 * 24 * time.Hour

	keepMessages = 7 * 24 * time.Hour   // sent or given up
	keepEnded    = 30 * 24 * time.Hour  // sessions, grants and enrolments after their end
	keepIdle     = 400 * 24 * time.Hour // sessions and devices that nobody came back with; no cookie lives longer
)

// sweeper deletes what has expired, a little at a time, so that nobody waits
// for it.
type sweeper struct {
	store identity.Store
	kept  *store.Store
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
	within := func(sweep func(tx identity.Tx) (int, error)) func() (int, error) {
		return func() (n int, err error) {
			err = s.store.Update(ctx, t.ID, func(tx identity.Tx) (err error) {
				n, err = sweep(tx)
				return err
			})
			return n, err
		}
	}
	return errors.Join(
		repeat(within(func(tx identity.Tx) (int, error) { return tx.Ephemerals.Sweep(ctx, now.Add(-keepTaken), sweepBatch) })),
		repeat(within(func(tx identity.Tx) (int, error) { return tx.Outbox.Sweep(ctx, now.Add(-keepMessages), sweepBatch) })),
		repeat(within(func(tx identity.Tx) (int, error) { return tx.Revocations.Sweep(ctx, now.Add(-keepTaken), sweepBatch) })),
		repeat(within(func(tx identity.Tx) (int, error) { return tx.Habits.Sweep(ctx, now, sweepBatch) })),
		repeat(within(func(tx identity.Tx) (int, error) { return 0, tx.Lanes.Sweep(ctx, now.Add(-keepLanes)) })),
		repeat(func() (int, error) {
			return s.kept.Sweep(ctx, t.ID, store.Over{Ended: now.Add(-keepEnded), Idle: now.Add(-keepIdle), Devices: now.Add(-keepIdle)}, sweepBatch)
		}),
	)
}

// repeat sweeps batch after batch, until one was not full or it is enough for
// this round.
func repeat(batch func() (int, error)) error {
	for range sweepMost {
		if n, err := batch(); err != nil || n < sweepBatch {
			return err
		}
	}
	return nil
}
