//go:build !linux

package machine

import "testing"

// Prefer does nothing on this system.
func Prefer(testing.TB) {}
