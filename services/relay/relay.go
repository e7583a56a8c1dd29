// Package relay does the work that is due. It enqueues a message if an earlier enqueue
// failed, if its envelope was lost, or if the time of its schedule or retry has come. It ends
// leases and messages whose time ran out. It reads the agenda page by page, and never the
// whole table.
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

// Receipts finds the messages of pending receipts. Every hand-over that began before
// cutoff has ended so long ago that all indexes show its outcome.
type Receipts interface {
	// Retry looks for the message of k again.
	Retry(ctx context.Context, k sms.PendingReceipt, cutoff time.Time) error
	// Settle applies pending receipts to the unanswered hand-overs of m, and returns m
	// with the changes. If wait is true, a pending receipt may still turn out to be about
	// m; then m must be neither handed over again nor given up.
	Settle(ctx context.Context, m sms.Message, cutoff time.Time) (after sms.Message, wait bool, err error)
}

// Options are a deployment's choices.
type Options struct {
	// Interval is the time between two runs. A run enqueues, with a delay, everything
	// that is due within two intervals. So a late run does not make messages late. Two
	// intervals must not be longer than sms.EnqueueAhead.
	Interval time.Duration
	// Backlog is the length of the queue above which the relay rescues nothing. Envelopes
	// are then late and not lost.
	Backlog int
	// Page is how many entries of the agenda are read at once.
	Page int
	// Wait sleeps until the store's indexes show earlier writes. nil means that they
	// always do.
	Wait func(time.Duration)
}

// DefaultOptions returns the options for a run every minute.
func DefaultOptions() Options {
	return Options{Interval: time.Minute, Backlog: 100, Page: 100}
}

// Relay does work that is due.
type Relay struct {
	store    Store
	queue    sms.Queue
	receipts Receipts
	rules    sms.Rules
	options  Options
	now      func() time.Time
	logger   *slog.Logger

	stopped sync.Map // by place: the DueQuery.After from which the next pass goes on, if one stopped among skipped entries
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
	NotEnqueued int64 `json:"not_enqueued"` // messages that could not be enqueued; due again at once
	Settled     int64 `json:"settled"`      // messages that got their pending receipts
	Ended       int64 `json:"ended"`        // leases and messages whose time ran out
	Receipts    int64 `json:"receipts"`     // pending receipts that were looked at again
	Backlog     int   `json:"backlog"`      // -1 if it is not known
	BreakerOpen bool  `json:"breaker_open"` // whether the breaker was open when it was last read
	Truncated   bool  `json:"truncated"`    // whether the time ran out before all work was done
	// ProbeAt is when the next probe may begin; zero if there is none. It is for operators
	// only: a client that knew it could send a bad number just then.
	ProbeAt time.Time `json:"probe_at,omitzero"`
}

const (
	// concurrency is how many shards the relay works on in parallel. It also looks for
	// the messages of this many pending receipts in parallel.
	concurrency = 8
	// reserve is how long before its deadline a run stops working.
	reserve = 5 * time.Second
	// A run reserves 1/receiptsShare of its time for pending receipts, no matter how long
	// the agenda is.
	receiptsShare = 4
)

// Run does the work that is due now. An error in one shard does not stop the work on
// other shards. Work that was not done stays due, so the next run retries it.
func (r *Relay) Run(ctx context.Context) (Summary, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	agenda, cancel := shorten(ctx, receiptsShare)
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

// shorten returns ctx with an earlier deadline. It cuts off the last 1/share of the time.
func shorten(ctx context.Context, share time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/share))
	}
	return ctx, func() {}
}

// EndLeases ends all leases, even those that are not over. `smsqueue serve` calls it at
// startup, when no sender can be running.
func (r *Relay) EndLeases(ctx context.Context) (Summary, error) {
	p := &pass{Relay: r, force: true, until: r.now().Add(r.rules.Lease)}
	err := p.endLeases(ctx)
	return p.summary(), err
}
