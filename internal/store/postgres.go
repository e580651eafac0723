package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// pg runs transactions on PostgreSQL.
type pg struct {
	pool   *pgxpool.Pool
	db     *sql.DB
	jitter func(n time.Duration) time.Duration
}

const (
	pgTries   = 60
	pgConns   = 16
	pgPatient = 30 * time.Second // longest transaction, once its caller is gone
)

func openPool(ctx context.Context, d dsn) (*pg, error) {
	c, err := pgxpool.ParseConfig(d.url)
	if err != nil {
		return nil, errors.New("store: database: the postgres:// address cannot be read") // the driver's text quotes it
	}
	if !strings.Contains(d.url, "pool_max_conns=") {
		c.MaxConns = pgConns
	}
	if c.MaxConnLifetimeJitter == 0 {
		c.MaxConnLifetimeJitter = c.MaxConnLifetime / 6 // so that not all reconnect at once
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &pg{pool: pool, db: stdlib.OpenDBFromPool(pool)}, nil
}

func openPostgres(ctx context.Context, d dsn, o Options) (engine, error) {
	e, err := openPool(ctx, d)
	if err != nil {
		return nil, err
	}
	e.jitter = func(n time.Duration) time.Duration {
		var b [2]byte
		_, _ = o.Random.Read(b[:]) // no randomness: no jitter, nothing worse
		return n * time.Duration(uint(b[0])<<8|uint(b[1])) >> 16
	}
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(200*time.Millisecond, 1500)) // five minutes
	if err == nil {
		t := target{
			db: e.db, dialect: goose.DialectPostgres, version: e.version,
			options: []goose.ProviderOption{goose.WithLocker(locker)},
		}
		err = t.prepare(ctx, o.Migrate)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *pg) version(ctx context.Context) (int64, error) {
	var v int64
	err := e.db.QueryRowContext(ctx, appliedVersion).Scan(&v)
	if pgCode(err) == pgNoTable {
		return 0, nil
	}
	return v, wrap(err)
}

func postgresVersionOf(ctx context.Context, d dsn) (int64, error) {
	e, err := openPool(ctx, d)
	if err != nil {
		return 0, err
	}
	defer e.close()
	return e.version(ctx)
}

func (e *pg) view(ctx context.Context, fn work) error {
	_, err := e.once(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
	return err
}

// update runs fn until no concurrent transaction stands in its way.
func (e *pg) update(ctx context.Context, fn work) error {
	wait := time.Millisecond
	for range pgTries {
		again, err := e.once(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable}, fn)
		if !again {
			return err
		}
		pause := time.NewTimer(wait/2 + e.jitter(wait))
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
		wait = min(2*wait, 128*time.Millisecond)
	}
	return &identity.Fault{Kind: identity.ErrOverloaded, Message: "too many changes at once; try again", Retry: time.Second}
}

// once runs one transaction; again means that it left nothing and may be
// repeated. The caller's context ends statements, but not a commit, whose
// outcome would then be unknown.
func (e *pg) once(ctx context.Context, o *sql.TxOptions, fn work) (again bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), pgPatient)
	defer cancel()
	c, tx, err := e.begin(ctx, own, o)
	if err != nil {
		return false, wrap(err)
	}
	defer c.Close()
	w := &watched{tx: tx}
	done := false
	defer func() {
		w.over = true
		if !done {
			_ = tx.Rollback() // a broken connection has rolled back already
		}
	}()
	if err = fn(w); err != nil || w.lost {
		return w.lost || retryable(err), err
	}
	done = true
	err = tx.Commit()
	return retryable(err), wrap(err)
}

// begin passes over connections that died in the pool, as all do when the
// server restarts: where nothing was begun, nothing is lost by another try.
func (e *pg) begin(ctx, own context.Context, o *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	for left := e.pool.Config().MaxConns; ; left-- {
		c, err := e.db.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		tx, err := c.BeginTx(own, o)
		if err == nil {
			return c, tx, nil
		}
		err = errors.Join(err, c.Close())
		if left == 0 || ctx.Err() != nil {
			return nil, nil, err
		}
	}
}

func retryable(err error) bool {
	c := pgCode(err)
	return c == pgSerialization || c == pgDeadlock
}

func (e *pg) backup(context.Context, string) error {
	return errors.New("store: PostgreSQL is backed up with its own tool: pg_dump --format=custom")
}

func (e *pg) close() error {
	err := e.db.Close()
	e.pool.Close()
	return err
}

// watched is a transaction that remembers whether it lost against another one,
// since the function that runs in it may take that error for something else.
type watched struct {
	tx   *sql.Tx
	lost bool
	over bool
}

var _ sqlc.DBTX = (*watched)(nil)

func (w *watched) note(err error) {
	if retryable(err) {
		w.lost = true
	}
}

func (w *watched) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	r, err := w.tx.ExecContext(ctx, query, args...)
	w.note(err)
	return r, err
}

func (w *watched) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return w.tx.PrepareContext(ctx, query)
}

func (w *watched) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r, err := w.tx.QueryContext(ctx, query, args...)
	w.note(err)
	return r, err
}

func (w *watched) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r := w.tx.QueryRowContext(ctx, query, args...)
	w.note(r.Err())
	return r
}
