package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/intelliauth/intelliauth/cmd/intelliauth/config"
	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store"
)

type doctorCommand struct{ place }

// finding is what one check found. An empty cure means that all is well.
type finding struct {
	what, detail, cure string
	warning            bool
}

func (c *doctorCommand) Run(ctx context.Context, m *Main) error {
	findings := c.examine(ctx, m)
	failed := 0
	for _, f := range findings {
		mark := "ok"
		switch {
		case f.cure != "" && f.warning:
			mark = "look"
		case f.cure != "":
			mark = "FAIL"
			failed++
		}
		m.say("%-5s %-14s %s", mark, f.what, f.detail)
		if f.cure != "" {
			m.say("%-5s %-14s → %s", "", "", f.cure)
		}
	}
	if failed > 0 {
		m.say("\n%s to mend.", counted(failed, "thing", "things"))
		return errTold
	}
	m.say("\nAll is well.")
	return nil
}

// examine goes from the outside in, and stops where nothing further can be seen.
func (c *doctorCommand) examine(ctx context.Context, m *Main) []finding {
	w, cfg, findings := c.configuration(m)
	if w == nil {
		return findings
	}
	if cfg != nil {
		findings = append(findings, sendingFindings(ctx, m, cfg)...)
	}
	findings = append(findings, diskOf(w.dsn))
	n, err := pendingMigrations(ctx, *w)
	if err != nil {
		return append(findings, finding{"database", err.Error(), "check `database` in the configuration, and that the server it names is up", false})
	}
	findings = append(findings, finding{"database", strings.SplitN(w.dsn, ":", 2)[0] + ", reached", "", false})
	if n > 0 {
		return append(findings, finding{"migrations", fmt.Sprintf("%d pending", n), "run `intelliauth migrate`", false})
	}
	findings = append(findings, finding{"migrations", "none pending", "", false})
	st, err := m.openStore(ctx, *w, false)
	if err != nil {
		return append(findings, finding{"root keys", err.Error(), "put the root key that this database was written under back into root_keys", false})
	}
	defer st.Close()
	findings = append(findings, finding{"root keys", "open the database", "", false})
	if err := st.Check(ctx); err != nil {
		findings = append(findings, finding{"writing", "the database takes no writes: " + err.Error(), "look at its disk and its rights", false})
	} else {
		findings = append(findings, finding{"writing", "the database takes writes", "", false})
	}
	return append(findings, tenantFindings(ctx, m, st)...)
}

// configuration finds the database, and reads the file unless it is that of the
// demo world.
func (c *doctorCommand) configuration(m *Main) (*where, *config.Config, []finding) {
	if c.Data != "" {
		w, err := m.locate(c.place)
		if err != nil {
			return nil, nil, []finding{{"data", err.Error(), "start `intelliauth dev --data " + c.Data + "` first", false}}
		}
		return &w, nil, []finding{{"data", c.Data, "", false}}
	}
	cfg, err := config.Load(c.Config, m.outside())
	var ps config.Problems
	if errors.As(err, &ps) {
		var out []finding
		for _, p := range ps.Errors() {
			out = append(out, finding{"configuration", p.String(), "mend this line; `intelliauth config check " + c.Config + "` looks again", false})
		}
		return nil, nil, out
	}
	out := []finding{{"configuration", fmt.Sprintf("%s, %s", c.Config, counted(len(cfg.Declared()), "tenant", "tenants")), "", false}}
	for _, p := range cfg.Warnings {
		out = append(out, finding{"configuration", p.String(), "see the line", true})
	}
	for i, path := range cfg.RootKeyFiles() {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			out = append(out, finding{"root keys", fmt.Sprintf("%s may be read by others", path), fmt.Sprintf("chmod 600 %s", cfg.RootKeyFiles()[i]), true})
		}
	}
	return &where{dsn: cfg.Database.Reveal(), roots: cfg.Keys}, cfg, out
}

// diskOf tries to write where an SQLite database lives.
func diskOf(dsn string) finding {
	path, ok := sqlitePath(dsn)
	if !ok {
		return finding{"disk", "not used by this database", "", false}
	}
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".intelliauth-doctor-*")
	if err != nil {
		return finding{"disk", fmt.Sprintf("%s cannot be written", folder), "make the folder, or give this user the right to write there", false}
	}
	_, err = f.Write(make([]byte, 1<<20))
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return finding{"disk", fmt.Sprintf("%s is full", folder), "make room", false}
	}
	return finding{"disk", folder + " can be written", "", false}
}

// tenantFindings looks at the clock and at each tenant's keys.
func tenantFindings(ctx context.Context, m *Main, st *store.Store) []finding {
	tenants, err := st.Tenants(ctx)
	if err != nil {
		return []finding{{"tenants", err.Error(), "look at the database", false}}
	}
	if len(tenants) == 0 {
		return []finding{{"tenants", "none yet", "declare one under `tenants:` and start `intelliauth serve`", true}}
	}
	now := m.Now()
	clock := finding{"clock", now.UTC().Format(time.RFC3339), "", false}
	var out []finding
	for _, t := range tenants {
		var keys []identity.SigningKey
		var last []identity.Event
		err := st.View(ctx, t.ID, func(tx identity.Tx) (err error) {
			if keys, err = tx.Keys.List(ctx); err != nil {
				return err
			}
			last, err = tx.Events.List(ctx, identity.EventFilter{Limit: 1})
			return err
		})
		if err != nil {
			out = append(out, finding{"tenant " + t.ID, err.Error(), "look at the database and at root_keys", false})
			continue
		}
		out = append(append(out, signing(t, keys, now)), outboxFinding(ctx, st, t, now)...)
		if len(last) > 0 && last[0].At.After(now.Add(time.Minute)) {
			clock.detail += fmt.Sprintf(" is before the last event, %s", last[0].At.Format(time.RFC3339))
			clock.cure = "set the clock: sessions, codes and tokens depend on it"
		}
	}
	return append([]finding{clock}, out...)
}

func signing(t identity.Tenant, keys []identity.SigningKey, now time.Time) finding {
	for _, k := range keys {
		if !now.Before(k.ActiveAt) && (k.RetiredAt == nil || now.Before(*k.RetiredAt)) {
			return finding{"tenant " + t.ID, fmt.Sprintf("%s, signs with %s", t.Issuer, k.Algorithm), "", false}
		}
	}
	if t.Disabled {
		return finding{"tenant " + t.ID, "disabled", "", false}
	}
	return finding{"tenant " + t.ID, "has no key to sign with", "start `intelliauth serve` once, or run `intelliauth key rotate --tenant " + t.ID + "`", false}
}

type configCheckCommand struct {
	File string `arg:"" optional:"" default:"${config}" help:"File to check (${default})."`
}

func (c *configCheckCommand) Run(_ context.Context, m *Main) error {
	cfg, err := m.load(c.File)
	if err != nil {
		return err
	}
	applications := 0
	for _, d := range cfg.Declared() {
		applications += len(d.Applications)
	}
	m.say("%s is good: %s, %s.", c.File, counted(len(cfg.Declared()), "tenant", "tenants"), counted(applications, "application", "applications"))
	return nil
}
