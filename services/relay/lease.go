package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// indexLag is longer than an index takes to show a write.
const indexLag = 2 * time.Second

// leases remembers the time up to which all leases have been ended. A pending receipt
// may be matched by its number only if no hand-over that it may be about is in flight,
// and if the indexes show how each of them ended. Both are certain from the run after a
// complete pass over the leases, or in the same run after Options.Wait. A new relay must
// first complete a pass of its own.
type leases struct {
	mu    sync.Mutex
	until time.Time // all leases up to this time were ended at least indexLag ago
	next  struct{ until, at time.Time }
}

// passed notes that a complete pass ended all leases up to the time until.
func (l *leases) passed(until, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next.at.IsZero() {
		l.next.until, l.next.at = until, now
	}
}

// ended returns the time up to which all leases were ended, at least indexLag
// before now.
func (l *leases) ended(now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.next.at.IsZero() &&
		!now.Before(l.next.at.Add(indexLag)) { // guard: indexes lag
		if l.next.until.After(l.until) {
			l.until = l.next.until
		}
		l.next.until, l.next.at = time.Time{}, time.Time{}
	}
	return l.until
}

// over returns a time such that every hand-over that began earlier has ended. It
// is zero if no such time is known.
func (r *Relay) over() time.Time {
	if ended := r.leases.ended(r.now()); !ended.IsZero() {
		return ended.Add(-r.rules.Lease)
	}
	return time.Time{}
}

func (p *pass) endLeases(ctx context.Context) error {
	err := p.kind(ctx, sms.DueLease)
	if err == nil && ctx.Err() == nil { // guard: a complete pass
		p.leases.passed(p.until, p.now())
		if p.over.IsZero() && p.options.Wait != nil {
			p.options.Wait(indexLag)
			p.over = p.Relay.over()
		}
	}
	return err
}

// endLease ends the lease of e. It does not postpone the entry first: if this relay
// dies halfway, the next one still finds the hand-over.
func (p *pass) endLease(ctx context.Context, e sms.DueEntry) (sms.Message, error) {
	m, err := p.store.Get(ctx, e.Ref.ID)
	switch {
	case errors.Is(err, sms.ErrNotFound) || (err == nil && m.Ref() != e.Ref):
		return sms.Message{}, nil
	case err != nil:
		return sms.Message{}, fmt.Errorf("reading message %s: %w", e.Ref.ID, err)
	case m.Status != sms.Sending:
		return sms.Message{}, nil // the index lags
	}
	return p.end(ctx, m)
}
