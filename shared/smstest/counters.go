package smstest

import (
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func (s stage) count(limit int) sms.Count {
	return sms.CountMessage(s.owner, s.number, limit, s.clock.Now())
}

func (s stage) checkCount(t *testing.T, c sms.Count, want error) {
	t.Helper()
	if err := s.Count(t.Context(), c); !errors.Is(err, want) {
		t.Fatalf("Count of %d with the limit %d: %v, want %v", c.N, c.Limit, err, want)
	}
}

func testCounters(t *testing.T, open opener) {
	t.Run("a counter never exceeds its limit", func(t *testing.T) {
		s := open(t)
		parts := func(n int) sms.Count { return sms.CountParts(s.owner, n, 10, s.clock.Now()) }
		s.checkCount(t, parts(11), sms.ErrLimit)
		s.checkCount(t, parts(6), nil)
		s.checkCount(t, parts(5), sms.ErrLimit)
		s.checkCount(t, parts(3), nil)
		s.checkCount(t, parts(2), sms.ErrLimit)
		s.checkCount(t, parts(1), nil)
		s.checkCount(t, parts(1), sms.ErrLimit)
	})

	t.Run("each call has its own limit", func(t *testing.T) {
		s := open(t)
		s.checkCount(t, s.count(1), nil)
		s.checkCount(t, s.count(1), sms.ErrLimit)
		s.checkCount(t, s.count(2), nil)
		s.checkCount(t, s.count(0), sms.ErrLimit)
	})

	t.Run("a try is refused if the count would be refused, and counts nothing", func(t *testing.T) {
		s := open(t)
		s.checkCount(t, s.count(0).Try(), sms.ErrLimit)
		s.checkCount(t, s.count(1).Try(), nil)
		s.checkCount(t, s.count(1).Try(), nil)
		s.checkCount(t, s.count(1), nil)
		s.checkCount(t, s.count(1).Try(), sms.ErrLimit)
		s.checkCount(t, s.count(2), nil)
	})

	t.Run("a count can be given back at any limit, and counted again", func(t *testing.T) {
		s := open(t)
		s.checkCount(t, s.count(1), nil)
		s.checkCount(t, s.count(0).GiveBack(), nil)
		s.checkCount(t, s.count(1), nil)
		s.checkCount(t, s.count(1), sms.ErrLimit)
	})

	t.Run("each owner, number, kind and window has its own counter", func(t *testing.T) {
		s := open(t)
		now := s.clock.Now()
		for _, c := range []sms.Count{
			sms.CountMessage(s.owner, s.number, 1, now),
			sms.CountMessage(s.owner+"0", s.number, 1, now),
			sms.CountMessage(s.owner, newNumber(), 1, now),
			sms.CountMessage(s.owner, s.number, 1, now.Add(time.Hour)),
			sms.CountParts(s.owner, 1, 1, now),
			sms.CountParts(s.owner, 1, 1, now.Add(24*time.Hour)),
		} {
			s.checkCount(t, c, nil)
			s.checkCount(t, c, sms.ErrLimit)
		}
	})

	t.Run("concurrent counts reach exactly the limit", func(t *testing.T) {
		s := open(t)
		const limit = raceCallers / 2
		counted := 0
		for _, a := range race(raceCallers, func(int) (sms.Message, error) {
			return sms.Message{}, s.Count(t.Context(), s.count(limit))
		}) {
			switch {
			case a.err == nil:
				counted++
			case !errors.Is(a.err, sms.ErrLimit):
				t.Errorf("Count: %v", a.err)
			}
		}
		if counted != limit {
			t.Errorf("%d messages were counted, want %d", counted, limit)
		}
		s.checkCount(t, s.count(limit), sms.ErrLimit)
	})
}
