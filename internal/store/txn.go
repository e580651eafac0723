package store

import (
	"database/sql"
	"errors"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// txn is one transaction within one tenant. Every port is this same struct
// under another name, so opening a transaction allocates once.
type txn struct {
	q      sqlc.Queries
	store  *Store
	tenant string
	ring   *ring
}

func (t *txn) ports() identity.Tx {
	return identity.Tx{
		Applications: (*applications)(t),
		Users:        (*users)(t),
		Enrolments:   (*enrolments)(t),
		Sessions:     (*sessions)(t),
		Grants:       (*grants)(t),
		Devices:      (*devices)(t),
		Lanes:        (*lanes)(t),
		Ephemerals:   (*ephemerals)(t),
		Events:       (*events)(t),
		Keys:         (*signingKeys)(t),
		Outbox:       (*outbox)(t),
		Revocations:  (*revocations)(t),
		Habits:       (*habits)(t),
	}
}

func (t *txn) at(table, column, row, owner string) place {
	return place{tenant: t.tenant, table: table, column: column, row: row, owner: owner}
}

func notFound(err error) bool { return errors.Is(err, identity.ErrNotFound) }

func micros(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}

func timeOf(n sql.NullInt64) *time.Time {
	if !n.Valid {
		return nil
	}
	t := time.UnixMicro(n.Int64).UTC()
	return &t
}

// orNull keeps an empty value as NULL, since one engine reads it back as nil.
func orNull(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}
