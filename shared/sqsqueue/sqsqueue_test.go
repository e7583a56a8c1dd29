package sqsqueue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sqsqueue"
)

func TestConformance(t *testing.T) {
	client := sqs.NewFromConfig(enginetest.Config(t, enginetest.SQS(t)))
	smstest.TestQueue(t, func(t *testing.T, visibility time.Duration) smstest.Queue {
		return sqsqueue.New(client, newQueue(t, client, visibility))
	})
}

func newQueue(t *testing.T, client *sqs.Client, visibility time.Duration) (url string) {
	t.Helper()
	name := "test-" + sms.NewToken()
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName:  &name,
		Attributes: map[string]string{"VisibilityTimeout": strconv.Itoa(int(visibility.Seconds()))},
	})
	if err != nil {
		t.Fatalf("creating queue %s: %v", name, err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
			t.Errorf("deleting queue %s: %v", name, err)
		}
	})
	return *out.QueueUrl
}

func behindProxy(t *testing.T) (*sqsqueue.Queue, *faultproxy.Proxy) {
	t.Helper()
	url := enginetest.SQS(t)
	proxy := faultproxy.New(t, url)
	queue := newQueue(t, sqs.NewFromConfig(enginetest.Config(t, url)), time.Minute)
	return sqsqueue.New(sqs.NewFromConfig(enginetest.Config(t, proxy.URL())), queue), proxy
}

func envelopes(n int) []sms.Envelope {
	list := make([]sms.Envelope, n)
	for i := range list {
		list[i] = sms.Envelope{Ref: sms.Ref{ID: sms.NewID(), Generation: 1_800_000_000_000}, Group: "client"}
	}
	return list
}

