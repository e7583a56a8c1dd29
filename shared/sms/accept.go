package sms

import "time"

// EnqueueAhead is the time from the enqueuing of a message to its scheduled time. The
// envelope is delayed until the scheduled time. EnqueueAhead must be longer than the
// relay's interval. If less time is left when a message is accepted, the API enqueues the
// message. Otherwise the relay enqueues it.
const EnqueueAhead = 2 * time.Minute

// Accept returns the record of the draft d, which is accepted at the time now and gets
// this id. The draft must have passed Check and CheckTimes.
func (r Rules) Accept(id string, d Draft, now time.Time) Message {
	now = stamp(now)
	m := Message{
		ID: id, Owner: d.Owner, Client: d.Client, Status: Queued,
		Request:   d.Fill(),
		CreatedAt: now, UpdatedAt: now,
		Fingerprint: d.Fingerprint(), Nonce: NewToken(), Revision: NewToken(),
	}
	m.SendAt = stamp(d.SendAt)
	measure := Measure(m.Text)
	m.Encoding, m.Parts = measure.Encoding, measure.Parts
	start := now
	if m.SendAt.After(now) {
		start = m.SendAt
		m.Status, m.NotBefore = Scheduled, m.SendAt
	}
	m.ExpiresAt = start.Add(r.Validity)
	if !d.ExpiresAt.IsZero() {
		m.ExpiresAt = stamp(d.ExpiresAt)
	}
	m.Due = dueWhenEnqueued(start, m.ExpiresAt)
	if start.Sub(now) > EnqueueAhead {
		m.Due = Due{Kind: DueScheduled, At: start}
	}
	m.Events = []Event{{At: now, Status: m.Status, Detail: "accepted"}}
	return m
}

// EnqueueNow reports whether the caller that creates m must also enqueue m, and with what
// delay. If the caller need not enqueue m, the relay will.
func (m Message) EnqueueNow(now time.Time) (delay time.Duration, yes bool) {
	if m.Due.Kind != DueRescue {
		return 0, false
	}
	return m.Delay(now), true
}

// Delay returns the delay to give m's envelope if it is enqueued now: whole seconds, at
// most MaxDelay. With this delay, the envelope arrives as soon as m may be claimed.
// A delay is cut to MaxDelay only if the message expires before it may be claimed.
// Such a message is never claimed, and is due at its expiry.
func (m Message) Delay(now time.Time) time.Duration {
	wait := max(0, m.NotBefore.Sub(now))
	return min((wait + time.Second - 1).Truncate(time.Second), MaxDelay)
}
