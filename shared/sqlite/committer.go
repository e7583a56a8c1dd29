package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxGroup is how many writes may share a transaction. It is small enough that no caller
// waits long.
const maxGroup = 256

var errClosed = unavailable(errors.New("the database is closed"))

// committer carries out all writes of a database, one after another, in one goroutine.
// The writes that arrive during a flush to the disk share the next transaction and its
// flush. As a result, many concurrent callers wait hardly longer than a single caller.
type committer struct {
	pool    *sql.DB
	conn    *sql.Conn
	tx      tx
	writes  chan write   // unbuffered: every write that the committer receives is carried out
	commits atomic.Int64 // how many transactions have ended
	closing chan struct{}
	stopped chan struct{}
	close   func() error
}

type write struct {
	do   func(*tx) error
	done chan error // buffered, so that sending the result never blocks
}

func openCommitter(ctx context.Context, source string, migrations []string) (*committer, error) {
	pool, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, err
	}
	pool.SetMaxIdleConns(-1)
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	if err := migrate(ctx, conn, migrations); err != nil {
		return nil, errors.Join(err, conn.Close(), pool.Close())
	}
	c := &committer{
		pool: pool, conn: conn, tx: tx{statements{on: conn}},
		writes: make(chan write), closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	c.close = sync.OnceValue(c.stop)
	go c.run()
	return c, nil
}

// commit calls f in a transaction, and returns when the transaction is committed. f must
// fail only if the database fails. If f fails, everything that f did is undone. f stores
// its results in variables, which the caller may read only if commit returned nil. f may
// be called twice, in which case everything that the first call did is undone.
//
// If ctx ends before f begins, f does not run, and the error is sms.ErrUnavailable. If
// ctx ends later, f may still be carried out.
func (c *committer) commit(ctx context.Context, f func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	w := write{do: f, done: make(chan error, 1)}
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
	defer c.commits.Add(1)
	if _, err := c.tx.exec(`BEGIN IMMEDIATE`); err != nil {
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
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

func (c *committer) stop() error {
	close(c.closing)
	<-c.stopped
	return errors.Join(c.tx.closePrepared(), c.conn.Close(), c.pool.Close())
}

// exec commits one statement. It returns how many rows the statement changed.
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

// exec returns how many rows the statement changed.
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
