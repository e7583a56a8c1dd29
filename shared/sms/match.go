package sms

import (
	"cmp"
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
	// doubtAfter is how long a receipt that names no message waits before it
	// casts doubt on one: the ordinary receipt of a message that did arrive most
	// often comes before, and shows that the other is not about it.
	doubtAfter = time.Minute
)

// mayOwn reports whether k, whose message is not known, can be the receipt of
// h, a hand-over to its number: h has none yet, began before k came, and differs
// from k in nothing that both of them tell. However late a receipt comes, its
// time is taken for that of the publish, as the delivery log's
// notification.timestamp reads: so those of other messages to the same number
// stay out. A time that is later than that would only leave h without its
// receipt. Where k has no time, that of its line in the log, or else of its
// coming, is one after the publish: at most 15 minutes where it tells of trouble,
// like what opens the breaker, and as long as the log may take otherwise.
func (h HandOver) mayOwn(k KeptReceipt) bool {
	rc := k.Receipt
	switch {
	case h.Provider != rc.Provider, h.Receipt != "", h.Doubted && rc.doubts(), k.KeptAt.Before(h.At.Add(-Skew)):
		return false
	case rc.ProviderMessageID != "" && h.ProviderMessageID != "":
		return rc.ProviderMessageID == h.ProviderMessageID
	case rc.At.IsZero():
		late := LatestReceipt
		if rc.Verdict == VerdictVoid {
			late = staleTrouble
		}
		told := cmp.Or(rc.LoggedAt, k.KeptAt)
		return !told.Before(h.At.Add(-clockSlack)) && told.Sub(h.At) <= late
	}
	return !rc.At.Before(h.At.Add(-clockSlack)) && !rc.At.After(h.Until.Add(clockSlack))
}

// MayOwn reports whether k can be the receipt of one of m's hand-overs.
func (m Message) MayOwn(k KeptReceipt) bool {
	return m.Number == k.Receipt.Number && slices.ContainsFunc(m.HandOvers, func(h HandOver) bool { return h.mayOwn(k) })
}

// matchable is from when on k may be matched by its number.
func (k KeptReceipt) matchable() time.Time {
	if k.Receipt.doubts() {
		return k.KeptAt.Add(doubtAfter)
	}
	return k.KeptAt.Add(indexLag)
}

// Soon reports whether k came so lately that it is known only in a moment whose
// it is: what it may settle is better not sent again before.
func (k KeptReceipt) Soon(now time.Time) bool {
	return !k.Receipt.doubts() && now.Before(k.matchable())
}

// Owner finds the hand-over that k belongs to among all that u, of k's number,
// knows of: in flight, taken or without an answer. It reads their messages, and
// answers only where it can be a single one, and no other kept receipt can
// belong to that, unless both but cast doubt; token is "" otherwise. The true owner, if it is one of ours,
// is always among them until it has its receipt, so that no other is named. Of
// one message's hand-overs a receipt that names none means the one that is not
// in doubt anyway for the lack of an answer. What follows is for Adopt to say.
func (u Unsettled) Owner(ctx context.Context, store Messages, k KeptReceipt, now time.Time) (owner Message, token string, err error) {
	if u.More || now.Before(k.matchable()) {
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
			case !h.mayOwn(k):
			case only == nil:
				owner, only = m, h
			case owner.ID != m.ID || !k.Receipt.doubts():
				return Message{}, "", nil
			case only.Answer == AnswerNone:
				only = h
			case h.Answer != AnswerNone:
				return Message{}, "", nil
			}
		}
	}
	competes := func(other KeptReceipt) bool {
		settles := !k.Receipt.doubts() || !other.Receipt.doubts()
		return other.ID != k.ID && settles && only.mayOwn(other)
	}
	if only == nil || slices.ContainsFunc(u.Receipts, competes) {
		return Message{}, "", nil
	}
	return owner, only.Token, nil
}
