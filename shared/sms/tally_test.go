package sms_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/shared/sms"
)

type answer struct {
	owner  int
	number int
	taken  bool
	at     time.Time
}

func numbered(n int) sms.Number { return sms.Number(fmt.Sprintf("+1202555%04d", n)) }

// The breaker remembers only a few answers. The test remembers all answers, and so knows
// when the breaker must not open.
func TestTheTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rules()
		r.SeveralOwners = rapid.Bool().Draw(t, "several owners")
		var b sms.Breaker
		var answers []answer
		now := start
		for range rapid.IntRange(1, 60).Draw(t, "answers") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 20 * time.Second, 4 * time.Minute}).Draw(t, "wait"))
			a := answer{
				owner: rapid.IntRange(0, 2).Draw(t, "owner"), number: rapid.IntRange(0, 15).Draw(t, "number"),
				taken: rapid.IntRange(0, 19).Draw(t, "taken") == 0, at: now,
			}
			answers = append(answers, a)
			if a.taken {
				b, _ = r.NumberTaken(b, numbered(a.number), now)
				continue
			}
			b, _ = r.NumberRefused(b, candidate("", fmt.Sprint(a.owner), numbered(a.number)), "", now)
			if len(b.Tally.Refused) > 10 || len(b.Tally.Taken) > 20 {
				t.Fatalf("the tally exceeds its bounds: %+v", b.Tally)
			}
			if !b.Open {
				continue
			}
			taken, numbers, owners := false, make(map[int]bool), make(map[int]bool)
			for _, a := range answers {
				if recent := now.Sub(a.at) < 5*time.Minute; recent && a.taken {
					taken = true
				} else if recent {
					numbers[a.number], owners[a.owner] = true, true
				}
			}
			if taken || len(numbers) < 10 || (r.SeveralOwners && len(owners) < 2) {
				t.Fatalf("the breaker opened after %d refused numbers of %d owners, although it must not (a number was taken: %v)", len(numbers), len(owners), taken)
			}
			return
		}
	})
}

func TestTheTallyOpensTheBreaker(t *testing.T) {
	for _, tc := range []struct {
		name   string
		owners []string // the owners of the refused messages; one message is refused every second
		taken  time.Duration
		want   bool
	}{
		{"ten numbers of one owner", repeat("a", 10), 0, false},
		{"nine numbers of two owners", append(repeat("a", 8), "b"), 0, false},
		{"ten numbers of two owners", append(repeat("a", 9), "b"), 0, true},
		{"a hundred numbers of one owner, then one of another", append(repeat("a", 100), "b"), 0, true},
		{"ten numbers of two owners, after one was taken", append(repeat("a", 9), "b"), time.Second, false},
		{"ten numbers of two owners, long after one was taken", append(repeat("a", 9), "b"), 6 * time.Minute, true},
		{"ten numbers of two owners; one may have been taken without a note", append(repeat("a", 9), "b"), 6*time.Minute - time.Second, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := rules()
			r.SeveralOwners = true
			var b sms.Breaker
			if tc.taken > 0 {
				b, _ = r.NumberTaken(b, numbered(1000), start.Add(-tc.taken))
			}
			writes := 0
			for n, owner := range tc.owners {
				var changed bool
				b, changed = r.NumberRefused(b, candidate("", owner, numbered(n)), "", start.Add(time.Duration(n)*time.Second))
				if changed {
					writes++
				}
			}
			if b.Open != tc.want || writes > 11 {
				t.Errorf("the breaker is open: %v after %d writes, want %v after at most 11 writes: %+v", b.Open, writes, tc.want, b)
			}
		})
	}
}

func repeat(s string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = s
	}
	return list
}
