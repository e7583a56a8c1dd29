package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type pass struct {
	*Relay
	until         time.Time // a lease that ends at this time or earlier is over
	force         bool      // whether to end leases before they are over
	farEnd        bool      // whether to look also for work whose due time is ahead of the clock
	leasesEndedAt time.Time // the time at which all leases that were over had been ended; zero if some of them are left
	backlog       int
	breaker       sms.Breaker
	truncated     bool        // whether a kind of work took so long that its share of the time was used up
	discards      bool        // whether senders may discard envelopes
	probed        atomic.Bool // whether this pass has enqueued a possible probe; it may enqueue only one
	lag           sync.Once   // makes cutoff wait only once
	waiting       sync.Map    // the Refs of messages that wait for receipts until the next pass

	enqueued, notEnqueued, settled, ended, receiptsSeen, ahead atomic.Int64
}

func (r *Relay) begin(ctx context.Context) (*pass, error) {
	p := &pass{Relay: r, until: r.now(), backlog: -1}
	var back time.Duration
	if back, p.farEnd = r.newest.next(p.until); back > sms.Skew {
		r.logger.WarnContext(ctx, "clock was set back since the last run", "by", back.String())
	}
	breaker, err := p.boundBreaker(ctx)
	if err != nil {
		return p, err
	}
	p.breaker, p.discards = breaker, breaker.Discards(p.until)
	if n, err := r.queue.Backlog(ctx); err != nil {
		r.logger.WarnContext(ctx, "backlog unknown, rescuing nothing", "error", err)
	} else {
		p.backlog = n
	}
	return p, nil
}

func (p *pass) summary() Summary {
	return Summary{
		Enqueued: p.enqueued.Load(), NotEnqueued: p.notEnqueued.Load(), Settled: p.settled.Load(),
		Ended: p.ended.Load(), Receipts: p.receiptsSeen.Load(), Ahead: p.ahead.Load(), Backlog: p.backlog, BreakerOpen: p.discards, ProbeAt: p.breaker.ProbeAt,
	}
}

func (p *pass) kinds(ctx context.Context) error {
	leases := p.endLeases(ctx)
	// First rescue messages, then send messages. Rescued messages stay due for rescue, so rescuing may take
	// at most half of the time of this pass.
	half, cancel := shorten(ctx, 2)
	defer cancel()
	rescue := p.kind(half, sms.DueRescue)
	p.truncated = half.Err() != nil
	return errors.Join(leases, rescue, p.kind(ctx, sms.DueSend), p.kind(ctx, sms.DueScheduled), p.boundAgenda(ctx))
}

func (p *pass) kind(ctx context.Context, kind sms.DueKind) error {
	return p.eachShard(ctx, kind, p.shard)
}

func (p *pass) eachShard(ctx context.Context, kind sms.DueKind, work func(context.Context, place) error) error {
	var group errgroup.Group
	group.SetLimit(concurrency)
	for shard := range p.store.Shards() {
		group.Go(func() error { return work(ctx, place{kind, shard}) })
	}
	return group.Wait()
}

// skippedPages is the highest number of pages that a pass reads in one shard without
// finding an entry to work on. The next pass continues after these pages.
const skippedPages = 10

