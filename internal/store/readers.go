package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// readers are the connections that View uses, the last used first, so that
// the others stay unopened while load is low.
type readers struct {
	db   *sql.DB
	slot chan struct{}
	gate *sync.RWMutex // of memdb, else nil

	mu   sync.Mutex
	idle []*conn
}

func newReaders(db *sql.DB, n int) *readers {
	return &readers{db: db, slot: make(chan struct{}, n)}
}

// anchor opens a connection that stays.
func (r *readers) anchor(ctx context.Context) error {
	c, err := newConn(ctx, r.db)
	if err == nil {
		r.idle = append(r.idle, c)
	}
	return err
}

func (r *readers) do(ctx context.Context, fn work) (err error) {
	select {
	case r.slot <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.slot }()
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.gate != nil {
		r.gate.RLock()
		defer r.gate.RUnlock()
	}
	c, err := r.take(ctx)
	if err != nil {
		return err
	}
	if err := c.exec("BEGIN"); err != nil {
		return errors.Join(wrap(err), c.close())
	}
	l := &lease{c: c}
	defer func() {
		l.over = true
		if e := c.exec("COMMIT"); e != nil {
			err = errors.Join(err, wrap(e), c.close())
			return
		}
		r.put(c)
	}()
	return fn(l)
}

func (r *readers) take(ctx context.Context) (*conn, error) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	return newConn(ctx, r.db)
}

func (r *readers) put(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, c)
}

// close waits for the reads that run.
func (r *readers) close() error {
	for range cap(r.slot) {
		r.slot <- struct{}{}
	}
	var err error
	for _, c := range r.idle {
		err = errors.Join(err, c.close())
	}
	r.idle = nil
	err = errors.Join(err, r.db.Close())
	for range cap(r.slot) {
		<-r.slot // later reads fail on the closed database
	}
	return err
}
