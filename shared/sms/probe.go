package sms

import (
	"slices"
	"time"
)

const (
	longestProbeWait = 15 * time.Minute // the longest wait between two probes
	// maxProbes is how many probes the breaker remembers: all those whose receipts may
	// still come.
	maxProbes = int(LatestReceipt / longestProbeWait)
	// maxLastInLine is how many owners the breaker remembers as last in line.
	maxLastInLine = 100
)

// ProbeDue reports whether any message may be the next probe of b.
func (b Breaker) ProbeDue(now time.Time) bool {
	return b.Open && !b.ProbeAt.IsZero() && !now.Before(b.ProbeAt)
}

// MayProbe reports whether a message of owner to number may be the next probe of b. A
// client can spoil its probe, for example by a bad number. So owners take turns:
//
//   - From ProbeAt on, every owner that is not last in line may probe. If a probe was
//     spoiled before, numbers that the provider has taken come first. The more owners
//     have spoiled a probe, the longer other numbers wait.
//   - From ProbeLastAt on, the owners that are last in line may probe too. These are the
//     owner of the latest probe and all owners that have spoiled a probe.
//
// If all messages belong to one owner, it may probe again and again, because nobody else
// waits for a turn. But after it has spoiled a probe, it waits until ProbeLastAt, unless
// the provider took the number lately. number is "" if it is not known.
func (r Rules) MayProbe(b Breaker, owner string, number Number, now time.Time) bool {
	at, known, spoiled := b.ProbeAt, b.Tally.tookBefore(number), slices.Contains(b.LastInLine, hashOf(owner))
	last := spoiled && !known
	if r.SeveralOwners {
		last = spoiled || b.Prober == hashOf(owner)
	}
	switch {
	case last: // guard: last in line
		at = later(at, b.ProbeLastAt)
	case len(b.LastInLine) > 0 && !known: // the wait grows with each owner that spoils a probe, because only maxLastInLine of them are remembered
		at = at.Add(min(r.FirstProbe/6<<min(len(b.LastInLine)-1, 8), longestProbeWait))
	}
	return b.ProbeDue(now) && !now.Before(at)
}

// Probe makes m the next probe of b. ok is false if m may not be a probe now.
func (r Rules) Probe(b Breaker, m Message, now time.Time) (after Breaker, ok bool) {
	if !r.MayProbe(b, m.Owner, m.Number, now) {
		return b, false
	}
	b.Probes++
	b.ProbeIDs = remember(b.ProbeIDs, m.ID, maxProbes)
	b.Prober = hashOf(m.Owner)
	b.ProbeAt = stamp(now.Add(min(r.FirstProbe<<min(b.Probes, 8), longestProbeWait)))
	b.ProbeLastAt = stamp(b.ProbeAt.Add(2 * r.FirstProbe))
	return b, true
}

// GiveBack undoes the probe m of b, because it proves nothing about the trouble. Another
// message may then be the next probe at once. spoiled means that the provider refused m
// for something that its client chose, or that m did not arrive. m's owner is then last
// in line.
func (b Breaker) GiveBack(m Message, spoiled bool, now time.Time) (after Breaker, changed bool) {
	i := slices.Index(b.ProbeIDs, m.ID)
	if !b.Open || b.ProbeAt.IsZero() || i < 0 {
		return b, false
	}
	latest := i == len(b.ProbeIDs)-1
	b.ProbeIDs = slices.Delete(slices.Clone(b.ProbeIDs), i, i+1)
	if latest {
		b.ProbeAt = stamp(now)
	}
	if latest && !spoiled {
		b.Probes, b.Prober = b.Probes-1, ""
	}
	if spoiled {
		b.LastInLine = remember(b.LastInLine, hashOf(m.Owner), maxLastInLine)
		b.Tally.Taken = without(b.Tally.Taken, hashOf(m.Number.String()))
	}
	return b, true
}

// NextProbe returns the earliest time at which a new probe, which b does not list yet,
// may begin, if b was read at readAt:
//
//   - A closed breaker may open just after readAt. Its first probe then begins FirstProbe
//     later. The breaker is read again by BreakerAge after readAt.
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
