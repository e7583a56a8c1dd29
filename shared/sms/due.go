package sms

import "time"

// DueKind says what work a record is due for.
type DueKind string

// These are the kinds of work.
const (
	// DueSend: the queue has no envelope of the message, so the relay must enqueue an envelope. Either
	// the enqueue failed, or it is time for a retry.
	DueSend DueKind = "send"
	// DueScheduled: like DueSend, but for a scheduled message that was never enqueued. Only
	// such a message can be due in a day or in a year; other kinds of work are due soon.
	DueScheduled DueKind = "scheduled"
	// DueRescue: the message was enqueued, but its envelope may be lost.
	DueRescue DueKind = "rescue"
	// DueLease: the lease has ended, and no outcome of the hand-over was recorded.
	DueLease DueKind = "lease"
)

// Due is the work that is left to do for a record. A record at rest has no work left.
type Due struct {
	Kind  DueKind   `json:"kind,omitempty"`
	At    time.Time `json:"at,omitzero"`
	Round int       `json:"round,omitempty"` // the number of rescues so far; the waits between them grow
}

// IsZero reports whether no work is left.
func (d Due) IsZero() bool { return d.Kind == "" }

// DueEntry is the part of a record that the agenda contains.
type DueEntry struct {
	Ref       Ref
	Owner     string
	Due       Due
	ExpiresAt time.Time
}

const (
	firstRescue = 2 * time.Minute  // after the enqueue
	nextRescue  = 5 * time.Minute  // after the first rescue; each further wait is twice as long
	lastRescue  = 15 * time.Minute // the longest wait
)

// dueWhenEnqueued returns the Due of a record whose envelope arrives at arrivesAt.
func dueWhenEnqueued(arrivesAt, expiresAt time.Time) Due {
	return notAfter(Due{Kind: DueRescue, At: arrivesAt.Add(firstRescue)}, expiresAt)
}

// rescueWait returns the time to wait for an envelope after this number of rescues.
func rescueWait(round int) time.Duration {
	if round <= 0 {
		return firstRescue
	}
	return min(nextRescue<<min(round-1, 16),
		lastRescue, // guard: longest rescue
	)
}

// Postponed returns the Due that e gets when a relay begins to work on it. e must not be
// due for DueLease. Until the next Due, no other relay works on e. If this relay
// dies or the envelope is lost, e is then due again.
func (e DueEntry) Postponed(now time.Time) Due {
	// An entry that is due for sending may have a Round, if the enqueue of a rescue
	// failed.
	next := Due{Kind: DueRescue, At: later(now, e.Due.At).Add(rescueWait(e.Due.Round)), Round: e.Due.Round}
	if e.Due.Kind == DueRescue {
		next.Round++
		next.At = now.Add(rescueWait(next.Round))
	}
	next.At = stamp(next.At)
	if e.ExpiresAt.After(now) {
		next = notAfter(next, e.ExpiresAt)
	}
	return next
}

// Released returns the Due that e gets after the relay has replaced its discarded envelope.
// e must be due for DueRescue. The envelope was not lost, so the wait for the next rescue
// is as short as after the first enqueue, however often the breaker opens.
func (e DueEntry) Released(now time.Time) Due {
	if !e.ExpiresAt.After(now) {
		return e.Postponed(now)
	}
	return dueWhenEnqueued(stamp(now), e.ExpiresAt)
}

// Discarded reports whether senders may have discarded the envelope of e while b was
// open. This is possible if b has closed, and the envelope arrived before the last sender
// knew that b had closed. e must be due for DueRescue.
func (e DueEntry) Discarded(b Breaker) bool {
	return e.Due.Kind == DueRescue && !b.Open && !b.ClosedAt.IsZero() && !e.arrival().After(b.ClosedAt.Add(BreakerAge))
}

// arrival returns when the envelope of e arrived on the queue, or became visible if it
// had a delay. e must be due for DueRescue. The result is too early if e is due at its
// expiry.
func (e DueEntry) arrival() time.Time { return e.Due.At.Add(-rescueWait(e.Due.Round)) }

// WaitsSince returns when the message of e began to wait for a sender. The wait began
// when the message could be claimed or, if later, when its envelope arrived. e must not
// be due for DueLease. The result is never after now.
func (e DueEntry) WaitsSince(now time.Time) time.Time {
	since := e.Due.At
	if e.Due.Kind == DueRescue {
		created := time.UnixMilli(e.Ref.Generation).UTC()
		since = later(e.arrival(), created)
	}
	if since.After(now) {
		return now
	}
	return since
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// notAfter returns d with a time that is not after expiresAt, because the message must
// end then.
func notAfter(d Due, expiresAt time.Time) Due {
	if expiresAt.Before(d.At) {
		d.At = expiresAt
	}
	return d
}
