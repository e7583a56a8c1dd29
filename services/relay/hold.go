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
	case !u.holds(e.Due.Kind) || !e.ExpiresAt.After(u.now()):
		return false
	}
	return u.probes.Add(-1) < 0
}

// horizon returns until when entries of kind are taken up in this run. Those that
// are due to be sent are taken up ahead of their time, to be enqueued with a delay.
func (u *run) horizon(kind sms.DueKind) time.Time {
	if kind == sms.DueSend {
		return u.until.Add(2 * u.options.Interval)
	}
	return u.until
}
