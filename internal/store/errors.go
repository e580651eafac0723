package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/intelliauth/intelliauth/internal/identity"
)

// SQLSTATE codes of PostgreSQL that mean something to us.
const (
	pgUnique        = "23505"
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
	pgNoTable       = "42P01"
)

// wrap gives an error of the database its kind. What has none keeps its text
// (neither driver puts bound values there) and is an internal error.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return identity.ErrNotFound
	case unique(err):
		return fmt.Errorf("store: %w", identity.ErrConflict)
	}
	return fmt.Errorf("store: %w", err)
}

func unique(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return pgCode(err) == pgUnique
}

// one turns the number of rows that a statement changed into ErrConflict or
// another kind when it is zero.
func one(rows int64, err, none error) error {
	if err != nil {
		return wrap(err)
	}
	if rows == 0 {
		return none
	}
	return nil
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// plain reports whether every key is text that both databases keep byte for
// byte. PostgreSQL refuses NUL and broken UTF-8, SQLite's C strings end at a
// NUL; so a key that is not plain exists nowhere and is never asked for.
func plain(keys ...string) bool {
	for _, k := range keys {
		if strings.IndexByte(k, 0) >= 0 || !utf8.ValidString(k) {
			return false
		}
	}
	return true
}
