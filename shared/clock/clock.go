// Package clock gives the current time to the services, and notices when the wall clock jumps.
//
// Tests build programs with the tag clockoffset. Only these programs read an offset from
// a file, so that a test can move their clocks while they run.
package clock

import "time"

// Watch notices jumps of the wall clock. It compares the wall clock with the monotonic
// clock, which never jumps. The zero value of Watch is ready for use by one goroutine.
type Watch struct{ wall, monotonic time.Time }

// Jump returns by how much the wall clock has moved since the last call, beyond the time
// that has really passed. The result is negative if the clock was set back, and 0 at the
// first call. A machine that slept also seems to jump, because its monotonic clock stops.
func (w *Watch) Jump() time.Duration {
	wall, monotonic := Now().Round(0), time.Now()
	before := *w
	*w = Watch{wall, monotonic}
	if before.wall.IsZero() {
		return 0
	}
	return wall.Sub(before.wall) - monotonic.Sub(before.monotonic)
}
