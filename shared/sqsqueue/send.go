package sqsqueue

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Send enqueues envelopes, ten per request. If a whole request fails, Send stops, and all
// remaining envelopes count as failed. If SQS does not allow one of the delays, Send
// sends nothing.
func (q *Queue) Send(ctx context.Context, envelopes ...sms.Envelope) error {
	for _, d := range envelopes {
		if d.Delay < 0 || d.Delay > sms.MaxDelay || d.Delay%time.Second != 0 {
			return fmt.Errorf("enqueuing %s with a delay of %s: %w", d.Ref.ID, d.Delay, errDelay)
		}
	}
	if len(envelopes) == 1 {
		return q.sendOne(ctx, envelopes[0])
	}
	errs := make([]error, len(envelopes)) // nil for an envelope that was enqueued
	for first := 0; first < len(envelopes); first += maxBatch {
		batch := envelopes[first:min(first+maxBatch, len(envelopes))]
		if err := q.sendBatch(ctx, batch, errs[first:]); err != nil {
			for i := first; i < len(envelopes); i++ {
				errs[i] = err
			}
			break
		}
	}
	return sendError(errs)
}

func (q *Queue) sendOne(ctx context.Context, d sms.Envelope) error {
	_, err := call(ctx, q.client.SendMessage, &sqs.SendMessageInput{
		QueueUrl:       q.url,
		MessageBody:    aws.String(d.Body()),
		MessageGroupId: group(d.Group),
		DelaySeconds:   seconds(d.Delay),
	})
	if err != nil {
		return &sms.SendError{Failed: []int{0}, Err: fmt.Errorf("enqueuing %s: %w", d.Ref.ID, err)}
	}
	return nil
}

// sendBatch sends one batch, and sets the error of each envelope that SQS refused. It
// returns an error if the whole request failed.
func (q *Queue) sendBatch(ctx context.Context, batch []sms.Envelope, errs []error) error {
	var entries []types.SendMessageBatchRequestEntry
	for i, d := range batch {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id:             aws.String(strconv.Itoa(i)),
			MessageBody:    aws.String(d.Body()),
			MessageGroupId: group(d.Group),
			DelaySeconds:   seconds(d.Delay),
		})
	}
	out, err := call(ctx, q.client.SendMessageBatch, &sqs.SendMessageBatchInput{QueueUrl: q.url, Entries: entries})
	if err != nil {
		return err
	}
	for i := range batch {
		errs[i] = errNotAnswered
	}
	for _, e := range out.Failed {
		if i, ok := entryIndex(e.Id, len(batch)); ok {
			errs[i] = refusal(e)
		}
	}
	for _, e := range out.Successful {
		if i, ok := entryIndex(e.Id, len(batch)); ok {
			errs[i] = nil
		}
	}
	return nil
}

var errNotAnswered = errors.New("the answer does not mention the envelope")

func entryIndex(id *string, n int) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < n
}

// sendError returns a *sms.SendError with the envelopes that have an error, or nil. The
// returned error is an sms.ErrUnavailable only if every error in errs is an
// sms.ErrUnavailable.
func sendError(errs []error) error {
	var e sms.SendError
	for i, err := range errs {
		if err == nil {
			continue
		}
		e.Failed = append(e.Failed, i)
		if e.Err == nil || !errors.Is(err, sms.ErrUnavailable) {
			e.Err = err
		}
	}
	if e.Err == nil {
		return nil
	}
	e.Err = fmt.Errorf("enqueuing: %d of %d failed: %w", len(e.Failed), len(errs), e.Err)
	return &e
}

// groupID matches a message group id.
// Source: SQS SendMessage, MessageGroupId.
var groupID = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)

// group returns g as a message group id. On a standard queue, groups keep one client's
// backlog from delaying others. It returns nil if SQS would refuse g, because a message
// without a group is better than a message that is not sent.
func group(g string) *string {
	if !groupID.MatchString(g) {
		return nil
	}
	return &g
}

func seconds(d time.Duration) int32 { return int32(d.Seconds()) }
