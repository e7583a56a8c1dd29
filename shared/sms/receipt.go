package sms

import "time"

// Verdict is what a receipt says of a hand-over.
type Verdict string

// The verdicts of receipts.
const (
	VerdictDelivered   Verdict = "delivered"
	VerdictUndelivered Verdict = "undelivered"
	// VerdictVoid: account-wide trouble stopped it, nothing was delivered.
	VerdictVoid Verdict = "void"
)

// Receipt is a carrier's report on one hand-over, of ours or of another
// application on the same account. Only Number and Verdict are always there.
type Receipt struct {
	CarrierID string      `json:"carrierId,omitempty"`
	Number    Number      `json:"number"`
	At        time.Time   `json:"at,omitzero"` // the carrier's clock; zero when it did not say
	Verdict   Verdict     `json:"verdict"`
	Evidence  Evidence    `json:"evidence,omitempty"`
	Failure   FailureCode `json:"failure,omitempty"` // for undelivered
	Trouble   Trouble     `json:"trouble,omitempty"` // for void
	Detail    string      `json:"detail,omitempty"`  // the carrier's own words
	Price     NanoUSD     `json:"price,omitempty"`
	Parts     int         `json:"parts,omitempty"`

	// LoggedAt is when the carrier's log had it; zero when that is not known. It
	// tells how old news of trouble are and nothing else: it is later than the
	// publish, so it must not decide whose receipt this is, and is not kept.
	LoggedAt time.Time `json:"-"`
}

// KeptReceipt is a receipt that matched nothing yet.
type KeptReceipt struct {
	ID      string    `json:"id"` // the same for the same receipt
	Receipt Receipt   `json:"receipt"`
	KeptAt  time.Time `json:"keptAt"`
	Tries   int       `json:"tries,omitempty"` // look-ups by carrier id since
	Due     time.Time `json:"due,omitzero"`    // next look-up; zero: none
	PurgeAt time.Time `json:"purgeAt"`
}

// KeepReceipts is how long unmatched receipts are kept.
const KeepReceipts = 24 * time.Hour

// Keep is r kept from now on, due for a second look-up soon: its message's
// outcome may only be on its way.
func (r Receipt) Keep(now time.Time) KeptReceipt {
	now = stamp(now)
	k := KeptReceipt{Receipt: r, KeptAt: now, PurgeAt: now.Add(KeepReceipts)}
	k.ID = "receipt-" + fingerprint(r.CarrierID, string(r.Number), string(r.Verdict), r.Detail, r.At.String())
	return k.Retried(now)
}

// Retried is k after one more look-up found nothing: due again after 5 s,
// 1 minute and 10 minutes, then left to be found by its number.
func (k KeptReceipt) Retried(now time.Time) KeptReceipt {
	waits := []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute}
	k.Due = time.Time{}
	if k.Tries < len(waits) {
		k.Due = stamp(now.Add(waits[k.Tries]))
	}
	k.Tries++
	return k
}

// clockSlack is how far the carrier's clock may be off.
const clockSlack = 5 * time.Second

// fits reports whether rc can be the receipt of h, by time alone. However late
// a receipt comes, its time is taken for that of the publish, as the delivery
// log's notification.timestamp reads: so those of other messages to the same
// number stay out. A time that is later than that would only leave h without
// its receipt.
func (h HandOver) fits(rc Receipt) bool {
	if rc.At.IsZero() {
		return true
	}
	return !rc.At.Before(h.At.Add(-clockSlack)) && !rc.At.After(h.Until.Add(clockSlack))
}

// Candidates are the tokens of m's hand-overs that k may belong to although it
// names no carrier id that m knows: those without an answer, in time for what
// it says, and not after it came.
func (m Message) Candidates(k KeptReceipt) []string {
	if m.Number != k.Receipt.Number {
		return nil
	}
	if k.Receipt.Verdict == VerdictVoid && k.Receipt.At.IsZero() {
		// It may be any application's, and taken for ours it would say that a
		// message which perhaps arrived did not: that could then be canceled.
		return nil
	}
	var tokens []string
	for _, h := range m.HandOvers {
		if h.Answer == AnswerNone && h.fits(k.Receipt) && !k.KeptAt.Before(h.At.Add(-Skew)) {
			tokens = append(tokens, h.Token)
		}
	}
	return tokens
}

