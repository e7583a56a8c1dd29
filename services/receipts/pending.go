package receipts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// These constants say how long Retry waits before it looks for the message of a pending
// receipt again.
const (
	soon      = time.Minute      // the wait while the receipt is not ripe
	ripeAfter = 90 * time.Second // a receipt is most likely ripe when this time has passed since the last lease of a hand-over that it can be about
	lastLook  = 10 * time.Minute // the wait after the first look for a ripe receipt's message
)

// Retry looks for the message of k again: first by its provider message id and then, if k
// is ripe, by its number. If Retry finds the message, it applies k and removes k from the
// pending receipts. Otherwise it postpones k.
//
// The caller must make sure that every hand-over that began before the time cutoff has
// ended, and that all indexes show its outcome.
func (r *Receipts) Retry(ctx context.Context, k sms.PendingReceipt, cutoff time.Time) error {
	result, err := r.look(ctx, k, cutoff, nil)
	if err != nil || result == Applied || result == Matched {
		return err
	}
	k.Due = time.Time{}
	switch {
	case result == Pending:
		k.Due = r.now().Add(soon)
		if likely := published(k).Add(clockSlack + r.rules.Lease + ripeAfter); likely.After(k.Due) {
			k.Due = likely
		}
	case k.Tries == 0:
		k.Due = r.now().Add(lastLook)
		k.Tries++
	default: // a metric in Terraform counts this log message
		r.logger.InfoContext(ctx, "pending receipt matches no message",
			"provider_message_id", k.Receipt.ProviderMessageID, "number", k.Receipt.Number)
	}
	return r.rekeep(ctx, k)
}

// Settle looks for pending receipts about the unanswered hand-overs of m, and applies the
// receipts that it finds. It returns m with these changes. If wait is true, a pending
// receipt may still turn out to be about m, so the caller must neither hand m over again
// nor give m up. The comment of Retry explains cutoff.
func (r *Receipts) Settle(ctx context.Context, m sms.Message, cutoff time.Time) (after sms.Message, wait bool, err error) {
	unmatched, err := r.store.Unmatched(ctx, m.Number)
	if err != nil {
		return m, false, fmt.Errorf("looking for pending receipts: %w", err)
	}
	found, at := false, &listed{Unmatched: unmatched}
	for _, k := range unmatched.Receipts {
		if k.Receipt.At.IsZero() ||
			!slices.ContainsFunc(m.HandOvers, func(h sms.HandOver) bool { return fits(h, k) }) {
			continue
		}
		result, err := r.look(ctx, k, cutoff, at)
		if err == nil && result == Pending && k.Due.IsZero() {
			k.Due = r.now().Add(soon) // k had no Due, because it was no longer to be retried
			err = r.rekeep(ctx, k)
		}
		if err != nil {
			return m, false, err
		}
		wait = wait || result == Pending
		found = found || result != Pending && result != Foreign
	}
	if found {
		if m, err = r.store.Get(ctx, m.ID); err != nil {
			return m, false, fmt.Errorf("reading message %s: %w", m.ID, err)
		}
	}
	return m, wait && m.Unanswered(), nil
}

// look searches for the message of k. If look finds the message, it applies k and removes
// k from the pending receipts. The parameter `at` contains the unmatched messages and the
// pending receipts of k's number. If at is nil, look reads these messages and receipts
// when it needs them.
func (r *Receipts) look(ctx context.Context, k sms.PendingReceipt, cutoff time.Time, at *listed) (Result, error) {
	result := Applied
	found, err := r.applyByID(ctx, k.Receipt)
	if err == nil && !found {
		if !ripe(k, cutoff) {
			return Pending, nil
		}
		result = Matched
		found, err = r.matchByNumber(ctx, k, at)
	}
	switch {
	case err != nil:
		return "", err
	case !found:
		return Foreign, nil
	}
	if err := r.store.Forget(ctx, k); err != nil {
		return "", fmt.Errorf("forgetting a receipt: %w", err)
	}
	r.logger.InfoContext(ctx, "pending receipt applied",
		"result", string(result), "provider_message_id", k.Receipt.ProviderMessageID, "number", k.Receipt.Number)
	return result, nil
}

// rekeep replaces the stored pending receipt by k, unless another relay has applied and
// removed this receipt meanwhile.
func (r *Receipts) rekeep(ctx context.Context, k sms.PendingReceipt) error {
	if err := r.store.Rekeep(ctx, k); err != nil {
		return fmt.Errorf("keeping a receipt again: %w", err)
	}
	return nil
}

func (r *Receipts) keep(ctx context.Context, k sms.PendingReceipt) error {
	if err := r.store.Keep(ctx, k); err != nil {
		return fmt.Errorf("keeping a receipt: %w", err)
	}
	return nil
}
