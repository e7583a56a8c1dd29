package receipts

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// trustClosed is how long the sight of a closed breaker spares another look.
// Between its opening and the first probe lies far more, so that no probe's
// receipt is missed.
const trustClosed = 5 * time.Second

// reportTrouble opens the breaker for what rc tells of the whole account, no
// matter whose message it was about.
func (r *Receipts) reportTrouble(ctx context.Context, rc sms.Receipt) error {
	opened := false
	b, err := sms.ChangeBreaker(ctx, r.store, func(b sms.Breaker) (sms.Breaker, bool) {
		b, opened = r.rules.Report(b, rc.Trouble, rc.Detail, cmp.Or(rc.At, rc.LoggedAt), r.now())
		return b, opened
	})
	if err != nil {
		return fmt.Errorf("reporting trouble of the account: %w", err)
	}
	r.see(b)
	if opened {
		r.logger.ErrorContext(ctx, "breaker opened", "trouble", string(b.Trouble), "detail", b.Detail)
	}
	return nil
}

// proved closes the breaker if rc says that its probe m was delivered.
func (r *Receipts) proved(ctx context.Context, m sms.Message, rc sms.Receipt) error {
	if rc.Verdict != sms.VerdictDelivered || r.sureClosed() {
		return nil
	}
	closed := false
	b, err := sms.ChangeBreaker(ctx, r.store, func(b sms.Breaker) (sms.Breaker, bool) {
		closed = b.Proves(m.ID, false, true)
		return b.Close(r.now()), closed
	})
	if err != nil {
		return fmt.Errorf("closing the breaker: %w", err)
	}
	r.see(b)
	if closed {
		r.logger.InfoContext(ctx, "breaker closed", "message_id", m.ID)
	}
	return nil
}

// see remembers b. An open one is looked at again each time.
func (r *Receipts) see(b sms.Breaker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closedSeen = time.Time{}
	if !b.Open {
		r.closedSeen = r.now()
	}
}

func (r *Receipts) sureClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.closedSeen.IsZero() && r.now().Sub(r.closedSeen) < trustClosed
}
