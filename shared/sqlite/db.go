// Package sqlite keeps the messages and the queue of one machine in a folder. Its
// DB implements sms.Store; its Queue implements sms.Queue and sms.Consumer.
//
// The folder has two databases:
//
//   - messages.db is the truth. A write that returned nil is on the disk, no matter what
//     happens to the program or the machine (write-ahead log, synchronous=FULL).
//   - queue.db is a hint. It survives the end of the program, but its latest writes may
//     be lost if the machine loses power (synchronous=NORMAL). The relay rescues messages
//     whose envelopes were lost. So a submission waits for one flush of the disk and not
//     for two.
//
// Concurrent writes share a transaction and its flush.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options change how a DB works. The zero value is ready for use.
type Options struct {
	Now        func() time.Time // the clock for retention and the queue; nil means time.Now
	Visibility time.Duration    // how long a dequeued item stays hidden; 0 means 6 minutes
}

// DB is an open folder. Goroutines may use it concurrently.
type DB struct {
	now      func() time.Time
	lock     *os.File
	messages *file
	queue    *Queue
	close    func() error
}

// Open opens the folder dir. If dir does not exist, Open makes a folder that only the
// user can read. It returns an *InUseError if another process has the folder open. It
// refuses a folder that was written before the first release or by a newer program.
func Open(dir string, opts Options) (*DB, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Visibility == 0 {
		opts.Visibility = 6 * time.Minute
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	db := &DB{now: opts.Now, lock: lock, queue: &Queue{now: opts.Now, visibility: opts.Visibility}}
	db.close = sync.OnceValue(db.closeAll)
	// The two cache sizes limit the memory of the process, no matter how large the files
	// are.
	db.messages, err = openFile(filepath.Join(dir, "messages.db"), fileOptions{
		synchronous: "FULL", cacheKiB: 16 << 10, readers: 2, migrations: messagesMigrations,
	})
	if err == nil {
		db.queue.file, err = openFile(filepath.Join(dir, "queue.db"), fileOptions{
			synchronous: "NORMAL", cacheKiB: 8 << 10, readers: 2, migrations: queueMigrations,
		})
	}
	if err == nil {
		err = db.queue.release(context.Background())
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// ForClients returns db with other connections for reading. However many clients read
// through them, readers of db itself do not wait for them. It closes with db.
func (db *DB) ForClients() *DB {
	view := *db
	view.messages = &file{committer: db.messages.committer, statements: db.messages.clients, lists: db.messages.lists}
	return &view
}

// Queue returns the queue of the folder.
func (db *DB) Queue() *Queue { return db.queue }

// Close waits for writes in flight and closes the folder. Later calls return
// sms.ErrUnavailable.
func (db *DB) Close() error { return db.close() }

func (db *DB) closeAll() error {
	var errs []error
	for _, f := range []*file{db.messages, db.queue.file} {
		if f != nil {
			errs = append(errs, f.close())
		}
	}
	return errors.Join(append(errs, db.lock.Close())...)
}
