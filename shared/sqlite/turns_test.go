package sqlite_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func TestGroupsOfTheQueueTakeTurns(t *testing.T) {
	for _, limit := range []int{1, 4, 16} {
		now := time.Now()
		q := open(t, t.TempDir(), sqlite.Options{Now: func() time.Time { return now }}).Queue()
		send := func(group string, n int) {
			t.Helper()
			for range n {
				now = now.Add(time.Millisecond)
				m := message(group)
				if err := q.Send(t.Context(), sms.Envelope{Ref: m.Ref(), Group: group, Parts: n}); err != nil {
					t.Fatal(err)
				}
			}
		}
		send("backlog", 7)
		send("other", 2)
		send("single", 1)
		var got []int
		for len(got) < 10 {
			items, err := q.Dequeue(t.Context(), limit, 0)
			if err != nil || len(items) == 0 {
				t.Fatalf("got %d items and the error %v", len(items), err)
			}
			for _, item := range items {
				e, err := sms.ParseBody(item.Body)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Parts)
			}
		}
		if diff := cmp.Diff([]int{7, 2, 1, 7, 2, 7, 7, 7, 7, 7}, got); diff != "" {
			t.Errorf("up to %d items at once: items of groups of 7, 2 and 1 came in another order (-want +got):\n%s", limit, diff)
		}
	}
}
