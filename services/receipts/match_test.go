package receipts_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func (s *stage) keep(rc sms.Receipt) {
	s.t.Helper()
	if got, err := s.receipts.Apply(s.t.Context(), rc); got != receipts.Pending || err != nil {
		s.t.Fatalf("Apply = %q, %v, want %q", got, err, receipts.Pending)
	}
}

func TestAReceiptThatCameBeforeItsAnswerIsNotAnOlderMessages(t *testing.T) {
	s := newStage(t)
	older := s.unanswered(number, sms.Hold)
	s.now = s.now.Add(24 * time.Hour)
	m, token := s.handedOver(number, sms.Resend)
	s.keep(sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered})
	s.retryDue()
	s.record(m, token, sms.Taken("c-1"))
	s.retryDue()
	if got := s.get(older).Status; got != sms.Unknown {
		t.Errorf("the older message is %s, want %s", got, sms.Unknown)
	}
	if got := s.get(m.ID).Status; got != sms.Delivered {
		t.Errorf("the message is %s, want %s", got, sms.Delivered)
	}
}

var unnamed = sms.Receipt{Provider: "fake", Number: number, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit, Detail: "No quota left for account"}

func TestAReceiptThatNamesNoMessageChangesNone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stage func(s *stage) (id string)
	}{
		{"sent", func(s *stage) string { return s.sent(number, "c-1").ID }},
		{"sent and held", func(s *stage) string {
			m, token := s.handedOver(number, sms.Hold)
			return s.record(m, token, sms.Taken("c-1")).ID
		}},
		{"in flight", func(s *stage) string { m, _ := s.handedOver(number, sms.Resend); return m.ID }},
		{"unknown", func(s *stage) string { return s.unanswered(number, sms.Hold) }},
		{"waiting for its next hand-over", func(s *stage) string { return s.unanswered(number, sms.Resend) }},
	} {
		for _, verdict := range []sms.Verdict{sms.VerdictVoid, sms.VerdictDelivered} {
			t.Run(tt.name+", "+string(verdict), func(t *testing.T) {
				s := newStage(t)
				before := s.get(tt.stage(s))
				rc := unnamed
				if rc.Verdict = verdict; verdict != sms.VerdictVoid {
					rc.Trouble = ""
				}
				if got, err := s.receipts.Apply(t.Context(), rc); got != receipts.Unnamed || err != nil {
					t.Errorf("Apply = %q, %v, want %q", got, err, receipts.Unnamed)
				}
				if n := s.retryDue() + len(s.pending(number)); n > 0 {
					t.Errorf("%d receipts are kept, want none", n)
				}
				if diff := cmp.Diff(before, s.get(before.ID)); diff != "" {
					t.Errorf("the message changed (-before +after):\n%s", diff)
				}
				if open := s.breaker().Open; open != (verdict == sms.VerdictVoid) {
					t.Errorf("the breaker is open: %t, want open only after a void receipt", open)
				}
			})
		}
	}
}

func TestAReceiptMayNameAnotherFormOfTheNumber(t *testing.T) {
	s := newStage(t)
	m := s.unanswered("+5491123456789", sms.Hold)
	s.keep(sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: "+541123456789", At: s.now, Verdict: sms.VerdictDelivered})
	s.retryDue()
	if got := s.get(m).Status; got != sms.Delivered {
		t.Errorf("the message is %s, want %s", got, sms.Delivered)
	}
}

func TestAReceiptGoesToNoOtherMessageWhileItsOwnIsInFlight(t *testing.T) {
	s := newStage(t)
	older := s.unanswered(number, sms.Hold)
	m, token := s.handedOver(number, sms.Resend)
	s.keep(delivered("c-1", s.now))
	s.now = s.now.Add(10 * time.Minute)
	s.retryAll(m.HandOvers[0].At)
	if got := s.get(older).Status; got != sms.Unknown {
		t.Errorf("the older message is %s, want %s", got, sms.Unknown)
	}
	s.record(m, token, sms.Taken("c-1"))
	s.retryAll(s.now)
	if got := s.get(m.ID).Status; got != sms.Delivered {
		t.Errorf("the message is %s, want %s", got, sms.Delivered)
	}
	if got := s.get(older).Status; got != sms.Unknown {
		t.Errorf("the older message is %s, want %s", got, sms.Unknown)
	}
}

// lagging is a store whose index of provider message ids never shows a write.
type lagging struct{ *sqlite.DB }

func (lagging) FindByProviderRef(context.Context, sms.ProviderRef) (string, error) {
	return "", sms.ErrNotFound
}

func TestALateAnswerIsSeenThoughTheIndexOfIDsLags(t *testing.T) {
	s := newStage(t)
	older := s.unanswered(number, sms.Hold)
	m, token := s.handedOver(number, sms.Resend)
	s.keep(delivered("c-1", s.now))
	s.now = s.now.Add(s.rules.Lease)
	m = s.update(m, func(m sms.Message) (sms.Message, bool) { return s.rules.EndLease(m, s.now, false) })
	s.record(m, token, sms.Taken("c-1"))
	s.useStore(lagging{s.store})
	s.retryAll(s.now)
	if got := s.get(older).Status; got != sms.Unknown {
		t.Errorf("the older message is %s, want %s", got, sms.Unknown)
	}
	if got := s.get(m.ID).Status; got != sms.Delivered {
		t.Errorf("the message is %s, want %s", got, sms.Delivered)
	}
}

