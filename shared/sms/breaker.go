package sms

import "time"

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
type Breaker struct {
	Open     bool      `json:"open"`
	Trouble  Trouble   `json:"trouble,omitempty"`
	Detail   string    `json:"detail,omitempty"` // for operators
	OpenedAt time.Time `json:"openedAt,omitzero"`
	ClosedAt time.Time `json:"closedAt,omitzero"`
	// ProbeAt is when one message may be handed over to see whether the
	// trouble is over; zero: never.
	ProbeAt time.Time `json:"probeAt,omitzero"`
	Probes  int       `json:"probes,omitempty"` // since it opened
	// ProbeID is the message that is the running probe.
	ProbeID  string `json:"probeId,omitempty"`
	Revision string `json:"revision,omitempty"` // "" for one that was never written
}

const (
	lastProbe = 15 * time.Minute // the longest wait between two probes
	// staleTrouble is how old a receipt's word of trouble may be.
	staleTrouble = 15 * time.Minute
)

// Report is b after a publish or a receipt told of trouble at the carrier's
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
	b.ProbeID = id
	b.ProbeAt = stamp(now.Add(min(r.FirstProbe<<min(b.Probes, 8), lastProbe)))
	return b, true
}

// Proves reports whether what became of the message id closes b: a taken
// publish where the trouble was authorization, its delivery otherwise.
func (b Breaker) Proves(id string, taken, delivered bool) bool {
	if !b.Open || b.ProbeID != id || b.Trouble == Paused {
		return false
	}
	return delivered || (taken && b.Trouble == Authorization)
}
