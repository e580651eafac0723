package store

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// dsn is a parsed Options.DSN.
type dsn struct {
	postgres bool
	url      string // of PostgreSQL
	path     string // of SQLite
	query    url.Values
}

// memory reports whether the database lives in this process's memory only.
func (d dsn) memory() bool { return d.query.Get("vfs") == "memdb" }

func parseDSN(s string) (dsn, error) {
	if strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://") {
		return dsn{postgres: true, url: s}, nil
	}
	rest, ok := strings.CutPrefix(s, "sqlite:")
	if !ok {
		// Not shown: a mistyped DSN may hold a password.
		return dsn{}, errors.New("store: database: want sqlite:PATH or postgres://USER@HOST/NAME")
	}
	path, raw, _ := strings.Cut(rest, "?")
	query, err := url.ParseQuery(raw)
	if err != nil {
		return dsn{}, fmt.Errorf("store: database: %w", err)
	}
	for key := range query {
		// SQLite ignores what it does not know; a mistake should not pass.
		if key != "vfs" && key != "mode" && key != "_pragma" {
			return dsn{}, fmt.Errorf("store: database: SQLite has no option %q here", key)
		}
	}
	for _, p := range query["_pragma"] {
		// What makes it durable and consistent is not the operator's to drop.
		name, _, _ := strings.Cut(p, "(")
		if !slices.Contains([]string{"cache_size", "mmap_size", "max_page_count", "wal_autocheckpoint"}, name) || strings.Contains(p, ";") {
			return dsn{}, fmt.Errorf("store: database: the pragma %q may not be set", p)
		}
	}
	if path == "" || path == ":memory:" || !plain(path) {
		return dsn{}, errors.New("store: database: sqlite: needs the path of a file")
	}
	return dsn{path: path, query: query}, nil
}

// sqlite returns the driver's name for one pool of the database.
func (d dsn) sqlite(create bool, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}}
	for _, key := range []string{"vfs", "mode"} {
		if v := d.query.Get(key); v != "" {
			q.Set(key, v)
		}
	}
	if !create && !q.Has("mode") && !d.memory() {
		q.Set("mode", "rw")
	}
	q["_pragma"] = slices.Concat(d.query["_pragma"],
		[]string{"busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)", "temp_store(memory)"}, pragmas)
	path := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(d.path)
	if strings.HasPrefix(path, "/") {
		path = "/" + strings.TrimLeft(path, "/") // two slashes would begin an authority
	}
	return "file:" + path + "?" + q.Encode()
}
