// Package relay does what is due. It puts messages onto the queue: those whose
// enqueue failed or whose envelope was lost, and those whose scheduled time or
// retry has come. It ends leases and messages whose time ran out. It reads the
// agenda page by page, never the table.
package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Store is the part of the record store that a relay uses.
type Store interface {
	sms.Messages
	sms.Agenda
	sms.Breakers
	// DueReceipts has the contract of sms.ReceiptKeeper.DueReceipts.
	DueReceipts(ctx context.Context, until time.Time, limit int) ([]sms.PendingReceipt, error)
}

// Receipts finds the messages of pending receipts. Every hand-over that began
// before cutoff has recorded its outcome or has ended without an answer, so long
// ago that all indexes show it.
type Receipts interface {
	// Retry looks once more for the message of k.
	Retry(ctx context.Context, k sms.PendingReceipt, cutoff time.Time) error
	// Settle applies pending receipts about the unanswered hand-overs of m, and
	// returns m with their changes. wait is true if a pending receipt may still turn
	// out to be about m; then m must be neither handed over again nor given up.
	Settle(ctx context.Context, m sms.Message, cutoff time.Time) (after sms.Message, wait bool, err error)
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
	// Wait sleeps until the store's indexes show what was written before. nil means
	// that they always do.
	Wait func(time.Duration)
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

	stopped sync.Map // by place: where a pass stopped among entries that it skipped: DueQuery.After
}

type place struct {
	kind  sms.DueKind
	shard int
}

// New returns a relay.
func New(store Store, queue sms.Queue, receipts Receipts, rules sms.Rules, options Options, now func() time.Time, logger *slog.Logger) *Relay {
	return &Relay{store: store, queue: queue, receipts: receipts, rules: rules, options: options, now: now, logger: logger}
}

// Summary counts what one run did.
type Summary struct {
	Enqueued    int64 `json:"enqueued"`
	NotEnqueued int64 `json:"not_enqueued"` // messages whose enqueue failed; due again at once
	Settled     int64 `json:"settled"`      // messages that got their pending receipts
	Ended       int64 `json:"ended"`        // leases and messages whose time ran out
	Receipts    int64 `json:"receipts"`     // pending receipts that were looked at again
	Backlog     int   `json:"backlog"`      // -1 if it is not known
	BreakerOpen bool  `json:"breaker_open"` // as last read, at most a moment ago
	Truncated   bool  `json:"truncated"`    // the time ran out before all work was done
}

const (
	// concurrency is how many shards, and how many pending receipts, are worked on
	// in parallel.
	concurrency = 8
	// reserve is the time that a run leaves unused before its deadline.
	reserve = 5 * time.Second
	// receiptsShare sets how much time a run reserves for pending receipts,
	// however long the agenda is: 1/receiptsShare of its time.
	receiptsShare = 4
)

// Run does what is due now. An error in one shard does not stop the work on the
// others. What was not done stays due, so that the next run is the retry.
func (r *Relay) Run(ctx context.Context) (Summary, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	agenda, cancel := without(ctx, receiptsShare)
	defer cancel()
	p, err := r.begin(ctx)
	errs := []error{err}
	if err == nil {
		errs = append(errs, p.kinds(agenda), p.pending(ctx))
	}
	summary := p.summary()
	summary.Truncated = p.truncated || agenda.Err() != nil || ctx.Err() != nil
	return summary, errors.Join(errs...)
}

// without returns ctx without the last 1/share of its time.
func without(ctx context.Context, share time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/share))
	}
	return ctx, func() {}
}

// EndLeases gives up all leases, even those that are not over. `smsqueue serve`
// calls it at startup, when no sender can be alive.
func (r *Relay) EndLeases(ctx context.Context) (Summary, error) {
	p := &pass{Relay: r, force: true, until: r.now().Add(r.rules.Lease)}
	err := p.endLeases(ctx)
	return p.summary(), err
}
