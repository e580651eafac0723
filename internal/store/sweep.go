package store

import (
	"context"
	"time"

	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// Over says what [Store.Sweep] may delete: things that ended before a moment.
// A zero time spares its kind.
type Over struct {
	Ended   time.Time // sessions that were ended, enrolments that were removed; grants that expired or were revoked, to the day
	Idle    time.Time // sessions without activity since, to the day: the browser that held them is gone
	Devices time.Time // browsers in which nobody finished a sign-in since
}

// Sweep deletes at most limit rows of each kind of a tenant, longest over
// first, and tells how many there were of the kind with the most: when that is
// limit, there may be more. Nobody asks for these rows again; what happened to
// them stands in the events.
func (s *Store) Sweep(ctx context.Context, tenant string, o Over, limit int) (int, error) {
	most := 0
	err := s.engine.update(ctx, func(db sqlc.DBTX) error {
		q := sqlc.New(db)
		most = 0
		for _, kind := range []struct {
			before time.Time
			column func(time.Time) int64
			sweep  func(ctx context.Context, tenant string, before int64, most int32) (int64, error)
		}{
			{o.Ended, moment, q.SweepEndedSessions},
			{o.Ended, dayOf, q.SweepGrants},
			{o.Ended, moment, q.SweepRemovedEnrolments},
			{o.Idle, dayOf, q.SweepIdleSessions},
			{o.Devices, moment, q.SweepDevices},
		} {
			if kind.before.IsZero() {
				continue
			}
			rows, err := kind.sweep(ctx, tenant, kind.column(kind.before), sweepLimit(limit))
			if err != nil {
				return wrap(err)
			}
			most = max(most, int(rows))
		}
		return nil
	})
	return most, err
}

// sweepLimit keeps one transaction short; 0 deletes nothing.
func sweepLimit(n int) int32 { return int32(min(max(n, 0), 100_000)) }
