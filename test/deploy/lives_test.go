package deploy

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/dynamo"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// These values must not be in any event.
var private = sms.Draft{
	Owner: "shop", Client: "client-7f3",
	Request: sms.Request{
		Number: "+12025550142", Text: "Your code is 1234", Reference: "jane@shop.example", SenderID: "ShopSender", Type: sms.Transactional, OnUnknown: sms.Resend, EntityID: "entity-5", TemplateID: "template-9",
	},
}

// Lists the changes that a message can go through, and the statuses that the events must
// report. If one write changes the status twice, the first change has no event.
var lives = map[string]struct {
	lead  func(w *writer) sms.Message
	tells []sms.Status
}{
	"delivered, reported twice, and its text deleted": {func(w *writer) sms.Message {
		m := w.receive(w.receive(w.taken(w.claim(w.create(private))), sms.VerdictDelivered), sms.VerdictDelivered)
		return w.change(m, func(m sms.Message) (sms.Message, bool) {
			m, changed, err := w.rules.DeleteText(m, w.now)
			return m, changed && err == nil
		})
	}, []sms.Status{sms.Queued, sms.Sending, sms.Sent, sms.Delivered}},
	"undelivered": {func(w *writer) sms.Message {
		return w.receive(w.taken(w.claim(w.create(private))), sms.VerdictUndelivered)
	}, []sms.Status{sms.Queued, sms.Sending, sms.Sent, sms.Undelivered}},
	"refused for now and later for good": {func(w *writer) sms.Message {
		m := w.record(w.claim(w.create(private)), sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow}))
		w.now = m.NotBefore
		return w.record(w.claim(m), sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForGood}))
	}, []sms.Status{sms.Queued, sms.Sending, sms.Queued, sms.Sending, sms.Failed}},
	"scheduled and canceled": {func(w *writer) sms.Message {
		d := private
		d.SendAt = w.now.Add(time.Hour)
		return w.change(w.create(d), func(m sms.Message) (sms.Message, bool) {
			m, changed, err := w.rules.Cancel(m, w.now)
			return m, changed && err == nil
		})
	}, []sms.Status{sms.Scheduled, sms.Canceled}},
	"scheduled and sent, without being stored as queued": {func(w *writer) sms.Message {
		d := private
		d.SendAt = w.now.Add(time.Hour)
		m := w.create(d)
		w.now = d.SendAt
		return w.taken(w.claim(m))
	}, []sms.Status{sms.Scheduled, sms.Sending, sms.Sent}},
	"postponed by the relay and then expired": {func(w *writer) sms.Message {
		m := w.create(private)
		entry := sms.DueEntry{Ref: m.Ref(), Due: m.Due, ExpiresAt: m.ExpiresAt}
		m, err := w.store.Postpone(w.t.Context(), entry, sms.Due{Kind: m.Due.Kind, At: m.Due.At.Add(time.Minute), Round: 1})
		if err != nil {
			w.t.Fatal(err)
		}
		w.now = m.ExpiresAt
		return w.change(m, func(m sms.Message) (sms.Message, bool) { return w.rules.GiveUp(m, w.now) })
	}, []sms.Status{sms.Queued, sms.Expired}},
	"held, with an answer that comes late": {func(w *writer) sms.Message {
		d := private
		d.OnUnknown = sms.Hold
		m := w.record(w.claim(w.create(d)), sms.Unanswered())
		return w.change(m, func(m sms.Message) (sms.Message, bool) {
			return w.rules.Record(m, m.HandOvers[0].Token, sms.Taken(w.providerMessageID), w.now)
		})
	}, []sms.Status{sms.Queued, sms.Sending, sms.Unknown, sms.Sent}},
	"handed over twice, so that the older provider message id gets an item": {func(w *writer) sms.Message {
		m := w.record(w.claim(w.create(private)), sms.Unanswered())
		first := m.HandOvers[0].Token
		w.now = m.NotBefore
		m = w.taken(w.claim(m))
		return w.change(m, func(m sms.Message) (sms.Message, bool) {
			return w.rules.Record(m, first, sms.Taken(w.providerMessageID+", first"), w.now)
		})
	}, []sms.Status{sms.Queued, sms.Sending, sms.Queued, sms.Sending, sms.Sent}},
	"stopped by trouble with the account": {func(w *writer) sms.Message {
		return w.receive(w.taken(w.claim(w.create(private))), sms.VerdictVoid)
	}, []sms.Status{sms.Queued, sms.Sending, sms.Sent, sms.Queued}},
	"removed by TTL": {func(w *writer) sms.Message {
		m := w.receive(w.taken(w.claim(w.create(private))), sms.VerdictDelivered)
		w.remove(m.ID)
		return m
	}, []sms.Status{sms.Queued, sms.Sending, sms.Sent, sms.Delivered}},
}

