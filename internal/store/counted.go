package store

import (
	"context"
	"database/sql"
	"sync/atomic"

	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// counted is a transaction whose statements are counted. On PostgreSQL each is a
// round trip.
type counted struct {
	sqlc.DBTX
	n *atomic.Uint64
}

func (c counted) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.n.Add(1)
	return c.DBTX.ExecContext(ctx, query, args...)
}

func (c counted) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	c.n.Add(1)
	return c.DBTX.QueryContext(ctx, query, args...)
}

func (c counted) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	c.n.Add(1)
	return c.DBTX.QueryRowContext(ctx, query, args...)
}

// Statements tells how many statements transactions have sent so far; begin,
// commit and savepoints are not among them.
func (s *Store) Statements() uint64 { return s.statements.Load() }
