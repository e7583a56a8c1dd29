package smstest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// booking returns a booking of time that begins now or later. The parameter `ahead` is
// the longest delay.
func (s stage) booking(length, ahead time.Duration) sms.Booking {
	now := s.clock.Now()
	return sms.Booking{Length: length, Earliest: now, Latest: now.Add(ahead), Farthest: now.Add(time.Hour)}
}

// The parameter `want` is the expected start of the booked time, measured from now.
func (s stage) checkBooked(t *testing.T, b sms.Booking, want time.Duration) {
	t.Helper()
	start, err := s.Book(t.Context(), b)
	if err != nil {
		t.Fatalf("Book of %v: %v", b.Length, err)
	}
	if got := start.Sub(s.clock.Now()); got != want {
		t.Fatalf("the booked time begins in %v, want in %v", got, want)
	}
}

// The parameter `until` is the expected end of all booked time, measured from now.
func (s stage) checkRefused(t *testing.T, b sms.Booking, until time.Duration) {
	t.Helper()
	start, err := s.Book(t.Context(), b)
	booked, ok := errors.AsType[*sms.BookedError](err)
	if !ok {
		t.Fatalf("Book = %v, %v, want a BookedError", start, err)
	}
	if got := booked.Until.Sub(s.clock.Now()); got != until {
		t.Fatalf("all time is booked for %v, want %v", got, until)
	}
}

func testPace(t *testing.T, open opener) {
	const length = 1500*time.Millisecond + time.Nanosecond

	t.Run("the first time begins now, and the next ones follow", func(t *testing.T) {
		s := open(t)
		s.checkBooked(t, s.booking(length, 0), 0)
		s.checkBooked(t, s.booking(2*length, time.Minute), length)
		s.checkBooked(t, s.booking(length, 3*length), 3*length)
	})

	t.Run("time that has passed is not booked again", func(t *testing.T) {
		s := open(t)
		s.checkBooked(t, s.booking(time.Second, 0), 0)
		s.clock.Advance(time.Second)
		s.checkBooked(t, s.booking(time.Second, 0), 0)
		s.clock.Advance(time.Minute)
		s.checkBooked(t, s.booking(time.Second, 0), 0)
		s.checkBooked(t, s.booking(time.Second, time.Minute), time.Second)
	})

	t.Run("what would begin too late is refused and books nothing", func(t *testing.T) {
		s := open(t)
		s.checkBooked(t, s.booking(10*time.Second, 0), 0)
		s.checkRefused(t, s.booking(time.Second, 10*time.Second-time.Nanosecond), 10*time.Second)
		s.checkBooked(t, s.booking(time.Second, 10*time.Second), 10*time.Second)
	})

	t.Run("what a wrong clock booked does not count, and is booked anew", func(t *testing.T) {
		s := open(t)
		s.clock.Advance(3 * time.Hour)
		s.checkBooked(t, s.booking(time.Second, 0), 0)
		s.clock.Advance(-2 * time.Hour)
		s.checkBooked(t, s.booking(time.Second, 0), 0)
		s.checkBooked(t, s.booking(time.Second, time.Second), time.Second)
	})

	t.Run("a clock that is a little slow waits", func(t *testing.T) {
		s := open(t)
		s.checkBooked(t, s.booking(time.Second, 0), 0)
		s.clock.Advance(-2 * time.Second)
		s.checkBooked(t, s.booking(time.Second, time.Minute), 3*time.Second)
	})

	t.Run("when many book at once, no two get the same time and none is left out", func(t *testing.T) {
		s := open(t)
		now := s.clock.Now()
		var starts []time.Duration
		for _, a := range race(raceCallers/4, func(int) (time.Time, error) {
			for {
				start, err := s.Book(t.Context(), s.booking(time.Second, time.Hour-time.Minute))
				if !errors.Is(err, sms.ErrUnavailable) { // ErrUnavailable means that other callers booked first
					return start, err
				}
			}
		}) {
			if a.err != nil {
				t.Fatalf("Book: %v", a.err)
			}
			starts = append(starts, a.got.Sub(now))
		}
		slices.Sort(starts)
		for i, start := range starts {
			if want := time.Duration(i) * time.Second; start != want {
				t.Fatalf("the time number %d begins in %v, want in %v", i, start, want)
			}
		}
	})
}
