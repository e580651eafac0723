package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
)

//go:embed init.yaml
var initFile string

type initCommand struct {
	Issuer string `default:"http://localhost:8080" placeholder:"URL" help:"Address of the first tenant (${default})."`
	Folder string `arg:"" optional:"" default:"." help:"Where to write (the current folder)."`
}

func (c *initCommand) Run(_ context.Context, m *Main) error {
	file, key := filepath.Join(c.Folder, "intelliauth.yaml"), filepath.Join(c.Folder, "root.key")
	for _, path := range []string{file, key} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return next(fmt.Errorf("%s exists already", path), "move it away, or name another folder: `intelliauth init FOLDER`")
		}
	}
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		return err
	}
	text := strings.ReplaceAll(initFile, "{{issuer}}", c.Issuer)
	// Whatever is wrong with the address is told before anything is written.
	check := m.outside()
	check.Read = func(string) ([]byte, error) { return []byte(strings.Repeat("A", 43) + "="), nil }
	if _, err := config.Parse(file, []byte(text), check); err != nil {
		return wrongUse(err.Error(), "name the address that people will reach, as `intelliauth init --issuer https://login.example.com`")
	}
	if err := m.newRootKey(key); err != nil {
		return err
	}
	if err := writeNew(file, []byte(text), 0o644); err != nil {
		return err
	}
	m.say(`Wrote %s and %s.

%s seals everything else: whoever has it and the database can read both.
Keep a copy of it in a safe place, apart from backups of the database.

Next:
  intelliauth config check %[1]s
  intelliauth serve --migrate --config %[1]s
  intelliauth user add you@example.com --config %[1]s`, file, key, filepath.Base(key))
	return nil
}
