package relay

import (
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// holds reports whether entries of kind stay where they are unless their
// validity ran out: senders may throw them away, or their copies are rather late
// than lost.
func (u *run) holds(kind sms.DueKind) bool {
	switch kind {
	case sms.DueSend:
		return u.held
	case sms.DueRescue:
		return u.held || u.backlog < 0 || u.backlog > u.options.Backlog
	case sms.DueLease:
	}
	return false
}

// released reports whether e's copy is neither late nor lost: the breaker, which
// is closed by now, may have thrown it away.
func (u *run) released(e sms.DueEntry) bool { return !u.held && e.ThrownAway(u.breaker) }

// leaves reports whether e stays where it is in this run. A probe that is due
// is let through once.
func (u *run) leaves(e sms.DueEntry) bool {
	switch {
	case u.released(e):
		return false
	case e.Due.Kind == sms.DueRescue && e.Due.At.After(u.until):
		return true // a sweep came across it
	case !u.holds(e.Due.Kind) || !e.ExpiresAt.After(u.now()):
		return false
	}
	return u.probes.Add(-1) < 0
}

// horizon is until when entries of p are taken up in this run, or looked at:
// ahead of their time where they are enqueued with a delay, or where the breaker
// may have thrown their copies away.
func (u *run) horizon(p place) time.Time {
	switch {
	case p.kind == sms.DueSend:
		return u.until.Add(2 * u.options.Interval)
	case u.sweeps(p):
		return u.breaker.Released()
	}
	return u.until
}

// sweeps reports whether this run looks through all that waits in p for copies
// that the breaker threw away: their rescues may be hours ahead. Once after each
// closing is enough, as none can come later; a new process, which does not know,
// does it again.
func (u *run) sweeps(p place) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return p.kind == sms.DueRescue && !u.held && u.breaker.Released().After(u.until) &&
		!u.swept[p.shard].Equal(u.breaker.ClosedAt)
}

// sweptOut notes that a sweep of p came to its end.
func (u *run) sweptOut(p place) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.swept[p.shard] = u.breaker.ClosedAt
}
