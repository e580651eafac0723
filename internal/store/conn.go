package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// conn is one connection with its prepared statements. A statement is
// prepared when it is first needed, so none costs anything at start; their
// number is bounded by the queries that exist.
type conn struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	return &conn{db: db, conn: c, stmts: make(map[string]*sql.Stmt)}, nil
}

func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background())
	return err
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		_ = s.Close() // the connection goes with it
	}
	return c.conn.Close()
}

// lease is a transaction's use of a connection. It ends with the transaction:
// what keeps a port for longer cannot write into the next transaction.
//
// Statements run without the caller's context: watching one costs a goroutine
// a statement, and one that is cut off would undo its neighbours' work.
type lease struct {
	c    *conn
	over bool
}

var _ sqlc.DBTX = (*lease)(nil)

var errOver = errors.New("store: the transaction is over")

func (l *lease) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if l.over {
		return nil, errOver
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return l.c.stmt(query)
}

func (l *lease) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := l.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (l *lease) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return l.stmt(ctx, query)
}

func (l *lease) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := l.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (l *lease) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := l.stmt(ctx, query)
	if err != nil {
		return l.c.db.QueryRowContext(ended(err), query) // the only way to a Row with an error
	}
	return s.QueryRowContext(context.Background(), args...)
}

// failed is a context that has ended, with an error of our own.
type failed struct {
	context.Context
	err error
}

func ended(err error) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return failed{ctx, err}
}

func (f failed) Err() error { return f.err }
