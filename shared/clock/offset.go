//go:build clockoffset

package clock

import (
	"os"
	"strings"
	"time"
)

// offsetFile is the environment variable that names a file with a duration, such as
// -24h. The file may change at any time.
const offsetFile = "SMSQUEUE_CLOCK_OFFSET_FILE"

// Now returns the current time plus the offset in the file. It panics if the file does not contain a
// duration, so that no test runs without its offset. The result has no monotonic reading, because a monotonic
// reading would hide a jump.
func Now() time.Time {
	text, err := os.ReadFile(os.Getenv(offsetFile))
	if err != nil {
		panic("clock: " + err.Error())
	}
	offset, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		panic("clock: " + err.Error())
	}
	return time.Now().Round(0).Add(offset)
}
