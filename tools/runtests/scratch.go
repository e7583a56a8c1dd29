package main

import (
	"fmt"
	"os"
	"syscall"
)

// sharedMemory is Linux's file system in memory.
const sharedMemory = "/dev/shm"

// room is how many bytes of memory the tests' files may need. A container often has only
// 64 MB.
const room = 4 << 30

// scratch makes a folder in memory for the tests' files. It returns variables that point
// the go command to this folder, and a function that removes the folder. If the machine
// has too little memory, it returns no variables.
//
// Files in memory are as safe for the tests as files on a disk: the tests kill processes,
// but never cut the power. And flushing them costs nothing.
func scratch() (env []string, remove func() error) {
	remove = func() error { return nil }
	const noexec = 8 // ST_NOEXEC in statfs(2); go runs test binaries from this folder
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
