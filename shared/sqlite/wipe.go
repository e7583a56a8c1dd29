package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// wiper empties the write-ahead log of one database and gives free space back. Its
// connection waits only briefly for a lock, because nobody can write while it waits.
type wiper struct {
	root  *os.Root
	name  string
	file  *file
	conn  *sql.DB
	wiped atomic.Int64 // the value of file.commits when the log was emptied
}

func openWiper(root *os.Root, name string, f *file) (*wiper, error) {
	path, err := filepath.Abs(filepath.Join(root.Name(), name))
	if err != nil {
		return nil, fmt.Errorf("opening %s to wipe it: %w", name, err)
	}
	conn, err := sql.Open("sqlite", dataSource(path, "rw", []string{
		"busy_timeout(500)", "synchronous(FULL)", "fullfsync(1)", "checkpoint_fullfsync(1)",
	}))
	if err != nil {
		return nil, fmt.Errorf("opening %s to wipe it: %w", name, err)
	}
	conn.SetMaxOpenConns(1)
	// A connection that was made while the disk was read-only would stay read-only.
	conn.SetMaxIdleConns(-1)
	w := &wiper{root: root, name: name, file: f, conn: conn}
	w.wiped.Store(-1) // -1 forces the first wipe, because an earlier process may have left a log
	return w, nil
}

var errInUse = errors.New("others are reading it (if this lasts longer than a minute, another program reads the file, and the log grows until that program ends)")

// Wipe empties the write-ahead logs and makes the files smaller, if anything was written
// since the last call that succeeded. After that, deleted texts and purged records are
// nowhere in the folder. SQLite overwrites what it deletes, but the log contains old
// versions until Wipe empties it.
//
// Wipe does not wait long for readers. If a reader takes too long, Wipe returns an error
// and may be called again.
func (db *DB) Wipe(ctx context.Context) error {
	var errs []error
	for _, w := range db.wipers {
		if w.file.commits.Load() == w.wiped.Load() {
			continue
		}
		errs = append(errs, w.shrink(ctx), w.emptyLog(ctx))
	}
	return errors.Join(errs...)
}

func (w *wiper) emptyLog(ctx context.Context) error {
	written := w.file.commits.Load()
	var busy, pages, moved int
	err := w.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errInUse
	}
	if err != nil {
		size, _ := sizeOf(w.root, w.name+"-wal") // 0 is the answer if the size cannot be read
		return fmt.Errorf("emptying the log of %s, which has %d MB: %w", w.name, size>>20, unavailable(err))
	}
	w.wiped.Store(written)
	return nil
}

// These constants limit how much the method `shrink` does. Each page has 4 KB.
const (
	sparePages   = 1000 // pages that stay free in any case
	pagesPerStep = 200  // so few that no other write waits long
	stepsPerWipe = 25
)

// shrink moves pages in use from the end of the file to free pages before them, and gives
// the end of the file back to the file system. A quarter of the pages in use and sparePages
// more may stay free, because most files grow again.
func (w *wiper) shrink(ctx context.Context) error {
	for range stepsPerWipe {
		var pages, free int
		if err := w.conn.QueryRowContext(ctx, `SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count`).Scan(&pages, &free); err != nil {
			return fmt.Errorf("looking for free space in %s: %w", w.name, unavailable(err))
		}
		if free <= (pages-free)/4+sparePages {
			return nil
		}
		if err := w.file.commit(ctx, func(t *tx) error {
			_, err := t.exec(fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, pagesPerStep))
			return err
		}); err != nil {
			return fmt.Errorf("giving back free space of %s: %w", w.name, err)
		}
	}
	return nil
}
