package smstest

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// OpenLossy returns an empty store that uses the given clock, and a function that loses
// one answer. After a call of this function, the store's next write is carried out, but
// the answer to this write is lost. The retry and all later requests get their answers.
// The answer to a read is never lost.
type OpenLossy func(t *testing.T, now func() time.Time) (store sms.Store, lose func())

// TestLostAnswer checks that a store recognizes its own success when its client repeats a
// write whose answer was lost. Each call must succeed and be carried out once.
func TestLostAnswer(t *testing.T, open OpenLossy) {
	start := func(t *testing.T) (stage, func()) {
		t.Helper()
		s := plannedStage()
		var lose func()
		s.Store, lose = open(t, s.clock.Now)
		return s, lose
	}

	t.Run("Create succeeds", func(t *testing.T) {
		s, lose := start(t)
		m := s.message()
		lose()
		s.create(t, m)
		checkSame(t, m, s.get(t, m.ID))
	})

	t.Run("Create replaces a record past its retention", func(t *testing.T) {
		s, lose := start(t)
		old := s.createSent(t, sms.NewToken())
		s.clock.Advance(s.rules.Retention)
		m := s.message()
		m.ID = old.ID
		lose()
		s.create(t, m)
		checkSame(t, m, s.get(t, m.ID))
	})

	testLostClaims(t, start)

	t.Run("Update returns the revision that the record has", func(t *testing.T) {
		s, lose := start(t)
		m := s.claim(t, s.create(t, s.message()))
		lose()
		m = s.record(t, m, sms.Taken(sms.NewToken()))
		checkSame(t, m, s.get(t, m.ID))
		s.checkFound(t, m.ProviderMessageID(), m.ID)
	})

	t.Run("Postpone changes the record once", func(t *testing.T) {
		s, lose := start(t)
		m := s.create(t, s.message())
		e := entryOf(m)
		want := m
		want.Due = e.Postponed(m.Due.At)
		lose()
		got, err := s.Postpone(t.Context(), e, want.Due)
		if err != nil {
			t.Fatalf("Postpone: %v", err)
		}
		checkDiff(t, "the result", want, got, anyRevision)
		checkSame(t, got, s.get(t, m.ID))
	})

	for _, v := range []sms.Verdict{sms.VerdictDelivered, sms.VerdictUndelivered, sms.VerdictVoid} {
		t.Run("ApplyReceipt notes once that the message is "+string(v), func(t *testing.T) {
			s, lose := start(t)
			m := s.createSent(t, sms.NewToken())
			lose()
			s.receive(t, m, s.receipt(m, v))
		})
	}

	t.Run("Book wastes no more than the time whose answer was lost", func(t *testing.T) {
		for _, again := range []bool{false, true} { // the first booking, and one that continues it
			s, lose := start(t)
			booked := time.Duration(0)
			if again {
				s.checkBooked(t, s.booking(time.Second, 0), 0)
				booked = time.Second
			}
			lose()
			s.checkBooked(t, s.booking(time.Second, time.Minute), booked+time.Second)
			s.checkBooked(t, s.booking(time.Second, time.Minute), booked+2*time.Second)
		}
	})

	t.Run("Keep keeps one receipt", func(t *testing.T) {
		s, lose := start(t)
		lose()
		k := s.keep(t, "one")
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{k}})
		s.checkDueReceipts(t, k.Due, 10, k)
	})

	t.Run("Rekeep replaces the receipt", func(t *testing.T) {
		s, lose := start(t)
		k := s.keep(t, "one")
		k.Due, k.Tries = k.Due.Add(time.Minute), 1
		lose()
		s.rekeep(t, k)
		s.checkDueReceipts(t, k.Due, 10, k)
	})

	t.Run("Forget returns no error", func(t *testing.T) {
		s, lose := start(t)
		k := s.keep(t, "one")
		lose()
		if err := s.Forget(t.Context(), k); err != nil {
			t.Errorf("Forget: %v", err)
		}
		s.checkUnmatched(t, s.number, sms.Unmatched{})
	})

	t.Run("SaveBreaker saves, the first time and later", func(t *testing.T) {
		s, lose := start(t)
		for _, detail := range []string{"first", "second"} {
			want := s.breaker(t).Pause(detail, s.clock.Now())
			lose()
			checkDiff(t, "the breaker", want, s.saveBreaker(t, want), anyBreakerRevision)
		}
	})

	t.Run("Count counts once", func(t *testing.T) {
		s, lose := start(t)
		for _, n := range []int{1, 1, -1, 1} {
			lose()
			c := s.count(2)
			c.N = n
			s.checkCount(t, c, nil)
		}
		s.checkCount(t, s.count(2), sms.ErrLimit)
	})
}

func testLostClaims(t *testing.T, start func(*testing.T) (stage, func())) {
	for _, c := range []struct {
		name string
		of   func(s stage) sms.Message
	}{
		{"a queued message", stage.message},
		{"a scheduled message", func(s stage) sms.Message {
			m := s.scheduled(time.Minute)
			s.clock.Advance(time.Minute)
			return m
		}},
		{"a message with the maximum number of events", func(s stage) sms.Message {
			m := s.message()
			m.Events = s.events(sms.MaxEvents)
			return m
		}},
		{"a message tried before", func(s stage) sms.Message {
			m := s.message()
			m.HandOvers = []sms.HandOver{{
				Provider: "fake",
				Token:    sms.NewToken(), At: s.clock.Now(), Until: s.clock.Now(), Answer: sms.AnswerNone,
			}}
			m.Attempts = 1
			return m
		}},
	} {
		t.Run("Claim of "+c.name+" succeeds and counts one attempt", func(t *testing.T) {
			s, lose := start(t)
			m := s.create(t, c.of(s))
			claim := s.rules.NewClaim("fake", s.clock.Now())
			want, err := claim.Apply(m)
			if err != nil {
				t.Fatal(err)
			}
			lose()
			got, err := s.Claim(t.Context(), m.Ref(), claim)
			if err != nil {
				t.Fatalf("Claim: %v", err)
			}
			checkDiff(t, "the claimed record", want, got, anyRevision)
			checkSame(t, got, s.get(t, m.ID))
		})
	}
}
