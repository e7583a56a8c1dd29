//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package server

import (
	"os/signal"
	"syscall"
)

// ignoreSignals makes the system calls that fail return an error. Without this call, two
// signals would end the server: SIGPIPE at a message after the process that reads the log
// has ended, and SIGXFSZ at a write that exceeds the limit of a file's size (ulimit -f).
func ignoreSignals() { signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ) }
