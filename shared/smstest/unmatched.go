package smstest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func (s stage) checkUnmatched(t *testing.T, number sms.Number, want sms.Unmatched) {
	t.Helper()
	sorted := func(u sms.Unmatched) sms.Unmatched {
		slices.Sort(u.MessageIDs)
		slices.SortFunc(u.Receipts, func(a, b sms.PendingReceipt) int { return cmp.Compare(a.ID, b.ID) })
		return u
	}
	want = sorted(want)
	eventually(t, func() string {
		got, err := s.Unmatched(t.Context(), number)
		if err != nil {
			t.Fatalf("Unmatched: %v", err)
		}
		if d := diff(want, sorted(got)); d != "" {
			return "the unmatched messages and receipts differ (-want +got):\n" + d
		}
		return ""
	})
}

func (s stage) createUnanswered(t *testing.T) sms.Message {
	t.Helper()
	return s.handOver(t, s.create(t, s.message()), sms.Unanswered())
}

func testUnmatched(t *testing.T, open opener) {
	t.Run("nothing is unmatched for a number that nobody used", func(t *testing.T) {
		s := open(t)
		s.createUnanswered(t)
		s.checkUnmatched(t, newNumber(), sms.Unmatched{})
	})

	t.Run("a message is not unmatched while it is in flight, after it was taken, or with its receipt", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		m = s.claim(t, m)
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		m = s.record(t, m, sms.Taken(sms.NewToken()))
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		m = s.receive(t, m, s.receipt(m, sms.VerdictDelivered))
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		s.receive(t, m, s.receipt(m, sms.VerdictDelivered))
		s.checkUnmatched(t, s.number, sms.Unmatched{})
	})

	t.Run("a scheduled message is unmatched after a hand-over without an answer", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.scheduled(time.Minute))
		s.clock.Advance(time.Minute)
		m = s.claim(t, m)
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		m = s.record(t, m, sms.Unanswered())
		s.checkUnmatched(t, s.number, sms.Unmatched{MessageIDs: []string{m.ID}})
	})

	t.Run("a message is unmatched from the end of its lease", func(t *testing.T) {
		s := open(t)
		m := s.claim(t, s.create(t, s.message()))
		ended, _ := s.rules.EndLease(m, s.clock.Now(), true)
		m = s.update(t, m, ended)
		s.checkUnmatched(t, s.number, sms.Unmatched{MessageIDs: []string{m.ID}})
	})

	for _, c := range []struct {
		name  string
		after func(s stage, m sms.Message) (sms.Message, bool)
	}{
		{"refused for now", func(s stage, m sms.Message) (sms.Message, bool) {
			return s.rules.Record(m, m.LeaseToken, sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow}), s.clock.Now())
		}},
		{"refused for good", func(s stage, m sms.Message) (sms.Message, bool) {
			return s.rules.Record(m, m.LeaseToken, sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForGood}), s.clock.Now())
		}},
	} {
		t.Run("a message that was "+c.name+" is not unmatched", func(t *testing.T) {
			s := open(t)
			m := s.claim(t, s.create(t, s.message()))
			after, _ := c.after(s, m)
			s.update(t, m, after)
			s.checkUnmatched(t, s.number, sms.Unmatched{})
		})
	}

	t.Run("a message that waits again because of trouble with the account is not unmatched", func(t *testing.T) {
		s := open(t)
		m := s.createSent(t, sms.NewToken())
		m = s.receive(t, m, s.receipt(m, sms.VerdictVoid))
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		s.clock.Advance(m.NotBefore.Sub(s.clock.Now()))
		s.claim(t, m)
		s.checkUnmatched(t, s.number, sms.Unmatched{})
	})

	t.Run("a delivered message stays unmatched until its unanswered hand-over gets its receipt", func(t *testing.T) {
		s := open(t)
		m := s.createUnanswered(t)
		other := s.createUnanswered(t)
		both := sms.Unmatched{MessageIDs: []string{m.ID, other.ID}}
		s.checkUnmatched(t, s.number, both)

		late := m.HandOvers[0].Token
		s.clock.Advance(m.NotBefore.Sub(s.clock.Now()))
		m = s.handOver(t, m, sms.Taken(sms.NewToken()))
		s.checkUnmatched(t, s.number, both)
		m = s.receive(t, m, s.receipt(m, sms.VerdictDelivered))
		s.checkUnmatched(t, s.number, both)

		rc := s.receipt(m, sms.VerdictDelivered)
		rc.ProviderMessageID = sms.NewToken()
		matched, changed := s.rules.ApplyMatched(m, late, rc, s.clock.Now())
		if !changed || matched.Status != sms.Delivered {
			t.Fatal("ApplyMatched did not change the message")
		}
		s.update(t, m, matched)
		s.checkUnmatched(t, s.number, sms.Unmatched{MessageIDs: []string{other.ID}})
	})

	t.Run("a message stays unmatched after a late answer, until its receipt", func(t *testing.T) {
		s := open(t)
		m := s.createUnanswered(t)
		late, _ := s.rules.Record(m, m.HandOvers[0].Token, sms.Taken(sms.NewToken()), s.clock.Now())
		m = s.update(t, m, late)
		s.checkUnmatched(t, s.number, sms.Unmatched{MessageIDs: []string{m.ID}})
		s.receive(t, m, s.receipt(m, sms.VerdictDelivered))
		s.checkUnmatched(t, s.number, sms.Unmatched{})
	})

	t.Run("a message that is unknown is unmatched until a receipt is matched", func(t *testing.T) {
		s := open(t)
		m := s.message()
		m.OnUnknown = sms.Hold
		m = s.handOver(t, s.create(t, m), sms.Unanswered())
		s.checkUnmatched(t, s.number, sms.Unmatched{MessageIDs: []string{m.ID}})
		rc := s.receipt(m, sms.VerdictDelivered)
		rc.ProviderMessageID = sms.NewToken()
		matched, changed := s.rules.ApplyMatched(m, m.HandOvers[0].Token, rc, s.clock.Now())
		if !changed {
			t.Fatal("ApplyMatched did not change the message")
		}
		m = s.update(t, m, matched)
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		s.checkFound(t, rc.ProviderMessageID, m.ID)
	})

	t.Run("messages and pending receipts of one number are listed together", func(t *testing.T) {
		s := open(t)
		m := s.createUnanswered(t)
		k := s.keep(t, "one")
		s.checkUnmatched(t, s.number, sms.Unmatched{MessageIDs: []string{m.ID}, Receipts: []sms.PendingReceipt{k}})
	})

	t.Run("a hundred messages and receipts are all listed", func(t *testing.T) {
		s := open(t)
		s.fill(t, sms.MaxUnmatched)
		s.checkCounts(t, sms.MaxUnmatched, false)
	})

	t.Run("of more messages and receipts, at most a hundred are listed, and More is set", func(t *testing.T) {
		s := open(t)
		s.fill(t, sms.MaxUnmatched+5)
		s.checkCounts(t, sms.MaxUnmatched, true)
	})
}

