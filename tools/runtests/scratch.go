package main

import (
	"fmt"
	"os"
	"syscall"
)

// sharedMemory is Linux's file system in memory.
const sharedMemory = "/dev/shm"

// room is the space that the file system in memory must have, in bytes. In a container,
// this file system often has only 64 MB.
const room = 4 << 30

// Makes a folder in memory for the tests' files, because flushing files costs nothing
// there. Memory is safe enough for these files: the tests kill processes, but never cut
// the power. If the machine has too little memory, the function returns no variables.
func scratch() (env []string, remove func() error) {
	remove = func() error { return nil }
	const noexec = 8 // ST_NOEXEC in statfs(2); the go command runs test binaries from this folder
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
