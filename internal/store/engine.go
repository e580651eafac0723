package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

// work is what runs inside one transaction; db ends with it.
type work func(db sqlc.DBTX) error

// engine runs transactions on one kind of database.
type engine interface {
	view(ctx context.Context, fn work) error
	update(ctx context.Context, fn work) error
	backup(ctx context.Context, path string) error
	close() error
}

// target is a database before it is fit to be an engine: it can be migrated.
type target struct {
	db      *sql.DB
	dialect goose.Dialect
	version func(ctx context.Context) (int64, error) // 0: never migrated
	options []goose.ProviderOption
}

func openEngine(ctx context.Context, o Options) (engine, error) {
	d, err := parseDSN(o.DSN)
	if err != nil {
		return nil, err
	}
	if d.postgres {
		return openPostgres(ctx, d, o)
	}
	return openSQLite(ctx, d, o)
}

// prepare brings the schema up to date, or says that it is not.
func (t target) prepare(ctx context.Context, migrate bool) error {
	var failed error
	for last := int64(-1); ; {
		have, err := t.version(ctx)
		if err != nil {
			return err
		}
		pending, err := migrationsAfter(have)
		switch {
		case err != nil || pending == 0:
			return err
		case !migrate:
			return fmt.Errorf("store: %d of the database's migrations are pending: run `intelliauth migrate`", pending)
		case failed != nil && have == last:
			return failed
		}
		// Another process may be quicker. Then ours fails and has left nothing,
		// since each migration is one transaction; go on from where it got.
		last = have
		failed = t.migrate(ctx)
	}
}
