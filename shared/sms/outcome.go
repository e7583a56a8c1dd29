package sms

import (
	"errors"
	"slices"
	"time"
)

// Outcome is what a sender records about one hand-over. The zero Outcome says that the
// hand-over got no answer.
type Outcome struct {
	ProviderMessageID string         // not empty if the provider took the message
	Refused           *ProviderError // why the provider refused the message; nil if the provider did not refuse it
}

// Taken returns the outcome of a hand-over that the provider took.
func Taken(providerMessageID string) Outcome { return Outcome{ProviderMessageID: providerMessageID} }

// Refused returns the outcome of a hand-over that the provider refused.
func Refused(e *ProviderError) Outcome { return Outcome{Refused: e} }

// Unanswered returns the outcome of a hand-over that got no answer.
func Unanswered() Outcome { return Outcome{} }

// OutcomeOf returns the outcome for the results of Provider.HandOver. If these results do
// not say clearly that the message was taken or refused, the hand-over is unanswered. For example, the
// hand-over is unanswered if there is neither an id nor an error.
func OutcomeOf(providerMessageID string, err error) Outcome {
	if refused, ok := errors.AsType[*ProviderError](err); ok {
		return Refused(refused)
	}
	if err != nil {
		return Unanswered()
	}
	return Taken(providerMessageID)
}

// Record returns m after the hand-over with this token has ended with o. The result
// changed is false if there is nothing to write. Record shortens a provider message id
// that is longer than MaxProviderMessageID; no receipt will have it. If the lease has
// already been ended, Record records only that the message was taken, and overwrites
// nothing.
func (r Rules) Record(m Message, token string, o Outcome, now time.Time) (after Message, changed bool) {
	o.ProviderMessageID = Shorten(o.ProviderMessageID, MaxProviderMessageID)
	s := r.step(m, now)
	h := s.findHandOver(func(h HandOver) bool { return h.Token == token })
	switch {
	case h == nil:
		return m, false
	case m.Status != Sending ||
		m.LeaseToken != token: // guard: stale lease
		changed = s.lateAnswer(h, o)
		return s.m, changed
	}
	s.m.LeaseToken, s.m.LeaseUntil = "", time.Time{}
	switch {
	case o.Refused != nil:
		s.endRefused(token, o.Refused)
	case o.ProviderMessageID != "":
		h.Answer, h.ProviderMessageID = AnswerTaken, o.ProviderMessageID
		s.restTaken("the provider took it: " + o.ProviderMessageID)
	default:
		h.Answer = AnswerNone
		s.endUnanswered()
	}
	return s.m, true
}

// lateAnswer records the outcome of a hand-over whose lease has already been ended. It
// reports whether the outcome changes anything.
func (s *step) lateAnswer(h *HandOver, o Outcome) (changed bool) {
	if o.ProviderMessageID == "" || h.ProviderMessageID == o.ProviderMessageID {
		return false
	}
	stops := s.m.Status == Unknown || (s.m.Status == Queued && s.m.Unanswered())
	h.Answer, h.ProviderMessageID, h.Late = AnswerTaken, o.ProviderMessageID, true
	e := Event{Detail: "a late answer: the provider took it: " + o.ProviderMessageID}
	if stops {
		s.rest(Sent, e)
	} else {
		s.note(e)
	}
	return true
}

// endUnanswered decides what happens after a hand-over that got no answer.
func (s *step) endUnanswered() {
	const detail = "no answer came back"
	switch {
	case s.m.taken():
		s.restTaken(detail + "; an earlier hand-over was taken")
	case s.m.OnUnknown == Hold || // guard: hold
		s.m.Attempts >= s.MaxAttempts || !s.m.ExpiresAt.After(s.now):
		s.restUnknown(detail)
	default:
		s.retry(0, Event{Detail: detail})
	}
}

// endRefused removes the hand-over with this token, which the provider refused, and
// decides what happens next. A refused hand-over counts as an attempt only if it was
// refused for good.
func (s *step) endRefused(token string, e *ProviderError) {
	s.m.HandOvers = slices.DeleteFunc(s.m.HandOvers, func(h HandOver) bool { return h.Token == token })
	if e.Refusal != RefusedForGood {
		s.m.Attempts--
		s.retry(e.RetryAfter, Event{Detail: "refused for now"})
		return
	}
	const detail = "refused for good"
	switch {
	case s.m.taken():
		s.restTaken(detail + "; an earlier hand-over was taken")
	case s.m.Unanswered():
		s.restUnknown(detail + "; an earlier hand-over got no answer")
	default:
		s.m.Failure = Explain(e.Failure)
		s.rest(Failed, Event{Detail: detail})
	}
}
