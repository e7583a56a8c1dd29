package smstest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

var dueKinds = []sms.DueKind{sms.DueSend, sms.DueScheduled, sms.DueRescue, sms.DueLease}

func entryOf(m sms.Message) sms.DueEntry {
	return sms.DueEntry{Ref: m.Ref(), Owner: m.Owner, Due: m.Due, ExpiresAt: m.ExpiresAt}
}

func entriesOf(messages ...sms.Message) []sms.DueEntry {
	entries := make([]sms.DueEntry, len(messages))
	for i, m := range messages {
		entries[i] = entryOf(m)
	}
	return entries
}

// readDue reads all entries of a kind that are due. It checks the order of the entries
// and the length of the pages too.
func (s stage) readDue(t *testing.T, kind sms.DueKind, until time.Time, limit int) []sms.DueEntry {
	t.Helper()
	var all []sms.DueEntry
	for shard := range s.Shards() {
		var last time.Time
		q := sms.DueQuery{Kind: kind, Shard: shard, Until: until, Limit: limit}
		for more := true; more; more = q.After != "" {
			page, err := s.Due(t.Context(), q)
			if err != nil {
				t.Fatalf("Due: %v", err)
			}
			if len(page.Entries) > limit {
				t.Fatalf("a page has %d entries, want at most %d", len(page.Entries), limit)
			}
			for _, e := range page.Entries {
				if e.Due.At.Before(last) {
					t.Fatalf("in shard %d, an entry due at %s comes after one due at %s, want the oldest first", shard, e.Due.At, last)
				}
				last = e.Due.At
			}
			all = append(all, page.Entries...)
			q.After = page.Next
		}
	}
	return all
}

// The wanted entries can be given in any order.
func (s stage) checkDue(t *testing.T, kind sms.DueKind, until time.Time, limit int, want ...sms.DueEntry) {
	t.Helper()
	byID := func(a, b sms.DueEntry) int { return cmp.Compare(a.Ref.ID, b.Ref.ID) }
	slices.SortFunc(want, byID)
	eventually(t, func() string {
		got := s.readDue(t, kind, until, limit)
		slices.SortFunc(got, byID)
		if d := diff(want, got); d != "" {
			return fmt.Sprintf("the agenda %q differs (-want +got):\n%s", kind, d)
		}
		return ""
	})
}

func (s stage) farAhead() time.Time { return s.clock.Now().Add(10 * 365 * 24 * time.Hour) }

func (s stage) createDue(t *testing.T, d sms.Due) sms.Message {
	t.Helper()
	m := s.message()
	m.Due = d
	return s.create(t, m)
}

func testAgenda(t *testing.T, open opener) {
	t.Run("the number of shards is at least one and never changes", func(t *testing.T) {
		s := open(t)
		if n := s.Shards(); n < 1 || n != s.Shards() {
			t.Errorf("Shards returned %d and then %d, want the same number above 0", n, s.Shards())
		}
	})

	t.Run("each shard of an empty agenda has one empty page", func(t *testing.T) {
		s := open(t)
		for _, kind := range dueKinds {
			s.checkDue(t, kind, s.farAhead(), 10)
		}
	})

	t.Run("each kind of work has its own agenda", func(t *testing.T) {
		s := open(t)
		rescue := s.create(t, s.message())
		send := s.createDue(t, sms.Due{Kind: sms.DueSend, At: s.clock.Now()})
		scheduled := s.create(t, s.scheduled(time.Hour))
		lease := s.claim(t, s.create(t, s.message()))
		s.checkDue(t, sms.DueRescue, s.farAhead(), 10, entryOf(rescue))
		s.checkDue(t, sms.DueSend, s.farAhead(), 10, entryOf(send))
		s.checkDue(t, sms.DueScheduled, s.farAhead(), 10, entryOf(scheduled))
		s.checkDue(t, sms.DueLease, s.farAhead(), 10, entryOf(lease))
	})

	for _, limit := range []int{1, 3, 100} {
		t.Run(fmt.Sprintf("pages of %d show everything once, the oldest first", limit), func(t *testing.T) {
			s := open(t)
			var all []sms.Message
			for i := range 20 {
				// Some messages are due at the same moment, and the messages are not created in
				// the order of their due times.
				at := s.clock.Now().Add(time.Duration(i*7%10) * time.Millisecond)
				all = append(all, s.createDue(t, sms.Due{Kind: sms.DueRescue, At: at, Round: i % 3}))
			}
			s.checkDue(t, sms.DueRescue, s.farAhead(), limit, entriesOf(all...)...)
		})
	}

	t.Run("an entry that is due exactly at until is included", func(t *testing.T) {
		s := open(t)
		at := s.clock.Now()
		early := s.createDue(t, sms.Due{Kind: sms.DueSend, At: at.Add(-time.Millisecond)})
		exact := s.createDue(t, sms.Due{Kind: sms.DueSend, At: at})
		late := s.createDue(t, sms.Due{Kind: sms.DueSend, At: at.Add(time.Millisecond)})
		s.checkDue(t, sms.DueSend, at.Add(-2*time.Millisecond), 10)
		s.checkDue(t, sms.DueSend, at, 10, entriesOf(early, exact)...)
		s.checkDue(t, sms.DueSend, at.Add(time.Millisecond), 10, entriesOf(early, exact, late)...)
	})

	t.Run("due times that are far apart are in order", func(t *testing.T) {
		s := open(t)
		var all []sms.Message
		for _, at := range []time.Time{
			time.Date(2033, 5, 18, 3, 33, 20, 0, time.UTC),
			time.Date(2001, 9, 9, 1, 46, 39, 999_000_000, time.UTC),
			time.Date(2001, 9, 9, 1, 46, 40, 0, time.UTC),
		} {
			all = append(all, s.createDue(t, sms.Due{Kind: sms.DueSend, At: at}))
		}
		s.checkDue(t, sms.DueSend, s.farAhead(), 1, entriesOf(all...)...)
	})

	t.Run("the agenda changes with the record", func(t *testing.T) {
		s := open(t)
		m := s.create(t, s.message())
		s.checkDue(t, sms.DueRescue, s.farAhead(), 10, entryOf(m))
		failed, _ := s.rules.EnqueueFailed(m, s.clock.Now())
		m = s.update(t, m, failed)
		s.checkDue(t, sms.DueRescue, s.farAhead(), 10)
		s.checkDue(t, sms.DueSend, s.clock.Now(), 10, entryOf(m))
		m = s.claim(t, m)
		s.checkDue(t, sms.DueSend, s.farAhead(), 10)
		s.checkDue(t, sms.DueLease, s.farAhead(), 10, entryOf(m))
		s.checkDue(t, sms.DueLease, m.LeaseUntil.Add(-time.Millisecond), 10)
	})

	t.Run("records at rest are never due", func(t *testing.T) {
		s := open(t)
		s.createSent(t, sms.NewToken())
		hold := s.message()
		hold.OnUnknown = sms.Hold
		if m := s.handOver(t, s.create(t, hold), sms.Unanswered()); m.Status != sms.Unknown {
			t.Fatalf("the message is %s, want unknown", m.Status)
		}
		m := s.create(t, s.message())
		canceled, _, err := s.rules.Cancel(m, s.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.update(t, m, canceled)
		for _, kind := range dueKinds {
			s.checkDue(t, kind, s.farAhead(), 10)
		}
	})
}
