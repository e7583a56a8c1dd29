package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func bytesOf(t *testing.T, dir, name string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, name)) // reading the file would end this process's locks on it
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func parallel(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	const callers = 32
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := c; i < n; i += callers {
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestFilesShrinkAgain fills both databases and removes nearly everything, while others
// write.
func TestFilesShrinkAgain(t *testing.T) {
	enginetest.SQLite(t)
	const many, kept = 4000, 200
	dir, now := t.TempDir(), time.Now().UTC().Truncate(time.Millisecond)
	db, err := Open(dir, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	newMessage := func() sms.Message {
		return sms.DefaultRules().Accept(sms.NewID(), sms.Draft{
			Owner: "o", Client: "o", Request: sms.Request{Number: "+5511999999999", Text: strings.Repeat("text ", 300)},
		}, now)
	}
	messages := make([]sms.Message, many)
	envelopes := make([]sms.Envelope, 30*many)
	for i := range messages {
		messages[i] = newMessage()
		if i%(many/kept) != 0 {
			messages[i].Status, messages[i].Due, messages[i].PurgeAt = sms.Sent, sms.Due{}, now.Add(time.Minute)
		}
	}
	for i := range envelopes {
		envelopes[i] = sms.Envelope{Ref: messages[i%many].Ref()}
	}
	parallel(t, many, func(i int) error { return db.Create(t.Context(), messages[i]) })
	if err := db.Queue().Send(t.Context(), envelopes...); err != nil {
		t.Fatal(err)
	}
	wipe := func() (shrank bool) {
		t.Helper()
		before := bytesOf(t, dir, messagesName) + bytesOf(t, dir, queueName)
		err := db.Wipe(t.Context())
		for errors.Is(err, errInUse) { // a writer made this attempt fail
			err = db.Wipe(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return bytesOf(t, dir, messagesName)+bytesOf(t, dir, queueName) < before
	}
	wipe()
	full := map[string]int64{messagesName: bytesOf(t, dir, messagesName), queueName: bytesOf(t, dir, queueName)}

	now = now.Add(time.Hour)
	if n, err := db.Purge(t.Context(), many); err != nil || n != many-kept {
		t.Fatalf("Purge returned %d, %v, want %d", n, err, many-kept)
	}
	for {
		items, err := db.Queue().Dequeue(t.Context(), 2000, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) == 0 {
			break
		}
		if err := db.Queue().Delete(t.Context(), items...); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	var later []sms.Message
	writing.Go(func() {
		for ctx.Err() == nil && len(later) < kept {
			m := newMessage()
			if err := db.Create(t.Context(), m); err != nil {
				t.Error(err)
			}
			later = append(later, m)
		}
	})
	for wipe() {
		continue
	}
	stop()
	writing.Wait()

	const spare = sparePages * 4096
	for name, f := range map[string]*file{messagesName: db.messages, queueName: db.queue.file} {
		if size := bytesOf(t, dir, name); full[name] < 2*spare || size > full[name]/10+spare+spare/4 {
			t.Errorf("%s had %d bytes when it was full, and has %d with a tenth of that; want at most %d bytes more than its contents", name, full[name], size, spare)
		}
		var intact string
		if err := f.get(t.Context(), `PRAGMA integrity_check`, nil, &intact); err != nil || intact != "ok" {
			t.Errorf("the integrity check of %s: %q, %v", name, intact, err)
		}
	}
	for i, m := range slices.Concat(messages, later) {
		if _, err := db.Get(t.Context(), m.ID); i < many && i%(many/kept) != 0 {
			continue
		} else if err != nil {
			t.Fatalf("message %d is lost: %v", i, err)
		}
	}
	before := db.messages.commits.Load()
	if err := db.Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := db.messages.commits.Load(); after != before {
		t.Errorf("a file with little free space was written %d times to make it smaller", after-before)
	}
}

// TestALogThatCannotBeEmptiedIsReported reads in a transaction that does not end, as
// another program could.
func TestALogThatCannotBeEmptiedIsReported(t *testing.T) {
	enginetest.SQLite(t)
	for _, name := range []string{messagesName, queueName} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			f := map[string]*file{messagesName: db.messages, queueName: db.queue.file}[name]
			write := func() {
				t.Helper()
				if _, err := f.exec(t.Context(), `UPDATE folder SET opened = opened`); err != nil {
					t.Fatal(err)
				}
			}
			write()
			foreign, err := openFile(db.root, name, fileOptions{synchronous: "FULL", cacheKiB: 1 << 10, readers: 1, migrations: []string{""}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = foreign.close() })
			var one int
			if err := foreign.get(t.Context(), `SELECT one FROM folder`, nil, &one); err != nil {
				t.Fatal(err)
			}
			reading, err := foreign.pools[0].BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = reading.Rollback() }()
			if err := reading.QueryRowContext(t.Context(), `SELECT one FROM folder`).Scan(&one); err != nil {
				t.Fatal(err)
			}
			write()
			for range 2 {
				err = db.Wipe(t.Context())
				if err == nil || !strings.Contains(err.Error(), "emptying the log of "+name+", which has 0 MB") || !strings.Contains(err.Error(), "another program") {
					t.Errorf("Wipe beside a reader returned %v, want an error that names %s, the size of its log, and the cause", err, name)
				}
			}
			if err := reading.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := db.Wipe(t.Context()); err != nil {
				t.Errorf("Wipe after the reader has ended: %v", err)
			}
			if size := bytesOf(t, dir, name+"-wal"); size != 0 {
				t.Errorf("the log has %d bytes, want none", size)
			}
		})
	}
}
