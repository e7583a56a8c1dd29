package smstest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func (s stage) receipt(m sms.Message, v sms.Verdict) sms.Receipt {
	rc := sms.Receipt{
		Provider:          "fake",
		ProviderMessageID: m.ProviderMessageID(), Number: m.Number, At: s.clock.Now().Add(-250 * time.Millisecond),
		Verdict: v, Detail: "Message has been accepted by phone carrier — ✓", Price: 6_450_001, Parts: 2,
	}
	switch v {
	case sms.VerdictDelivered:
		rc.Evidence = sms.ByHandset
	case sms.VerdictUndelivered:
		rc.Failure = sms.Unreachable
	case sms.VerdictVoid:
		rc.Trouble = sms.SpendLimit
	}
	return rc
}

func (s stage) receive(t *testing.T, m sms.Message, rc sms.Receipt) sms.Message {
	t.Helper()
	want, changed := s.rules.ApplyReceipt(m, rc, s.clock.Now())
	if !changed {
		t.Fatal("no hand-over has the id of the receipt")
	}
	got, err := s.ApplyReceipt(t.Context(), s.rules, m.ID, rc, s.clock.Now())
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	checkDiff(t, "the record after the receipt", want, got, anyRevision)
	if got.Revision == m.Revision || got.Revision == "" {
		t.Errorf("the revision is %q and was %q, want a new one", got.Revision, m.Revision)
	}
	checkSame(t, got, s.get(t, m.ID))
	return got
}

func (s stage) checkFound(t *testing.T, providerMessageID, messageID string) {
	t.Helper()
	s.checkFoundBy(t, sms.ProviderRef{Provider: "fake", MessageID: providerMessageID}, messageID)
}

func (s stage) checkFoundBy(t *testing.T, ref sms.ProviderRef, messageID string) {
	t.Helper()
	eventually(t, func() string {
		got, err := s.FindByProviderRef(t.Context(), ref)
		if err != nil || got != messageID {
			return fmt.Sprintf("FindByProviderRef: %q, %v, want %q", got, err, messageID)
		}
		return ""
	})
}

