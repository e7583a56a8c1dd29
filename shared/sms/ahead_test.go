package sms_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestNothingThatARightClockWritesIsAhead(t *testing.T) {
	slow := sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow, RetryAfter: 24 * time.Hour})
	for name, m := range map[string]sms.Message{
		"accepted":  begin(t, draft()).m,
		"claimed":   func() sms.Message { l := begin(t, draft()); l.claim(); return l.m }(),
		"refused":   func() sms.Message { l := begin(t, draft()); l.outcome(l.claim(), slow); return l.m }(),
		"scheduled": scheduledIn(t, 300*24*time.Hour),
		"delayed":   scheduledIn(t, sms.EnqueueAhead),
		"postponed often": func() sms.Message {
			l := begin(t, draft())
			l.m.Due = sms.DueEntry{Due: sms.Due{Kind: sms.DueRescue, At: l.now, Round: 50}, ExpiresAt: l.m.ExpiresAt}.Postponed(l.now)
			return l.m
		}(),
		"enqueued again early": func() sms.Message {
			l := begin(t, draft())
			l.m.Due = sms.DueEntry{
				Due: sms.Due{Kind: sms.DueSend, At: l.now.Add(sms.EnqueueAhead), Round: 50}, ExpiresAt: l.m.ExpiresAt,
			}.Postponed(l.now)
			return l.m
		}(),
	} {
		if after, changed := rules().Bound(m, start); changed {
			t.Errorf("%s: Bound changed the due time from %v to %v", name, m.Due, after.Due)
		}
	}
	k := sms.Receipt{Provider: "fake", Number: "+12025550100", At: start.Add(30 * time.Second)}.Pending(start)
	if after, changed := k.Bound(start); changed || k.Receipt.At.IsZero() {
		t.Errorf("Bound changed a pending receipt (-before +after):\n%s", cmp.Diff(k, after))
	}
	for name, b := range map[string]sms.Breaker{
		"closed": sms.Breaker{}.Close(start), "paused": sms.Breaker{}.Pause("", start), "open": open(t, sms.SpendLimit),
	} {
		if _, changed := rules().BoundBreaker(b, start); changed {
			t.Errorf("BoundBreaker changed a breaker that is %s", name)
		}
	}
}

func scheduledIn(t *testing.T, in time.Duration) sms.Message {
	t.Helper()
	d := draft()
	d.SendAt = start.Add(in)
	return begin(t, d).m
}

// TestAWrongClockDoesNotMakeAMessageWait writes each message while the clock is ahead, and
// then sets the clock right.
func TestAWrongClockDoesNotMakeAMessageWait(t *testing.T) {
	const day = 24 * time.Hour
	right := start.Add(-day)
	later := func(in time.Duration) *life {
		d := draft()
		d.SendAt = right.Add(in)
		d.ExpiresAt = d.SendAt.Add(day)
		l := begin(t, d)
		return l
	}
	refused := begin(t, draft())
	refused.outcome(refused.claim(), forNow)
	claimed := begin(t, draft())
	claimed.claim()
	early := later(30 * time.Hour) // scheduled for 6 hours after start
	early.m.Due = sms.DueEntry{Due: early.m.Due, ExpiresAt: early.m.ExpiresAt}.Postponed(early.m.SendAt.Add(-time.Minute))
	soon := later(day + time.Minute)
	short := begin(t, draft())
	short.m.ExpiresAt = right.Add(-time.Second)
	for _, tc := range []struct {
		name      string
		m         sms.Message
		due       sms.Due
		notBefore time.Time
	}{
		{"a rescue is due now", begin(t, draft()).m, sms.Due{Kind: sms.DueRescue, At: right}, time.Time{}},
		{"a retry is due now", refused.m, sms.Due{Kind: sms.DueSend, At: right}, time.Time{}},
		{"a lease ends as if it had begun now", claimed.m, sms.Due{Kind: sms.DueLease, At: right.Add(rules().Lease)}, time.Time{}},
		{"a message that was enqueued too early waits for its time", early.m, sms.Due{Kind: sms.DueScheduled, At: early.m.SendAt}, early.m.SendAt},
		{"so does one that was to be sent soon", soon.m, sms.Due{Kind: sms.DueScheduled, At: soon.m.SendAt}, soon.m.SendAt},
		{"a message that has expired is due at its expiry", short.m, sms.Due{Kind: sms.DueRescue, At: short.m.ExpiresAt}, time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, changed := rules().Bound(tc.m, right)
			if diff := cmp.Diff(tc.due, m.Due); !changed || diff != "" {
				t.Errorf("changed is %v, and the due time differs (-want +got):\n%s", changed, diff)
			}
			if !m.NotBefore.Equal(tc.notBefore) {
				t.Errorf("the message waits until %v, want %v", m.NotBefore, tc.notBefore)
			}
			if _, again := rules().Bound(m, right); again {
				t.Error("Bound changed the message a second time")
			}
		})
	}
	ended, _ := rules().Bound(claimed.m, right)
	if _, early := rules().EndLease(ended, right.Add(rules().Lease-time.Millisecond), false); early {
		t.Error("the lease ended although its hand-over may be in flight")
	}
	if _, over := rules().EndLease(ended, right.Add(rules().Lease), false); !over {
		t.Error("the lease did not end")
	}
}

