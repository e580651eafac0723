package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of /proc/PID/stat (USER_HZ on Linux).
const tick = 10 * time.Millisecond

// patience bounds a start and an end.
const patience = 30 * time.Second

func root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..")
}

// binaries finds the built one and builds the light one.
func (b *bench) binaries() error {
	b.real = os.Getenv("INTELLIAUTH_BIN")
	if b.real == "" {
		b.real = filepath.Join(root(), "bin", "intelliauth")
	}
	if _, err := os.Stat(b.real); err != nil {
		return fmt.Errorf("%s is missing: run `make build` first", b.real)
	}
	progress("building the same source with a hash that costs nothing")
	source := filepath.Join(root(), "cmd", "intelliauth", "main.go")
	raw, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	const where = "Now: time.Now, Random: rand.Reader,"
	changed := bytes.Replace(raw, []byte(where), []byte(where+" Hash: password.Params{Memory: 64, Passes: 1, Threads: 1},"), 1)
	if bytes.Equal(raw, changed) {
		return errors.New("cmd/intelliauth/main.go has no line to set Main.Hash in: mend `where` in test/bench/server.go")
	}
	overlay := filepath.Join(b.folder, "main.go")
	list, _ := json.Marshal(map[string]any{"Replace": map[string]string{source: overlay}})
	err = errors.Join(os.WriteFile(overlay, changed, 0o600), os.WriteFile(overlay+".json", list, 0o600))
	if err != nil {
		return err
	}
	b.light = filepath.Join(b.folder, "light")
	build := exec.Command("go", "build", "-overlay", overlay+".json", "-o", b.light, "./cmd/intelliauth")
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// house is a folder with a configuration, a root key and a database.
type house struct {
	folder string
	key    []byte
	port   int
	admin  int
	said   io.Writer // what the server logs; nil keeps it for an error message
}

const (
	clientID     = "bench"
	clientSecret = "bench-secret-of-many-characters"
	redirectURI  = "http://127.0.0.1:9/callback"
	tenantID     = "main"
	audience     = "https://api.bench.example"
)

func (b *bench) newHouse(name string) (*house, error) {
	h := &house{folder: filepath.Join(b.folder, name), key: make([]byte, 32)}
	if _, err := rand.Read(h.key); err != nil {
		return nil, err
	}
	if err := os.Mkdir(h.folder, 0o700); err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	h.port, h.admin = ports[0], ports[1]
	text := fmt.Sprintf(`listen: 127.0.0.1:%d
admin_listen: 127.0.0.1:%d
database: sqlite:%s
root_keys: [file:root.key]
log: {level: warn}
tenants:
  - id: %s
    issuer: http://localhost:%d
    name: Bench
    applications:
      - id: %s
        secrets: [%s]
        redirect_uris: [%s]
        grants: [authorization_code, refresh_token, client_credentials]
        scopes: [openid, offline_access]
        audience: https://api.bench.example
        first_party: true
`, h.port, h.admin, h.database(), tenantID, h.port, clientID, clientSecret, redirectURI)
	return h, errors.Join(
		os.WriteFile(filepath.Join(h.folder, "root.key"), []byte(base64.StdEncoding.EncodeToString(h.key)+"\n"), 0o600),
		os.WriteFile(h.config(), []byte(text), 0o600),
	)
}

// logAt sets the level of the log, and throws it away.
func (h *house) logAt(level string) error {
	raw, err := os.ReadFile(h.config())
	if err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	h.said = null
	return os.WriteFile(h.config(), bytes.Replace(raw, []byte("level: warn"), []byte("level: "+level), 1), 0o600)
}

func (h *house) config() string   { return filepath.Join(h.folder, "intelliauth.yaml") }
func (h *house) database() string { return filepath.Join(h.folder, "intelliauth.db") }
func (h *house) address() string  { return fmt.Sprintf("127.0.0.1:%d", h.port) }
func (h *house) host() string     { return fmt.Sprintf("localhost:%d", h.port) }

func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

// server is a process that serves a house.
type server struct {
	cmd   *exec.Cmd
	ended chan struct{}
	ready time.Duration // from exec to the first answer of /readyz
}

func (h *house) serve(binary string, args ...string) (*server, error) {
	s := &server{ended: make(chan struct{})}
	s.cmd = exec.Command(binary, append([]string{"serve", "--config", h.config(), "--drain=0s"}, args...)...)
	var said bytes.Buffer
	if s.cmd.Stderr = h.said; h.said == nil {
		s.cmd.Stderr = &said
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	url := fmt.Sprintf("http://127.0.0.1:%d/readyz", h.admin)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if answer, err := client.Get(url); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				s.ready = time.Since(began)
				return s, nil
			}
		}
		select {
		case <-s.ended:
			return nil, fmt.Errorf("the server ended before it was ready\n%s", said.String())
		case <-time.After(500 * time.Microsecond):
		}
		if time.Since(began) > patience {
			_ = s.cmd.Process.Kill()
			return nil, fmt.Errorf("not ready within %s\n%s", patience, said.String())
		}
	}
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		<-s.ended
		return errors.New("the server did not end on SIGTERM")
	}
}

// cpu is the time that the process has spent so far.
func (s *server) cpu() time.Duration { return cpuOf(s.cmd.Process.Pid) }

func cpuOf(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name, in parentheses, may hold spaces. utime and stime are the 12th and
	// 13th field after it (proc(5)).
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

// resident is the memory of the process, in MB.
func (s *server) resident() float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