func (s stage) fill(t *testing.T, n int) {
	t.Helper()
	race(n, func(i int) (any, error) {
		m := s.message()
		m.HandOvers = []sms.HandOver{{
			Provider: "fake",
			Token:    sms.NewToken(), At: m.CreatedAt, Until: m.CreatedAt.Add(time.Minute), Answer: sms.AnswerNone,
		}}
		if err := s.Create(t.Context(), m); err != nil {
			t.Errorf("Create: %v", err)
		}
		if err := s.Keep(t.Context(), s.newPending(fmt.Sprint(i))); err != nil {
			t.Errorf("Keep: %v", err)
		}
		return nil, nil
	})
}

// checkCounts waits until Unmatched returns the wanted number of messages, the same
// number of receipts, and the wanted value of More. If More must be true, one of the two
// lists is allowed to be shorter.
func (s stage) checkCounts(t *testing.T, want int, more bool) {
	t.Helper()
	eventually(t, func() string {
		got, err := s.Unmatched(t.Context(), s.number)
		if err != nil {
			t.Fatalf("Unmatched: %v", err)
		}
		messages, receipts := len(got.MessageIDs), len(got.Receipts)
		short := messages != want || receipts != want
		if more {
			short = max(messages, receipts) != want
		}
		if short || got.More != more {
			return fmt.Sprintf("listed: %d messages, %d receipts, More %v; want %d of each, More %v", messages, receipts, got.More, want, more)
		}
		return ""
	})
}
