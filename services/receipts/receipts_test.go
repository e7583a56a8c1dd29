package receipts_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

const (
	number  sms.Number = "+12025550142"
	another sms.Number = "+12025550143"
)

func TestApply(t *testing.T) {
	delivered := sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, Verdict: sms.VerdictDelivered, Evidence: sms.ByHandset, Price: 6_450_000, Parts: 2}
	undelivered := sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, Verdict: sms.VerdictUndelivered, Failure: sms.Unreachable}
	void := sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit, Detail: "No quota left for account"}
	refusedForNow := sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, Verdict: sms.VerdictVoid, Detail: "Rate exceeded."}
	for _, tt := range []struct {
		name     string
		receipts []sms.Receipt
		want     sms.Status
	}{
		{"after a refusal for now, the message waits again", []sms.Receipt{refusedForNow}, sms.Queued},
		{"a refusal for now, twice", []sms.Receipt{refusedForNow, refusedForNow}, sms.Queued},
		{"a refusal for now after a delivery changes nothing", []sms.Receipt{delivered, refusedForNow}, sms.Delivered},
		{"a delivery", []sms.Receipt{delivered}, sms.Delivered},
		{"the same delivery twice", []sms.Receipt{delivered, delivered}, sms.Delivered},
		{"a failure", []sms.Receipt{undelivered}, sms.Undelivered},
		{"a failure after a delivery changes nothing", []sms.Receipt{delivered, undelivered}, sms.Delivered},
		{"a delivery after a failure changes nothing", []sms.Receipt{undelivered, delivered}, sms.Undelivered},
		{"after trouble with the account, the message waits again", []sms.Receipt{void}, sms.Queued},
		{"trouble with the account, twice", []sms.Receipt{void, void}, sms.Queued},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			m := s.sent(number, "c-1")
			for _, rc := range tt.receipts {
				rc.At = s.now
				if got, err := s.receipts.Apply(t.Context(), rc); got != receipts.Applied || err != nil {
					t.Errorf("Apply = %q, %v, want %q", got, err, receipts.Applied)
				}
			}
			got := s.get(m.ID)
			if got.Status != tt.want {
				t.Errorf("status %s, want %s", got.Status, tt.want)
			}
			if first := tt.receipts[0]; got.Price() != first.Price || (first.Parts > 0 && got.Parts != first.Parts) {
				t.Errorf("the message has price %d and %d parts, want those of the first receipt", got.Price(), got.Parts)
			}
			if pending := s.pending(number); len(pending) > 0 {
				t.Errorf("the pending receipts are %v, want none", pending)
			}
		})
	}
}

// A refusal for now has the same effect in a receipt as in the provider's answer.
func TestARefusalForNowInAReceiptIsOneMessagesMatter(t *testing.T) {
	s := newStage(t)
	m := s.sent(number, "c-1")
	var waits []time.Duration
	for i := range 3 {
		id := fmt.Sprint("c-", i+1)
		if i > 0 {
			s.handOverAgain(s.get(m.ID), id)
		}
		rc := sms.Receipt{Provider: "fake", ProviderMessageID: id, Number: number, At: s.now, Verdict: sms.VerdictVoid, Detail: "Rate exceeded."}
		if got, err := s.receipts.Apply(t.Context(), rc); got != receipts.Applied || err != nil {
			t.Fatalf("Apply = %q, %v, want %q", got, err, receipts.Applied)
		}
		got := s.get(m.ID)
		if got.Status != sms.Queued || got.Attempts != 0 || got.Due.Kind != sms.DueSend {
			t.Fatalf("the message is %s after %d attempts and due for %s, want queued after 0 attempts and due to be sent", got.Status, got.Attempts, got.Due.Kind)
		}
		waits = append(waits, got.NotBefore.Sub(s.now))
		s.now = got.NotBefore
	}
	if waits[0] < time.Second || waits[1] <= waits[0] || waits[2] <= waits[1] {
		t.Errorf("the message waits for %v, want longer each time", waits)
	}
	if b := s.breaker(); b.Open || b.Revision != "" {
		t.Errorf("the breaker is %+v, want it not written", b)
	}
}

func TestApplyKeepsWhatMatchesNothing(t *testing.T) {
	s := newStage(t)
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "c-9", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	for range 2 {
		if got, err := s.receipts.Apply(t.Context(), rc); got != receipts.Pending || err != nil {
			t.Fatalf("Apply = %q, %v, want %q", got, err, receipts.Pending)
		}
	}
	if diff := cmp.Diff([]sms.PendingReceipt{rc.Pending(s.now)}, s.pending(number)); diff != "" {
		t.Errorf("the pending receipts differ (-want +got):\n%s", diff)
	}
}

