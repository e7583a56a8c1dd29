package receipts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// clockSlack is the largest allowed difference between the provider's clock and ours.
const clockSlack = 5 * time.Second

// fits reports whether the receipt k can be about the hand-over h. Both must have the
// same number. A hand-over that has a provider message id or a receipt does not fit. The
// time in k is that of the hand-over, so it must lie within the lease of h. A receipt
// without a time can be about every hand-over that began before the receipt came.
func fits(h sms.HandOver, k sms.PendingReceipt) bool {
	at := k.Receipt.At
	switch {
	case h.Provider != k.Receipt.Provider, h.Receipt != "", h.ProviderMessageID != "":
		return false
	case k.CameAt.Before(h.At.Add(-sms.Skew)):
		return false
	case at.IsZero():
		return true
	}
	return !at.Before(h.At.Add(-clockSlack)) && !at.After(h.Until.Add(clockSlack)) // guard: a receipt's time is within the lease
}

// ripe reports whether all hand-overs that k can be about began before the time cutoff.
func ripe(k sms.PendingReceipt, cutoff time.Time) bool {
	return !published(k).Add(clockSlack).After(cutoff) // guard: no hand-over in flight
}

// published returns the time of k's hand-over, or a later time. If the provider's clock is slow, the time in
// k may be too early by up to clockSlack.
func published(k sms.PendingReceipt) time.Time { return cmp.Or(k.Receipt.At, k.CameAt) }

// matchByNumber applies k to the only hand-over that k can be about. The receipt k must
// be ripe. If no hand-over fits k, or if several do, matchByNumber returns false.
//
//   - It considers all unanswered hand-overs to k's number. It need not consider other
//     hand-overs, because the id of every taken hand-over is recorded, and k has none of
//     these ids.
//   - k must have a time and fit exactly one of these hand-overs, and no other pending
//     receipt may fit the same hand-over. If the store does not list all hand-overs,
//     nothing is matched.
//   - A hand-over with a late answer may have k's id, although the index of ids does not
//     show it yet. Then k is about that hand-over.
func (r *Receipts) matchByNumber(ctx context.Context, k sms.PendingReceipt, at *listed) (found bool, err error) {
	if at == nil {
		at = new(listed)
		if at.Unmatched, err = r.store.Unmatched(ctx, k.Receipt.Number); err != nil {
			return false, fmt.Errorf("looking for unmatched messages: %w", err)
		}
	}
	if at.More || k.Receipt.At.IsZero() {
		return false, nil
	}
	if err := r.read(ctx, at); err != nil {
		return false, err
	}
	m, token := onlyFit(k, at)
	if token == "" {
		return false, nil
	}
	m, err = change.Message(ctx, r.store, m, func(m sms.Message) (sms.Message, bool) {
		m, found = r.rules.ApplyMatched(m, token, k.Receipt, r.now())
		return m, found
	})
	if err != nil || !found {
		return false, err
	}
	return true, r.updateBreaker(ctx, m, k.Receipt)
}

// listed holds the unmatched messages and the pending receipts of one number. It reads
// each message from the store at most once.
type listed struct {
	sms.Unmatched
	messages []sms.Message
}

func (r *Receipts) read(ctx context.Context, at *listed) error {
	if at.messages != nil {
		return nil
	}
	at.messages = make([]sms.Message, 0, len(at.MessageIDs))
	for _, id := range at.MessageIDs {
		m, err := r.store.Get(ctx, id)
		if err == nil {
			at.messages = append(at.messages, m)
		} else if !errors.Is(err, sms.ErrNotFound) {
			return fmt.Errorf("reading message %s: %w", id, err)
		}
	}
	return nil
}

// onlyFit returns the message and the token of the only hand-over that k can be about.
// The token is "" if there is no such hand-over, or if there are several.
func onlyFit(k sms.PendingReceipt, at *listed) (m sms.Message, token string) {
	var fitting []sms.HandOver
	for _, candidate := range at.messages {
		for _, h := range candidate.HandOvers {
			switch {
			case k.Receipt.Names(h): // guard: late answer
				return candidate, h.Token
			case fits(h, k):
				m, fitting = candidate, append(fitting, h)
			}
		}
	}
	competes := func(other sms.PendingReceipt) bool {
		return other.Receipt.Ref() != k.Receipt.Ref() && fits(fitting[0], other)
	}
	if len(fitting) != 1 || slices.ContainsFunc(at.Receipts, competes) {
		return sms.Message{}, ""
	}
	return m, fitting[0].Token
}
