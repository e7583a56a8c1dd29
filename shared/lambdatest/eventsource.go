package lambdatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// EventSource is an event source mapping of SQS with ReportBatchItemFailures.
type EventSource struct {
	Queue    *sqs.Client
	QueueURL string

	// BatchSize is the maximum number of messages in an event, from 1 to 10. Zero means
	// 10.
	BatchSize int32

	// MaximumConcurrency is the maximum number of events at a time. Zero means 1.
	MaximumConcurrency int

	// Invoke invokes the function. It is usually [Function.Invoke].
	Invoke func(ctx context.Context, event []byte) ([]byte, error)

	// Observe, if not nil, is called after each event. It must be safe for concurrent
	// use.
	Observe func(Batch)
}

// Batch is one event and its result.
type Batch struct {
	Messages []types.Message
	Response []byte
	Err      error    // the error of the invocation, or of reading the response
	Failed   []string // ids of the messages left on the queue
}

// Poll receives messages from the queue and passes them to the function in batches. It
// deletes the messages that succeeded. The other messages come back after their
// visibility timeout. Poll works in the background until the test ends or the returned
// function is called. The returned function waits for the events that are being handled.
func Poll(t testing.TB, source EventSource) (stop func()) {
	t.Helper()
	if source.BatchSize == 0 {
		source.BatchSize = 10
	}
	arn, err := queueARN(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	stopping := make(chan struct{})
	var pollers sync.WaitGroup
	for range max(source.MaximumConcurrency, 1) {
		pollers.Go(func() {
			for {
				select {
				case <-stopping:
					return
				default:
				}
				if err := source.pollOnce(arn); err != nil {
					t.Logf("event source %s: %v", arn, err)
					select { // try again later: the queue can be down for a while
					case <-stopping:
					case <-time.After(200 * time.Millisecond):
					}
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		close(stopping)
		pollers.Wait()
	})
	t.Cleanup(stop)
	return stop
}

func queueARN(ctx context.Context, source EventSource) (string, error) {
	out, err := source.Queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &source.QueueURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", fmt.Errorf("asking for the ARN of %s: %w", source.QueueURL, err)
	}
	return out.Attributes[string(types.QueueAttributeNameQueueArn)], nil
}

// pollOnce never interrupts a receive, because this could lose messages.
func (s EventSource) pollOnce(arn string) error {
	ctx := context.Background()
	out, err := s.Queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &s.QueueURL,
		MaxNumberOfMessages:         s.BatchSize,
		WaitTimeSeconds:             1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return fmt.Errorf("receiving: %w", err)
	}
	if len(out.Messages) == 0 {
		return nil
	}
	batch := Batch{Messages: out.Messages}
	batch.Response, batch.Err = s.Invoke(ctx, SQSEvent(arn, out.Messages))
	if batch.Err == nil {
		batch.Failed, batch.Err = FailedItems(batch.Response, ids(out.Messages))
	}
	if batch.Err != nil {
		batch.Failed = ids(out.Messages)
	}
	deleteErr := s.deleteAllBut(ctx, batch.Failed, out.Messages)
	if s.Observe != nil {
		s.Observe(batch)
	}
	return deleteErr
}

func (s EventSource) deleteAllBut(ctx context.Context, failed []string, messages []types.Message) error {
	keep := make(map[string]bool, len(failed))
	for _, id := range failed {
		keep[id] = true
	}
	var done []types.DeleteMessageBatchRequestEntry
	for _, m := range messages {
		if !keep[*m.MessageId] {
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
		}
	}
	if len(done) == 0 {
		return nil
	}
	out, err := s.Queue.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &s.QueueURL, Entries: done})
	if err != nil {
		return fmt.Errorf("deleting %d messages: %w", len(done), err)
	}
	if len(out.Failed) > 0 {
		return fmt.Errorf("deleting messages: %d of %d remain: %s", len(out.Failed), len(done), aws.ToString(out.Failed[0].Message))
	}
	return nil
}

func ids(messages []types.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, aws.ToString(m.MessageId))
	}
	return all
}

// SQSEvent returns the event with which Lambda passes the queue's messages to a function.
func SQSEvent(queueARN string, messages []types.Message) []byte {
	event := events.SQSEvent{Records: []events.SQSMessage{}}
	queueRegion := strings.Split(queueARN+":::", ":")[3]
	for _, m := range messages {
		attributes := map[string]events.SQSMessageAttribute{}
		for name, a := range m.MessageAttributes {
			attributes[name] = events.SQSMessageAttribute{
				StringValue:      a.StringValue,
				BinaryValue:      a.BinaryValue,
				StringListValues: []string{},
				BinaryListValues: [][]byte{},
				DataType:         aws.ToString(a.DataType),
			}
		}
		event.Records = append(event.Records, events.SQSMessage{
			MessageId:              aws.ToString(m.MessageId),
			ReceiptHandle:          aws.ToString(m.ReceiptHandle),
			Body:                   aws.ToString(m.Body),
			Md5OfBody:              aws.ToString(m.MD5OfBody),
			Md5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
			Attributes:             m.Attributes,
			MessageAttributes:      attributes,
			EventSourceARN:         queueARN,
			EventSource:            "aws:sqs",
			AWSRegion:              queueRegion,
		})
	}
	return encode(event)
}

// FailedItems returns the ids that a function's response reports as failed. It returns an
// error if Lambda would treat the whole batch as failed. Lambda does so if the response
// cannot be read, or if it contains an empty id or an id that is not in the batch.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func FailedItems(response []byte, batch []string) ([]string, error) {
	// Decode into maps, because the fields of a struct would match keys in any letter
	// case.
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(response, &answer); err != nil {
		return nil, fmt.Errorf("reading the batch response: %w", err)
	}
	var items []map[string]json.RawMessage
	if list, ok := answer["batchItemFailures"]; ok {
		if err := json.Unmarshal(list, &items); err != nil {
			return nil, fmt.Errorf("reading batchItemFailures: %w", err)
		}
	}
	known := make(map[string]bool, len(batch))
	for _, id := range batch {
		known[id] = true
	}
	var failed []string
	for _, item := range items {
		var id string
		if err := json.Unmarshal(item["itemIdentifier"], &id); err != nil || id == "" {
			return nil, errors.New("an item of batchItemFailures has no itemIdentifier")
		}
		if !known[id] {
			return nil, fmt.Errorf("batchItemFailures contains %q, which is not in the batch", id)
		}
		failed = append(failed, id)
	}
	return failed, nil
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encoding %T: %v", v, err))
	}
	return raw
}
