//go:build !linux

package engines

import "os/exec"

// endWithParent does nothing on this system: if SIGKILL ends the runner, its engines go
// on running.
func endWithParent(*exec.Cmd) { /* Linux only */ }
