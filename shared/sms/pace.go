package sms

import (
	"fmt"
	"time"
)

// Booking asks for a span of time in which to hand messages over.
type Booking struct {
	Length   time.Duration
	Earliest time.Time // the earliest start: now
	Latest   time.Time // the latest start that is of use
	// Farthest is a time beyond which no sender with a right clock books. If time is
	// booked up to a later one, these bookings do not count: a wrong clock must not stop
	// everyone.
	Farthest time.Time
}

// Start returns when b would begin if all time before until is booked. It returns a
// *BookedError if that is too late for b.
func (b Booking) Start(until time.Time) (time.Time, error) {
	if until.After(b.Farthest) { // guard: a wrong clock
		until = time.Time{}
	}
	start := later(
		b.Earliest,
		until, // guard: time booked once
	)
	if start.After(b.Latest) {
		return time.Time{}, &BookedError{Until: until}
	}
	return start, nil
}

// BookedError says that a booking would begin too late. Nothing was booked.
type BookedError struct {
	Until time.Time // all time up to this one is booked
}

func (e *BookedError) Error() string {
	return fmt.Sprintf("all time is booked until %s", e.Until.UTC().Format(time.RFC3339Nano))
}
