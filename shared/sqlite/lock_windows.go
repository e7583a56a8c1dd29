package sqlite

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// openLock opens the file with the process id, which tryLock then locks. It does not use
// root, because root would let others remove the open file.
func openLock(root *os.Root) (*os.File, error) {
	return os.OpenFile(filepath.Join(root.Name(), lockName), os.O_RDWR|os.O_CREATE, 0o600)
}

// tryLock locks a byte far beyond the end of f's text. Other processes cannot read a locked range, but they must be
// able to read the text of f.
func tryLock(f *os.File) error {
	const behind = 1 << 20
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
		&windows.Overlapped{Offset: behind})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}
