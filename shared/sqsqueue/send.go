package sqsqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Send enqueues envelopes, ten per request. If a whole request fails, Send stops,
// and the rest counts as failed. If SQS does not allow a delay, Send returns an
// error and sends nothing.
func (q *Queue) Send(ctx context.Context, envelopes ...sms.Envelope) error {
	for _, d := range envelopes {
		if d.Delay < 0 || d.Delay > sms.MaxDelay || d.Delay%time.Second != 0 {
			return fmt.Errorf("enqueuing %s with a delay of %s: %w", d.Ref.ID, d.Delay, errDelay)
		}
	}
	if len(envelopes) == 1 {
		return q.sendOne(ctx, envelopes[0])
	}
	var failures failures
	for first := 0; first < len(envelopes); first += maxBatch {
		batch := envelopes[first:min(first+maxBatch, len(envelopes))]
		if err := q.sendBatch(ctx, batch, first, &failures); err != nil {
			for i := first; i < len(envelopes); i++ {
				failures.add(i, err)
			}
			break
		}
	}
	return failures.err(len(envelopes))
}

func (q *Queue) sendOne(ctx context.Context, d sms.Envelope) error {
	_, err := call(ctx, q.client.SendMessage, &sqs.SendMessageInput{
		QueueUrl:       q.url,
		MessageBody:    aws.String(d.Ref.String()),
		MessageGroupId: group(d.Group),
		DelaySeconds:   seconds(d.Delay),
	})
	if err != nil {
		return &sms.SendError{Failed: []int{0}, Err: fmt.Errorf("enqueuing %s: %w", d.Ref.ID, err)}
	}
	return nil
}

// sendBatch sends one batch, whose first envelope has the index first, and adds the
// envelopes that SQS refused to failures. It returns an error if the whole request
// failed.
func (q *Queue) sendBatch(ctx context.Context, batch []sms.Envelope, first int, failures *failures) error {
	var entries []types.SendMessageBatchRequestEntry
	for i, d := range batch {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id:             aws.String(strconv.Itoa(i)),
			MessageBody:    aws.String(d.Ref.String()),
			MessageGroupId: group(d.Group),
			DelaySeconds:   seconds(d.Delay),
		})
	}
	out, err := call(ctx, q.client.SendMessageBatch, &sqs.SendMessageBatchInput{QueueUrl: q.url, Entries: entries})
	if err != nil {
		return err
	}
	sent := make([]bool, len(batch))
	for _, e := range out.Successful {
		if i, ok := entryIndex(e.Id, len(batch)); ok {
			sent[i] = true
		}
	}
	for _, e := range out.Failed {
		if i, ok := entryIndex(e.Id, len(batch)); ok && !sent[i] {
			failures.add(first+i, refusal(e))
			sent[i] = true // accounted for
		}
	}
	for i, ok := range sent {
		if !ok {
			failures.add(first+i, errNotAnswered)
		}
	}
	return nil
}

var errNotAnswered = errors.New("the answer does not mention the envelope")

// entryIndex returns the index that the id of an entry stands for.
func entryIndex(id *string, n int) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < n
}

// failures lists the envelopes that are not known to be enqueued.
type failures []failure

type failure struct {
	index int
	err   error
}

func (f *failures) add(index int, err error) { *f = append(*f, failure{index, err}) }

// err returns the *sms.SendError of f, or nil. It is sms.ErrUnavailable only if
// every failure is.
func (f failures) err(of int) error {
	if len(f) == 0 {
		return nil
	}
	slices.SortFunc(f, func(a, b failure) int { return cmp.Compare(a.index, b.index) })
	e := &sms.SendError{Err: f[0].err}
	for _, failed := range f {
		e.Failed = append(e.Failed, failed.index)
		if !errors.Is(failed.err, sms.ErrUnavailable) {
			e.Err = failed.err
		}
	}
	e.Err = fmt.Errorf("enqueuing: %d of %d failed: %w", len(f), of, e.Err)
	return e
}

// groupID matches a message group id.
// Source: SQS SendMessage, MessageGroupId.
var groupID = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)

// group returns g as a message group id, which on a standard queue keeps one
// client's backlog from delaying the others. It returns nil if SQS would refuse g:
// an unfair queue is better than an unsent message.
func group(g string) *string {
	if !groupID.MatchString(g) {
		return nil
	}
	return &g
}

func seconds(d time.Duration) int32 { return int32(d.Seconds()) }
