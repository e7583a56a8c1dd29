package sms_test

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// An earlier hand-over gets its answer and its receipt only after the message is final.
func TestAFinalStateIsNeverLeft(t *testing.T) {
	rules := sms.DefaultRules()
	now := time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		ended, late sms.Verdict
		want        sms.Status
	}{
		{sms.VerdictUndelivered, sms.VerdictDelivered, sms.Undelivered},
		{sms.VerdictDelivered, sms.VerdictUndelivered, sms.Delivered},
		{sms.VerdictDelivered, sms.VerdictVoid, sms.Delivered},
		{sms.VerdictUndelivered, sms.VerdictVoid, sms.Undelivered},
	} {
		t.Run(string(tt.ended)+", and then a late "+string(tt.late), func(t *testing.T) {
			m := rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: "+5511999999999", Text: "hi"}}, now)
			handOver := func(at time.Time, o sms.Outcome) string {
				t.Helper()
				claim := rules.NewClaim("fake", at)
				claimed, err := claim.Apply(m)
				if err != nil {
					t.Fatal(err)
				}
				m, _ = rules.Record(claimed, claim.Token, o, at)
				return claim.Token
			}
			silent := handOver(now, sms.Unanswered())
			at := now.Add(time.Minute)
			handOver(at, sms.Taken("c-2"))
			receive := func(id string, v sms.Verdict) {
				t.Helper()
				var known bool
				rc := sms.Receipt{Provider: "fake", ProviderMessageID: id, Number: m.Number, At: at, Verdict: v, Failure: sms.Unreachable}
				if m, known = rules.ApplyReceipt(m, rc, at); !known {
					t.Fatalf("no hand-over has the provider message id %s", id)
				}
			}
			receive("c-2", tt.ended)
			ended := m
			if m.Status != tt.want {
				t.Fatalf("the message ended %s, want %s", m.Status, tt.want)
			}
			m, _ = rules.Record(m, silent, sms.Taken("c-1"), at)
			receive("c-1", tt.late)
			receive("c-1", tt.late)
			if m.Status != ended.Status || !m.Due.IsZero() || m.PurgeAt != ended.PurgeAt || m.Evidence != ended.Evidence {
				t.Errorf("the message was %s, is now %s and is due %+v", ended.Status, m.Status, m.Due)
			}
			if got, want := len(m.Events), len(ended.Events)+3; got != want {
				t.Errorf("the message has %d events, want %d: one for each late answer or receipt", got, want)
			}
		})
	}
}

func TestAClaimIsDueAtTheEndOfItsLease(t *testing.T) {
	rules := sms.DefaultRules()
	now := time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)
	m := rules.Accept(sms.NewID(), sms.Draft{Owner: "o", Client: "c", Request: sms.Request{Number: "+5511999999999", Text: "hi"}}, now)
	claimed, err := rules.NewClaim("fake", now).Apply(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := (sms.Due{Kind: sms.DueLease, At: now.Add(rules.Lease)}); claimed.Due != want {
		t.Errorf("the message is due %+v, want %+v", claimed.Due, want)
	}
}
