package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/internal/messages"
)

// documented reads the codes of docs/guide/errors.md: problems, and those of a
// flow's view.
func documented(t *testing.T) (problems, views map[string]bool) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/guide/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(doc), "\n## ")
	read := func(title string) map[string]bool {
		out := map[string]bool{}
		for _, s := range sections {
			if strings.HasPrefix(s, title+"\n") {
				for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(s, -1) {
					out[row[1]] = true
				}
			}
		}
		return out
	}
	return read("Problems"), read("In a flow's view")
}

// literals are the strings in the sources of a room, with whether they stand
// where a code is given.
func literals(t *testing.T, room string) (given, all map[string]bool) {
	t.Helper()
	given, all = map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			collect(n, given, all)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return given, all
}

func collect(n ast.Node, given, all map[string]bool) {
	literal := func(e ast.Expr) (string, bool) {
		l, ok := e.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(l.Value)
		return s, err == nil && regexp.MustCompile(`^[a-z_]+$`).MatchString(s)
	}
	note := func(e ast.Expr) {
		if s, ok := literal(e); ok {
			given[s] = true
		}
	}
	switch n := n.(type) {
	case *ast.BasicLit:
		if s, ok := literal(n); ok {
			all[s] = true
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			note(n.Value)
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if strings.HasPrefix(name.Name, "code") && i < len(n.Values) {
				note(n.Values[i])
			}
		}
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		at := map[string]int{"Invalid": 0, "Forbidden": 0, "refuse": 0, "unauthorised": 0, "blank": 3, "Problem": 3}
		if i, ok := at[name]; ok && i < len(n.Args) {
			note(n.Args[i])
		}
	}
}

// TestCodesAreDocumented holds the list in the guide against what the rooms
// give, both ways.
func TestCodesAreDocumented(t *testing.T) {
	problems, views := documented(t)
	if len(problems) < 20 || len(views) < 10 {
		t.Fatalf("the guide lists %d and %d codes", len(problems), len(views))
	}
	everything, found := map[string]bool{}, 0
	for _, room := range []string{".", "../flow", "../edge", "../factor"} {
		given, all := literals(t, room)
		for code := range given {
			if found++; !problems[code] && !views[code] {
				t.Errorf("%s gives %q, which the guide does not list", room, code)
			}
		}
		for s := range all {
			everything[s] = true
		}
	}
	if found < 30 {
		t.Errorf("found only %d codes in the sources", found)
	}
	for _, list := range []map[string]bool{problems, views} {
		for code := range list {
			if !everything[code] {
				t.Errorf("the guide lists %q, which nothing gives", code)
			}
		}
	}
}

func TestEveryCodeOfAViewHasWords(t *testing.T) {
	_, views := documented(t)
	c := messages.Load().For("", nil)
	for code := range views {
		if c.Error(code, map[string]string{"min": "8", "max": "64"}, 0) == c.Error("no_such_code", nil, 0) {
			t.Errorf("%s has no words", code)
		}
	}
}

func TestFormFieldsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/guide/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{fieldPrompt, fieldValue, fieldChoose, fieldKey, fieldAction + "=cancel", fieldAction + "=skip", fieldAction + "=restart", fieldAction + "=resend", fieldAction + "=extend", fieldMakes, fieldAsked + "NAME"} {
		if !strings.Contains(string(doc), "| `"+field+"` |") {
			t.Errorf("field %s is not documented", field)
		}
	}
}
