package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func copyFiles(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func wholeFolder() []string {
	return []string{"messages.db", "messages.db-wal", "queue.db", "queue.db-wal"}
}

func fill(t *testing.T, db *sqlite.DB, n int) {
	t.Helper()
	for range n {
		if err := submit(t.Context(), db, message("acme")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATornCopyIsRefused(t *testing.T) {
	cut := func(t *testing.T, path string, size int64) {
		t.Helper()
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	halve := func(t *testing.T, path string) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		cut(t, path, info.Size()/2/4096*4096)
	}
	for _, tt := range []struct {
		name   string
		tear   func(t *testing.T, closed, open, dir string)
		words  []string
		remedy func(t *testing.T, dir string) // what the error recommends, besides copying again
		want   int                            // the number of messages after the remedy
	}{
		{"messages.db is missing", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, "queue.db")
		}, []string{"queue.db", "messages.db is missing", "copy the whole folder again"}, nil, 0},
		{"messages.db is missing, and its log is there", func(t *testing.T, _, open, dir string) {
			copyFiles(t, open, dir, "messages.db-wal")
		}, []string{"messages.db-wal", "messages.db is missing"}, nil, 0},
		{"messages.db is empty", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, wholeFolder()...)
			cut(t, filepath.Join(dir, "messages.db"), 0)
		}, []string{"messages.db is missing or empty"}, nil, 0},
		{"messages.db has lost its log", func(t *testing.T, _, open, dir string) {
			copyFiles(t, open, dir, "messages.db", "queue.db", "queue.db-wal")
		}, []string{"messages.db-wal", "is missing", "create an empty file messages.db-wal"}, func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "messages.db-wal"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, 0}, // all messages were in the log
		{"messages.db is cut off", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, wholeFolder()...)
			halve(t, filepath.Join(dir, "messages.db"))
		}, []string{"messages.db has", "bytes of", "copy the whole folder again"}, nil, 0},
		{"messages.db is cut off in its first page", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, wholeFolder()...)
			cut(t, filepath.Join(dir, "messages.db"), 50)
		}, []string{"messages.db is not a database"}, nil, 0},
		{"messages.db is cut off, and has a log of the newest pages", func(t *testing.T, closed, _, dir string) {
			fill(t, open(t, closed, sqlite.Options{}), 1)
			copyFiles(t, closed, dir, wholeFolder()...)
			halve(t, filepath.Join(dir, "messages.db"))
		}, []string{"messages.db has", "bytes of"}, nil, 0},
		{"queue.db is cut off", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, wholeFolder()...)
			halve(t, filepath.Join(dir, "queue.db"))
		}, []string{"queue.db has", "remove queue.db"}, removeQueue, many},
		{"queue.db is older", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, wholeFolder()...)
			reopen(t, closed)
			copyFiles(t, closed, dir, "messages.db")
		}, []string{"queue.db is older", "remove queue.db"}, removeQueue, many},
		{"messages.db is older", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, wholeFolder()...)
			reopen(t, closed)
			reopen(t, closed)
			copyFiles(t, closed, dir, "queue.db")
		}, []string{"messages.db is older", "sent again", "remove queue.db"}, removeQueue, many},
		{"queue.db is from another folder", func(t *testing.T, closed, _, dir string) {
			copyFiles(t, closed, dir, wholeFolder()...)
			other := t.TempDir()
			reopen(t, other)
			copyFiles(t, other, dir, "queue.db")
		}, []string{"belongs to another folder", "remove queue.db"}, removeQueue, many},
	} {
		t.Run(tt.name, func(t *testing.T) {
			closed, opened, dir := t.TempDir(), t.TempDir(), t.TempDir()
			for _, d := range []string{closed, opened} {
				db := open(t, d, sqlite.Options{})
				fill(t, db, many)
				if d == closed {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			tt.tear(t, closed, opened, dir)
			for range 2 { // the second Open must fail in the same way, because the first one must not repair anything in silence
				db, err := sqlite.Open(dir, sqlite.Options{})
				if err == nil {
					_ = db.Close()
				}
				if _, torn := errors.AsType[*sqlite.TornError](err); !torn {
					t.Fatalf("got the error %v, want a *TornError", err)
				}
				for _, word := range append(tt.words, dir) {
					if !strings.Contains(err.Error(), word) {
						t.Errorf("the error %q does not contain %q", err, word)
					}
				}
			}
			if tt.remedy == nil {
				return
			}
			tt.remedy(t, dir)
			wantMessages(t, dir, tt.want)
		})
	}
}

const many = 60

func removeQueue(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "queue.db")); err != nil {
		t.Fatal(err)
	}
}

func reopen(t *testing.T, dir string) {
	t.Helper()
	db, err := sqlite.Open(dir, sqlite.Options{})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wantMessages(t *testing.T, dir string, want int) {
	t.Helper()
	db := open(t, dir, sqlite.Options{})
	got := 0
	err := db.Every(t.Context(), func(sms.Message) error { got++; return nil })
	if err != nil || got != want {
		t.Errorf("the folder has %d messages (error %v), want %d", got, err, want)
	}
}

func TestAWholeCopyIsOpened(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, from, dir string)
	}{
		{"of a folder in use", func(t *testing.T, from, dir string) { copyFiles(t, from, dir, wholeFolder()...) }},
		{"without the queue, which is a hint", func(t *testing.T, from, dir string) { copyFiles(t, from, dir, wholeFolder()[:2]...) }},
		{"of a folder that Open could mark only in the queue", func(t *testing.T, from, dir string) {
			copyFiles(t, from, dir, wholeFolder()...)
			reopen(t, dir)
			raw, err := sql.Open("sqlite", filepath.Join(dir, "messages.db"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = raw.Exec(`UPDATE folder SET opened = opened - 1`)
			if err = errors.Join(err, raw.Close()); err != nil {
				t.Fatal(err)
			}
		}},
		{"of a folder that sqlite3 has repaired", func(t *testing.T, from, dir string) {
			// After a crash, another program can move the log into the database and delete it.
			// The user then creates an empty log, to say that no change is missing.
			copyFiles(t, from, dir, wholeFolder()...)
			raw, err := sql.Open("sqlite", filepath.Join(dir, "messages.db"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = raw.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
			if err = errors.Join(err, raw.Close(), os.WriteFile(filepath.Join(dir, "messages.db-wal"), nil, 0o644)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, dir := t.TempDir(), t.TempDir()
			db := open(t, from, sqlite.Options{Visibility: time.Hour})
			fill(t, db, many)
			tt.prepare(t, from, dir)
			wantMessages(t, dir, many)
		})
	}
}
