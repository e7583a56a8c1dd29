package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxGroup is the maximum number of writes that share a transaction. It is small enough
// that no caller waits long.
const maxGroup = 256

var errClosed = unavailable(errors.New("the database is closed"))

// committer carries out all writes of a database, one after another, in one goroutine.
// The writes that arrive during a flush to the disk share the next transaction and its
// flush. As a result, many concurrent callers wait hardly longer than a single caller.
type committer struct {
	pool    *sql.DB
	conn    *sql.Conn // nil after connect has failed
	tx      tx
	writes  chan write                // unbuffered: every write that the committer receives is carried out
	commits atomic.Int64              // the number of transactions that have ended, not counting tests
	good    atomic.Pointer[time.Time] // when the last transaction was committed, or nil if it failed
	closing chan struct{}
	stopped chan struct{}
	close   func() error
	// keepsLog is true if the write-ahead log must stay when the database is closed. It may be
	// changed until close is called.
	keepsLog bool
}

type write struct {
	do   func(*tx) error
	test bool       // whether the write is only a test that changes nothing
	done chan error // buffered, so that sending the result never blocks
}

func openCommitter(ctx context.Context, source string, migrations []string) (*committer, error) {
	pool, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	pool.SetMaxIdleConns(-1)
	c := &committer{pool: pool, writes: make(chan write), closing: make(chan struct{}), stopped: make(chan struct{})}
	if err := c.connect(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	if err := migrate(ctx, c.conn, migrations); err != nil {
		return nil, errors.Join(err, c.disconnect(), pool.Close())
	}
	c.close = sync.OnceValue(c.stop)
	go c.run()
	return c, nil
}

// connect replaces the connection.
func (c *committer) connect(ctx context.Context) error {
	_ = c.disconnect() // the new connection does not depend on how the old one ended
	conn, err := c.pool.Conn(ctx)
	if err != nil {
		return err
	}
	c.conn, c.tx.on = conn, conn
	return nil
}

func (c *committer) disconnect() error {
	if c.conn == nil {
		return nil
	}
	err := errors.Join(c.tx.closePrepared(), c.conn.Close())
	c.conn = nil
	return err
}

// commit calls f in a transaction, and returns when the transaction is committed. f must
// fail only if the database fails. If f fails, everything that f did is undone. f stores
// its results in variables, which the caller may read only if commit returned nil. If
// commit calls f a second time, everything that the first call did is undone.
//
// If ctx ends before f begins, f does not run, and the error is sms.ErrUnavailable. If
// ctx ends later, f may still be carried out.
func (c *committer) commit(ctx context.Context, f func(*tx) error) error {
	return c.carry(ctx, write{do: f, done: make(chan error, 1)})
}

func (c *committer) carry(ctx context.Context, w write) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	select {
	case c.writes <- w:
	case <-c.closing:
		return errClosed
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for a commit: %w", ctx.Err())
	}
}

func (c *committer) run() {
	defer close(c.stopped)
	group := make([]write, 0, maxGroup)
	for {
		select {
		case w := <-c.writes:
			c.carryOut(c.gather(append(group, w)))
		case <-c.closing:
			return
		}
	}
}

