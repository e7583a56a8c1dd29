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

	"github.com/smsqueue/smsqueue/shared/folder"
	"github.com/smsqueue/smsqueue/shared/sms"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// file is one database. Its committer has the only connection that writes. A few other
// connections read what is committed. Clients and lists have connections of their own, so
// that nothing else waits for them.
type file struct {
	*committer
	*statements // for reading
	clients     *statements
	lists       *statements
	pools       []*sql.DB
}

type fileOptions struct {
	synchronous string
	cacheKiB    int // the cache of the writing connection; each reading connection has a quarter of it
	readers     int
	migrations  []string
}

// companions are the endings of the names of a database's files.
var companions = []string{"", "-wal", "-shm", "-journal"}

func openFile(root *os.Root, name string, opts fileOptions) (*file, error) {
	ctx := context.Background()
	// SQLite opens files by their paths and follows links.
	for _, end := range companions {
		if _, err := folder.Check(root, name+end); err != nil {
			return nil, fmt.Errorf("opening the database: %w", err)
		}
	}
	path, err := filepath.Abs(filepath.Join(root.Name(), name))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	// Create the file with a mode that keeps other users out; if SQLite created the file, other users could
	// read it. SQLite gives its companion files the same mode.
	made, err := folder.OpenFile(root, name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := made.Close(); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	committer, err := openCommitter(ctx, dataSource(path, "rw", []string{
		patient,
		"auto_vacuum(INCREMENTAL)", // needed by shrink; the pragma has an effect only before a file has its first page
		"journal_mode(WAL)",
		"synchronous(" + opts.synchronous + ")",
		// On macOS, a call of fsync alone leaves the data in the disk's own memory.
		"fullfsync(1)", "checkpoint_fullfsync(1)",
		"cache_size(-" + strconv.Itoa(opts.cacheKiB) + ")",
		// SQLite overwrites what it deletes.
		"secure_delete(1)",
		"wal_autocheckpoint(2000)",
		"journal_size_limit(67108864)",
	}), opts.migrations)
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", path, err)
	}
	f := &file{committer: committer}
	for _, reading := range []struct {
		connections int
		of          **statements
	}{{opts.readers, &f.statements}, {opts.readers, &f.clients}, {1, &f.lists}} {
		pool, err := sql.Open("sqlite", dataSource(path, "ro", []string{
			patient,
			"query_only(1)",
			"cache_size(-" + strconv.Itoa(opts.cacheKiB/4) + ")",
		}))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening the database %s: %w", path, err), f.close())
		}
		pool.SetMaxOpenConns(reading.connections)
		pool.SetMaxIdleConns(reading.connections)
		*reading.of = &statements{on: pool}
		f.pools = append(f.pools, pool)
	}
	return f, nil
}

// patient makes a connection wait up to 10 s while another connection has the database
// locked.
const patient = "busy_timeout(10000)"

// dataSource returns the URI of a database. Source of the parameters: package
// modernc.org/sqlite, Driver.Open.
func dataSource(path, mode string, pragmas []string) string {
	q := url.Values{"mode": {mode}, "_pragma": pragmas}
	path = filepath.ToSlash(path)
	if path[0] != '/' {
		path = "/" + path // the path begins with the letter of a drive
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// unavailable returns the error of a call that certainly did not change anything.
func unavailable(err error) error { return fmt.Errorf("%w: %w", sms.ErrUnavailable, err) }

func (f *file) close() error {
	var errs []error
	for _, reading := range []*statements{f.statements, f.clients, f.lists} {
		if reading != nil {
			errs = append(errs, reading.closePrepared())
		}
	}
	for _, pool := range f.pools {
		errs = append(errs, pool.Close())
	}
	return errors.Join(append(errs, f.committer.close())...)
}
