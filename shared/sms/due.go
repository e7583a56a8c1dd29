package sms

import "time"

// DueKind says what the relay does when a record's time has come.
type DueKind string

// The kinds of work that records can be due for.
const (
	// DueSend: no envelope is on the queue, and one must get there. The enqueue
	// failed, or the time of a schedule or a retry has come.
	DueSend DueKind = "send"
	// DueRescue: the message was enqueued, but its envelope may be lost.
	DueRescue DueKind = "rescue"
	// DueLease: the lease ends, and the outcome of the hand-over is not known.
	DueLease DueKind = "lease"
)

// Due is the work that is left on a record. A record at rest has none.
type Due struct {
	Kind  DueKind   `json:"kind,omitempty"`
	At    time.Time `json:"at,omitzero"`
	Round int       `json:"round,omitempty"` // rescues so far; the waits between them grow
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
	nextRescue  = 5 * time.Minute  // wait after the first rescue; then it doubles
	lastRescue  = 15 * time.Minute // the longest wait
)

// enqueued returns the Due of a record whose envelope arrives at arrivesAt.
func enqueued(arrivesAt, expiresAt time.Time) Due {
	return notAfter(Due{Kind: DueRescue, At: arrivesAt.Add(firstRescue)}, expiresAt)
}

// rescueWait returns how long to wait for an envelope after the given number of
// rescues.
func rescueWait(round int) time.Duration {
	if round <= 0 {
		return firstRescue
	}
	return min(nextRescue<<min(round-1, 16),
		lastRescue, // guard: longest rescue
	)
}

// Postponed returns the Due of e, due for DueSend or DueRescue, after a relay began
// to work on it at now. Until then no other relay works on it. It is due again if the
// relay dies or the envelope is lost.
func (e DueEntry) Postponed(now time.Time) Due {
	// If it is due for sending, its round comes from a rescue whose enqueue failed.
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

// Released returns the new Due of e after the relay enqueued it again because its
// envelope was discarded. e must be due for DueRescue. That envelope was not lost,
// so the next rescue is as near as after the first enqueue, however often the
// breaker opens.
func (e DueEntry) Released(now time.Time) Due {
	if !e.ExpiresAt.After(now) {
		return e.Postponed(now)
	}
	return enqueued(stamp(now), e.ExpiresAt)
}

// Discarded reports whether senders may have discarded the envelope of e, due for
// DueRescue, while b was open: b is closed by now, and the envelope arrived before
// the last sender knew.
func (e DueEntry) Discarded(b Breaker) bool {
	return e.Due.Kind == DueRescue && !b.Open && !b.ClosedAt.IsZero() && !e.arrival().After(b.ClosedAt.Add(BreakerAge))
}

// arrival returns when the envelope of e, due for DueRescue, arrived on the queue,
// after its delay if it had one. The result is too early if e is due at its expiry.
func (e DueEntry) arrival() time.Time { return e.Due.At.Add(-rescueWait(e.Due.Round)) }

// WaitsSince returns since when the message of e, due for DueSend or DueRescue, has
// been waiting for a sender: since its time came, or since its envelope arrived if
// that was later. The result is never after now.
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

// notAfter returns d, due at expiresAt at the latest: then the record must end.
func notAfter(d Due, expiresAt time.Time) Due {
	if expiresAt.Before(d.At) {
		d.At = expiresAt
	}
	return d
}
