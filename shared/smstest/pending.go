package smstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func (s stage) newPending(detail string) sms.PendingReceipt {
	rc := sms.Receipt{
		Provider:          "fake",
		ProviderMessageID: sms.NewToken(), Number: s.number, At: s.clock.Now().Add(-time.Second),
		Verdict: sms.VerdictVoid, Evidence: sms.ByCarrier, Failure: sms.Spam, Trouble: sms.AccountReview,
		Detail: detail, Price: 12, Parts: 3,
	}
	return rc.Pending(s.clock.Now())
}

func (s stage) keep(t *testing.T, detail string) sms.PendingReceipt {
	t.Helper()
	k := s.newPending(detail)
	s.store(t, k)
	return k
}

func (s stage) store(t *testing.T, k sms.PendingReceipt) {
	t.Helper()
	if err := s.Keep(t.Context(), k); err != nil {
		t.Fatalf("Keep: %v", err)
	}
}

func (s stage) rekeep(t *testing.T, k sms.PendingReceipt) {
	t.Helper()
	if err := s.Rekeep(t.Context(), k); err != nil {
		t.Fatalf("Rekeep: %v", err)
	}
}

// The receipts must come in the given order.
func (s stage) checkDueReceipts(t *testing.T, until time.Time, limit int, want ...sms.PendingReceipt) {
	t.Helper()
	eventually(t, func() string {
		got, err := s.DueReceipts(t.Context(), time.Time{}, until, limit)
		if err != nil {
			t.Fatalf("DueReceipts: %v", err)
		}
		if d := diff(want, got); d != "" {
			return "the due receipts differ (-want +got):\n" + d
		}
		return ""
	})
}

func testReceiptKeeper(t *testing.T, open opener) {
	t.Run("a pending receipt is read as it was written", func(t *testing.T) {
		s := open(t)
		k := s.keep(t, "Pas de crédit — «✓»")
		bare := sms.Receipt{Provider: "fake", Number: s.number, Verdict: sms.VerdictUndelivered}.Pending(s.clock.Now())
		bare.Due = time.Time{}
		s.store(t, bare)
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{k, bare}})
		s.checkDueReceipts(t, k.Due, 10, k)
	})

	t.Run("keeping a receipt again replaces it, including its next look-up", func(t *testing.T) {
		s := open(t)
		k := s.keep(t, "one")
		again := k
		again.Due, again.Tries = k.Due.Add(time.Minute), 1
		s.rekeep(t, again)
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{again}})
		s.checkDueReceipts(t, again.Due.Add(-time.Millisecond), 10)
		s.checkDueReceipts(t, again.Due, 10, again)

		again.Due, again.Tries = time.Time{}, 2
		s.rekeep(t, again)
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{again}})
		s.checkDueReceipts(t, s.farAhead(), 10)
	})

	t.Run("keeping the same receipt twice keeps it once", func(t *testing.T) {
		s := open(t)
		k := s.keep(t, "one")
		s.store(t, k)
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{k}})
		s.checkDueReceipts(t, k.Due, 10, k)
	})

	t.Run("a forgotten receipt is gone, and forgetting it again returns no error", func(t *testing.T) {
		s := open(t)
		k, other := s.keep(t, "one"), s.keep(t, "two")
		for range 2 {
			if err := s.Forget(t.Context(), k); err != nil {
				t.Fatalf("Forget: %v", err)
			}
		}
		if err := s.Forget(t.Context(), s.newPending("never kept")); err != nil {
			t.Errorf("Forget of a receipt that was never kept: %v", err)
		}
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{other}})
		s.checkDueReceipts(t, other.Due, 10, other)
	})

	t.Run("a forgotten receipt does not come back when its retry is postponed", func(t *testing.T) {
		s := open(t)
		k := s.keep(t, "one")
		if err := s.Forget(t.Context(), k); err != nil {
			t.Fatalf("Forget: %v", err)
		}
		k.Due, k.Tries = k.Due.Add(time.Minute), 1
		s.rekeep(t, k)
		s.rekeep(t, s.newPending("never kept"))
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		s.checkDueReceipts(t, s.farAhead(), 10)
	})

	t.Run("due receipts come oldest first, up to the limit and until the given time", func(t *testing.T) {
		s := open(t)
		var all []sms.PendingReceipt
		for i := range 6 {
			all = append(all, s.newPending(fmt.Sprint(i)))
			all[i].Receipt.Number = newNumber()
			all[i].Due = s.clock.Now().Add(time.Duration(i) * time.Millisecond)
		}
		for _, i := range []int{3, 0, 5, 1, 4, 2} {
			s.store(t, all[i])
		}
		s.checkDueReceipts(t, s.farAhead(), 10, all...)
		s.checkDueReceipts(t, s.farAhead(), 2, all[:2]...)
		s.checkDueReceipts(t, all[3].Due, 10, all[:4]...)
		s.checkDueReceipts(t, all[0].Due.Add(-time.Millisecond), 10)
	})

	t.Run("a pending receipt is absent after its retention", func(t *testing.T) {
		s := open(t)
		k := s.keep(t, "one")
		s.clock.Advance(sms.PendingFor - time.Millisecond)
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{k}})
		s.clock.Advance(time.Millisecond)
		s.checkUnmatched(t, s.number, sms.Unmatched{})
		s.checkDueReceipts(t, s.farAhead(), 10)
		if err := s.Forget(t.Context(), k); err != nil {
			t.Errorf("Forget: %v", err)
		}
	})

	t.Run("receipts past their retention hide no due receipt", func(t *testing.T) {
		for _, tc := range []struct {
			name string
			ago  time.Duration // how long ago the retention of the first 120 receipts ended
		}{
			{"a moment ago", 0},
			{"an hour ago", time.Hour},
		} {
			t.Run(tc.name, func(t *testing.T) {
				s := open(t)
				for i := range 120 {
					s.keep(t, fmt.Sprint("dead ", i))
				}
				s.clock.Advance(sms.PendingFor + tc.ago)
				var due []sms.PendingReceipt
				for i := range 6 {
					due = append(due, s.newPending(fmt.Sprint("due ", i)))
					due[i].Due = s.clock.Now().Add(time.Duration(i) * time.Millisecond)
					s.store(t, due[i])
				}
				s.checkDueReceipts(t, s.farAhead(), 3, due[:3]...)
			})
		}
	})
}
