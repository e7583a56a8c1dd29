// Package world runs all services in one process, on any adapters and with any clock. Its
// provider remembers every hand-over. A test can make calls fail and processes die, then
// let everything run on, and check what became of every message.
package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

// Options configure a world.
type Options struct {
	Now   func() time.Time
	Sleep func(time.Duration) // moves the clock of Now forward
	Store sms.Store
	Queue interface {
		sms.Queue
		sms.Consumer
	}
	Network  *Network
	Provider sms.Provider // through which senders reach Network
	Rules    sms.Rules
	// Interval is the time between two runs of the relay, which enqueues messages up to
	// two intervals before they are due.
	Interval time.Duration
	Around   Around
	Logger   *slog.Logger
	// PartsPerSecond is the pace of all senders together. Zero means no limit.
	PartsPerSecond float64
	// Timeout is the timeout of the functions.
	Timeout time.Duration
}

// World is a whole deployment.
type World struct {
	Options

	mu       sync.Mutex
	sender   *senderProcess
	relay    *relayProcess
	receipts *receiptsProcess
	accepted []string
	final    map[string]sms.Message
}

type senderProcess struct {
	*Process
	*sender.Sender
}

type relayProcess struct {
	*Process
	*relay.Relay
}

type receiptsProcess struct {
	*Process
	*receipts.Receipts
}

// Owner owns every message of a world.
const Owner = "owner"

// New returns a world in which nothing has happened yet.
func New(o Options) *World {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	w := &World{Options: o, final: make(map[string]sms.Message)}
	o.Network.early = w.receive
	return w
}

func (w *World) process(service string) (*Process, store, queue) {
	p := &Process{Service: service, around: w.Around}
	return p, store{w.Store, p}, queue{w.Queue, p}
}

// Calls f on behalf of the process p. It reports whether the process is alive
// afterwards.
func (p *Process) run(f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	return !p.dead.Load()
}

// Call makes one request to the API, which runs in a process of its own. The status is 0
// if the process died.
func (w *World) Call(ctx context.Context, method, path, key, body string) (status int, answer []byte, err error) {
	recorder, err := w.Request(ctx, method, path, key, body)
	if err != nil || recorder == nil {
		return 0, nil, err
	}
	return recorder.Code, recorder.Body.Bytes(), nil
}

// Request is like Call, but returns the whole answer, or nil if the process died.
func (w *World) Request(ctx context.Context, method, path, key, body string) (*httptest.ResponseRecorder, error) {
	p, records, waiting := w.process("api")
	handler, err := api.New(api.Options{
		Store: records, Queue: waiting, Rules: w.Rules, Countries: []string{api.AllCountries}, Now: w.Now, Logger: w.Logger,
		Limits: api.Limits{PartsPerDay: 1_000_000}, // this limit is too high to refuse a message, but makes the API count parts
	})
	if err != nil {
		return nil, err
	}
	caller := api.Caller{ClientID: Owner, Owner: Owner, Scopes: []string{api.ScopeSend, api.ScopeRead}}
	request := httptest.NewRequestWithContext(api.WithCaller(ctx, caller), method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodGet {
		request.Header.Del("Content-Type")
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	recorder := httptest.NewRecorder()
	if !p.run(func() { handler.ServeHTTP(recorder, request) }) {
		return nil, nil
	}
	return recorder, nil
}

// Remember adds a message that was not submitted by [World.Submit] to the accepted
// messages.
func (w *World) Remember(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted = append(w.accepted, id)
}

// ErrNoAnswer means that a submission got no clear answer, although it was repeated.
var ErrNoAnswer = errors.New("no clear answer")

// submitTries is the number of times that a client tries a submission before it gives up.
const submitTries = 5

// Submit submits a message as a careful client does: with a key, and again until the
// answer is clear. It returns the id of the accepted message. After ErrNoAnswer, the
// caller can try the same key again.
func (w *World) Submit(ctx context.Context, key string, fields map[string]any) (string, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	for range submitTries {
		status, answer, err := w.Call(ctx, http.MethodPost, "/v1/sms", key, string(body))
		switch {
		case err != nil:
			return "", err
		case status == 0 || status == http.StatusServiceUnavailable:
			continue
		case status != http.StatusAccepted:
			return "", fmt.Errorf("submitting: %d %s", status, answer)
		}
		var m struct{ ID string }
		if err := json.Unmarshal(answer, &m); err != nil {
			return "", fmt.Errorf("reading the answer: %w", err)
		}
		w.Remember(m.ID)
		return m.ID, nil
	}
	return "", ErrNoAnswer
}

// Accepted returns the ids of all accepted messages.
func (w *World) Accepted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.accepted...)
}

