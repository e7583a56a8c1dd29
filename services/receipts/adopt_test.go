package receipts_test

import (
	"testing"
	"time"

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
	s.keep(sms.Receipt{CarrierID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered})
	s.retryDue()
	s.record(m, token, sms.Outcome{CarrierID: "c-1"})
	s.retryDue()
	if got := s.get(older).Status; got != sms.Unknown {
		t.Errorf("the older message is %s, want %s", got, sms.Unknown)
	}
	if got := s.get(m.ID).Status; got != sms.Delivered {
		t.Errorf("the message is %s, want %s", got, sms.Delivered)
	}
}

func TestTroubleWithoutIDAndTimeProvesNothingOfAMessage(t *testing.T) {
	s := newStage(t)
	id := s.unanswered(number, sms.Resend)
	s.keep(sms.Receipt{Number: number, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit})
	s.retryDue()
	if _, _, err := s.rules.Cancel(s.get(id), s.now); err == nil {
		t.Error("a message that was perhaps taken can be canceled")
	}
}
