package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// statements holds the queries of a connection, or of a pool of connections. Each query
// is prepared once, and is closed with the connection.
type statements struct {
	on interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

// stmt returns query as a prepared statement. query must be a constant of this package.
func (s *statements) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.prepared[query]; ok {
		return known, nil
	}
	fresh, err := s.on.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if s.prepared == nil {
		s.prepared = make(map[string]*sql.Stmt)
	}
	s.prepared[query] = fresh
	return fresh, nil
}

// closePrepared closes all prepared statements. Without this call, SQLite keeps the
// connection open, even after database/sql has closed it.
func (s *statements) closePrepared() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, prepared := range s.prepared {
		errs = append(errs, prepared.Close())
	}
	s.prepared = nil
	return errors.Join(errs...)
}

// get stores the columns of one row in the variables that into points to. It returns sql.ErrNoRows if there
// is no row.
func (s *statements) get(ctx context.Context, query string, args []any, into ...any) error {
	prepared, err := s.stmt(ctx, query)
	if err != nil {
		return unavailable(err)
	}
	err = prepared.QueryRowContext(ctx, args...).Scan(into...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return unavailable(err)
	}
	return err
}

// forEachRow runs a query and passes the rows of its result to the function `visit`, one by one, until visit
// returns false or an error.
func (s *statements) forEachRow(ctx context.Context, query string, args []any, visit func(scan func(...any) error) (more bool, err error)) error {
	prepared, err := s.stmt(ctx, query)
	if err != nil {
		return unavailable(err)
	}
	rows, err := prepared.QueryContext(ctx, args...)
	if err != nil {
		return unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		if more, err := visit(rows.Scan); err != nil || !more {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// forEachRecord runs a query that selects only records, and passes the records to the function `visit`, one by
// one.
func forEachRecord[T any](ctx context.Context, s *statements, query string, args []any, visit func(T) error) error {
	return s.forEachRow(ctx, query, args, func(scan func(...any) error) (bool, error) {
		var record []byte
		if err := scan(&record); err != nil {
			return false, err
		}
		v, err := decode[T](record)
		if err != nil {
			return false, err
		}
		return true, visit(v)
	})
}

// ErrDamaged means that a record cannot be decoded. The record will not become readable again.
var ErrDamaged = errors.New("a record is damaged")

func decode[T any](record []byte) (T, error) {
	var v T
	if err := json.Unmarshal(record, &v); err != nil {
		return v, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return v, nil
}
