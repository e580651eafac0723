package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// writer groups updates: one goroutine drains a queue into one transaction,
// with a savepoint per job so that one failure leaves its neighbours alone,
// and one sync to disk makes them all durable.
//
// A job runs on its caller's goroutine while the writer waits for it. So a
// panic unwinds where it was caused, and cannot end the writer.
type writer struct {
	db   *sql.DB
	gate *sync.RWMutex // of memdb, else nil
	c    *conn         // nil until needed, and after a failure

	mu     sync.Mutex
	queue  []*job
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

// batchLimit bounds how long the first job of a transaction waits for others.
const batchLimit = 64

var (
	errClosed   = errors.New("store: closed")
	errUnwound  = errors.New("store: the job panicked")
	errNoCommit = errors.New("store: the transaction was undone")
)

// job is one update on its way through the queue.
type job struct {
	state atomic.Int32
	turn  chan turn  // its share of the transaction, or why there is none
	back  chan error // what the job made of it; nil keeps its changes
	over  chan error // what became of the transaction
}

const (
	waiting int32 = iota
	running
	abandoned // its caller no longer waits
)

type turn struct {
	lease *lease
	err   error
}

func newWriter(db *sql.DB) *writer {
	return &writer{db: db, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// do queues fn and reports what became of it.
func (w *writer) do(ctx context.Context, fn work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{turn: make(chan turn, 1), back: make(chan error, 1), over: make(chan error, 1)}
	if err := w.enqueue(j); err != nil {
		return err
	}
	var t turn
	select {
	case t = <-j.turn:
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, abandoned) {
			return ctx.Err()
		}
		t = <-j.turn
	}
	if t.err != nil {
		return t.err
	}
	err := run(j, t.lease, fn)
	undone := <-j.over
	if undone != nil && err != nil {
		// Its text may say why, but its kind is no answer any more.
		return fmt.Errorf("%w: %v", undone, err)
	}
	if undone != nil {
		return undone
	}
	return err
}

// run gives the transaction back however fn ends, by panic and Goexit too.
func run(j *job, l *lease, fn work) error {
	err := errUnwound
	defer func() {
		l.over = true
		j.back <- err
	}()
	err = fn(l)
	return err
}

func (w *writer) enqueue(j *job) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	w.queue = append(w.queue, j)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return nil
}

// next returns the first job whose caller still waits, or nil.
func (w *writer) next() *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) > 0 {
		j := w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
		if j.state.CompareAndSwap(waiting, running) {
			return j
		}
	}
	w.queue = nil
	return nil
}

// run is the writer's goroutine.
func (w *writer) run() {
	defer close(w.done)
	for range w.wake {
		for j := w.next(); j != nil; j = w.next() {
			w.batch(j)
		}
		if w.finished() {
			return
		}
	}
}

func (w *writer) finished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed && len(w.queue) == 0
}

// batch runs first and the jobs that come while it runs in one transaction.
func (w *writer) batch(first *job) {
	if w.gate != nil {
		w.gate.Lock()
		defer w.gate.Unlock()
	}
	c, err := w.connection(context.Background())
	if err == nil {
		err = wrap(c.exec("BEGIN IMMEDIATE"))
	}
	if err != nil {
		// The next batch tries again, on a new connection. Who waits now would
		// only wait as long again for the same answer.
		err = errors.Join(err, w.drop())
		for j := first; j != nil; j = w.next() {
			j.turn <- turn{err: err}
		}
		return
	}
	ran := make([]*job, 0, batchLimit)
	for j := first; j != nil && err == nil; {
		if err = wrap(c.exec("SAVEPOINT job")); err != nil {
			j.turn <- turn{err: err}
			break
		}
		ran = append(ran, j)
		j.turn <- turn{lease: &lease{c: c}}
		if <-j.back != nil {
			err = c.exec("ROLLBACK TO job")
		}
		if err == nil {
			// Fails if SQLite undid the whole transaction on its own, as it
			// does when the disk is full: then nothing of it may be kept.
			err = c.exec("RELEASE job")
		}
		err = wrap(err)
		if err != nil || len(ran) == batchLimit {
			break
		}
		j = w.next()
	}
	if err == nil {
		err = wrap(c.exec("COMMIT"))
	}
	if err != nil {
		// Closing the connection undoes what is left of the transaction.
		err = errors.Join(errNoCommit, err, w.drop())
	}
	for _, j := range ran {
		j.over <- err
	}
}

// connection returns the writer's connection, opening it if there is none.
// Only one goroutine at a time uses it: open's, then the writer's.
func (w *writer) connection(ctx context.Context) (*conn, error) {
	if w.c != nil {
		return w.c, nil
	}
	c, err := newConn(ctx, w.db)
	w.c = c
	return c, err
}

func (w *writer) drop() error {
	if w.c == nil {
		return nil
	}
	_ = w.c.exec("ROLLBACK") // says so if there is nothing to undo
	err := w.c.close()
	w.c = nil
	return err
}

// drain refuses new jobs and waits for those that are queued.
func (w *writer) drain() {
	w.mu.Lock()
	w.closed = true
	select {
	case w.wake <- struct{}{}:
	default:
	}
	w.mu.Unlock()
	<-w.done
}

// close follows drain.
func (w *writer) close() error { return errors.Join(w.drop(), w.db.Close()) }
