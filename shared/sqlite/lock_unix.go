//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// openLock opens the folder itself, which tryLock then locks. The folder cannot be
// removed while it has files.
func openLock(root *os.Root) (*os.File, error) { return root.Open(".") }

// tryLock locks f, or returns errLocked.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
