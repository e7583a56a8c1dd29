package sms

import "time"

// Skew is the largest allowed difference between two clocks. A message may be claimed
// earlier than its time by up to Skew.
const Skew = time.Second

// LeaseMargin is the time by which a lease is longer than the sender's timeout. So no
// sender is still working when its lease ends.
const LeaseMargin = 15 * time.Second

// Claim is a sender's request to be the only one that may hand a message over.
type Claim struct {
	Token       string       // a new token; it names the hand-over
	Provider    ProviderName // the provider that the message will be handed over to
	At          time.Time    // the time of the claim
	Until       time.Time    // the end of the lease
	MaxAttempts int
}

// NewClaim returns a claim for a hand-over to provider. It has a new token, and its lease
// starts now.
func (r Rules) NewClaim(provider ProviderName, now time.Time) Claim {
	return Claim{Token: NewToken(), Provider: provider, At: stamp(now), Until: stamp(now.Add(r.Lease)), MaxAttempts: r.MaxAttempts}
}

// Refuse returns why m cannot be claimed, or "" if m can be claimed.
func (c Claim) Refuse(m Message) NotClaimable {
	switch {
	case m.Status != Queued && m.Status != Scheduled: // guard: only what waits is claimed
		return NotWaiting
	case !m.ExpiresAt.After(c.At): // guard: expired at the claim
		return PastExpiry
	case m.NotBefore.After(c.At.Add(Skew)):
		return TooEarly
	case m.Attempts >= c.MaxAttempts:
		return AttemptsSpent
	}
	return ""
}

// Apply returns m as claimed by c. The method Claim of every Store must store this
// record, with a new Revision. The error is a *NotClaimableError.
func (c Claim) Apply(m Message) (Message, error) {
	if reason := c.Refuse(m); reason != "" {
		return m, &NotClaimableError{Current: m, Reason: reason}
	}
	s := Rules{}.step(m, c.At)
	if m.Status == Scheduled {
		s.move(Queued, Event{At: later(m.CreatedAt, m.SendAt)})
	}
	s.move(Sending, Event{})
	s.m.HandOvers = append(s.m.HandOvers, HandOver{Token: c.Token, Provider: c.Provider, At: c.At, Until: c.Until})
	s.m.Attempts++
	s.m.LeaseToken, s.m.LeaseUntil = c.Token, c.Until
	s.m.Due = Due{Kind: DueLease, At: c.Until} // guard: when a claimed message is due
	return s.m, nil
}

// EndLease returns m after its lease has ended without an answer. If the lease has not
// ended yet, EndLease changes nothing, unless force is true, which means that the sender
// is dead.
func (r Rules) EndLease(m Message, now time.Time, force bool) (after Message, changed bool) {
	if m.Status != Sending || (!force && now.Before(m.LeaseUntil)) {
		return m, false
	}
	return r.Record(m, m.LeaseToken, Unanswered(), now)
}

// GiveUp ends a waiting message that has expired, or that has no attempts left after an
// unanswered hand-over. The message is not sent any more.
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

// EnqueueFailed returns m after its envelope could not be enqueued. The message m must be new, or postponed
// by the relay. The returned message is due at once or, if it may not be claimed yet, as soon as it may be
// claimed. It is due at its expiry at the latest. The number of its rescues does not change.
func (r Rules) EnqueueFailed(m Message, now time.Time) (after Message, changed bool) {
	if m.Due.Kind != DueRescue {
		return m, false
	}
	m.Due = notAfter(Due{Kind: DueSend, At: later(stamp(now), m.NotBefore), Round: m.Due.Round}, m.ExpiresAt)
	return m, true
}
