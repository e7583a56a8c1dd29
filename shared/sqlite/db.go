// Package sqlite keeps messages and the queue of one machine in a folder. Its
// DB implements sms.Store, and DB.Queue gives its sms.Queue and sms.Consumer.
//
// The folder has two databases. messages.db is the truth: a call that returned
// nil is on the disk, whatever happens to the program or the machine
// (write-ahead log, synchronous=FULL). queue.db is a hint: it survives the end
// of the program but may lose its last moments with the machine's power
// (synchronous=NORMAL), because the relay rescues what a queue lost. So a
// submission waits for one flush of the disk, not two.
//
// Concurrent writes share a transaction and its flush: see committer.
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

// Options are what a DB may be told; the zero value is a good one.
type Options struct {
	// Now is the clock that retention and the queue go by; time.Now if nil.
	Now func() time.Time
	// Visibility is how long a received delivery stays invisible until it
	// comes back; 6 minutes if zero.
	Visibility time.Duration
}

// DB is an open folder. Any number of goroutines may use it.
type DB struct {
	now      func() time.Time
	lock     *os.File
	messages *file
	queue    *Queue
	close    func() error
}

// Open opens the folder dir, which it makes, for its owner alone, where there
// is none. A folder that another process has open is refused with an
// *InUseError, one that a newer version of this program wrote with an error
// that says so.
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
	// The cache sizes bound the memory of the process together, whatever the
	// files grow to.
	db.messages, err = openFile(filepath.Join(dir, "messages.db"), fileOptions{
		synchronous: "FULL", cacheKiB: 16 << 10, readers: 4, migrations: messagesMigrations,
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

// Queue is the queue that is kept beside the messages.
func (db *DB) Queue() *Queue { return db.queue }

// Close waits for writes in flight and gives the folder free. Calls after it
// fail with sms.ErrUnavailable.
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