// gather adds waiting writes to group, up to maxGroup.
func (c *committer) gather(group []write) []write {
	for len(group) < maxGroup {
		select {
		case w := <-c.writes:
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

// carryOut commits a group in one transaction. If one of several writes fails, carryOut
// repeats each write in a transaction of its own. So no write fails because of another
// write.
func (c *committer) carryOut(group []write) {
	err := c.transact(group)
	if _, failed := errors.AsType[*writeError](err); failed && len(group) > 1 {
		for i := range group {
			group[i].done <- c.transact(group[i : i+1])
		}
		return
	}
	for _, w := range group {
		w.done <- err
	}
}

// writeError is the failure of one write of a group, before the commit.
type writeError struct{ err error }

func (e *writeError) Error() string   { return e.err.Error() }
func (e *writeError) Unwrap() []error { return []error{sms.ErrUnavailable, e.err} }

func (c *committer) transact(group []write) error {
	err := c.tryTransact(group)
	if slices.ContainsFunc(group, func(w write) bool { return !w.test }) {
		c.commits.Add(1)
	}
	if err != nil {
		c.good.Store(nil)
		return err
	}
	c.good.Store(new(time.Now()))
	return nil
}

func (c *committer) tryTransact(group []write) error {
	if err := c.begin(); err != nil {
		return unavailable(fmt.Errorf("beginning a transaction: %w", err))
	}
	for _, w := range group {
		if err := w.do(&c.tx); err != nil {
			c.tx.undo()
			return &writeError{fmt.Errorf("writing: %w", err)}
		}
	}
	if _, err := c.tx.exec(`COMMIT`); err != nil {
		c.tx.undo()
		if codeOf(err) == fullCode {
			err = unavailable(err)
		}
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// begin begins a transaction. If the connection cannot begin a transaction, begin replaces the connection.
// The connection may have a transaction that could not be rolled back, and a connection that was made while
// the disk was read-only stays read-only.
func (c *committer) begin() error {
	const begin = `BEGIN IMMEDIATE`
	err := errNoConnection
	if c.conn != nil {
		_, err = c.tx.exec(begin)
	}
	if err == nil || codeOf(err) == busyCode {
		return err
	}
	if again := c.connect(context.Background()); again != nil {
		return errors.Join(err, again)
	}
	_, err = c.tx.exec(begin)
	return err
}

var errNoConnection = errors.New("the database could not be opened again")

// These are codes of SQLite. Source: sqlite.org/rescode.html. If the disk is full, SQLite
// fails to write the last page of the transaction. Without this page, the transaction is
// not committed.
const (
	busyCode = 5
	fullCode = 13
)

// codeOf returns SQLite's code for err, without the details, or 0 if SQLite gave no code.
func codeOf(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func (c *committer) stop() error {
	close(c.closing)
	<-c.stopped
	return errors.Join(c.keepLog(), c.disconnect(), c.pool.Close())
}

// keepLog makes the connection leave the log when it is closed, if keepsLog is set.
func (c *committer) keepLog() error {
	if !c.keepsLog || c.conn == nil {
		return nil
	}
	return c.conn.Raw(func(conn any) error {
		file, ok := conn.(driver.FileControl)
		if !ok {
			return fmt.Errorf("a %T cannot keep its log", conn)
		}
		_, err := file.FileControlPersistWAL("main", 1)
		return err
	})
}

// checkAge is the age from which the last commit no longer shows that the next commit can
// succeed.
const checkAge = 10 * time.Second

// check returns nil if the last transaction was committed, less than checkAge ago.
// Otherwise it tests whether a transaction can be committed.
func (c *committer) check(ctx context.Context) error {
	if good := c.good.Load(); good != nil && time.Since(*good) < checkAge {
		return nil
	}
	return c.carry(ctx, write{test: true, done: make(chan error, 1), do: func(t *tx) error {
		// SQLite writes the page, although its content is the same afterwards.
		_, err := t.exec(`UPDATE folder SET opened = opened + 1`)
		if err == nil {
			_, err = t.exec(`UPDATE folder SET opened = opened - 1`)
		}
		return err
	}})
}

// exec commits one statement. It returns the number of rows that the statement changed.
func (c *committer) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var rows int64
	err := c.commit(ctx, func(t *tx) (err error) {
		rows, err = t.exec(query, args...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return rows, nil
}

// tx is the writing connection in a transaction. Its statements have no context, because
// the transaction belongs to several callers.
type tx struct{ statements }

// exec returns the number of rows that the statement changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	s, err := t.stmt(context.Background(), query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// undo rolls back the transaction. After some failures, SQLite itself has already rolled
// back the transaction. So undo ignores the error that there is nothing to roll back.
func (t *tx) undo() { _, _ = t.exec(`ROLLBACK`) }
