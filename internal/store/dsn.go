package store

import (
	"errors"
	"fmt"
	"net/url"
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
		return dsn{}, errors.New("store: database: want sqlite:PATH or postgres://…")
	}
	path, raw, _ := strings.Cut(rest, "?")
	query, err := url.ParseQuery(raw)
	if err != nil {
		return dsn{}, fmt.Errorf("store: database: %w", err)
	}
	for key := range query {
		// SQLite ignores what it does not know; a mistake should not pass.
		if key != "vfs" && key != "mode" && key != "_pragma" {
			return dsn{}, fmt.Errorf("store: database: unknown option %q of sqlite:", key)
		}
	}
	if path == "" || path == ":memory:" || !plain(path) {
		return dsn{}, errors.New("store: database: sqlite: needs the path of a file")
	}
	return dsn{path: path, query: query}, nil
}

// sqlite returns the driver's name for one pool of the database. The pragmas
// come after the operator's own: durability is not theirs to drop.
func (d dsn) sqlite(create bool, pragmas ...string) string {
	q := url.Values{"_pragma": d.query["_pragma"], "_txlock": {"immediate"}}
	for _, key := range []string{"vfs", "mode"} {
		if v := d.query.Get(key); v != "" {
			q.Set(key, v)
		}
	}
	if !create && !q.Has("mode") && !d.memory() {
		q.Set("mode", "rw")
	}
	for _, p := range append([]string{"busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)", "temp_store(memory)"}, pragmas...) {
		q["_pragma"] = append(q["_pragma"], p)
	}
	path := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(d.path)
	if strings.HasPrefix(path, "/") {
		path = "/" + strings.TrimLeft(path, "/") // two slashes would begin an authority
	}
	return "file:" + path + "?" + q.Encode()
}