func TestRequests(t *testing.T) {
	q, proxy := behindProxy(t)
	for _, tt := range []struct {
		name string
		call func() error
		want map[string]int
	}{
		{"sending no envelope takes no request", func() error { return q.Send(t.Context()) }, map[string]int{}},
		{"sending one envelope takes one request", func() error { return q.Send(t.Context(), envelopes(1)...) }, map[string]int{"SendMessage": 1}},
		{"sending ten envelopes takes one request", func() error { return q.Send(t.Context(), envelopes(10)...) }, map[string]int{"SendMessageBatch": 1}},
		{"sending 21 envelopes takes three requests", func() error { return q.Send(t.Context(), envelopes(21)...) }, map[string]int{"SendMessageBatch": 3}},
		{"the backlog takes one request", func() error { _, err := q.Backlog(t.Context()); return err }, map[string]int{"GetQueueAttributes": 1}},
		{"receiving and deleting take one request each", func() error {
			received, err := q.Dequeue(t.Context(), 100, 0)
			return errors.Join(err, q.Delete(t.Context(), received...))
		}, map[string]int{"ReceiveMessage": 1, "DeleteMessageBatch": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy.Reset()
			if err := tt.call(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, proxy.Counts()); diff != "" {
				t.Errorf("the requests differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	q, proxy := behindProxy(t)
	proxy.KeepBodies()
	for _, tt := range []struct{ name, group, want string }{
		{"a client's id is the group", "1example23456789", "1example23456789"},
		{"punctuation is allowed", "a-b_c.d:e/f", "a-b_c.d:e/f"},
		{"an envelope without a group has no group id", "", ""},
		{"a group with a space is left out", "two words", ""},
		{"a group that is not ASCII is left out", "müller", ""},
		{"a group of 128 characters is allowed", strings.Repeat("x", 128), strings.Repeat("x", 128)},
		{"a group of 129 characters is left out", strings.Repeat("x", 129), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy.Reset()
			list := envelopes(2)
			list[0].Group, list[1].Group = tt.group, tt.group
			if err := errors.Join(q.Send(t.Context(), list[0]), q.Send(t.Context(), list...)); err != nil {
				t.Fatal(err)
			}
			type entry struct {
				Group string `json:"MessageGroupId"`
			}
			for _, r := range proxy.Requests() {
				var body struct {
					entry
					Entries []entry
				}
				if err := json.Unmarshal(r.Body, &body); err != nil {
					t.Fatal(err)
				}
				if body.Entries == nil {
					body.Entries = []entry{body.entry}
				}
				for _, e := range body.Entries {
					if e.Group != tt.want {
						t.Errorf("the group is %q, want %q", e.Group, tt.want)
					}
				}
			}
		})
	}
}

func TestDelays(t *testing.T) {
	q, proxy := behindProxy(t)
	for name, delay := range map[string]time.Duration{
		"that is longer than 900 seconds": sms.MaxDelay + time.Second,
		"that is negative":                -time.Second,
		"that is not whole seconds":       1500 * time.Millisecond,
		"that is a millisecond too long":  sms.MaxDelay + time.Millisecond,
	} {
		t.Run("a delay "+name+" is refused before anything is sent", func(t *testing.T) {
			list := envelopes(12)
			list[11].Delay = delay
			err := q.Send(t.Context(), list...)
			if got := sms.FailedEnvelopes(err, 12); len(got) != 12 {
				t.Errorf("the error %v lists the envelopes %v, want all", err, got)
			}
		})
	}
	if n := proxy.Total(); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
}

func TestUnsent(t *testing.T) {
	all := func(from, to int) (list []int) {
		for i := from; i < to; i++ {
			list = append(list, i)
		}
		return list
	}
	for _, tt := range []struct {
		name        string
		n           int
		fault       func(op string, n int) faultproxy.Fault
		want        []int
		unavailable bool
	}{
		{"all envelopes fail if every request is throttled", 25, func(string, int) faultproxy.Fault {
			return faultproxy.Throttle()
		}, all(0, 25), true},
		{"a single envelope fails if it is throttled", 1, func(string, int) faultproxy.Fault {
			return faultproxy.Throttle()
		}, all(0, 1), true},
		{"the envelopes of the failed batch and all after it fail", 25, func(_ string, n int) faultproxy.Fault {
			if n == 1 {
				return faultproxy.Pass()
			}
			return faultproxy.Throttle()
		}, all(10, 25), true},
		{"a single envelope may have been sent if its answer was lost and its retries were throttled", 1, func(_ string, n int) faultproxy.Fault {
			if n == 1 {
				return faultproxy.LoseAnswer()
			}
			return faultproxy.Throttle()
		}, all(0, 1), false},
		{"none fails if the answer to the retry arrives", 3, func(_ string, n int) faultproxy.Fault {
			if n == 1 {
				return faultproxy.LoseAnswer()
			}
			return faultproxy.Pass()
		}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, proxy := behindProxy(t)
			proxy.Rule(tt.fault)
			err := q.Send(t.Context(), envelopes(tt.n)...)
			if diff := cmp.Diff(tt.want, sms.FailedEnvelopes(err, tt.n)); diff != "" {
				t.Errorf("the failed envelopes after %v differ (-want +got):\n%s", err, diff)
			}
			if got := errors.Is(err, sms.ErrUnavailable); got != tt.unavailable {
				t.Errorf("whether %v is ErrUnavailable: %t, want %t", err, got, tt.unavailable)
			}
		})
	}
}

func TestNoConnection(t *testing.T) {
	client := sqs.NewFromConfig(enginetest.Config(t, "http://127.0.0.1:1"))
	q := sqsqueue.New(client, "http://127.0.0.1:1/queue")
	if err := q.Send(t.Context(), envelopes(2)...); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("Send: %v, want ErrUnavailable", err)
	}
	if _, err := q.Backlog(t.Context()); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("Backlog: %v, want ErrUnavailable", err)
	}
}

func TestPartOfABatchFails(t *testing.T) {
	refused := func(id int, code string) map[string]any {
		return map[string]any{"Id": strconv.Itoa(id), "Code": code, "SenderFault": false}
	}
	for _, tt := range []struct {
		name        string
		answers     [][]map[string]any // for each batch, the entries that fail
		want        []int
		unavailable bool
	}{
		{"the error lists failed envelopes by index", [][]map[string]any{
			{refused(3, "InternalError")}, nil, {refused(4, "InternalError"), refused(0, "InternalError")},
		}, []int{3, 20, 24}, false},
		{"the error is ErrUnavailable if each failed envelope was throttled", [][]map[string]any{
			nil, {refused(9, "ThrottlingException"), refused(1, "RequestThrottled")}, nil,
		}, []int{11, 19}, true},
		{"the error is not ErrUnavailable if one failed for another reason", [][]map[string]any{
			{refused(0, "ThrottlingException")}, {refused(0, "InternalError")}, nil,
		}, []int{0, 10}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := enginetest.Config(t, "http://127.0.0.1:1")
			answers := &batchAnswers{failed: tt.answers}
			cfg.HTTPClient = &http.Client{Transport: answers}
			q := sqsqueue.New(sqs.NewFromConfig(cfg, func(o *sqs.Options) {
				o.DisableMessageChecksumValidation = true
			}), "http://127.0.0.1:1/queue")
			err := q.Send(t.Context(), envelopes(25)...)
			partial, ok := errors.AsType[*sms.SendError](err)
			if !ok {
				t.Fatalf("got %v, want a *SendError", err)
			}
			if diff := cmp.Diff(tt.want, partial.Failed); diff != "" {
				t.Errorf("the failed envelopes after %v differ (-want +got):\n%s", err, diff)
			}
			if got := errors.Is(err, sms.ErrUnavailable); got != tt.unavailable {
				t.Errorf("whether %v is ErrUnavailable: %t, want %t", err, got, tt.unavailable)
			}
			if answers.n != len(tt.answers) {
				t.Errorf("%d batches were sent, want %d", answers.n, len(tt.answers))
			}
		})
	}
}

type batchAnswers struct {
	failed [][]map[string]any
	n      int
}

func (b *batchAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	var batch struct {
		Entries []struct {
			ID string `json:"Id"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
		return nil, err
	}
	failed := b.failed[b.n]
	b.n++
	var sent []map[string]any
	for _, e := range batch.Entries {
		ok := true
		for _, f := range failed {
			ok = ok && f["Id"] != e.ID
		}
		if ok {
			sent = append(sent, map[string]any{"Id": e.ID, "MessageId": "m", "MD5OfMessageBody": "x"})
		}
	}
	body, err := json.Marshal(map[string]any{"Successful": sent, "Failed": failed})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}, nil
}
