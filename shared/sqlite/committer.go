package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxGroup is the largest number of writes that share a transaction. It keeps any
// caller from waiting long for the others.
const maxGroup = 256

var errClosed = unavailable(errors.New("the database is closed"))

// committer carries out all writes of a database, one after another, in one
// goroutine. Writes that arrive while a transaction is flushed to the disk share
// the next transaction. So a single caller pays one flush a write, and many callers
// pay a fraction of one.
type committer struct {
	pool    *sql.DB
	tx      tx
	writes  chan write // unbuffered: a write that was taken is being carried out
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
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	if err := migrate(ctx, conn, migrations); err != nil {
		return nil, errors.Join(err, conn.Close(), pool.Close())
	}
	c := &committer{
		pool: pool, tx: tx{conn: conn, prepared: make(map[string]*sql.Stmt)},
		writes: make(chan write), closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	c.close = sync.OnceValue(c.stop)
	go c.run()
	return c, nil
}

// commit carries out do and returns when it is committed. do returns an error only
// if the database fails; all that it did is then undone. It passes results in
// variables, which the caller may read only if commit returned nil. It may run
// twice, the first time undone.
//
// If ctx ends before do begins, do never begins, and the error is
// sms.ErrUnavailable. If ctx ends later, do may still be carried out.
func (c *committer) commit(ctx context.Context, do func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	w := write{do: do, done: make(chan error, 1)}
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

// gather adds all writes that are waiting to group, up to maxGroup.
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

// carryOut commits a group in one transaction. If one of several writes fails, each
// gets its own transaction, so that none fails because of another.
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
	return errors.Join(c.tx.close(), c.pool.Close())
}

// tx is the writing connection inside a transaction. Its statements have no context,
// because a transaction belongs to several callers.
type tx struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

// stmt returns query, a constant of this package, as a prepared statement.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if s, ok := t.prepared[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.prepared[query] = s
	return s, nil
}

// exec returns the number of rows that it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	s, err := t.stmt(query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// get reads one row, or returns sql.ErrNoRows.
func (t *tx) get(query string, args []any, into ...any) error {
	s, err := t.stmt(query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(context.Background(), args...).Scan(into...)
}

// each calls row for every row.
func (t *tx) each(query string, args []any, row func(scan func(...any) error) error) error {
	s, err := t.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// undo rolls back. After some failures SQLite has already done so, and reports that
// there is nothing to roll back.
func (t *tx) undo() { _, _ = t.exec(`ROLLBACK`) }

func (t *tx) close() error {
	errs := make([]error, 0, len(t.prepared)+1)
	for _, s := range t.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, t.conn.Close())...)
}
