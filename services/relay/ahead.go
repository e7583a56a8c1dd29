package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// A wrong clock may have written times that are ahead, as sms.Rules.Bound describes. A
// record that is due at such a time would not be found until then. So some runs also read
// the far end of the agenda, where no right clock writes anything.

// farEndRuns determines how often a relay reads the far end of the agenda: in every
// farEndRuns-th run, and in a run for which there is a special reason.
const farEndRuns = 10

// newest holds the latest time that a relay has seen, and the number of the relay's runs.
type newest struct {
	mu   sync.Mutex
	at   time.Time
	runs int
}

// next counts a run that begins now. It returns by how much the clock was set back since
// the last run, and whether the run must read the far end of the agenda: because it is
// the first run of this process, because the clock was set back, or because this is a
// farEndRuns-th run.
func (n *newest) next(now time.Time) (back time.Duration, farEnd bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now = now.Round(0) // only the wall clock can be set back
	back = max(n.at.Sub(now), 0)
	farEnd = n.runs%farEndRuns == 0 || back > sms.Skew
	n.at, n.runs = now, n.runs+1
	return back, farEnd
}

// farFuture returns a time that is later than any stored time.
func farFuture(now time.Time) time.Time { return now.AddDate(200, 0, 0) }

// boundBreaker loads the breaker. If it has a time that is ahead, boundBreaker first
// replaces this time.
func (p *pass) boundBreaker(ctx context.Context) (sms.Breaker, error) {
	var was sms.Breaker
	ahead := false
	b, err := change.Breaker(ctx, p.store, func(b sms.Breaker) (sms.Breaker, bool) {
		was = b
		b, ahead = p.rules.BoundBreaker(b, p.until)
		return b, ahead
	})
	if err == nil && ahead {
		p.farEnd = true
		p.ahead.Add(1)
		p.logger.WarnContext(ctx, timeAhead, "record", "breaker",
			"opened_at", was.OpenedAt, "closed_at", was.ClosedAt, "probe_at", was.ProbeAt)
	}
	return b, err
}

// timeAhead is the log message about a record that a wrong clock has written.
const timeAhead = "stored time was ahead of the clock"

// boundAgenda finds all messages whose due times only a wrong clock can have written, and
// corrects these times. The next run does the work that is due then.
func (p *pass) boundAgenda(ctx context.Context) error {
	if !p.farEnd {
		return nil
	}
	var errs []error
	for _, kind := range []sms.DueKind{sms.DueLease, sms.DueRescue, sms.DueSend} {
		errs = append(errs, p.eachShard(ctx, kind, p.boundShard))
	}
	return errors.Join(errs...)
}

func (p *pass) boundShard(ctx context.Context, w place) error {
	q := sms.DueQuery{Kind: w.kind, Shard: w.shard, From: p.rules.LatestDue(w.kind, p.until), Until: farFuture(p.until), Limit: p.options.Page}
	for ctx.Err() == nil {
		page, err := p.store.Due(ctx, q)
		if err != nil {
			return fmt.Errorf("reading what is due too far ahead for %s in shard %d: %w", w.kind, w.shard, err)
		}
		for _, e := range page.Entries {
			if err := p.bound(ctx, e); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	return nil
}

// bound corrects the due time of the message of e if this time is ahead.
func (p *pass) bound(ctx context.Context, e sms.DueEntry) error {
	if !p.rules.IsAhead(e.Due, p.until) {
		return nil
	}
	m, err := p.store.Get(ctx, e.Ref.ID)
	switch {
	case errors.Is(err, sms.ErrNotFound) || (err == nil && m.Ref() != e.Ref):
		return nil
	case err != nil:
		return fmt.Errorf("reading message %s: %w", e.Ref.ID, err)
	}
	ahead := false
	m, err = change.Message(ctx, p.store, m, func(m sms.Message) (sms.Message, bool) {
		m, ahead = p.rules.Bound(m, p.until)
		return m, ahead
	})
	if err == nil && ahead {
		p.ahead.Add(1)
		p.logger.WarnContext(ctx, timeAhead, "message_id", m.ID, "status", m.Status, "due_at", e.Due.At, "now_due_at", m.Due.At)
	}
	return err
}

// boundReceipts finds all pending receipts whose times only a wrong clock can have written, and replaces these times.
func (p *pass) boundReceipts(ctx context.Context) error {
	if !p.farEnd {
		return nil
	}
	receipts, err := p.store.DueReceipts(ctx, sms.LatestReceiptDue(p.until), farFuture(p.until), p.options.Page)
	if err != nil {
		return fmt.Errorf("reading receipts that are due too far ahead: %w", err)
	}
	for _, k := range receipts {
		bound, ahead := k.Bound(p.until)
		if !ahead {
			continue
		}
		if err := p.store.Rekeep(ctx, bound); err != nil {
			return fmt.Errorf("keeping a receipt again: %w", err)
		}
		p.ahead.Add(1)
		p.logger.WarnContext(ctx, timeAhead, "pending_receipt", k.ID, "due_at", k.Due)
	}
	return nil
}
