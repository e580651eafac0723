package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

type outbox txn

func (t *outbox) place(column, id string) place {
	return (*txn)(t).at("outbox", column, id, "")
}

// Put seals all of a message, whom it is for included. One that was sent or
// given up already is never given out.
func (t *outbox) Put(ctx context.Context, m identity.Message) error {
	if m.ID == "" || !plain(m.ID) {
		return identity.ErrInvalid
	}
	done := m.SentAt
	if m.DeadAt != nil {
		done = m.DeadAt
	}
	due := m.NextAt
	if due.IsZero() {
		due = m.At
	}
	p := sqlc.InsertMessageParams{
		TenantID: t.tenant, ID: m.ID, Seq: t.store.tick(), DoneAt: micros(done), Dead: m.DeadAt != nil,
		Body: t.ring.seal(t.place("body", m.ID), []byte(encode(m))),
	}
	if done == nil {
		p.DueAt = sql.NullInt64{Int64: moment(due), Valid: true}
	}
	rows, err := t.q.InsertMessage(ctx, p)
	return one(rows, err, identity.ErrConflict)
}

func (t *outbox) List(ctx context.Context, limit int) ([]identity.Message, error) {
	rows, err := t.q.Messages(ctx, t.tenant, rowLimit(limit))
	return collect(rows, err, t.message)
}

// Claim is one statement, so two callers never get the same message. A lease is
// nothing but the next time at which a message is due: what a caller that died
// had claimed comes up again by itself.
func (t *outbox) Claim(ctx context.Context, now, until time.Time, limit int) ([]identity.Message, error) {
	rows, err := t.q.ClaimMessages(ctx, sqlc.ClaimMessagesParams{
		TenantID: t.tenant, Now: now.UnixMicro(), Until: until.UnixMicro(), Most: rowLimit(limit),
	})
	slices.SortFunc(rows, func(a, b sqlc.ClaimMessagesRow) int { return cmp.Compare(a.Seq, b.Seq) })
	return collect(rows, err, func(r sqlc.ClaimMessagesRow) (identity.Message, error) { return t.message(sqlc.MessagesRow(r)) })
}

// Settle answers ErrConflict if the message was settled for good before, or is
// gone: then somebody else's result stands.
func (t *outbox) Settle(ctx context.Context, id string, d identity.Delivery) error {
	if !plain(id) {
		return identity.ErrConflict
	}
	p := sqlc.SettleMessageParams{TenantID: t.tenant, ID: id, Dead: d.Dead}
	if d.Sent || d.Dead {
		now := t.store.now()
		p.DoneAt = micros(&now)
	} else {
		p.DueAt = sql.NullInt64{Int64: moment(d.Again), Valid: true}
		if d.Untried {
			p.Untried = 1
		}
	}
	if d.Trouble != "" {
		p.Trouble = t.ring.seal(t.place("trouble", id), []byte(d.Trouble))
	}
	rows, err := t.q.SettleMessage(ctx, p)
	return one(rows, err, identity.ErrConflict)
}

// Sweep deletes what was done with longest ago first.
func (t *outbox) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := t.q.SweepMessages(ctx, t.tenant, before.UnixMicro(), sweepLimit(limit))
	return int(n), wrap(err)
}

func (t *outbox) message(r sqlc.MessagesRow) (identity.Message, error) {
	body, err := t.ring.open(t.place("body", r.ID), r.Body)
	if err != nil {
		return identity.Message{}, err
	}
	var m identity.Message
	if err := decode(string(body), &m); err != nil {
		return identity.Message{}, err
	}
	m.Attempts = int(r.Attempts)
	switch {
	case r.Dead:
		m.DeadAt = timeOf(r.DoneAt)
	case r.DoneAt.Valid:
		m.SentAt = timeOf(r.DoneAt)
	case r.Attempts > 0:
		m.NextAt = *timeOf(r.DueAt)
	}
	if r.Trouble != nil {
		trouble, err := t.ring.open(t.place("trouble", r.ID), r.Trouble)
		if err != nil {
			return identity.Message{}, err
		}
		m.Trouble = string(trouble)
	}
	return m, nil
}

// DueTenants implements identity.Due: which tenants a Claim at now would find
// something for.
func (s *Store) DueTenants(ctx context.Context, now time.Time) ([]string, error) {
	var out []string
	err := s.engine.view(ctx, func(db sqlc.DBTX) (err error) {
		out, err = sqlc.New(db).DueTenants(ctx, now.UnixMicro())
		return wrap(err)
	})
	return out, err
}
