// Package relay does the work that is due. It enqueues a message that could not be
// enqueued before, that lost its envelope, or that is to be sent or retried now. It ends
// leases that are over, and it ends messages that have expired. It reads the agenda page
// by page, and never the whole table.
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
	// DueReceipts returns the pending receipts that are due, as sms.ReceiptKeeper
	// describes.
	DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error)
	// Rekeep replaces a pending receipt, as sms.ReceiptKeeper describes.
	Rekeep(ctx context.Context, k sms.PendingReceipt) error
}

// Receipts finds the messages of pending receipts. Every hand-over that began before
// cutoff must have ended, and all indexes must show its outcome.
type Receipts interface {
	// Retry looks for the message of k again.
	Retry(ctx context.Context, k sms.PendingReceipt, cutoff time.Time) error
	// Settle applies pending receipts to the unanswered hand-overs of m, and returns m
	// with the changes. If wait is true, a pending receipt may still turn out to be about
	// m, so the relay must neither let m be handed over again nor give m up.
	Settle(ctx context.Context, m sms.Message, cutoff time.Time) (after sms.Message, wait bool, err error)
}

// Options contains the settings of a relay that each deployment chooses.
type Options struct {
	// Interval is the time between two runs. A run enqueues, with a delay, everything that
	// is due within two intervals, so that messages are not late even if a run is late. Two
	// intervals together must not be longer than sms.EnqueueAhead.
	Interval time.Duration
	// Backlog is the number of envelopes on the queue above which the relay does not
	// rescue messages, because the envelopes are then late and not lost.
	Backlog int
	// Page is the number of entries of the agenda that the relay reads in one call.
	Page int
	// Wait sleeps for the given time, so that the store's indexes show earlier writes.
	// Wait is nil if the indexes show every write at once.
	Wait func(time.Duration)
}

// DefaultOptions returns the options for a run every minute.
func DefaultOptions() Options {
	return Options{Interval: time.Minute, Backlog: 100, Page: 100}
}

// A Relay does the work that is due.
type Relay struct {
	store    Store
	queue    sms.Queue
	receipts Receipts
	rules    sms.Rules
	options  Options
	now      func() time.Time
	logger   *slog.Logger

	newest  newest
	stopped sync.Map // for each place, the DueQuery.After with which the next pass continues after skippedPages
}

type place struct {
	kind  sms.DueKind
	shard int
}

// New returns a relay.
func New(store Store, queue sms.Queue, receipts Receipts, rules sms.Rules, options Options, now func() time.Time, logger *slog.Logger) *Relay {
	return &Relay{store: store, queue: queue, receipts: receipts, rules: rules, options: options, now: now, logger: logger}
}

// Summary counts the work that one run did.
type Summary struct {
	Enqueued    int64 `json:"enqueued"`
	NotEnqueued int64 `json:"not_enqueued"` // messages that could not be enqueued, and are due again at once
	Settled     int64 `json:"settled"`      // messages to which pending receipts were applied
	Ended       int64 `json:"ended"`        // leases and messages that the run ended
	Receipts    int64 `json:"receipts"`     // pending receipts that were retried
	Ahead       int64 `json:"ahead"`        // records with a time that was ahead, which a wrong clock had written
	Backlog     int   `json:"backlog"`      // -1 if it is not known
	BreakerOpen bool  `json:"breaker_open"` // whether the breaker was open when it was last read
	Truncated   bool  `json:"truncated"`    // whether the time ran out before all work was done
	// ProbeAt is the time at which the next probe may begin. It is zero if there will be
	// no probe. Only operators may see it: a client that knew this time could send a
	// message to a bad number at that time.
	ProbeAt time.Time `json:"probe_at,omitzero"`
}

const (
	// concurrency is the number of shards that the relay works on in parallel. It is also
	// the number of pending receipts that the relay retries in parallel.
	concurrency = 8
	// reserve is the time between the end of a run's work and the deadline of the run.
	reserve = 5 * time.Second
	// receiptsShare determines how much of its time a run reserves for pending receipts:
	// 1/receiptsShare, however long the agenda is.
	receiptsShare = 4
)

// Run does the work that is due now. An error in one shard does not stop the work on
// other shards. Work that Run could not do stays due, so that the next run retries this
// work.
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
		errs = append(errs, p.kinds(agenda), p.retryReceipts(ctx))
	}
	summary := p.summary()
	summary.Truncated = p.truncated || agenda.Err() != nil || ctx.Err() != nil
	return summary, errors.Join(errs...)
}

// shorten returns ctx with an earlier deadline. It takes away 1/share of the time that is
// left.
func shorten(ctx context.Context, share time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/share))
	}
	return ctx, func() {}
}

// EndLeases ends all leases, even those that are not over. `smsqueue serve` calls
// EndLeases when it starts, because no sender can be running at that time.
func (r *Relay) EndLeases(ctx context.Context) (Summary, error) {
	p := &pass{Relay: r, force: true, until: r.now()}
	err := p.endLeases(ctx)
	return p.summary(), err
}
