package sms

import (
	"slices"
	"time"
)

// step is one change of a message. It has its own copy of the message, so that the
// caller's record does not change. Every rule makes a step and returns the step's
// message.
type step struct {
	Rules
	m   Message
	now time.Time
}

func (r Rules) step(m Message, now time.Time) *step {
	m.HandOvers = slices.Clone(m.HandOvers)
	m.Events = slices.Clone(m.Events)
	return &step{Rules: r, m: m, now: stamp(now)}
}

// findHandOver returns the first hand-over h for which fits(h) is true. It returns nil if
// there is no such hand-over.
func (s *step) findHandOver(fits func(HandOver) bool) *HandOver {
	if i := slices.IndexFunc(s.m.HandOvers, fits); i >= 0 {
		return &s.m.HandOvers[i]
	}
	return nil
}

// note adds an event with the current status.
func (s *step) note(e Event) {
	e.Status, e.Detail = s.m.Status, Shorten(e.Detail, MaxEventDetail)
	if e.At.IsZero() {
		e.At = s.now
	}
	if len(s.m.Events) < MaxEvents {
		s.m.Events = append(s.m.Events, e)
	} else {
		s.m.EventsOmitted++
	}
	s.m.UpdatedAt = later(s.m.UpdatedAt, e.At)
}

// move changes the status; no other function does. It panics if the table has no such
// transition, because then the program has a bug. A hand-over that has just got its
// answer or its receipt still counts as unanswered here.
func (s *step) move(to Status, e Event) {
	open := slices.ContainsFunc(s.m.HandOvers, func(h HandOver) bool { return h.Receipt != VerdictVoid })
	if !s.m.Status.May(to, open) { // guard: the table of states
		panic("sms: no transition from " + string(s.m.Status) + " to " + string(to))
	}
	s.m.Status = to
	s.note(e)
}

// rest moves the message to a status in which no work is left, and starts its retention.
func (s *step) rest(to Status, e Event) {
	s.move(to, e)
	s.m.Due, s.m.NotBefore = Due{}, time.Time{}
	s.m.LeaseToken, s.m.LeaseUntil = "", time.Time{}
	s.m.PurgeAt = stamp(s.now.Add(s.Retention))
	if to == Sent || to == Delivered {
		s.m.Failure = nil
	}
}

// longestRetry is the longest wait for a retry, no matter how long the provider asks to
// wait. It is shorter than farthestDue.
const longestRetry = 15 * time.Minute

// retry makes the message wait for its next hand-over. If the provider has taken an
// earlier hand-over, or if the message's time is over, retry ends the message instead.
func (s *step) retry(wait time.Duration, e Event) {
	switch {
	case s.m.taken():
		s.restTaken(e.Detail + "; an earlier hand-over was taken")
		return
	case s.m.Status == Sending && !s.m.ExpiresAt.After(s.now):
		s.giveUp()
		return
	}
	s.move(Queued, e)
	wait = min(max(wait, s.backoff(s.m.Refusals+s.m.voids())), longestRetry)
	s.m.NotBefore = stamp(s.now.Add(wait))
	s.m.Refusals++
	s.m.PurgeAt = time.Time{}
	s.m.Due = notAfter(Due{Kind: DueSend, At: s.m.NotBefore}, s.m.ExpiresAt)
}

// giveUp ends a message that will not be handed over again. If the message has an
// unanswered hand-over, the message may have arrived, so its status becomes unknown.
func (s *step) giveUp() {
	if s.m.Unanswered() {
		s.restUnknown("time or attempts ran out; a hand-over got no answer")
		return
	}
	s.m.Failure = Explain(ExpiryPassed)
	s.rest(Expired, Event{Detail: "time ran out"})
}

func (s *step) restUnknown(detail string) {
	s.m.Failure = Explain(NoAnswer)
	s.rest(Unknown, Event{Detail: detail})
}

// restTaken is called when a hand-over has ended and the provider has the message. It
// moves the message to sent, and then applies the receipts that came while a hand-over
// was in flight.
func (s *step) restTaken(detail string) {
	s.m.Refusals = 0
	s.rest(Sent, Event{Detail: detail})
	e := Event{Detail: "its receipt had come before"}
	if h := s.findReported(VerdictDelivered); h != nil {
		s.restDelivered(h, e)
	} else if s.m.others("") == OthersUndelivered {
		s.restUndelivered(e, Receipt{})
	}
}

func (s *step) restDelivered(h *HandOver, e Event) {
	s.rest(Delivered, e)
	s.m.Evidence = h.Evidence
}

// restUndelivered ends the message as undelivered. Its failure comes from a receipt whose
// verdict is undelivered. If there is no such receipt, the failure comes from the
// parameter void, which is the latest receipt.
func (s *step) restUndelivered(e Event, void Receipt) {
	s.rest(Undelivered, e)
	switch h := s.findReported(VerdictUndelivered); {
	case h != nil:
		s.m.Failure = Explain(h.Failure)
	case void.Trouble != "":
		s.m.Failure = Explain(AccountExhausted)
	default:
		s.m.Failure = Explain(Throttled)
	}
}

// findReported returns the first hand-over whose receipt has the verdict v, or nil.
func (s *step) findReported(v Verdict) *HandOver {
	return s.findHandOver(func(h HandOver) bool { return h.Receipt == v })
}

// taken reports whether the provider took a hand-over, and no receipt proved this
// hand-over void.
func (m Message) taken() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool {
		return h.Answer == AnswerTaken && h.Receipt != VerdictVoid
	})
}
