package store

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/intelliauth/intelliauth/internal/identity"
	"github.com/intelliauth/intelliauth/internal/store/sqlc"
)

var background = context.Background()

func openFile(t *testing.T) (*Store, *lite) {
	t.Helper()
	s, err := Open(background, Options{
		DSN: "sqlite:" + filepath.Join(t.TempDir(), "t.db"), RootKeys: [][]byte{make([]byte, keySize)},
		Now: time.Now, Random: rand.Reader, Migrate: true,
	})
	if err == nil {
		err = s.PutTenant(background, identity.Tenant{ID: "t"})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, s.engine.(*lite)
}

// batch runs jobs in one transaction, in this order, and returns their errors.
// A first job holds the transaction until all the others are queued.
func batch(t *testing.T, e *lite, jobs ...work) []error {
	t.Helper()
	out := make([]error, len(jobs))
	done := make(chan struct{}, len(jobs))
	inside, leave := make(chan struct{}), make(chan struct{})
	for i, job := range jobs {
		go func() {
			defer func() {
				if p := recover(); p != nil {
					out[i] = errors.New("panic reached the caller")
				}
				done <- struct{}{}
			}()
			out[i] = e.writer.do(background, func(db sqlc.DBTX) error {
				if i == 0 {
					close(inside)
					<-leave
				}
				return job(db)
			})
		}()
		if i == 0 {
			<-inside
		} else {
			queued(t, e.writer, i)
		}
	}
	close(leave)
	for range jobs {
		<-done
	}
	return out
}

// queued waits until n jobs wait in the queue.
func queued(t *testing.T, w *writer, n int) {
	t.Helper()
	for range 5000 {
		w.mu.Lock()
		have := len(w.queue)
		w.mu.Unlock()
		if have == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never saw %d jobs queued", n)
}

func put(name string) work {
	return func(db sqlc.DBTX) error { return sqlc.New(db).PutMeta(background, name, "kept") }
}

func then(first work, err error) work {
	return func(db sqlc.DBTX) error { return errors.Join(first(db), err) }
}

func kept(t *testing.T, e *lite, name string) bool {
	t.Helper()
	found := false
	err := e.view(background, func(db sqlc.DBTX) error {
		_, err := sqlc.New(db).Meta(background, name)
		if err = wrap(err); notFound(err) {
			return nil
		}
		found = err == nil
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Jobs that wait together share a transaction; a failure or a panic among them
// undoes itself and nothing else.
func TestBatchIsOneTransactionWithSavepoints(t *testing.T) {
	_, e := openFile(t)
	errMine := errors.New("mine")
	var seen, unseen bool
	errs := batch(t, e,
		put("a"),
		then(put("b"), errMine),
		func(db sqlc.DBTX) error {
			// One's neighbours' work is there, but for nobody outside yet: so it
			// is not committed, and this is the same transaction.
			_, err := sqlc.New(db).Meta(background, "a")
			seen = err == nil
			unseen = !kept(t, e, "a")
			_, err = sqlc.New(db).Meta(background, "b")
			if !notFound(wrap(err)) {
				t.Errorf("the failed neighbour's work is there: %v", err)
			}
			return put("c")(db)
		},
		func(db sqlc.DBTX) error { _ = put("d")(db); panic("d") },
		put("e"),
	)
	if !seen || !unseen {
		t.Errorf("not one transaction: seen inside %v, unseen outside %v", seen, unseen)
	}
	for i, want := range []bool{true, false, true, false, true} {
		name := string(rune('a' + i))
		if kept(t, e, name) != want || (errs[i] == nil) != want {
			t.Errorf("job %s: kept %v, error %v, want kept %v", name, kept(t, e, name), errs[i], want)
		}
	}
	if !errors.Is(errs[1], errMine) || errs[3].Error() != "panic reached the caller" {
		t.Errorf("errors are not their jobs' own: %v", errs)
	}
}

// If the commit fails, nobody is told that their work is durable.
func TestFailedCommitFailsAll(t *testing.T) {
	_, e := openFile(t)
	for _, ddl := range []string{
		"CREATE TABLE parent (id BIGINT PRIMARY KEY)",
		"CREATE TABLE child (id BIGINT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
	} {
		if err := e.update(background, statement(ddl)); err != nil {
			t.Fatal(err)
		}
	}
	errMine := errors.New("mine")
	errs := batch(t, e, put("a"), statement("INSERT INTO child VALUES (1)"), then(put("b"), errMine), put("c"))
	for i, err := range errs {
		if !errors.Is(err, errNoCommit) {
			t.Errorf("job %d: %v", i, err)
		}
	}
	if kept(t, e, "a") || kept(t, e, "c") {
		t.Error("something stayed of a transaction that failed")
	}
	// The next one is not hurt by it.
	if errs := batch(t, e, put("a"), put("c")); errors.Join(errs...) != nil || !kept(t, e, "a") || !kept(t, e, "c") {
		t.Error("the writer did not recover:", errs)
	}
}

func statement(sql string) work {
	return func(db sqlc.DBTX) error {
		_, err := db.ExecContext(background, sql)
		return err
	}
}

// SQLite may undo a whole transaction by itself. That is noticed: nobody whose
// work went with it is told that it is durable.
func TestUndoneTransactionIsNoticed(t *testing.T) {
	_, e := openFile(t)
	errs := batch(t, e, put("a"),
		// A job that hides what happened.
		func(db sqlc.DBTX) error { return statement("ROLLBACK")(db) },
		put("b"))
	if !errors.Is(errs[0], errNoCommit) || !errors.Is(errs[1], errNoCommit) {
		t.Errorf("told to be durable: %v", errs)
	}
	if kept(t, e, "a") {
		t.Error("a stayed")
	}
	if kept(t, e, "b") != (errs[2] == nil) {
		t.Errorf("b: kept %v, error %v", kept(t, e, "b"), errs[2])
	}
}

// A caller who gave up before its turn has changed nothing; one who gives up
// during it is told what happened.
func TestCancelWhileQueued(t *testing.T) {
	_, e := openFile(t)
	ctx, cancel := context.WithCancel(background)
	inside, leave, first, second := make(chan struct{}), make(chan struct{}), make(chan error, 1), make(chan error, 1)
	go func() {
		first <- e.writer.do(ctx, func(db sqlc.DBTX) error {
			close(inside)
			<-leave
			return put("a")(db)
		})
	}()
	<-inside
	go func() {
		second <- e.writer.do(ctx, func(db sqlc.DBTX) error { t.Error("ran"); return put("b")(db) })
	}()
	queued(t, e.writer, 1)
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("gave up while queued: %v", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Errorf("gave up while running, yet it was kept: %v", err)
	}
	if err := e.update(background, put("c")); err != nil {
		t.Fatal(err)
	}
	if !kept(t, e, "a") || kept(t, e, "b") || !kept(t, e, "c") {
		t.Errorf("kept a %v, b %v, c %v", kept(t, e, "a"), kept(t, e, "b"), kept(t, e, "c"))
	}
}

// A batch ends, so that its first job does not wait for ever.
func TestBatchIsBounded(t *testing.T) {
	_, e := openFile(t)
	jobs := make([]work, batchLimit+2)
	last := len(jobs) - 1
	committed := false
	for i := range jobs {
		jobs[i] = func(sqlc.DBTX) error { return nil }
	}
	jobs[0] = put("a")
	jobs[last] = func(sqlc.DBTX) error { committed = kept(t, e, "a"); return nil }
	if err := errors.Join(batch(t, e, jobs...)...); err != nil {
		t.Fatal(err)
	}
	if !committed {
		t.Errorf("job %d still ran in the first one's transaction", last)
	}
}

// Statements are prepared when they are first needed, and once.
func TestStatementsArePreparedLazily(t *testing.T) {
	s, e := openFile(t)
	before := len(e.writer.c.stmts)
	for range 3 {
		if err := s.SetMeta(background, "x", "y"); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(e.writer.c.stmts); got != before {
		t.Errorf("%d statements after, %d before: Open has written the stamp already", got, before)
	}
	if err := s.Update(background, "t", func(tx identity.Tx) error { return tx.Users.Create(background, identity.User{ID: "u"}) }); err != nil {
		t.Fatal(err)
	}
	if got := len(e.writer.c.stmts); got != before+1 {
		t.Errorf("%d statements after one more kind, want %d", got, before+1)
	}
}

// What makes a commit durable is set, whatever an operator's DSN adds.
func TestDurabilityIsSet(t *testing.T) {
	_, e := openFile(t)
	if kept(t, e, "x") {
		t.Fatal("kept what was never put")
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "0"} {
		var got string
		if err := e.writer.c.conn.QueryRowContext(background, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s (%v)", pragma, got, want, err)
		}
	}
	var got string
	if err := e.readers.idle[0].conn.QueryRowContext(background, "PRAGMA query_only").Scan(&got); err != nil || got != "1" {
		t.Errorf("readers: query_only is %s (%v)", got, err)
	}
	for _, bad := range []string{"synchronous(off)", "journal_mode(delete)", "SYNCHRONOUS=OFF", "cache_size(1);pragma synchronous=off", "foreign_keys(0)"} {
		if _, err := parseDSN("sqlite:x.db?" + url.Values{"_pragma": {bad}}.Encode()); err == nil {
			t.Errorf("took the pragma %s", bad)
		}
	}
}
