package sms_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func fromOther(r sms.Receipt) sms.Receipt { r.Provider = "other"; return r }

func TestAHandOverNamesItsProviderFromItsClaimOn(t *testing.T) {
	l := begin(t, draft())
	l.claim()
	l.pass(l.rules.Lease)
	l.m, _ = l.rules.EndLease(l.m, l.now, false)
	if got := l.m.HandOvers[0].Provider; got != "fake" {
		t.Errorf("after the lease ended, the provider is %q, want %q", got, "fake")
	}
}

func TestAReceiptCountsForItsOwnProviderOnly(t *testing.T) {
	t.Run("by its provider message id", func(t *testing.T) {
		l := begin(t, draft())
		l.outcome(l.claim(), taken("c1"))
		if l.receipt(fromOther(delivered("c1"))) || l.m.Status != sms.Sent {
			t.Errorf("another provider's receipt with the same id made the message %s", l.m.Status)
		}
		if !l.receipt(delivered("c1")) || l.m.Status != sms.Delivered {
			t.Errorf("after its own provider's receipt, the message is %s", l.m.Status)
		}
	})
	t.Run("by its number", func(t *testing.T) {
		l := begin(t, draft())
		token := l.claim()
		l.outcome(token, noAnswer)
		rc := fromOther(delivered("c1"))
		rc.Number, rc.At = l.m.Number, l.now
		if _, changed := l.rules.ApplyMatched(l.m, token, rc, l.now); changed {
			t.Error("another provider's receipt was applied to the message")
		}
	})
	t.Run("while it is pending", func(t *testing.T) {
		rc := delivered("c1")
		if rc.Pending(start).ID == fromOther(rc).Pending(start).ID {
			t.Error("pending receipts of two providers have the same id")
		}
	})
}

func TestProviderRefsNameEachHandOverThatHasAnID(t *testing.T) {
	m := sms.Message{HandOvers: []sms.HandOver{
		{Provider: "a", ProviderMessageID: "1"}, {Provider: "b"}, {Provider: "b", ProviderMessageID: "1"},
	}}
	want := []sms.ProviderRef{{Provider: "a", MessageID: "1"}, {Provider: "b", MessageID: "1"}}
	if diff := cmp.Diff(want, m.ProviderRefs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
