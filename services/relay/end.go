package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// end applies what time alone does to m: a receipt that came before settles
// an unanswered hand-over; a lease ends; validity runs out. Where a receipt came
// so lately that it is not known whose it is, m stays due, for the next run.
func (p *pass) end(ctx context.Context, m sms.Message) (sms.Message, error) {
	now := p.now()
	var found sms.PendingReceipt
	var token string
	if ended, _ := p.rules.EndLease(m, now, p.force); ended.Unanswered() {
		var err error
		if found, token, err = p.receiptOf(ctx, m); err != nil {
			return sms.Message{}, fmt.Errorf("looking for receipts of message %s: %w", m.ID, err)
		}
	}
	adopted := false // by the record as it is in the end: its sender may still have been faster
	after, err := change.Message(ctx, p.store, m, func(m sms.Message) (sms.Message, bool) {
		m, ended := p.rules.EndLease(m, now, p.force)
		if adopted = false; token != "" {
			m, adopted = p.rules.Adopt(m, token, found.Receipt, now)
		}
		m, gaveUp := p.rules.GiveUp(m, now)
		waits := false
		if token == "" && found.Soon(now) {
			m, waits = p.rules.EnqueueFailed(m, now)
		}
		return m, ended || adopted || gaveUp || waits
	})
	if err != nil {
		return sms.Message{}, err
	}
	if after.Status != m.Status {
		p.ended.Add(1)
		p.logger.InfoContext(ctx, "ended", "message_id", m.ID, "was", m.Status, "status", after.Status)
	}
	if adopted {
		p.settled.Add(1)
		if err = p.useUp(ctx, after, token, found); err != nil {
			p.logger.WarnContext(ctx, "receipt not used up", "message_id", m.ID, "error", err)
		}
	}
	return after, nil
}

// useUp forgets k, which settled the hand-over of m named by token, once the
// breaker knows of it. Where that fails k is looked at in the next run.
func (p *pass) useUp(ctx context.Context, m sms.Message, token string, k sms.PendingReceipt) error {
	if err := p.receipts.Prove(ctx, m, token, k.Receipt); err != nil {
		k.Due = p.now()
		return errors.Join(err, p.store.Keep(ctx, k))
	}
	return p.store.Forget(ctx, k)
}

// receiptOf finds the only kept receipt that may be of m, if there is one, and
// the token of the hand-over that it belongs to: "" where it could as well be
// another's, or where that cannot be told yet.
func (p *pass) receiptOf(ctx context.Context, m sms.Message) (k sms.PendingReceipt, token string, err error) {
	unmatched, err := p.store.Unmatched(ctx, m.Number)
	if err != nil {
		return sms.PendingReceipt{}, "", err
	}
	fitting := 0
	for _, candidate := range unmatched.Receipts {
		if m.MayMatch(candidate) {
			k = candidate
			fitting++
		}
	}
	if fitting != 1 {
		return sms.PendingReceipt{}, "", nil
	}
	owner, token, err := unmatched.Owner(ctx, p.store, k, p.now())
	if owner.ID != m.ID {
		token = ""
	}
	return k, token, err
}
