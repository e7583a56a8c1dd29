package smstest

import (
	"errors"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func testPostpone(t *testing.T, open opener) {
	t.Run("postponing changes only the Due of a record", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		e := entryOf(m)
		want := m
		want.Due = e.Postponed(m.Due.At)
		got, err := s.Postpone(t.Context(), e, want.Due)
		if err != nil {
			t.Fatalf("Postpone: %v", err)
		}
		checkDiff(t, "the result", want, got, anyRevision)
		if got.Revision == m.Revision || got.Revision == "" {
			t.Errorf("the revision is %q and was %q, want a new one", got.Revision, m.Revision)
		}
		checkSame(t, got, s.get(t, m.ID))
		s.checkDue(t, sms.DueRescue, want.Due.At, 10, entryOf(got))
		s.checkDue(t, sms.DueRescue, want.Due.At.Add(-time.Millisecond), 10)
	})

	t.Run("postponing may change the kind of work", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.scheduled(time.Hour))
		e := entryOf(m)
		got, err := s.Postpone(t.Context(), e, e.Postponed(m.Due.At))
		if err != nil {
			t.Fatalf("Postpone: %v", err)
		}
		s.checkDue(t, sms.DueScheduled, s.farAhead(), 10)
		s.checkDue(t, sms.DueRescue, s.farAhead(), 10, entryOf(got))
	})

	for _, c := range []struct {
		name string
		seen func(sms.Due) sms.Due
	}{
		{"another time", func(d sms.Due) sms.Due { d.At = d.At.Add(-time.Millisecond); return d }},
		{"another kind", func(d sms.Due) sms.Due { d.Kind = sms.DueSend; return d }},
		{"another round", func(d sms.Due) sms.Due { d.Round++; return d }},
	} {
		t.Run("postponing an entry whose record is now due for "+c.name+" is a conflict", func(t *testing.T) {
			s := open(t)
			m := s.create(t, s.message())
			e := entryOf(m)
			e.Due = c.seen(m.Due)
			_, err := s.Postpone(t.Context(), e, e.Postponed(m.Due.At))
			checkConflict(t, err, m)
			checkDiff(t, "the record", m, s.get(t, m.ID))
		})
	}

	t.Run("postponing twice from the same entry is a conflict", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		e := entryOf(m)
		first, err := s.Postpone(t.Context(), e, e.Postponed(m.Due.At))
		if err != nil {
			t.Fatalf("Postpone: %v", err)
		}
		_, err = s.Postpone(t.Context(), e, e.Postponed(m.Due.At.Add(time.Hour)))
		checkConflict(t, err, first)
	})

	t.Run("postponing a record at rest is a conflict", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		e := entryOf(m)
		settled := s.handOver(t, m, sms.Taken(sms.NewToken()))
		_, err := s.Postpone(t.Context(), e, e.Postponed(m.Due.At))
		checkConflict(t, err, settled)
		checkDiff(t, "the record", settled, s.get(t, m.ID))
	})

	t.Run("postponing another generation or an absent record is not found", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		other := entryOf(m)
		other.Ref.Generation++
		absent := entryOf(s.message())
		for _, e := range []sms.DueEntry{other, absent} {
			if _, err := s.Postpone(t.Context(), e, e.Postponed(m.Due.At)); !errors.Is(err, sms.ErrNotFound) {
				t.Errorf("Postpone of %v: %v, want ErrNotFound", e.Ref, err)
			}
		}
		checkDiff(t, "the record", m, s.get(t, m.ID))
	})
}
