package intelliauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/intelliauth/intelliauth/"

// rooms is the lattice: what each room may import of ours. A room that is
// missing here fails the test: it has no question yet.
var rooms = map[string][]string{
	"internal/assurance": {},
	"internal/risk":      {},
	"internal/messages":  {},
	"internal/identity":  {"internal/assurance"},
	"internal/policy":    {"internal/risk", "internal/assurance"},
	"internal/factor":    {"internal/identity", "internal/assurance"},
	"internal/factor/*":  {"internal/factor", "internal/identity", "internal/assurance"},
	generator:            {"*"},
	"internal/store":     {"internal/store/sqlc", "internal/identity", "internal/assurance"},
	"internal/store/*":   {"internal/store", "internal/store/sqlc", "internal/identity", "internal/assurance"},
	"internal/deliver":   {"internal/identity", "internal/messages"},
	"internal/edge":      {"internal/identity", "internal/assurance"},
	"internal/token":     {"internal/identity", "internal/assurance"},
	"internal/flow":      {"internal/policy", "internal/risk", "internal/factor", "internal/identity", "internal/assurance"},
	"internal/oidc":      edges,
	"internal/web":       edges,
	"internal/web/*":     append([]string{"internal/web"}, edges...),
	"cmd/*":              {"*"},
	"test/*":             {"*"},
	".":                  {},
}

// generator is a program that makes a file which is committed; it ships nowhere.
const generator = "internal/factor/password/gen"

// support is packages that only tests import.
var support = []string{"internal/store/storetest", "internal/factor/factortest"}

// edges may use everything at their height and below, but never each other,
// the store or a single factor.
var edges = []string{
	"internal/edge", "internal/token", "internal/messages", "internal/flow", "internal/policy",
	"internal/risk", "internal/factor", "internal/identity", "internal/assurance",
}

// outside says which rooms may use a package that does I/O or is not pure, and why.
var outside = map[string]struct {
	rooms []string
	why   string
}{
	"net/http":     {[]string{"internal/oidc", "internal/web", "internal/web/*", "internal/edge", "internal/token", "internal/deliver"}, "HTTP is spoken at the edges"},
	"database/sql": {[]string{"internal/store", "internal/store/*"}, "SQL is the store's"},
	"os":           {support, "files and the environment are main's"},
	"os/exec":      {nil, "processes are main's"},
	"context":      {[]string{"internal/identity", "internal/store", "internal/store/*", "internal/edge", "internal/token", "internal/deliver", "internal/flow", "internal/oidc", "internal/web", "internal/web/*"}, "a signature without a context does no I/O"},
	"log":          {nil, "log/slog is the one logger"},
	"math/rand":    {nil, "randomness is crypto/rand's, passed in"},
	"math/rand/v2": {[]string{"internal/store"}, "only jitter between retries may be predictable"},
	"unsafe":       {nil, "nothing here needs it"},
}

// pure rooms may not even log.
var silent = []string{"internal/assurance", "internal/risk", "internal/policy", "internal/factor", "internal/identity", "internal/messages"}

func TestArchitecture(t *testing.T) {
	files := 0
	for path, f := range sources(t) {
		files++
		dir := filepath.ToSlash(filepath.Dir(path))
		room := roomOf(dir)
		if room == "" {
			t.Errorf("%s: this directory is in no room; give it a line in the lattice", path)
			continue
		}
		program := strings.HasPrefix(room, "cmd") || strings.HasPrefix(room, "test") || room == generator
		checkImports(t, path, room, program, f)
		if !program && !slices.Contains(support, dir) {
			checkPurity(t, path, f)
		}
	}
	if files < 40 {
		t.Fatalf("only %d files were looked at: the walk is broken", files)
	}
}

