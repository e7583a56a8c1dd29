// Package world runs all services in one process, on any adapters and by any
// clock, with a provider that remembers the truth: so that tests can have calls
// fail and processes die, let the world go on, and see what became of every
// message.
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
)

// Options say what the world stands on.
type Options struct {
	Now   func() time.Time
	Sleep func(time.Duration) // moves Now
	Store sms.Store
	Queue interface {
		sms.Queue
		sms.Consumer
	}
	Network  *Network
	Provider sms.Provider // how senders reach Network
	Rules    sms.Rules
	// Interval is the relay's; what it enqueues comes delayed by up to twice
	// of it.
	Interval time.Duration
	Around   Around
	Logger   *slog.Logger
	// PartsPerSecond is the rate of each sender; 0: any.
	PartsPerSecond float64
	// Timeout is the functions'.
	Timeout time.Duration
}

// World is everything that is deployed.
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

// New makes a world in which nothing has happened yet.
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

// alive runs f in a goroutine that may end anywhere, and reports whether the
// process was alive in the end.
func (p *Process) alive(f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	return !p.dead.Load()
}

// Call makes one request to the API, in a process of its own. Status is 0
// where that died.
func (w *World) Call(ctx context.Context, method, path, key, body string) (status int, answer []byte, err error) {
	recorder, err := w.Request(ctx, method, path, key, body)
	if err != nil || recorder == nil {
		return 0, nil, err
	}
	return recorder.Code, recorder.Body.Bytes(), nil
}

// Request is Call with the whole answer; nil where the process died.
func (w *World) Request(ctx context.Context, method, path, key, body string) (*httptest.ResponseRecorder, error) {
	p, records, waiting := w.process("api")
	handler, err := api.New(api.Options{
		Store: records, Queue: waiting, Rules: w.Rules, Countries: []string{api.AllCountries}, Now: w.Now, Logger: w.Logger,
		Limits: api.Limits{PartsPerDay: 1_000_000}, // never reached, but counted
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
	if !p.alive(func() { handler.ServeHTTP(recorder, request) }) {
		return nil, nil
	}
	return recorder, nil
}

// Remember adds a message that was accepted otherwise than by Submit.
func (w *World) Remember(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accepted = append(w.accepted, id)
}

// ErrNoAnswer says that no answer to a submission was clear.
var ErrNoAnswer = errors.New("no clear answer")

// submitTries is how often a client repeats a submission that was not clearly
// answered.
const submitTries = 5

// Submit submits as a careful client does: with a key, again and again until
// the answer is clear. It returns the accepted message's id, and ErrNoAnswer
// where it gave up: then the same key may be tried again.
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

// Accepted are the ids of all messages that were accepted.
func (w *World) Accepted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.accepted...)
}

// lambda is a function's context.
func (w *World) lambda(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, w.Timeout)
}

// currentSender is the running sender, started anew where it died.
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

// Deliver gives one batch to a sender, as Lambda's event source does, and
// reports how many deliveries there were.
func (w *World) Deliver(ctx context.Context) (int, error) {
	received, err := w.Queue.Dequeue(ctx, 10, 0)
	if err != nil || len(received) == 0 {
		return 0, err
	}
	s := w.currentSender()
	var stay []string
	alive := s.alive(func() {
		ctx, cancel := w.lambda(ctx)
		defer cancel()
		stay = s.Batch(ctx, received, 4)
	})
	if !alive {
		return len(received), nil // the whole batch comes again
	}
	var done []sms.QueueItem
	for _, r := range received {
		if !slices.Contains(stay, r.Handle) {
			done = append(done, r)
		}
	}
	return len(received), w.Queue.Delete(ctx, done...)
}

// currentRelay is the running relay, started anew where it died.
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
func (w *World) Relay(ctx context.Context) (relay.Report, error) {
	r := w.currentRelay()
	var report relay.Report
	var err error
	r.alive(func() {
		ctx, cancel := w.lambda(ctx)
		defer cancel()
		report, err = r.Run(ctx)
	})
	return report, err
}

// receive applies one receipt.
func (w *World) receive(ctx context.Context, line []byte) error {
	w.mu.Lock()
	if w.receipts == nil || w.receipts.dead.Load() {
		p, records, _ := w.process("receipts")
		w.receipts = &receiptsProcess{p, receipts.New(records, w.Rules, w.Logger, w.Now)}
	}
	r := w.receipts
	w.mu.Unlock()
	rc, err := receipts.ParseLine(line)
	if err != nil {
		return err
	}
	err = fmt.Errorf("the process died")
	r.alive(func() {
		// Not the caller's life: SNS does not wait for us.
		ctx, cancel := w.lambda(context.WithoutCancel(ctx))
		defer cancel()
		_, err = r.Apply(ctx, rc)
	})
	return err
}

// Receipts applies all receipts whose time has come; what fails comes again.
func (w *World) Receipts(ctx context.Context) int {
	lines := w.Network.due()
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
