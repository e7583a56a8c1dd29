package sms

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Request is what a client asks for: one message to one number. A record keeps the
// request unchanged, with two exceptions: [Rules.Accept] sets the times, and the client
// may later delete the text.
//
// The JSON tags are three contracts at once: the names in the API, the names in both
// stores, and the names that a fingerprint covers. A tag never changes. The tag max is
// the maximum length of a text, in characters.
type Request struct {
	Number            Number    `json:"phoneNumber"`
	Text              string    `json:"message,omitempty"`
	Reference         string    `json:"reference,omitempty" max:"100"` // the client's own name for the message
	Type              Type      `json:"type"`
	SenderID          string    `json:"senderId,omitempty"`
	OriginationNumber string    `json:"originationNumber,omitempty"`
	SendAt            time.Time `json:"sendAt,omitzero"`
	ExpiresAt         time.Time `json:"expiresAt,omitzero"`
	MaxPriceUSD       string    `json:"maxPriceUSD,omitempty"` // decimal, shortest form
	OnUnknown         OnUnknown `json:"onUnknown"`
	EntityID          string    `json:"entityId,omitempty"`   // the registration of the sender in India
	TemplateID        string    `json:"templateId,omitempty"` // the registration of the text in India
	ResendOf          string    `json:"resendOf,omitempty"`   // the id of the message that this request repeats
}

// Type is the kind of traffic. Providers bill and route messages by their type.
type Type string

// These are the two kinds of traffic.
const (
	Transactional Type = "transactional"
	Promotional   Type = "promotional"
)

// OnUnknown says what happens after a hand-over without an answer.
type OnUnknown string

// These are the choices after a hand-over without an answer.
const (
	Resend OnUnknown = "resend" // hand the message over again, so that the recipient gets it at least once
	Hold   OnUnknown = "hold"   // do nothing, so that the recipient gets the message at most once
)

// defaults has the values that are used for fields that the client leaves out.
var defaults = Request{Type: Transactional, OnUnknown: Resend}

// Draft is a request that is not accepted yet, together with the owner and the client
// that make it.
type Draft struct {
	Request

	Owner, Client string
	// NumberAsWritten is the number as the client wrote it, or "" if no client wrote one.
	// Only the fingerprint uses it; messages go to Number.
	NumberAsWritten string
}

// Again returns a request to send m once more. The new message is sent now, and has the
// deployment's default validity.
func (m Message) Again() Request {
	r := m.Request
	r.SendAt, r.ExpiresAt = time.Time{}, time.Time{}
	r.ResendOf = m.ID
	return r
}

// These limit the fields of a request.
const (
	MaxSchedule = 365 * 24 * time.Hour // the longest time from now to sendAt, and from sendAt to expiresAt
	PastSendAt  = time.Minute          // a sendAt in the past means now, if it is not older than this
)

var (
	senderID    = regexp.MustCompile(`^[A-Za-z0-9-]{3,11}$`)
	hasLetter   = regexp.MustCompile(`[A-Za-z]`)
	origination = regexp.MustCompile(`^\+?[0-9]{5,15}$`)
	registered  = regexp.MustCompile(`^[A-Za-z0-9]{1,50}$`)
)

// Fill returns r with defaults in the fields that the client left out.
func (r Request) Fill() Request {
	r.Type = cmp.Or(r.Type, defaults.Type)
	r.OnUnknown = cmp.Or(r.OnUnknown, defaults.OnUnknown)
	return r
}

