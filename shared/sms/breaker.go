package sms

import (
	"slices"
	"time"
)

// Trouble is why nothing is handed over.
type Trouble string

// The kinds of account-wide trouble; Paused is an operator's word.
const (
	SpendLimit    Trouble = "spend-limit"
	Review        Trouble = "account-review"
	Authorization Trouble = "authorization"
	Paused        Trouble = "paused"
)

// Breaker is the one record that stops every sender.
type Breaker struct { // its tags are a stored format, as those of Message
	Open     bool      `json:"open"`
	Trouble  Trouble   `json:"trouble,omitempty"`
	Detail   string    `json:"detail,omitempty"` // for operators
	OpenedAt time.Time `json:"openedAt,omitzero"`
	ClosedAt time.Time `json:"closedAt,omitzero"`
	// ProbeAt is when one message may be handed over to see whether the
	// trouble is over; zero: never.
	ProbeAt time.Time `json:"probeAt,omitzero"`
	Probes  int       `json:"probes,omitempty"` // since it opened
	// ProbeIDs are the messages that are probes, the newest last: receipts
	// may be hours late, so older ones still count.
	ProbeIDs []string `json:"probeIds,omitempty"`
	Revision string   `json:"revision,omitempty"` // "" for one that was never written
}

const (
	lastProbe = 15 * time.Minute // the longest wait between two probes
	// maxProbes is how many probes are remembered: three days of them, which
	// is how late SNS's delivery logs may be.
	maxProbes = 300
	// staleTrouble is how old a receipt's word of trouble may be.
	staleTrouble = 15 * time.Minute
)

// Report is b after a publish or a receipt told of trouble at the provider's
// time at. What is older than the last closing, or than 15 minutes, opens
// nothing.
func (r Rules) Report(b Breaker, t Trouble, detail string, at, now time.Time) (after Breaker, changed bool) {
	if at.IsZero() {
		at = now
	}
	if b.Open || !at.After(b.ClosedAt) || now.Sub(at) > staleTrouble {
		return b, false
	}
	return Breaker{
		Open: true, Trouble: t, Detail: detail, OpenedAt: stamp(now), ClosedAt: b.ClosedAt,
		ProbeAt: stamp(now.Add(r.FirstProbe)), Revision: b.Revision,
	}, true
}

// Pause is b opened by an operator: nothing but Resume closes it.
func (b Breaker) Pause(detail string, now time.Time) Breaker {
	return Breaker{Open: true, Trouble: Paused, Detail: detail, OpenedAt: stamp(now), ClosedAt: b.ClosedAt, Revision: b.Revision}
}

// Close is b after the trouble is over.
func (b Breaker) Close(now time.Time) Breaker {
	return Breaker{ClosedAt: stamp(now), Revision: b.Revision}
}

// Probe is b after id was chosen as the next probe; ok is false where none is
// due.
func (r Rules) Probe(b Breaker, id string, now time.Time) (after Breaker, ok bool) {
	if !b.Open || b.ProbeAt.IsZero() || now.Before(b.ProbeAt) {
		return b, false
	}
	b.Probes++
	b.ProbeIDs = append(slices.Clone(b.ProbeIDs[max(0, len(b.ProbeIDs)-maxProbes+1):]), id)
	b.ProbeAt = stamp(now.Add(min(r.FirstProbe<<min(b.Probes, 8), lastProbe)))
	return b, true
}

// Unprobe is b after its newest probe, id, turned out to be one that cannot be
// handed over: another one is due at once.
func (b Breaker) Unprobe(id string, now time.Time) (after Breaker, changed bool) {
	last := len(b.ProbeIDs) - 1
	if !b.Open || b.ProbeAt.IsZero() || last < 0 || b.ProbeIDs[last] != id {
		return b, false
	}
	b.Probes--
	b.ProbeIDs = slices.Clone(b.ProbeIDs[:last])
	b.ProbeAt = stamp(now)
	return b, true
}

// Holds reports whether senders may throw away at now what they are given: b is
// open, or closed so short a time ago that one of them still takes it for open.
func (b Breaker) Holds(now time.Time) bool {
	return b.Open || now.Before(b.ClosedAt.Add(BreakerAge))
}

// BreakerAge is how old a sender's knowledge of the breaker may be, and so how
// long messages still go out after it opened: at most BreakerAge times the
// rate of each sender.
const BreakerAge = 5 * time.Second

// Proves reports whether what became of a hand-over of the message id closes b:
// a taken publish where the trouble was authorization, its delivery otherwise.
// began is HandOver.At: a probe may have been handed over before b opened, and
// whatever becomes of that tells nothing of the trouble.
func (b Breaker) Proves(id string, began time.Time, taken, delivered bool) bool {
	if !b.Open || b.Trouble == Paused || began.Before(b.OpenedAt) || !slices.Contains(b.ProbeIDs, id) {
		return false
	}
	return delivered || (taken && b.Trouble == Authorization)
}

// NextProbe is when a probe may begin of which b, read not before seen, knows
// nothing yet. Whether a hand-over from before then closes the breaker is for b
// to say, however long ago it was read: what opens later opens after it. One
// that is open may have a probe at any moment once it had its first, as that may
// be given back.
func (r Rules) NextProbe(b Breaker, seen time.Time) time.Time {
	next := seen.Add(min(BreakerAge, r.FirstProbe-Skew)) // of one that opens just then
	switch {
	case b.Probes > 0:
		return seen.Add(-Skew)
	case !b.ProbeAt.IsZero() && b.ProbeAt.Before(next):
		return b.ProbeAt
	}
	return next
}
