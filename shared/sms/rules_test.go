package sms_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/sms"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// These rules allow three attempts, and do not change the waits at random.
func rules() sms.Rules {
	r := sms.DefaultRules()
	r.Jitter = func() float64 { return 0 }
	r.MaxAttempts = 3
	return r
}

func draft() sms.Draft {
	return sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: "+12025550100", Text: "hello"}}
}

type life struct {
	t     *testing.T
	rules sms.Rules
	now   time.Time
	m     sms.Message
}

func begin(t *testing.T, d sms.Draft) *life {
	t.Helper()
	l := &life{t: t, rules: rules(), now: start}
	l.m = l.rules.Accept(sms.NewID(), d, l.now)
	return l
}

func (l *life) pass(d time.Duration) *life { l.now = l.now.Add(d); return l }

func (l *life) claim() string {
	l.t.Helper()
	if l.m.NotBefore.After(l.now) {
		l.now = l.m.NotBefore
	}
	c := l.rules.NewClaim("fake", l.now)
	m, err := c.Apply(l.m)
	if err != nil {
		l.t.Fatalf("claiming a %s message: %v", l.m.Status, err)
	}
	l.m = m
	return c.Token
}

func (l *life) outcome(token string, o sms.Outcome) bool {
	var changed bool
	l.m, changed = l.rules.Record(l.m, token, o, l.now)
	return changed
}

func (l *life) receipt(rc sms.Receipt) bool {
	var changed bool
	rc.Number = l.m.Number
	l.m, changed = l.rules.ApplyReceipt(l.m, rc, l.now)
	return changed
}

func (l *life) match(token string, rc sms.Receipt) bool {
	var changed bool
	rc.Number = l.m.Number
	l.m, changed = l.rules.ApplyMatched(l.m, token, rc, l.now)
	return changed
}

func (l *life) is(want sms.Status) {
	l.t.Helper()
	if l.m.Status != want {
		l.t.Fatalf("status = %s, want %s; events: %v", l.m.Status, want, l.m.History())
	}
	if settled := l.m.Status.AtRest(); settled != l.m.Due.IsZero() || settled == l.m.PurgeAt.IsZero() {
		l.t.Errorf("the message is %s, due %v, and kept until %v", l.m.Status, l.m.Due, l.m.PurgeAt)
	}
	if (l.m.Status == sms.Sending) != (l.m.LeaseToken != "") {
		l.t.Errorf("the message is %s with the lease %q", l.m.Status, l.m.LeaseToken)
	}
}

func (l *life) attempts(want int) {
	l.t.Helper()
	if l.m.Attempts != want {
		l.t.Errorf("attempts = %d, want %d", l.m.Attempts, want)
	}
}

func (l *life) failure(want sms.FailureCode) {
	l.t.Helper()
	var got sms.FailureCode
	if l.m.Failure != nil {
		got = l.m.Failure.Code
	}
	if got != want {
		l.t.Errorf("failure = %q, want %q", got, want)
	}
}

var (
	noAnswer = sms.Unanswered()
	forNow   = sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Throttling"})
	forGood  = sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.NumberRefused})
	account  = sms.Refused(&sms.ProviderError{Refusal: sms.AccountWide, Trouble: sms.Authorization})
)

func taken(id string) sms.Outcome { return sms.Taken(id) }

func delivered(id string) sms.Receipt {
	return sms.Receipt{Provider: "fake", ProviderMessageID: id, Verdict: sms.VerdictDelivered, Evidence: sms.ByHandset, Price: 6_450_000, Parts: 2}
}

func undelivered(id string) sms.Receipt {
	return sms.Receipt{Provider: "fake", ProviderMessageID: id, Verdict: sms.VerdictUndelivered, Failure: sms.Unreachable}
}

func void(id string) sms.Receipt {
	return sms.Receipt{Provider: "fake", ProviderMessageID: id, Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit}
}

