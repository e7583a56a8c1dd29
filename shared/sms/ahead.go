package sms

import (
	"slices"
	"time"
)

// A wrong clock may have written times that lie far in the future. Such a time is ahead:
// it is later than any clock that is right can have written. If the services waited for
// it, messages would stay where they are for as long as the clock was wrong. So a time
// that is ahead counts as the present time, and the relay replaces it in the store.
//
// The times that clients choose, SendAt and ExpiresAt, are never ahead.

const (
	// clockTolerance is how much later than possible a time must be before it counts as
	// ahead.
	clockTolerance = time.Minute
	// farthestDue is how far ahead of the present a message that is not scheduled, or a
	// pending receipt, can be due. It is longer than the longest backoff, than the wait
	// for the last rescue of a message with a delayed envelope, and than the longest lease
	// with the time after which a receipt is ripe.
	farthestDue = 20 * time.Minute
)

// Ahead reports whether t is ahead. The time latest is the latest time that a clock
// that is right can have written for t.
func Ahead(t, latest time.Time) bool {
	return t.After(latest.Add(clockTolerance)) // guard: a time that is ahead
}

// LatestDue returns the latest time at which a message can be due for this kind of work.
// It returns the zero time if there is no such time, because the client chose the time.
func (r Rules) LatestDue(kind DueKind, now time.Time) time.Time {
	switch kind {
	case DueScheduled:
		return time.Time{}
	case DueLease:
		return now.Add(r.Lease)
	case DueSend, DueRescue:
	}
	return now.Add(farthestDue)
}

// IsAhead reports whether d is due at a time that is ahead.
func (r Rules) IsAhead(d Due, now time.Time) bool {
	latest := r.LatestDue(d.Kind, now)
	return !latest.IsZero() && Ahead(d.At, latest)
}

// Bound returns m with a right Due if m's Due is ahead. A waiting message then counts as
// due now, unless its client has scheduled it for later. A lease ends as if it had begun
// now, because the hand-over may still be in flight.
func (r Rules) Bound(m Message, now time.Time) (after Message, changed bool) {
	if !r.IsAhead(m.Due, now) {
		return m, false
	}
	now = stamp(now)
	switch m.Status {
	case Sending:
		m.LeaseUntil = now.Add(r.Lease)
		m.Due.At = m.LeaseUntil
		return m, true
	case Scheduled:
		m.NotBefore = m.SendAt
		if m.SendAt.Sub(now) > EnqueueAhead {
			m.Due = Due{Kind: DueScheduled, At: m.SendAt}
			return m, true
		}
	default:
		m.NotBefore = time.Time{}
	}
	m.Due.At = later(now, m.NotBefore)
	m.Due = notAfter(m.Due, m.ExpiresAt)
	return m, true
}

// BoundBreaker returns b with the present time in place of each time that is ahead.
func (r Rules) BoundBreaker(b Breaker, now time.Time) (after Breaker, changed bool) {
	now = stamp(now)
	bound := func(t *time.Time, wait time.Duration) {
		if Ahead(*t, now.Add(wait)) {
			*t, changed = now, true
		}
	}
	bound(&b.OpenedAt, 0)
	bound(&b.ClosedAt, 0)
	bound(&b.ProbeAt, longestProbeWait)
	bound(&b.ProbeLastAt, longestProbeWait+2*r.FirstProbe)
	bound(&b.TurnAt, r.turn())
	bound(&b.Tally.TakenAt, 0)
	b.Tally.Refused = slices.Clone(b.Tally.Refused)
	for i := range b.Tally.Refused {
		bound(&b.Tally.Refused[i].At, 0)
	}
	return b, changed
}

// Bound returns k with the present time in place of each time that is ahead. If the
// receipt claims to be about a hand-over that began after the receipt came, its time
// proves nothing, and Bound removes it.
func (k PendingReceipt) Bound(now time.Time) (after PendingReceipt, changed bool) {
	now = stamp(now)
	before := k
	if Ahead(k.CameAt, now) {
		k.CameAt = now
	}
	if Ahead(k.Receipt.At, k.CameAt) {
		k.Receipt.At = time.Time{}
	}
	if Ahead(k.Due, now.Add(farthestDue)) {
		k.Due = now
	}
	if Ahead(k.PurgeAt, now.Add(PendingFor)) {
		k.PurgeAt = now.Add(PendingFor)
	}
	return k, k != before
}

// LatestReceiptDue returns the latest time at which a pending receipt can be due.
func LatestReceiptDue(now time.Time) time.Time { return now.Add(farthestDue) }

// Younger reports whether less than age has passed from t to now, by the wall clock and,
// if both times have a monotonic reading, also by the monotonic clock: the wall clock may
// jump, and the monotonic clock may stop while the process is stopped. Younger returns
// false if t is later than now.
func Younger(t, now time.Time, age time.Duration) bool {
	wall, monotonic := now.Round(0).Sub(t.Round(0)), now.Sub(t)
	return min(wall, monotonic) >= 0 && max(wall, monotonic) < age
}
