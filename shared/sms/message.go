// Package sms is the domain of smsqueue: messages, the states they may have and
// the rules that change them, and the ports through which the rules meet the
// world. It imports no adapter and no SDK.
package sms

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Evidence says who vouches for a delivery.
type Evidence string

// Who may vouch for a delivery.
const (
	ByCarrier Evidence = "carrier" // the carrier took it towards the phone
	ByHandset Evidence = "handset" // the phone acknowledged it
)

// MaxEvents is how many events a message keeps; later ones are only counted.
const MaxEvents = 50

// Message is the stored record: what the client asked for, what became of it,
// and the work that is left. Its methods only read it; the rules change copies.
// Times have millisecond precision and are UTC; a zero time is an absent one.
//
// The JSON tags of a message, and of all that it holds, are a stored format. Both
// stores name their fields by them, and each keeps a record of every release in
// testdata. A tag never changes; a new field is optional.
type Message struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	// Client is the id of the credentials that submitted it; the queue keeps
	// clients apart by it.
	Client string `json:"client"`
	Status Status `json:"status"`

	Request

	TextDropped bool `json:"textDropped,omitempty"`

	Encoding  Encoding   `json:"encoding"`
	Parts     int        `json:"parts"` // an estimate, until a receipt tells
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Attempts  int        `json:"attempts"` // publishes that may have left; those stopped by trouble with the account are given back
	HandOvers []HandOver `json:"handOvers,omitempty"`
	Evidence  Evidence   `json:"evidence,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`
	Events    []Event    `json:"events"`
	// EventsOmitted counts what came after MaxEvents.
	EventsOmitted int `json:"eventsOmitted,omitempty"`

	// Fingerprint identifies the decoded request, so that the reuse of an
	// idempotency key for another one is seen.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Nonce is drawn by each call that tries to create the record: the one
	// that finds its own in it is the creator.
	Nonce string `json:"nonce"`
	// Revision is fresh with every write; conditional writes name the one
	// they have seen.
	Revision string `json:"revision"`

	LeaseToken string    `json:"leaseToken,omitempty"` // names the hand-over in flight
	LeaseUntil time.Time `json:"leaseUntil,omitzero"`
	NotBefore  time.Time `json:"notBefore,omitzero"` // no claim before it
	Refusals   int       `json:"refusals,omitempty"` // refusals for now in a row, for the backoff
	Due        Due       `json:"due,omitzero"`
	PurgeAt    time.Time `json:"purgeAt,omitzero"` // end of retention
}

// Event is one line of a message's history.
type Event struct {
	At         time.Time `json:"at"`
	Status     Status    `json:"status"` // the state after it
	Detail     string    `json:"detail,omitempty"`
	ProviderAt time.Time `json:"providerAt,omitzero"` // the provider's own clock
}

// HandOver is one publish that may have reached the provider. Refused ones are
// removed again, so that what stands here was taken, may have been, or is in
// flight.
type HandOver struct {
	Token             string       `json:"token"` // the lease it was made under
	Provider          ProviderName `json:"provider"`
	At                time.Time    `json:"at"`    // not before this
	Until             time.Time    `json:"until"` // nor after this
	Answer            Answer       `json:"answer,omitempty"`
	ProviderMessageID string       `json:"providerMessageId,omitempty"`
	// Late says that its answer came after its lease was given up.
	Late bool `json:"late,omitempty"`
	// What its receipt said, once it came.
	Receipt  Verdict     `json:"receipt,omitempty"`
	Evidence Evidence    `json:"evidence,omitempty"`
	Failure  FailureCode `json:"failure,omitempty"`
	Price    NanoUSD     `json:"price,omitempty"`
}

// Answer is what the provider said to a hand-over.
type Answer string

// The answers that a hand-over may have; in flight it has none of them.
const (
	AnswerTaken Answer = "taken"
	AnswerNone  Answer = "none" // its sender died, or the provider did not answer
)

// Failure says why a message was not delivered, in words for the client.
type Failure struct {
	Code      FailureCode `json:"code"`
	Detail    string      `json:"detail"`
	Permanent bool        `json:"permanent"`
	Action    string      `json:"action"` // what the client can do
}

// Ref is all that the queue carries: which record, and which of those that
// had this id one after another.
type Ref struct {
	ID         string
	Generation int64 // creation time, milliseconds since 1970
}

// String is the form that travels on the queue: id, dot, generation.
func (r Ref) String() string { return r.ID + "." + strconv.FormatInt(r.Generation, 10) }

// ParseRef reads what String wrote.
func ParseRef(s string) (Ref, error) {
	id, generation, ok := strings.Cut(s, ".")
	n, err := strconv.ParseInt(generation, 10, 64)
	if !ok || err != nil || n <= 0 || !ValidID(id) || s != (Ref{id, n}).String() {
		return Ref{}, &InvalidError{Field: "ref", Reason: "is not an id and a generation"}
	}
	return Ref{ID: id, Generation: n}, nil
}

// Ref names this record on the queue.
func (m Message) Ref() Ref { return Ref{ID: m.ID, Generation: m.CreatedAt.UnixMilli()} }

// Unanswered reports whether a hand-over is over and nobody knows what became
// of it.
func (m Message) Unanswered() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool { return h.Answer == AnswerNone })
}

// Unmatched reports whether a pending receipt may be matched to m by its number:
// a hand-over ended without an answer, and its receipt has not come. An answer
// that comes late does not end this. Until its receipt comes, such a hand-over
// must be seen, lest another message to its number gets that receipt.
func (m Message) Unmatched() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool {
		return h.Receipt == "" && (h.Answer == AnswerNone || h.Late)
	})
}

// ProviderMessageID is the id that the provider gave to the newest hand-over it took,
// or "".
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

// Price is what all hand-overs together cost, as far as receipts told.
func (m Message) Price() NanoUSD {
	var sum NanoUSD
	for _, h := range m.HandOvers {
		sum += h.Price
	}
	return sum
}

// History is the list of events as clients read it: hand-overs numbered, and
// a last line that counts what was not kept.
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
			Detail: strconv.Itoa(m.EventsOmitted) + " later events were counted, not kept",
		})
	}
	return events
}

// Gone reports whether the record is past its retention at now, and so absent.
func (m Message) Gone(now time.Time) bool { return !m.PurgeAt.IsZero() && !now.Before(m.PurgeAt) }

// stamp gives a time the form that records have.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