// shard does the work that is due in one shard, page by page.
func (p *pass) shard(ctx context.Context, w place) error {
	q := sms.DueQuery{Kind: w.kind, Shard: w.shard, Until: p.horizon(w.kind), Limit: p.options.Page}
	if after, _ := p.stopped.LoadAndDelete(w); p.waits(w.kind) {
		q.After, _ = after.(string)
	}
	for skipped := 0; ctx.Err() == nil; {
		page, err := p.store.Due(ctx, q)
		if err != nil {
			return fmt.Errorf("reading what is due for %s in shard %d: %w", w.kind, w.shard, err)
		}
		due := slices.DeleteFunc(page.Entries, p.skips)
		var errs []error
		for entries := range slices.Chunk(due, batch) {
			errs = append(errs, p.batch(ctx, entries))
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if len(due) == 0 {
			skipped++
		}
		switch {
		case page.Next == "":
			return nil
		case p.waits(w.kind) && skipped == skippedPages:
			p.stopped.Store(w, page.Next)
			return nil
		}
		q.After = page.Next
	}
	return nil
}

// horizon returns the latest due time of the entries of this kind on which this pass
// works. Entries that are due later than the horizon must wait. The horizon may lie in the future:
//
//   - Messages to be sent are enqueued with a delay.
//   - After the breaker has closed, the envelopes that senders discarded are replaced at
//     once.
func (p *pass) horizon(kind sms.DueKind) time.Time {
	switch kind {
	case sms.DueSend, sms.DueScheduled:
		return p.until.Add(2 * p.options.Interval)
	case sms.DueRescue:
		if discarded := p.breaker.DiscardedUntil(); !p.discards && discarded.After(p.until) {
			return discarded
		}
	case sms.DueLease:
		if p.force {
			return farFuture(p.until)
		}
	}
	return p.until
}

// waits reports whether this pass leaves entries of this kind in the agenda. The pass
// leaves them there if senders may discard their envelopes, or if the queue is so long
// that their envelopes are probably late and not lost. The comment of skips lists the
// exceptions.
func (p *pass) waits(kind sms.DueKind) bool {
	switch kind {
	case sms.DueSend, sms.DueScheduled:
		return p.discards
	case sms.DueRescue:
		return p.discards || p.backlog < 0 || p.backlog > p.options.Backlog
	case sms.DueLease:
	}
	return false
}

// skips reports whether this pass leaves e in the agenda and does not work on it. Even if
// the method `waits` returns true, the pass works on e if
//
//   - the envelope of e was discarded before the breaker closed,
//   - the message of e has expired, so that it must end, or
//   - the message of e may become a probe; each pass works on only one such entry.
//
// If e is due for rescue exactly when its message expires, the pass leaves e in the agenda until the message
// has expired.
func (p *pass) skips(e sms.DueEntry) bool {
	_, waiting := p.waiting.Load(e.Ref)
	switch {
	case waiting, // guard: a message waits for the next pass
		e.Due.Kind == sms.DueRescue && e.Due.At.After(p.until) && !e.Due.At.Before(e.ExpiresAt):
		return true
	case !p.waits(e.Due.Kind), p.discarded(e), !e.ExpiresAt.After(p.now()):
		return false
	case p.rules.MayProbe(p.breaker, e.Owner, "", p.now()):
		return !p.probed.CompareAndSwap(false, true)
	}
	return true
}

// discarded reports whether the breaker has closed and senders may have discarded e's
// envelope before they knew this.
func (p *pass) discarded(e sms.DueEntry) bool { return !p.discards && e.Discarded(p.breaker) }

// batch is the number of records that a pass works on in parallel and enqueues together.
// One request to SQS can contain this number of envelopes.
const batch = 10

// batch works on all entries, even after errors, and enqueues the messages to be sent.
func (p *pass) batch(ctx context.Context, entries []sms.DueEntry) error {
	errs := make([]error, len(entries))
	messages := make([]sms.Message, len(entries))
	var group sync.WaitGroup
	for i, e := range entries {
		group.Go(func() { messages[i], errs[i] = p.takeUp(ctx, e) })
	}
	group.Wait()
	taken := errors.Join(errs...)
	waiting := slices.DeleteFunc(messages, func(m sms.Message) bool { return m.Due.Kind != sms.DueRescue })
	if len(waiting) == 0 {
		return taken
	}
	return errors.Join(taken, p.enqueue(ctx, waiting))
}

// takeUp does the work for which e is due, but does not enqueue the message. Unless the
// work is to end a lease, takeUp first postpones e, so that no other relay works on e at
// the same time. If the message must be enqueued now, takeUp returns it, due for rescue.
func (p *pass) takeUp(ctx context.Context, e sms.DueEntry) (sms.Message, error) {
	if e.Due.Kind == sms.DueLease {
		return p.endLease(ctx, e)
	}
	next := e.Postponed(p.now())
	if p.discarded(e) {
		next = e.Released(p.now()) // guard: release
	}
	m, err := p.store.Postpone(ctx, e, next)
	switch {
	case errors.Is(err, sms.ErrConflict) || errors.Is(err, sms.ErrNotFound):
		return sms.Message{}, nil
	case err != nil:
		return sms.Message{}, fmt.Errorf("taking up message %s: %w", e.Ref.ID, err)
	}
	return p.endMessage(ctx, m)
}

// sendTime limits how long the relay tries to enqueue messages. If the relay cannot enqueue messages,
// mendTime limits how long it tries to make them due again.
const (
	sendTime = 5 * time.Second
	mendTime = 3 * time.Second
)

// enqueue enqueues messages. A message becomes due at once if it is not certain that its envelope is on the
// queue.
func (p *pass) enqueue(ctx context.Context, messages []sms.Message) error {
	envelopes := make([]sms.Envelope, len(messages))
	for i, m := range messages {
		envelopes[i] = sms.Envelope{Ref: m.Ref(), Parts: m.Parts, Group: m.Client, Delay: m.Delay(p.now())}
	}
	sending, cancel := context.WithTimeout(ctx, sendTime)
	err := p.queue.Send(sending, envelopes...)
	cancel()
	failed := sms.FailedEnvelopes(err, len(envelopes))
	p.enqueued.Add(int64(len(messages) - len(failed)))
	p.notEnqueued.Add(int64(len(failed)))
	// Make the messages due even if the time of the run is up: the reserve of the run is
	// long enough for this.
	mending, cancel := context.WithTimeout(context.WithoutCancel(ctx), mendTime)
	defer cancel()
	for _, i := range failed {
		if _, err := change.Message(mending, p.store, messages[i], func(m sms.Message) (sms.Message, bool) {
			return p.rules.EnqueueFailed(m, p.now())
		}); err != nil {
			p.logger.WarnContext(ctx, "due time not moved back", "message_id", messages[i].ID, "error", err)
		}
	}
	if err != nil {
		return fmt.Errorf("enqueuing: %w", err)
	}
	return nil
}
