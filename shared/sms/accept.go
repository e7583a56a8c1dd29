package sms

import "time"

// EnqueueAhead is how long before its time a message goes onto the queue, as
// a delayed one. It must exceed the relay's interval: what is accepted with
// less ahead of it is enqueued by the API, the rest by the relay.
const EnqueueAhead = 2 * time.Minute

// Accept is the record of d, which must have passed both checks, under id at
// now.
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

// EnqueueNow reports whether whoever created m puts it onto the queue too, and
// with what delay; otherwise the relay will.
func (m Message) EnqueueNow(now time.Time) (delay time.Duration, yes bool) {
	if m.Due.Kind != DueRescue {
		return 0, false
	}
	return m.Delay(now), true
}

// Delay is how long a copy that is enqueued at now must wait, in whole
// seconds, so that it arrives when m may be claimed and not before; at most
// MaxDelay. Only a message that expires before it may be claimed is enqueued
// longer ahead: no claim is made on its copy, and its Due is its expiry.
func (m Message) Delay(now time.Time) time.Duration {
	wait := max(0, m.NotBefore.Sub(now))
	return min((wait + time.Second - 1).Truncate(time.Second), MaxDelay)
}
