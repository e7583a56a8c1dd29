package deploy

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/tools/emulation"
)

// Each of these messages needs the relay:
//   - a message that could not be enqueued
//   - a message whose receipt proves that nothing was delivered
//   - a message whose sender died after its receipt had come
//   - a receipt that matches no message
func (e deployment) relayWork(t *testing.T, token string) {
	t.Helper()
	var table string
	if err := e.Workspace.Output(t.Context(), "table_name", &table); err != nil {
		t.Fatal(err)
	}
	store := dynamo.New(dynamo.NewClient(enginetest.Config(t, e.Front.URL)), table, time.Now)
	rules := sms.DefaultRules()

	e.Front.Break(func(c emulation.Call) bool { return c.Action == "sqs:SendMessage" })
	accepted := e.call(t, http.MethodPost, "/sms", token, `{"phoneNumber": "+4915112345601", "message": "enqueued later"}`)
	e.Front.Break(nil)
	if accepted.status != http.StatusAccepted {
		t.Errorf("without a queue, the answer is %d %s", accepted.status, accepted.body)
	}

	void := seed(t, store, rules, "+4915112345602", time.Now())
	claim := rules.NewClaim("fake", time.Now())
	m, err := store.Claim(t.Context(), void.Ref(), claim)
	if err != nil {
		t.Fatal(err)
	}
	next, _ := rules.Record(m, claim.Token, sms.Taken("first"), time.Now())
	if _, err := store.Update(t.Context(), m, next); err != nil {
		t.Fatal(err)
	}
	receipt := sms.Receipt{Provider: "fake", ProviderMessageID: "first", Number: void.Number, Verdict: sms.VerdictVoid}
	if _, err := store.ApplyReceipt(t.Context(), rules, void.ID, receipt, time.Now()); err != nil {
		t.Fatal(err)
	}

	past := time.Now().Add(-3 * time.Minute)
	dead := seed(t, store, rules, "+4915112345603", past)
	if _, err := store.Claim(t.Context(), dead.Ref(), rules.NewClaim("fake", past.Add(time.Second))); err != nil {
		t.Fatal(err)
	}
	for _, rc := range []sms.Receipt{
		{Provider: "fake", ProviderMessageID: "second", Number: dead.Number, At: past.Add(time.Second), Verdict: sms.VerdictDelivered, Evidence: sms.ByCarrier},
		{Provider: "fake", ProviderMessageID: "foreign", Number: "+4915112345604", Verdict: sms.VerdictDelivered, Evidence: sms.ByCarrier},
	} {
		if err := store.Keep(t.Context(), rc.Pending(past)); err != nil {
			t.Fatal(err)
		}
	}

	want := map[string]sms.Status{accepted.field("id"): sms.Sent, void.ID: sms.Sent, dead.ID: sms.Delivered}
	await(t, 150*time.Second, "the relay has handled every message", func() bool {
		for id, status := range want {
			if m, err := store.Get(t.Context(), id); err != nil || m.Status != status {
				return false
			}
		}
		return true
	})
}

// seed creates a record of a message. The record says that the message was accepted at
// the given time.
func seed(t *testing.T, store sms.Messages, rules sms.Rules, number sms.Number, now time.Time) sms.Message {
	t.Helper()
	m := rules.Accept(sms.NewID(), sms.Draft{
		Owner: "shop", Client: "shop",
		Request: sms.Request{Number: number, Text: "hello", Type: sms.Transactional, OnUnknown: sms.Resend},
	}, now)
	if err := store.Create(context.WithoutCancel(t.Context()), m); err != nil {
		t.Fatal(err)
	}
	return m
}
