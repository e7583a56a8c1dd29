//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func TestOpenTrustsNothingThatOthersPutThere(t *testing.T) {
	link := func(name string) func(dir string) error {
		return func(dir string) error { return os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, name)) }
	}
	moved := func(name string) func(dir string) error {
		return func(dir string) error {
			if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "elsewhere")); err != nil {
				return err
			}
			return link(name)(dir)
		}
	}
	for _, tt := range []struct {
		name    string
		prepare func(dir string) error
		words   []string
		root    bool // whether only root can prepare it
	}{
		{"messages.db is a link", moved("messages.db"), []string{"messages.db", "symbolic link"}, false},
		{"queue.db is a link", moved("queue.db"), []string{"queue.db", "symbolic link"}, false},
		{"the log of messages.db is a link", link("messages.db-wal"), []string{"messages.db-wal", "symbolic link"}, false},
		{"the index of the log is a link", link("messages.db-shm"), []string{"messages.db-shm", "symbolic link"}, false},
		{"the journal of messages.db is a link", link("messages.db-journal"), []string{"messages.db-journal", "symbolic link"}, false},
		{"the lock is a link", link("lock"), []string{"lock", "symbolic link"}, false},
		{"everybody may write the folder", func(dir string) error { return os.Chmod(dir, 0o777) }, []string{"other users may write"}, false},
		{"the folder is another user's", func(dir string) error { return os.Chown(dir, 12345, -1) }, []string{"belongs to user 12345"}, true},
		{"messages.db is another user's", func(dir string) error {
			return os.Chown(filepath.Join(dir, "messages.db"), 12345, -1)
		}, []string{"messages.db", "belongs to user 12345"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				return // shared/folder tests what other users can prepare
			}
			dir := closedFolder(t)
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			for range 2 { // when the folder is opened again, it must not be in use
				_, err := sqlite.Open(dir, sqlite.Options{})
				for _, word := range tt.words {
					if err == nil || !strings.Contains(err.Error(), word) {
						t.Errorf("got the error %v, want one that contains %q", err, word)
					}
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "elsewhere-wal")); err == nil {
				t.Error("SQLite has followed the link")
			}
		})
	}

	t.Run("modes that let others in are repaired", func(t *testing.T) {
		dir := closedFolder(t)
		for _, name := range []string{"messages.db", "queue.db"} {
			if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		open(t, dir, sqlite.Options{})
		for _, name := range []string{"messages.db", "messages.db-wal", "queue.db", "queue.db-wal"} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != 0o600 {
				t.Errorf("%s has the mode %v, want -rw-------", name, got)
			}
		}
	})
}

func TestRemovingTheLockLetsNobodyIn(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, sqlite.Options{})
	if err := os.Remove(filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	if second, err := sqlite.Open(dir, sqlite.Options{}); err == nil {
		t.Error("a second server got in")
		_ = second.Close()
	} else if !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got the error %v, want one that says that the folder is in use", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, sqlite.Options{})
}

func closedFolder(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db := open(t, dir, sqlite.Options{})
	if err := db.Create(t.Context(), message("acme")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "lock")); err == nil {
		t.Error("a closed folder still names a process")
	}
	return dir
}