func checkImports(t *testing.T, path, room string, program bool, f *ast.File) {
	t.Helper()
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if ours, ok := strings.CutPrefix(name, module); ok {
			if allowed := rooms[room]; !slices.Contains(allowed, "*") && !slices.Contains(allowed, ours) {
				t.Errorf("%s: %s may not import %s", path, room, ours)
			}
			continue
		}
		if rule, ok := outside[name]; ok && !program && !slices.Contains(rule.rooms, room) && !slices.Contains(rule.rooms, filepath.ToSlash(filepath.Dir(path))) {
			t.Errorf("%s: %s may not import %s: %s", path, room, name, rule.why)
		}
		if name == "log/slog" && slices.Contains(silent, strings.TrimSuffix(room, "/*")) {
			t.Errorf("%s: %s is pure and does not log", path, room)
		}
	}
}

// checkPurity bans what makes a program hard to test: time and randomness taken
// rather than given, init functions, and package variables that can change.
func checkPurity(t *testing.T, path string, f *ast.File) {
	t.Helper()
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				t.Errorf("%s: init: wiring is visible, in main", path)
			}
		case *ast.GenDecl:
			if d.Tok != token.VAR {
				continue
			}
			for _, s := range d.Specs {
				checkVar(t, path, s.(*ast.ValueSpec))
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil {
			switch x.Name + "." + sel.Sel.Name {
			case "time.Now", "time.Since", "time.Until", "rand.Reader":
				t.Errorf("%s: %s.%s is named once, in cmd, and passed", path, x.Name, sel.Sel.Name)
			}
		}
		return true
	})
}

// checkVar allows errors, embedded files, and values that are never assigned:
// compiled patterns, parsed templates and encodings.
func checkVar(t *testing.T, path string, v *ast.ValueSpec) {
	t.Helper()
	if strings.Contains(path, "/sqlc/") {
		return
	}
	for i, name := range v.Names {
		if name.Name == "_" || strings.HasPrefix(strings.ToLower(name.Name), "err") {
			continue
		}
		if v.Type != nil {
			if sel, ok := v.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "FS" {
				continue
			}
			if id, ok := v.Type.(*ast.Ident); ok && len(v.Values) == 0 && (id.Name == "string" || id.Name == "[]byte") {
				continue // go:embed
			}
			if arr, ok := v.Type.(*ast.ArrayType); ok && arr.Len == nil && len(v.Values) == 0 {
				continue // go:embed []byte
			}
		}
		if i < len(v.Values) && constant(v.Values[i]) {
			continue
		}
		t.Errorf("%s: package variable %s: state is held by values that main makes", path, name.Name)
	}
}

// constant reports whether an expression makes a value that cannot change:
// a compiled pattern, an encoding, an error.
func constant(e ast.Expr) bool {
	made := ""
	for {
		switch x := e.(type) {
		case *ast.CallExpr:
			e = x.Fun
			continue
		case *ast.SelectorExpr:
			made = x.Sel.Name
			if id, ok := x.X.(*ast.Ident); ok {
				switch id.Name + "." + made {
				case "regexp.MustCompile", "errors.New", "strings.NewReplacer", "netip.MustParsePrefix":
					return true
				}
				return id.Name == "base32" || id.Name == "base64"
			}
			e = x.X
			continue
		}
		return false
	}
}

// roomOf finds the line of the lattice for a directory.
func roomOf(dir string) string {
	if _, ok := rooms[dir]; ok {
		return dir
	}
	for parent := dir; parent != "."; {
		parent = filepath.ToSlash(filepath.Dir(parent))
		if _, ok := rooms[parent+"/*"]; ok {
			return parent + "/*"
		}
	}
	return ""
}

// sources parses every Go file that is not a test, outside nested modules.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	out := map[string]*ast.File{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			nested, _ := filepath.Glob(filepath.Join(path, "go.mod"))
			if path != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || len(nested) > 0) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		out[path] = f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryPackageSaysItsQuestion wants one package comment per package.
func TestEveryPackageSaysItsQuestion(t *testing.T) {
	docs := map[string][]string{}
	for path, f := range sources(t) {
		dir := filepath.Dir(path)
		if _, ok := docs[dir]; !ok {
			docs[dir] = nil
		}
		if f.Doc != nil {
			docs[dir] = append(docs[dir], path)
		}
	}
	for dir, with := range docs {
		if len(with) != 1 {
			t.Errorf("%s: want one package comment, got %d %v", dir, len(with), with)
		}
	}
}
