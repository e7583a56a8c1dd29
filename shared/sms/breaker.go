package sms

import (
	"cmp"
	"slices"
	"time"
)

// Trouble is the reason why nothing can be handed over.
type Trouble string

// These are the kinds of trouble. OperatorPause means that an operator has paused
// sending. All other kinds are trouble with the whole account at the provider.
const (
	SpendLimit    Trouble = "spend-limit"
	AccountReview Trouble = "account-review"
	Authorization Trouble = "authorization"
	OperatorPause Trouble = "operator"
)

// Breaker is the one record that stops all senders.
type Breaker struct { // the tags of Breaker are a stored format, like those of Message
	Open     bool      `json:"open"`
	Trouble  Trouble   `json:"trouble,omitempty"`
	Detail   string    `json:"detail,omitempty"` // shown only to operators
	OpenedAt time.Time `json:"openedAt,omitzero"`
	ClosedAt time.Time `json:"closedAt,omitzero"`
	// ProbeAt is the earliest time at which the next round of probes may begin. If it is
	// zero, no round may begin.
	ProbeAt time.Time `json:"probeAt,omitzero"`
	// ProbeLastAt is the earliest time at which an owner in Probers or LastInLine may begin
	// the next round.
	ProbeLastAt time.Time `json:"probeLastAt,omitzero"`
	// TurnAt is the earliest time at which the next owner may probe in this round. If it is
	// zero, no further owner may probe in this round.
	TurnAt time.Time `json:"turnAt,omitzero"`
	Probes int       `json:"probes,omitempty"` // the number of rounds since the breaker opened
	// ProbeIDs lists the ids of the messages of the latest probes, oldest first. A probe
	// from an earlier round can still close the breaker, because its receipt may come
	// days later.
	ProbeIDs []string `json:"probeIds,omitempty"`
	// Probers has the hashes of the owners that had a probe in this round, oldest first.
	Probers []string `json:"probers,omitempty"`
	// LastInLine has the hashes of the owners that have spoiled a probe since the breaker
	// opened. A probe is spoiled if its result depended on the message: the result then does not show whether
	// the trouble is over.
	LastInLine []string `json:"lastInLine,omitempty"`
	// Reviewed contains hashes of phone numbers. A receipt for each of these numbers said
	// that the account is under review, and thereby opened the breaker recently.
	Reviewed []string `json:"reviewed,omitempty"`
	Tally    Tally    `json:"tally,omitzero"`
	Revision string   `json:"revision,omitempty"` // "" if the breaker was never saved
}

// BreakerAge is the maximum age of a sender's copy of the breaker. So after the breaker
// opens, messages can still be sent for this time.
const BreakerAge = 5 * time.Second

// staleTrouble is the maximum age of trouble that opens the breaker.
const staleTrouble = 15 * time.Minute

// maxBreakerDetail is the maximum length of Breaker.Detail, in bytes.
const maxBreakerDetail = 4 * MaxOrderDetail

// ReportTrouble opens b because a hand-over or a receipt reported trouble. The parameter
// metAt is the time at which the provider met the trouble; zero means now. Trouble that
// the provider met before b was last closed, or more than 15 minutes ago, changes
// nothing.
func (r Rules) ReportTrouble(b Breaker, t Trouble, detail string, metAt, now time.Time) (after Breaker, changed bool) {
	if metAt.IsZero() {
		metAt = now
	}
	if b.Open || !metAt.After(b.ClosedAt) || now.Sub(metAt) > staleTrouble {
		return b, false
	}
	first := stamp(now.Add(r.FirstProbe))
	return Breaker{
		Open: true, Trouble: t, Detail: Shorten(detail, maxBreakerDetail), OpenedAt: stamp(now), ClosedAt: b.ClosedAt,
		ProbeAt: first, ProbeLastAt: first, Reviewed: b.Reviewed, Tally: b.Tally.withoutRefused(), Revision: b.Revision,
	}, true
}

// ReportVoid opens b because of the trouble in a void receipt. It is possible that a
// review concerns one destination alone. So after a review of a number has opened b, another review of the same
// number does not open b for a day.
func (r Rules) ReportVoid(b Breaker, rc Receipt, now time.Time) (after Breaker, changed bool) {
	at := cmp.Or(rc.At,
		rc.LoggedAt, // guard: the age of a receipt without a time
	)
	number := hashOf(rc.Number.String())
	if now.Sub(b.ClosedAt) > 24*time.Hour {
		b.Reviewed = nil
	}
	if rc.Trouble == AccountReview && slices.Contains(b.Reviewed, number) { // guard: the review of one destination
		return b, false
	}
	after, changed = r.ReportTrouble(b, rc.Trouble, rc.Detail, at, now)
	if changed && rc.Trouble == AccountReview {
		after.Reviewed = remember(after.Reviewed, number, maxLastInLine)
	}
	return after, changed
}

// Pause opens b because an operator has paused sending. Only Close closes b again.
func (b Breaker) Pause(detail string, now time.Time) Breaker {
	return Breaker{
		Open: true, Trouble: OperatorPause, Detail: Shorten(detail, maxBreakerDetail), OpenedAt: stamp(now), ClosedAt: b.ClosedAt,
		Tally: b.Tally.withoutRefused(), Revision: b.Revision,
	}
}

// Close closes b.
func (b Breaker) Close(now time.Time) Breaker {
	return Breaker{ClosedAt: stamp(now), Reviewed: b.Reviewed, Tally: b.Tally.withoutRefused(), Revision: b.Revision}
}

// Discards reports whether senders may be discarding envelopes. Senders discard envelopes
// if b is open, or if b closed so recently that a sender may still have an old copy of b.
func (b Breaker) Discards(now time.Time) bool {
	return b.Open ||
		now.Before(b.ClosedAt.Add(BreakerAge)) // guard: senders that have not seen the closing
}

// DiscardedUntil returns a time that helps to find the envelopes that senders discarded
// while b was open. A record may have lost its envelope in this way if its first rescue is
// due at this time or earlier: its envelope then arrived while some senders did not know yet
// that b had closed.
func (b Breaker) DiscardedUntil() time.Time {
	if b.Open || b.ClosedAt.IsZero() {
		return time.Time{}
	}
	return b.ClosedAt.Add(BreakerAge + firstRescue)
}

// Proves reports whether a hand-over of the message id proves that the trouble is over:
//
//   - The message is a probe.
//   - The hand-over began after b opened. An earlier hand-over does not show whether this
//     trouble is over.
//   - The message was delivered. If the trouble is authorization, it is enough that the
//     message was taken.
func (b Breaker) Proves(id string, beganAt time.Time, taken, delivered bool) bool {
	if !b.Open || b.Trouble == OperatorPause ||
		beganAt.Before(b.OpenedAt) || // guard: a hand-over from before the opening
		!slices.Contains(b.ProbeIDs, id) {
		return false
	}
	return delivered || (taken && b.Trouble == Authorization)
}