type writer struct {
	t                 *testing.T
	url, table        string
	client            *dynamodb.Client
	store             *dynamo.Store
	rules             sms.Rules
	now               time.Time
	providerMessageID string // the provider message id of the next hand-over that is taken
}

func newWriter(t *testing.T) *writer {
	t.Helper()
	w := &writer{t: t, url: enginetest.DynamoDB(t), table: "events-" + sms.NewToken(), rules: sms.DefaultRules()}
	w.client = dynamo.NewClient(enginetest.Config(t, w.url))
	definition := enginetest.Table(w.table)
	definition.StreamSpecification = &types.StreamSpecification{
		StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages,
	}
	if _, err := w.client.CreateTable(t.Context(), definition); err != nil {
		t.Fatal(err)
	}
	if err := enginetest.CreateTable(t.Context(), w.client, w.table); err != nil { // also waits until the table is ready
		t.Fatal(err)
	}
	w.store = dynamo.New(w.client, w.table, time.Now)
	return w
}

func (w *writer) create(d sms.Draft) sms.Message {
	w.t.Helper()
	m := w.rules.Accept(sms.NewID(), d, w.now)
	if err := w.store.Create(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *writer) claim(m sms.Message) sms.Message {
	w.t.Helper()
	m, err := w.store.Claim(w.t.Context(), m.Ref(), w.rules.NewClaim("fake", w.now))
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *writer) change(m sms.Message, rule func(sms.Message) (sms.Message, bool)) sms.Message {
	w.t.Helper()
	m, err := change.Message(w.t.Context(), w.store, m, rule)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *writer) record(m sms.Message, o sms.Outcome) sms.Message {
	w.t.Helper()
	return w.change(m, func(m sms.Message) (sms.Message, bool) { return w.rules.Record(m, m.LeaseToken, o, w.now) })
}

func (w *writer) taken(m sms.Message) sms.Message {
	w.t.Helper()
	return w.record(m, sms.Taken(w.providerMessageID))
}

func (w *writer) receive(m sms.Message, v sms.Verdict) sms.Message {
	w.t.Helper()
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: w.providerMessageID, Number: m.Number, Verdict: v, Detail: "for " + string(m.Number)}
	m, err := w.store.ApplyReceipt(w.t.Context(), w.rules, m.ID, rc, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *writer) remove(id string) {
	w.t.Helper()
	_, err := w.client.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{
		TableName: &w.table, Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *writer) otherItems() {
	w.t.Helper()
	ctx := w.t.Context()
	kept := sms.Receipt{Provider: "fake", ProviderMessageID: "foreign", Number: private.Number, Verdict: sms.VerdictDelivered}.Pending(w.now)
	later := kept
	later.Due = later.Due.Add(time.Minute)
	for _, k := range []sms.PendingReceipt{kept, later} {
		if err := w.store.Keep(ctx, k); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.store.Forget(ctx, kept); err != nil {
		w.t.Fatal(err)
	}
	for i := range 2 {
		if err := enginetest.PutClients(ctx, w.client, w.table, strings.Repeat(" ", i)+`{"shop": {}}`); err != nil {
			w.t.Fatal(err)
		}
		if err := w.store.Count(ctx, sms.CountMessage(private.Owner, private.Number, 5, w.now)); err != nil {
			w.t.Fatal(err)
		}
		_, err := change.Breaker(ctx, w.store, func(b sms.Breaker) (sms.Breaker, bool) { return b.Pause("in a test", w.now), true })
		if err != nil {
			w.t.Fatal(err)
		}
	}
}
