package smstest

import (
	"errors"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func testUpdate(t *testing.T, open opener) {
	t.Run("an update replaces the record and gives it a fresh revision", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		next := m
		next.Reference = "changed"
		saved := s.update(t, m, next)
		if saved.Revision == m.Revision || saved.Revision == "" {
			t.Errorf("the revision is %q and was %q, want a new one", saved.Revision, m.Revision)
		}
		checkDiff(t, "the result", next, saved, anyRevision)
		checkDiff(t, "the record", saved, s.get(t, m.ID))
	})

	t.Run("the revision that an update returns can be updated next", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		for _, reference := range []string{"one", "two", "three"} {
			next := m
			next.Reference = reference
			m = s.update(t, m, next)
		}
		checkDiff(t, "the record", m, s.get(t, m.ID))
	})

	t.Run("an update of an old revision is a conflict that shows the current record", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		next := m
		next.Reference = "first"
		saved := s.update(t, m, next)
		next.Reference = "second"
		_, err := s.Update(t.Context(), m, next)
		checkConflict(t, err, saved)
		checkDiff(t, "the record", saved, s.get(t, m.ID))
	})

	t.Run("after a claim, an update of the old revision is a conflict", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		claimed := s.claim(t, m)
		next, _, err := s.rules.Cancel(m, s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Update(t.Context(), m, next)
		checkConflict(t, err, claimed)
	})

	t.Run("an update of an absent record is not found", func(t *testing.T) {
		s := open(t)
		m := s.message()
		if _, err := s.Update(t.Context(), m, m); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Update: %v, want ErrNotFound", err)
		}
		if _, err := s.Get(t.Context(), m.ID); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Get after the update: %v, want ErrNotFound", err)
		}
	})

	for _, sample := range samples() {
		t.Run("Update keeps "+sample.name, func(t *testing.T) {
			s := open(t)
			m := s.create(t, s.message())
			next := sample.of(s)
			next.ID, next.Owner, next.CreatedAt, next.Nonce = m.ID, m.Owner, m.CreatedAt, m.Nonce
			next.Revision = m.Revision
			saved := s.update(t, m, next)
			checkDiff(t, "the result", next, saved, anyRevision)
			checkSame(t, saved, s.get(t, m.ID))
		})
	}

	t.Run("fields that an update empties are empty afterwards", func(t *testing.T) {
		s := open(t)
		full := s.create(t, s.fullMessage())
		bare := s.message()
		bare.ID, bare.CreatedAt, bare.Nonce, bare.Revision = full.ID, full.CreatedAt, full.Nonce, full.Revision
		saved := s.update(t, full, bare)
		checkSame(t, saved, s.get(t, full.ID))
	})

	t.Run("a message goes through its whole life by updates", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		m = s.handOver(t, m, sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow}))
		s.clock.Advance(m.NotBefore.Sub(s.clock.Now()))
		m = s.handOver(t, m, sms.Unanswered())
		s.clock.Advance(m.NotBefore.Sub(s.clock.Now()))
		m = s.handOver(t, m, sms.Taken(sms.NewToken()))
		changed, _, err := s.rules.DeleteText(m, s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		m = s.update(t, m, changed)
		if m.Status != sms.Sent || m.Attempts != 2 || m.Text != "" {
			t.Errorf("the message ended %s after %d attempts with the text %q, want sent, 2 attempts and no text", m.Status, m.Attempts, m.Text)
		}
		checkSame(t, m, s.get(t, m.ID))
	})
}
