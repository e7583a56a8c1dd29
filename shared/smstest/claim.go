package smstest

import (
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func testClaim(t *testing.T, open opener) {
	for _, c := range []struct {
		name string
		of   func(s stage) sms.Message
	}{
		{"a queued message", stage.message},
		{"a message tried before", func(s stage) sms.Message {
			m := s.message()
			m.HandOvers = []sms.HandOver{{
				Provider: "fake",
				Token:    sms.NewToken(), At: s.clock.Now(), Until: s.clock.Now(), Answer: sms.AnswerNone,
			}}
			m.Attempts, m.Refusals = 1, 2
			m.NotBefore = s.clock.Now()
			return m
		}},
		{"a message less than Skew before its time", func(s stage) sms.Message {
			m := s.message()
			m.NotBefore = s.clock.Now().Add(sms.Skew)
			return m
		}},
		{"a message just before its expiry", func(s stage) sms.Message {
			m := s.message()
			m.ExpiresAt = s.clock.Now().Add(time.Millisecond)
			return m
		}},
		{"a message with its last attempt", func(s stage) sms.Message {
			m := s.message()
			m.Attempts = s.rules.MaxAttempts - 1
			return m
		}},
		{"a scheduled message, which passes through queued", func(s stage) sms.Message {
			m := s.scheduled(time.Minute)
			s.clock.Advance(time.Minute)
			return m
		}},
		{"a message with one event less than the maximum", func(s stage) sms.Message {
			m := s.message()
			m.Events = s.events(sms.MaxEvents - 1)
			return m
		}},
		{"a message with the maximum number of events", func(s stage) sms.Message {
			m := s.message()
			m.Events = s.events(sms.MaxEvents)
			return m
		}},
		{"a scheduled message with room for only one of two events", func(s stage) sms.Message {
			m := s.scheduled(time.Minute)
			m.Events = s.events(sms.MaxEvents - 1)
			s.clock.Advance(time.Minute)
			return m
		}},
		{"a message with events that are only counted", func(s stage) sms.Message {
			m := s.message()
			m.Events = s.events(sms.MaxEvents)
			m.EventsOmitted = 3
			return m
		}},
		{"a message from a clock that is ahead of the sender's", func(s stage) sms.Message {
			m := s.message()
			m.UpdatedAt = s.clock.Now().Add(500 * time.Millisecond)
			return m
		}},
	} {
		t.Run("claims "+c.name, func(t *testing.T) {
			s := open(t)
			m := s.create(t, c.of(s))
			claim := s.rules.NewClaim("fake", s.clock.Now())
			want, err := claim.Apply(m)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Claim(t.Context(), m.Ref(), claim)
			if err != nil {
				t.Fatalf("Claim: %v", err)
			}
			checkDiff(t, "the claimed record", want, got, anyRevision)
			if got.Revision == m.Revision || got.Revision == "" {
				t.Errorf("the revision is %q and was %q, want a new one", got.Revision, m.Revision)
			}
			checkSame(t, got, s.get(t, m.ID))
		})
	}

	t.Run("a claimed scheduled message has the statuses scheduled, queued and sending in its history", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.scheduled(time.Minute))
		s.clock.Advance(time.Minute)
		var statuses []sms.Status
		for _, e := range s.claim(t, m).Events {
			statuses = append(statuses, e.Status)
		}
		checkDiff(t, "the history", []sms.Status{sms.Scheduled, sms.Queued, sms.Sending}, statuses)
	})

	for _, c := range refusals() {
		t.Run("refuses "+c.name, func(t *testing.T) {
			s := open(t)
			m := s.create(t, c.of(s))
			claim := s.rules.NewClaim("fake", s.clock.Now())
			_, err := s.Claim(t.Context(), m.Ref(), claim)
			refused, ok := errors.AsType[*sms.NotClaimableError](err)
			if !ok {
				t.Fatalf("Claim: %v, want a *NotClaimableError", err)
			}
			if refused.Reason != c.reason {
				t.Errorf("the reason is %q, want %q", refused.Reason, c.reason)
			}
			checkDiff(t, "the record in the error", m, refused.Current)
			checkDiff(t, "the record", m, s.get(t, m.ID))
		})
	}

	t.Run("another generation is not found", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		for _, ms := range []int64{-1, 1} {
			ref := m.Ref()
			ref.Generation += ms
			if _, err := s.Claim(t.Context(), ref, s.rules.NewClaim("fake", s.clock.Now())); !errors.Is(err, sms.ErrNotFound) {
				t.Errorf("Claim of a generation %+d ms from the right one: %v, want ErrNotFound", ms, err)
			}
		}
		checkDiff(t, "the record", m, s.get(t, m.ID))
	})

	t.Run("an absent record is not found", func(t *testing.T) {
		s := open(t)
		m := s.message()
		if _, err := s.Claim(t.Context(), m.Ref(), s.rules.NewClaim("fake", s.clock.Now())); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Claim: %v, want ErrNotFound", err)
		}
	})
}

type refusal struct {
	name   string
	reason sms.NotClaimable
	of     func(s stage) sms.Message
}

func refusals() []refusal {
	list := []refusal{
		{"a message at its expiry", sms.PastExpiry, func(s stage) sms.Message {
			m := s.message()
			m.ExpiresAt = s.clock.Now()
			return m
		}},
		{"a scheduled message before its time", sms.TooEarly, func(s stage) sms.Message {
			return s.scheduled(time.Hour)
		}},
		{"a retry before its time", sms.TooEarly, func(s stage) sms.Message {
			m := s.message()
			m.NotBefore = s.clock.Now().Add(sms.Skew + time.Millisecond)
			return m
		}},
		{"a message whose attempts are spent", sms.AttemptsSpent, func(s stage) sms.Message {
			m := s.message()
			m.Attempts = s.rules.MaxAttempts
			return m
		}},
		{"a message that is expired, too early and without attempts, as expired", sms.PastExpiry, func(s stage) sms.Message {
			m := s.message()
			m.ExpiresAt, m.NotBefore = s.clock.Now(), s.clock.Now().Add(time.Hour)
			m.Attempts = s.rules.MaxAttempts
			return m
		}},
		{"a message that is too early and without attempts, as too early", sms.TooEarly, func(s stage) sms.Message {
			m := s.message()
			m.NotBefore = s.clock.Now().Add(time.Hour)
			m.Attempts = s.rules.MaxAttempts
			return m
		}},
	}
	for _, status := range sms.Statuses() {
		if status == sms.Queued || status == sms.Scheduled {
			continue
		}
		list = append(list, refusal{"a message that is " + string(status), sms.NotWaiting, func(s stage) sms.Message {
			m := s.message()
			m.Status = status
			return m
		}})
	}
	return list
}
