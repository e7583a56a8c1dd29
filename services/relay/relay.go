// Package relay brings what is due back onto the queue: lost and failed
// enqueues, scheduled messages, retries, the ends of leases and of validity.
// It reads the agenda, page by page, never the table.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/change"
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
	// Interval is the time between two runs. What falls due before the next
	// but one is enqueued now, delayed: a late run makes no message late. Twice
	// of it must not exceed sms.EnqueueAhead.
	Interval time.Duration
	// Backlog is how many waiting deliveries mean that copies are late rather
	// than lost: with more, nothing is rescued.
	Backlog int
	// Page is how many records are read at once.
	Page int
}

// DefaultOptions fit a run every minute.
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
	stopped map[place]string // where a run that held entries back stopped: DueQuery.After
	leases  leases
}

// place is one shard of the agenda of one kind.
type place struct {
	kind  sms.DueKind
	shard int
}

// New makes a relay.
func New(store Store, queue sms.Queue, receipts Receipts, rules sms.Rules, options Options, now func() time.Time, logger *slog.Logger) *Relay {
	return &Relay{
		store: store, queue: queue, receipts: receipts, rules: rules, options: options, now: now, logger: logger,
		stopped: make(map[place]string),
	}
}

// Report counts what one run did.
type Report struct {
	Enqueued  int64 `json:"enqueued"`
	NotSent   int64 `json:"not_sent"` // enqueues that failed; due again at once
	Settled   int64 `json:"settled"`  // by pending receipts
	Ended     int64 `json:"ended"`    // leases and validities that ran out
	Receipts  int64 `json:"receipts"` // pending ones looked at again
	Backlog   int   `json:"backlog"`  // -1 where the queue did not say
	Held      bool  `json:"held"`     // the breaker is open, or was a moment ago
	Truncated bool  `json:"truncated"`
}

// concurrency is how many shards, and how many pending receipts, are worked
// on side by side.
const concurrency = 8

// reserve is the time that a run leaves unused at the end of its deadline.
const reserve = 5 * time.Second

// receiptsShare is the part of its time, one in so many, that a run leaves to
// pending receipts, however long the agenda is.
const receiptsShare = 4

// Run does what is due now. An error of one shard does not keep the others
// from their work; all of it is due again, so that the next run is the retry.
func (r *Relay) Run(ctx context.Context) (Report, error) {
	agenda := ctx
	if deadline, ok := ctx.Deadline(); ok {
		deadline = deadline.Add(-reserve)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
		agenda, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/receiptsShare))
		defer cancel()
	}
	run, err := r.begin(ctx)
	errs := []error{err}
	if err == nil {
		errs = append(errs, run.kinds(agenda), run.pending(ctx))
	}
	report := run.report()
	report.Truncated = agenda.Err() != nil || ctx.Err() != nil
	return report, errors.Join(errs...)
}

// EndLeases gives up every lease, over or not: for one machine at its start,
// when no sender can be alive.
func (r *Relay) EndLeases(ctx context.Context) (Report, error) {
	run := &run{Relay: r, force: true, until: r.now().Add(r.rules.Lease)}
	err := run.endLeases(ctx)
	return run.report(), err
}

// run is the state of one run.
type run struct {
	*Relay
	until   time.Time // when leases must have ended
	over    time.Time // see Receipts
	force   bool      // leases are given up although they are not over
	backlog int
	breaker sms.Breaker
	held    bool         // senders may throw away what they are given
	probes  atomic.Int64 // enqueues that an open breaker still allows

	enqueued, notSent, settled, ended, receiptsSeen atomic.Int64
}

func (r *Relay) begin(ctx context.Context) (*run, error) {
	run := &run{Relay: r, until: r.now(), over: r.over(), backlog: -1}
	breaker, err := r.store.LoadBreaker(ctx)
	if err != nil {
		return run, fmt.Errorf("loading the breaker: %w", err)
	}
	run.breaker, run.held = breaker, breaker.Holds(run.until)
	if _, due := r.rules.Probe(breaker, "", r.now()); due {
		run.probes.Store(1)
	}
	if n, err := r.queue.Backlog(ctx); err != nil {
		r.logger.WarnContext(ctx, "backlog not known, nothing is rescued", "error", err)
	} else {
		run.backlog = n
	}
	return run, nil
}

func (u *run) report() Report {
	return Report{
		Enqueued: u.enqueued.Load(), NotSent: u.notSent.Load(), Settled: u.settled.Load(),
		Ended: u.ended.Load(), Receipts: u.receiptsSeen.Load(), Backlog: u.backlog, Held: u.held,
	}
}

func (u *run) kinds(ctx context.Context) error {
	// Rescue before send, which leaves its entries due for rescue.
	return errors.Join(u.endLeases(ctx), u.kind(ctx, sms.DueRescue), u.kind(ctx, sms.DueSend))
}

