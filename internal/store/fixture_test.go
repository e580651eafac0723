package store_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/intelliauth/intelliauth/internal/identity"
)

var writeFixture = flag.Bool("write-fixture", false, "write testdata/schema_N.json of the newest schema, if there is none")

// cell is a value of a fixture; exactly one field is set, none for NULL.
type cell struct {
	Text  *string `json:"t,omitempty"`
	Int   *int64  `json:"i,omitempty"`
	Bool  *bool   `json:"o,omitempty"`
	Bytes []byte  `json:"b,omitempty"`
}

// fixture is what a released binary had written: table, rows, columns.
type fixture map[string][]map[string]cell

// C-44: a database of every released schema opens, migrates, and shows what
// was put into it. The files are written once and never again: sealed values
// and JSON in them are those of their time.
func TestC44_ReleasedSchemasOpen(t *testing.T) {
	if *writeFixture {
		saveFixture(t)
	}
	files, err := filepath.Glob("testdata/schema_*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	migrations, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(migrations) != len(files) {
		t.Errorf("%d migrations, but %d fixtures (run with -write-fixture at a release): %v", len(migrations), len(files), err)
	}
	for _, name := range files {
		version, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "schema_"), ".json"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			each(t, func(t *testing.T, d *database) {
				d.load(name, version)
				s := d.openEmpty()
				same(t, []identity.Tenant{tenant(alice)})(s.Tenants(ctx))
				same(t, "abc")(s.Meta(ctx, "digest"))
				view(t, s, alice, func(tx identity.Tx) error {
					if version > 1 {
						shows(t, tx)
						return nil
					}
					showsOld(t, tx)
					same(t, []identity.Message{})(tx.Outbox.List(ctx, 0)) // what could not be sent then is not sent now
					return nil
				})
				update(t, s, alice, func(tx identity.Tx) error {
					return second(tx.Ephemerals.Take(ctx, "flow", "flow_1"))
				})
			}, file, postgres)
		})
	}
}

// load makes a database of an older schema and fills it.
func (d *database) load(name string, version int64) {
	d.Helper()
	text, err := os.ReadFile(name)
	d.must(err)
	var f fixture
	d.must(json.Unmarshal(text, &f))
	db := d.raw()
	dialect := goose.DialectSQLite3
	if d.kind == postgres {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, db, os.DirFS("migrations"))
	d.must(err)
	_, err = p.UpTo(context.Background(), version)
	d.must(err)
	for table, rows := range f {
		for _, row := range rows {
			d.insert(db, table, row)
		}
	}
}

func (d *database) insert(db *sql.DB, table string, row map[string]cell) {
	d.Helper()
	var names, marks []string
	var args []any
	for name, c := range row {
		names, marks = append(names, name), append(marks, "$"+strconv.Itoa(len(names)+1))
		switch {
		case c.Text != nil:
			args = append(args, *c.Text)
		case c.Int != nil:
			args = append(args, *c.Int)
		case c.Bool != nil:
			args = append(args, *c.Bool)
		case c.Bytes != nil:
			args = append(args, c.Bytes)
		default:
			args = append(args, nil)
		}
	}
	_, err := db.Exec("INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
	d.must(err)
}

func saveFixture(t *testing.T) {
	t.Helper()
	d := newDatabase(t, file)
	s := d.open()
	d.must(s.SetMeta(ctx, "digest", "abc"))
	update(t, s, alice, fill)
	db := d.raw()
	f := fixture{}
	for _, table := range tables {
		f[table] = d.rows(db, table)
	}
	var version int64
	d.must(db.QueryRow("SELECT max(version_id) FROM goose_db_version").Scan(&version))
	name := fmt.Sprintf("testdata/schema_%05d.json", version)
	if _, err := os.Stat(name); err == nil {
		t.Fatalf("%s exists; a released schema does not change", name)
	}
	text, err := json.MarshalIndent(f, "", " ")
	d.must(err)
	d.must(os.MkdirAll("testdata", 0o755))
	d.must(os.WriteFile(name, append(text, '\n'), 0o644))
}

func (d *database) rows(db *sql.DB, table string) (out []map[string]cell) {
	d.Helper()
	rows, err := db.Query("SELECT * FROM " + table)
	d.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	d.must(err)
	types, err := rows.ColumnTypes()
	d.must(err)
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		d.must(rows.Scan(to...))
		row := map[string]cell{}
		for i, v := range values {
			if n, ok := v.(int64); ok && types[i].DatabaseTypeName() == "BOOLEAN" {
				v = n != 0
			}
			switch v := v.(type) {
			case string:
				row[columns[i]] = cell{Text: &v}
			case int64:
				row[columns[i]] = cell{Int: &v}
			case []byte:
				row[columns[i]] = cell{Bytes: v}
			case bool:
				row[columns[i]] = cell{Bool: &v}
			case nil:
				row[columns[i]] = cell{}
			default:
				d.Fatalf("%s.%s is a %T", table, columns[i], v)
			}
		}
		out = append(out, row)
	}
	d.must(rows.Err())
	return out
}
