//go:build unix

package folder_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/smsqueue/smsqueue/shared/folder"
)

// foreign gives a file to another user. Only root can do this.
func foreign(t *testing.T, path string) {
	t.Helper()
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Fatal(err)
	}
}

// try checks that the error of a function contains each of the given words. Without
// words, the function must succeed.
func try(t *testing.T, do func() error, words ...string) {
	t.Helper()
	err := do()
	if len(words) == 0 && err != nil {
		t.Errorf("got the error %v, want none", err)
	}
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got the error %v, want one that contains %q", err, word)
		}
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has the mode %v, want %v", path, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	write := func(t *testing.T, dir string) { must(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o600)) }
	for _, tt := range []struct {
		name  string
		make  func(t *testing.T, dir string)
		words []string
		mode  fs.FileMode // the mode of the folder after Open
		root  bool        // whether only root can prepare the folder
	}{
		{name: "a missing folder is made", make: func(*testing.T, string) {}, mode: 0o700},
		{name: "a folder that others may read", make: func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o755))
			write(t, dir)
		}, mode: 0o755},
		{name: "a folder that everybody may write", make: func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chmod(dir, 0o777))
		}, words: []string{"other users may write", "-rwxrwxrwx", "chmod go-w"}, mode: 0o777},
		{name: "a folder like /tmp", make: func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chmod(dir, 0o777|os.ModeSticky))
		}, words: []string{"other users may write"}, mode: 0o777},
		{name: "an empty folder that its group may write becomes private", make: func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chmod(dir, 0o775))
		}, mode: 0o700},
		{name: "a folder with files that its group may write", make: func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			write(t, dir)
			must(t, os.Chmod(dir, 0o770))
		}, words: []string{"other users may write"}, mode: 0o770},
		{name: "a symbolic link to a folder", make: func(t *testing.T, dir string) {
			must(t, os.Symlink(t.TempDir(), dir))
		}, words: []string{"is a symbolic link"}, mode: 0o777},
		{name: "a file", make: func(t *testing.T, dir string) {
			must(t, os.WriteFile(dir, nil, 0o600))
		}, words: []string{"not a directory"}, mode: 0o600},
		{name: "a folder of another user", make: func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o700))
			foreign(t, dir)
		}, words: []string{"belongs to user 12345", "runs as user"}, mode: 0o700, root: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				return // TestAFolderOfRootIsRefused runs instead
			}
			dir := filepath.Join(t.TempDir(), "data")
			tt.make(t, dir)
			try(t, func() error {
				root, err := folder.Open(dir)
				if err == nil {
					err = root.Close()
				}
				return err
			}, tt.words...)
			wantMode(t, dir, tt.mode)
		})
	}
}

// The folder "/" belongs to root, so it belongs to another user unless root runs the
// test.
func TestAFolderOfRootIsRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		return // TestOpen tests a folder of another user
	}
	try(t, func() error { _, err := folder.Open("/"); return err }, "belongs to user 0")
}

func TestCheck(t *testing.T) {
	file := func(mode fs.FileMode) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte("x"), 0o600))
			must(t, os.Chmod(path, mode))
		}
	}
	for _, tt := range []struct {
		name      string
		make      func(t *testing.T, path string)
		words     []string // words in the error of Check
		authentic []string // words in the error of CheckAuthentic
		root      bool
	}{
		{name: "no file", make: func(*testing.T, string) {}},
		{name: "a private file", make: file(0o600)},
		{name: "a file that others may read", make: file(0o644)},
		{name: "a file that others may write", make: file(0o606), authentic: []string{"other users could write"}},
		{name: "a file that its group may write", make: file(0o660), authentic: []string{"other users could write"}},
		{name: "a link to a file in the folder", make: func(t *testing.T, path string) {
			must(t, os.WriteFile(path+"2", nil, 0o600))
			must(t, os.Symlink(filepath.Base(path)+"2", path))
		}, words: []string{"symbolic link"}, authentic: []string{"symbolic link"}},
		{name: "a link that leads out and nowhere", make: func(t *testing.T, path string) {
			must(t, os.Symlink(filepath.Join(t.TempDir(), "none"), path))
		}, words: []string{"symbolic link"}, authentic: []string{"symbolic link"}},
		{name: "a pipe", make: func(t *testing.T, path string) {
			must(t, syscall.Mkfifo(path, 0o600))
		}, words: []string{"is not a file"}, authentic: []string{"is not a file"}},
		{name: "a file of another user", make: func(t *testing.T, path string) {
			must(t, os.WriteFile(path, nil, 0o600))
			foreign(t, path)
		}, words: []string{"belongs to user 12345"}, authentic: []string{"belongs to user 12345"}, root: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				return // only root can make such a file
			}
			root, err := folder.Open(filepath.Join(t.TempDir(), "data"))
			must(t, err)
			defer func() { must(t, root.Close()) }()
			path := filepath.Join(root.Name(), "f")
			tt.make(t, path)
			try(t, func() error { _, err := folder.CheckAuthentic(root, "f"); return err }, tt.authentic...)
			try(t, func() error { _, err := folder.Check(root, "f"); return err }, tt.words...)
			if _, err := os.Stat(path); err == nil && tt.words == nil {
				wantMode(t, path, 0o600)
			}
		})
	}
}
