package lambdatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/lambdatest"
)

func TestFailedItemsAreReadAsLambdaReadsThem(t *testing.T) {
	batch := []string{"a", "b"}
	tests := []struct {
		response string
		failed   []string
		whole    bool
	}{
		{response: `null`},
		{response: `{}`},
		{response: `{"batchItemFailures": null}`},
		{response: `{"batchItemFailures": []}`},
		{response: `{"other": 1}`},
		{response: `{"batchItemFailures": [{"itemIdentifier": "b"}]}`, failed: []string{"b"}},
		{response: `{"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "a"}]}`, failed: []string{"b", "a"}},
		{response: ``, whole: true},
		{response: `{`, whole: true},
		{response: `[]`, whole: true},
		{response: `"ok"`, whole: true},
		{response: `{"batchItemFailures": "a"}`, whole: true},
		{response: `{"batchItemFailures": [null]}`, whole: true},
		{response: `{"batchItemFailures": [{}]}`, whole: true},
		{response: `{"batchItemFailures": [{"ItemIdentifier": "a"}]}`, whole: true},
		{response: `{"batchItemFailures": [{"itemIdentifier": ""}]}`, whole: true},
		{response: `{"batchItemFailures": [{"itemIdentifier": null}]}`, whole: true},
		{response: `{"batchItemFailures": [{"itemIdentifier": 1}]}`, whole: true},
		{response: `{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}`, whole: true},
	}
	for _, test := range tests {
		t.Run(test.response, func(t *testing.T) {
			failed, err := lambdatest.FailedItems([]byte(test.response), batch)
			if diff := cmp.Diff(test.failed, failed); diff != "" || (err != nil) != test.whole {
				t.Errorf("error %v, want an error: %t; the failed ids differ (-want +got):\n%s", err, test.whole, diff)
			}
		})
	}
}

func TestAnSQSEventHasLambdasFields(t *testing.T) {
	const arn = "arn:aws:sqs:eu-west-1:123456789012:messages"
	got := lambdatest.SQSEvent(arn, []types.Message{{
		MessageId: aws.String("m"), ReceiptHandle: aws.String("r"), Body: aws.String("é"), MD5OfBody: aws.String("5"),
		Attributes:        map[string]string{"ApproximateReceiveCount": "2", "MessageGroupId": "client"},
		MessageAttributes: map[string]types.MessageAttributeValue{"kind": {DataType: aws.String("String"), StringValue: aws.String("id")}},
	}})
	const want = `{"Records": [{
		"messageId": "m", "receiptHandle": "r", "body": "é", "md5OfBody": "5", "md5OfMessageAttributes": "",
		"attributes": {"ApproximateReceiveCount": "2", "MessageGroupId": "client"},
		"messageAttributes": {"kind": {"stringValue": "id", "stringListValues": [], "binaryListValues": [], "dataType": "String"}},
		"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:messages", "awsRegion": "eu-west-1"}]}`
	if diff := cmp.Diff(decoded(t, []byte(want)), decoded(t, got)); diff != "" {
		t.Errorf("the event differs (-want +got):\n%s", diff)
	}
}

func decoded(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("decoding %s: %v", raw, err)
	}
	return v
}

// Messages that succeeded must be gone, and messages that failed must come back.
func TestPoll(t *testing.T) {
	client := sqs.NewFromConfig(enginetest.Config(t, enginetest.SQS(t)))

	tests := []struct {
		name   string
		answer func(batch events.SQSEvent) ([]byte, error)
		stays  map[string]bool
	}{
		{"an empty list of failures deletes all messages", func(events.SQSEvent) ([]byte, error) {
			return []byte(`{"batchItemFailures": []}`), nil
		}, nil},
		{"a message that is listed as failed stays", func(e events.SQSEvent) ([]byte, error) {
			var response events.SQSEventResponse
			for _, m := range e.Records {
				if m.Body == "1" {
					response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
				}
			}
			return json.Marshal(response)
		}, map[string]bool{"1": true}},
		{"an unknown id keeps all messages", func(events.SQSEvent) ([]byte, error) {
			return []byte(`{"batchItemFailures": [{"itemIdentifier": "?"}]}`), nil
		}, map[string]bool{"0": true, "1": true, "2": true}},
		{"an error of the function keeps all messages", func(events.SQSEvent) ([]byte, error) {
			return nil, errors.New("no luck")
		}, map[string]bool{"0": true, "1": true, "2": true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url := newQueue(t, client)
			for i := range 3 {
				if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(fmt.Sprint(i)), MessageGroupId: aws.String("client")}); err != nil {
					t.Fatal(err)
				}
			}
			batches := make(chan lambdatest.Batch, 100)
			stop := lambdatest.Poll(t, lambdatest.EventSource{
				Queue: client, QueueURL: url, Observe: func(b lambdatest.Batch) { batches <- b },
				Invoke: func(_ context.Context, raw []byte) ([]byte, error) {
					var e events.SQSEvent
					if err := json.Unmarshal(raw, &e); err != nil {
						return nil, err
					}
					for _, m := range e.Records {
						if m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["SentTimestamp"] == "" || m.EventSourceARN == "" {
							t.Errorf("message %+v lacks attributes", m)
						}
					}
					return test.answer(e)
				},
			})
			bodies := map[string]string{}
			stays := map[string]bool(nil)
			for len(bodies) < 3 {
				b := <-batches
				for _, m := range b.Messages {
					bodies[*m.MessageId] = *m.Body
				}
				for _, id := range b.Failed {
					if stays == nil {
						stays = map[string]bool{}
					}
					stays[bodies[id]] = true
				}
			}
			stop()
			if diff := cmp.Diff(test.stays, stays); diff != "" {
				t.Errorf("the failed messages differ (-want +got):\n%s", diff)
			}
			if got := depth(t, client, url); got != fmt.Sprint(len(test.stays)) {
				t.Errorf("the queue has %s messages, want %d", got, len(test.stays))
			}
		})
	}
}

func newQueue(t *testing.T, client *sqs.Client) string {
	t.Helper()
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName:  aws.String("lambdatest-" + uuid.NewString()),
		Attributes: map[string]string{"VisibilityTimeout": "60"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queue.QueueUrl})
	})
	return *queue.QueueUrl
}

// depth returns the number of hidden messages. It fails the test if a message is visible.
func depth(t *testing.T, client *sqs.Client, url string) string {
	t.Helper()
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		t.Fatal(err)
	}
	if visible := out.Attributes["ApproximateNumberOfMessages"]; visible != "0" {
		t.Errorf("%s messages are visible, want none", visible)
	}
	return out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}
