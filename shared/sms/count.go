package sms

import (
	"errors"
	"time"
)

// ErrLimit says that a count would exceed its limit, and that nothing was counted.
var ErrLimit = errors.New("the limit is reached")

// Count is an amount to add to a counter. The counter exists for a window of time.
type Count struct {
	window string
	N      int       // the amount; negative to give back an earlier count
	Limit  int       // the limit of the whole counter
	End    time.Time // the end of the window; the counter is removed some time after it
}

// Key returns the name of the counter. The name contains no private data.
func (c Count) Key() string { return "count-" + c.window }

// CountParts returns a count that adds the given number of parts to the owner's parts of
// the current day, in UTC.
func CountParts(owner string, parts, limit int, now time.Time) Count {
	return countIn(24*time.Hour, now, parts, limit, "parts", owner)
}

// CountMessage returns a count that adds one message to the owner's messages to number in
// the current hour.
func CountMessage(owner string, number Number, limit int, now time.Time) Count {
	return countIn(time.Hour, now, 1, limit, "messages", owner, string(number))
}

// countIn returns a count for the window of this length that contains the present time.
// Each day's first window begins at midnight UTC.
func countIn(length time.Duration, now time.Time, n, limit int, names ...string) Count {
	begin := now.UTC().Truncate(length)
	return Count{
		window: fingerprint(append(names, begin.Format(time.RFC3339))...),
		N:      n, Limit: limit, End: begin.Add(length),
	}
}

// Fits reports whether c may be added to a counter whose value is current. A count that gives an earlier
// count back always fits.
func (c Count) Fits(current int) bool { return c.N < 0 || current+c.N <= c.Limit }

// Try returns a count that adds nothing. The returned count fits if and only if c fits.
func (c Count) Try() Count {
	c.N, c.Limit = 0, c.Limit-c.N
	return c
}

// GiveBack returns a count that undoes c.
func (c Count) GiveBack() Count {
	c.N = -c.N
	return c
}
