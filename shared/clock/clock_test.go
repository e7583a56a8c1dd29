//go:build !clockoffset

package clock_test

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/clock"
)

func TestAClockThatIsRightDoesNotJump(t *testing.T) {
	var w clock.Watch
	for range 100 {
		if jump := w.Jump(); jump.Abs() > time.Second {
			t.Errorf("the clock jumped by %v", jump)
		}
	}
}
