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

// Receipt is a provider's report on one hand-over, of ours or of another
// application on the same account. Only Provider, Number and Verdict are always there.
type Receipt struct {
	Provider          ProviderName `json:"provider"`
	ProviderMessageID string       `json:"providerMessageId,omitempty"`
	Number            Number       `json:"number"`
	At                time.Time    `json:"at,omitzero"` // the provider's clock; zero when it did not say
	Verdict           Verdict      `json:"verdict"`
	Evidence          Evidence     `json:"evidence,omitempty"`
	Failure           FailureCode  `json:"failure,omitempty"` // for undelivered
	Trouble           Trouble      `json:"trouble,omitempty"` // for void
	Detail            string       `json:"detail,omitempty"`  // the provider's own words
	Price             NanoUSD      `json:"price,omitempty"`
	Parts             int          `json:"parts,omitempty"`

	// LoggedAt is when the provider's log had it; zero when that is not known.
	// Where At is missing, it says how old the word of trouble is. It is not kept.
	LoggedAt time.Time `json:"-"`
}

// PendingReceipt is a receipt that matched nothing yet.
type PendingReceipt struct { // its tags, and those of Receipt, are a stored format, as those of Message
	ID      string    `json:"id"` // the same for the same receipt
	Receipt Receipt   `json:"receipt"`
	KeptAt  time.Time `json:"keptAt"`
	Tries   int       `json:"tries,omitempty"` // look-ups by provider message id since
	Due     time.Time `json:"due,omitzero"`    // next look-up; zero: none
	PurgeAt time.Time `json:"purgeAt"`
}

// KeepReceipts is how long unmatched receipts are kept.
const KeepReceipts = 24 * time.Hour

// Keep is r kept from now on, due for a second look-up soon: its message's
// outcome may only be on its way.
func (r Receipt) Pending(now time.Time) PendingReceipt {
	now, r.LoggedAt = stamp(now), time.Time{}
	k := PendingReceipt{Receipt: r, KeptAt: now, PurgeAt: now.Add(KeepReceipts)}
	k.ID = "receipt-" + fingerprint(string(r.Provider), r.ProviderMessageID, string(r.Number), string(r.Verdict), r.Detail, r.At.String())
	return k.Retried(now)
}

// Retried is k after one more look-up found nothing: due again after 5 s,
// 1 minute and 10 minutes, then left to be found by its number.
func (k PendingReceipt) Retried(now time.Time) PendingReceipt {
	waits := []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute}
	k.Due = time.Time{}
	if k.Tries < len(waits) {
		k.Due = stamp(now.Add(waits[k.Tries]))
	}
	k.Tries++
	return k
}

// Adopt returns m after rc was found to be about the hand-over named by token,
// which got no answer, and about no other of any message to that number.
func (r Rules) Adopt(m Message, token string, rc Receipt, now time.Time) (after Message, changed bool) {
	s := r.step(m, now)
	h := s.handOver(func(h HandOver) bool {
		return h.Token == token && h.Provider == rc.Provider && h.Receipt == "" && h.Answer == AnswerNone
	})
	if h == nil {
		return m, false
	}
	h.ProviderMessageID = rc.ProviderMessageID
	s.receive(h, rc)
	return s.m, true
}

// Ref returns the reference of what r is about; its MessageID is "" where r
// names none.
func (r Receipt) Ref() ProviderRef { return ProviderRef{r.Provider, r.ProviderMessageID} }

// Names reports whether r names h by its provider message id.
func (r Receipt) Names(h HandOver) bool {
	return r.ProviderMessageID != "" && r.Ref() == ProviderRef{h.Provider, h.ProviderMessageID}
}

// Receive is m after the receipt of a hand-over whose provider message id it knows.
// Late, repeated and reordered receipts add an event and never move a final
// state. changed is false where no hand-over has that id.
func (r Rules) ApplyReceipt(m Message, rc Receipt, now time.Time) (after Message, changed bool) {
	s := r.step(m, now)
	h := s.handOver(rc.Names)
	if h == nil {
		return m, false
	}
	s.receive(h, rc)
	return s.m, true
}

func (s *step) receive(h *HandOver, rc Receipt) {
	wasUnanswered := s.m.Unanswered()
	first := h.Receipt == ""
	if first {
		h.Answer, h.Receipt, h.Evidence, h.Failure = AnswerTaken, rc.Verdict, rc.Evidence, rc.Failure
		h.Price = rc.Price
		if rc.Parts > 0 {
			s.m.Parts = rc.Parts
		}
		if rc.Verdict == VerdictVoid {
			s.m.Attempts-- // nothing left: it was no attempt
		}
	}
	e := Event{Detail: "receipt: " + rc.Detail}
	if !rc.At.IsZero() {
		e.ProviderAt = stamp(rc.At)
	}
	switch to := s.m.afterReceipt(rc.Verdict, first, wasUnanswered); to {
	case s.m.Status:
		s.note(e)
	case Queued:
		s.retry(0, Event{Detail: e.Detail})
	default:
		if other := s.handOver(func(h HandOver) bool { return h.Receipt == VerdictUndelivered }); to == Undelivered && other != nil {
			h = other
		}
		s.restReported(h, e)
	}
}

// afterReceipt is the state that a receipt leads to; h's verdict is already
// noted.
func (m Message) afterReceipt(v Verdict, first, wasUnanswered bool) Status {
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
