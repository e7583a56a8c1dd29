package smstest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// sample is a record with values that a store could easily change by mistake.
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
		{"a record whose text was deleted", func(s stage) sms.Message {
			m := s.message()
			m.Text, m.TextDeleted = "", true
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

// longText contains characters that have a meaning in JSON or in expression languages.
func longText() string {
	const every = "aé漢\n\t\"\\'€{}[]~^|<>&\u0000\u2028\u200dñ"
	var b strings.Builder
	for b.Len() == 0 || sms.TextLength(b.String()) < sms.MaxTextLength-50 {
		b.WriteString(every)
		b.WriteString("🎉")
	}
	return b.String() + strings.Repeat(".", sms.MaxTextLength-sms.TextLength(b.String()))
}

// fullMessage gives a value to every field. Some values contradict each other, but a
// store does not check values.
func (s stage) fullMessage() sms.Message {
	m := recordedMessage(s.clock.Now())
	m.ID, m.Owner, m.Number = sms.NewID(), s.owner, s.number
	m.HandOvers[0].ProviderMessageID = sms.NewToken()
	fill(reflect.ValueOf(&m).Elem(), "")
	return m
}

// fill gives a value to every field that is still zero. So the tests also cover fields that
// recordedMessage lacks.
func fill(v reflect.Value, name string) {
	at, isTime := reflect.TypeAssert[*time.Time](v.Addr())
	switch kind := v.Kind(); {
	case isTime && v.IsZero():
		*at = time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)
	case isTime:
	case kind == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name)
		}
	case kind == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem(), name)
	case kind == reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		fill(v.Index(0), name)
	case !v.IsZero():
	case kind == reflect.String:
		v.SetString(name)
	case kind == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(7)
	default:
		panic(fmt.Sprintf("smstest: fill has no value for %s, a %s", name, v.Type()))
	}
}

func (s stage) events(n int) []sms.Event {
	events := make([]sms.Event, n)
	for i := range events {
		events[i] = sms.Event{At: s.clock.Now(), Status: sms.Queued, Detail: fmt.Sprint("event ", i)}
	}
	return events
}
