//go:build unix

package attacks_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
)

// TestAPreparedFolderIsRefused prepares data folders as another user of the machine could,
// and starts a server on them.
func TestAPreparedFolderIsRefused(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	binary := machine.Binary(t)
	used := t.TempDir()
	m := machine.Start(t, used, "--log-level", "error")
	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	link := func(name string) func(dir string) error {
		return func(dir string) error {
			moved := filepath.Join(filepath.Dir(dir), "moved")
			err := os.Rename(filepath.Join(dir, name), moved)
			if err != nil && !os.IsNotExist(err) {
				return err
			}
			return os.Symlink(moved, filepath.Join(dir, name))
		}
	}
	mode := func(name string, mode fs.FileMode) func(dir string) error {
		return func(dir string) error { return os.Chmod(filepath.Join(dir, name), mode) }
	}
	foreign := func(name string) func(dir string) error {
		return func(dir string) error { return os.Chown(filepath.Join(dir, name), 12345, -1) }
	}
	for _, tt := range []struct {
		name    string
		prepare func(dir string) error
		want    string
		root    bool // whether only root can prepare it
	}{
		{"everybody may write the folder", mode(".", 0o777), "other users may write", false},
		{"everybody may write the folder, as in /tmp", mode(".", 0o777|fs.ModeSticky), "other users may write", false},
		{"a group may write the folder", mode(".", 0o770), "other users may write", false},
		{"the folder belongs to somebody else", foreign("."), "belongs to user 12345", true},
		{"the records belong to somebody else", foreign("messages.db"), "belongs to user 12345", true},
		{"the key belongs to somebody else", foreign("signing-key.pem"), "belongs to user 12345", true},
		{"others could write the key", mode("signing-key.pem", 0o666), "other users could write", false},
		{"a group could write the key", mode("signing-key.pem", 0o620), "other users could write", false},
		{"the key is a link", link("signing-key.pem"), "symbolic link", false},
		{"the records are a link", link("messages.db"), "symbolic link", false},
		{"the log of the records is a link", link("messages.db-wal"), "symbolic link", false},
		{"the queue is a link", link("queue.db"), "symbolic link", false},
		{"the lock is a link", link("lock"), "symbolic link", false},
		{"the key is a pipe", func(dir string) error {
			name := filepath.Join(dir, "signing-key.pem")
			if err := os.Remove(name); err != nil {
				return err
			}
			return syscall.Mkfifo(name, 0o600)
		}, "is not a file", false},
		{"the folder is a link", func(dir string) error {
			if err := os.Rename(dir, dir+"-moved"); err != nil {
				return err
			}
			return os.Symlink(dir+"-moved", dir)
		}, "is a symbolic link", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				return // shared/folder tests a folder of root
			}
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(used)); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{".", "signing-key.pem"} { // CopyFS does not keep the modes
				if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, binary, "serve", "--addr", "localhost:0", "--data", dir).CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), tt.want) {
				t.Errorf("the server did not refuse the folder because it %q: %v\n%s", tt.want, err, out)
			}
		})
	}
}

// TestTheFolderIsPrivate starts a server with a umask that lets everybody read and write
// new files, on a folder whose files everybody is allowed to read.
func TestTheFolderIsPrivate(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	dir := filepath.Join(t.TempDir(), "data")
	if err := machine.Start(t, dir, "--log-level", "error").Stop(); err != nil {
		t.Fatal(err)
	}
	entries := func(visit func(name string, mode fs.FileMode)) {
		t.Helper()
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				visit(path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	entries(func(name string, mode fs.FileMode) {
		if mode.IsRegular() && filepath.Base(name) != "signing-key.pem" {
			if err := os.Chmod(name, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
	m := machine.StartBinary(t, withoutUmask(t), nil, dir, "--log-level", "error")
	submitted(t, m)
	files := 0
	entries(func(name string, mode fs.FileMode) {
		want := fs.FileMode(0o600)
		if mode.IsDir() {
			want = 0o700
		}
		if mode.Perm() != want {
			t.Errorf("%s has the mode %v, want %v", name, mode.Perm(), want)
		}
		files++
	})
	if files < 6 {
		t.Errorf("the folder has %d files, want at least 6", files)
	}
}

// withoutUmask returns a program that runs smsqueue with the umask 0.
func withoutUmask(t *testing.T) string {
	t.Helper()
	script := filepath.Join(t.TempDir(), "smsqueue")
	if err := os.WriteFile(script, []byte("#!/bin/sh\numask 0\nexec "+machine.Binary(t)+` "$@"`+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return script
}
