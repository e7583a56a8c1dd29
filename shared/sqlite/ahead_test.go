package sqlite_test

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// TestItemsThatAClockAheadHidComeAtOnce hides three items while the clock is ahead: a new item, a delayed
// item, and an item that was dequeued.
func TestItemsThatAClockAheadHidComeAtOnce(t *testing.T) {
	enginetest.SQLite(t)
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour} {
		clock := smstest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		q := open(t, t.TempDir(), sqlite.Options{Now: clock.Now}).Queue()
		send := func(delay time.Duration) {
			t.Helper()
			if err := q.Send(t.Context(), sms.Envelope{Ref: sms.Ref{ID: sms.NewID(), Generation: 1}, Delay: delay}); err != nil {
				t.Fatal(err)
			}
		}
		dequeue := func(want int) {
			t.Helper()
			items, err := q.Dequeue(t.Context(), 10, 0)
			if err != nil || len(items) != want {
				t.Errorf("%v ahead: %d items came, %v, want %d", ahead, len(items), err, want)
			}
		}
		clock.Advance(ahead)
		send(0)
		dequeue(1)
		send(0)
		send(time.Minute)
		clock.Advance(-ahead)
		send(sms.MaxDelay)
		dequeue(3)
		dequeue(0)
		clock.Advance(sms.MaxDelay)
		dequeue(4) // the delayed item, and the three that were not deleted
	}
}
