package sms

import (
	"errors"
	"time"
)

// ErrLimit says that a count would have gone over its limit. Nothing was
// counted.
var ErrLimit = errors.New("the limit is reached")

// Count is something to be counted within a window of time.
type Count struct {
	window string
	N      int // negative to give back what was counted and came to nothing
	Limit  int // of all that is counted in the window together
	// End is when the window ends. What was counted in it is forgotten some
	// time later.
	End time.Time
}

// Key names the counter: one a kind, owner and window, and nothing that is
// private can be read from it.
func (c Count) Key() string { return "count-" + c.window }

// CountParts counts parts of owner's messages on the day, in UTC, of now.
func CountParts(owner string, parts, limit int, now time.Time) Count {
	return countIn(24*time.Hour, now, parts, limit, "parts", owner)
}

// CountMessage counts a message of owner to number in the hour of now.
func CountMessage(owner string, number Number, limit int, now time.Time) Count {
	return countIn(time.Hour, now, 1, limit, "messages", owner, string(number))
}

// countIn is a count in the window of this length that now lies in. Windows
// begin at midnight, UTC.
func countIn(length time.Duration, now time.Time, n, limit int, names ...string) Count {
	begin := now.UTC().Truncate(length)
	return Count{
		window: fingerprint(append(names, begin.Format(time.RFC3339))...),
		N:      n, Limit: limit, End: begin.Add(length),
	}
}

// Fits reports whether c may be counted on top of what was counted before.
// What gives back always may.
func (c Count) Fits(before int) bool { return c.N < 0 || before+c.N <= c.Limit }

// Try is the count that adds nothing and may be counted where c may.
func (c Count) Try() Count {
	c.N, c.Limit = 0, c.Limit-c.N
	return c
}

// GiveBack is the count that undoes c.
func (c Count) GiveBack() Count {
	c.N = -c.N
	return c
}
