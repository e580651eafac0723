package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/argon2"
	_ "modernc.org/sqlite" // the driver of the limit's own database
)

// own is the CPU time of this process.
func own() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// inProcess does step on n goroutines for a while.
func inProcess(n int, window time.Duration, step func()) result {
	var done atomic.Int64
	var wait sync.WaitGroup
	before, began := own(), time.Now()
	for range n {
		wait.Go(func() {
			for time.Since(began) < window {
				step()
				done.Add(1)
			}
		})
	}
	wait.Wait()
	return result{count: int(done.Load()), elapsed: time.Since(began), cpu: own() - before}
}

// hash is one password hash of production's cost.
func hash() {
	var salt [16]byte
	argon2.IDKey([]byte(secret), salt[:], 2, 19*1024, 1, 32)
}

func signer() (func(), error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(secret))
	return func() {
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
			panic(err)
		}
	}, nil
}

// pending is a caller's part of a commit: so many small updates.
type pending struct {
	updates int
	answer  chan error
}

// group is a bare grouped commit: one goroutine drains a queue into one
// transaction of one small update each, durable before anybody is answered.
type group struct {
	db    *sql.DB
	queue chan pending
	done  chan struct{}
}

func newGroup(folder string) (*group, error) {
	own, err := os.MkdirTemp(folder, "limit-")
	if err != nil {
		return nil, err
	}
	dsn := "file:" + filepath.Join(own, "limit.db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)"); err != nil {
		return nil, err
	}
	g := &group{db: db, queue: make(chan pending, 256), done: make(chan struct{})}
	go g.work()
	return g, nil
}

func (g *group) close() {
	close(g.queue)
	<-g.done
	_ = g.db.Close()
}

func (g *group) work() {
	defer close(g.done)
	for first := range g.queue {
		waiting := []pending{first}
		for more := true; more && len(waiting) < 64; {
			select {
			case next, ok := <-g.queue:
				if more = ok; ok {
					waiting = append(waiting, next)
				}
			default:
				more = false
			}
		}
		err := g.commit(waiting)
		for _, w := range waiting {
			w.answer <- err
		}
	}
}

func (g *group) commit(waiting []pending) error {
	tx, err := g.db.Begin()
	if err != nil {
		return err
	}
	update, err := tx.Prepare("INSERT INTO t VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = $2")
	if err != nil {
		return err
	}
	for i, w := range waiting {
		for j := range w.updates {
			if _, err := update.Exec(i*100+j, []byte(secret)); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func (g *group) write(updates int) {
	answer := make(chan error, 1)
	g.queue <- pending{updates, answer}
	if err := <-answer; err != nil {
		panic(err)
	}
}

// twoAndCommit is what a refresh cannot do without: two signatures and one
// grouped commit, in a database of its own in folder.
func twoAndCommit(folder string) (step, end func(), err error) {
	sign, err := signer()
	if err != nil {
		return nil, nil, err
	}
	g, err := newGroup(folder)
	if err != nil {
		return nil, nil, err
	}
	return func() {
		sign()
		sign()
		g.write(1)
	}, g.close, nil
}

// serveBare is the limit of an answer that never changes: net/http and one
// Write, with the two headers that say what it is. With a step, the answer to a
// form follows that.
func serveBare(file string, step func()) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if step != nil {
			if _, err := io.ReadAll(r.Body); err != nil {
				return
			}
			step()
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(body)
	}))
}

// bareServer runs serveBare as a process of its own.
func (b *bench) bareServer(body []byte, args ...string) (address string, s *server, err error) {
	file := filepath.Join(b.folder, "bare.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return "", nil, err
	}
	s = &server{ended: make(chan struct{}), cmd: exec.Command("/proc/self/exe", append([]string{"-bare", file}, args...)...)}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	return strings.TrimSpace(line), s, err
}
