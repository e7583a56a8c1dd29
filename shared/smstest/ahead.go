package smstest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// testAhead checks that all times that were written while the clock was ahead can be
// found and corrected.
func testAhead(t *testing.T, open opener) {
	for _, by := range []time.Duration{time.Hour, 24 * time.Hour} {
		t.Run(fmt.Sprintf("a query from a time on finds only the messages that a clock %v ahead wrote", by), func(t *testing.T) {
			s := open(t)
			right := s.clock.Now()
			refuse := func() sms.Message {
				return s.handOver(t, s.create(t, s.message()), sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow}))
			}
			s.create(t, s.message())
			s.create(t, s.scheduled(100*24*time.Hour))
			s.claim(t, s.create(t, s.message()))
			refuse()
			s.clock.Advance(by)
			wrong := map[sms.DueKind]sms.Message{
				sms.DueRescue: s.create(t, s.message()),
				sms.DueLease:  s.claim(t, s.create(t, s.message())),
				sms.DueSend:   refuse(),
			}
			s.clock.Advance(-by)
			for kind, m := range wrong {
				eventually(t, func() string {
					found := s.readAhead(t, kind, right)
					return diff([]sms.DueEntry{entryOf(m)}, found)
				})
				bound, changed := s.rules.Bound(m, right)
				if !changed {
					t.Errorf("the message that is due for %s at %v is not ahead of %v", kind, m.Due.At, right)
				}
				if got := s.update(t, m, bound); got.Due != bound.Due {
					t.Errorf("the message is due %v, want %v", got.Due, bound.Due)
				}
				eventually(t, func() string { return diff([]sms.DueEntry(nil), s.readAhead(t, kind, right)) })
			}
			if m := wrong[sms.DueSend]; s.get(t, m.ID).NotBefore.After(right) {
				t.Error("a retry still waits for the wrong clock")
			}
			s.claim(t, s.get(t, wrong[sms.DueRescue].ID)) // this succeeds although the record's UpdatedAt is in the future
		})
	}

	t.Run("a query from a time on includes what is due exactly then, page by page", func(t *testing.T) {
		s := open(t)
		now := s.clock.Now()
		var all []sms.Message
		for i := range 5 {
			all = append(all, s.createDue(t, sms.Due{Kind: sms.DueSend, At: now.Add(time.Duration(i) * time.Millisecond)}))
		}
		eventually(t, func() string {
			var got []sms.DueEntry
			for shard := range s.Shards() {
				q := sms.DueQuery{Kind: sms.DueSend, Shard: shard, From: all[2].Due.At, Until: s.farAhead(), Limit: 1}
				for more := true; more; more = q.After != "" {
					page, err := s.Due(t.Context(), q)
					if err != nil {
						t.Fatalf("Due: %v", err)
					}
					got, q.After = append(got, page.Entries...), page.Next
				}
			}
			slices.SortFunc(got, func(a, b sms.DueEntry) int { return a.Due.At.Compare(b.Due.At) })
			return diff(entriesOf(all[2:]...), got)
		})
	})

	t.Run("pending receipts that a clock ahead kept are found and put right", func(t *testing.T) {
		s := open(t)
		right := s.clock.Now()
		k := s.keep(t, "right")
		s.clock.Advance(time.Hour)
		wrong := s.keep(t, "wrong")
		s.clock.Advance(-time.Hour)
		find := func() []sms.PendingReceipt {
			found, err := s.DueReceipts(t.Context(), sms.LatestReceiptDue(right), s.farAhead(), 10)
			if err != nil {
				t.Fatalf("DueReceipts: %v", err)
			}
			return found
		}
		eventually(t, func() string { return diff([]sms.PendingReceipt{wrong}, find()) })
		bound, changed := wrong.Bound(right)
		if !changed {
			t.Fatal("the pending receipt is not ahead")
		}
		s.store(t, bound)
		eventually(t, func() string { return diff([]sms.PendingReceipt(nil), find()) })
		s.checkDueReceipts(t, k.Due, 10, bound, k)
	})

	t.Run("a breaker that a clock ahead wrote is put right", func(t *testing.T) {
		s := open(t)
		right := s.clock.Now()
		s.saveBreaker(t, s.breaker(t).Pause("by a clock ahead", right.Add(24*time.Hour)).Close(right.Add(24*time.Hour)))
		bound, changed := s.rules.BoundBreaker(s.breaker(t), right)
		if !changed || bound.Discards(right.Add(sms.BreakerAge)) {
			t.Errorf("changed is %v, and the breaker closed at %v, want %v", changed, bound.ClosedAt, right)
		}
		if b := s.saveBreaker(t, bound); !b.ClosedAt.Equal(right) {
			t.Errorf("the stored breaker closed at %v, want %v", b.ClosedAt, right)
		}
	})
}

// readAhead returns the entries with a due time so late that no right clock can have
// written it yet.
func (s stage) readAhead(t *testing.T, kind sms.DueKind, now time.Time) []sms.DueEntry {
	t.Helper()
	var all []sms.DueEntry
	for shard := range s.Shards() {
		page, err := s.Due(t.Context(), sms.DueQuery{
			Kind: kind, Shard: shard, From: s.rules.LatestDue(kind, now), Until: s.farAhead(), Limit: 10,
		})
		if err != nil {
			t.Fatalf("Due: %v", err)
		}
		for _, e := range page.Entries {
			if s.rules.IsAhead(e.Due, now) {
				all = append(all, e)
			}
		}
	}
	return all
}
