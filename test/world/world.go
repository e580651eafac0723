// Package world starts the built binary for tests written in Go, and drives
// its pages as a person would whose browser has no JavaScript.
//
//	world.go     the binary, by its pid, in a folder of its own
//	person.go    cookies, pages, forms
//	flowapi.go   the same flow as JSON
package world

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Who can sign in to the demo world.
const (
	Ada           = "ada@example.com"
	AdaPassword   = "analytical-engine-1843"
	Grace         = "grace@example.com"
	GracePassword = "compiler-first-1952"
)

// patience is how long a process may take to begin or end. It is a ceiling
// for broken builds, not a measure.
const patience = 20 * time.Second

// logShown is how much of the server's log a failed test prints, in bytes.
const logShown = 4 << 10

// Binary is the built program: INTELLIAUTH_BIN, or bin/intelliauth.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("INTELLIAUTH_BIN")
	if path == "" {
		_, here, _, _ := runtime.Caller(0)
		path = filepath.Join(filepath.Dir(here), "..", "..", "bin", "intelliauth")
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run `make build` first", path)
	}
	return path
}

// World is a demo world that runs.
type World struct {
	Issuer, Acme string
	Data         string

	t      testing.TB
	port   string
	cmd    *exec.Cmd
	ended  chan struct{}
	log    *buffer
	offset time.Duration
}

// Start makes a demo world that ends with the test.
func Start(t testing.TB) *World {
	t.Helper()
	w := &World{t: t, Data: filepath.Join(t.TempDir(), "data"), log: &buffer{}}
	// Other tests of this machine look for free ports, too.
	for range 3 {
		w.port = freePort(t)
		if w.open() {
			break
		}
	}
	if w.Issuer == "" {
		t.Fatalf("no port is free\n%s", w.Log())
	}
	t.Cleanup(func() {
		w.end(syscall.SIGTERM)
		if t.Failed() {
			log := w.Log()
			t.Logf("the end of the server's log:\n%s", log[max(0, len(log)-logShown):])
		}
	})
	return w
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// open starts the process; false says that its port was taken in between.
func (w *World) open() bool {
	w.t.Helper()
	w.cmd = exec.Command(Binary(w.t), "dev", "--json", "--listen", "127.0.0.1:"+w.port, "--data", w.Data)
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.cmd.Stderr = w.log
	if err := w.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	lines := make(chan string, 1)
	w.ended = make(chan struct{})
	go func() {
		scanner := bufio.NewScanner(out)
		if scanner.Scan() {
			lines <- scanner.Text()
		}
		close(lines)
		_ = w.cmd.Wait()
		close(w.ended)
	}()
	select {
	case line, ok := <-lines:
		if !ok && strings.Contains(w.Log(), "address already in use") {
			<-w.ended
			return false
		}
		var told struct {
			Issuer  string
			Tenants map[string]string
		}
		if err := json.Unmarshal([]byte(line), &told); err != nil {
			w.t.Fatalf("the first line is no JSON: %q\n%s", line, w.Log())
		}
		w.Issuer, w.Acme = told.Issuer, told.Tenants["acme"]
	case <-time.After(patience):
		_ = w.cmd.Process.Kill()
		w.t.Fatalf("not ready within %s\n%s", patience, w.Log())
	}
	return true
}

func (w *World) end(signal syscall.Signal) {
	_ = w.cmd.Process.Signal(signal)
	select {
	case <-w.ended:
	case <-time.After(patience):
		_ = w.cmd.Process.Kill()
		<-w.ended
		w.t.Errorf("did not end within %s after %s", patience, signal)
	}
}

// Restart ends the process by a signal, SIGKILL for a crash, and starts it
// again on the same data.
func (w *World) Restart(signal syscall.Signal) {
	w.t.Helper()
	w.end(signal)
	if !w.open() {
		w.t.Fatalf("the port was taken while the server restarted\n%s", w.Log())
	}
}

// Log is all that the server wrote to stderr.
func (w *World) Log() string { return w.log.String() }

// PID is the process that runs now.
func (w *World) PID() int { return w.cmd.Process.Pid }

// Now is the server's time.
func (w *World) Now() time.Time { return time.Now().Add(w.offset) }

// Advance moves the server's clock.
func (w *World) Advance(d time.Duration) {
	w.t.Helper()
	body, _ := json.Marshal(map[string]string{"advance": d.String()})
	answer, err := Client().Post(w.Issuer+"/dev/clock", "application/json", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	var told struct{ Now time.Time }
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("POST /dev/clock: %s %v", answer.Status, err)
	}
	w.offset = time.Until(told.Now)
}

// Sent is the code that was last sent to an address or number. It waits for the
// worker that sends it.
func (w *World) Sent(to string) string {
	w.t.Helper()
	for range 100 {
		answer, err := Client().Get(w.Issuer + "/dev/inbox.json")
		if err != nil {
			w.t.Fatal(err)
		}
		var inbox []struct{ To, Code string }
		err = json.NewDecoder(answer.Body).Decode(&inbox)
		_ = answer.Body.Close()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, message := range inbox {
			if message.To == to && message.Code != "" {
				return message.Code
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("no code was sent to %s", to)
	return ""
}

// Run runs one command of the binary on this world's data.
func (w *World) Run(args ...string) string {
	w.t.Helper()
	out, err := exec.Command(Binary(w.t), append(args, "--data", w.Data)...).Output()
	if err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// Client follows no redirect and knows that names under .localhost are this
// machine (RFC 6761, 6.3).
func Client() *http.Client {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(addr)
			if err == nil && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
				addr = net.JoinHostPort("127.0.0.1", port)
			}
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		},
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Code is what an authenticator that we did not write, Debian's oathtool, shows
// at a time.
func Code(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	out, err := exec.Command("oathtool", "-b", "--totp", fmt.Sprintf("--now=@%d", at.Unix()), secret).Output()
	if err != nil {
		t.Fatalf("oathtool: %v (apt-get install oathtool)", err)
	}
	return strings.TrimSpace(string(out))
}

// WrongCodes are n different codes that no step near at has.
func WrongCodes(t testing.TB, secret string, at time.Time, n int) []string {
	t.Helper()
	near := map[string]bool{}
	for _, shift := range []time.Duration{-90, -60, -30, 0, 30, 60, 90} {
		near[Code(t, secret, at.Add(shift*time.Second))] = true
	}
	var out []string
	for guess := 0; len(out) < n; guess++ {
		if code := fmt.Sprintf("%06d", guess); !near[code] {
			out = append(out, code)
		}
	}
	return out
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
