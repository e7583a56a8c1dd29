package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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

// lockFolder locks dir. The lock is a file, which contains the id of the process that
// holds it. The system releases the lock when the file is closed or the process ends. The
// file stays.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data folder: %w", err)
	}
	if err := tryLock(f); err != nil {
		err = fmt.Errorf("locking the data folder %s: %w", dir, err)
		if errors.Is(err, errLocked) {
			err = &InUseError{Dir: dir, PID: readPID(f)}
		}
		return nil, errors.Join(err, f.Close())
	}
	if err := writePID(f); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the lock of the data folder: %w", err), f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// readPID returns the id of the process that holds the lock, or 0 if that process has not
// written it yet.
func readPID(f *os.File) int {
	const longest = 32
	text, _ := io.ReadAll(io.NewSectionReader(f, 0, longest))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}
