package receipts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// reportTrouble opens the breaker because of the trouble that rc reports, no matter which
// message rc is about.
func (r *Receipts) reportTrouble(ctx context.Context, rc sms.Receipt) error {
	opened := false
	err := r.change(ctx, func(b sms.Breaker) (sms.Breaker, bool) {
		b, opened = r.rules.ReportVoid(b, rc, r.now())
		return b, opened
	})
	if err != nil {
		return fmt.Errorf("reporting trouble with the account: %w", err)
	}
	if opened {
		r.logger.ErrorContext(ctx, "breaker opened", "trouble", string(rc.Trouble), "detail", rc.Detail)
	}
	return nil
}

// updateBreaker changes the breaker if m was a probe. The receipt rc must have been
// applied to m. If rc says that the probe was delivered, updateBreaker closes the
// breaker. If rc says that the probe was undelivered, updateBreaker undoes the probe, as
// sms.Breaker.GiveBack describes. The same receipt may be passed to updateBreaker several
// times.
func (r *Receipts) updateBreaker(ctx context.Context, m sms.Message, rc sms.Receipt) error {
	i := slices.IndexFunc(m.HandOvers, rc.Names)
	if i < 0 || rc.Verdict == sms.VerdictVoid {
		return nil
	}
	beganAt := m.HandOvers[i].At
	proves := func(b sms.Breaker) bool { return b.Proves(m.ID, beganAt, false, true) }
	if r.cannotProve(beganAt, proves) {
		return nil
	}
	closed := false
	err := r.change(ctx, func(b sms.Breaker) (sms.Breaker, bool) {
		closed = proves(b) && rc.Verdict == sms.VerdictDelivered
		switch {
		case closed:
			b, _ = r.rules.NumberTaken(b.Close(r.now()), m.Number, r.now())
			return b, true
		case proves(b):
			return b.GiveBack(m, true, r.now())
		}
		return b, false
	})
	if err != nil {
		return fmt.Errorf("changing the breaker: %w", err)
	}
	if closed {
		r.logger.InfoContext(ctx, "breaker closed", "message_id", m.ID)
	}
	return nil
}

// cannotProve reports whether the hand-over that began at beganAt certainly cannot close
// the breaker, even if the breaker has changed since the last read. The parameter `proves` is a function that
// returns whether this hand-over would close a breaker in the given state.
func (r *Receipts) cannotProve(beganAt time.Time, proves func(sms.Breaker) bool) bool {
	r.mu.Lock()
	seen, seenAt := r.seen, r.seenAt
	r.mu.Unlock()
	switch {
	case seenAt.IsZero(), seenAt.After(r.now()), seen.OpenedAt.After(r.now()): // a time in the future shows that a clock was wrong
		return false
	case beganAt.Before(seen.OpenedAt):
		return true
	}
	return beganAt.Before(r.rules.NextProbe(seen, seenAt)) && !proves(seen)
}

// change applies f to the breaker in the store, and remembers the result.
func (r *Receipts) change(ctx context.Context, f func(sms.Breaker) (sms.Breaker, bool)) error {
	at := r.now()
	b, err := change.Breaker(ctx, r.store, f)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !at.Before(r.seenAt) || r.seenAt.After(r.now()) {
		r.seen, r.seenAt = b, at
	}
	return nil
}
