package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// writer groups updates: those that wait together share one transaction, with a
// savepoint per job so that one failure leaves its neighbours alone, and one
// sync to disk makes them all durable.
//
// There is no goroutine of its own. Each caller runs its job itself, hands the
// transaction to the next one who waits, and the last commits for all: one
// handover a job, where a writer between them would need two and wake a
// processor for each. A panic unwinds where it was caused.
type writer struct {
	db   *sql.DB
	gate *sync.RWMutex // of memdb, else nil
	c    *conn         // nil until needed, and after a failure; whoever has the turn uses it

	mu     sync.Mutex
	queue  []*job
	taken  bool // somebody has the turn, or was given it
	closed bool
	done   chan struct{} // closed when closed and nobody has the turn
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
	turn  chan turn
	over  chan error // what became of the transaction
}

const (
	waiting int32 = iota
	running
	abandoned // its caller no longer waits
)

// turn is leave to use the connection: in the transaction of those before, or,
// without one, in a new one. With an error it is no leave but the answer.
type turn struct {
	tx  *transaction
	err error
}

// transaction is on its way from job to job.
type transaction struct {
	c   *conn
	ran []*job
	err error // nothing more can be done in it
}

func newWriter(db *sql.DB) *writer { return &writer{db: db, done: make(chan struct{})} }

// do queues fn and reports what became of it.
func (w *writer) do(ctx context.Context, fn work) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{over: make(chan error, 1)}
	t, err := w.await(ctx, j)
	if err != nil {
		return err
	}
	if t.tx == nil {
		if t.tx, err = w.begin(); err != nil {
			w.refuse(err)
			return err
		}
	}
	if err := wrap(t.tx.c.exec("SAVEPOINT job")); err != nil {
		t.tx.err = err
		w.finish(t.tx)
		return err
	}
	err = w.run(t.tx, j, fn)
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

// await waits for the job's turn. Who finds nobody there has it at once.
func (w *writer) await(ctx context.Context, j *job) (turn, error) {
	first, err := w.enqueue(j)
	if err != nil || first {
		return turn{}, err
	}
	select {
	case t := <-j.turn:
		return t, t.err
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, abandoned) {
			return turn{}, ctx.Err()
		}
		t := <-j.turn
		return t, t.err
	}
}

func (w *writer) enqueue(j *job) (first bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, errClosed
	}
	if !w.taken {
		w.taken = true
		return true, nil
	}
	j.turn = make(chan turn, 1)
	w.queue = append(w.queue, j)
	return false, nil
}

// next returns the first job whose caller still waits. Where there is none it
// returns nil and, if so asked, gives the turn up.
func (w *writer) next(leave bool) *job {
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
	if leave {
		w.taken = false
		if w.closed {
			close(w.done)
		}
	}
	return nil
}

// begin opens a transaction.
func (w *writer) begin() (*transaction, error) {
	if w.gate != nil {
		w.gate.Lock()
	}
	c, err := w.connection(context.Background())
	if err == nil {
		err = wrap(c.exec("BEGIN IMMEDIATE"))
	}
	if err != nil {
		err = errors.Join(err, w.drop())
		if w.gate != nil {
			w.gate.Unlock()
		}
		return nil, err
	}
	return &transaction{c: c}, nil
}

// refuse answers all who wait now: they would only wait as long again for the
// same answer. Who comes later tries again, on a new connection.
func (w *writer) refuse(err error) {
	for j := w.next(true); j != nil; j = w.next(true) {
		j.turn <- turn{err: err}
	}
}

// run gives the transaction on however fn ends, by panic and Goexit too.
func (w *writer) run(tx *transaction, j *job, fn work) error {
	err := errUnwound
	l := &lease{c: tx.c}
	tx.ran = append(tx.ran, j)
	defer func() {
		l.over = true
		w.after(tx, err)
	}()
	err = fn(l)
	return err
}

// after keeps or undoes what a job did, and hands the transaction on or ends it.
func (w *writer) after(tx *transaction, failed error) {
	if failed != nil {
		tx.err = tx.c.exec("ROLLBACK TO job")
	}
	if tx.err == nil {
		// Fails if SQLite undid the whole transaction on its own, as it does when
		// the disk is full: then nothing of it may be kept.
		tx.err = tx.c.exec("RELEASE job")
	}
	tx.err = wrap(tx.err)
	if tx.err == nil && len(tx.ran) < batchLimit {
		if next := w.next(false); next != nil {
			next.turn <- turn{tx: tx}
			return
		}
	}
	w.finish(tx)
}

// finish commits, tells all whose transaction it was, and gives the turn on.
func (w *writer) finish(tx *transaction) {
	err := tx.err
	if err == nil {
		err = wrap(tx.c.exec("COMMIT"))
	}
	if err != nil {
		// Closing the connection undoes what is left of the transaction.
		err = errors.Join(errNoCommit, err, w.drop())
	}
	if w.gate != nil {
		w.gate.Unlock()
	}
	for _, j := range tx.ran {
		j.over <- err
	}
	if next := w.next(true); next != nil {
		next.turn <- turn{}
	}
}

// connection returns the writer's connection, opening it if there is none.
// Only one goroutine at a time uses it: open's, then whoever has the turn.
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
	if !w.closed && !w.taken {
		close(w.done)
	}
	w.closed = true
	w.mu.Unlock()
	<-w.done
}

// close follows drain.
func (w *writer) close() error { return errors.Join(w.drop(), w.db.Close()) }
