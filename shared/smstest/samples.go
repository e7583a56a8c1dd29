package smstest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// sample is a record that is hard to keep as it is.
type sample struct {
	name string
	of   func(s stage) sms.Message
}

func samples() []sample {
	return []sample{
		{"a record with only the required fields", stage.message},
		{"a record with every field", stage.fullMessage},
		{"a text of 1,600 characters of every kind", func(s stage) sms.Message {
			m := s.message()
			m.Text = longText()
			m.Reference = "Ünïcode \"quoted\" \\ 漢字 🎉 \u2028 #{} :n"
			return m
		}},
		{"a record whose text was dropped", func(s stage) sms.Message {
			m := s.message()
			m.Text, m.TextDropped = "", true
			return m
		}},
		{"a record with many events", func(s stage) sms.Message {
			m := s.message()
			m.Events = s.events(sms.MaxEvents)
			m.EventsOmitted = 12_345
			return m
		}},
		{"times at the edges of a millisecond and of the calendar", func(s stage) sms.Message {
			m := s.message()
			m.CreatedAt = time.Date(2027, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
			m.UpdatedAt = time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)
			m.SendAt = time.Date(2028, 2, 29, 0, 0, 0, 1_000_000, time.UTC)
			m.ExpiresAt = time.Date(2099, 1, 1, 0, 0, 0, 100_000_000, time.UTC)
			return m
		}},
	}
}

// longText has 1,600 characters: letters, emoji, marks, line breaks and what
// JSON and expression languages treat in their own way.
func longText() string {
	const every = "aé漢\n\t\"\\'€{}[]~^|<>&\u0000\u2028\u200dñ"
	var b strings.Builder
	for b.Len() == 0 || sms.TextLength(b.String()) < sms.MaxTextLength-50 {
		b.WriteString(every)
		b.WriteString("🎉")
	}
	return b.String() + strings.Repeat(".", sms.MaxTextLength-sms.TextLength(b.String()))
}

// fullMessage has a value other than zero in every field, those of its lists
// included. What the fields say does not fit together: a store does not care.
func (s stage) fullMessage() sms.Message {
	now := s.clock.Now()
	in := func(ms int) time.Time { return now.Add(time.Duration(ms) * time.Millisecond) }
	m := sms.Message{
		ID: sms.NewID(), Owner: s.owner, Client: "client", Status: sms.Sending,
		Request: sms.Request{
			Number: s.number, Text: "Olá", Reference: "order 7", Type: sms.Promotional, SenderID: "ACME",
			OriginationNumber: "+12025550123", SendAt: in(1), ExpiresAt: in(3_600_000), MaxPriceUSD: "0.050", OnUnknown: sms.Hold,
			EntityID: "E1", TemplateID: "T1", ResendOf: sms.NewID(),
		},
		TextDropped: true,
		Encoding:    sms.Measure("Olá").Encoding, Parts: 3,
		CreatedAt: now, UpdatedAt: in(2), Attempts: 2,
		HandOvers: []sms.HandOver{
			{
				Provider: "fake", Token: sms.NewToken(), At: in(3), Until: in(4), Answer: sms.AnswerTaken, Late: true, ProviderMessageID: sms.NewToken(),
				Receipt: sms.VerdictUndelivered, Evidence: sms.ByHandset, Failure: sms.Unreachable, Price: 6_450_001,
			},
			{Provider: "fake", Token: sms.NewToken(), At: in(5), Until: in(6), Answer: sms.AnswerNone},
			{Provider: "fake", Token: sms.NewToken(), At: in(7), Until: in(8)},
		},
		Evidence: sms.ByCarrier,
		Failure:  sms.Explain(sms.OptedOut),
		Events: []sms.Event{
			{At: in(9), Status: sms.Queued, Detail: "accepted", ProviderAt: in(10)},
			{At: in(11), Status: sms.Sending},
		},
		EventsOmitted: 4,
		Fingerprint:   "f1", Nonce: sms.NewToken(), Revision: sms.NewToken(),
		LeaseToken: sms.NewToken(), LeaseUntil: in(12), NotBefore: in(13), Refusals: 5,
		Due:     sms.Due{Kind: sms.DueLease, At: in(14), Round: 6},
		PurgeAt: in(86_400_000),
	}
	fillTexts(&m.Request)
	for _, v := range []any{m, m.Request, m.HandOvers[0], m.Events[0], *m.Failure, m.Due} {
		if field := zeroField(v); field != "" {
			panic(fmt.Sprintf("smstest: give %T.%s a value in fullMessage", v, field))
		}
	}
	return m
}

// fillTexts gives each empty text of r its own name as its value, so that a new
// one is stored in the tests too.
func fillTexts(r *sms.Request) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[sms.Request]()) {
		if v := reflect.ValueOf(r).Elem().FieldByIndex(field.Index); v.Kind() == reflect.String && v.IsZero() {
			v.SetString(field.Name)
		}
	}
}

// zeroField names a field of v that has no value: a new one that fullMessage
// does not know.
func zeroField(v any) string {
	value := reflect.ValueOf(v)
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			return value.Type().Field(i).Name
		}
	}
	return ""
}

// events are n lines of history.
func (s stage) events(n int) []sms.Event {
	events := make([]sms.Event, n)
	for i := range events {
		events[i] = sms.Event{At: s.clock.Now(), Status: sms.Queued, Detail: fmt.Sprint("event ", i)}
	}
	return events
}