func TestMessageIsSentAndDelivered(t *testing.T) {
	l := begin(t, draft())
	l.is(sms.Queued)
	token := l.claim()
	l.is(sms.Sending)
	l.outcome(token, taken("c1"))
	l.is(sms.Sent)
	l.receipt(delivered("c1"))
	l.is(sms.Delivered)
	l.attempts(1)
	if l.m.Evidence != sms.ByHandset || l.m.Price() != 6_450_000 || l.m.Parts != 2 || l.m.ProviderMessageID() != "c1" {
		t.Errorf("the receipt was not recorded: %+v", l.m)
	}
	var got []string
	for _, e := range l.m.History() {
		got = append(got, fmt.Sprintf("%s: %s", e.Status, e.Detail))
	}
	want := []string{"queued: accepted", "sending: hand-over 1 begins", "sent: the provider took it: c1", "delivered: receipt: "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history differs (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Run("for now costs no attempt, and the wait doubles each time", func(t *testing.T) {
		l := begin(t, draft())
		var waits []time.Duration
		for range 10 {
			l.outcome(l.claim(), forNow)
			l.is(sms.Queued)
			l.attempts(0)
			waits = append(waits, l.m.NotBefore.Sub(l.now))
		}
		var want []time.Duration
		for _, seconds := range []int{5, 10, 20, 40, 80, 160, 320, 600, 600, 600} {
			want = append(want, time.Duration(seconds)*time.Second)
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits differ (-want +got):\n%s", diff)
		}
	})
	t.Run("for now waits as long as the provider asks, up to 15 minutes", func(t *testing.T) {
		for asked, want := range map[time.Duration]time.Duration{10 * time.Minute: 10 * time.Minute, time.Hour: 15 * time.Minute} {
			l := begin(t, draft())
			l.outcome(l.claim(), sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow, RetryAfter: asked}))
			if got := l.m.NotBefore.Sub(l.now); got != want {
				t.Errorf("the provider asked for a wait of %v, and the message waits %v, want %v", asked, got, want)
			}
		}
	})
	t.Run("for good ends the message as failed", func(t *testing.T) {
		l := begin(t, draft())
		l.outcome(l.claim(), forGood)
		l.is(sms.Failed)
		l.failure(sms.NumberRefused)
	})
	t.Run("for good after an unanswered hand-over ends the message as unknown", func(t *testing.T) {
		l := begin(t, draft())
		l.outcome(l.claim(), noAnswer)
		l.outcome(l.claim(), forGood)
		l.is(sms.Unknown)
		l.failure(sms.NoAnswer)
	})
	t.Run("account-wide costs no attempt", func(t *testing.T) {
		l := begin(t, draft())
		l.outcome(l.claim(), account)
		l.is(sms.Queued)
		l.attempts(0)
	})
	t.Run("for now after the expiry ends the message as expired", func(t *testing.T) {
		l := begin(t, draft())
		token := l.claim()
		l.pass(25*time.Hour).outcome(token, forNow)
		l.is(sms.Expired)
		l.failure(sms.ExpiryPassed)
	})
}

func TestNoAnswer(t *testing.T) {
	t.Run("with hold ends the message as unknown at once", func(t *testing.T) {
		d := draft()
		d.OnUnknown = sms.Hold
		l := begin(t, d)
		l.outcome(l.claim(), noAnswer)
		l.is(sms.Unknown)
		l.attempts(1)
	})
	t.Run("with resend is repeated until the attempts are spent", func(t *testing.T) {
		l := begin(t, draft())
		for range 2 {
			l.outcome(l.claim(), noAnswer)
			l.is(sms.Queued)
		}
		l.outcome(l.claim(), noAnswer)
		l.is(sms.Unknown)
		l.attempts(3)
	})
	t.Run("ends the message as unknown, not expired, when time runs out", func(t *testing.T) {
		l := begin(t, draft())
		l.outcome(l.claim(), noAnswer)
		l.pass(25 * time.Hour)
		l.m, _ = l.rules.GiveUp(l.m, l.now)
		l.is(sms.Unknown)
	})
	t.Run("prevents canceling", func(t *testing.T) {
		l := begin(t, draft())
		l.outcome(l.claim(), noAnswer)
		if _, changed, err := l.rules.Cancel(l.m, l.now); changed || !errors.Is(err, sms.ErrTooLate) {
			t.Errorf("Cancel returned changed %v and error %v, want ErrTooLate", changed, err)
		}
	})
	t.Run("may get a late answer", func(t *testing.T) {
		l := begin(t, draft())
		token := l.claim()
		l.pass(2 * time.Minute)
		l.m, _ = l.rules.EndLease(l.m, l.now, false)
		l.is(sms.Queued)
		l.outcome(token, taken("c1"))
		l.is(sms.Sent)
		if l.outcome(token, taken("c1")) {
			t.Error("recording the same late answer again changed the message")
		}
	})
	t.Run("may get a late answer while the next hand-over is in flight, which stops the resending", func(t *testing.T) {
		l := begin(t, draft())
		first := l.claim()
		l.outcome(first, noAnswer)
		second := l.claim()
		l.outcome(first, taken("c1"))
		l.is(sms.Sending)
		l.outcome(second, forNow)
		l.is(sms.Sent)
	})
	t.Run("may get a receipt while the next hand-over is in flight", func(t *testing.T) {
		l := begin(t, draft())
		first := l.claim()
		l.outcome(first, noAnswer)
		second := l.claim()
		l.match(first, delivered("c1"))
		l.is(sms.Sending)
		l.outcome(second, noAnswer)
		l.is(sms.Delivered)
		if l.m.Evidence != sms.ByHandset {
			t.Errorf("evidence = %q", l.m.Evidence)
		}
	})
	t.Run("a refusal that comes after the lease changes nothing", func(t *testing.T) {
		l := begin(t, draft())
		token := l.claim()
		l.pass(2 * time.Minute)
		l.m, _ = l.rules.EndLease(l.m, l.now, false)
		if l.outcome(token, forGood) {
			t.Error("changed")
		}
		l.is(sms.Queued)
	})
	t.Run("a lease does not end early, unless its sender is known to be dead", func(t *testing.T) {
		l := begin(t, draft())
		l.claim()
		if _, changed := l.rules.EndLease(l.m, l.now, false); changed {
			t.Error("a live lease was ended")
		}
		l.m, _ = l.rules.EndLease(l.m, l.now, true)
		l.is(sms.Queued)
	})
}

