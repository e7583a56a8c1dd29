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

// clockSlack is how far the provider's clock may be off.
const clockSlack = 5 * time.Second

// fits reports whether k may be about h, a hand-over to the same number. This is so if
// h has neither id nor receipt, and if the time in k, the time of the publish, lies
// within the lease of h. Without a time, k may be about all that began before k came.
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
	return !at.Before(h.At.Add(-clockSlack)) && !at.After(h.Until.Add(clockSlack)) // guard: window of a receipt
}

// ripe reports whether every hand-over that k may be about began before the time over.
func ripe(k sms.PendingReceipt, over time.Time) bool {
	return !published(k).Add(clockSlack).After(over) // guard: no hand-over in flight
}

// published returns the time of the publish that k is about, or a later one. The
// hand-over began at most clockSlack after it.
func published(k sms.PendingReceipt) time.Time { return cmp.Or(k.Receipt.At, k.CameAt) }

// matchByNumber applies k, which is ripe, to the only hand-over that it may be
// about, and reports whether there was one.
//
//   - It looks at all unanswered hand-overs to the number of k. Those that were
//     taken have recorded their ids, and k names none of them.
//   - k must have a time and fit exactly one of them, and no other pending receipt
//     may fit that one. If there are more than the store lists, nothing matches.
//   - A hand-over that was answered late may have the id of k although the index of
//     ids does not show it yet. Then k is about that one.
func (r *Receipts) matchByNumber(ctx context.Context, k sms.PendingReceipt) (found bool, err error) {
	unmatched, err := r.store.Unmatched(ctx, k.Receipt.Number)
	if err != nil {
		return false, fmt.Errorf("looking for unmatched messages: %w", err)
	}
	if unmatched.More || k.Receipt.At.IsZero() {
		return false, nil
	}
	m, token, err := r.only(ctx, k, unmatched)
	if err != nil || token == "" {
		return false, err
	}
	m, err = change.Message(ctx, r.store, m, func(m sms.Message) (sms.Message, bool) {
		m, found = r.rules.ApplyMatched(m, token, k.Receipt, r.now())
		return m, found
	})
	if err != nil || !found {
		return false, err
	}
	return true, r.prove(ctx, m, k.Receipt)
}

// only returns the message and the token of the one hand-over that k may be about.
// token is "" if there is none or more than one.
func (r *Receipts) only(ctx context.Context, k sms.PendingReceipt, u sms.Unmatched) (m sms.Message, token string, err error) {
	var fitting []sms.HandOver
	for _, id := range u.MessageIDs {
		candidate, err := r.store.Get(ctx, id)
		if errors.Is(err, sms.ErrNotFound) {
			continue
		}
		if err != nil {
			return sms.Message{}, "", fmt.Errorf("reading message %s: %w", id, err)
		}
		for _, h := range candidate.HandOvers {
			switch {
			case k.Receipt.Names(h): // guard: late answer
				return candidate, h.Token, nil
			case fits(h, k):
				m, fitting = candidate, append(fitting, h)
			}
		}
	}
	competes := func(other sms.PendingReceipt) bool { return other.ID != k.ID && fits(fitting[0], other) }
	if len(fitting) != 1 || slices.ContainsFunc(u.Receipts, competes) {
		return sms.Message{}, "", nil
	}
	return m, fitting[0].Token, nil
}
