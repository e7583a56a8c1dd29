package sqsqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Dequeue makes one request. It returns no more items than limit, and never more than
// ten. The time to wait is rounded up to whole seconds, and is at most 20 seconds.
func (q *Queue) Dequeue(ctx context.Context, limit int, wait time.Duration) ([]sms.QueueItem, error) {
	const count = types.MessageSystemAttributeNameApproximateReceiveCount
	wait = min(max(wait, 0)+time.Second-1, maxWait)
	out, err := call(ctx, q.client.ReceiveMessage, &sqs.ReceiveMessageInput{
		QueueUrl:                    q.url,
		MaxNumberOfMessages:         int32(min(max(limit, 1), maxBatch)),
		WaitTimeSeconds:             seconds(wait),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{count},
	})
	if err != nil {
		return nil, fmt.Errorf("receiving from the queue: %w", err)
	}
	var received []sms.QueueItem
	for _, m := range out.Messages {
		times, err := strconv.Atoi(m.Attributes[string(count)])
		if err != nil {
			times = 1 // SQS's count is only approximate
		}
		received = append(received, sms.QueueItem{
			Body: aws.ToString(m.Body), Handle: aws.ToString(m.ReceiptHandle), ReceiveCount: times,
		})
	}
	return received, nil
}

// Delete removes received items, ten per request. It tries to remove all of them. If it
// returns an error, the items that were not removed will come back.
func (q *Queue) Delete(ctx context.Context, received ...sms.QueueItem) error {
	var failed []error
	for batch := range slices.Chunk(received, maxBatch) {
		var entries []types.DeleteMessageBatchRequestEntry
		for i, r := range batch {
			entries = append(entries, types.DeleteMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(r.Handle),
			})
		}
		out, err := call(ctx, q.client.DeleteMessageBatch, &sqs.DeleteMessageBatchInput{QueueUrl: q.url, Entries: entries})
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, e := range out.Failed {
			failed = append(failed, refusal(e))
		}
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("deleting from the queue: %w", err)
	}
	return nil
}
