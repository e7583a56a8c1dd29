package relay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// deadProbe returns a probe whose sender died after the hand-over. A pending receipt
// reports the delivery of the probe.
func (s *stage) deadProbe() sms.Message {
	s.t.Helper()
	m := s.accept(nil)
	b, _ := s.rules.ReportTrouble(sms.Breaker{}, sms.SpendLimit, "", s.now, s.now)
	s.pass(s.rules.FirstProbe)
	b, ok := s.rules.Probe(b, m, s.now)
	if !ok {
		s.t.Fatal("no probe is due")
	}
	s.breaker(b)
	s.claim(m)
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	k := rc.Pending(s.pass(3 * time.Second).now)
	k.Due = time.Time{} // the receipt is not retried any more
	if err := s.store.Keep(s.t.Context(), k); err != nil {
		s.t.Fatal(err)
	}
	s.pass(s.rules.Lease)
	return m
}

func (s *stage) isOpen(want bool) {
	s.t.Helper()
	if b, err := s.store.LoadBreaker(s.t.Context()); err != nil || b.Open != want {
		s.t.Errorf("the breaker is %+v, %v, want open: %t", b, err, want)
	}
}

func (s *stage) countPending() int {
	s.t.Helper()
	unmatched, err := s.store.Unmatched(s.t.Context(), number)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(unmatched.Receipts)
}

func TestAPendingReceiptOfAProbeClosesTheBreaker(t *testing.T) {
	s := newStage(t)
	m := s.deadProbe()
	s.repeat(4)
	s.is(m, sms.Delivered)
	s.isOpen(false)
	if n := s.countPending(); n > 0 {
		t.Errorf("%d receipts are pending, want none", n)
	}
}

type unreachable struct{ *sqlite.DB }

func (unreachable) SaveBreaker(context.Context, sms.Breaker) error { return errBroken }

func TestAPendingReceiptOfAProbeOutlivesABreakerOutOfReach(t *testing.T) {
	s := newStage(t)
	m := s.deadProbe()
	store := unreachable{s.store}
	matcher := receipts.New(store, s.rules, discard, s.clock)
	broken := relay.New(store, s.queue, matcher, s.rules, relay.DefaultOptions(), s.clock, discard)
	failed := 0
	for range 6 {
		if _, err := broken.Run(t.Context()); errors.Is(err, errBroken) {
			failed++
			s.is(m, sms.Delivered)
		}
		s.isOpen(true)
		if n := s.countPending(); n != 1 {
			t.Errorf("%d receipts are pending, want only that of the probe", n)
		}
		s.pass(time.Minute)
	}
	if failed < 2 {
		t.Errorf("%d runs failed, want each run to fail from the first that matches the receipt", failed)
	}
	s.repeat(2)
	s.isOpen(false)
	if n := s.countPending(); n > 0 {
		t.Errorf("%d receipts are pending, want none", n)
	}
}
