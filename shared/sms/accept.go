package sms

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Draft is a request to send one message, decoded but not yet accepted.
type Draft struct {
	Owner, Client     string
	PhoneNumber       string // as the client wrote it
	Number            Number // as it was read
	Text              string
	Reference         string
	Type              Type
	SenderID          string
	OriginationNumber string
	SendAt, ExpiresAt time.Time
	MaxPriceUSD       string
	OnUnknown         OnUnknown
	EntityID          string
	TemplateID        string
	ResendOf          string
}

// Again completes d, which says by whom, with what m was: a request to send it
// once more, now, and for the deployment's whole validity.
func (m Message) Again(d Draft) Draft {
	d.PhoneNumber, d.Number, d.Text, d.Reference, d.Type = string(m.Number), m.Number, m.Text, m.Reference, m.Type
	d.SenderID, d.OriginationNumber, d.MaxPriceUSD = m.SenderID, m.OriginationNumber, m.MaxPriceUSD
	d.OnUnknown, d.EntityID, d.TemplateID = m.OnUnknown, m.EntityID, m.TemplateID
	d.ResendOf = m.ID
	return d
}

// Limits of a request's fields.
const (
	MaxReference = 100                  // characters
	MaxSchedule  = 365 * 24 * time.Hour // how far ahead sendAt may lie, and expiresAt after it
	PastSendAt   = time.Minute          // a sendAt this much past means now
)

var (
	senderID    = regexp.MustCompile(`^[A-Za-z0-9-]{3,11}$`)
	hasLetter   = regexp.MustCompile(`[A-Za-z]`)
	origination = regexp.MustCompile(`^\+?[0-9]{5,15}$`)
	registered  = regexp.MustCompile(`^[A-Za-z0-9]{1,50}$`)
)

// Fill gives the fields that the client left out their defaults.
func (d Draft) Fill() Draft {
	if d.Type == "" {
		d.Type = Transactional
	}
	if d.OnUnknown == "" {
		d.OnUnknown = Resend
	}
	return d
}

// Check returns what is wrong with the fields whatever the time is.
func (d Draft) Check() []InvalidError {
	var bad []InvalidError
	refuse := func(wrong bool, field, format string, args ...any) {
		if wrong {
			bad = append(bad, InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)})
		}
	}
	refuse(!visible(d.Text), "message", "must have a visible character")
	refuse(TextLength(d.Text) > MaxTextLength, "message", "must have at most %d characters", MaxTextLength)
	refuse(utf8.RuneCountInString(d.Reference) > MaxReference, "reference", "must have at most %d characters", MaxReference)
	refuse(d.Type != Transactional && d.Type != Promotional, "type", "must be %s or %s", Transactional, Promotional)
	refuse(d.OnUnknown != Resend && d.OnUnknown != Hold, "onUnknown", "must be %s or %s", Resend, Hold)
	// These forms are the API's promise, whatever the provider. One that accepts
	// less refuses the message for good.
	refuse(d.SenderID != "" && (!senderID.MatchString(d.SenderID) || !hasLetter.MatchString(d.SenderID)),
		"senderId", "must be 3 to 11 letters, digits or hyphens, at least one of them a letter")
	refuse(d.OriginationNumber != "" && !origination.MatchString(d.OriginationNumber),
		"originationNumber", "must be a number of 5 to 15 digits, with or without +")
	refuse(d.SenderID != "" && d.OriginationNumber != "", "originationNumber", "must not stand beside senderId")
	refuse(d.EntityID != "" && !registered.MatchString(d.EntityID), "entityId", "must be 1 to 50 letters or digits")
	refuse(d.TemplateID != "" && !registered.MatchString(d.TemplateID), "templateId", "must be 1 to 50 letters or digits")
	return bad
}

