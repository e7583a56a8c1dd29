// Package sms is the domain of smsqueue: messages, their states, the rules that
// change them, and the ports that adapters implement. It calls no port, and it
// imports no adapter and no SDK.
package sms

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Evidence says who confirmed a delivery.
type Evidence string

// These are the kinds of evidence.
const (
	ByCarrier Evidence = "carrier" // the carrier confirmed the delivery
	ByHandset Evidence = "handset" // the phone confirmed the delivery
)

// Message is the stored record: what the client asked for, what became of it, and the
// work that is left. Its methods only read it, and the rules change copies. Times are UTC
// with millisecond precision. A zero time means that there is no such time.
//
// The JSON tags of a message and of everything in it are a stored format. Both stores use
// them as field names, and testdata has a record from every release. A tag never changes,
// and a new field is optional.
type Message struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	// Client is the id of the credentials that submitted the message. The queue groups
	// envelopes by client.
	Client string `json:"client"`
	Status Status `json:"status"`

	Request

	TextDeleted bool `json:"textDeleted,omitempty"` // whether the client deleted the text

	Encoding  Encoding   `json:"encoding"`
	Parts     int        `json:"parts"` // an estimate until a receipt reports the number
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Attempts  int        `json:"attempts"` // hand-overs that reached the provider, or may have reached it, except those that account-wide trouble stopped
	HandOvers []HandOver `json:"handOvers,omitempty"`
	Evidence  Evidence   `json:"evidence,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`
	Events    []Event    `json:"events"`
	// EventsOmitted counts the events after the first MaxEvents.
	EventsOmitted int `json:"eventsOmitted,omitempty"`

	// Fingerprint is the fingerprint of the draft. It shows whether an idempotency key
	// was used again for another request. It is "" if the text was deleted.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Nonce is new for each attempt to create the record. A writer that finds its own
	// nonce in the record knows that it created the record.
	Nonce string `json:"nonce"`
	// Revision is new after every write. A conditional write names the revision that it
	// replaces.
	Revision string `json:"revision"`

	LeaseToken string    `json:"leaseToken,omitempty"` // names the hand-over in flight
	LeaseUntil time.Time `json:"leaseUntil,omitzero"`
	NotBefore  time.Time `json:"notBefore,omitzero"` // the message must not be claimed earlier
	Refusals   int       `json:"refusals,omitempty"` // the number of times in a row that the message had to wait again; it determines the backoff
	Due        Due       `json:"due,omitzero"`
	PurgeAt    time.Time `json:"purgeAt,omitzero"` // the end of the message's retention
}

// Event is one entry in a message's history.
type Event struct {
	At         time.Time `json:"at"`
	Status     Status    `json:"status"` // the status after the event
	Detail     string    `json:"detail,omitempty"`
	ProviderAt time.Time `json:"providerAt,omitzero"` // by the provider's clock
}

// HandOver is a hand-over that reached the provider, or may have reached it: it was taken,
// is unanswered or is in flight. A refused hand-over is removed from the record.
type HandOver struct {
	Token             string       `json:"token"` // the token of the lease
	Provider          ProviderName `json:"provider"`
	At                time.Time    `json:"at"`    // the hand-over began at this time or later
	Until             time.Time    `json:"until"` // the hand-over ended at this time or earlier
	Answer            Answer       `json:"answer,omitempty"`
	ProviderMessageID string       `json:"providerMessageId,omitempty"`
	// Late says that the answer came after the lease had ended.
	Late bool `json:"late,omitempty"`
	// The fields below come from the receipt for this hand-over. They are empty until the
	// receipt comes.
	Receipt  Verdict     `json:"receipt,omitempty"`
	Evidence Evidence    `json:"evidence,omitempty"`
	Failure  FailureCode `json:"failure,omitempty"`
	Price    NanoUSD     `json:"price,omitempty"`
}

// Answer is the provider's reply to a hand-over.
type Answer string

// These are the answers to a hand-over. A hand-over in flight has no answer yet.
const (
	AnswerTaken Answer = "taken"
	AnswerNone  Answer = "none" // the provider did not answer, or the sender died
)

