package smstest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func testMessages(t *testing.T, open opener) {
	t.Run("a created record is read as it was written", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		checkDiff(t, "the record", m, s.get(t, m.ID))
	})

	t.Run("an id without a record is not found", func(t *testing.T) {
		s := open(t)
		if _, err := s.Get(t.Context(), sms.NewID()); !errors.Is(err, sms.ErrNotFound) {
			t.Errorf("Get: %v, want ErrNotFound", err)
		}
	})

	t.Run("creating a second record with the same id is a conflict that shows the first", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		m = s.claim(t, m)
		other := s.message()
		other.ID = m.ID
		checkConflict(t, s.Create(t.Context(), other), m)
		checkDiff(t, "the record", m, s.get(t, m.ID))
	})

	t.Run("creating again with the same nonce succeeds", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		s.create(t, m)
		checkDiff(t, "the record", m, s.get(t, m.ID))
	})

	t.Run("creating again with the same nonce does not undo a later change", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		claimed := s.claim(t, m)
		s.create(t, m)
		checkDiff(t, "the record", claimed, s.get(t, m.ID))
	})

	for _, sample := range samples() {
		t.Run("Create and Get keep "+sample.name, func(t *testing.T) {
			s := open(t)
			m := sample.of(s)
			s.create(t, m)
			checkSame(t, m, s.get(t, m.ID))
		})
	}
}

func checkConflict(t *testing.T, err error, current sms.Message) {
	t.Helper()
	conflict, ok := errors.AsType[*sms.ConflictError](err)
	if !ok {
		t.Fatalf("got the error %v, want a *ConflictError", err)
	}
	checkDiff(t, "the record in the conflict", current, conflict.Current)
}

// Unlike checkDiff, checkSame notices a time that is no longer in UTC, and an absent time
// that is now set.
func checkSame(t *testing.T, want, got sms.Message) {
	t.Helper()
	checkDiff(t, "the record", want, got)
	wantJSON, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	gotJSON, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	checkDiff(t, "the record as JSON", string(wantJSON), string(gotJSON))
}
