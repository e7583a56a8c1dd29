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

// Who may confirm a delivery.
const (
	ByCarrier Evidence = "carrier" // the carrier took it
	ByHandset Evidence = "handset" // the phone acknowledged it
)

// MaxEvents is how many events a message keeps. Later ones are only counted.
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
	// Client is the id of the credentials that submitted it. The queue groups
	// envelopes by it.
	Client string `json:"client"`
	Status Status `json:"status"`

	Request

	TextDeleted bool `json:"textDeleted,omitempty"` // the client had the text deleted

	Encoding  Encoding   `json:"encoding"`
	Parts     int        `json:"parts"` // an estimate, until a receipt names the number
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Attempts  int        `json:"attempts"` // hand-overs that reached the provider, or may have, without those that account-wide trouble stopped
	HandOvers []HandOver `json:"handOvers,omitempty"`
	Evidence  Evidence   `json:"evidence,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`
	Events    []Event    `json:"events"`
	// EventsOmitted counts the events beyond the first MaxEvents.
	EventsOmitted int `json:"eventsOmitted,omitempty"`

	// Fingerprint is the fingerprint of the draft. It shows whether an
	// idempotency key was used again with another request.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Nonce is drawn anew for each attempt to create the record. A writer that
	// finds its own nonce in the record created it.
	Nonce string `json:"nonce"`
	// Revision is fresh with every write. A conditional write names the revision
	// that it replaces.
	Revision string `json:"revision"`

	LeaseToken string    `json:"leaseToken,omitempty"` // names the hand-over in flight
	LeaseUntil time.Time `json:"leaseUntil,omitzero"`
	NotBefore  time.Time `json:"notBefore,omitzero"` // when it may be claimed
	Refusals   int       `json:"refusals,omitempty"` // how often in a row it was put back, for the backoff
	Due        Due       `json:"due,omitzero"`
	PurgeAt    time.Time `json:"purgeAt,omitzero"` // end of retention
}

// Event is one line of a message's history.
type Event struct {
	At         time.Time `json:"at"`
	Status     Status    `json:"status"` // the status after the event
	Detail     string    `json:"detail,omitempty"`
	ProviderAt time.Time `json:"providerAt,omitzero"` // by the provider's clock
}

// HandOver is one hand-over that may have reached the provider: it was taken, is
// unanswered, or is in flight. A refused hand-over is removed.
type HandOver struct {
	Token             string       `json:"token"` // the token of its lease
	Provider          ProviderName `json:"provider"`
	At                time.Time    `json:"at"`    // when it began, at the earliest
	Until             time.Time    `json:"until"` // when it ended, at the latest
	Answer            Answer       `json:"answer,omitempty"`
	ProviderMessageID string       `json:"providerMessageId,omitempty"`
	// Late says that the answer came after the lease was given up.
	Late bool `json:"late,omitempty"`
	// What its receipt said. All are empty until the receipt comes.
	Receipt  Verdict     `json:"receipt,omitempty"`
	Evidence Evidence    `json:"evidence,omitempty"`
	Failure  FailureCode `json:"failure,omitempty"`
	Price    NanoUSD     `json:"price,omitempty"`
}

// Answer is what the provider replied to a hand-over.
type Answer string

// The answers to a hand-over. A hand-over in flight has neither.
const (
	AnswerTaken Answer = "taken"
	AnswerNone  Answer = "none" // the sender died, or the provider did not answer
)

// Failure says why a message was not delivered, in words for the client.
type Failure struct {
	Code      FailureCode `json:"code"`
	Detail    string      `json:"detail"`
	Permanent bool        `json:"permanent"`
	Action    string      `json:"action"` // what the client can do
}

// Ref names a record on the queue. An id may be used again after its record's
// retention; the generation tells one record from the next.
type Ref struct {
	ID         string
	Generation int64 // creation time, milliseconds since 1970
}

// String returns r as the queue carries it: id, dot, generation.
func (r Ref) String() string { return r.ID + "." + strconv.FormatInt(r.Generation, 10) }

// ParseRef parses the form that String returns.
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

// Unanswered reports whether m has an unanswered hand-over: it has ended, and its
// outcome is not known.
func (m Message) Unanswered() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool { return h.Answer == AnswerNone })
}

// Unmatched reports whether a pending receipt may be matched to m by its number: a
// hand-over ended without an answer, and its receipt has not come. m stays
// unmatched even if a late answer comes, until the receipt of that hand-over comes.
// Otherwise another message to the same number could get that receipt.
func (m Message) Unmatched() bool {
	return slices.ContainsFunc(m.HandOvers, func(h HandOver) bool {
		return h.Receipt == "" && (h.Answer == AnswerNone || h.Late)
	})
}

// ProviderMessageID returns the provider message id of the newest hand-over that
// has one, or "".
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

// voids returns how many of the listed hand-overs were proved void.
func (m Message) voids() int {
	return len(slices.DeleteFunc(slices.Clone(m.HandOvers), func(h HandOver) bool { return h.Receipt != VerdictVoid }))
}

// Price returns the cost of all hand-overs together, as far as receipts reported it.
func (m Message) Price() NanoUSD {
	var sum NanoUSD
	for _, h := range m.HandOvers {
		sum += h.Price
	}
	return sum
}

// History returns the events as clients read them: with numbered hand-overs, and
// with a last line for the events that were only counted.
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

// Gone reports whether m is past its retention at now, and therefore absent.
func (m Message) Gone(now time.Time) bool { return !m.PurgeAt.IsZero() && !now.Before(m.PurgeAt) }

// stamp returns t as records have it: in UTC, with millisecond precision.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
