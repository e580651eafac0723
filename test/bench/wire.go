package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// wire is one connection of a client that costs little: the client shares the
// cores with the server that is measured.
type wire struct {
	address, host string
	conn          net.Conn
	in            *bufio.Reader
	out           bytes.Buffer
	cookies       map[string]string
}

// reply is an answer, as far as it is looked at.
type reply struct {
	status   int
	location string
	retry    time.Duration
	body     []byte
}

func newWire(address, host string) (*wire, error) {
	w := &wire{address: address, host: host, cookies: map[string]string{}}
	return w, w.dial()
}

func (w *wire) dial() error {
	c, err := net.Dial("tcp", w.address)
	if err != nil {
		return err
	}
	w.conn, w.in = c, bufio.NewReaderSize(c, 16<<10)
	return nil
}

func (w *wire) close() { _ = w.conn.Close() }

// forget makes the browser behind the connection a new one.
func (w *wire) forget() { clear(w.cookies) }

// ask sends one request and reads its answer.
func (w *wire) ask(method, path, headers string, body []byte) (reply, error) {
	w.out.Reset()
	fmt.Fprintf(&w.out, "%s %s HTTP/1.1\r\nHost: %s\r\n%s", method, path, w.host, headers)
	if len(w.cookies) > 0 {
		w.out.WriteString("Cookie: ")
		first := true
		for name, value := range w.cookies {
			if !first {
				w.out.WriteString("; ")
			}
			first = false
			w.out.WriteString(name + "=" + value)
		}
		w.out.WriteString("\r\n")
	}
	if method != "GET" {
		fmt.Fprintf(&w.out, "Content-Length: %d\r\n", len(body))
	}
	w.out.WriteString("\r\n")
	w.out.Write(body)
	if _, err := w.conn.Write(w.out.Bytes()); err != nil {
		return reply{}, err
	}
	return w.read()
}

func (w *wire) read() (reply, error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return reply{}, err
	}
	var r reply
	if len(line) < 12 {
		return r, fmt.Errorf("no HTTP: %q", line)
	}
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return r, err
	}
	length, chunked, last := 0, false, false
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return r, err
		}
		name, value, ok := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		if !ok {
			break
		}
		switch string(name) {
		case "Content-Length":
			length, err = strconv.Atoi(string(value))
		case "Transfer-Encoding":
			chunked = true
		case "Connection":
			last = string(value) == "close"
		case "Location":
			r.location = string(value)
		case "Retry-After":
			seconds, _ := strconv.Atoi(string(value))
			r.retry = time.Duration(seconds) * time.Second
		case "Set-Cookie":
			pair, _, _ := strings.Cut(string(value), ";")
			name, value, _ := strings.Cut(pair, "=")
			w.cookies[name] = value
		}
		if err != nil {
			return r, err
		}
	}
	if chunked {
		r.body, err = w.chunks()
	} else {
		r.body = make([]byte, length)
		_, err = io.ReadFull(w.in, r.body)
	}
	if err == nil && last {
		w.close()
		err = w.dial()
	}
	return r, err
}

func (w *wire) chunks() ([]byte, error) {
	var body []byte
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return nil, err
		}
		piece := make([]byte, n+2) // and the line break after it
		if _, err := io.ReadFull(w.in, piece); err != nil {
			return nil, err
		}
		if n == 0 {
			return body, nil
		}
		body = append(body, piece[:n]...)
	}
}

// result is what a measurement found.
type result struct {
	count   int
	elapsed time.Duration
	cpu     time.Duration // of the server
	busy    int           // answers of 503, which were tried again
}

func (r result) rate() float64 { return float64(r.count) / r.elapsed.Seconds() }

func (r result) each() time.Duration {
	if r.count == 0 {
		return 0
	}
	return r.cpu / time.Duration(r.count)
}

// errBusy says that the server asked to come again.
type errBusy struct{ after time.Duration }

func (errBusy) Error() string { return "busy" }

// measure lets n clients do a path for a while. Each client is given its
// number; what it returns is done once for warming up, then again and again.
func measure(h *house, cpu func() time.Duration, n int, window time.Duration, client func(w *wire, i int) (func() error, error)) (result, error) {
	steps := make([]func() error, n)
	for i := range steps {
		w, err := newWire(h.address(), h.host())
		if err != nil {
			return result{}, err
		}
		defer w.close()
		if steps[i], err = client(w, i); err != nil {
			return result{}, err
		}
	}
	var done, busy atomic.Int64
	var failed atomic.Value
	var wait sync.WaitGroup
	before, began := cpu(), time.Now()
	until := began.Add(window)
	for _, step := range steps {
		wait.Go(func() {
			for time.Now().Before(until) && failed.Load() == nil {
				err := step()
				var later errBusy
				switch {
				case errors.As(err, &later):
					busy.Add(1)
					time.Sleep(min(later.after, window/4))
				case err != nil:
					failed.CompareAndSwap(nil, err)
				default:
					done.Add(1)
				}
			}
		})
	}
	wait.Wait()
	r := result{count: int(done.Load()), elapsed: time.Since(began), cpu: cpu() - before, busy: int(busy.Load())}
	if err, ok := failed.Load().(error); ok {
		return r, err
	}
	if r.count == 0 {
		return r, errors.New("nothing was done in time")
	}
	return r, nil
}
