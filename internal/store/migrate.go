package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// appliedVersion is goose's own table; asking it costs less than goose does.
const appliedVersion = `SELECT CAST(COALESCE(MAX(version_id), 0) AS BIGINT) FROM goose_db_version WHERE is_applied`

// migrationsAfter counts the migrations of this binary that a database of the
// given version lacks. A newer database lacks none: migrations only add, so
// that the previous binary can run beside the next one.
func migrationsAfter(version int64) (int, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	n := 0
	for _, f := range files {
		number, _, _ := strings.Cut(strings.TrimPrefix(f, "migrations/"), "_")
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("store: migration %s has no number", f)
		}
		if v > version {
			n++
		}
	}
	return n, nil
}

func (t target) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(t.dialect, t.db, files, t.options...)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migration: %w", err)
	}
	return nil
}

// Pending returns how many migrations a database lacks, without changing it.
func Pending(ctx context.Context, database string) (int, error) {
	d, err := parseDSN(database)
	if err != nil {
		return 0, err
	}
	var have int64
	if d.postgres {
		have, err = postgresVersionOf(ctx, d)
	} else {
		have, err = sqliteVersionOf(ctx, d)
	}
	if err != nil {
		return 0, err
	}
	return migrationsAfter(have)
}

// checkStamp refuses a database that another command owns (C-42).
func (s *Store) checkStamp(ctx context.Context, want string) error {
	var have string
	known := true
	err := s.engine.view(ctx, func(db sqlc.DBTX) error {
		q := sqlc.New(db)
		row, err := q.Meta(ctx, metaStamp)
		if err = wrap(err); err == nil {
			have = row.Value
		} else if !notFound(err) {
			return err
		}
		if err == nil && have == want {
			return nil
		}
		_, err = q.AnyTenant(ctx)
		if err = wrap(err); notFound(err) {
			known = false
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !known: // empty, so nobody's yet
		return s.engine.update(ctx, func(db sqlc.DBTX) error {
			return wrap(sqlc.New(db).PutMeta(ctx, metaStamp, want))
		})
	case have == want:
		return nil
	case have != "":
		return fmt.Errorf("store: this is a database of `intelliauth %s`, which is never served; use another", have)
	}
	return fmt.Errorf("store: this database was not made by `intelliauth %s`, which would let strangers in; use another", want)
}

var errRoots = errors.New("store: none of the root keys opens this database; root_keys must name the key it was written under")
