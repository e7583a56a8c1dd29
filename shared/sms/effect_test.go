package sms_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// messageWith returns a message whose hand-over "h" has no receipt yet.
func messageWith(status sms.Status, others sms.Others) sms.Message {
	handOver := func(token string, a sms.Answer, v sms.Verdict) sms.HandOver {
		return sms.HandOver{Token: token, Provider: "fake", ProviderMessageID: token, At: start, Until: start.Add(time.Minute), Answer: a, Receipt: v}
	}
	h := handOver("h", sms.AnswerTaken, "")
	if status == sms.Queued || status == sms.Unknown {
		h.Answer, h.ProviderMessageID = sms.AnswerNone, ""
	}
	m := sms.Message{
		ID: "m", Status: status, Attempts: 3, Parts: 1, Events: []sms.Event{{At: start, Status: sms.Queued}}, Failure: sms.Explain(sms.NoAnswer),
		HandOvers: []sms.HandOver{handOver("unanswered", sms.AnswerNone, ""), handOver("void", sms.AnswerTaken, sms.VerdictVoid), h},
	}
	m.Text, m.ExpiresAt = "hello", start.Add(time.Hour)
	switch others {
	case sms.OthersAwaited:
		m.HandOvers = append(m.HandOvers, handOver("awaited", sms.AnswerTaken, ""))
	case sms.OthersUndelivered:
		failed := handOver("undelivered", sms.AnswerTaken, sms.VerdictUndelivered)
		failed.Failure = sms.Spam
		m.HandOvers = append(m.HandOvers, failed)
	case sms.OthersTextDeleted:
		m.Text, m.TextDeleted = "", true
	case sms.OthersNone:
	}
	if status == sms.Sending {
		m.HandOvers = append(m.HandOvers, handOver("in flight", "", ""))
		m.LeaseToken, m.LeaseUntil = "in flight", start.Add(time.Minute)
	}
	if status.AtRest() {
		m.PurgeAt = start.Add(rules().Retention)
	} else {
		m.Due = sms.Due{Kind: sms.DueSend, At: start}
	}
	return m
}

func TestTheTableOfReceipts(t *testing.T) {
	for _, status := range sms.Statuses() {
		for _, verdict := range []sms.Verdict{sms.VerdictDelivered, sms.VerdictUndelivered, sms.VerdictVoid} {
			for _, others := range []sms.Others{sms.OthersAwaited, sms.OthersUndelivered, sms.OthersTextDeleted, sms.OthersNone} {
				t.Run(fmt.Sprintf("%s, %s, %s", status, verdict, others), func(t *testing.T) {
					rows := slices.DeleteFunc(slices.Clone(sms.Effects), func(e sms.Effect) bool { return !e.Fits(status, verdict, others) })
					if status == sms.Scheduled {
						if len(rows) > 0 {
							t.Error("a row is for a scheduled message, which has no hand-over")
						}
						return
					}
					if len(rows) != 1 {
						t.Fatalf("%d rows of the table fit, want 1", len(rows))
					}
					checkRow(t, rows[0], status, verdict, others)
				})
			}
		}
	}
}

func checkRow(t *testing.T, row sms.Effect, status sms.Status, verdict sms.Verdict, others sms.Others) {
	m := messageWith(status, others)
	want := status
	if row.To != "" {
		if want = row.To; !status.May(row.To, true) {
			t.Fatalf("the row leads from %s to %s, which the table of states forbids", status, row.To)
		}
	}
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "h", Number: m.Number, At: start, Verdict: verdict, Price: 7}
	switch verdict {
	case sms.VerdictUndelivered:
		rc.Failure = sms.Unreachable
	case sms.VerdictVoid:
		rc.Trouble = sms.SpendLimit
	case sms.VerdictDelivered:
	}
	apply := rules().ApplyReceipt
	if status == sms.Queued || status == sms.Unknown {
		apply = func(m sms.Message, rc sms.Receipt, now time.Time) (sms.Message, bool) {
			return rules().ApplyMatched(m, "h", rc, now)
		}
	}
	after, changed := apply(m, rc, start.Add(time.Second))
	if diff := cmp.Diff(messageWith(status, others), m); diff != "" {
		t.Errorf("the caller's record changed (-before +after):\n%s", diff)
	}
	attempts := m.Attempts
	if row.GivesBack {
		attempts--
	}
	switch got := after.HandOvers[2]; {
	case !changed:
		t.Error("nothing changed")
	case after.Status != want:
		t.Errorf("the message is %s, want %s", after.Status, want)
	case after.Attempts != attempts:
		t.Errorf("the message has %d attempts, want %d", after.Attempts, attempts)
	case len(after.Events) != 2 || after.Events[1].Status != want || !after.Events[1].ProviderAt.Equal(start):
		t.Errorf("the events are %v, want one more than before", after.Events)
	case got.Receipt != verdict || got.Price != 7 || got.ProviderMessageID != "h" || got.Answer != sms.AnswerTaken:
		t.Errorf("the hand-over does not have the receipt: %+v", got)
	case after.Status.AtRest() != after.Due.IsZero() || after.Status.AtRest() == after.PurgeAt.IsZero():
		t.Errorf("the message is %s, due %+v, and kept until %v", after.Status, after.Due, after.PurgeAt)
	}
	if row.To == sms.Undelivered {
		code := map[sms.Verdict]sms.FailureCode{sms.VerdictUndelivered: sms.Unreachable, sms.VerdictVoid: sms.AccountExhausted}[verdict]
		if others == sms.OthersUndelivered && verdict == sms.VerdictVoid {
			code = sms.Spam // the failure of the other hand-over
		}
		if after.Failure == nil || after.Failure.Code != code {
			t.Errorf("the failure is %+v, want %s", after.Failure, code)
		}
	}
	again, _ := rules().ApplyReceipt(after, rc, start.Add(time.Minute))
	if again.Status != after.Status || again.Attempts != after.Attempts || again.Price() != after.Price() || len(again.Events) != 3 {
		t.Errorf("the same receipt came again, and the message is %+v", again)
	}
}

// While a hand-over is in flight, a receipt makes no transition: it only becomes an
// event.
func TestTheTableOfReceiptsMakesEachTransitionByAReceipt(t *testing.T) {
	var made, listed []string
	for _, e := range sms.Effects {
		for _, from := range e.From {
			if e.To != "" {
				made = append(made, fmt.Sprint(from, " to ", e.To))
			}
		}
	}
	for _, row := range sms.Transitions {
		if strings.Contains(row.When, "receipt") && row.From != sms.Sending {
			listed = append(listed, fmt.Sprint(row.From, " to ", row.To))
		}
	}
	sorted := func(all []string) []string { slices.Sort(all); return slices.Compact(all) }
	if diff := cmp.Diff(sorted(listed), sorted(made)); diff != "" {
		t.Errorf("the transitions differ (-table of states +table of receipts):\n%s", diff)
	}
}
