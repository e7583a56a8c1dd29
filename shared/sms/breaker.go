package sms

import (
	"cmp"
	"slices"
	"time"
)

// Trouble is why nothing can be handed over.
type Trouble string

// The kinds of trouble. All but OperatorPause concern the whole account at the
// provider; OperatorPause is an operator's order.
const (
	SpendLimit    Trouble = "spend-limit"
	AccountReview Trouble = "account-review"
	Authorization Trouble = "authorization"
	OperatorPause Trouble = "operator"
)

// Breaker is the one record that stops all senders.
type Breaker struct { // its tags are a stored format, like those of Message
	Open     bool      `json:"open"`
	Trouble  Trouble   `json:"trouble,omitempty"`
	Detail   string    `json:"detail,omitempty"` // for operators
	OpenedAt time.Time `json:"openedAt,omitzero"`
	ClosedAt time.Time `json:"closedAt,omitzero"`
	// ProbeAt is when the next probe may begin; zero means never.
	ProbeAt time.Time `json:"probeAt,omitzero"`
	// ProbeLastAt is when the next probe may begin if its owner is among LastInLine.
	ProbeLastAt time.Time `json:"probeLastAt,omitzero"`
	Probes      int       `json:"probes,omitempty"` // since it opened
	// ProbeIDs are the messages of the latest probes, oldest first. Receipts may
	// be days late, so older probes still count.
	ProbeIDs []string `json:"probeIds,omitempty"`
	// Prober is the hash of the owner of the latest probe.
	Prober string `json:"prober,omitempty"`
	// LastInLine are the hashes of the owners that spoiled a probe since the
	// breaker opened: it was refused for a reason of their own.
	LastInLine []string `json:"lastInLine,omitempty"`
	// Reviewed are the hashes of the numbers whose receipts lately opened the breaker
	// for a review.
	Reviewed []string `json:"reviewed,omitempty"`
	Tally    Tally    `json:"tally,omitzero"`
	Revision string   `json:"revision,omitempty"` // "" if the breaker was never saved
}

// BreakerAge is how old a sender's knowledge of the breaker may be. For this
// long, messages may still go out after it opened.
const BreakerAge = 5 * time.Second

// staleTrouble is the age from which reported trouble no longer opens the breaker.
const staleTrouble = 15 * time.Minute

// ReportTrouble opens b because of trouble that a publish or a receipt reported.
// The provider met it at metAt, or now if that is zero. Trouble from before
// the last closing, or more than 15 minutes old, changes nothing.
func (r Rules) ReportTrouble(b Breaker, t Trouble, detail string, metAt, now time.Time) (after Breaker, changed bool) {
	if metAt.IsZero() {
		metAt = now
	}
	if b.Open || !metAt.After(b.ClosedAt) || now.Sub(metAt) > staleTrouble {
		return b, false
	}
	first := stamp(now.Add(r.FirstProbe))
	return Breaker{
		Open: true, Trouble: t, Detail: detail, OpenedAt: stamp(now), ClosedAt: b.ClosedAt,
		ProbeAt: first, ProbeLastAt: first, Reviewed: b.Reviewed, Tally: b.Tally.calm(), Revision: b.Revision,
	}, true
}

// ReportVoid opens b because of the trouble in a receipt that says void. A review
// may concern one destination alone. So a number that opened b for a review does
// not do so again for a day.
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

// Pause opens b on an operator's order. Only Close closes it again.
func (b Breaker) Pause(detail string, now time.Time) Breaker {
	return Breaker{
		Open: true, Trouble: OperatorPause, Detail: detail, OpenedAt: stamp(now), ClosedAt: b.ClosedAt,
		Tally: b.Tally.calm(), Revision: b.Revision,
	}
}

// Close closes b.
func (b Breaker) Close(now time.Time) Breaker {
	return Breaker{ClosedAt: stamp(now), Reviewed: b.Reviewed, Tally: b.Tally.calm(), Revision: b.Revision}
}

// Discards reports whether senders may be discarding envelopes: b is open, or it
// closed so recently that some sender may still believe it open.
func (b Breaker) Discards(now time.Time) bool {
	return b.Open ||
		now.Before(b.ClosedAt.Add(BreakerAge)) // guard: senders that have not seen the closing
}

// DiscardedUntil returns the latest due time, for a first rescue, of records whose
// envelopes senders discarded while b was open. Whatever is due for a rescue by that
// time was enqueued before the last sender knew that b had closed.
func (b Breaker) DiscardedUntil() time.Time {
	if b.Open || b.ClosedAt.IsZero() {
		return time.Time{}
	}
	return b.ClosedAt.Add(BreakerAge + firstRescue)
}

// Proves reports whether a hand-over of the message id proves the trouble over:
//   - the message is a probe,
//   - the hand-over began after b opened: an earlier one says nothing about this
//     trouble,
//   - it was delivered or, if the trouble is authorization, taken.
func (b Breaker) Proves(id string, beganAt time.Time, taken, delivered bool) bool {
	if !b.Open || b.Trouble == OperatorPause ||
		beganAt.Before(b.OpenedAt) || // guard: a hand-over from before the opening
		!slices.Contains(b.ProbeIDs, id) {
		return false
	}
	return delivered || (taken && b.Trouble == Authorization)
}
