package sms

import (
	"slices"
	"time"
)

const (
	longestProbeWait = 15 * time.Minute // the longest wait between two rounds of probes
	// maxProbes is the number of probes that the breaker remembers. If each round has one
	// probe, the breaker remembers every probe whose receipt may still come.
	maxProbes = int(LatestReceipt / longestProbeWait)
	// maxTurns is the maximum number of owners that may probe in one round.
	maxTurns = 12
	// maxLastInLine is the maximum number of owners that the breaker remembers as last in
	// line.
	maxLastInLine = 100
)

// ProbeDue reports whether any message may be the next probe of b.
func (b Breaker) ProbeDue(now time.Time) bool {
	round := !b.ProbeAt.IsZero() && !now.Before(b.ProbeAt)
	turn := !b.TurnAt.IsZero() && !now.Before(b.TurnAt)
	return b.Open && (round || turn)
}

// MayProbe reports whether a message of owner to number may be the next probe of b. A
// client can waste its probes, for example with bad numbers. So probes come in rounds, and every owner gets a
// turn in each round:
//
//   - From ProbeAt on, every owner that is not last in line may begin a round. If a probe
//     was spoiled before, numbers that the provider has taken come first. If more
//     than maxTurns owners have spoiled a probe, other numbers wait longer.
//   - From TurnAt on, every owner that has not probed in this round may probe.
//   - From ProbeLastAt on, the owners that are last in line may begin a round too. These
//     are the owners in the latest round and all owners that have spoiled a probe.
//
// If all messages belong to one owner, this owner may probe again and again, because
// nobody else waits for a turn. But after the owner has spoiled a probe, it waits until
// ProbeLastAt, unless the provider took the number lately. The parameter `number` is "" if
// the number is not known.
func (r Rules) MayProbe(b Breaker, owner string, number Number, now time.Time) bool {
	at, known, spoiled := b.ProbeAt, b.Tally.tookBefore(number), slices.Contains(b.LastInLine, hashOf(owner))
	last := spoiled && !known
	if r.SeveralOwners {
		last = spoiled || slices.Contains(b.Probers, hashOf(owner))
	}
	switch {
	case last: // guard: last in line
		at = later(at, b.ProbeLastAt)
	case r.SeveralOwners && !b.TurnAt.IsZero(): // guard: every owner's turn
		at = b.TurnAt
	case len(b.LastInLine) > 0 && !known: // the wait doubles for each owner beyond maxTurns, because only maxLastInLine owners are remembered
		at = at.Add(min(r.turn()<<min(max(0, len(b.LastInLine)-maxTurns), 8), longestProbeWait))
	}
	return b.ProbeDue(now) && !now.Before(at)
}

// turn returns the time between two probes of a round.
func (r Rules) turn() time.Duration { return r.FirstProbe / 6 }

// Probe makes m the next probe of b. It returns ok == false if m must not be a probe now.
func (r Rules) Probe(b Breaker, m Message, now time.Time) (after Breaker, ok bool) {
	if !r.MayProbe(b, m.Owner, m.Number, now) {
		return b, false
	}
	if !now.Before(b.ProbeAt) {
		b.Probes++
		b.Probers = nil
		b.ProbeAt = stamp(now.Add(min(r.FirstProbe<<min(b.Probes, 8), longestProbeWait)))
		b.ProbeLastAt = stamp(b.ProbeAt.Add(2 * r.FirstProbe))
	}
	b.ProbeIDs = remember(b.ProbeIDs, m.ID, maxProbes)
	b.Probers = remember(b.Probers, hashOf(m.Owner), maxTurns)
	b.TurnAt = time.Time{}
	if r.SeveralOwners && len(b.Probers) < maxTurns {
		b.TurnAt = stamp(now.Add(r.turn()))
	}
	return b, true
}

// GiveBack undoes the probe m of b, because the probe proves nothing about the trouble.
// The parameter `spoiled` is true if the provider refused m for something that the client
// chose, or if m did not arrive. The owner of m is then last in line. If m was the latest
// probe, another message may be the next probe: at once if m began its round, otherwise
// at the turn of the next owner.
func (b Breaker) GiveBack(m Message, spoiled bool, now time.Time) (after Breaker, changed bool) {
	i := slices.Index(b.ProbeIDs, m.ID)
	if !b.Open || b.ProbeAt.IsZero() || i < 0 {
		return b, false
	}
	latest, began := i == len(b.ProbeIDs)-1, len(b.Probers) == 1
	b.ProbeIDs = slices.Delete(slices.Clone(b.ProbeIDs), i, i+1)
	switch {
	case latest && began:
		b.ProbeAt, b.TurnAt = stamp(now), time.Time{}
	case latest && !spoiled && len(b.Probers) > 0:
		b.TurnAt = stamp(now)
	}
	if latest && !spoiled && len(b.Probers) > 0 {
		if began {
			b.Probes--
		}
		b.Probers = slices.Clone(b.Probers[:len(b.Probers)-1])
	}
	if spoiled {
		b.LastInLine = remember(b.LastInLine, hashOf(m.Owner), maxLastInLine)
		b.Tally.Taken = without(b.Tally.Taken, hashOf(m.Number.String()))
	}
	return b, true
}

// NextProbe returns the earliest time at which a new probe may begin. The breaker b was
// read at readAt. A probe is new if b does not list it yet:
//
//   - A closed breaker may open just after readAt. Its first probe then begins FirstProbe
//     later. The breaker is read again at the latest when BreakerAge has passed after
//     readAt.
//   - If a breaker is open and has had no probe, its first probe begins at ProbeAt.
//   - If a breaker is open and has had a probe, another probe may begin at any moment,
//     because the earlier probe may be given back.
//
// If a hand-over began before the returned time, even an old copy b shows whether the
// hand-over closes the breaker.
func (r Rules) NextProbe(b Breaker, readAt time.Time) time.Time {
	next := readAt.Add(min(BreakerAge, r.FirstProbe-Skew))
	switch {
	case b.Probes > 0:
		return readAt.Add(-Skew)
	case !b.ProbeAt.IsZero() && b.ProbeAt.Before(next):
		return b.ProbeAt
	}
	return next
}
