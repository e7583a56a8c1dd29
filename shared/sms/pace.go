package sms

import (
	"fmt"
	"time"
)

// Booking asks for a span of time in which to hand messages over.
type Booking struct {
	Length   time.Duration
	Earliest time.Time // the earliest start: now
	Latest   time.Time // the latest start that the caller can use
	// Farthest is the latest time up to which a sender with a right clock can book. Bookings
	// beyond it are ignored, because one sender with a wrong clock must not stop all
	// senders.
	Farthest time.Time
}

// Start returns the time at which b would begin. The time up to
// "until" is already booked. If b would begin too late, Start returns a *BookedError.
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
	Until time.Time // the end of the time that is already booked
}

func (e *BookedError) Error() string {
	return fmt.Sprintf("all time is booked until %s", e.Until.UTC().Format(time.RFC3339Nano))
}