func TestReceipts(t *testing.T) {
	sent := func(t *testing.T) *life {
		t.Helper()
		l := begin(t, draft())
		l.outcome(l.claim(), taken("c1"))
		return l
	}
	t.Run("undelivered", func(t *testing.T) {
		l := sent(t)
		l.receipt(undelivered("c1"))
		l.is(sms.Undelivered)
		l.failure(sms.Unreachable)
	})
	t.Run("repeated and contradicting receipts add events and change no status", func(t *testing.T) {
		l := sent(t)
		l.receipt(delivered("c1"))
		l.receipt(delivered("c1"))
		l.receipt(undelivered("c1"))
		l.receipt(void("c1"))
		l.is(sms.Delivered)
		if got := len(l.m.Events); got != 7 {
			t.Errorf("the message has %d events, want 7", got)
		}
		if l.m.Price() != 6_450_000 {
			t.Errorf("the price is %v, want each receipt counted once", l.m.Price())
		}
	})
	t.Run("a receipt for another provider message id changes nothing", func(t *testing.T) {
		if sent(t).receipt(delivered("c2")) {
			t.Error("changed")
		}
	})
	t.Run("account-wide trouble makes the message wait again without costing an attempt", func(t *testing.T) {
		l := sent(t)
		l.receipt(void("c1"))
		l.is(sms.Queued)
		l.attempts(0)
		l.receipt(void("c1"))
		l.is(sms.Queued)
		l.attempts(0)
		l.outcome(l.claim(), taken("c2"))
		l.receipt(void("c1"))
		l.is(sms.Sent)
		l.receipt(delivered("c2"))
		l.is(sms.Delivered)
	})
	t.Run("account-wide trouble ends a message whose text was deleted", func(t *testing.T) {
		l := sent(t)
		var err error
		if l.m, _, err = l.rules.DeleteText(l.m, l.now); err != nil {
			t.Fatal(err)
		}
		l.receipt(void("c1"))
		l.is(sms.Undelivered)
		l.failure(sms.AccountExhausted)
	})
	t.Run("a refusal for now cannot put back what has no text any more", func(t *testing.T) {
		l := sent(t)
		var err error
		if l.m, _, err = l.rules.DeleteText(l.m, l.now); err != nil {
			t.Fatal(err)
		}
		refused := void("c1")
		refused.Trouble = ""
		l.receipt(refused)
		l.is(sms.Undelivered)
		l.failure(sms.Throttled)
	})
	t.Run("account-wide trouble ends the message if its other hand-over was undelivered", func(t *testing.T) {
		l := begin(t, draft())
		late := l.claim()
		l.outcome(late, noAnswer)
		l.outcome(l.claim(), taken("c2"))
		l.outcome(late, taken("c1"))
		l.receipt(undelivered("c1"))
		l.is(sms.Sent)
		l.receipt(void("c2"))
		l.is(sms.Undelivered)
		l.failure(sms.Unreachable)
	})
	t.Run("account-wide trouble leaves an unknown message unknown", func(t *testing.T) {
		d := draft()
		d.OnUnknown = sms.Hold
		l := begin(t, d)
		token := l.claim()
		l.outcome(token, noAnswer)
		l.match(token, void("c1"))
		l.is(sms.Unknown)
		if l.m.Unmatched() {
			t.Error("the hand-over has its receipt, but may still be matched by number")
		}
	})
	t.Run("a receipt may be matched to an unknown message by its number", func(t *testing.T) {
		for _, tc := range []struct {
			rc   sms.Receipt
			want sms.Status
		}{{delivered("c1"), sms.Delivered}, {undelivered("c1"), sms.Undelivered}} {
			d := draft()
			d.OnUnknown = sms.Hold
			l := begin(t, d)
			token := l.claim()
			l.outcome(token, noAnswer)
			l.match(token, tc.rc)
			l.is(tc.want)
		}
	})
	t.Run("a message waits for the second receipt if the first says undelivered", func(t *testing.T) {
		l := begin(t, draft())
		first := l.claim()
		l.outcome(first, noAnswer)
		l.outcome(l.claim(), taken("c2"))
		l.outcome(first, taken("c1"))
		l.receipt(undelivered("c1"))
		l.is(sms.Sent)
		l.receipt(delivered("c2"))
		l.is(sms.Delivered)
	})
}

