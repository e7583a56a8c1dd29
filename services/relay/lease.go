package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// indexLag is a little more than the longest time that an index may take to show a write.
const indexLag = 2 * time.Second

// cutoff returns a time such that every hand-over that began before this time has ended. If
// no such time is known, cutoff returns the zero time.
//
// A pending receipt may be matched by its number only if no hand-over that it can be
// about is in flight. So the pass must first end all leases that are over. Then cutoff
// waits for indexLag, until the indexes show how the hand-overs ended.
func (p *pass) cutoff() time.Time {
	if p.leasesEndedAt.IsZero() {
		return time.Time{}
	}
	p.lag.Do(func() {
		wait := min(p.leasesEndedAt.Add(indexLag).Sub(p.now()), indexLag)
		if wait > 0 && p.options.Wait != nil {
			p.options.Wait(wait) // guard: indexes lag
		}
	})
	return p.until.Add(-p.rules.Lease)
}

func (p *pass) endLeases(ctx context.Context) error {
	err := p.kind(ctx, sms.DueLease)
	if err == nil && ctx.Err() == nil { // guard: a complete pass
		p.leasesEndedAt = p.now()
	}
	return err
}

// endLease ends the lease of the message of e. Unlike the functions for other work,
// endLease does not postpone the entry first. So if this relay dies, the next relay still
// finds the entry.
func (p *pass) endLease(ctx context.Context, e sms.DueEntry) (sms.Message, error) {
	m, err := p.store.Get(ctx, e.Ref.ID)
	switch {
	case errors.Is(err, sms.ErrNotFound) || (err == nil && m.Ref() != e.Ref):
		return sms.Message{}, nil
	case err != nil:
		return sms.Message{}, fmt.Errorf("reading message %s: %w", e.Ref.ID, err)
	case m.Status != sms.Sending:
		return sms.Message{}, nil // the index shows an old state
	}
	return p.endMessage(ctx, m)
}

// endMessage ends the lease of m if the lease is over, and gives m up if m has expired.
// If m has an unanswered hand-over, endMessage first looks for a pending receipt about
// it. While a pending receipt may still turn out to be about m, m stays due for the next
// run, for at most ten minutes after its expiry.
func (p *pass) endMessage(ctx context.Context, m sms.Message) (sms.Message, error) {
	was := m.Status
	m, err := change.Message(ctx, p.store, m, func(m sms.Message) (sms.Message, bool) {
		return p.rules.EndLease(m, p.now(), p.force)
	})
	if err != nil {
		return sms.Message{}, err
	}
	wait := false
	if m.Unanswered() {
		before := m.Status
		if m, wait, err = p.receipts.Settle(ctx, m, p.cutoff()); err != nil {
			return sms.Message{}, fmt.Errorf("settling message %s: %w", m.ID, err)
		}
		if m.Status != before {
			p.settled.Add(1)
		}
	}
	m, err = change.Message(ctx, p.store, m, func(m sms.Message) (sms.Message, bool) {
		if wait && m.ExpiresAt.Add(10*time.Minute).After(p.now()) { // guard: a message waits for its receipt
			p.waiting.Store(m.Ref(), nil)
			return p.rules.EnqueueFailed(m, p.now())
		}
		return p.rules.GiveUp(m, p.now())
	})
	if err != nil {
		return sms.Message{}, err
	}
	if m.Status != was {
		p.ended.Add(1)
		p.logger.InfoContext(ctx, "message status changed", "message_id", m.ID, "was", was, "status", m.Status)
	}
	return m, nil
}
