package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	sqlite3 "modernc.org/sqlite/lib"
)

// lite runs transactions on SQLite: all writes through one connection, reads
// on a few others, which in WAL mode neither wait for it nor block it.
type lite struct {
	dsn     dsn
	writer  *writer
	readers *readers
}

func openSQLite(ctx context.Context, d dsn, o Options) (engine, error) {
	db, err := sql.Open("sqlite", d.sqlite(o.Migrate, "journal_mode(wal)", "synchronous(full)", "journal_size_limit(67108864)"))
	if err != nil {
		return nil, err
	}
	// One connection, so that the pool never queues behind our own queue, and
	// none idle, so that closing one really closes it.
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(-1)
	ro, err := sql.Open("sqlite", d.sqlite(false, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	ro.SetMaxIdleConns(-1)

	e := &lite{dsn: d, readers: newReaders(ro, min(max(runtime.NumCPU(), 4), 8))}
	e.writer = newWriter(db)
	if d.memory() {
		// memdb has no WAL: readers and the writer would meet as SQLITE_BUSY.
		// It lives as long as a connection does: the first reader stays.
		e.readers.gate = new(sync.RWMutex)
		e.writer.gate = e.readers.gate
		err = e.readers.anchor(ctx)
	}
	if err == nil {
		err = e.prepare(ctx, o.Migrate)
	}
	if err != nil {
		return nil, errors.Join(err, e.writer.drop(), e.readers.close(), db.Close())
	}
	return e, nil
}

// prepare runs before any update does, on the connection they will use.
func (e *lite) prepare(ctx context.Context, migrate bool) error {
	t := target{db: e.writer.db, dialect: goose.DialectSQLite3}
	t.version = func(ctx context.Context) (int64, error) {
		c, err := e.connect(ctx)
		if err != nil {
			if sqliteCode(err)&0xff == sqlite3.SQLITE_CANTOPEN && !migrate {
				return 0, fmt.Errorf("store: cannot open the database; if it is new, run `intelliauth migrate`: %w", err)
			}
			return 0, err
		}
		v, err := sqliteVersion(ctx, c.conn)
		if pending, _ := migrationsAfter(v); err == nil && migrate && pending > 0 {
			err = e.writer.drop() // goose needs the only connection
		}
		return v, err
	}
	return t.prepare(ctx, migrate)
}

// connect waits while another process turns a new database to WAL, which
// SQLite itself does not wait for.
func (e *lite) connect(ctx context.Context) (c *conn, err error) {
	for range 100 {
		c, err = e.writer.connection(ctx)
		if sqliteCode(err)&0xff != sqlite3.SQLITE_BUSY {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return c, err
}

func sqliteVersion(ctx context.Context, c *sql.Conn) (int64, error) {
	var v int64
	err := c.QueryRowContext(ctx, appliedVersion).Scan(&v)
	if err == nil {
		return v, nil
	}
	var n int64
	if e := c.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'").Scan(&n); e == nil && n == 0 {
		return 0, nil
	}
	return 0, wrap(err)
}

func sqliteVersionOf(ctx context.Context, d dsn) (int64, error) {
	db, err := sql.Open("sqlite", d.sqlite(false, "query_only(1)"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		return 0, wrap(err)
	}
	defer c.Close()
	return sqliteVersion(ctx, c)
}

func (e *lite) view(ctx context.Context, fn work) error   { return e.readers.do(ctx, fn) }
func (e *lite) update(ctx context.Context, fn work) error { return e.writer.do(ctx, fn) }

// close ends with the writer, whose connection then tidies up the WAL.
func (e *lite) close() error {
	e.writer.drain()
	return errors.Join(e.readers.close(), e.writer.close())
}

func (e *lite) backup(ctx context.Context, path string) error {
	if e.dsn.memory() {
		return errors.New("store: a database in memory has no backup")
	}
	db, err := sql.Open("sqlite", e.dsn.sqlite(false))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return nil
}
