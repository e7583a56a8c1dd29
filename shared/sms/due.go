package sms

import "time"

// DueKind says what the relay does when a record's time has come.
type DueKind string

// What records can be due for.
const (
	// DueSend: it is in no queue and must get there: after a failed enqueue,
	// when scheduled, when a retry's time has come.
	DueSend DueKind = "send"
	// DueRescue: it was enqueued, but that copy may be lost.
	DueRescue DueKind = "rescue"
	// DueLease: a sender's lease ends; what it did is not known.
	DueLease DueKind = "lease"
)

// DueKinds lists them all.
func DueKinds() []DueKind { return []DueKind{DueSend, DueRescue, DueLease} }

// Due is the work that is left on a record. A settled record has none.
type Due struct {
	Kind  DueKind   `json:"kind,omitempty"`
	At    time.Time `json:"at,omitzero"`
	Round int       `json:"round,omitempty"` // rescues so far: each wait for the next is longer
}

// IsZero reports whether no work is left.
func (d Due) IsZero() bool { return d.Kind == "" }

// DueEntry is what the index of due records tells without reading them.
type DueEntry struct {
	Ref       Ref
	Due       Due
	ExpiresAt time.Time
}

const (
	firstRescue = 2 * time.Minute  // after the enqueue
	nextRescue  = 5 * time.Minute  // doubling
	lastRescue  = 15 * time.Minute // at most
)

// enqueued is what a record is due for once a copy was put on the queue that
// arrives at the time at.
func enqueued(at, expiresAt time.Time) Due {
	return notAfter(Due{Kind: DueRescue, At: at.Add(firstRescue)}, expiresAt)
}

// rescueWait is how long a copy is waited for after so many rescues.
func rescueWait(round int) time.Duration {
	if round <= 0 {
		return firstRescue
	}
	return min(nextRescue<<min(round-1, 16), lastRescue) // guard: longest rescue
}

// Postponed is what e is due for once the relay took it up at now. It guards
// against a second relay, and against the loss of the copy that is enqueued.
func (e DueEntry) Postponed(now time.Time) Due {
	next := Due{Kind: e.Due.Kind, At: now.Add(nextRescue), Round: e.Due.Round + 1}
	switch e.Due.Kind {
	case DueSend:
		// A round that it has is from a rescue whose enqueue failed.
		next = Due{Kind: DueRescue, At: later(now, e.Due.At).Add(rescueWait(e.Due.Round)), Round: e.Due.Round}
	case DueRescue:
		next.Round = max(next.Round, 1)
		next.At = now.Add(rescueWait(next.Round))
	case DueLease:
	}
	next.At = stamp(next.At)
	if e.ExpiresAt.After(now) {
		next = notAfter(next, e.ExpiresAt)
	}
	return next
}

// ThrownAway reports whether the copy of e, due for DueRescue, may have met b
// while it held, though it is closed by now: it arrived before the end of that.
func (e DueEntry) ThrownAway(b Breaker) bool {
	return e.Due.Kind == DueRescue && !b.Open && !b.ClosedAt.IsZero() && !e.arrival().After(b.ClosedAt.Add(BreakerAge))
}

// arrival is when the copy of e, due for DueRescue, got onto the queue or, where
// it was delayed, to its senders. Where the expiry pulled the due time forward this
// is too early.
func (e DueEntry) arrival() time.Time { return e.Due.At.Add(-rescueWait(e.Due.Round)) }

// WaitsSince is since when the message of e, due for DueSend or DueRescue, waits
// for a sender: since its time came or, where a copy of it was enqueued after
// that, since then. It is never after now.
func (e DueEntry) WaitsSince(now time.Time) time.Time {
	since := e.Due.At
	if e.Due.Kind == DueRescue {
		// No message waits since before it was created.
		since = later(e.arrival(), time.UnixMilli(e.Ref.Generation).UTC())
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

// notAfter pulls d to the time at which the record must be ended anyway.
func notAfter(d Due, expiresAt time.Time) Due {
	if expiresAt.Before(d.At) {
		d.At = expiresAt
	}
	return d
}