func TestAReceiptOfAnotherProviderFindsNothing(t *testing.T) {
	s := newStage(t)
	m := s.sent(number, "c-1")
	rc := sms.Receipt{Provider: "other", ProviderMessageID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if got, err := s.receipts.Apply(t.Context(), rc); got != receipts.Pending || err != nil {
		t.Errorf("Apply = %q, %v, want %q", got, err, receipts.Pending)
	}
	if got := s.get(m.ID).Status; got != sms.Sent {
		t.Errorf("the message is %s, want %s", got, sms.Sent)
	}
}

func TestAReceiptBeforeItsOutcomeIsFoundAgain(t *testing.T) {
	s := newStage(t)
	m, token := s.handedOver(number, sms.Resend)
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered, Evidence: sms.ByCarrier}
	if got, err := s.receipts.Apply(t.Context(), rc); got != receipts.Pending || err != nil {
		t.Fatalf("Apply = %q, %v, want %q", got, err, receipts.Pending)
	}
	s.record(m, token, sms.Taken("c-1"))
	s.retryDue()
	if got := s.get(m.ID).Status; got != sms.Delivered {
		t.Errorf("the message is %s, want %s", got, sms.Delivered)
	}
	if pending := s.pending(number); len(pending) > 0 {
		t.Errorf("the pending receipts are %v, want none", pending)
	}
}

