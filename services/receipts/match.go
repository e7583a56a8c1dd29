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

// ripe reports whether every hand-over that k may be about began before cutoff.
func ripe(k sms.PendingReceipt, cutoff time.Time) bool {
	return !published(k).Add(clockSlack).After(cutoff) // guard: no hand-over in flight
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
	return true, r.prove(ctx, m, k.Receipt)
}

// listed is what is unmatched for one number. Its messages are read at most once.
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

// onlyFit returns the message and the token of the one hand-over that k may be about.
// token is "" if there is none or more than one.
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
