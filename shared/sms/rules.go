package sms

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// Rules are what a deployment decides about the life of its messages. Their
// methods are the only code that changes a state: pure functions from a record
// and something that happened to the record after it.
type Rules struct {
	Validity    time.Duration // expiresAt, where the client names none
	Retention   time.Duration // how long settled records are kept, at least 7 days
	Lease       time.Duration // function timeout + 15 s
	MaxAttempts int           // publishes that may have left, at most
	FirstProbe  time.Duration // from the breaker's opening to its first probe; later ones wait longer
	Jitter      func() float64
}

// DefaultRules are those of a deployment that changes nothing.
func DefaultRules() Rules {
	return Rules{
		Validity:    24 * time.Hour,
		Retention:   30 * 24 * time.Hour,
		Lease:       75 * time.Second,
		MaxAttempts: 5,
		FirstProbe:  time.Minute,
		Jitter:      rand.Float64,
	}
}

// Check reports what is wrong with r.
func (r Rules) Check() error {
	switch {
	case r.Validity < time.Minute:
		return errors.New("validity must be at least a minute")
	case r.Retention < 7*24*time.Hour:
		return errors.New("retention must be at least 7 days")
	case r.Lease < 15*time.Second:
		return errors.New("lease must be at least 15 seconds")
	case r.MaxAttempts < 1:
		return errors.New("attempts must be at least 1")
	case r.FirstProbe < time.Second:
		return errors.New("the first probe must wait at least a second")
	case r.Jitter == nil:
		return errors.New("jitter is missing")
	}
	return nil
}

// Skew is how far two clocks may differ: a copy that arrives this much before
// its time is still claimed.
const Skew = time.Second

// Claim is one sender's wish to be the only one that hands a message over.
type Claim struct {
	Token       string       // fresh, names the hand-over
	Provider    ProviderName // the one that the message will be handed over to
	At          time.Time    // now
	Until       time.Time    // end of the lease
	MaxAttempts int
}

// NewClaim returns a claim for a hand-over to provider, with a fresh token and a
// lease that starts now.
func (r Rules) NewClaim(provider ProviderName, now time.Time) Claim {
	return Claim{Token: NewToken(), Provider: provider, At: stamp(now), Until: stamp(now.Add(r.Lease)), MaxAttempts: r.MaxAttempts}
}

// Refuse says why m cannot be claimed, or "".
func (c Claim) Refuse(m Message) NotClaimable {
	switch {
	case m.Status != Queued && m.Status != Scheduled:
		return NotWaiting
	case !m.ExpiresAt.After(c.At):
		return PastExpiry
	case m.NotBefore.After(c.At.Add(Skew)):
		return TooEarly
	case m.Attempts >= c.MaxAttempts:
		return AttemptsSpent
	}
	return ""
}

// Apply is the claimed record: what every Store's Claim must leave behind,
// but for the fresh Revision. Its error is a *NotClaimableError.
func (c Claim) Apply(m Message) (Message, error) {
	if reason := c.Refuse(m); reason != "" {
		return m, &NotClaimableError{Current: m, Reason: reason}
	}
	m = m.clone()
	if m.Status == Scheduled {
		m.move(Queued, Event{At: later(m.CreatedAt, m.SendAt)})
	}
	m.move(Sending, Event{At: c.At})
	m.HandOvers = append(m.HandOvers, HandOver{Token: c.Token, Provider: c.Provider, At: c.At, Until: c.Until})
	m.Attempts++
	m.LeaseToken, m.LeaseUntil = c.Token, c.Until
	m.Due = Due{Kind: DueLease, At: c.Until}
	return m, nil
}

// Outcome is what became of one hand-over.
type Outcome struct {
	ProviderMessageID string         // set when the provider took it
	Refused           *ProviderError // set when it refused; neither: no answer came
}

// OutcomeOf reads the results of Provider.HandOver. Whatever is not a clear
// answer is none.
func OutcomeOf(providerMessageID string, err error) Outcome {
	if err == nil {
		return Outcome{ProviderMessageID: providerMessageID}
	}
	refused, _ := errors.AsType[*ProviderError](err)
	return Outcome{Refused: refused}
}

