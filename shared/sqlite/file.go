package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/smsqueue/smsqueue/shared/sms"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// file is one database: a committer, which owns the only writing connection, and a
// few connections that read what is committed.
type file struct {
	*committer
	read *sql.DB

	mu      sync.Mutex
	queries map[string]*sql.Stmt
}

type fileOptions struct {
	synchronous string
	cacheKiB    int // of the writing connection; each reading one has a quarter
	readers     int
	migrations  []string
}

func openFile(path string, opts fileOptions) (*file, error) {
	ctx := context.Background()
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	// SQLite would let others read the file. It gives the companion files the mode
	// of this one.
	made, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := made.Close(); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	committer, err := openCommitter(ctx, dataSource(path, "rw", []string{
		"journal_mode(WAL)",
		"synchronous(" + opts.synchronous + ")",
		// On macOS fsync alone leaves the data in the disk's own memory.
		"fullfsync(1)", "checkpoint_fullfsync(1)",
		"cache_size(-" + strconv.Itoa(opts.cacheKiB) + ")",
		"wal_autocheckpoint(2000)",
		"journal_size_limit(67108864)",
	}), opts.migrations)
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	read, err := sql.Open("sqlite", dataSource(path, "ro", []string{
		"query_only(1)",
		"cache_size(-" + strconv.Itoa(opts.cacheKiB/4) + ")",
	}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database %s: %w", path, err), committer.close())
	}
	read.SetMaxOpenConns(opts.readers)
	read.SetMaxIdleConns(opts.readers)
	return &file{committer: committer, read: read, queries: make(map[string]*sql.Stmt)}, nil
}

// dataSource returns the URI of a database.
// Source of its parameters: package modernc.org/sqlite, Driver.Open.
func dataSource(path, mode string, pragmas []string) string {
	q := url.Values{"mode": {mode}, "_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path // a drive's letter
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// stmt returns query, a constant of this package, as a prepared statement.
func (f *file) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.queries[query]; ok {
		return s, nil
	}
	s, err := f.read.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	f.queries[query] = s
	return s, nil
}

// get reads one row, or returns sql.ErrNoRows.
func (f *file) get(ctx context.Context, query string, args []any, into ...any) error {
	s, err := f.stmt(ctx, query)
	if err != nil {
		return unavailable(err)
	}
	err = s.QueryRowContext(ctx, args...).Scan(into...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return unavailable(err)
	}
	return err
}

// each calls row for every row until it returns false or an error.
func (f *file) each(ctx context.Context, query string, args []any, row func(scan func(...any) error) (more bool, err error)) error {
	s, err := f.stmt(ctx, query)
	if err != nil {
		return unavailable(err)
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		if more, err := row(rows.Scan); err != nil || !more {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// unavailable returns the error of a call that certainly changed nothing.
func unavailable(err error) error { return fmt.Errorf("%w: %w", sms.ErrUnavailable, err) }

func (f *file) close() error {
	return errors.Join(f.read.Close(), f.committer.close())
}
