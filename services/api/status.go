package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// status serves GET /v1/status. The answer is the same for every client.
func (a *api) status(c *call) (answer, error) {
	ctx, cancel := context.WithTimeout(c.Context(), a.Deadlines.List-c.waited)
	defer cancel()
	breaker, err := a.Store.LoadBreaker(ctx)
	if err != nil {
		return answer{}, &apiError{slug: unavailable, cause: fmt.Errorf("loading the breaker: %w", err)}
	}
	waiting, err := a.readWaiting(ctx, breaker.Open)
	if err != nil {
		return answer{}, &apiError{slug: unavailable, cause: err}
	}
	v := statusView{Sending: !breaker.Open, Backlog: waiting}
	if words, since := a.Trouble(); words != "" {
		v.Sending = false
		v.Paused = &pausedView{Reason: fault, Detail: "Something is wrong with the server: " + words + ". Nothing is lost; messages wait until it is over.", Since: instant{since}}
	}
	if breaker.Open {
		v.Paused = &pausedView{Reason: breaker.Trouble, Detail: pauses[breaker.Trouble], Since: instant{breaker.OpenedAt}}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return answer{status: http.StatusOK, header: header, body: mustJSON(v)}, nil
}

// statusView is the schema ServiceStatus of openapi.yaml.
type statusView struct {
	Sending bool        `json:"sending"`
	Paused  *pausedView `json:"paused,omitempty"`
	Backlog backlogView `json:"backlog"`
}

// pausedView does not show when the next probe will be. If a client knew this time, it
// could send a message to a bad number at that time, so that this message becomes the
// probe.
type pausedView struct {
	Reason sms.Trouble `json:"reason"`
	Detail string      `json:"detail"`
	Since  instant     `json:"since"`
}

type backlogView struct {
	OnQueue          *int `json:"onQueue,omitempty"`
	OldestAgeSeconds *int `json:"oldestAgeSeconds,omitempty"`
}

// pauses explains each trouble to clients. Only operators see the detail that the breaker
// contains.
var pauses = map[sms.Trouble]string{
	sms.SpendLimit:    "The account's spending limit at the provider is reached. Nothing is lost; messages wait until the limit is raised.",
	sms.AccountReview: "The provider is reviewing the account. Nothing is lost; messages wait until the review is over.",
	sms.Authorization: "The provider does not allow this service to send. Nothing is lost; the operator must fix it.",
	sms.OperatorPause: "The operator has paused sending. Nothing is lost; messages wait until sending is resumed.",
}

// fault is the reason that clients see if a fault of the server stops sending. It is
// never in the breaker's record.
const fault sms.Trouble = "fault"

// backlogAge is the maximum age of the backlog in an answer. Within this time, all status requests together
// read the queue and the agenda only once.
const backlogAge = 5 * time.Second

type backlogCache struct {
	reading chan struct{} // a lock: the goroutine whose element is in the channel may use the fields below

	at     time.Time
	paused bool
	value  backlogView
}

// readWaiting returns the backlog of the queue and the age of the oldest waiting message.
// The age comes from the agenda, because messages also wait outside the queue: if the
// relay is down, the queue is empty. While sending is paused, all messages wait outside
// the queue, and their number is not known.
func (a *api) readWaiting(ctx context.Context, paused bool) (backlogView, error) {
	select {
	case a.backlog.reading <- struct{}{}:
		defer func() { <-a.backlog.reading }()
	case <-ctx.Done():
		return backlogView{}, fmt.Errorf("waiting for the backlog: %w", ctx.Err())
	}
	now := a.Now()
	if a.backlog.paused == paused && sms.Younger(a.backlog.at, now, backlogAge) {
		return a.backlog.value, nil
	}
	var v backlogView
	if !paused {
		n, err := a.Queue.Backlog(ctx)
		if err != nil {
			return backlogView{}, fmt.Errorf("reading the backlog: %w", err)
		}
		v.OnQueue = &n
	}
	var err error
	if v.OldestAgeSeconds, err = a.oldest(ctx, now); err != nil {
		return backlogView{}, err
	}
	a.backlog.at, a.backlog.paused, a.backlog.value = now, paused, v
	return v, nil
}

// oldestAmong is the number of entries that the method `oldest` reads from each shard. The
// first entry of a shard has waited longest, unless the relay has enqueued messages
// again.
const oldestAmong = 10

// oldest returns how many seconds the oldest message has waited, or nil if no message
// waits.
func (a *api) oldest(ctx context.Context, now time.Time) (*int, error) {
	var mu sync.Mutex
	var oldest time.Time
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, kind := range []sms.DueKind{sms.DueSend, sms.DueScheduled, sms.DueRescue} {
		until := now
		if kind == sms.DueRescue {
			until = now.Add(24 * time.Hour) // an enqueued message is waiting too, but its rescue is due later
		}
		for shard := range a.Store.Shards() {
			q := sms.DueQuery{Kind: kind, Shard: shard, Until: until, Limit: oldestAmong}
			group.Go(func() error {
				return a.protect(ctx, func() error {
					page, err := a.Store.Due(ctx, q)
					mu.Lock()
					defer mu.Unlock()
					for _, e := range page.Entries {
						if since := e.WaitsSince(now); since.Before(now) && (oldest.IsZero() || since.Before(oldest)) {
							oldest = since
						}
					}
					return err
				})
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("reading the agenda: %w", err)
	}
	if oldest.IsZero() {
		return nil, nil
	}
	seconds := int(now.Sub(oldest) / time.Second)
	return &seconds, nil
}