// Check returns the mistakes in r. It finds only mistakes that depend neither on the time
// nor on the deployment. It does not check the number and the times.
func (r Request) Check() []InvalidError {
	var bad []InvalidError
	refuse := func(wrong bool, field, format string, args ...any) {
		if wrong {
			bad = append(bad, InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)})
		}
	}
	refuse(!visible(r.Text), "message", "must have a visible character")
	refuse(TextLength(r.Text) > MaxTextLength, "message", "must have at most %d characters", MaxTextLength)
	refuse(r.Type != Transactional && r.Type != Promotional, "type", "must be %s or %s", Transactional, Promotional)
	refuse(r.OnUnknown != Resend && r.OnUnknown != Hold, "onUnknown", "must be %s or %s", Resend, Hold)
	refuse(r.SenderID != "" && (!senderID.MatchString(r.SenderID) || !hasLetter.MatchString(r.SenderID)),
		"senderId", "must be 3 to 11 letters, digits or hyphens, at least one of them a letter")
	refuse(r.OriginationNumber != "" && !origination.MatchString(r.OriginationNumber),
		"originationNumber", "must be a number of 5 to 15 digits, with or without +")
	refuse(r.SenderID != "" && r.OriginationNumber != "", "originationNumber", "cannot be combined with senderId")
	refuse(r.EntityID != "" && !registered.MatchString(r.EntityID), "entityId", "must be 1 to 50 letters or digits")
	refuse(r.TemplateID != "" && !registered.MatchString(r.TemplateID), "templateId", "must be 1 to 50 letters or digits")
	for _, l := range textLimits {
		text := reflect.ValueOf(r).Field(l.field).String()
		refuse(utf8.RuneCountInString(text) > l.most, l.name, "must have at most %d characters", l.most)
	}
	return bad
}

// textLimit is the tag max of a field of Request.
type textLimit struct {
	field int    // the index of the field
	name  string // the JSON name of the field
	most  int    // characters
}

// textLimits contains the limit of each field that has one, in the order of the fields.
var textLimits = func() (limits []textLimit) {
	for i := range reflect.TypeFor[Request]().NumField() {
		field := reflect.TypeFor[Request]().Field(i)
		if most, err := strconv.Atoi(field.Tag.Get("max")); err == nil {
			limits = append(limits, textLimit{field: i, name: jsonName(field), most: most})
		}
	}
	return limits
}()

// MaxLength returns the maximum number of characters of the text field with the given
// JSON name. It returns 0 if the field has no tag max.
func MaxLength(name string) int {
	for _, l := range textLimits {
		if l.name == name {
			return l.most
		}
	}
	return 0
}

// visible reports whether a phone shows anything for a text. At least one character must
// be visible: not a space, not a control or format character, and not one that Unicode
// says to ignore.
func visible(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
	})
}

// CheckTimes returns what is wrong with the times in r. The parameter `now` is the present
// time.
func (r Request) CheckTimes(now time.Time) []InvalidError {
	var bad []InvalidError
	start := later(now, r.SendAt)
	switch {
	case r.SendAt.IsZero():
	case r.SendAt.Before(now.Add(-PastSendAt)):
		bad = append(bad, InvalidError{Field: "sendAt", Reason: "is in the past"})
	case r.SendAt.After(now.Add(MaxSchedule)):
		bad = append(bad, InvalidError{Field: "sendAt", Reason: "is more than a year ahead"})
	}
	switch {
	case r.ExpiresAt.IsZero():
	case !r.ExpiresAt.After(start):
		bad = append(bad, InvalidError{Field: "expiresAt", Reason: "must be in the future, and after sendAt"})
	case r.ExpiresAt.After(start.Add(MaxSchedule)):
		bad = append(bad, InvalidError{Field: "expiresAt", Reason: "is more than a year after the message may be sent"})
	}
	return bad
}

// Fingerprint identifies what the client asked for. It shows when an idempotency key
// comes again with another request. It covers the decoded fields and the number as the
// client wrote it, but nothing from the deployment's configuration.
//
// If a client repeats a request after the service was updated, it must get its message
// and not a refusal. So a new field does not change the digest of a request without this
// field: a field that is empty or has its default adds nothing.
func (d Draft) Fingerprint() string {
	r := d.Request
	if d.NumberAsWritten != "" {
		r.Number = Number(d.NumberAsWritten)
	}
	return digest(r, defaults)
}

// digest hashes "name=value", with JSON names, for each field of r that is not empty and
// differs from the same field of defaults.
func digest(r, defaults any) string {
	var set []string
	value, usual := reflect.ValueOf(r), reflect.ValueOf(defaults)
	for _, field := range reflect.VisibleFields(value.Type()) {
		if field.Anonymous {
			continue
		}
		v := value.FieldByIndex(field.Index)
		if v.IsZero() || v.Equal(usual.FieldByIndex(field.Index)) {
			continue
		}
		text := fmt.Sprint(v)
		if at, isTime := reflect.TypeAssert[time.Time](v); isTime {
			text = stamp(at).Format(time.RFC3339Nano)
		}
		set = append(set, jsonName(field)+"="+text)
	}
	slices.Sort(set)
	return fingerprint(set...)
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}
