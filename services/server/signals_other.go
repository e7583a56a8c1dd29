//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package server

// ignoreSignals does nothing: this system has no signals for failed writes.
func ignoreSignals() {}
