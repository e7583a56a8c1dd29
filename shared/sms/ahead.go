package sms

import (
	"slices"
	"time"
)

// A wrong clock may have written times that lie far in the future. Such a time is ahead: no right clock can
// have written it yet. If the services waited for such a time, messages would wait far too long. So the
// services treat a time that is ahead as the present time, and the relay replaces it in the store.
//
// The times that clients choose, SendAt and ExpiresAt, are never ahead.

const (
	// clockTolerance is added to the latest possible time: only a time that is later than this sum is ahead.
	clockTolerance = time.Minute
	// farthestDue is the longest time from now until a message that is not scheduled, or a
	// pending receipt, can be due. It is longer than each of these times: the longest
	// backoff; the wait for the last rescue of a message with a delayed envelope; the
	// longest lease plus the time after which a receipt is ripe.
	farthestDue = 20 * time.Minute
)

// Ahead reports whether t is ahead. The parameter `latest` is the latest time that a right clock can have
// written in place of t.
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

// Bound returns m with a corrected Due if m's Due is ahead. A waiting message is then due now, unless its
// client has scheduled it for later. A lease ends as if it had begun now, because the hand-over may still be
// in flight.
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

// Bound returns k with the present time in place of each time that is ahead. If the time of the hand-over in
// the receipt is later than the arrival of the receipt, this time is wrong, and Bound removes it.
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