// Record is m after the hand-over named by token had the outcome o. An outcome
// that comes after its lease was given up overwrites nothing; it may still
// tell that the provider took it. changed is false where there is nothing to
// write.
func (r Rules) Record(m Message, token string, o Outcome, now time.Time) (after Message, changed bool) {
	now = stamp(now)
	m = m.clone()
	h := m.handOver(func(h HandOver) bool { return h.Token == token })
	if h == nil {
		return m, false
	}
	if m.Status != Sending || m.LeaseToken != token {
		return m.lateAnswer(r, h, o, now)
	}
	m.LeaseToken, m.LeaseUntil = "", time.Time{}
	switch {
	case o.ProviderMessageID != "":
		h.Answer, h.ProviderMessageID = AnswerTaken, o.ProviderMessageID
		m.settleTaken(r, "the provider took it: "+o.ProviderMessageID, now)
	case o.Refused == nil:
		h.Answer = AnswerNone
		m.endUnanswered(r, now)
	case o.Refused.Refusal == RefusedForGood:
		m.withdraw(token, false)
		m.endRefused(r, o.Refused, now)
	default:
		m.withdraw(token, true)
		m.retry(r, o.Refused.RetryAfter, "refused for now", now)
	}
	return m, true
}

// EndLease is m after its sender's lease was given up: no answer will come in
// time. A lease that is not over, as far as now tells, is left alone unless
// force says that its sender is known to be dead.
func (r Rules) EndLease(m Message, now time.Time, force bool) (after Message, changed bool) {
	if m.Status != Sending || (!force && now.Before(m.LeaseUntil)) {
		return m, false
	}
	return r.Record(m, m.LeaseToken, Outcome{}, now)
}

// GiveUp is m, waiting, after its expiresAt passed or its attempts were spent:
// nothing of it is sent any more.
func (r Rules) GiveUp(m Message, now time.Time) (after Message, changed bool) {
	now = stamp(now)
	spent := m.Attempts >= r.MaxAttempts && m.Unanswered()
	if (m.Status != Queued && m.Status != Scheduled) || (m.ExpiresAt.After(now) && !spent) {
		return m, false
	}
	m = m.clone()
	m.giveUp(r, now)
	return m, true
}

// Cancel is m after its client took it back: ErrTooLate when it may have been
// handed over. Cancelling twice is not an error and changes nothing.
func (r Rules) Cancel(m Message, now time.Time) (after Message, changed bool, err error) {
	switch {
	case m.Status == Canceled:
		return m, false, nil
	case m.Unanswered() || !m.Status.May(Canceled, false):
		return m, false, ErrTooLate
	}
	m = m.clone()
	m.settle(r, Canceled, Event{At: stamp(now), Detail: "canceled by the client"})
	return m, true, nil
}

// DropText is m without its text: ErrTooLate while somebody may still have to
// send it.
func (r Rules) DropText(m Message, now time.Time) (after Message, changed bool, err error) {
	if !m.Status.Settled() {
		return m, false, ErrTooLate
	}
	if m.TextDropped {
		return m, false, nil
	}
	m = m.clone()
	m.Text, m.TextDropped = "", true
	m.note(Event{At: now, Status: m.Status, Detail: "the text was dropped"})
	return m, true, nil
}

// EnqueueFailed is m, newly written or taken up by the relay, after its copy
// did not get onto the queue: due at once, or as soon as it may be claimed or
// must end. How often it was rescued before is not forgotten.
func (r Rules) EnqueueFailed(m Message, now time.Time) (after Message, changed bool) {
	if m.Due.Kind != DueRescue {
		return m, false
	}
	m.Due = notAfter(Due{Kind: DueSend, At: later(stamp(now), m.NotBefore), Round: m.Due.Round}, m.ExpiresAt)
	return m, true
}

// lateAnswer is the outcome of a hand-over that was already given up.
func (m Message) lateAnswer(r Rules, h *HandOver, o Outcome, now time.Time) (Message, bool) {
	if o.ProviderMessageID == "" || h.ProviderMessageID == o.ProviderMessageID {
		return m, false
	}
	wasUnanswered := m.Unanswered()
	h.Answer, h.ProviderMessageID = AnswerTaken, o.ProviderMessageID
	detail := "a late answer: the provider took it: " + o.ProviderMessageID
	if m.Status == Unknown || (m.Status == Queued && wasUnanswered) {
		m.settle(r, Sent, Event{At: now, Detail: detail})
		return m, true
	}
	m.note(Event{At: now, Status: m.Status, Detail: detail})
	return m, true
}

// settleTaken ends a hand-over that leaves at least one taken by the provider:
// receipts that came while it was in flight count now.
func (m *Message) settleTaken(r Rules, detail string, now time.Time) {
	m.Refusals = 0
	m.settle(r, Sent, Event{At: now, Detail: detail})
	const came = "its receipt had come before"
	if h := m.handOver(func(h HandOver) bool { return h.Receipt == VerdictDelivered }); h != nil {
		m.settleBy(r, h, Event{At: now, Detail: came})
	} else if m.awaited() == 0 {
		h := m.handOver(func(h HandOver) bool { return h.Receipt == VerdictUndelivered })
		m.settleBy(r, h, Event{At: now, Detail: came})
	}
}

