package aws_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/lambdatest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/functions"
)

func TestTheFunctionsSendAMessage(t *testing.T) {
	t.Parallel()
	for name, oneEndpoint := range map[string]bool{
		"with an endpoint for each service": false,
		"with one AWS_ENDPOINT_URL for all": true,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := functions.Deploy(t, functions.Options{
				OneEndpoint: oneEndpoint,
				Clients:     `{"shop-1": {"owner": "shop"}, "shop-2": {"owner": "shop"}, "stranger": {}}`,
			})
			d.RecordProvider(t)
			d.SQS.KeepBodies()
			number := newNumber()
			const secret = "Seu código é 1234"
			body := fmt.Sprintf(`{"phoneNumber": %q, "message": %q, "reference": "order-7", "type": "promotional",
				"senderId": "Shop-1", "maxPriceUSD": 0.05, "entityId": "E1", "templateId": "T1"}`, number, secret)

			accepted := post(t, d.Client("shop-1"), "", body)
			m := accepted.message(t, http.StatusAccepted)
			if location := accepted.header.Get("Location"); location != "/v1/sms/"+m.ID || m.Status != "queued" {
				t.Errorf("the header Location is %q and the status %q", location, m.Status)
			}

			record := d.Record(t, m.ID)
			want := map[string]any{
				"id": m.ID, "status": "queued", "owner": "shop", "client": "shop-1",
				"phoneNumber": number, "message": secret, "reference": "order-7",
			}
			if diff := cmp.Diff(want, common(record, want)); diff != "" {
				t.Errorf("the record in DynamoDB differs (-want +got):\n%s", diff)
			}
			ref := fmt.Sprintf("%s.%.0f", m.ID, record["createdAt"])

			batches := make(chan lambdatest.Batch, 1)
			stop := d.Poll(t, func(b lambdatest.Batch) { batches <- b })
			batch := <-batches
			stop()
			if len(batch.Messages) != 1 || *batch.Messages[0].Body != ref || len(batch.Messages[0].MessageAttributes) != 0 {
				t.Errorf("the queue has %+v, want one envelope for %s", batch.Messages, ref)
			}
			if group := batch.Messages[0].Attributes["MessageGroupId"]; group != "shop-1" {
				t.Errorf("the envelope's message group is %q", group)
			}
			for _, r := range d.SQS.Requests() {
				for _, private := range []string{number, number[1:], "1234", "order-7", "Shop-1"} {
					if strings.Contains(string(r.Body), private) {
						t.Errorf("the private value %q was sent to SQS: %s", private, r.Body)
					}
				}
			}
			if batch.Err != nil || string(batch.Response) != `{"batchItemFailures":[]}` {
				t.Errorf("the sender answered %s, %v", batch.Response, batch.Err)
			}

			taken := d.Taken(t, number)
			if len(taken) != 1 || taken[0].Text != secret {
				t.Fatalf("moto took %+v, want one message", taken)
			}
			attributes := map[string]string{
				"AWS.SNS.SMS.SMSType": "String Promotional", "AWS.SNS.SMS.SenderID": "String Shop-1",
				"AWS.SNS.SMS.MaxPrice": "Number 0.05", "AWS.MM.SMS.EntityId": "String E1", "AWS.MM.SMS.TemplateId": "String T1",
			}
			if diff := cmp.Diff(attributes, d.TakenAttributes(t, number)); diff != "" {
				t.Errorf("the attributes at SNS differ (-want +got):\n%s", diff)
			}

			// Another client of the same owner sees the message, but a client of another owner does not see
			// it.
			sent := get(t, d.Client("shop-2"), m.ID).message(t, http.StatusOK)
			if sent.Status != "sent" || sent.ProviderMessageID != taken[0].ProviderMessageID || sent.Attempts != 1 || sent.HandOvers() != 1 {
				t.Errorf("the sent message is %+v, want the provider message id %s", sent, taken[0].ProviderMessageID)
			}
			if r := get(t, d.Client("stranger"), m.ID); r.status != http.StatusNotFound {
				t.Errorf("another owner gets status %d, want 404: %s", r.status, r.body)
			}
			for service, f := range map[string]*lambdatest.Function{"api": d.API, "sender": d.Sender} {
				if out := f.Output(); strings.Contains(out, number) || strings.Contains(out, secret) {
					t.Errorf("the log of %s contains private data:\n%s", service, out)
				}
			}
		})
	}
}

