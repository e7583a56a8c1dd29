//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package server

import (
	"os/signal"
	"syscall"
)

// ignoreSignals makes a failed write return an error instead of ending the server. Two
// signals would end the server: SIGPIPE, at a write to the server's log after the reader
// of the log has ended, and SIGXFSZ, at a write that exceeds the limit of a file's size
// (ulimit -f).
func ignoreSignals() { signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ) }