// visible reports whether a phone shows anything of text: something besides
// spaces, control and format characters, and what Unicode has readers leave out.
func visible(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

// CheckTimes returns what is wrong with the fields at now.
func (d Draft) CheckTimes(now time.Time) []InvalidError {
	var bad []InvalidError
	start := later(now, d.SendAt)
	switch {
	case d.SendAt.IsZero():
	case d.SendAt.Before(now.Add(-PastSendAt)):
		bad = append(bad, InvalidError{Field: "sendAt", Reason: "lies in the past"})
	case d.SendAt.After(now.Add(MaxSchedule)):
		bad = append(bad, InvalidError{Field: "sendAt", Reason: "lies more than a year ahead"})
	}
	switch {
	case d.ExpiresAt.IsZero():
	case !d.ExpiresAt.After(start):
		bad = append(bad, InvalidError{Field: "expiresAt", Reason: "must lie ahead, and after sendAt"})
	case d.ExpiresAt.After(start.Add(MaxSchedule)):
		bad = append(bad, InvalidError{Field: "expiresAt", Reason: "lies more than a year after the message may be sent"})
	}
	return bad
}

// Fingerprint identifies what the client asked for: equal for equal decoded
// fields, whatever the deployment's configuration was.
func (d Draft) Fingerprint() string {
	d = d.Fill()
	instant := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return stamp(t).Format(time.RFC3339Nano)
	}
	return fingerprint(d.PhoneNumber, d.Text, d.Reference, string(d.Type), d.SenderID, d.OriginationNumber,
		instant(d.SendAt), instant(d.ExpiresAt), d.MaxPriceUSD, string(d.OnUnknown), d.EntityID, d.TemplateID, d.ResendOf)
}

// EnqueueAhead is how long before its time a message goes onto the queue, as
// a delayed one. It must exceed the relay's interval: what is accepted with
// less ahead of it is enqueued by the API, the rest by the relay.
const EnqueueAhead = 2 * time.Minute

// Accept is the record of d, which must have passed both checks, under id at
// now.
func (r Rules) Accept(id string, d Draft, now time.Time) Message {
	now = stamp(now)
	d = d.Fill()
	measure := Measure(d.Text)
	m := Message{
		ID: id, Owner: d.Owner, Client: d.Client, Status: Queued,
		Number: d.Number, Text: d.Text, Reference: d.Reference, Type: d.Type,
		SenderID: d.SenderID, OriginationNumber: d.OriginationNumber,
		MaxPriceUSD: d.MaxPriceUSD, OnUnknown: d.OnUnknown,
		EntityID: d.EntityID, TemplateID: d.TemplateID, ResendOf: d.ResendOf,
		Encoding: measure.Encoding, Parts: measure.Parts,
		CreatedAt: now, UpdatedAt: now,
		Fingerprint: d.Fingerprint(), Nonce: NewToken(), Revision: NewToken(),
	}
	start := now
	if !d.SendAt.IsZero() {
		m.SendAt = stamp(d.SendAt)
	}
	if m.SendAt.After(now) {
		start = m.SendAt
		m.Status, m.NotBefore = Scheduled, m.SendAt
	}
	m.ExpiresAt = start.Add(r.Validity)
	if !d.ExpiresAt.IsZero() {
		m.ExpiresAt = stamp(d.ExpiresAt)
	}
	m.Due = enqueued(start, m.ExpiresAt)
	if start.Sub(now) > EnqueueAhead {
		m.Due = Due{Kind: DueSend, At: start}
	}
	m.Events = []Event{{At: now, Status: m.Status, Detail: "accepted"}}
	return m
}

// EnqueueNow reports whether whoever created m puts it onto the queue too, and
// with what delay; otherwise the relay will.
func (m Message) EnqueueNow(now time.Time) (delay time.Duration, yes bool) {
	if m.Due.Kind != DueRescue {
		return 0, false
	}
	return m.Delay(now), true
}

// Delay is how long a copy that is enqueued at now must wait, in whole
// seconds, so that it arrives when m may be claimed and not before; at most
// MaxDelay. Only a message that expires before it may be claimed is enqueued
// longer ahead: no claim is made on its copy, and its Due is its expiry.
func (m Message) Delay(now time.Time) time.Duration {
	wait := max(0, m.NotBefore.Sub(now))
	return min((wait + time.Second - 1).Truncate(time.Second), MaxDelay)
}
