package sms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// clockSlack is how far the provider's clock may be off.
	clockSlack = 5 * time.Second
	// indexLag is how old a kept receipt must be to be matched by its number:
	// of a hand-over that began before it came, everybody can know by then.
	indexLag = 2 * time.Second
)

// mayMatch reports whether k, whose message is not known, can be the receipt of
// h, a hand-over to its number: h has none yet, began before k came, and differs
// from k in nothing that both of them tell. However late a receipt comes, its
// time is taken for that of the publish, as the delivery log's
// notification.timestamp reads: so those of other messages to the same number
// stay out. A time that is later than that would only leave h without its
// receipt.
func (h HandOver) mayMatch(k PendingReceipt) bool {
	rc := k.Receipt
	switch {
	case h.Provider != rc.Provider, h.Receipt != "", k.KeptAt.Before(h.At.Add(-Skew)):
		return false
	case h.ProviderMessageID != "":
		return rc.ProviderMessageID == h.ProviderMessageID
	case rc.At.IsZero():
		return true
	}
	return !rc.At.Before(h.At.Add(-clockSlack)) && !rc.At.After(h.Until.Add(clockSlack))
}

// MayMatch reports whether k can be the receipt of one of m's hand-overs.
func (m Message) MayMatch(k PendingReceipt) bool {
	return m.Number == k.Receipt.Number && slices.ContainsFunc(m.HandOvers, func(h HandOver) bool { return h.mayMatch(k) })
}

// Soon reports whether k came so lately that it is known only in a moment whose
// it is: what it may settle is better not sent again before.
func (k PendingReceipt) Soon(now time.Time) bool { return now.Before(k.KeptAt.Add(indexLag)) }

// Owner finds the hand-over that k belongs to among all that u, of k's number,
// knows of: in flight, taken or without an answer. It reads their messages, and
// answers only where it can be a single one, and no other kept receipt can
// belong to that; token is "" otherwise. A receipt without a time fits too many
// to be matched so. The true owner, if it is one of ours, is always among them
// until it has its receipt, so that no other is named.
func (u Unmatched) Owner(ctx context.Context, store Messages, k PendingReceipt, now time.Time) (owner Message, token string, err error) {
	if u.More || k.Soon(now) || k.Receipt.At.IsZero() {
		return Message{}, "", nil
	}
	var only *HandOver
	for _, id := range u.MessageIDs {
		m, err := store.Get(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return Message{}, "", fmt.Errorf("reading message %s: %w", id, err)
		}
		for i := range m.HandOvers {
			switch h := &m.HandOvers[i]; {
			case !h.mayMatch(k):
			case only != nil:
				return Message{}, "", nil
			default:
				owner, only = m, h
			}
		}
	}
	competes := func(other PendingReceipt) bool { return other.ID != k.ID && only.mayMatch(other) }
	if only == nil || slices.ContainsFunc(u.Receipts, competes) {
		return Message{}, "", nil
	}
	return owner, only.Token, nil
}
