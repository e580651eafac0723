package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// queries returns the text of every query by its name.
func queries(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("sqlc/*.sql.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no queries", err)
	}
	out := map[string]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				v := g.Specs[0].(*ast.ValueSpec)
				text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				out[v.Names[0].Name] = text
			}
		}
	}
	return out
}

// whole are the queries that may read a whole table: of tenants and their
// keys, of which there are few, at start or when they change.
var whole = []string{"tenants", "anyTenant", "allDataKeys", "rootsInUse", "dueTenants"}

// Cost grows with what is asked for, not with what is stored: every query goes
// through an index, begins with the tenant, and sorts nothing.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	d := newDatabase(t, file)
	d.open()
	db := d.raw()
	all := queries(t)
	if len(all) < 50 {
		t.Fatalf("only %d queries found", len(all))
	}
	plan := func(query string) (steps []string) {
		args := make([]any, 0, 20)
		for i := range 20 {
			if strings.Contains(query, "$"+strconv.Itoa(i+1)) {
				args = append(args, 0)
			}
		}
		rows, err := db.Query("EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatal(query, err)
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var step string
			d.must(rows.Scan(&id, &parent, &unused, &step))
			steps = append(steps, step)
		}
		d.must(rows.Err())
		return steps
	}
	for name, text := range all {
		for _, step := range plan(text) {
			if slices.Contains(whole, name) {
				continue
			}
			if strings.HasSuffix(step, "VALUES CLAUSE") { // what is written
				continue
			}
			if strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s", name, step)
			}
			if strings.HasPrefix(step, "SEARCH") && !strings.Contains(step, "(tenant_id=?") && !strings.Contains(step, "(name=?)") {
				t.Errorf("%s: not by its tenant: %s", name, step)
			}
		}
	}
	// The test can tell: this one sorts and reads everything.
	if got := plan("SELECT id FROM users WHERE data = $1 ORDER BY data"); !strings.HasPrefix(got[0], "SCAN") {
		t.Errorf("an unindexed query has the plan %q", got)
	}
}

// Every query names its tenant, but those that serve all tenants or none.
func TestEveryQueryNamesItsTenant(t *testing.T) {
	none := append([]string{"meta", "putMeta", "raiseMeta"}, whole...)
	for name, text := range queries(t) {
		if !strings.Contains(text, "tenant_id") && !slices.Contains(none, name) {
			t.Errorf("%s names no tenant", name)
		}
	}
}