func TestBoundBreakerReplacesEveryTimeThatIsAhead(t *testing.T) {
	r := rules()
	right := start.Add(-time.Hour)
	b := open(t, sms.SpendLimit)
	b.ClosedAt, b.TurnAt = start, start
	b.Tally = sms.Tally{TakenAt: start, Refused: []sms.RefusedNumber{{Number: "n", Owner: "o", At: start}}}
	was := b.Tally.Refused[0]
	got, changed := r.BoundBreaker(b, right)
	want := b
	want.OpenedAt, want.ClosedAt, want.ProbeAt, want.ProbeLastAt, want.TurnAt = right, right, right, right, right
	want.Tally = sms.Tally{TakenAt: right, Refused: []sms.RefusedNumber{{Number: "n", Owner: "o", At: right}}}
	if diff := cmp.Diff(want, got); !changed || diff != "" {
		t.Errorf("changed is %v, and the breaker differs (-want +got):\n%s", changed, diff)
	}
	if b.Tally.Refused[0] != was {
		t.Error("BoundBreaker changed the breaker of its caller")
	}
	if !got.ProbeDue(right) || got.Close(right).Discards(right.Add(sms.BreakerAge)) {
		t.Error("the breaker still waits for the wrong clock")
	}
}

func TestAReceiptFromTheFutureHasNoTime(t *testing.T) {
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "1", Number: "+12025550100", At: start}
	right := start.Add(-time.Hour)
	if k := rc.Pending(right); !k.Receipt.At.IsZero() {
		t.Errorf("a receipt about a hand-over at %v came at %v, and kept its time", start, right)
	}
	k, changed := rc.Pending(start).Bound(right)
	want := sms.PendingReceipt{ID: k.ID, Receipt: rc, CameAt: right, Due: right, PurgeAt: right.Add(sms.PendingFor)}
	want.Receipt.At = time.Time{}
	if diff := cmp.Diff(want, k); !changed || diff != "" {
		t.Errorf("changed is %v, and the pending receipt differs (-want +got):\n%s", changed, diff)
	}
}

func TestYounger(t *testing.T) {
	const age = 5 * time.Second
	for name, tc := range map[string]struct {
		t    time.Time
		want bool
	}{
		"now":                      {start, true},
		"just young enough":        {start.Add(time.Nanosecond - age), true},
		"too old":                  {start.Add(-age), false},
		"in the future":            {start.Add(time.Nanosecond), false},
		"never":                    {time.Time{}, false},
		"long ago, by both clocks": {start.AddDate(-1, 0, 0), false},
	} {
		if got := sms.Younger(tc.t, start, age); got != tc.want {
			t.Errorf("%s: Younger returned %v, want %v", name, got, tc.want)
		}
	}
}
