package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/factor/password"
)

// buffer is what a running command has written so far.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// command is the program as a person would run it, without a terminal and with
// passwords that are cheap to hash.
func command(stdin string) (*Main, *buffer, *buffer) {
	out, said := &buffer{}, &buffer{}
	return &Main{
		Stdin: strings.NewReader(stdin), Stdout: out, Stderr: said, Env: os.LookupEnv,
		Now: time.Now, Random: rand.Reader, Hash: password.Params{Memory: 64, Passes: 1, Threads: 1},
	}, out, said
}

// run runs a command to its end.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return runWith(t, "", args...)
}

func runWith(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	m, out, said := command(stdin)
	code = m.Run(t.Context(), args)
	return code, out.String(), said.String()
}

// must runs a command that has to succeed, and returns its output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, said := run(t, args...)
	if code != exitDone {
		t.Fatalf("intelliauth %s: exit %d\n%s%s", strings.Join(args, " "), code, out, said)
	}
	return out
}

// background is a command that goes on until it is stopped.
type background struct {
	t           *testing.T
	stdout, log *buffer
	stop        context.CancelFunc
	ended       chan struct{}
	code        int
}

func start(t *testing.T, args ...string) *background {
	t.Helper()
	m, out, said := command("")
	ctx, cancel := context.WithCancel(context.Background())
	b := &background{t: t, stdout: out, log: said, stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		b.code = m.Run(ctx, args)
	}()
	t.Cleanup(func() {
		b.end()
		if t.Failed() {
			t.Logf("intelliauth %s wrote:\n%s%s", strings.Join(args, " "), out, said)
		}
	})
	return b
}

// end stops it and returns its exit code.
func (b *background) end() int {
	b.t.Helper()
	b.stop()
	select {
	case <-b.ended:
	case <-time.After(time.Minute):
		b.t.Fatal("the command did not stop")
	}
	return b.code
}

// wrote waits until one of its streams holds a match, and returns its groups.
// The minute is a ceiling for broken builds, not a measure.
func (b *background) wrote(stream *buffer, pattern string) []string {
	b.t.Helper()
	find := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if m := find.FindStringSubmatch(stream.String()); m != nil {
			return m
		}
		select {
		case <-b.ended:
			b.t.Fatalf("ended with %d before it wrote %s:\n%s%s", b.code, pattern, b.stdout, b.log)
		default:
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("never wrote %s:\n%s%s", pattern, b.stdout, b.log)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitDone, "Usage: intelliauth"},
		{[]string{"--help"}, exitDone, "Usage: intelliauth"},
		{[]string{"version"}, exitDone, "intelliauth "},
		{[]string{"fly"}, exitWrong, "next: `intelliauth --help`"},
		{[]string{"serve", "--fly"}, exitWrong, "next: `intelliauth serve --help`"},
		{[]string{"config", "check", "a", "b"}, exitWrong, "next: `intelliauth config check --help`"},
		{[]string{"config", "check", empty + "/no.yaml"}, exitFailed, "`intelliauth init` writes one"},
		{[]string{"serve", "--config", empty + "/no.yaml"}, exitFailed, "`intelliauth init` writes one"},
		{[]string{"user", "list", "--data", empty}, exitFailed, "next: start it with `intelliauth dev"},
		{[]string{"user", "add", "nobody", "--data", empty}, exitWrong, "next: write it as ada@example.com"},
		{[]string{"session", "revoke", "--data", empty}, exitWrong, "next: `intelliauth session revoke"},
		{[]string{"events", "--since", "yesterday", "--data", empty}, exitWrong, "next: write 24h"},
		{[]string{"completion", "tcsh"}, exitWrong, "must be one of"},
	} {
		code, out, said := run(t, tc.args...)
		if code != tc.code || !strings.Contains(out+said, tc.says) {
			t.Errorf("intelliauth %s: exit %d, want %d with %q; it wrote:\n%s%s", strings.Join(tc.args, " "), code, tc.code, tc.says, out, said)
		}
	}
}

// TestEveryCommandHasHelp also finds commands without a word of explanation.
func TestEveryCommandHasHelp(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"dev", "serve", "init", "migrate", "doctor", "config check", "user add", "user list", "user disable", "user enable",
		"session list", "session revoke", "key rotate", "events", "backup", "version", "completion",
	} {
		out := must(t, append(strings.Fields(path), "--help")...)
		if !strings.HasPrefix(out, "Usage: intelliauth "+path) || len(strings.Split(out, "\n")) < 5 {
			t.Errorf("intelliauth %s --help wrote:\n%s", path, out)
		}
		if top := must(t, "--help"); !strings.Contains(top, strings.Fields(path)[0]+" ") {
			t.Errorf("%s is missing from the first page of help", path)
		}
	}
}

func TestCompletionOffersEveryCommand(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out := must(t, "completion", shell)
		for _, word := range []string{"serve", "doctor", "rotate", "revoke", "--migrate", "--password-stdin"} {
			if !strings.Contains(out, word) {
				t.Errorf("completion %s lacks %s", shell, word)
			}
		}
	}
}

// madeFolder is a folder as `init` leaves it, with ports of its own.
func madeFolder(t *testing.T, extra string) (config string) {
	t.Helper()
	folder := t.TempDir()
	must(t, "init", folder)
	config = filepath.Join(folder, "intelliauth.yaml")
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0", "admin_listen: 127.0.0.1:8081", "admin_listen: 127.0.0.1:0",
		"    applications: []\n", extra).Replace(string(raw))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

func TestInitOverwritesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	must(t, "init", folder)
	before, err := os.ReadFile(filepath.Join(folder, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(folder, "root.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("root.key has mode %v (%v), want 0600", info.Mode(), err)
	}
	code, _, said := run(t, "init", folder)
	if code != exitFailed || !strings.Contains(said, "exists already") {
		t.Errorf("a second init: exit %d, %s", code, said)
	}
	if after, _ := os.ReadFile(filepath.Join(folder, "root.key")); !bytes.Equal(before, after) {
		t.Error("the root key changed")
	}
	empty := t.TempDir()
	code, _, said = run(t, "init", "--issuer", "http://login.example.com", empty)
	if code != exitWrong || !strings.Contains(said, "is plain http") {
		t.Errorf("init with a bad issuer: exit %d, %s", code, said)
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("it left %v behind", left)
	}
}

// jsonLines reads a stream of JSON values, one a line.
func jsonLines[T any](t *testing.T, text string) []T {
	t.Helper()
	var out []T
	for line := range strings.Lines(text) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		out = append(out, v)
	}
	return out
}
