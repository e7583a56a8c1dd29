package receipts_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// keep applies rc, which must match nothing yet.
func (s *stage) keep(rc sms.Receipt) {
	s.t.Helper()
	if got, err := s.receipts.Apply(s.t.Context(), rc); got != receipts.Kept || err != nil {
		s.t.Fatalf("Apply = %q, %v, want %q", got, err, receipts.Kept)
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

// unnamed is a receipt of trouble of which only number and words are there.
var unnamed = sms.Receipt{Provider: "fake", Number: number, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit, Detail: "No quota left for account"}

func TestAReceiptThatNamesNoMessageChangesNone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stage func(s *stage) (id string)
	}{
		{"sent", func(s *stage) string { return s.sent(number, "c-1").ID }},
		{"in flight", func(s *stage) string { m, _ := s.handedOver(number, sms.Resend); return m.ID }},
		{"unknown", func(s *stage) string { return s.unanswered(number, sms.Hold) }},
		{"waiting to be sent again", func(s *stage) string { return s.unanswered(number, sms.Resend) }},
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
				if n := s.retryDue() + len(s.kept(number)); n > 0 {
					t.Errorf("%d receipts are kept, want none", n)
				}
				if diff := cmp.Diff(before, s.get(before.ID)); diff != "" {
					t.Errorf("the message changed (-before +after):\n%s", diff)
				}
				if open := s.breaker().Open; open != (verdict == sms.VerdictVoid) {
					t.Errorf("the breaker is open: %t", open)
				}
			})
		}
	}
}

func TestAReceiptGoesToNoOtherMessageWhileItsOwnIsInFlight(t *testing.T) {
	s := newStage(t)
	older := s.unanswered(number, sms.Hold)
	m, token := s.handedOver(number, sms.Resend)
	s.keep(sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered})
	s.now = s.now.Add(10 * time.Second)
	for _, k := range s.kept(number) {
		if err := s.receipts.Retry(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.get(older).Status; got != sms.Unknown {
		t.Errorf("the older message is %s, want %s", got, sms.Unknown)
	}
	s.record(m, token, sms.Taken("c-1"))
	s.retryDue()
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

func TestAForeignReceiptWithoutATimeSettlesNothingOld(t *testing.T) {
	s := newStage(t)
	id := s.unanswered(number, sms.Hold)
	s.now = s.now.Add(20 * 24 * time.Hour)
	s.keep(sms.Receipt{Provider: "fake", ProviderMessageID: "c-foreign", Number: number, Verdict: sms.VerdictUndelivered, Failure: sms.Unreachable})
	s.retryDue()
	if got := s.get(id).Status; got != sms.Unknown {
		t.Errorf("it is %s, want %s", got, sms.Unknown)
	}
}
