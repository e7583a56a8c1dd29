// Package folder opens the data folder of one machine and the files in it. It trusts
// nothing that another user could have put there.
//
// A folder to which only its owner can write needs no further defense: once it has been
// checked, nobody else can add or replace a file. So it is safe that this package checks
// a file, and SQLite opens the file by its path later.
//
// On Windows, files do not have such modes and owners, so only symbolic links are refused.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// othersWrite are the mode bits that allow other users to write.
const othersWrite fs.FileMode = 0o022

// Open opens the folder dir. If dir does not exist, Open makes it, and only the user may
// enter it. Open refuses a symbolic link, a folder of another user, and a folder to which
// other users can write. There is one exception: if a folder is empty, and the only other
// users who can write to it are in the user's group, Open makes the folder private. With
// the umask 0002, every new folder has this mode.
func Open(dir string) (*os.Root, error) {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("the folder %s is a symbolic link: name the folder to which it leads", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	if err := private(root, dir); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

func private(root *os.Root, dir string) error {
	info, err := root.Stat(".")
	if err != nil {
		return fmt.Errorf("opening the folder: %w", err)
	}
	if err := owned(info, "the folder "+dir); err != nil {
		return err
	}
	if !hasModes || info.Mode()&othersWrite == 0 {
		return nil
	}
	refused := fmt.Errorf("other users may write the folder %s (its mode is %v), so anybody may have put files there: "+
		"look at what it contains, then run `chmod go-w %s`", dir, info.Mode().Perm(), dir)
	if info.Mode()&0o002 != 0 {
		return refused
	}
	if empty, err := isEmpty(root); err != nil || !empty {
		return errors.Join(refused, err)
	}
	if err := root.Chmod(".", 0o700); err != nil {
		return fmt.Errorf("making the folder %s private: %w", dir, err)
	}
	// Somebody may have added a file before the folder became private.
	if empty, err := isEmpty(root); err != nil || !empty {
		return errors.Join(refused, err)
	}
	return nil
}

func isEmpty(root *os.Root) (bool, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	return len(entries) == 0, err
}

// Check makes the file with this name private, if it exists. It reports whether the file
// exists. It refuses symbolic links, files of other users, and everything that is not a
// regular file.
func Check(root *os.Root, name string) (exists bool, err error) {
	info, err := check(root, name)
	return info != nil, err
}

// CheckAuthentic is like Check, but is meant for a file whose content must come from the
// user. So it also refuses a file to which other users can write.
func CheckAuthentic(root *os.Root, name string) (exists bool, err error) {
	if info, err := root.Lstat(name); err == nil && hasModes && info.Mode()&os.ModeSymlink == 0 && info.Mode()&othersWrite != 0 {
		return true, fmt.Errorf("other users could write the file %s (its mode is %v)", path(root, name), info.Mode().Perm())
	}
	return Check(root, name)
}

// check returns nil if there is no such file.
func check(root *os.Root, name string) (fs.FileInfo, error) {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", path(root, name), err)
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s is a symbolic link, which is not followed: put the file itself there", path(root, name))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file (its mode is %v)", path(root, name), info.Mode())
	}
	if err := owned(info, "the file "+path(root, name)); err != nil {
		return nil, err
	}
	if hasModes && info.Mode().Perm() != 0o600 {
		if err := root.Chmod(name, 0o600); err != nil {
			return nil, fmt.Errorf("making %s private: %w", path(root, name), err)
		}
	}
	return info, nil
}

// OpenFile checks a file as Check does, and then opens it. A new file is private.
func OpenFile(root *os.Root, name string, flag int) (*os.File, error) {
	if _, err := Check(root, name); err != nil {
		return nil, err
	}
	return root.OpenFile(name, flag, 0o600)
}

// Sync makes the names of new and renamed files in the folder durable.
func Sync(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func path(root *os.Root, name string) string { return filepath.Join(root.Name(), name) }
