package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// longestWait is how long after its expiry a message may wait for its receipt,
// which can be matched even later.
const longestWait = 10 * time.Minute

// end ends the lease of m if it is over, and gives m up if it has expired. Before a
// message with an unanswered hand-over is handed over again or given up, end looks
// for a pending receipt about it. If a pending receipt may still turn out to be
// about m, then m stays due for the next run, until it has long expired.
func (p *pass) end(ctx context.Context, m sms.Message) (sms.Message, error) {
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
		if m, wait, err = p.receipts.Settle(ctx, m, p.over()); err != nil {
			return sms.Message{}, fmt.Errorf("settling message %s: %w", m.ID, err)
		}
		if m.Status != before {
			p.settled.Add(1)
		}
	}
	m, err = change.Message(ctx, p.store, m, func(m sms.Message) (sms.Message, bool) {
		if wait && m.ExpiresAt.Add(longestWait).After(p.now()) { // guard: a message waits for its receipt
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
