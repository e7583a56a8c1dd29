package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/strictjson"
)

const (
	maxBatch     = 100     // messages
	maxBatchBody = 3 << 20 // bytes
	// batchRate and batchBurst limit the messages that each process accepts in batches from
	// an owner: batchRate per second, and batchBurst at once. These rates limit the costs
	// that an owner can cause with messages that are not accepted.
	batchRate  = 500
	batchBurst = 5000
	// parallel is the number of calls that one request makes at the same time.
	parallel = 16
)

// submitBatch serves POST /v1/sms/batch. It accepts or refuses each message separately,
// enqueues all accepted messages together, and returns the results in the order of the
// messages.
func (a *api) submitBatch(c *call) (answer, error) {
	if len(c.Header.Values("Idempotency-Key")) > 0 {
		return answer{}, &apiError{
			slug:   malformedRequest,
			detail: "A batch does not take the header Idempotency-Key. Give each message its own idempotencyKey.",
		}
	}
	document, err := c.readDocument()
	if err != nil {
		return answer{}, err
	}
	document.Require("messages")
	messages, _ := document.Objects("messages", maxBatch)
	document.Unknown()
	if wrong := document.Errors(); wrong != nil {
		return answer{}, &apiError{slug: invalidFields, fields: wrong}
	}
	if !a.Share {
		if wait := a.batched.take(c.caller.Owner, len(messages), a.Now()); wait > 0 {
			return answer{}, tooMany(fmt.Sprintf("At most %d messages may be submitted in batches per second, and %d at once.", batchRate, batchBurst), wait)
		}
	}
	c.leave() // from now on, each message waits for its own turn
	results := a.acceptAll(c.Context(), c, messages)
	var accepted []acceptance
	view := batchView{Results: make([]resultView, len(results))}
	for i, r := range results {
		if r.err == nil {
			accepted = append(accepted, r.accepted)
		}
		view.Results[i] = r.view(c.requestID)
	}
	a.enqueue(c.Context(), accepted...)
	header := http.Header{"Content-Type": {"application/json"}}
	return answer{status: http.StatusOK, header: header, body: mustJSON(view)}, nil
}

type result struct {
	accepted acceptance
	err      error
}

// acceptAll accepts messages in parallel. If several messages have the same key,
// acceptAll accepts these messages one after another, so that the first message is
// accepted and the others are treated as repetitions of the first.
func (a *api) acceptAll(ctx context.Context, c *call, messages []*strictjson.Fields) []result {
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Accept-c.waited)
	defer cancel()
	results := make([]result, len(messages))
	keys := make([]string, len(messages))
	var chains [][]int // indexes of messages that are accepted one after another
	chainOf := make(map[string]int)
	for i, f := range messages {
		keys[i] = readKey(f)
		chain, known := chainOf[keys[i]]
		if !known || keys[i] == "" {
			chain = len(chains)
			chains = append(chains, nil)
			chainOf[keys[i]] = chain
		}
		chains[chain] = append(chains[chain], i)
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, chain := range chains {
		group.Go(func() error {
			for _, i := range chain {
				results[i].err = a.protect(ctx, func() (err error) {
					r := a.readRequest(c.caller, messages[i])
					if r.hopeless(keys[i]) {
						return r.refusal // without a turn, because it needs no write
					}
					leave, ok := a.writes.enter(ctx, c.caller.Owner, requestPause)
					if !ok {
						return tooBusy()
					}
					defer leave()
					results[i].accepted, err = a.acceptRequest(ctx, c.caller, r, keys[i])
					return err
				})
			}
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	return results
}

// readKey reads a message's idempotency key. If the key is invalid, readKey adds an error
// to f.
func readKey(f *strictjson.Fields) string {
	key, ok := f.String("idempotencyKey")
	if ok && !validKey(key) {
		f.Fail("idempotencyKey", keyRule)
		return ""
	}
	return key
}

// batchView is the schema BatchResults of openapi.yaml.
type batchView struct {
	Results []resultView `json:"results"`
}

type resultView struct {
	Status     int             `json:"status"`
	Message    *view           `json:"message,omitempty"`
	Replayed   bool            `json:"idempotentReplayed,omitempty"`
	Problem    json.RawMessage `json:"problem,omitempty"`
	RetryAfter int             `json:"retryAfterSeconds,omitempty"`
}

func (r result) view(requestID string) resultView {
	if r.err != nil {
		problem := problemAnswer(r.err, requestID)
		return resultView{Status: problem.status, Problem: problem.body, RetryAfter: int(problem.retryAfter / time.Second)}
	}
	message := viewOf(r.accepted.message)
	return resultView{Status: http.StatusAccepted, Message: &message, Replayed: r.accepted.replayed}
}
