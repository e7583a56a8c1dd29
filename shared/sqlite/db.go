// Package sqlite keeps the messages and the queue of one machine in a folder. Its
// DB implements sms.Store; its Queue implements sms.Queue and sms.Consumer.
//
// The folder has two databases:
//
//   - messages.db is the truth. A write that returned nil is on the disk, no matter what
//     happens to the program or the machine (write-ahead log, synchronous=FULL).
//   - queue.db is a hint. It survives the end of the program, but its latest writes may
//     be lost if the machine loses power (synchronous=NORMAL). The relay rescues messages
//     whose envelopes were lost. So a submission waits for only one flush of the disk.
//
// Concurrent writes share a transaction and its flush.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/folder"
)

// These are the names of the databases.
const (
	messagesName = "messages.db"
	queueName    = "queue.db"
)

// Options change how a DB works. The zero value is ready for use.
type Options struct {
	Now        func() time.Time // the clock for retention and the queue; nil means time.Now
	Visibility time.Duration    // how long a dequeued item stays hidden; 0 means 6 minutes
}

// DB is an open folder. Goroutines may use it concurrently.
type DB struct {
	now      func() time.Time
	root     *os.Root
	lock     *folderLock
	messages *file
	queue    *Queue
	wipers   []*wiper
	marked   bool // whether this process has marked the folder as in use
	close    func() error
}

// Open opens the folder dir. If dir does not exist, Open makes a folder that only the
// user can read. It refuses a folder into which other users could put files, and one that was
// written before the first release or by a newer program. It returns an *InUseError if
// another process has the folder open, and a *TornError if the folder was not copied as a
// whole.
func Open(dir string, opts Options) (*DB, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Visibility == 0 {
		opts.Visibility = 6 * time.Minute
	}
	root, err := folder.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder: %w", err)
	}
	lock, err := lockFolder(root)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	db := &DB{now: opts.Now, root: root, lock: lock, queue: &Queue{now: opts.Now, visibility: opts.Visibility, served: turns{last: make(map[string]int)}}}
	db.close = sync.OnceValue(db.closeAll)
	if err := db.open(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (db *DB) open() error {
	torn, err := missing(db.root)
	for _, name := range []string{messagesName, queueName} {
		if err == nil && torn == "" {
			torn, err = cutOff(db.root, name)
		}
	}
	if err != nil || torn != "" {
		return db.refusal(torn, err)
	}
	hadLog, err := folder.Check(db.root, messagesName+"-wal")
	if err != nil {
		return err
	}
	// The two cache sizes limit the memory of the process, no matter how large the files
	// are.
	db.messages, err = openFile(db.root, messagesName, fileOptions{
		synchronous: "FULL", cacheKiB: 16 << 10, readers: 2, migrations: messagesMigrations,
	})
	if err != nil {
		return err
	}
	db.messages.keepsLog = hadLog
	db.queue.file, err = openFile(db.root, queueName, fileOptions{
		synchronous: "NORMAL", cacheKiB: 8 << 10, readers: 2, migrations: queueMigrations,
	})
	if err != nil {
		return err
	}
	torn, err = db.markOpen(hadLog)
	if err != nil || torn != "" {
		return db.refusal(torn, err)
	}
	for name, f := range map[string]*file{messagesName: db.messages, queueName: db.queue.file} {
		w, err := openWiper(db.root, name, f)
		if err != nil {
			return err
		}
		db.wipers = append(db.wipers, w)
	}
	return db.queue.release(context.Background())
}

// refusal returns why the folder is not opened.
func (db *DB) refusal(torn string, err error) error {
	if torn != "" {
		return &TornError{Dir: db.root.Name(), What: torn}
	}
	return fmt.Errorf("looking at the data folder %s: %w", db.root.Name(), err)
}

// ForClients returns a DB on the same folder that has other connections for reading.
// However many clients read through these connections, readers of db itself do not wait
// for the clients. Closing db also closes the returned DB.
func (db *DB) ForClients() *DB {
	messages := &file{committer: db.messages.committer, statements: db.messages.clients, lists: db.messages.lists}
	return &DB{now: db.now, messages: messages, queue: db.queue, wipers: db.wipers, close: db.close}
}

// Queue returns the queue of the folder.
func (db *DB) Queue() *Queue { return db.queue }

// Check returns why the folder cannot be written at the moment, or nil. If nothing was
// written for a while, Check writes something.
func (db *DB) Check(ctx context.Context) error {
	if err := db.messages.check(ctx); err != nil {
		return fmt.Errorf("writing the messages: %w", err)
	}
	if err := db.queue.file.check(ctx); err != nil {
		return fmt.Errorf("writing the queue: %w", err)
	}
	return nil
}

// Close waits for writes in flight and closes the folder. Later calls return
// sms.ErrUnavailable.
func (db *DB) Close() error { return db.close() }

func (db *DB) closeAll() error {
	errs := []error{db.markClosed()}
	for _, w := range db.wipers {
		errs = append(errs, w.conn.Close())
	}
	for _, f := range []*file{db.messages, db.queue.file} {
		if f != nil {
			errs = append(errs, f.close())
		}
	}
	return errors.Join(append(errs, db.lock.release(), db.root.Close())...)
}
