package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/smsqueue/smsqueue/shared/folder"
)

// InUseError says that another process has the folder open.
type InUseError struct {
	Dir string
	PID int // the id of that process, or 0 if it is not known
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the folder %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("the folder %s is in use by process %d", e.Dir, e.PID)
}

var errLocked = errors.New("locked by another process")

// lockName names the file with the id of the process that has the folder open. The file
// is not the lock itself. So the folder stays locked even if somebody removes the file.
const lockName = "lock"

// folderLock is the lock of an open folder. The system releases it when the process ends.
type folderLock struct {
	root *os.Root
	held *os.File
}

// lockFolder locks the folder, and writes the id of this process to a file in it.
func lockFolder(root *os.Root) (*folderLock, error) {
	held, err := openLock(root)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data folder: %w", err)
	}
	if err := tryLock(held); err != nil {
		err = fmt.Errorf("locking the data folder %s: %w", root.Name(), err)
		if errors.Is(err, errLocked) {
			err = &InUseError{Dir: root.Name(), PID: readPID(root)}
		}
		return nil, errors.Join(err, held.Close())
	}
	if err := writePID(root); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the lock of the data folder: %w", err), held.Close())
	}
	return &folderLock{root, held}, nil
}

func (l *folderLock) release() error {
	// Remove the id, so that nobody takes it for the id of a running server. On Windows
	// the file stays, because it is still open.
	_ = l.root.Remove(lockName)
	return l.held.Close()
}

func writePID(root *os.Root) error {
	f, err := folder.OpenFile(root, lockName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, os.Getpid())
	return errors.Join(err, f.Close())
}

// readPID returns the id of the process that holds the lock, or 0 if that process has not
// written it yet, or if somebody removed the file.
func readPID(root *os.Root) int {
	f, err := folder.OpenFile(root, lockName, os.O_RDONLY)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // the file was only read
	const longest = 32
	text, _ := io.ReadAll(io.LimitReader(f, longest))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}