// Failure says why a message was not delivered. It is for the client.
type Failure struct {
	Code      FailureCode `json:"code"`
	Detail    string      `json:"detail"`
	Permanent bool        `json:"permanent"`
	Action    string      `json:"action"` // what the client can do
}

// Ref is a reference to a record, as the queue carries it. An id can be used again after
// the retention of its record. The generation then distinguishes the two records.
type Ref struct {
	ID         string
	Generation int64 // the time at which the record was created, in milliseconds since 1970
}

// String returns r in the form that the queue carries: the id, a dot, the generation.
func (r Ref) String() string { return r.ID + "." + strconv.FormatInt(r.Generation, 10) }

// ParseRef parses a string that Ref.String returned.
func ParseRef(s string) (Ref, error) {
	id, generation, ok := strings.Cut(s, ".")
	n, err := strconv.ParseInt(generation, 10, 64)
	if !ok || err != nil || n <= 0 || !ValidID(id) || s != (Ref{id, n}).String() {
		return Ref{}, &InvalidError{Field: "ref", Reason: "is not an id and a generation"}
	}
	return Ref{ID: id, Generation: n}, nil
}

// Ref returns the reference to this record.
func (m Message) Ref() Ref { return Ref{ID: m.ID, Generation: m.CreatedAt.UnixMilli()} }

// Unanswered reports whether m has an unanswered hand-over: one that has ended without a
// known outcome.
func (m Message) Unanswered() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool { return h.Answer == AnswerNone })
}

// Unmatched reports whether a pending receipt can be matched to m by its number. This is
// possible if a hand-over ended without an answer and the receipt for that hand-over has
// not come. Even after a late answer, m stays unmatched until that receipt comes.
// Otherwise the receipt could be matched to another message to the same number.
func (m Message) Unmatched() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool {
		return h.Receipt == "" && (h.Answer == AnswerNone || h.Late)
	})
}

// ProviderMessageID returns the newest provider message id among m's hand-overs. It
// returns "" if no hand-over has a provider message id.
func (m Message) ProviderMessageID() string {
	for _, h := range slices.Backward(m.HandOvers) {
		if h.ProviderMessageID != "" {
			return h.ProviderMessageID
		}
	}
	return ""
}

// ProviderRefs returns a reference for each hand-over that has a provider
// message id, oldest first.
func (m Message) ProviderRefs() []ProviderRef {
	var refs []ProviderRef
	for _, h := range m.HandOvers {
		if h.ProviderMessageID != "" {
			refs = append(refs, ProviderRef{h.Provider, h.ProviderMessageID})
		}
	}
	return refs
}

// voids returns the number of m's hand-overs that were proved void.
func (m Message) voids() int {
	return len(slices.DeleteFunc(slices.Clone(m.HandOvers), func(h HandOver) bool { return h.Receipt != VerdictVoid }))
}

// Price returns the cost of all hand-overs that receipts have reported.
func (m Message) Price() NanoUSD {
	var sum NanoUSD
	for _, h := range m.HandOvers {
		sum += h.Price
	}
	return sum
}

// History returns the events as clients see them. Hand-overs are numbered, and a last
// entry stands for the events that were only counted.
func (m Message) History() []Event {
	events := slices.Clone(m.Events)
	handOvers := 0
	for i := range events {
		if events[i].Status == Sending && events[i].Detail == "" {
			handOvers++
			events[i].Detail = "hand-over " + strconv.Itoa(handOvers) + " begins"
		}
	}
	if m.EventsOmitted > 0 {
		events = append(events, Event{
			At: m.UpdatedAt, Status: m.Status,
			Detail: strconv.Itoa(m.EventsOmitted) + " later events were only counted",
		})
	}
	return events
}

// Gone reports whether m is past its retention at the time now. Such a message counts as
// absent.
func (m Message) Gone(now time.Time) bool { return !m.PurgeAt.IsZero() && !now.Before(m.PurgeAt) }

// stamp returns t in the form of records: UTC, with millisecond precision.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
