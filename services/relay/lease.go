package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// indexLag is longer than an index takes to show a write.
const indexLag = 2 * time.Second

// over returns a time such that every hand-over that began earlier has ended. It is
// zero if no such time is known.
//
// A pending receipt may be matched by its number only if no hand-over that it may be
// about is in flight, and if the indexes show how each of them ended. The first is
// certain after a complete pass over the leases. For the second, over waits.
func (p *pass) over() time.Time {
	if p.leasesEndedAt.IsZero() {
		return time.Time{}
	}
	p.lag.Do(func() {
		wait := p.leasesEndedAt.Add(indexLag).Sub(p.now())
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
