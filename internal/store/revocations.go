package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type revocations txn

func (t *revocations) Append(ctx context.Context, r identity.Revocation) error {
	if r.Kind == "" || !plain(r.Session, r.User) {
		return identity.ErrInvalid
	}
	number, err := t.q.RaiseRevocations(ctx, t.tenant)
	if err != nil {
		return wrap(err)
	}
	return wrap(t.q.InsertRevocation(ctx, sqlc.InsertRevocationParams{
		TenantID: t.tenant, Number: number, At: moment(r.At), Until: moment(r.Until), Data: encode(r),
	}))
}

func (t *revocations) Last(ctx context.Context) (int64, error) {
	number, err := t.q.LastRevocation(ctx, t.tenant)
	if err = wrap(err); notFound(err) {
		return 0, nil
	}
	return number, err
}

func (t *revocations) Live(ctx context.Context, now time.Time) ([]identity.Revocation, error) {
	rows, err := t.q.RevocationsUntil(ctx, t.tenant, moment(now))
	out, err := collect(rows, err, func(row sqlc.RevocationsUntilRow) (r identity.Revocation, err error) {
		err = decode(row.Data, &r)
		r.Number, r.At = row.Number, time.UnixMicro(row.At).UTC()
		return r, err
	})
	slices.SortFunc(out, func(a, b identity.Revocation) int { return cmp.Compare(a.Number, b.Number) })
	return out, err
}

func (t *revocations) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	rows, err := t.q.SweepRevocations(ctx, t.tenant, moment(before), sweepLimit(limit))
	return int(rows), wrap(err)
}
