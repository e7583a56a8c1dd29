// Package sqsqueue is the queue on SQS, which must be a standard queue. The package
// implements sms.Queue. It also implements sms.Consumer, for programs for which Lambda
// does not poll the queue.
package sqsqueue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/smsqueue/smsqueue/shared/connect"
	"github.com/smsqueue/smsqueue/shared/sdkcall"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Queue sends to one SQS queue and receives from it. Callers may use it concurrently.
type Queue struct {
	client *sqs.Client
	url    *string
}

var (
	_ sms.Queue    = (*Queue)(nil)
	_ sms.Consumer = (*Queue)(nil)
)

// idleTime is the longest time that a connection may be idle. A call on a dead connection
// is repeated only after up to two seconds, whereas a new connection costs a few
// milliseconds.
const idleTime = 10 * time.Second

// NewClient returns a client with the connections that callers of a Queue need.
func NewClient(cfg aws.Config) *sqs.Client {
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		o.HTTPClient = connect.NewClient(cfg, connect.Options{Idle: idleTime})
	})
}

// Connect opens the connection that the first call uses.
func (q *Queue) Connect(ctx context.Context) error {
	return connect.Open(q.client.Options().HTTPClient, func(opener aws.HTTPClient) error {
		_, err := q.client.ListQueues(ctx, nil, func(o *sqs.Options) {
			o.HTTPClient, o.Retryer = opener, aws.NopRetryer{}
		})
		return err
	})
}

// New returns the queue at queueURL, which must be a standard queue.
func New(client *sqs.Client, queueURL string) *Queue {
	return &Queue{client: client, url: aws.String(queueURL)}
}

// These are the limits of one request. Source: SQS SendMessageBatch, DeleteMessageBatch
// and ReceiveMessage.
const (
	maxBatch = 10 // envelopes or items
	maxWait  = 20 * time.Second
)

var errDelay = errors.New("a delay must be a whole number of seconds, and at most " + sms.MaxDelay.String())

// Backlog returns SQS's ApproximateNumberOfMessages, with one request.
func (q *Queue) Backlog(ctx context.Context) (int, error) {
	const name = types.QueueAttributeNameApproximateNumberOfMessages
	out, err := call(ctx, q.client.GetQueueAttributes, &sqs.GetQueueAttributesInput{
		QueueUrl: q.url, AttributeNames: []types.QueueAttributeName{name},
	})
	if err != nil {
		return 0, fmt.Errorf("reading the backlog: %w", err)
	}
	n, err := strconv.Atoi(out.Attributes[string(name)])
	if err != nil {
		return 0, fmt.Errorf("reading the backlog: %w", err)
	}
	return n, nil
}

// call makes one call. The error is sms.ErrUnavailable if the call was certainly not
// carried out.
func call[In, Out any](
	ctx context.Context, do func(context.Context, *In, ...func(*sqs.Options)) (*Out, error), in *In,
) (*Out, error) {
	var attempts sdkcall.Attempts
	out, err := do(ctx, in, func(o *sqs.Options) { o.APIOptions = append(o.APIOptions, attempts.Watch) })
	return out, attempts.Err(err)
}

// refusal returns the error of one entry of a batch. Other entries of the batch may have
// succeeded.
func refusal(e types.BatchResultErrorEntry) error {
	err := fmt.Errorf("%s: %s", aws.ToString(e.Code), aws.ToString(e.Message))
	if sdkcall.Throttles(aws.ToString(e.Code)) {
		return fmt.Errorf("%w: %w", sms.ErrUnavailable, err)
	}
	return err
}
