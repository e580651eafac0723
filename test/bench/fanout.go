package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	intelliauth "github.com/intelliauth/intelliauth/sdk/go"
)

// listenerEvery is how often an API looks whether its token is refused by now.
const listenerEvery = 2 * time.Millisecond

// runListener is an API process of its own: it reads tokens, one a line, says
// "ok" once it takes one, and when it refused it.
func runListener(issuer string) error {
	v, err := intelliauth.NewVerifier(context.Background(), issuer, audience, intelliauth.WithRevocations(clientID, clientSecret))
	if err != nil {
		return err
	}
	defer v.Close()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+lines.Text())
		if _, err := v.Check(r); err != nil {
			return fmt.Errorf("a fresh token is refused: %w", err)
		}
		fmt.Println("ok")
		for {
			if _, err := v.Check(r); err != nil {
				break
			}
			time.Sleep(listenerEvery)
		}
		fmt.Println(time.Now().UnixNano())
	}
	return lines.Err()
}

// listener is such a process.
type listener struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func newListener(issuer string) (*listener, error) {
	l := &listener{cmd: exec.Command("/proc/self/exe", "-api", issuer)}
	l.cmd.Stderr = os.Stderr
	var err error
	if l.in, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.out = bufio.NewReader(out)
	return l, l.cmd.Start()
}

func (l *listener) say(line string) (string, error) {
	if line != "" {
		if _, err := io.WriteString(l.in, line+"\n"); err != nil {
			return "", err
		}
	}
	answer, err := l.out.ReadString('\n')
	return strings.TrimSpace(answer), err
}

func (l *listener) end() {
	_ = l.in.Close()
	_ = l.cmd.Wait()
}

// fanout measures how long it takes from `intelliauth session revoke` until the
// last of many API processes refuses the token.
func (b *bench) fanout() error {
	h, err := b.newHouse("fanout")
	if err != nil {
		return err
	}
	if err := b.furnish(h, b.light, cheap(), b.plan.users); err != nil {
		return err
	}
	s, err := h.serve(b.light)
	if err != nil {
		return err
	}
	defer s.stop()
	for _, run := range []struct{ processes, revocations int }{{20, b.plan.revocations}, {50, b.plan.revocations / 4}} {
		took, err := b.revoke(h, run.processes, run.revocations)
		if err != nil {
			return err
		}
		slices.Sort(took)
		at := func(share float64) time.Duration { return took[min(len(took)-1, int(share*float64(len(took))))] }
		p99 := at(0.99)
		b.add(row{
			what: fmt.Sprintf("session revoke → refused by %d API processes, %d revocations", run.processes, run.revocations),
			rate: "p50 " + short(at(0.5)), cpu: "p99 " + short(p99), ratio: "max " + short(took[len(took)-1]), goal: "p99 < 1 s", met: judge(p99 < time.Second),
		})
	}
	return nil
}

// revoke ends sessions one after the other and tells for each process how long
// after the command's start it refused.
func (b *bench) revoke(h *house, processes, revocations int) (took []time.Duration, err error) {
	var all []*listener
	defer func() {
		for _, l := range all {
			l.end()
		}
	}()
	for range processes {
		l, err := newListener("http://" + h.host())
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	w, err := newWire(h.address(), h.host())
	if err != nil {
		return nil, err
	}
	defer w.close()
	for n := range revocations {
		if n > 0 && n%50 == 0 {
			progress("  %d of %d revocations at %d processes", n, revocations, processes)
		}
		t, err := signIn(w, email(n%b.plan.users), true)
		if err != nil {
			return nil, err
		}
		session, err := sessionOf(t.Access)
		if err != nil {
			return nil, err
		}
		for _, l := range all {
			if said, err := l.say(t.Access); err != nil || said != "ok" {
				return nil, errors.Join(fmt.Errorf("an API said %q", said), err)
			}
		}
		began := time.Now()
		if out, err := exec.Command(b.light, "session", "revoke", session, "--config", h.config()).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("session revoke: %w\n%s", err, out)
		}
		for _, l := range all {
			said, err := l.say("")
			at, perr := strconv.ParseInt(said, 10, 64)
			if err != nil || perr != nil {
				return nil, errors.Join(err, perr)
			}
			took = append(took, time.Unix(0, at).Sub(began))
		}
	}
	return took, nil
}

func sessionOf(access string) (string, error) {
	parts := strings.Split(access, ".")
	if len(parts) != 3 {
		return "", errors.New("no access token")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var c struct {
		Session string `json:"sid"`
	}
	return c.Session, json.Unmarshal(raw, &c)
}
