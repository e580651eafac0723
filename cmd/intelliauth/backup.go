package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

type backupCommand struct {
	place
	File string `arg:"" help:"File to write; it must not exist."`
}

func (c *backupCommand) Run(ctx context.Context, m *Main) error {
	if _, err := os.Stat(c.File); err == nil {
		return next(fmt.Errorf("%s exists already", c.File), "choose another name; a backup never overwrites one")
	}
	st, err := m.open(ctx, c.place)
	if err != nil {
		return err
	}
	defer st.Close()
	m.progress("Copying …")
	if err := createPrivate(c.File); err != nil {
		return next(err, "check that the folder exists and may be written")
	}
	if err := st.Backup(ctx, c.File); err != nil {
		return next(err, "check that the file is new and the folder has room")
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	m.say("Wrote %s (%d KiB).", c.File, (info.Size()+1023)/1024)
	m.say("Secrets in it stay sealed: it opens with the root keys only. Keep those apart from it, and keep them.")
	return nil
}

type migrateCommand struct{ place }

func (c *migrateCommand) Run(ctx context.Context, m *Main) error {
	w, err := m.locate(c.place)
	if err != nil {
		return err
	}
	n, err := pendingMigrations(ctx, w)
	if err != nil {
		return err
	}
	if n == 0 {
		m.say("The database is up to date.")
		return nil
	}
	m.progress("Applying %s …", counted(n, "migration", "migrations"))
	st, err := m.openStore(ctx, w, true)
	if err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return err
	}
	if left, err := pendingMigrations(ctx, w); err != nil || left > 0 {
		return errors.Join(err, fmt.Errorf("%d migrations are still pending", left))
	}
	m.say("Applied %s. The database is up to date.", counted(n, "migration", "migrations"))
	return nil
}