func TestAReceiptOfAMessageThatEndedIsNoOtherMessages(t *testing.T) {
	s := newStage(t)
	ended, token := s.handedOver(number, sms.Resend)
	s.record(ended, token, sms.Unanswered())
	s.keep(sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered})
	other := s.unanswered(number, sms.Hold)
	s.now = s.now.Add(time.Minute)
	claim := s.rules.NewClaim("fake", s.now)
	m, err := s.store.Claim(t.Context(), ended.Ref(), claim)
	if err != nil {
		t.Fatal(err)
	}
	s.record(m, claim.Token, sms.Taken("c-2"))
	delivered := sms.Receipt{Provider: "fake", ProviderMessageID: "c-2", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if got, err := s.receipts.Apply(t.Context(), delivered); got != receipts.Applied || err != nil {
		t.Fatalf("Apply = %q, %v", got, err)
	}
	s.retryDue()
	if got := s.get(other).Status; got != sms.Unknown {
		t.Errorf("the other message is %s, want %s", got, sms.Unknown)
	}
}

func TestWhichUnansweredHandOverAReceiptFits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stage func(s *stage, first string)
		want  bool
	}{
		{"the only unanswered hand-over", func(s *stage, _ string) { s.keep(delivered("c-1", s.now)) }, true},
		{"the only unanswered hand-over, three days old", func(s *stage, _ string) {
			at := s.now
			s.now = s.now.Add(72 * time.Hour)
			s.keep(delivered("c-1", at))
		}, true},
		{"the only unanswered hand-over, beside one that was taken", func(s *stage, _ string) {
			s.sent(number, "c-2")
			s.keep(delivered("c-1", s.now))
		}, true},
		{"not a hand-over that began after the receipt came", func(s *stage, _ string) {
			rc := delivered("c-1", s.now.Add(3*time.Second)) // the provider's clock is ahead
			now := s.now
			s.now = s.now.Add(-2 * time.Second)
			s.keep(rc)
			s.now = now
		}, false},
		{"not one of two unanswered hand-overs", func(s *stage, _ string) {
			s.unanswered(number, sms.Hold)
			s.keep(delivered("c-1", s.now))
		}, false},
		{"not if it also fits an unanswered hand-over of a delivered message", func(s *stage, _ string) {
			m := s.get(s.unanswered(number, sms.Resend))
			s.keep(delivered("c-1", s.now))
			s.now = m.NotBefore
			s.handOverAgain(m, "c-2")
			s.mustApply(delivered("c-2", s.now))
		}, false},
		{"not one of two hand-overs of one message", func(s *stage, _ string) {
			m := s.get(s.unanswered(number, sms.Resend))
			s.now = m.NotBefore
			claim := s.rules.NewClaim("fake", s.now)
			if _, err := s.store.Claim(s.t.Context(), m.Ref(), claim); err != nil {
				s.t.Fatal(err)
			}
			s.record(m, claim.Token, sms.Unanswered())
			s.keep(delivered("c-1", s.now))
		}, false},
		{"not while another receipt fits the same hand-over", func(s *stage, _ string) {
			s.keep(delivered("c-2", s.now))
			s.keep(delivered("c-1", s.now))
		}, false},
		{"not while a receipt without a time may fit the same hand-over", func(s *stage, _ string) {
			s.keep(delivered("c-2", time.Time{}))
			s.keep(delivered("c-1", s.now))
		}, false},
		{"not by a receipt without a time", func(s *stage, _ string) { s.keep(delivered("c-1", time.Time{})) }, false},
		{"not by a receipt that is too old", func(s *stage, _ string) { s.keep(delivered("c-1", s.now.Add(-6*time.Second))) }, false},
		{"not by a receipt that is too new", func(s *stage, _ string) {
			at := s.now.Add(s.rules.Lease + 6*time.Second)
			s.now = at
			s.keep(delivered("c-1", at))
		}, false},
		{"not by another provider's receipt", func(s *stage, _ string) {
			rc := delivered("c-1", s.now)
			rc.Provider = "other"
			s.keep(rc)
		}, false},
		{"not if the store does not list all hand-overs", func(s *stage, _ string) {
			for range sms.MaxUnmatched {
				s.unanswered(number, sms.Hold)
				s.now = s.now.Add(10 * time.Minute)
			}
			s.keep(delivered("c-1", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			first := s.unanswered(number, sms.Hold)
			tt.stage(s, first)
			s.now = s.now.Add(10 * time.Minute)
			s.retryAll(s.now)
			if got := s.get(first).Status; (got == sms.Delivered) != tt.want {
				t.Errorf("the message is %s, want the receipt matched: %t", got, tt.want)
			}
		})
	}
}

func TestSettleWaitsForWhatMayBeMatchedSoon(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cutoff time.Duration // measured from the beginning of the hand-over
		stage  func(s *stage)
		want   sms.Status
		wait   bool
	}{
		{"nothing is pending", 0, func(*stage) {}, sms.Queued, false},
		{"a ripe receipt", 5 * time.Second, func(s *stage) { s.keep(delivered("c-1", s.now)) }, sms.Delivered, false},
		{"a receipt that is not ripe", 5*time.Second - time.Millisecond, func(s *stage) { s.keep(delivered("c-1", s.now)) }, sms.Queued, true},
		{"a receipt that fits no hand-over of the message", 0, func(s *stage) { s.keep(delivered("c-1", s.now.Add(-time.Minute))) }, sms.Queued, false},
		{"two ripe receipts", 5 * time.Second, func(s *stage) {
			s.keep(delivered("c-1", s.now))
			s.keep(delivered("c-2", s.now))
		}, sms.Queued, false},
		{"two ripe receipts, one for another message", 5 * time.Second, func(s *stage) {
			m, token := s.handedOver(number, sms.Resend)
			s.keep(delivered("c-1", s.now))
			s.keep(delivered("c-2", s.now))
			s.record(m, token, sms.Taken("c-2"))
		}, sms.Delivered, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			m := s.get(s.unanswered(number, sms.Resend))
			tt.stage(s)
			cutoff := m.HandOvers[0].At.Add(tt.cutoff)
			s.now = s.now.Add(10 * time.Minute)
			for range 2 { // run it twice, because in the first run the receipts can come in the wrong order
				var wait bool
				var err error
				if m, wait, err = s.receipts.Settle(t.Context(), m, cutoff); err != nil || wait != tt.wait {
					t.Fatalf("Settle returned wait %t and error %v, want wait %t", wait, err, tt.wait)
				}
			}
			if got := s.get(m.ID); got.Status != tt.want || m.Status != tt.want {
				t.Errorf("the message is %s, and Settle returned it as %s; want %s", got.Status, m.Status, tt.want)
			}
		})
	}
	t.Run("a receipt that was never due again becomes due", func(t *testing.T) {
		s := newStage(t)
		m := s.get(s.unanswered(number, sms.Hold))
		k := delivered("c-1", s.now).Pending(s.now)
		k.Due = time.Time{}
		if err := s.store.Keep(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if _, wait, err := s.receipts.Settle(t.Context(), m, time.Time{}); err != nil || !wait {
			t.Fatalf("Settle returned wait %t and error %v, want wait true", wait, err)
		}
		s.retryDue()
		if got := s.get(m.ID).Status; got != sms.Delivered {
			t.Errorf("the message is %s, want %s", got, sms.Delivered)
		}
	})
}

