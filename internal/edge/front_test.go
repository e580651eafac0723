package edge

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/store/storetest"
)

func TestFrontTellsTheRoomsWhatCameIn(t *testing.T) {
	reached := false
	h, lines := front(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached = true
		if TenantOf(r.Context()).ID != "tnt_1" || ClientOf(r.Context()).String() != "198.51.100.1" || RequestID(r.Context()) != "abc" {
			t.Errorf("%v %v %v", TenantOf(r.Context()).ID, ClientOf(r.Context()), RequestID(r.Context()))
		}
		LogOf(r.Context()).Info("inside")
	}))
	r := request("GET", "/", "")
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "198.51.100.1")
	r.Header.Set("X-Request-Id", "abc")
	serve(h, r)
	if !reached || strings.Count(lines.String(), `"request":"abc"`) != 2 || !strings.Contains(lines.String(), `"tenant":"tnt_1"`) {
		t.Errorf("reached %v: %s", reached, lines)
	}
}

func TestFrontWithoutTenants(t *testing.T) {
	log, _ := newLog()
	h := Front{Log: log, Now: time.Now, Random: zeros{}}.Handler(http.HandlerFunc(ok))
	r := request("GET", "/healthz", "")
	r.Host = "anything:9000"
	if w := serve(h, r); w.Code != 200 || w.Header().Get("Strict-Transport-Security") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestH49_Deadlines(t *testing.T) {
	log, lines := newLog()
	s := NewServer(http.HandlerFunc(ok), log)
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 15*time.Second || s.WriteTimeout != time.Minute || s.IdleTimeout != time.Minute || s.MaxHeaderBytes != 16<<10 {
		t.Errorf("%+v", s)
	}
	s.ErrorLog.Print("complaint")
	if !strings.Contains(lines.String(), "complaint") {
		t.Error("complaints of net/http do not reach the log")
	}
}

// started serves h with all deadlines shortened to brief.
func started(t *testing.T, h http.Handler, brief time.Duration) string {
	t.Helper()
	log, _ := newLog()
	s := NewServer(h, log)
	s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout = brief, brief, brief, brief
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	// A ceiling for the test, not a measure: a server that never cuts fails here.
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// cut reads until the connection ends, and fails if it was the test that gave up.
func cut(t *testing.T, conn net.Conn) string {
	t.Helper()
	got, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server holds on to a slow client")
	}
	return string(got)
}

func TestH49_SlowClientsAreCut(t *testing.T) {
	bodyErr := make(chan error, 1)
	address := started(t, Limit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			_, err := ReadBody(r)
			bodyErr <- err
			if err != nil {
				Fail(w, r, err)
			}
		}
	})), 50*time.Millisecond)
	silent, header, body, idle := dial(t, address), dial(t, address), dial(t, address), dial(t, address)
	fmt.Fprint(header, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	fmt.Fprint(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nabc")
	fmt.Fprint(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")

	// Others are served meanwhile.
	res, err := http.Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("another client: %d", res.StatusCode)
	}

	cut(t, silent)
	cut(t, header)
	if got := cut(t, body); strings.Contains(got, "200 OK") {
		t.Errorf("half a body is taken for a whole: %s", got)
	}
	if err := <-bodyErr; err == nil || Status(err) != 400 {
		t.Errorf("reading half a body: %v", err)
	}
	if got := cut(t, idle); !strings.HasPrefix(got, "HTTP/1.1 200 OK") {
		t.Errorf("the idle one was not answered first: %q", got)
	}
}

func TestH49_SlowReaderIsCut(t *testing.T) {
	wrote := make(chan error, 1)
	address := started(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		var err error
		for range 256 { // more than the kernel's buffers hold
			if _, err = w.Write(chunk); err != nil {
				break
			}
		}
		wrote <- err
	}), 50*time.Millisecond)
	conn := dial(t, address)
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // and does not read
	if err := <-wrote; err == nil {
		t.Error("a client that does not read holds the handler for ever")
	}
}

func TestH48_HugeHeadersAreRefused(t *testing.T) {
	reached := false
	address := started(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }), 5*time.Second)
	conn := dial(t, address)
	go func() { // the server may stop reading at any point
		_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Large: %s\r\n\r\n", strings.Repeat("a", 32<<10))
	}()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") || reached {
		t.Errorf("%q, %v, reached %v", line, err, reached)
	}
}

func BenchmarkFront(b *testing.B) {
	store := &counting{Store: storetest.New(b)}
	if err := store.PutTenant(b.Context(), tenantAt("tnt_1", "https://login.example.com")); err != nil {
		b.Fatal(err)
	}
	h := Front{
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Now: time.Now, Random: rand.Reader, Secure: true, Tenants: NewTenants(store),
	}.Handler(http.HandlerFunc(ok))
	r := request("GET", "/", "")
	b.ReportAllocs()
	for b.Loop() {
		serve(h, r)
	}
}