// Adopt is m after rc was found to belong to the unanswered hand-over named by
// token.
func (r Rules) Adopt(m Message, token string, rc Receipt, now time.Time) (after Message, changed bool) {
	m = m.clone()
	h := m.handOver(func(h HandOver) bool { return h.Token == token && h.Answer == AnswerNone })
	if h == nil {
		return m, false
	}
	h.CarrierID = rc.CarrierID
	return r.receive(m, h, rc, now), true
}

// Receive is m after the receipt of a hand-over whose carrier id it knows.
// Late, repeated and reordered receipts add an event and never move a final
// state. changed is false where no hand-over has that id.
func (r Rules) Receive(m Message, rc Receipt, now time.Time) (after Message, changed bool) {
	m = m.clone()
	h := m.handOver(func(h HandOver) bool { return h.CarrierID == rc.CarrierID && rc.CarrierID != "" })
	if h == nil {
		return m, false
	}
	return r.receive(m, h, rc, now), true
}

func (r Rules) receive(m Message, h *HandOver, rc Receipt, now time.Time) Message {
	now = stamp(now)
	wasUnanswered := m.Unanswered()
	first := h.Receipt == ""
	if first {
		h.Answer, h.Receipt, h.Evidence, h.Failure = AnswerTaken, rc.Verdict, rc.Evidence, rc.Failure
		h.Price = rc.Price
		if rc.Parts > 0 {
			m.Parts = rc.Parts
		}
		if rc.Verdict == VerdictVoid {
			m.Attempts-- // nothing left: it was no attempt
		}
	}
	e := Event{At: now, CarrierAt: stamp(rc.At), Detail: "receipt: " + rc.Detail}
	if rc.At.IsZero() {
		e.CarrierAt = time.Time{}
	}
	to := m.afterReceipt(rc.Verdict, first, wasUnanswered)
	switch to {
	case m.Status:
		e.Status = m.Status
		m.note(e)
	case Queued:
		m.retry(r, 0, e.Detail, now)
	default:
		if other := m.handOver(func(h HandOver) bool { return h.Receipt == VerdictUndelivered }); to == Undelivered && other != nil {
			h = other
		}
		m.settleBy(r, h, e)
	}
	return m
}

// afterReceipt is the state that a receipt leads to; h's verdict is already
// noted.
func (m *Message) afterReceipt(v Verdict, first, wasUnanswered bool) Status {
	if !first || m.Status.Final() || m.Status == Sending {
		return m.Status
	}
	switch v {
	case VerdictDelivered:
		if m.Status.May(Delivered, wasUnanswered) {
			return Delivered
		}
	case VerdictUndelivered:
		if m.awaited() == 0 && m.Status.May(Undelivered, wasUnanswered) {
			return Undelivered
		}
	case VerdictVoid:
		switch {
		case m.Status != Sent || m.awaited() > 0:
		case m.taken() || m.TextDropped:
			// The others were undelivered, or nothing is left to be sent again.
			return Undelivered
		default:
			return Queued
		}
	}
	return m.Status
}

// SoleReceipt picks, from what stands unmatched for m's number, the receipt
// that settles one of m's unanswered hand-overs: there must be exactly one
// receipt, exactly one hand-over it can belong to, and no other message that
// could claim it.
func SoleReceipt(m Message, u Unsettled) (k KeptReceipt, token string, ok bool) {
	if len(u.MessageIDs) >= MaxUnsettled || len(u.Receipts) >= MaxUnsettled {
		return KeptReceipt{}, "", false // there may be more
	}
	for _, id := range u.MessageIDs {
		if id != m.ID {
			return KeptReceipt{}, "", false
		}
	}
	for _, candidate := range u.Receipts {
		tokens := m.Candidates(candidate)
		if len(tokens) == 0 {
			continue
		}
		if ok || len(tokens) > 1 {
			return KeptReceipt{}, "", false
		}
		k, token, ok = candidate, tokens[0], true
	}
	return k, token, ok
}