func testReceipts(t *testing.T, open opener) {
	t.Run("a message is found by each of its provider message ids", func(t *testing.T) {
		s := open(t)
		first, second, foreign := sms.NewToken(), sms.NewToken(), sms.NewToken()
		m := s.createSent(t, first)
		s.checkFound(t, first, m.ID)
		m = s.receive(t, m, s.receipt(m, sms.VerdictVoid))
		s.clock.Advance(m.NotBefore.Sub(s.clock.Now()))
		m = s.handOver(t, m, sms.Taken(second))
		other := s.createSent(t, foreign)
		s.checkFound(t, first, m.ID)
		s.checkFound(t, second, m.ID)
		s.checkFound(t, foreign, other.ID)
	})

	t.Run("an unknown provider message id is not found", func(t *testing.T) {
		s := open(t)
		s.createSent(t, sms.NewToken())
		if _, err := s.FindByProviderRef(t.Context(), sms.ProviderRef{Provider: "fake", MessageID: sms.NewToken()}); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("FindByProviderRef: %v, want ErrNotFound", err)
		}
	})

	t.Run("the same id from two providers belongs to two messages", func(t *testing.T) {
		s := open(t)
		id := sms.NewToken()
		m := s.createSent(t, id)
		otherClaim := s.rules.NewClaim("other", s.clock.Now())
		moved, err := s.Claim(t.Context(), s.create(t, s.message()).Ref(), otherClaim)
		if err != nil {
			t.Fatalf("Claim: %v", err)
		}
		moved = s.record(t, moved, sms.Taken(id))
		s.checkFound(t, id, m.ID)
		s.checkFoundBy(t, sms.ProviderRef{Provider: "other", MessageID: id}, moved.ID)
		rc := s.receipt(m, sms.VerdictDelivered)
		if _, err := s.ApplyReceipt(t.Context(), s.rules, moved.ID, rc, s.clock.Now()); !errors.Is(err, sms.ErrConflict) {
			t.Errorf("ApplyReceipt of another provider's receipt: %v, want ErrConflict", err)
		}
		checkDiff(t, "the record", moved, s.get(t, moved.ID))
		rc.Provider = "other"
		s.receive(t, moved, rc)
	})

	t.Run("a created record is found by its provider message ids", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.fullMessage())
		s.checkFound(t, m.ProviderMessageID(), m.ID)
	})

	for _, v := range []sms.Verdict{sms.VerdictDelivered, sms.VerdictUndelivered, sms.VerdictVoid} {
		t.Run("the first receipt of a sent message is applied if it says "+string(v), func(t *testing.T) {
			s := open(t)
			m := s.createSent(t, sms.NewToken())
			s.clock.Advance(time.Second)
			s.receive(t, m, s.receipt(m, v))
		})

		t.Run("a receipt with only a verdict is applied if it says "+string(v), func(t *testing.T) {
			s := open(t)
			m := s.createSent(t, sms.NewToken())
			s.receive(t, m, sms.Receipt{Provider: "fake", ProviderMessageID: m.ProviderMessageID(), Number: m.Number, Verdict: v})
		})

		t.Run("a receipt that comes before the outcome is kept if it says "+string(v), func(t *testing.T) {
			s := open(t)
			m := s.claim(t, s.create(t, s.message()))
			next := m
			next.HandOvers = []sms.HandOver{m.HandOvers[0]}
			next.HandOvers[0].ProviderMessageID = sms.NewToken()
			m = s.update(t, m, next)
			s.receive(t, m, s.receipt(m, v))
		})

		t.Run("a receipt of a message with the maximum number of events is counted if it says "+string(v), func(t *testing.T) {
			s := open(t)
			m := s.createSent(t, sms.NewToken())
			full := m
			full.Events = s.events(sms.MaxEvents)
			m = s.update(t, m, full)
			s.receive(t, m, s.receipt(m, v))
		})

		t.Run("a second receipt adds an event and changes no status if it says "+string(v), func(t *testing.T) {
			s := open(t)
			m := s.createSent(t, sms.NewToken())
			m = s.receive(t, m, s.receipt(m, sms.VerdictDelivered))
			s.receive(t, m, s.receipt(m, v))
		})

		t.Run("a receipt of an older hand-over is applied if it says "+string(v), func(t *testing.T) {
			s := open(t)
			m := s.createSent(t, sms.NewToken())
			old := s.receipt(m, v)
			m = s.receive(t, m, s.receipt(m, sms.VerdictVoid))
			s.clock.Advance(m.NotBefore.Sub(s.clock.Now()))
			m = s.handOver(t, m, sms.Taken(sms.NewToken()))
			s.receive(t, m, old)
		})

		t.Run("a receipt of a message with an unanswered hand-over is applied if it says "+string(v), func(t *testing.T) {
			s := open(t)
			m := s.create(t, s.message())
			m = s.handOver(t, m, sms.Unanswered())
			s.clock.Advance(m.NotBefore.Sub(s.clock.Now()))
			m = s.handOver(t, m, sms.Taken(sms.NewToken()))
			s.receive(t, m, s.receipt(m, v))
		})
	}

	t.Run("a receipt is a conflict if no hand-over has its provider message id", func(t *testing.T) {
		s := open(t)
		for _, m := range []sms.Message{s.createSent(t, sms.NewToken()), s.create(t, s.message())} {
			for _, id := range []string{sms.NewToken(), ""} {
				rc := s.receipt(m, sms.VerdictDelivered)
				rc.ProviderMessageID = id
				_, err := s.ApplyReceipt(t.Context(), s.rules, m.ID, rc, s.clock.Now())
				if !errors.Is(err, sms.ErrConflict) {
					t.Errorf("ApplyReceipt for a message that is %s: %v, want ErrConflict", m.Status, err)
				}
			}
			checkDiff(t, "the record", m, s.get(t, m.ID))
		}
	})

	t.Run("a receipt for an absent message is not found", func(t *testing.T) {
		s := open(t)
		rc := s.receipt(s.message(), sms.VerdictDelivered)
		rc.ProviderMessageID = sms.NewToken()
		if _, err := s.ApplyReceipt(t.Context(), s.rules, sms.NewID(), rc, s.clock.Now()); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("ApplyReceipt: %v, want ErrNotFound", err)
		}
	})
}
