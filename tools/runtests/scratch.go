package main

import (
	"fmt"
	"os"
	"syscall"
)

// sharedMemory is Linux's file system in memory.
const sharedMemory = "/dev/shm"

// room is how much memory the tests' files may need, in bytes. A container often
// has only 64 MB.
const room = 4 << 30

// scratch makes a folder in memory for the tests' files. It returns the variables
// that point the go command to the folder, and a function that removes it. If the
// machine has too little memory, it returns no variables. The tests kill
// processes but never cut the power, so files in memory survive as well as on a
// disk, and a flush costs nothing.
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
