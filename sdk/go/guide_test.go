package intelliauth

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuideCompiles: what the guide shows to be pasted is a program of at most 30
// lines.
func TestGuideCompiles(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guide/go-api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "```go\n")
	code, _, found := strings.Cut(rest, "```")
	if lines := strings.Count(code, "\n"); !found || lines > 33 { // 30 beside the blank ones
		t.Fatalf("%d lines of code", lines)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"main.go": code, "go.sum": string(sums),
		"go.mod": "module example.com/api\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/go-jose/go-jose/v4 v4.1.9\n\tgithub.com/intelliauth/intelliauth/sdk/go v0.0.0\n)\n\nreplace github.com/intelliauth/intelliauth/sdk/go => " + here + "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "vet", "-mod=mod", ".")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
