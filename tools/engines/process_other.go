//go:build !linux

package engines

import "os/exec"

// endWithParent has no counterpart here: an engine outlives a runner that is
// killed with -9.
func endWithParent(*exec.Cmd) { /* Linux only */ }
