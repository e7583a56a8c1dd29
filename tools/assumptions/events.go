package assumptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Events with this source prove that a rule works.
const proofSource = "smsqueue.live-test"

type queue struct {
	url, arn string
	silent   error // why the rules do not work

	run  *run
	mu   sync.Mutex
	seen []entry
}

type entry struct {
	body  string
	group string // MessageGroupId
}

// makeQueue makes a temporary queue and rules that fill it, and waits until the rules
// work. If they do not work, the field silent of the queue has the reason.
func (r *run) makeQueue(ctx context.Context) (*queue, error) {
	account, err := r.account()
	if err != nil {
		return nil, err
	}
	name := r.Deployment.Name + "-live-test-" + r.suffix
	q := &queue{run: r, arn: "arn:" + partition(r.Config.Region) + ":sqs:" + r.Config.Region + ":" + account + ":" + name}
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
		"Action": "sqs:SendMessage", "Resource": %q, "Condition": {"StringEquals": {"aws:SourceAccount": %q}}}]}`, q.arn, account)
	out, err := r.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName:  aws.String(name),
		Attributes: map[string]string{string(types.QueueAttributeNamePolicy): policy, string(types.QueueAttributeNameMessageRetentionPeriod): "3600"},
	})
	if err != nil {
		return nil, fmt.Errorf("making a temporary queue: %w", err)
	}
	q.url = aws.ToString(out.QueueUrl)
	r.cleanUp(func(ctx context.Context) error {
		_, err := r.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		return wrap(err, "removing the queue "+name)
	})
	if r.Engine.lacking([]Need{EventRules}) == "" {
		q.silent = q.makeRules(ctx, name)
	}
	return q, nil
}

// buses maps each bus to the sources of its events.
func (r *run) buses() map[string][]string {
	buses := map[string][]string{"default": {textSource, proofSource}}
	if r.Deployment.EventBus != "" {
		buses[r.Deployment.EventBus] = []string{statusSource, proofSource}
	}
	return buses
}

// AWS sends events about texts. The pipe in terraform/ sends events about changes of
// status.
const (
	textSource   = "aws.sms-voice"
	statusSource = "smsqueue"
)

func (q *queue) makeRules(ctx context.Context, name string) error {
	r := q.run
	for bus, sources := range r.buses() {
		pattern, err := json.Marshal(map[string][]string{"source": sources})
		if err != nil {
			return err
		}
		rule := map[string]any{"Name": name, "EventBusName": bus, "EventPattern": string(pattern)}
		if err := r.json(ctx, "events", "AWSEvents.PutRule", rule, nil); err != nil {
			return err
		}
		r.cleanUp(func(ctx context.Context) error {
			target := map[string]any{"Rule": name, "EventBusName": bus, "Ids": []string{"queue"}}
			return errors.Join(
				wrap(r.json(ctx, "events", "AWSEvents.RemoveTargets", target, nil), "removing a target"),
				wrap(r.json(ctx, "events", "AWSEvents.DeleteRule", map[string]any{"Name": name, "EventBusName": bus}, nil), "removing the rule "+name),
			)
		})
		targets := map[string]any{"Rule": name, "EventBusName": bus, "Targets": []map[string]string{{"Id": "queue", "Arn": q.arn}}}
		if err := r.json(ctx, "events", "AWSEvents.PutTargets", targets, nil); err != nil {
			return err
		}
		if err := q.awaitRule(ctx, bus); err != nil {
			return fmt.Errorf("waiting for the rule on the bus %s: %w", bus, err)
		}
	}
	return nil
}

// A new rule does not work at once, so awaitRule puts events on the bus until one arrives
// in the queue.
func (q *queue) awaitRule(ctx context.Context, bus string) error {
	detail := fmt.Sprintf(`{"bus": %q}`, bus)
	event := map[string]any{"Entries": []map[string]string{{"Source": proofSource, "DetailType": "Proof", "Detail": detail, "EventBusName": bus}}}
	return await(ctx, time.Minute, time.Second, func() (bool, error) {
		if err := q.run.json(ctx, "events", "AWSEvents.PutEvents", event, nil); err != nil {
			return false, err
		}
		return q.receive(ctx, func(e entry) bool {
			return strings.Contains(e.body, proofSource) && strings.Contains(e.body, `"`+bus+`"`)
		})
	})
}

// Receives entries, and reports whether any entry received so far matches.
func (q *queue) receive(ctx context.Context, matches func(entry) bool) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	out, err := q.run.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(q.url), MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
	})
	if err != nil {
		return false, fmt.Errorf("receiving from the temporary queue: %w", err)
	}
	for _, m := range out.Messages {
		q.seen = append(q.seen, entry{aws.ToString(m.Body), m.Attributes[string(types.MessageSystemAttributeNameMessageGroupId)]})
		if _, err := q.run.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(q.url), ReceiptHandle: m.ReceiptHandle}); err != nil {
			return false, fmt.Errorf("deleting from the temporary queue: %w", err)
		}
	}
	return slices.ContainsFunc(q.seen, matches), nil
}

// Waits for an entry that matches. The method returns false if none comes before the time
// limit has passed.
func (q *queue) await(ctx context.Context, limit time.Duration, matches func(entry) bool) (bool, error) {
	err := await(ctx, limit, time.Second, func() (bool, error) { return q.receive(ctx, matches) })
	if errors.Is(err, errTimeout) {
		return false, nil
	}
	return err == nil, err
}

func fairQueues(ctx context.Context, r *run) (Result, error) {
	q, err := r.queue()
	if err != nil {
		return Result{}, err
	}
	const body, group = "an entry with a group", "client-1"
	_, err = r.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(q.url), MessageBody: aws.String(body), MessageGroupId: aws.String(group)})
	if err != nil {
		_, text := words(err)
		return differs("the queue refuses the entry: %s", text), nil
	}
	got := ""
	found, err := q.await(ctx, sentWithin, func(e entry) bool {
		if e.body == body {
			got = e.group
		}
		return e.body == body
	})
	if err != nil {
		return Result{}, err
	}
	return judge(found && got == group, "received: %t, with the group %q", found, got), nil
}

func busRule(_ context.Context, r *run) (Result, error) {
	if r.Deployment.EventBus == "" {
		return notChecked("the deployment has no event bus"), nil
	}
	q, err := r.queue()
	if err != nil {
		return Result{}, err
	}
	if q.silent == nil {
		return held("an event of our own arrived"), nil
	}
	return differs("%v", q.silent), nil
}

func busEvents(ctx context.Context, r *run) (Result, error) {
	if r.Deployment.EventBus == "" {
		return notChecked("the deployment has no event bus"), nil
	}
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	found, err := r.awaitEvent(ctx, statusSource, m.ID)
	if err != nil {
		return Result{}, err
	}
	return judge(found, "a bus event about the message arrived: %t", found), nil
}

func textEvents(ctx context.Context, r *run) (Result, error) {
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	found, err := r.awaitEvent(ctx, textSource, m.ProviderMessageID)
	if err != nil {
		return Result{}, err
	}
	return judge(found, "an event with the provider message id arrived within %v: %t", r.Patience, found), nil
}

func (r *run) awaitEvent(ctx context.Context, source, id string) (bool, error) {
	q, err := r.queue()
	if err != nil {
		return false, err
	}
	if q.silent != nil {
		return false, q.silent
	}
	return q.await(ctx, r.Patience, func(e entry) bool {
		var event struct{ Source string }
		return json.Unmarshal([]byte(e.body), &event) == nil && event.Source == source && strings.Contains(e.body, id)
	})
}

func partition(awsRegion string) string {
	switch {
	case strings.HasPrefix(awsRegion, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(awsRegion, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
