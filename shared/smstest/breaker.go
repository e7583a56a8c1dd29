package smstest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var anyBreakerRevision = cmpopts.IgnoreFields(sms.Breaker{}, "Revision")

func (s stage) breaker(t *testing.T) sms.Breaker {
	t.Helper()
	b, err := s.LoadBreaker(t.Context())
	if err != nil {
		t.Fatalf("LoadBreaker: %v", err)
	}
	return b
}

func (s stage) saveBreaker(t *testing.T, b sms.Breaker) sms.Breaker {
	t.Helper()
	if err := s.SaveBreaker(t.Context(), b); err != nil {
		t.Fatalf("SaveBreaker: %v", err)
	}
	return s.breaker(t)
}

func testBreakers(t *testing.T, open opener) {
	t.Run("a breaker that was never saved is closed", func(t *testing.T) {
		s := open(t)
		checkDiff(t, "the breaker", sms.Breaker{}, s.breaker(t))
	})

	t.Run("a saved breaker is read as it was written, with a fresh revision", func(t *testing.T) {
		s := open(t)
		now := s.clock.Now()
		b := sms.Breaker{
			Open: true, Trouble: sms.SpendLimit, Detail: "No quota left for account — «ação»",
			OpenedAt: now, ClosedAt: now.Add(-time.Hour), ProbeAt: now.Add(time.Minute),
			ProbeLastAt: now.Add(3 * time.Minute), Probes: 3, ProbeIDs: []string{sms.NewID(), sms.NewID()},
			TurnAt: now.Add(time.Second), Probers: []string{"an owner"}, LastInLine: []string{"an owner"}, Reviewed: []string{"a number"},
			Tally: sms.Tally{
				TakenAt: now.Add(-time.Minute), Taken: []string{"a number"},
				Refused: []sms.RefusedNumber{{Number: "another number", Owner: "an owner", At: now}},
			},
		}
		first := s.saveBreaker(t, b)
		checkDiff(t, "the breaker", b, first, anyBreakerRevision)
		second := s.saveBreaker(t, first.Close(now))
		checkDiff(t, "the closed breaker", sms.Breaker{ClosedAt: now, Reviewed: b.Reviewed, Tally: sms.Tally{TakenAt: b.Tally.TakenAt, Taken: b.Tally.Taken}}, second, anyBreakerRevision)
		if first.Revision == "" || second.Revision == "" || first.Revision == second.Revision {
			t.Errorf("the revisions are %q and %q, want two different revisions", first.Revision, second.Revision)
		}
	})

	t.Run("saving an outdated breaker is a conflict", func(t *testing.T) {
		s := open(t)
		first := s.saveBreaker(t, sms.Breaker{}.Pause("first", s.clock.Now()))
		second := s.saveBreaker(t, first.Close(s.clock.Now()))
		for name, revision := range map[string]string{
			"none": "", "the first one": first.Revision, "one that never existed": sms.NewToken(),
		} {
			b := second.Pause("too late", s.clock.Now())
			b.Revision = revision
			if err := s.SaveBreaker(t.Context(), b); !errors.Is(err, sms.ErrConflict) {
				t.Errorf("SaveBreaker with the revision %s: %v, want ErrConflict", name, err)
			}
		}
		checkDiff(t, "the breaker", second, s.breaker(t))
	})

	t.Run("saving with a revision is a conflict if no breaker was saved", func(t *testing.T) {
		s := open(t)
		b := sms.Breaker{Revision: sms.NewToken()}.Pause("from nowhere", s.clock.Now())
		if err := s.SaveBreaker(t.Context(), b); !errors.Is(err, sms.ErrConflict) {
			t.Errorf("SaveBreaker: %v, want ErrConflict", err)
		}
		checkDiff(t, "the breaker", sms.Breaker{}, s.breaker(t))
	})
}
