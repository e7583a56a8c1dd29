package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/smsqueue/smsqueue/shared/folder"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// A torn folder was not copied as a whole: a file is missing, was cut off, or comes from
// another copy. SQLite does not notice most of this. So Open looks at the sizes of the
// files, and at a mark that each database has.

// TornError says that the folder was not copied as a whole.
type TornError struct {
	Dir  string
	What string // what is wrong, and what to do
}

func (e *TornError) Error() string {
	return fmt.Sprintf("the data folder %s is not complete: %s", e.Dir, e.What)
}

// These sentences tell the operator what to do about a torn folder. An error contains every sentence that
// applies.
const (
	copyAgain    = "copy the whole folder again, while no server runs on the original"
	withoutQueue = "remove queue.db; the relay then enqueues the waiting messages again within 15 minutes"
)

// mark is the row of the table "folder". The id is the same in both databases. Each Open
// adds one to the field opened, first in queue.db and then in messages.db.
type mark struct {
	id     string
	opened int64
	inUse  bool // false after a regular end
}

func readMark(f *file) (*mark, error) {
	var m mark
	err := f.get(context.Background(), `SELECT id, opened, in_use FROM folder WHERE one = 1`, nil, &m.id, &m.opened, &m.inUse)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &m, err
}

func (m mark) write(f *file) error {
	_, err := f.exec(context.Background(), `INSERT OR REPLACE INTO folder (one, id, opened, in_use) VALUES (1, ?, ?, ?)`, m.id, m.opened, m.inUse)
	if err == nil {
		// A copy without the log must have the mark too.
		_, err = f.pool.ExecContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`) // on a connection of its own
	}
	return err
}

// markOpen compares the marks of both databases, and marks both as in use. hadLog says
// whether messages.db had a log before it was opened. markOpen returns what is wrong with
// the folder, or "" if nothing is wrong.
func (db *DB) markOpen(hadLog bool) (torn string, err error) {
	messages, err := readMark(db.messages)
	if err != nil {
		return "", err
	}
	queue, err := readMark(db.queue.file)
	if err != nil {
		return "", err
	}
	switch {
	case messages == nil && queue == nil:
		messages = &mark{id: sms.NewToken()}
	case messages == nil: // the first Open was killed between its two writes
		messages = &mark{id: queue.id}
	case messages.inUse && !hadLog:
		return "messages.db was in use when it was copied or when its server was killed, and messages.db-wal, which has its latest changes, is missing: " +
			copyAgain + ". To go on without these changes, or if another program such as sqlite3 has opened messages.db since, " +
			"create an empty file messages.db-wal; messages may then be lost or sent again", nil
	case queue == nil: // queue.db was removed, or Open was killed before it created queue.db
	case queue.id != messages.id:
		return "queue.db belongs to another folder: " + copyAgain + ", or " + withoutQueue, nil
	case queue.opened < messages.opened:
		return "queue.db is older than messages.db: " + copyAgain + ", or " + withoutQueue, nil
	case queue.opened > messages.opened+1:
		return "messages.db is older than queue.db: " + copyAgain + ". To go on with the old messages, remove queue.db; " +
			"messages that were sent since may then be sent again", nil
	}
	next := mark{id: messages.id, opened: messages.opened + 1, inUse: true}
	if err := next.write(db.queue.file); err != nil {
		return "", fmt.Errorf("marking the queue as in use: %w", err)
	}
	db.messages.keepsLog = true
	if err := next.write(db.messages); err != nil {
		return "", fmt.Errorf("marking the messages as in use: %w", err)
	}
	db.marked = true
	return "", nil
}

// markClosed notes in messages.db that the folder is closed regularly. When messages.db
// is then closed, SQLite moves all changes from the log to messages.db and removes the
// log. If the mark cannot be written, the log must stay, because Open treats a folder that is marked as in
// use and has no log as torn.
func (db *DB) markClosed() error {
	if !db.marked {
		return nil
	}
	_, err := db.messages.exec(context.Background(), `UPDATE folder SET in_use = 0 WHERE one = 1`)
	db.messages.keepsLog = err != nil
	return err
}

// missing returns which file is missing, or "". A missing queue.db is not an error: the
// queue is a hint.
func missing(root *os.Root) (torn string, err error) {
	if size, err := sizeOf(root, messagesName); err != nil || size > 0 {
		return "", err
	}
	for _, other := range []string{messagesName + "-wal", queueName} {
		if size, err := sizeOf(root, other); err != nil || size > 0 {
			return fmt.Sprintf("there is %s, but messages.db is missing or empty: %s. To start with no messages, use another folder", other, copyAgain), err
		}
	}
	return "", nil
}

// sizeOf returns the size of a file, or 0 if the file does not exist.
func sizeOf(root *os.Root, name string) (int64, error) {
	exists, err := folder.Check(root, name)
	if err != nil || !exists {
		return 0, err
	}
	info, err := root.Lstat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// cutOff compares the size of a database with the size that its header gives. If the file
// is too short, cutOff returns what to do, and otherwise "". A file is not too short if
// the pages behind its end are in its log.
func cutOff(root *os.Root, name string) (torn string, err error) {
	size, err := sizeOf(root, name)
	if err != nil || size == 0 {
		return "", err
	}
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // the file is only read
	// Source of the offsets: sqlite.org/fileformat2.html, sections 1.3 and 4.1.
	var header [100]byte
	_, err = io.ReadFull(f, header[:])
	if err != nil || !strings.HasPrefix(string(header[:]), "SQLite format 3\x00") {
		return name + " is not a database: " + advice(name), nil
	}
	pageSize := int64(binary.BigEndian.Uint16(header[16:]))
	if pageSize == 1 {
		pageSize = 64 << 10
	}
	pages := int64(binary.BigEndian.Uint32(header[28:]))
	if size >= pages*pageSize {
		return "", nil
	}
	logged, err := pagesInLog(root, name+"-wal", pageSize)
	if err != nil {
		return "", err
	}
	for page := size/pageSize + 1; page <= pages; page++ {
		if !logged[page] {
			return fmt.Sprintf("%s has %d bytes of %d: %s", name, size, pages*pageSize, advice(name)), nil
		}
	}
	return "", nil
}

func advice(name string) string {
	if name == queueName {
		return copyAgain + ", or " + withoutQueue
	}
	return copyAgain
}

// pagesInLog returns which pages of a database are in its write-ahead log.
func pagesInLog(root *os.Root, name string, pageSize int64) (map[int64]bool, error) {
	pages := make(map[int64]bool)
	if size, err := sizeOf(root, name); err != nil || size == 0 {
		return pages, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the file is only read
	var header [32]byte
	if _, err := f.ReadAt(header[:], 0); err != nil {
		return pages, nil // SQLite ignores such a log
	}
	var frame [24]byte
	for at := int64(len(header)); ; at += int64(len(frame)) + pageSize {
		// Frames with other salts are left from before the log was last reset.
		if _, err := f.ReadAt(frame[:], at); err != nil || !bytes.Equal(frame[8:16], header[16:24]) {
			return pages, nil
		}
		pages[int64(binary.BigEndian.Uint32(frame[:]))] = true
	}
}
