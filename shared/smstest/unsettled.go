package smstest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// checkUnsettled waits until exactly these wait for their counterpart.
func (s stage) checkUnsettled(t *testing.T, number sms.Number, want sms.Unsettled) {
	t.Helper()
	sorted := func(u sms.Unsettled) sms.Unsettled {
		slices.Sort(u.MessageIDs)
		slices.SortFunc(u.Receipts, func(a, b sms.KeptReceipt) int { return cmp.Compare(a.ID, b.ID) })
		return u
	}
	want = sorted(want)
	eventually(t, func() string {
		got, err := s.Unsettled(t.Context(), number)
		if err != nil {
			t.Fatalf("Unsettled: %v", err)
		}
		if d := diff(want, sorted(got)); d != "" {
			return "what is unsettled differs (-want +got):\n" + d
		}
		return ""
	})
}

// unanswered is a stored message with a hand-over that got no answer.
func (s stage) unanswered(t *testing.T) sms.Message {
	t.Helper()
	return s.handOver(t, s.create(t, s.message()), sms.Outcome{})
}

func testUnsettled(t *testing.T, open opener) {
	t.Run("nothing is unsettled for a number that nobody used", func(t *testing.T) {
		s := open(t)
		s.unanswered(t)
		s.checkUnsettled(t, newNumber(), sms.Unsettled{})
	})

	t.Run("messages in any other state are not unsettled", func(t *testing.T) {
		s := open(t)
		s.create(t, s.message())
		s.claim(t, s.create(t, s.message()))
		s.sent(t, sms.NewToken())
		s.checkUnsettled(t, s.number, sms.Unsettled{})
	})

	t.Run("a message is unsettled from its unanswered hand-over until it is final", func(t *testing.T) {
		s := open(t)
		m := s.unanswered(t)
		other := s.unanswered(t)
		both := sms.Unsettled{MessageIDs: []string{m.ID, other.ID}}
		s.checkUnsettled(t, s.number, both)

		s.clock.advance(m.NotBefore.Sub(s.clock.now()))
		m = s.claim(t, m) // the next hand-over answers nothing about the one before
		s.checkUnsettled(t, s.number, both)

		m = s.record(t, m, sms.Outcome{CarrierID: sms.NewToken()})
		s.checkUnsettled(t, s.number, both)

		s.receive(t, m, s.receipt(m, sms.VerdictDelivered))
		s.checkUnsettled(t, s.number, sms.Unsettled{MessageIDs: []string{other.ID}})
	})

	t.Run("a late answer settles", func(t *testing.T) {
		s := open(t)
		m := s.unanswered(t)
		s.checkUnsettled(t, s.number, sms.Unsettled{MessageIDs: []string{m.ID}})
		late, _ := s.rules.Record(m, m.HandOvers[0].Token, sms.Outcome{CarrierID: sms.NewToken()}, s.clock.now())
		s.update(t, m, late)
		s.checkUnsettled(t, s.number, sms.Unsettled{})
	})

	t.Run("a message that is unknown is unsettled until a receipt is adopted", func(t *testing.T) {
		s := open(t)
		m := s.message()
		m.OnUnknown = sms.Hold
		m = s.handOver(t, s.create(t, m), sms.Outcome{})
		s.checkUnsettled(t, s.number, sms.Unsettled{MessageIDs: []string{m.ID}})
		rc := s.receipt(m, sms.VerdictDelivered)
		rc.CarrierID = sms.NewToken()
		adopted, changed := s.rules.Adopt(m, m.HandOvers[0].Token, rc, s.clock.now())
		if !changed {
			t.Fatal("the rule does not adopt the receipt")
		}
		m = s.update(t, m, adopted)
		s.checkUnsettled(t, s.number, sms.Unsettled{})
		s.checkFound(t, rc.CarrierID, m.ID)
	})

	t.Run("messages and kept receipts of one number stand side by side", func(t *testing.T) {
		s := open(t)
		m := s.unanswered(t)
		kept := s.keep(t, "one")
		s.checkUnsettled(t, s.number, sms.Unsettled{MessageIDs: []string{m.ID}, Receipts: []sms.KeptReceipt{kept}})
	})

	t.Run("at most a hundred of each are listed", func(t *testing.T) {
		s := open(t)
		const many, most = 105, 100
		race(many, func(i int) (any, error) {
			m := s.message()
			m.HandOvers = []sms.HandOver{{
				Token: sms.NewToken(), At: m.CreatedAt, Until: m.CreatedAt.Add(time.Minute), Answer: sms.AnswerNone,
			}}
			if err := s.Create(t.Context(), m); err != nil {
				t.Errorf("Create: %v", err)
			}
			if err := s.Keep(t.Context(), s.kept(fmt.Sprint(i))); err != nil {
				t.Errorf("Keep: %v", err)
			}
			return nil, nil
		})
		eventually(t, func() string {
			got, err := s.Unsettled(t.Context(), s.number)
			if err != nil {
				t.Fatalf("Unsettled: %v", err)
			}
			if len(got.MessageIDs) != most || len(got.Receipts) != most {
				return fmt.Sprintf("%d messages and %d receipts, want %d of each", len(got.MessageIDs), len(got.Receipts), most)
			}
			return ""
		})
	})
}
