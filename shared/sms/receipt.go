package sms

import (
	"cmp"
	"time"
)

// Verdict is what a receipt says about a hand-over.
type Verdict string

// These are the verdicts of receipts.
const (
	VerdictDelivered   Verdict = "delivered"
	VerdictUndelivered Verdict = "undelivered"
	VerdictVoid        Verdict = "void" // nothing was sent, because of account-wide trouble or a refusal for now
)

// Receipt is a provider's report on one hand-over: one of ours, or one of another
// application that uses the same account. Only Provider, Number and Verdict are always
// set.
type Receipt struct {
	Provider          ProviderName `json:"provider"`
	ProviderMessageID string       `json:"providerMessageId,omitempty"`
	Number            Number       `json:"number"`
	At                time.Time    `json:"at,omitzero"` // by the provider's clock; zero if not known
	Verdict           Verdict      `json:"verdict"`
	Evidence          Evidence     `json:"evidence,omitempty"`
	Failure           FailureCode  `json:"failure,omitempty"` // for undelivered
	Trouble           Trouble      `json:"trouble,omitempty"` // the trouble, if Verdict is Void; "" if the provider refused this one message for now
	Detail            string       `json:"detail,omitempty"`  // the provider's own words
	Price             NanoUSD      `json:"price,omitempty"`
	Parts             int          `json:"parts,omitempty"`

	// LoggedAt is the time at which the receipt entered the provider's log, or zero if this
	// is not known. If At is missing, LoggedAt shows how old a report of trouble is.
	// LoggedAt is not stored.
	LoggedAt time.Time `json:"-"`
}

// Ref returns the reference to the hand-over that r is about. The reference has an empty
// MessageID if r names no hand-over.
func (r Receipt) Ref() ProviderRef { return ProviderRef{r.Provider, r.ProviderMessageID} }

// Names reports whether r names h by its provider message id.
func (r Receipt) Names(h HandOver) bool {
	return r.ProviderMessageID != "" && r.ProviderMessageID == h.ProviderMessageID &&
		r.Provider == h.Provider // guard: one provider's ids
}

// PendingReceipt is a receipt that has matched no message yet.
type PendingReceipt struct { // the tags of PendingReceipt and Receipt are a stored format, like those of Message
	ID      string    `json:"id"` // the same receipt always has the same id
	Receipt Receipt   `json:"receipt"`
	CameAt  time.Time `json:"cameAt"`
	Tries   int       `json:"tries,omitempty"` // the number of searches by the receipt's number that found no message
	Due     time.Time `json:"due,omitzero"`    // when to look for the receipt's message again; zero means never
	PurgeAt time.Time `json:"purgeAt"`
}

// PendingFor is the time for which a receipt stays pending. It is an hour longer than a
// day, so that no receipt is lost if the clock jumps by a day.
const PendingFor = 25 * time.Hour

// firstLook is the time from the arrival of a pending receipt to the first search for its
// message. By then, the outcome of the hand-over is usually recorded.
const firstLook = 5 * time.Second

// Pending returns r as a pending receipt that has just arrived.
func (r Receipt) Pending(now time.Time) PendingReceipt {
	now, r.LoggedAt = stamp(now), time.Time{}
	id := fingerprint(string(r.Provider), r.ProviderMessageID, string(r.Number), string(r.Verdict), r.Detail, r.At.String())
	k, _ := PendingReceipt{
		ID: "receipt-" + id, Receipt: r, CameAt: now, Due: now.Add(firstLook), PurgeAt: now.Add(PendingFor),
	}.Bound(now)
	return k
}

// ApplyReceipt returns m after the receipt rc, which is about the hand-over with the same
// provider message id. It returns changed == false if m has no such hand-over. A receipt
// that is late, repeated or out of order adds an event, and never changes a final status.
func (r Rules) ApplyReceipt(m Message, rc Receipt, now time.Time) (after Message, changed bool) {
	s := r.step(m, now)
	h := s.findHandOver(rc.Names)
	if h == nil {
		return m, false
	}
	s.applyReceipt(h, rc)
	return s.m, true
}

// ApplyMatched returns m after rc was matched to the hand-over with this token. The
// result changed is false if this hand-over now has another provider message id, has a
// receipt, or is still in flight.
func (r Rules) ApplyMatched(m Message, token string, rc Receipt, now time.Time) (after Message, changed bool) {
	s := r.step(m, now)
	h := s.findHandOver(func(h HandOver) bool {
		return h.Token == token && h.Provider == rc.Provider && h.Receipt == "" && (h.Answer == AnswerNone || rc.Names(h))
	})
	if h == nil {
		return m, false
	}
	h.ProviderMessageID = rc.ProviderMessageID
	s.applyReceipt(h, rc)
	return s.m, true
}

// applyReceipt records what rc says about h, and follows the table of receipts. A
// repeated receipt only adds an event.
func (s *step) applyReceipt(h *HandOver, rc Receipt) {
	e := Event{Detail: "receipt: " + rc.Detail}
	if !rc.At.IsZero() {
		e.ProviderAt = stamp(rc.At)
	}
	if h.Receipt != "" {
		s.note(e)
		return
	}
	effect, ok := EffectOf(s.m.Status, rc.Verdict, s.m.others(h.Token))
	if !ok {
		panic("sms: the table of receipts has no row for " + string(rc.Verdict) + " in " + string(s.m.Status))
	}
	h.Answer, h.Receipt, h.Evidence, h.Failure, h.Price = AnswerTaken, rc.Verdict, rc.Evidence, rc.Failure, rc.Price
	s.m.Parts = cmp.Or(max(rc.Parts, 0), s.m.Parts)
	if effect.GivesBack {
		s.m.Attempts--
	}
	switch effect.To {
	case "":
		s.note(e)
	case Queued:
		s.retry(0, e)
	case Delivered:
		s.restDelivered(h, e)
	case Undelivered:
		s.restUndelivered(e, rc)
	default:
		panic("sms: the table of receipts leads to " + string(effect.To))
	}
	s.forgetVoid()
}
