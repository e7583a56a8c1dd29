package assumptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// message is a message as clients see it.
type message struct {
	ID                string
	Status            sms.Status
	Parts             int
	Attempts          int
	ProviderMessageID string
	Evidence          string
	PriceUSD          json.Number
	Failure           struct{ Code sms.FailureCode }
	Events            []struct{ Status, Detail string }

	location string // as in the answer 202
	estimate int    // the number of parts, from the answer 202
	took     time.Duration
}

func (m message) handOvers() int {
	n := 0
	for _, e := range m.Events {
		if e.Status == string(sms.Sending) && strings.HasPrefix(e.Detail, "hand-over ") {
			n++
		}
	}
	return n
}

var (
	errNoNumber  = errors.New("no number was given")
	errNoCeiling = errors.New("SNS ignores the price ceiling, so that more messages could exceed the bound")
)

// sentWithin is long enough for a cold start, but too short for a run of the relay.
const sentWithin = 30 * time.Second

// If a check has found that price ceilings do not work, nothing is sent. Even a text of
// several parts gets the ceiling of one part, because AWS perhaps compares the ceiling
// with the price of each part.
func (r *run) send(ctx context.Context, text string) (message, error) {
	if r.Engine.lacking([]Need{DeliveryLogs}) == "" && r.Deployment.Receipts {
		if _, result, err := r.ceiling(); err == nil && result.State == DidNotHold {
			return message{}, errNoCeiling
		}
	}
	return r.submit(ctx, text, r.share())
}

// Submits a message, and waits until the provider has taken it.
func (r *run) submit(ctx context.Context, text string, price float64) (message, error) {
	if r.Number == "" {
		return message{}, errNoNumber
	}
	if _, err := r.queue(); err != nil { // the queue must exist before the first event
		return message{}, err
	}
	token, err := r.token()
	if err != nil {
		return message{}, err
	}
	body := fmt.Sprintf(`{"phoneNumber": %q, "message": %q, "maxPriceUSD": %.5f, "onUnknown": "hold"}`, r.Number.String(), text, price)
	began := time.Now()
	got, err := r.ask(ctx, http.MethodPost, "/sms", token, []byte(body))
	if err != nil {
		return message{}, err
	}
	if got.status != http.StatusAccepted {
		return message{}, fmt.Errorf("sending a message: the answer is %v", got)
	}
	var m message
	if err := json.Unmarshal(got.body, &m); err != nil {
		return message{}, err
	}
	m.location, m.estimate = got.header.Get("Location"), m.Parts
	m, err = r.follow(ctx, m, sentWithin, 500*time.Millisecond, func(m message) bool {
		return m.Status != sms.Queued && m.Status != sms.Sending
	})
	m.took = time.Since(began)
	return m, err
}

// The method `follow` looks the message up again and again until the function `enough`
// returns true or the time limit has passed.
func (r *run) follow(ctx context.Context, m message, limit, every time.Duration, enough func(message) bool) (message, error) {
	token, err := r.token()
	if err != nil {
		return m, err
	}
	err = await(ctx, limit, every, func() (bool, error) {
		got, err := r.ask(ctx, http.MethodGet, "/sms/"+m.ID, token, nil)
		if err != nil {
			return false, err
		}
		next := message{location: m.location, estimate: m.estimate, took: m.took}
		if got.status != http.StatusOK {
			return false, fmt.Errorf("looking up a message: the answer is %v", got)
		}
		if err := json.Unmarshal(got.body, &next); err != nil {
			return false, err
		}
		m = next
		return enough(m), nil
	})
	if errors.Is(err, errTimeout) {
		err = nil
	}
	return m, err
}

func (r *run) awaitReceipt(ctx context.Context, m message) (message, error) {
	return r.follow(ctx, m, r.Patience, 2*time.Second, func(m message) bool { return m.Status != sms.Sent })
}

// Reports whether the provider took the message, whatever became of it later.
func (m message) taken() bool { return m.ProviderMessageID != "" }

func sentByRole(_ context.Context, r *run) (Result, error) {
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	return judge(m.taken(), "%s after %v, hand-overs: %d %s", m.Status, m.took.Round(100*time.Millisecond), m.handOvers(), m.Failure.Code), nil
}

func delivered(ctx context.Context, r *run) (Result, error) {
	if !r.Deployment.Receipts {
		return notChecked("the deployment reads no receipts"), nil
	}
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	if m, err = r.awaitReceipt(ctx, m); err != nil {
		return Result{}, err
	}
	switch {
	case m.Status == sms.Delivered:
		return held("%s after %v, evidence %s, %s USD", m.Status, time.Since(r.began).Round(time.Second), m.Evidence, m.PriceUSD), nil
	case m.Failure.Code == sms.PriceExceeded:
		return notChecked("a part costs more than its share of the bound, %.5f USD: raise --max-usd", r.share()), nil
	case m.Status == sms.Sent:
		return differs("no receipt within %v", r.Patience), nil
	default:
		return differs("%s %s", m.Status, m.Failure.Code), nil
	}
}

// This price ceiling is so low that no message can be sent for it.
const cheapest = 0.00001

func (r *run) tryCeiling(ctx context.Context) (message, Result, error) {
	if !r.Deployment.Receipts {
		return message{}, notChecked("the deployment reads no receipts"), nil
	}
	m, err := r.submit(ctx, "smsqueue live test: this text is too expensive and must not arrive", cheapest)
	if err != nil {
		return m, Result{}, err
	}
	if m, err = r.awaitReceipt(ctx, m); err != nil {
		return m, Result{}, err
	}
	if m.Status == sms.Sent {
		return m, notChecked("no receipt within %v", r.Patience), nil
	}
	return m, judge(m.Failure.Code == sms.PriceExceeded, "%s %s", m.Status, m.Failure.Code), nil
}

func priceCeiling(_ context.Context, r *run) (Result, error) {
	_, result, err := r.ceiling()
	return result, err
}

func longText(ctx context.Context, r *run) (Result, error) {
	m, err := r.send(ctx, "smsqueue live test: "+strings.Repeat("long text ", 18))
	if err != nil {
		return Result{}, err
	}
	lines, err := r.receiptLines(ctx, m.ProviderMessageID)
	if err != nil {
		return Result{}, err
	}
	for _, line := range lines {
		if parts := readLine(line).Delivery.Parts; parts > 0 {
			return judge(parts == m.estimate, "estimated %d, sent in %d", m.estimate, parts), nil
		}
	}
	for _, line := range lines {
		if response := readLine(line).Delivery.ProviderResponse; strings.Contains(response, "max price") {
			return notChecked("two parts cost more than the share of one, %.5f USD: raise --max-usd", r.share()), nil
		}
	}
	return notChecked("%d lines in the delivery log, none with parts", len(lines)), nil
}

func idleConnections(ctx context.Context, r *run) (Result, error) {
	if _, err := r.plain(); err != nil {
		return Result{}, err
	}
	if err := await(ctx, r.Idle, r.Idle, func() (bool, error) { return false, nil }); !errors.Is(err, errTimeout) {
		return Result{}, err
	}
	m, err := r.send(ctx, "smsqueue live test: a text after a pause")
	if err != nil {
		return Result{}, err
	}
	return judge(m.taken() && m.handOvers() == 1, "%s after %v idle, hand-overs: %d", m.Status, r.Idle, m.handOvers()), nil
}
