// Package relay does what is due. It puts messages back onto the queue: those whose
// enqueue failed or whose envelope was lost, and those whose schedule or retry has
// come. It ends leases and messages that ran out of time. It reads the agenda page
// by page, never the table.
package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Store is what a relay needs of the records.
type Store interface {
	sms.Messages
	sms.Agenda
	sms.Breakers
	// DueReceipts is that of sms.ReceiptKeeper.
	DueReceipts(ctx context.Context, until time.Time, limit int) ([]sms.PendingReceipt, error)
}

// Receipts finds the messages of pending receipts. Every hand-over that began
// before over has recorded its outcome or has ended without an answer, so long
// ago that all indexes show it.
type Receipts interface {
	// Retry looks once more for the message of k.
	Retry(ctx context.Context, k sms.PendingReceipt, over time.Time) error
	// Settle applies pending receipts about the unanswered hand-overs of m, and
	// returns m as it is then. wait says that one may yet turn out to be about m,
	// so that m must be neither handed over again nor given up.
	Settle(ctx context.Context, m sms.Message, over time.Time) (after sms.Message, wait bool, err error)
}

// Options are what a deployment decides.
type Options struct {
	// Interval is the time between two runs. A run enqueues, with a delay, what
	// falls due within two intervals, so that a late run makes no message late.
	// Two intervals must not exceed sms.EnqueueAhead.
	Interval time.Duration
	// Backlog is the length of the queue above which nothing is rescued:
	// envelopes are late then, not lost.
	Backlog int
	// Page is how many agenda entries are read at once.
	Page int
}

// DefaultOptions returns the options for a run every minute.
func DefaultOptions() Options {
	return Options{Interval: time.Minute, Backlog: 100, Page: 100}
}

// Relay does the work that has become due.
type Relay struct {
	store    Store
	queue    sms.Queue
	receipts Receipts
	rules    sms.Rules
	options  Options
	now      func() time.Time
	logger   *slog.Logger

	mu      sync.Mutex
	stopped map[place]string // where a pass stopped among entries that it skipped: DueQuery.After
	leases  leases
}

type place struct {
	kind  sms.DueKind
	shard int
}

// New returns a relay.
func New(store Store, queue sms.Queue, receipts Receipts, rules sms.Rules, options Options, now func() time.Time, logger *slog.Logger) *Relay {
	return &Relay{
		store: store, queue: queue, receipts: receipts, rules: rules, options: options, now: now, logger: logger,
		stopped: make(map[place]string),
	}
}

// Summary counts what one run did.
type Summary struct {
	Enqueued    int64 `json:"enqueued"`
	NotEnqueued int64 `json:"not_enqueued"` // failed enqueues; due again at once
	Settled     int64 `json:"settled"`      // by pending receipts
	Ended       int64 `json:"ended"`        // leases and messages that ran out of time
	Receipts    int64 `json:"receipts"`     // pending ones that were looked at again
	Backlog     int   `json:"backlog"`      // -1 if the queue did not say
	BreakerOpen bool  `json:"breaker_open"` // now, or a moment ago
	Truncated   bool  `json:"truncated"`    // the time did not suffice
}

const (
	// concurrency is how many shards, and how many pending receipts, are worked on
	// side by side.
	concurrency = 8
	// reserve is the time that a run leaves unused before its deadline.
	reserve = 5 * time.Second
	// receiptsShare is the part of its time, one in so many, that a run leaves to
	// pending receipts, however long the agenda is.
	receiptsShare = 4
)

// Run does what is due now. An error in one shard does not keep the others from
// their work. What was not done stays due, so that the next run is the retry.
func (r *Relay) Run(ctx context.Context) (Summary, error) {
	agenda := ctx
	if deadline, ok := ctx.Deadline(); ok {
		deadline = deadline.Add(-reserve)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
		agenda, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/receiptsShare))
		defer cancel()
	}
	p, err := r.begin(ctx)
	errs := []error{err}
	if err == nil {
		errs = append(errs, p.kinds(agenda), p.pending(ctx))
	}
	summary := p.summary()
	summary.Truncated = agenda.Err() != nil || ctx.Err() != nil
	return summary, errors.Join(errs...)
}

// EndLeases gives up all leases, even those that are not over. The one machine
// calls it at its start, when no sender can be alive.
func (r *Relay) EndLeases(ctx context.Context) (Summary, error) {
	p := &pass{Relay: r, force: true, until: r.now().Add(r.rules.Lease)}
	err := p.endLeases(ctx)
	return p.summary(), err
}

// resume returns where a pass begins in w, and forgets it.
func (r *Relay) resume(w place) (after string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	after = r.stopped[w]
	delete(r.stopped, w)
	return after
}

// stop remembers where a pass stopped in w.
func (r *Relay) stop(w place, after string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped[w] = after
}