func TestAForeignReceiptWithoutATimeSettlesNothingOld(t *testing.T) {
	s := newStage(t)
	id := s.unanswered(number, sms.Hold)
	s.now = s.now.Add(20 * 24 * time.Hour)
	s.keep(sms.Receipt{Provider: "fake", ProviderMessageID: "c-foreign", Number: number, Verdict: sms.VerdictUndelivered, Failure: sms.Unreachable})
	s.retryDue()
	if got := s.get(id).Status; got != sms.Unknown {
		t.Errorf("the message is %s, want %s", got, sms.Unknown)
	}
}

type counting struct {
	*sqlite.DB
	reads int
}

func (c *counting) Get(ctx context.Context, id string) (sms.Message, error) {
	c.reads++
	return c.DB.Get(ctx, id)
}

func (c *counting) Unmatched(ctx context.Context, n sms.Number) (sms.Unmatched, error) {
	c.reads++
	return c.DB.Unmatched(ctx, n)
}

func TestSettleReadsEachMessageOfANumberOnce(t *testing.T) {
	s := newStage(t)
	const n = 20
	var m sms.Message
	for i := range n {
		m = s.get(s.unanswered(number, sms.Resend))
		s.keep(delivered(fmt.Sprint("c-", i), s.now))
	}
	c := &counting{DB: s.store}
	s.useStore(c)
	s.now = s.now.Add(10 * time.Minute)
	if _, wait, err := s.receipts.Settle(t.Context(), m, s.now); wait || err != nil || c.reads != n+1 {
		t.Errorf("Settle made %d reads and returned wait %v, %v; want %d reads: the list and each message", c.reads, wait, err, n+1)
	}
}

func TestSettleDoesNotWaitForReceiptsWithoutATime(t *testing.T) {
	s := newStage(t)
	m := s.get(s.unanswered(number, sms.Resend))
	s.keep(delivered("c-1", time.Time{}))
	if _, wait, err := s.receipts.Settle(t.Context(), m, time.Time{}); wait || err != nil {
		t.Errorf("Settle returned wait %v, %v; want no wait, because this receipt is never matched by its number", wait, err)
	}
}
