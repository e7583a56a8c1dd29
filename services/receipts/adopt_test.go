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

func TestTroubleWithoutIDAndTimeProvesNothingOfAMessage(t *testing.T) {
	s := newStage(t)
	id := s.unanswered(number, sms.Resend)
	s.keep(sms.Receipt{Provider: "fake", Number: number, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit})
	s.retryDue()
	if _, _, err := s.rules.Cancel(s.get(id), s.now); err == nil {
		t.Error("a message that was perhaps taken can be canceled")
	}
}

// nameless is a receipt of trouble of which only what SNS is sure to tell is
// there.
var nameless = sms.Receipt{Provider: "fake", Number: number, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit, Detail: "No quota left for account"}

func TestTroubleThatNamesNoMessage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stage func(s *stage) (id string)
		want  sms.Status
	}{
		{"has the only message that it can be about sent again", func(s *stage) string {
			return s.sent(number, "c-1").ID
		}, sms.Queued},
		{"has it sent again among others that have their receipts", func(s *stage) string {
			s.sent(number, "c-2")
			delivered := sms.Receipt{Provider: "fake", ProviderMessageID: "c-2", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
			if got, err := s.receipts.Apply(s.t.Context(), delivered); got != receipts.Applied || err != nil {
				s.t.Fatalf("Apply = %q, %v", got, err)
			}
			return s.sent(number, "c-1").ID
		}, sms.Queued},
		{"has a message sent again of which an earlier hand-over got no answer", func(s *stage) string {
			id := s.unanswered(number, sms.Resend)
			s.now = s.get(id).NotBefore
			claim := s.rules.NewClaim("fake", s.now)
			m, err := s.store.Claim(s.t.Context(), s.get(id).Ref(), claim)
			if err != nil {
				s.t.Fatal(err)
			}
			s.record(m, claim.Token, sms.Taken("c-1"))
			return id
		}, sms.Queued},
		{"leaves one of two as it is", func(s *stage) string {
			s.sent(number, "c-2")
			return s.sent(number, "c-1").ID
		}, sms.Sent},
		{"leaves one as it is while another is in flight", func(s *stage) string {
			s.handedOver(number, sms.Resend)
			return s.sent(number, "c-1").ID
		}, sms.Sent},
		{"leaves one as it is where another has no answer", func(s *stage) string {
			s.unanswered(number, sms.Hold)
			return s.sent(number, "c-1").ID
		}, sms.Sent},
		{"leaves one as it is that was taken long before", func(s *stage) string {
			m := s.sent(number, "c-1")
			s.now = s.now.Add(15*time.Minute + time.Second)
			return m.ID
		}, sms.Sent},
		{"leaves one as it is that is held", func(s *stage) string {
			m, token := s.handedOver(number, sms.Hold)
			return s.record(m, token, sms.Taken("c-1")).ID
		}, sms.Sent},
		{"leaves one as it is to another number", func(s *stage) string {
			return s.sent(another, "c-1").ID
		}, sms.Sent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			id := tt.stage(s)
			s.keep(nameless)
			s.retryDue()
			if got := s.get(id).Status; got != tt.want {
				t.Errorf("status %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("waits a minute for the message's own receipt", func(t *testing.T) {
		s := newStage(t)
		m := s.sent(number, "c-1")
		s.keep(nameless)
		s.now = s.now.Add(time.Minute - time.Second)
		for _, k := range s.kept(number) {
			if err := s.receipts.Retry(t.Context(), k); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.get(m.ID).Status; got != sms.Sent {
			t.Errorf("status %s within a minute, want %s", got, sms.Sent)
		}
		delivered := sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
		if got, err := s.receipts.Apply(t.Context(), delivered); got != receipts.Applied || err != nil {
			t.Fatalf("Apply = %q, %v", got, err)
		}
		s.retryDue()
		if got := s.get(m.ID).Status; got != sms.Delivered {
			t.Errorf("status %s, want %s", got, sms.Delivered)
		}
	})
	t.Run("counts once for each time that a message is handed over", func(t *testing.T) {
		s := newStage(t)
		m := s.sent(number, "c-1")
		for _, providerMessageID := range []string{"c-2", "c-3"} {
			s.keep(nameless)
			s.retryDue()
			if kept := s.kept(number); len(kept) > 0 {
				t.Fatalf("kept %v, want nothing", kept)
			}
			s.now = s.get(m.ID).NotBefore
			claim := s.rules.NewClaim("fake", s.now)
			claimed, err := s.store.Claim(t.Context(), m.Ref(), claim)
			if err != nil {
				t.Fatal(err)
			}
			s.record(claimed, claim.Token, sms.Taken(providerMessageID))
		}
		if got := s.get(m.ID); got.Status != sms.Sent || len(got.HandOvers) != 3 {
			t.Errorf("it is %s after %d hand-overs, want %s after 3", got.Status, len(got.HandOvers), sms.Sent)
		}
	})
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

// logged is nameless as a line that the log had then.
func logged(at time.Time) sms.Receipt {
	line := nameless
	line.LoggedAt = at
	return line
}

func TestALineThatNamesNoMessage(t *testing.T) {
	t.Run("says nothing of a message sent after it, though it comes again", func(t *testing.T) {
		s := newStage(t)
		first := s.sent(number, "c-1")
		line := logged(s.now.Add(2 * time.Second))
		s.now = line.LoggedAt
		s.keep(line)
		s.retryDue()
		if got := s.get(first.ID).Status; got != sms.Queued {
			t.Errorf("the first message is %s, want %s", got, sms.Queued)
		}
		s.deliver("c-1", line.LoggedAt)
		second := s.sent(number, "c-2")
		s.now = s.now.Add(time.Minute)
		s.keep(line)
		s.retryDue()
		if got := s.get(second.ID).Status; got != sms.Sent {
			t.Errorf("the second message is %s, want %s", got, sms.Sent)
		}
	})
	t.Run("says nothing of the same message sent again, though it comes again", func(t *testing.T) {
		s := newStage(t)
		m := s.sent(number, "c-1")
		line := logged(s.now.Add(2 * time.Second))
		s.keep(line)
		s.retryDue()
		s.probe(s.get(m.ID), sms.Taken("c-2"))
		s.keep(line)
		s.retryDue()
		if got := s.get(m.ID).Status; got != sms.Sent {
			t.Errorf("it is %s, want %s", got, sms.Sent)
		}
	})
	t.Run("counts though it comes hours late", func(t *testing.T) {
		s := newStage(t)
		m := s.sent(number, "c-1")
		line := logged(s.now.Add(2 * time.Second))
		s.now = s.now.Add(3 * time.Hour)
		s.keep(line)
		s.retryDue()
		if got := s.get(m.ID).Status; got != sms.Queued {
			t.Errorf("it is %s, want %s", got, sms.Queued)
		}
	})
	t.Run("counts while others like it keep coming", func(t *testing.T) {
		s := newStage(t)
		m := s.sent(number, "c-1")
		for range 40 { // another application goes on trying that number
			s.now = s.now.Add(30 * time.Second)
			s.keep(logged(s.now))
			due, err := s.store.DueReceipts(t.Context(), s.now, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range due {
				if err := s.receipts.Retry(t.Context(), k); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := s.get(m.ID); got.Status != sms.Queued || len(got.HandOvers) != 1 {
			t.Errorf("it is %s after %d hand-overs, want %s after 1", got.Status, len(got.HandOvers), sms.Queued)
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
		t.Errorf("it is %s, want %s", got, sms.Unknown)
	}
}