func TestRetryMatchesWhatFitsOneHandOver(t *testing.T) {
	ours := func(s *stage) sms.Receipt {
		return sms.Receipt{Provider: "fake", ProviderMessageID: "c-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered, Evidence: sms.ByCarrier}
	}
	for _, tt := range []struct {
		name  string
		stage func(s *stage) (id string, kept []sms.Receipt)
		want  sms.Status
	}{
		{"held after an unanswered hand-over", func(s *stage) (string, []sms.Receipt) {
			return s.unanswered(number, sms.Hold), []sms.Receipt{ours(s)}
		}, sms.Delivered},
		{"waiting for its next hand-over", func(s *stage) (string, []sms.Receipt) {
			return s.unanswered(number, sms.Resend), []sms.Receipt{ours(s)}
		}, sms.Delivered},
		{"a failure", func(s *stage) (string, []sms.Receipt) {
			rc := ours(s)
			rc.Verdict, rc.Failure = sms.VerdictUndelivered, sms.Unreachable
			return s.unanswered(number, sms.Hold), []sms.Receipt{rc}
		}, sms.Undelivered},
		{"a receipt without a time", func(s *stage) (string, []sms.Receipt) {
			rc := ours(s)
			rc.At = time.Time{}
			return s.unanswered(number, sms.Hold), []sms.Receipt{rc}
		}, sms.Unknown},
		{"of two receipts, neither is matched", func(s *stage) (string, []sms.Receipt) {
			other := ours(s)
			other.ProviderMessageID = "c-2"
			return s.unanswered(number, sms.Hold), []sms.Receipt{ours(s), other}
		}, sms.Unknown},
		{"two receipts for one hand-over do not compete", func(s *stage) (string, []sms.Receipt) {
			again := ours(s)
			again.Detail = "Message has been accepted by phone"
			return s.unanswered(number, sms.Hold), []sms.Receipt{ours(s), again}
		}, sms.Delivered},
		{"with two messages, the receipt is not matched", func(s *stage) (string, []sms.Receipt) {
			s.unanswered(number, sms.Hold)
			return s.unanswered(number, sms.Hold), []sms.Receipt{ours(s)}
		}, sms.Unknown},
		{"a message to another number does not compete", func(s *stage) (string, []sms.Receipt) {
			s.unanswered(another, sms.Hold)
			return s.unanswered(number, sms.Hold), []sms.Receipt{ours(s)}
		}, sms.Delivered},
		{"a receipt from before the hand-over is not matched", func(s *stage) (string, []sms.Receipt) {
			rc := ours(s)
			rc.At = s.now.Add(-time.Minute)
			return s.unanswered(number, sms.Hold), []sms.Receipt{rc}
		}, sms.Unknown},
		{"a receipt from before the hand-over does not compete", func(s *stage) (string, []sms.Receipt) {
			old := ours(s)
			old.ProviderMessageID, old.At = "c-2", s.now.Add(-time.Minute)
			return s.unanswered(number, sms.Hold), []sms.Receipt{ours(s), old}
		}, sms.Delivered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			id, kept := tt.stage(s)
			for _, rc := range kept {
				if got, err := s.receipts.Apply(t.Context(), rc); got != receipts.Pending || err != nil {
					t.Fatalf("Apply = %q, %v, want %q", got, err, receipts.Pending)
				}
			}
			s.retryDue()
			if got := s.get(id).Status; got != tt.want {
				t.Errorf("the message is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRetryEndsAndLeavesTheReceiptToBeFoundByItsNumber(t *testing.T) {
	s := newStage(t)
	came := s.now
	s.keep(delivered("c-9", s.now))
	var looks []time.Duration
	for len(looks) < 10 {
		k := s.pending(number)[0]
		if k.Due.IsZero() {
			break
		}
		s.now = k.Due
		looks = append(looks, s.now.Sub(came))
		// The relay ran a minute ago and ended all leases that were due then.
		if err := s.receipts.Retry(t.Context(), k, s.now.Add(-time.Minute-s.rules.Lease)); err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Duration{5 * time.Second, 170 * time.Second, 770 * time.Second}
	if diff := cmp.Diff(want, looks); diff != "" {
		t.Errorf("the times of the looks differ (-want +got):\n%s", diff)
	}
}

type stage struct {
	t        *testing.T
	now      time.Time
	rules    sms.Rules
	store    *sqlite.DB
	receipts *receipts.Receipts
}

func newStage(t *testing.T) *stage {
	t.Helper()
	enginetest.SQLite(t)
	s := &stage{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), rules: sms.DefaultRules()}
	clock := func() time.Time { return s.now }
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s.store = store
	s.useStore(store)
	return s
}

func (s *stage) useStore(store receipts.Store) {
	s.receipts = receipts.New(store, s.rules, slog.New(slog.DiscardHandler), func() time.Time { return s.now })
}

func (s *stage) update(m sms.Message, f func(sms.Message) (sms.Message, bool)) sms.Message {
	s.t.Helper()
	m, err := change.Message(s.t.Context(), s.store, m, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *stage) handOverAgain(m sms.Message, providerMessageID string) {
	s.t.Helper()
	claim := s.rules.NewClaim("fake", s.now)
	m, err := s.store.Claim(s.t.Context(), m.Ref(), claim)
	if err != nil {
		s.t.Fatal(err)
	}
	s.record(m, claim.Token, sms.Taken(providerMessageID))
}

func (s *stage) handedOver(to sms.Number, onUnknown sms.OnUnknown) (m sms.Message, token string) {
	s.t.Helper()
	m = s.rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: to, Text: "hi", OnUnknown: onUnknown}}, s.now)
	if err := s.store.Create(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	claim := s.rules.NewClaim("fake", s.now)
	m, err := s.store.Claim(s.t.Context(), m.Ref(), claim)
	if err != nil {
		s.t.Fatal(err)
	}
	return m, claim.Token
}

func (s *stage) record(m sms.Message, token string, o sms.Outcome) sms.Message {
	s.t.Helper()
	m, err := change.Message(s.t.Context(), s.store, m, func(m sms.Message) (sms.Message, bool) {
		return s.rules.Record(m, token, o, s.now)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *stage) sent(to sms.Number, providerMessageID string) sms.Message {
	s.t.Helper()
	m, token := s.handedOver(to, sms.Resend)
	return s.record(m, token, sms.Taken(providerMessageID))
}

func (s *stage) unanswered(to sms.Number, onUnknown sms.OnUnknown) string {
	s.t.Helper()
	m, token := s.handedOver(to, onUnknown)
	return s.record(m, token, sms.Unanswered()).ID
}

func (s *stage) get(id string) sms.Message {
	s.t.Helper()
	m, err := s.store.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *stage) pending(to sms.Number) []sms.PendingReceipt {
	s.t.Helper()
	waiting, err := s.store.Unmatched(s.t.Context(), to)
	if err != nil {
		s.t.Fatal(err)
	}
	return waiting.Receipts
}

func (s *stage) retryDue() int {
	s.t.Helper()
	s.now = s.now.Add(15 * time.Minute)
	due, err := s.store.DueReceipts(s.t.Context(), time.Time{}, s.now, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, k := range due {
		if err := s.receipts.Retry(s.t.Context(), k, s.now.Add(-s.rules.Lease)); err != nil {
			s.t.Fatal(err)
		}
	}
	return len(due)
}

func (s *stage) retryAll(cutoff time.Time) {
	s.t.Helper()
	for _, k := range s.pending(number) {
		if err := s.receipts.Retry(s.t.Context(), k, cutoff); err != nil {
			s.t.Fatal(err)
		}
	}
}
