package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// openWiper opens a connection of its own. This connection waits only briefly for a lock,
// because nobody can write while it waits.
func openWiper(root *os.Root) (*sql.DB, error) {
	path, err := filepath.Abs(filepath.Join(root.Name(), messagesName))
	if err != nil {
		return nil, fmt.Errorf("opening the messages to wipe: %w", err)
	}
	wiper, err := sql.Open("sqlite", dataSource(path, "rw", []string{
		"busy_timeout(500)", "synchronous(FULL)", "fullfsync(1)", "checkpoint_fullfsync(1)",
	}))
	if err != nil {
		return nil, fmt.Errorf("opening the messages to wipe: %w", err)
	}
	wiper.SetMaxOpenConns(1)
	// A connection that was made while the disk was read-only would stay read-only.
	wiper.SetMaxIdleConns(-1)
	return wiper, nil
}

var errInUse = errors.New("others are reading")

// Wipe empties the write-ahead log of the messages, if anything was written since the
// last call that succeeded. After that, deleted texts and purged records are nowhere in
// the folder. SQLite overwrites what it deletes, but until Wipe the log has old versions.
//
// Wipe does not wait long for readers. If a reader takes too long, Wipe returns an error
// and may be called again.
func (db *DB) Wipe(ctx context.Context) error {
	written := db.messages.commits.Load()
	if written == db.wiped.Load() {
		return nil
	}
	var busy, pages, moved int
	err := db.wiper.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	if err == nil && busy != 0 {
		err = errInUse
	}
	if err != nil {
		return fmt.Errorf("emptying the log of the messages: %w", unavailable(err))
	}
	db.wiped.Store(written)
	return nil
}
