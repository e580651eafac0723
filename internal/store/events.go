package store

import (
	"context"
	"errors"
	"time"

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
	var rows []string
	var err error
	if f.User == "" {
		rows, err = t.q.Events(ctx, t.tenant, moment(f.Since), rowLimit(f.Limit))
	} else {
		rows, err = t.q.EventsByUser(ctx, sqlc.EventsByUserParams{
			TenantID: t.tenant, UserID: f.User, At: moment(f.Since), Limit: rowLimit(f.Limit),
		})
	}
	return collect(rows, err, func(data string) (e identity.Event, err error) {
		err = decode(data, &e)
		return e, err
	})
}

type outbox txn

func (t *outbox) place(column, id string) place {
	return (*txn)(t).at("outbox", column, id, "")
}

// Put seals all of a message, whom it is for included.
func (t *outbox) Put(ctx context.Context, m identity.Message) error {
	if m.ID == "" || !plain(m.ID) {
		return identity.ErrInvalid
	}
	rows, err := t.q.InsertMessage(ctx, sqlc.InsertMessageParams{
		TenantID: t.tenant, ID: m.ID, Seq: t.store.tick(), Data: "{}",
		Body: t.ring.seal(t.place("body", m.ID), []byte(encode(m))),
	})
	return one(rows, err, identity.ErrConflict)
}

func (t *outbox) List(ctx context.Context, limit int) ([]identity.Message, error) {
	rows, err := t.q.Messages(ctx, t.tenant, rowLimit(limit))
	return collect(rows, err, func(r sqlc.MessagesRow) (m identity.Message, err error) {
		body, err := t.ring.open(t.place("body", r.ID), r.Body)
		if err != nil {
			return m, err
		}
		err = decode(string(body), &m)
		return m, err
	})
}

var errNotYet = errors.New("store: the outbox cannot be claimed from yet")

func (t *outbox) Claim(context.Context, time.Time, time.Time, int) ([]identity.Message, error) {
	return nil, errNotYet
}

func (t *outbox) Settle(context.Context, string, identity.Delivery) error { return errNotYet }

func (t *outbox) Sweep(context.Context, time.Time, int) (int, error) { return 0, errNotYet }