// settleBy ends m with what the receipt of h said.
func (m *Message) settleBy(r Rules, h *HandOver, e Event) {
	if h.Receipt == VerdictDelivered {
		m.settle(r, Delivered, e)
		m.Evidence = h.Evidence
		return
	}
	m.settle(r, Undelivered, e)
	m.Failure = Explain(h.Failure)
	if h.Receipt == VerdictVoid {
		m.Failure = Explain(AccountExhausted)
	}
}

// endUnanswered decides what follows a hand-over that got no answer.
func (m *Message) endUnanswered(r Rules, now time.Time) {
	const detail = "no answer came back"
	switch {
	case m.taken():
		m.settleTaken(r, detail+"; an earlier hand-over was taken", now)
	case m.OnUnknown == Hold || m.Attempts >= r.MaxAttempts || !m.ExpiresAt.After(now):
		m.Failure = Explain(NoAnswer)
		m.settle(r, Unknown, Event{At: now, Detail: detail})
	default:
		m.retry(r, 0, detail, now)
	}
}

// endRefused ends a message that its provider will never take.
func (m *Message) endRefused(r Rules, e *ProviderError, now time.Time) {
	const detail = "refused for good"
	switch {
	case m.taken():
		m.settleTaken(r, detail+"; an earlier hand-over was taken", now)
	case m.Unanswered():
		m.Failure = Explain(NoAnswer)
		m.settle(r, Unknown, Event{At: now, Detail: detail + "; an earlier hand-over got no answer"})
	default:
		m.Failure = Explain(e.Failure)
		m.settle(r, Failed, Event{At: now, Detail: detail})
	}
}

// retry puts a message back to wait for its next hand-over.
func (m *Message) retry(r Rules, wait time.Duration, detail string, now time.Time) {
	if m.taken() {
		m.settleTaken(r, detail+"; an earlier hand-over was taken", now)
		return
	}
	if m.Status == Sending && !m.ExpiresAt.After(now) {
		m.giveUp(r, now)
		return
	}
	m.move(Queued, Event{At: now, Detail: detail})
	m.NotBefore = stamp(now.Add(max(wait, r.backoff(m.Refusals))))
	m.Refusals++
	m.PurgeAt = time.Time{}
	m.Due = notAfter(Due{Kind: DueSend, At: m.NotBefore}, m.ExpiresAt)
}

// giveUp ends a waiting message: as unknown when a hand-over got no answer.
func (m *Message) giveUp(r Rules, now time.Time) {
	if m.Unanswered() {
		m.Failure = Explain(NoAnswer)
		m.settle(r, Unknown, Event{At: now, Detail: "time or attempts ran out; a hand-over got no answer"})
		return
	}
	m.Failure = Explain(ExpiryPassed)
	m.settle(r, Expired, Event{At: now, Detail: "time ran out"})
}

// withdraw removes a hand-over that the provider refused.
func (m *Message) withdraw(token string, free bool) {
	m.HandOvers = slices.DeleteFunc(m.HandOvers, func(h HandOver) bool { return h.Token == token })
	if free {
		m.Attempts--
	}
}

// taken reports whether some hand-over is with the provider: taken, and not
// proved void.
func (m *Message) taken() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool {
		return h.Answer == AnswerTaken && h.Receipt != VerdictVoid
	})
}

// awaited counts taken hand-overs whose receipt has not come.
func (m *Message) awaited() int {
	n := 0
	for _, h := range m.HandOvers {
		if h.Answer == AnswerTaken && h.Receipt == "" {
			n++
		}
	}
	return n
}

// settle moves m into a state in which no work is left.
func (m *Message) settle(r Rules, to Status, e Event) {
	m.move(to, e)
	m.Due, m.NotBefore = Due{}, time.Time{}
	m.LeaseToken, m.LeaseUntil = "", time.Time{}
	m.PurgeAt = stamp(e.At.Add(r.Retention))
	if to == Sent || to == Delivered {
		m.Failure = nil
	}
}

// move is the one place where a state changes. A move that the table does not
// list is a defect of the program.
func (m *Message) move(to Status, e Event) {
	open := slices.ContainsFunc(m.HandOvers, func(h HandOver) bool { return h.Receipt != VerdictVoid })
	if !m.Status.May(to, open) {
		panic("sms: no transition from " + string(m.Status) + " to " + string(to))
	}
	m.Status = to
	e.Status = to
	m.note(e)
}

// backoff is the wait before the hand-over that follows n refusals in a row:
// doubling from 5 s to 10 minutes, and up to half of it shaved off at random,
// so that what was refused together does not come back together.
func (r Rules) backoff(n int) time.Duration {
	wait := min(5*time.Second<<min(n, 10), 10*time.Minute)
	return wait - time.Duration(r.Jitter()*float64(wait)/2)
}
