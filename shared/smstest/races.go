package smstest

import (
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func testRaces(t *testing.T, open opener) {
	t.Run("of concurrent creations of one id, one wins and the others get its record", func(t *testing.T) {
		s := open(t)
		id := sms.NewID()
		won, lost := oneWinner(t, race(raceCallers, func(int) (sms.Message, error) {
			m := s.message()
			m.ID = id
			return m, s.Create(t.Context(), m)
		}))
		for _, err := range lost {
			checkConflict(t, err, won)
		}
		checkDiff(t, "the record", won, s.get(t, id))
	})

	t.Run("concurrent creations of one id with one nonce all succeed", func(t *testing.T) {
		s := open(t)
		m := s.message()
		for _, a := range race(raceCallers, func(int) (sms.Message, error) { return m, s.Create(t.Context(), m) }) {
			if a.err != nil {
				t.Errorf("Create: %v", a.err)
			}
		}
		checkDiff(t, "the record", m, s.get(t, m.ID))
	})

	t.Run("of concurrent claims, one wins", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		won, lost := oneWinner(t, race(raceCallers, func(int) (sms.Message, error) {
			return s.Claim(t.Context(), m.Ref(), s.rules.NewClaim("fake", s.clock.Now()))
		}))
		for _, err := range lost {
			checkNotWaiting(t, err, won)
		}
		checkDiff(t, "the record", won, s.get(t, m.ID))
	})

	t.Run("of concurrent claims of a scheduled message, one wins", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.scheduled(time.Minute))
		s.clock.Advance(time.Minute)
		won, lost := oneWinner(t, race(raceCallers, func(int) (sms.Message, error) {
			return s.Claim(t.Context(), m.Ref(), s.rules.NewClaim("fake", s.clock.Now()))
		}))
		for _, err := range lost {
			checkNotWaiting(t, err, won)
		}
		checkDiff(t, "the record", won, s.get(t, m.ID))
	})

	t.Run("of concurrent updates of one revision, one wins and the others get its record", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		won, lost := oneWinner(t, race(raceCallers, func(int) (sms.Message, error) {
			next := m
			next.Reference = sms.NewToken()
			return s.Update(t.Context(), m, next)
		}))
		for _, err := range lost {
			checkConflict(t, err, won)
		}
		checkDiff(t, "the record", won, s.get(t, m.ID))
	})

	t.Run("of a concurrent claim and cancellation, one wins", func(t *testing.T) {
		s := open(t)
		for range 10 {
			m := s.create(t, s.message())
			canceled, _, err := s.rules.Cancel(m, s.clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			won, _ := oneWinner(t, race(2, func(i int) (sms.Message, error) {
				if i == 0 {
					return s.Update(t.Context(), m, canceled)
				}
				return s.Claim(t.Context(), m.Ref(), s.rules.NewClaim("fake", s.clock.Now()))
			}))
			checkDiff(t, "the record", won, s.get(t, m.ID))
		}
	})

	t.Run("of concurrent calls that postpone one entry, one wins", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		e := entryOf(m)
		next := e.Postponed(m.Due.At)
		won, lost := oneWinner(t, race(raceCallers, func(int) (sms.Message, error) {
			return s.Postpone(t.Context(), e, next)
		}))
		for _, err := range lost {
			checkConflict(t, err, won)
		}
		checkDiff(t, "the record", won, s.get(t, m.ID))
	})

	t.Run("of concurrent calls that save the breaker, one wins", func(t *testing.T) {
		s := open(t)
		for range 2 { // no breaker is saved before the first race
			before, err := s.LoadBreaker(t.Context())
			if err != nil {
				t.Fatalf("LoadBreaker: %v", err)
			}
			won, lost := oneWinner(t, race(raceCallers, func(int) (sms.Breaker, error) {
				next := before.Pause(sms.NewToken(), s.clock.Now())
				return next, s.SaveBreaker(t.Context(), next)
			}))
			for _, err := range lost {
				if !errors.Is(err, sms.ErrConflict) {
					t.Errorf("SaveBreaker: %v, want ErrConflict", err)
				}
			}
			checkDiff(t, "the breaker", won, s.breaker(t), anyBreakerRevision)
		}
	})

	t.Run("of concurrent receipts, none is lost", func(t *testing.T) {
		s := open(t)
		m := s.createSent(t, sms.NewToken())
		const receipts = 8
		for _, a := range race(receipts, func(int) (sms.Message, error) {
			return s.ApplyReceipt(t.Context(), s.rules, m.ID, s.receipt(m, sms.VerdictDelivered), s.clock.Now())
		}) {
			if a.err != nil {
				t.Errorf("Receive: %v", a.err)
			}
		}
		got := s.get(t, m.ID)
		if got.Status != sms.Delivered || len(got.Events) != len(m.Events)+receipts {
			t.Errorf("the message is %s with %d events, want delivered with %d", got.Status, len(got.Events), len(m.Events)+receipts)
		}
	})
}

func checkNotWaiting(t *testing.T, err error, current sms.Message) {
	t.Helper()
	refused, ok := errors.AsType[*sms.NotClaimableError](err)
	if !ok || refused.Reason != sms.NotWaiting {
		t.Fatalf("Claim: %v, want a *NotClaimableError: %s", err, sms.NotWaiting)
	}
	checkDiff(t, "the record in the error", current, refused.Current)
}