// Returns a context with a deadline, as Lambda gives it to a function.
func (w *World) lambda(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, w.Timeout)
}

// currentSender starts a new sender if the last one has died.
func (w *World) currentSender() *senderProcess {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sender == nil || w.sender.dead.Load() {
		p, records, _ := w.process("sender")
		gate := sender.NewGate(records, w.Rules, w.PartsPerSecond, w.Now)
		w.sender = &senderProcess{p, sender.New(records, provider{w.Provider, p}, gate, w.Rules, w.Now, w.Logger)}
	}
	return w.sender
}

// Deliver passes one batch to a sender, as Lambda's event source does. It returns the
// number of envelopes in the batch.
func (w *World) Deliver(ctx context.Context) (int, error) {
	received, err := w.Queue.Dequeue(ctx, 10, 0)
	if err != nil || len(received) == 0 {
		return 0, err
	}
	s := w.currentSender()
	var stay []string
	alive := s.run(func() {
		ctx, cancel := w.lambda(ctx)
		defer cancel()
		stay = s.Batch(ctx, received, 4)
	})
	if !alive {
		return len(received), nil // the queue will deliver the whole batch again
	}
	var done []sms.QueueItem
	for _, r := range received {
		if !slices.Contains(stay, r.Handle) {
			done = append(done, r)
		}
	}
	return len(received), w.Queue.Delete(ctx, done...)
}

// currentRelay starts a new relay if the last one has died.
func (w *World) currentRelay() *relayProcess {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.relay == nil || w.relay.dead.Load() {
		p, records, waiting := w.process("relay")
		options := relay.DefaultOptions()
		options.Interval = w.Interval
		matcher := receipts.New(records, w.Rules, w.Logger, w.Now)
		w.relay = &relayProcess{p, relay.New(records, waiting, matcher, w.Rules, options, w.Now, w.Logger)}
	}
	return w.relay
}

// Relay runs a relay once.
func (w *World) Relay(ctx context.Context) (relay.Summary, error) {
	r := w.currentRelay()
	var report relay.Summary
	var err error
	r.run(func() {
		ctx, cancel := w.lambda(ctx)
		defer cancel()
		report, err = r.Run(ctx)
	})
	return report, err
}

func (w *World) receive(ctx context.Context, line []byte) error {
	w.mu.Lock()
	if w.receipts == nil || w.receipts.dead.Load() {
		p, records, _ := w.process("receipts")
		w.receipts = &receiptsProcess{p, receipts.New(records, w.Rules, w.Logger, w.Now)}
	}
	r := w.receipts
	w.mu.Unlock()
	rc, err := deliverylog.Parse(line)
	if err != nil {
		return err
	}
	err = fmt.Errorf("the process died")
	r.run(func() {
		// SNS's receipts do not depend on the caller, so the receipt is applied even if the
		// caller's context has ended.
		ctx, cancel := w.lambda(context.WithoutCancel(ctx))
		defer cancel()
		_, err = r.Apply(ctx, rc)
	})
	return err
}

// Receipts applies all receipts whose time has come, and returns their number. A receipt
// that cannot be applied comes again.
func (w *World) Receipts(ctx context.Context) int {
	lines := w.Network.takeDue()
	var group sync.WaitGroup
	for _, line := range lines {
		group.Go(func() {
			if err := w.receive(ctx, line); err != nil {
				w.Network.Again(line)
			}
		})
	}
	group.Wait()
	return len(lines)
}
