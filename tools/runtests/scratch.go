package main

import (
	"fmt"
	"os"
	"syscall"
)

// sharedMemory is where Linux has a file system in memory.
const sharedMemory = "/dev/shm"

// room is how much of that the tests may need, in bytes. A container often
// has 64 MB of it.
const room = 4 << 30

// scratch makes a folder in memory for the files of the tests, and returns what
// tells the go command of it, and what removes it; neither where the machine
// has no such place with enough room. The tests kill processes, they do not cut
// the power: what is written there outlives whatever they do, and a flush costs
// nothing.
func scratch() (env []string, remove func() error) {
	remove = func() error { return nil }
	const noexec = 8 // statfs(2), ST_NOEXEC: test binaries are run from there
	var fs syscall.Statfs_t
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || fs.Flags&noexec != 0 || float64(fs.Bavail)*float64(fs.Bsize) < room {
		return nil, remove
	}
	dir, err := os.MkdirTemp(sharedMemory, "smsqueue-tests-")
	if err != nil {
		return nil, remove
	}
	return []string{"TMPDIR=" + dir}, func() error {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the tests' files: %w", err)
		}
		return nil
	}
}
