package store

import (
	"context"
	"math"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type events txn

func (t *events) Append(ctx context.Context, e identity.Event) error {
	if e.ID == "" || !plain(e.ID, e.User) {
		return identity.ErrInvalid
	}
	return wrap(t.q.InsertEvent(ctx, sqlc.InsertEventParams{
		TenantID: t.tenant, At: moment(e.At), Seq: t.store.tick(), ID: e.ID, UserID: e.User, Data: encode(e),
	}))
}

// List returns at most 1000 events; those of one instant in the order in which
// they were appended, last first.
func (t *events) List(ctx context.Context, f identity.EventFilter) ([]identity.Event, error) {
	if !plain(f.User) {
		return nil, nil
	}
	until := int64(math.MaxInt64)
	if !f.Until.IsZero() {
		until = moment(f.Until)
	}
	var rows []string
	var err error
	if f.User == "" {
		rows, err = t.q.Events(ctx, sqlc.EventsParams{TenantID: t.tenant, At: moment(f.Since), Until: until, Limit: rowLimit(f.Limit)})
	} else {
		rows, err = t.q.EventsByUser(ctx, sqlc.EventsByUserParams{
			TenantID: t.tenant, UserID: f.User, At: moment(f.Since), Until: until, Limit: rowLimit(f.Limit),
		})
	}
	return collect(rows, err, func(data string) (e identity.Event, err error) {
		err = decode(data, &e)
		return e, err
	})
}
