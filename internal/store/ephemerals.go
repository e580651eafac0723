package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type ephemerals txn

// place has no owner: an item may exist before anyone has been identified.
func (t *ephemerals) place(kind, key string) place {
	return (*txn)(t).at("ephemerals", "value", kind+"\x00"+key, "")
}

func (t *ephemerals) Put(ctx context.Context, kind, key string, value []byte, expires time.Time) error {
	if key == "" || !plain(kind, key) {
		return identity.ErrInvalid
	}
	rows, err := t.q.InsertEphemeral(ctx, sqlc.InsertEphemeralParams{
		TenantID: t.tenant, Kind: kind, Key: key,
		ExpiresAt: expires.UnixMicro(), Value: t.ring.seal(t.place(kind, key), value),
	})
	return one(rows, err, identity.ErrConflict)
}

// Get answers ErrTaken rather than ErrExpired for what is both: a replay is
// worth knowing for as long as it can be known.
func (t *ephemerals) Get(ctx context.Context, kind, key string) (identity.Item, error) {
	if !plain(kind, key) {
		return identity.Item{}, identity.ErrNotFound
	}
	row, err := t.q.Ephemeral(ctx, t.tenant, kind, key)
	if err != nil {
		return identity.Item{}, wrap(err)
	}
	item, err := t.item(kind, key, row)
	switch {
	case err != nil:
	case item.TakenAt != nil:
		err = identity.ErrTaken
	case row.ExpiresAt <= t.store.now().UnixMicro():
		err = identity.ErrExpired
	}
	return item, err
}

func (t *ephemerals) item(kind, key string, row sqlc.EphemeralRow) (identity.Item, error) {
	value, err := t.ring.open(t.place(kind, key), row.Value)
	if err != nil {
		return identity.Item{}, err
	}
	return identity.Item{
		Value: value, Version: row.Version,
		ExpiresAt: time.UnixMicro(row.ExpiresAt).UTC(), TakenAt: timeOf(row.TakenAt),
	}, nil
}

func (t *ephemerals) Swap(ctx context.Context, kind, key string, version int64, value []byte, expires time.Time) error {
	if !plain(kind, key) {
		return identity.ErrConflict
	}
	rows, err := t.q.SwapEphemeral(ctx, sqlc.SwapEphemeralParams{
		TenantID: t.tenant, Kind: kind, Key: key, Version: version, Now: t.store.now().UnixMicro(),
		ExpiresAt: expires.UnixMicro(), Value: t.ring.seal(t.place(kind, key), value),
	})
	return one(rows, err, identity.ErrConflict)
}

func (t *ephemerals) Take(ctx context.Context, kind, key string) (identity.Item, error) {
	if !plain(kind, key) {
		return identity.Item{}, identity.ErrNotFound
	}
	now := sql.NullInt64{Int64: t.store.now().UnixMicro(), Valid: true}
	row, err := t.q.TakeEphemeral(ctx, sqlc.TakeEphemeralParams{TenantID: t.tenant, Kind: kind, Key: key, Now: now})
	if err = wrap(err); notFound(err) {
		item, err := t.Get(ctx, kind, key) // why: never there, taken, or expired
		if err == nil {
			err = identity.ErrExpired // it ended between the two looks at the clock
		}
		return item, err
	}
	if err != nil {
		return identity.Item{}, err
	}
	return t.item(kind, key, sqlc.EphemeralRow{
		Version: row.Version, ExpiresAt: row.ExpiresAt, TakenAt: now, Value: row.Value,
	})
}

// Sweep deletes the longest expired first, taken or not.
func (t *ephemerals) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := t.q.SweepEphemerals(ctx, t.tenant, before.UnixMicro(), sweepLimit(limit))
	return int(n), wrap(err)
}
