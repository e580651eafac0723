package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
)

// TestReferenceIsCurrent fails where a key changed and nobody ran the generator.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := Reference("../../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("../../..", output))
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the structs say (%v): run `go generate ./cmd/intelliauth/...`", output, err)
	}
}

// TestReferenceHasEveryKey walks the structs as the reader does.
func TestReferenceHasEveryKey(t *testing.T) {
	t.Parallel()
	text, err := Reference("../../..")
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for i := range typ.NumField() {
			if key := typ.Field(i).Tag.Get("yaml"); key != "" {
				keys++
				if !strings.Contains(text, "| `"+key+"` |") {
					t.Errorf("%s.%s is not in the reference", typ.Name(), key)
				}
				if key != "risk" { // refused in this version
					walk(typ.Field(i).Type)
				}
			}
		}
	}
	walk(reflect.TypeFor[config.File]())
	if keys < 50 {
		t.Errorf("only %d keys were found", keys)
	}
}

// TestExampleIsGood holds that a newcomer may copy it.
func TestExampleIsGood(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"root.key": base64.StdEncoding.EncodeToString(make([]byte, 32)), "logo.svg": "<svg/>", "shop-api.secret": "a secret of more than 22 letters",
		"sms.secret": "another secret of more than 22 letters",
	}
	c, err := config.Parse("intelliauth.yaml", []byte(example), config.Outside{
		Env:  func(name string) (string, bool) { return "the value of " + name + ", long enough", true },
		Read: func(path string) ([]byte, error) { return []byte(files[filepath.Base(path)]), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 0 || len(c.Declared()) != 1 || len(c.Declared()[0].Applications) != 2 {
		t.Errorf("warnings %v, declared %+v", c.Warnings, c.Declared())
	}
}