func common(item, want map[string]any) map[string]any {
	some := make(map[string]any)
	for name := range want {
		if v, ok := item[name]; ok {
			some[name] = v
		}
	}
	return some
}

func TestABatchAnswersForItsGarbageAlone(t *testing.T) {
	t.Parallel()
	d := functions.Deploy(t, functions.Options{})
	api := d.Client("shop")
	numbers := make([]string, 8)
	ids := make([]string, len(numbers))
	submit := func(i int) {
		numbers[i] = newNumber()
		ids[i] = post(t, api, "", text(numbers[i], "hello")).message(t, http.StatusAccepted).ID
	}

	submit(0)
	first := d.Receive(t, 1)
	if answer := d.Deliver(t, first); answer != `{"batchItemFailures":[]}` {
		t.Fatalf("the answer to the first batch is %s", answer)
	}
	sentAlready := *first[0].Body
	for i := range numbers[1:] {
		submit(i + 1)
	}
	unknown := sms.Ref{ID: sms.NewID(), Generation: time.Now().UnixMilli()}.String()
	for _, body := range []string{`{"id": "no reference"}`, unknown, sentAlready} {
		if _, err := d.Queue.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &d.QueueURL, MessageBody: aws.String(body)}); err != nil {
			t.Fatal(err)
		}
	}

	batch := d.Receive(t, 10)
	garbage := batch[slices.IndexFunc(batch, func(m sqstypes.Message) bool { return strings.HasPrefix(*m.Body, "{") })]
	want := fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":%q}]}`, *garbage.MessageId)
	if answer := d.Deliver(t, batch); answer != want {
		t.Errorf("the sender answers %s, want %s", answer, want)
	}
	for i, id := range ids {
		taken := d.Taken(t, numbers[i])
		got := get(t, api, id).message(t, http.StatusOK)
		if len(taken) != 1 || got.Status != "sent" || got.ProviderMessageID != taken[0].ProviderMessageID {
			t.Errorf("message %d is %+v, moto took %+v", i, got, taken)
		}
	}

	nothingToDo := slices.DeleteFunc(batch, func(m sqstypes.Message) bool { return *m.MessageId == *garbage.MessageId })
	for name, again := range map[string][]sqstypes.Message{"nine envelopes that are done": nothingToDo, "no envelopes": nil} {
		if answer := d.Deliver(t, again); answer != `{"batchItemFailures":[]}` {
			t.Errorf("the answer to a batch with %s is %s, want no failures", name, answer)
		}
	}
	if n := d.SNS.Counts()["Publish"]; n != len(ids) {
		t.Errorf("%d messages were published, want %d", n, len(ids))
	}
}

func TestAFunctionNamesEveryVariableThatItMisses(t *testing.T) {
	t.Parallel()
	for service, variables := range map[string][]string{
		"api":      {"TABLE_NAME", "QUEUE_URL", "ALLOWED_COUNTRIES"},
		"sender":   {"TABLE_NAME"},
		"relay":    {"TABLE_NAME", "QUEUE_URL"},
		"receipts": {"TABLE_NAME"},
	} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			f := lambdatest.Start(t, lambdatest.Options{Binary: functions.Bootstrap(t, service)})
			_, err := f.Invoke(t.Context(), []byte(`{}`))
			if err == nil {
				t.Fatal("the function started, although its variables are missing")
			}
			for _, name := range variables {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("the error does not name %s: %v", name, err)
				}
			}
		})
	}
}
