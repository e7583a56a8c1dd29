package smstest

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// ReopenStore returns an empty store, and a function that opens another store on the same
// records, as a restart of the program would. Both stores use the given clock. When the
// other store is open, tests no longer use the first store.
type ReopenStore func(t *testing.T, now func() time.Time) (first sms.Store, reopen func() sms.Store)

// TestReopen restarts a store and checks that it still has the result of every call that
// returned no error before the restart.
func TestReopen(t *testing.T, open ReopenStore) {
	start := func(t *testing.T) (s stage, reopen func()) {
		t.Helper()
		s = plannedStage()
		first, again := open(t, s.clock.Now)
		current := &reopened{Store: first}
		s.Store = current
		return s, func() { current.Store = again() }
	}

	t.Run("records survive a restart, and every look-up finds them", func(t *testing.T) {
		s, reopen := start(t)
		waiting := s.createListed(t, 0, nil)
		claimed := s.claim(t, s.createListed(t, time.Minute, nil))
		sent := s.handOver(t, s.createListed(t, time.Hour, nil), sms.Taken(sms.NewToken()))
		unanswered := s.handOver(t, s.createListed(t, 2*time.Hour, nil), sms.Unanswered())
		reopen()
		for _, m := range []sms.Message{waiting, claimed, sent, unanswered} {
			checkSame(t, m, s.get(t, m.ID))
		}
		s.checkDue(t, sms.DueRescue, s.farAhead(), 2, entryOf(waiting))
		s.checkDue(t, sms.DueLease, s.farAhead(), 2, entryOf(claimed))
		s.checkDue(t, sms.DueSend, s.farAhead(), 2, entryOf(unanswered))
		s.checkFound(t, sent.ProviderMessageID(), sent.ID)
		s.checkUnmatched(t, s.number, sms.Unmatched{MessageIDs: []string{unanswered.ID}})
		s.checkList(t, sms.ListQuery{Limit: 3, Examine: 3}, waiting, claimed, sent, unanswered)
	})

	t.Run("pending receipts and the breaker survive", func(t *testing.T) {
		s, reopen := start(t)
		k := s.keep(t, "one")
		b := s.saveBreaker(t, sms.Breaker{}.Pause("maintenance", s.clock.Now()))
		reopen()
		s.checkUnmatched(t, s.number, sms.Unmatched{Receipts: []sms.PendingReceipt{k}})
		s.checkDueReceipts(t, k.Due, 1, k)
		checkDiff(t, "the breaker", b, s.breaker(t))
		s.saveBreaker(t, b.Close(s.clock.Now()))
	})

	t.Run("revisions and tokens survive", func(t *testing.T) {
		s, reopen := start(t)
		m := s.create(t, s.message())
		claim := s.rules.NewClaim("fake", s.clock.Now())
		claimed, err := s.Claim(t.Context(), m.Ref(), claim)
		if err != nil {
			t.Fatalf("Claim: %v", err)
		}
		reopen()
		other := s.message()
		other.ID = m.ID
		checkConflict(t, s.Create(t.Context(), other), claimed)
		_, err = s.Update(t.Context(), m, m)
		checkConflict(t, err, claimed)
		s.record(t, claimed, sms.Taken(sms.NewToken()))
	})
}

type reopened struct{ sms.Store }