func TestClaim(t *testing.T) {
	t.Run("a scheduled message passes through queued", func(t *testing.T) {
		d := draft()
		d.SendAt = start.Add(time.Hour)
		l := begin(t, d)
		l.is(sms.Scheduled)
		if got := l.rules.NewClaim("fake", l.now).Refuse(l.m); got != sms.TooEarly {
			t.Errorf("before the message's time, Refuse returned %q", got)
		}
		l.claim()
		l.is(sms.Sending)
		if got := []sms.Status{l.m.Events[0].Status, l.m.Events[1].Status, l.m.Events[2].Status}; !cmp.Equal(got, []sms.Status{sms.Scheduled, sms.Queued, sms.Sending}) {
			t.Errorf("events = %v", got)
		}
	})
	t.Run("a claim is refused after the expiry, while sending, and without attempts left", func(t *testing.T) {
		l := begin(t, draft())
		if got := l.rules.NewClaim("fake", start.Add(24*time.Hour)).Refuse(l.m); got != sms.PastExpiry {
			t.Errorf("at the expiry, Refuse returned %q", got)
		}
		l.outcome(l.claim(), noAnswer)
		c := l.rules.NewClaim("fake", l.now.Add(time.Hour))
		c.MaxAttempts = 1
		if got := c.Refuse(l.m); got != sms.AttemptsSpent {
			t.Errorf("with all attempts spent, Refuse returned %q", got)
		}
		l.claim()
		if got := l.rules.NewClaim("fake", l.now).Refuse(l.m); got != sms.NotWaiting {
			t.Errorf("while another sender works on the message, Refuse returned %q", got)
		}
	})
}

func TestClientsChanges(t *testing.T) {
	t.Run("a message is canceled once, and canceling it again changes nothing", func(t *testing.T) {
		l := begin(t, draft())
		m, changed, err := l.rules.Cancel(l.m, l.now)
		if l.m = m; !changed || err != nil {
			t.Fatalf("Cancel returned changed %v and error %v", changed, err)
		}
		l.is(sms.Canceled)
		if _, changed, err = l.rules.Cancel(l.m, l.now); changed || err != nil {
			t.Errorf("the second Cancel returned changed %v and error %v", changed, err)
		}
	})
	t.Run("the text can be deleted only when the message no longer has to be sent", func(t *testing.T) {
		l := begin(t, draft())
		if _, _, err := l.rules.DeleteText(l.m, l.now); !errors.Is(err, sms.ErrTooLate) {
			t.Errorf("DeleteText of a queued message: %v", err)
		}
		l.outcome(l.claim(), taken("c1"))
		m, changed, err := l.rules.DeleteText(l.m, l.now)
		if !changed || err != nil || m.Text != "" || !m.TextDeleted {
			t.Errorf("DeleteText returned changed %v and error %v", changed, err)
		}
	})
	t.Run("a record without its text shows nothing by which a guess of the text can be checked", func(t *testing.T) {
		var left []sms.Message
		for _, code := range []string{"1234", "5678"} {
			d := draft()
			d.Text = "Your code is " + code
			l := begin(t, d)
			l.outcome(l.claim(), taken("c1"))
			m, _, err := l.rules.DeleteText(l.m, l.now)
			if err != nil {
				t.Fatal(err)
			}
			m.ID, m.Nonce, m.Revision, m.HandOvers[0].Token = "", "", "", "" // random
			left = append(left, m)
		}
		if diff := cmp.Diff(left[0], left[1]); diff != "" {
			t.Errorf("the records of two texts differ after the texts were deleted:\n%s", diff)
		}
	})
	t.Run("a message without its text is not sent again when account-wide trouble stopped it", func(t *testing.T) {
		l := begin(t, draft())
		l.outcome(l.claim(), taken("c1"))
		l.m, _, _ = l.rules.DeleteText(l.m, l.now)
		l.receipt(void("c1"))
		l.is(sms.Undelivered)
		l.failure(sms.AccountExhausted)
	})
}

func TestEventsStopAtFiftyAndAreCounted(t *testing.T) {
	l := begin(t, draft())
	for range 40 {
		l.outcome(l.claim(), forNow)
	}
	if len(l.m.Events) != sms.MaxEvents || l.m.EventsOmitted != 31 {
		t.Errorf("the message keeps %d events and only counts %d", len(l.m.Events), l.m.EventsOmitted)
	}
	if got := l.m.History()[sms.MaxEvents].Detail; got != "31 later events were only counted" {
		t.Errorf("the last line of the history is %q", got)
	}
}
