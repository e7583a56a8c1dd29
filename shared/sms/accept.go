package sms

import "time"

// EnqueueAhead is how long before its time a scheduled message is enqueued, with a delay.
// It must be longer than the relay's interval. A message that is accepted with less time
// left is enqueued by the API, all others by the relay.
const EnqueueAhead = 2 * time.Minute

// Accept returns the record of d, with this id, accepted at the time now. The draft must have
// passed Check and CheckTimes.
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
	m.Due = enqueued(start, m.ExpiresAt)
	if start.Sub(now) > EnqueueAhead {
		m.Due = Due{Kind: DueSend, At: start}
	}
	m.Events = []Event{{At: now, Status: m.Status, Detail: "accepted"}}
	return m
}

// EnqueueNow reports whether the creator of m must also enqueue it, and with what delay.
// If not, the relay will enqueue it.
func (m Message) EnqueueNow(now time.Time) (delay time.Duration, yes bool) {
	if m.Due.Kind != DueRescue {
		return 0, false
	}
	return m.Delay(now), true
}

// Delay returns the delay of an envelope for m that is enqueued at now: whole seconds, at
// most MaxDelay. With it, the envelope arrives as soon as m may be claimed. MaxDelay
// shortens only the delay of a message that expires before it may be claimed. The
// envelope of such a message leads to no claim, and its Due is its expiry.
func (m Message) Delay(now time.Time) time.Duration {
	wait := max(0, m.NotBefore.Sub(now))
	return min((wait + time.Second - 1).Truncate(time.Second), MaxDelay)
}