func (u *run) kind(ctx context.Context, kind sms.DueKind) error {
	var group errgroup.Group
	group.SetLimit(concurrency)
	for shard := range u.store.Shards() {
		group.Go(func() error { return u.shard(ctx, kind, shard) })
	}
	return group.Wait()
}

// heldPages bounds how far a run looks, in each shard, for what it may take up
// among entries that it leaves where they are, in pages of nothing else. The next
// run goes on there.
const heldPages = 10

// resume is where a run begins in p, and forgets it.
func (r *Relay) resume(p place) (after string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	after = r.stopped[p]
	delete(r.stopped, p)
	return after
}

func (r *Relay) stop(p place, after string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped[p] = after
}

// shard works through what is due in one shard, a page at a time.
func (u *run) shard(ctx context.Context, kind sms.DueKind, shard int) error {
	p := place{kind, shard}
	q := sms.DueQuery{Kind: kind, Shard: shard, Until: u.horizon(kind), Limit: u.options.Page}
	if after := u.resume(p); u.holds(kind) {
		q.After = after
	}
	for left := 0; ctx.Err() == nil; {
		page, err := u.store.Due(ctx, q)
		if err != nil {
			return fmt.Errorf("reading what is due for %s in shard %d: %w", kind, shard, err)
		}
		due := slices.DeleteFunc(page.Entries, u.leaves)
		var errs []error
		for entries := range slices.Chunk(due, batch) {
			errs = append(errs, u.batch(ctx, entries))
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if len(due) == 0 {
			left++
		}
		switch {
		case page.Next == "":
			return nil
		case u.holds(kind) && left == heldPages:
			u.stop(p, page.Next)
			return nil
		}
		q.After = page.Next
	}
	return nil
}

// batch is how many records are taken up side by side and enqueued together:
// as many as one request to SQS takes.
const batch = 10

// batch takes its entries up and enqueues those that have to be sent, whatever
// became of the others.
func (u *run) batch(ctx context.Context, entries []sms.DueEntry) error {
	errs := make([]error, len(entries))
	messages := make([]sms.Message, len(entries))
	var group sync.WaitGroup
	for i, e := range entries {
		group.Go(func() { messages[i], errs[i] = u.takeUp(ctx, e) })
	}
	group.Wait()
	taken := errors.Join(errs...)
	waiting := slices.DeleteFunc(messages, func(m sms.Message) bool { return m.Due.Kind != sms.DueRescue })
	if len(waiting) == 0 {
		return taken
	}
	return errors.Join(taken, u.enqueue(ctx, waiting))
}

// takeUp moves the entry's due forward, so that no other relay does the same,
// and then does what it was due for, short of enqueueing. It returns the
// message, due for rescue where it has to be enqueued now; a zero one where
// there is nothing to do.
func (u *run) takeUp(ctx context.Context, e sms.DueEntry) (sms.Message, error) {
	if e.Due.Kind == sms.DueLease {
		return u.endLease(ctx, e)
	}
	m, err := u.store.Postpone(ctx, e, e.Postponed(u.now()))
	switch {
	case errors.Is(err, sms.ErrConflict) || errors.Is(err, sms.ErrNotFound):
		return sms.Message{}, nil
	case err != nil:
		return sms.Message{}, fmt.Errorf("taking up message %s: %w", e.Ref.ID, err)
	}
	return u.end(ctx, m)
}

// sendTime is how long one enqueue may take before it counts as failed, and
// mendTime how long it may take to make those messages due again.
const (
	sendTime = 5 * time.Second
	mendTime = 3 * time.Second
)

// enqueue puts copies of messages onto the queue. Those that did not get there
// are due again at once.
func (u *run) enqueue(ctx context.Context, messages []sms.Message) error {
	deliveries := make([]sms.Envelope, len(messages))
	for i, m := range messages {
		deliveries[i] = sms.Envelope{Ref: m.Ref(), Group: m.Client, Delay: m.Delay(u.now())}
	}
	sending, cancel := context.WithTimeout(ctx, sendTime)
	err := u.queue.Send(sending, deliveries...)
	cancel()
	failed := sms.FailedEnvelopes(err, len(deliveries))
	u.enqueued.Add(int64(len(messages) - len(failed)))
	u.notSent.Add(int64(len(failed)))
	// Also where the run's time is up: it leaves a reserve for this.
	mending, cancel := context.WithTimeout(context.WithoutCancel(ctx), mendTime)
	defer cancel()
	for _, i := range failed {
		if _, err := change.Message(mending, u.store, messages[i], func(m sms.Message) (sms.Message, bool) {
			return u.rules.EnqueueFailed(m, u.now())
		}); err != nil {
			u.logger.WarnContext(ctx, "due not moved back", "message_id", messages[i].ID, "error", err)
		}
	}
	if err != nil {
		return fmt.Errorf("enqueueing: %w", err)
	}
	return nil
}
