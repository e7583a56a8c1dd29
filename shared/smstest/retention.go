package smstest

import (
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func testRetention(t *testing.T, open opener) {
	// gone returns a message past its retention. While the message was live, every look-up
	// and every index found it.
	gone := func(t *testing.T, s stage) sms.Message {
		t.Helper()
		m := s.fullMessage()
		m.Status = sms.Queued
		m.CreatedAt = m.CreatedAt.Add(-time.Hour)
		m.ExpiresAt = s.clock.Now().Add(365 * 24 * time.Hour)
		m.NotBefore = time.Time{}
		m.PurgeAt = s.clock.Now().Add(24 * time.Hour)
		s.create(t, m)
		s.checkFound(t, m.ProviderMessageID(), m.ID)
		s.clock.Advance(24 * time.Hour)
		return m
	}

	t.Run("a record is live until its retention ends", func(t *testing.T) {
		s := open(t)
		m := s.createSent(t, sms.NewToken())
		s.clock.Advance(s.rules.Retention - time.Millisecond)
		checkDiff(t, "the record", m, s.get(t, m.ID))
		s.clock.Advance(time.Millisecond)
		if _, err := s.Get(t.Context(), m.ID); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Get: %v, want ErrNotFound", err)
		}
	})

	t.Run("no call finds a record past its retention", func(t *testing.T) {
		s := open(t)
		m := gone(t, s)
		ctx := t.Context()
		for _, call := range []struct {
			name string
			call func() error
		}{
			{"Get", func() error { _, err := s.Get(ctx, m.ID); return err }},
			{"Claim", func() error { _, err := s.Claim(ctx, m.Ref(), s.rules.NewClaim("fake", s.clock.Now())); return err }},
			{"Update", func() error { _, err := s.Update(ctx, m, m); return err }},
			{"Update of an old revision", func() error {
				stale := m
				stale.Revision = sms.NewToken()
				_, err := s.Update(ctx, stale, stale)
				return err
			}},
			{"Postpone", func() error {
				e := entryOf(m)
				_, err := s.Postpone(ctx, e, e.Postponed(s.clock.Now()))
				return err
			}},
			{"FindByProviderRef and Receive", func() error {
				id, err := s.FindByProviderRef(ctx, m.ProviderRefs()[0])
				if err != nil {
					return err
				}
				_, err = s.ApplyReceipt(ctx, s.rules, id, s.receipt(m, sms.VerdictDelivered), s.clock.Now())
				return err
			}},
			{"Receive", func() error {
				_, err := s.ApplyReceipt(ctx, s.rules, m.ID, s.receipt(m, sms.VerdictDelivered), s.clock.Now())
				return err
			}},
		} {
			if err := call.call(); !errors.Is(err, sms.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", call.name, err)
			}
		}
		unmatched, err := s.Unmatched(ctx, m.Number)
		if err != nil {
			t.Fatalf("Unmatched: %v", err)
		}
		for _, id := range unmatched.MessageIDs { // an index can still list it
			if _, err := s.Get(ctx, id); !errors.Is(err, sms.ErrNotFound) {
				t.Errorf("Get of an unmatched message: %v, want ErrNotFound", err)
			}
		}
		s.checkList(t, sms.ListQuery{Limit: 10, Examine: 10})
		for _, kind := range dueKinds {
			s.checkDue(t, kind, s.farAhead(), 10)
		}
	})

	t.Run("a receipt of a sent message past its retention is not found", func(t *testing.T) {
		s := open(t)
		m := s.createSent(t, sms.NewToken())
		s.clock.Advance(s.rules.Retention)
		_, err := s.ApplyReceipt(t.Context(), s.rules, m.ID, s.receipt(m, sms.VerdictDelivered), s.clock.Now())
		if !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Receive: %v, want ErrNotFound", err)
		}
	})

	t.Run("an id can be used again after its record's retention, and nothing is left of the old record", func(t *testing.T) {
		s := open(t)
		old := gone(t, s)
		m := s.message()
		m.ID = old.ID
		s.create(t, m)
		checkSame(t, m, s.get(t, m.ID))
		s.checkDue(t, sms.DueRescue, s.farAhead(), 10, entryOf(m))
		s.checkDue(t, sms.DueLease, s.farAhead(), 10)
		s.checkUnmatched(t, m.Number, sms.Unmatched{})
		if _, err := s.Claim(t.Context(), old.Ref(), s.rules.NewClaim("fake", s.clock.Now())); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Claim of the old generation: %v, want ErrNotFound", err)
		}
		checkDiff(t, "the record", m, s.get(t, m.ID))
		s.claim(t, m)
	})

	t.Run("an id can be used again after its record's retention, even with the same nonce", func(t *testing.T) {
		s := open(t)
		m := gone(t, s)
		again := s.message()
		again.ID, again.Nonce = m.ID, m.Nonce
		s.create(t, again)
		checkDiff(t, "the record", again, s.get(t, m.ID))
	})

	t.Run("of concurrent creations with such an id, one wins", func(t *testing.T) {
		s := open(t)
		old := gone(t, s)
		won, lost := oneWinner(t, race(raceCallers, func(int) (sms.Message, error) {
			m := s.message()
			m.ID = old.ID
			return m, s.Create(t.Context(), m)
		}))
		for _, err := range lost {
			checkConflict(t, err, won)
		}
		checkDiff(t, "the record", won, s.get(t, old.ID))
	})
}
