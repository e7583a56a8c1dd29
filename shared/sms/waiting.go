package sms

import "time"

// GiveUp ends a waiting message that has expired, or whose attempts are spent after
// an unanswered hand-over. The message is not sent any more.
func (r Rules) GiveUp(m Message, now time.Time) (after Message, changed bool) {
	now = stamp(now)
	spent := m.Attempts >= r.MaxAttempts && m.Unanswered()
	if (m.Status != Queued && m.Status != Scheduled) || (m.ExpiresAt.After(now) && !spent) {
		return m, false
	}
	s := r.step(m, now)
	s.giveUp()
	return s.m, true
}

// EnqueueFailed returns m, newly written or taken up by the relay, after its
// envelope did not get onto the queue. It is due at once, or as soon as it may
// be claimed or must end. It keeps the count of its rescues.
func (r Rules) EnqueueFailed(m Message, now time.Time) (after Message, changed bool) {
	if m.Due.Kind != DueRescue {
		return m, false
	}
	m.Due = notAfter(Due{Kind: DueSend, At: later(stamp(now), m.NotBefore), Round: m.Due.Round}, m.ExpiresAt)
	return m, true
}
