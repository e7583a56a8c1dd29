package sms_test

import (
	"context"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// records are messages by id, for what only reads them.
type records struct {
	sms.Messages
	byID map[string]sms.Message
}

func (r records) Get(_ context.Context, id string) (sms.Message, error) {
	m, ok := r.byID[id]
	if !ok {
		return sms.Message{}, sms.ErrNotFound
	}
	return m, nil
}

// crowd is what happened to a few messages to one number.
type crowd struct {
	t     *testing.T
	now   time.Time
	lives []*life
	sms.Unsettled
}

func newCrowd(t *testing.T) *crowd { return &crowd{t: t, now: start} }

// handOver is one more message, claimed now.
func (c *crowd) handOver() (l *life, token string) {
	c.t.Helper()
	l = begin(c.t, draft())
	l.now = c.now
	token = l.claim()
	c.lives = append(c.lives, l)
	c.MessageIDs = append(c.MessageIDs, l.m.ID)
	return l, token
}

// after is one more message that had the outcome o.
func (c *crowd) after(o sms.Outcome) *life {
	c.t.Helper()
	l, token := c.handOver()
	l.outcome(token, o)
	return l
}

// keep has rc come now.
func (c *crowd) keep(rc sms.Receipt) sms.KeptReceipt {
	rc.Number = draft().Number
	k := rc.Keep(c.now)
	c.Receipts = append(c.Receipts, k)
	return k
}

// owner is the only message that k may belong to, nil where there is none.
func (c *crowd) owner(k sms.KeptReceipt, now time.Time) *life {
	c.t.Helper()
	all := records{byID: make(map[string]sms.Message)}
	for _, l := range c.lives {
		all.byID[l.m.ID] = l.m
	}
	m, token, err := c.Owner(c.t.Context(), all, k, now)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, l := range c.lives {
		if token != "" && l.m.ID == m.ID {
			return l
		}
	}
	return nil
}

// nameless is a receipt of trouble of which only destination and words are there.
func nameless() sms.Receipt {
	return sms.Receipt{Provider: "fake", Verdict: sms.VerdictVoid, Trouble: sms.SpendLimit, Detail: "No quota left for account"}
}

func TestTheOwnerOfAReceipt(t *testing.T) {
	at := func(rc sms.Receipt, at time.Time) sms.Receipt { rc.At = at; return rc }
	for _, tt := range []struct {
		name  string
		stage func(c *crowd) (k sms.KeptReceipt, owner *life)
	}{
		{"is the only message without an answer", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is a message in flight, if no other can be", func(c *crowd) (sms.KeptReceipt, *life) {
			l, _ := c.handOver()
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is not known where another one is in flight", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(noAnswer)
			c.handOver()
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not one that was taken under another id, nor does that one disturb", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(taken("c2"))
			l := c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is the one that was taken under its id", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(taken("c1"))
			c.after(taken("c2"))
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is not known where one was taken under its id and another has no answer", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(noAnswer)
			c.after(taken("c1"))
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not known where another message without an answer ended", func(c *crowd) (sms.KeptReceipt, *life) {
			ended := c.after(noAnswer)
			ended.outcome(ended.claim(), taken("c2"))
			ended.receipt(delivered("c2"))
			ended.is(sms.Delivered)
			c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not known where another receipt could be its", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(noAnswer)
			c.keep(at(delivered("c2"), c.now))
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not known where there may be more than was seen", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(noAnswer)
			c.More = true
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is none that began after it came", func(c *crowd) (sms.KeptReceipt, *life) {
			k := c.keep(delivered("c1"))
			c.now = c.now.Add(2 * time.Second)
			c.after(noAnswer)
			return k, nil
		}},
		{"is none that it is too old for", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now.Add(-time.Minute))), nil
		}},
		{"is a message that was taken, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(taken("c1"))
			return c.keep(nameless()), l
		}},
		{"is a message that was taken a quarter of an hour before, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(taken("c1"))
			c.now = c.now.Add(15 * time.Minute)
			return c.keep(nameless()), l
		}},
		{"is none from longer before, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(taken("c1"))
			c.now = c.now.Add(15*time.Minute + time.Millisecond)
			return c.keep(nameless()), nil
		}},
		{"is not known of two that were taken, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(taken("c1"))
			c.after(taken("c2"))
			return c.keep(nameless()), nil
		}},
		{"is the one of two that has no receipt, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(taken("c1")).receipt(delivered("c1"))
			l := c.after(taken("c2"))
			return c.keep(nameless()), l
		}},
		{"is a message that was taken after it had got no answer, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(noAnswer)
			l.outcome(l.claim(), taken("c1"))
			c.now = l.now
			return c.keep(nameless()), l
		}},
		{"is not known where a message got no answer after another was taken, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(taken("c1"))
			c.after(noAnswer)
			return c.keep(nameless()), nil
		}},
		{"is not known of two messages, one of which was also taken, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(noAnswer)
			l := c.after(noAnswer)
			l.outcome(l.claim(), taken("c1"))
			c.now = l.now
			return c.keep(nameless()), nil
		}},
		{"is not known where one is in flight, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(taken("c1"))
			c.handOver()
			return c.keep(nameless()), nil
		}},
		{"is the same for each of several that name none", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(taken("c1"))
			other := nameless()
			other.Detail = "Your account requires additional review"
			c.keep(other)
			return c.keep(nameless()), l
		}},
		{"is not known where one that tells of a delivery may be its too, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(taken("c1"))
			c.keep(sms.Receipt{Provider: "fake", Verdict: sms.VerdictDelivered})
			return c.keep(nameless()), nil
		}},
		{"is a message that was taken before the log had it, however late it comes, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(taken("c1"))
			rc := nameless()
			rc.LoggedAt = c.now.Add(15 * time.Minute)
			c.now = c.now.Add(6 * time.Hour)
			return c.keep(rc), l
		}},
		{"is none that was taken after the log had it, where it names none", func(c *crowd) (sms.KeptReceipt, *life) {
			rc := nameless()
			rc.LoggedAt = c.now
			c.now = c.now.Add(6 * time.Second)
			c.after(taken("c1"))
			return c.keep(rc), nil
		}},
		{"is a message without an answer from three days before, where it has no time", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(noAnswer)
			c.now = c.now.Add(72 * time.Hour)
			return c.keep(undelivered("c1")), l
		}},
		{"is none from longer before, where it has no time", func(c *crowd) (sms.KeptReceipt, *life) {
			c.after(noAnswer)
			c.now = c.now.Add(74 * time.Hour)
			return c.keep(undelivered("c1")), nil
		}},
		{"is one from three days before the log had it, where it has no time", func(c *crowd) (sms.KeptReceipt, *life) {
			l := c.after(noAnswer)
			rc := undelivered("c1")
			rc.LoggedAt = c.now.Add(72 * time.Hour)
			c.now = c.now.Add(80 * time.Hour)
			return c.keep(rc), l
		}},
		{"is none that began after the log had it, where it has no time", func(c *crowd) (sms.KeptReceipt, *life) {
			rc := undelivered("c1")
			rc.LoggedAt = c.now
			c.now = c.now.Add(6 * time.Second)
			c.after(noAnswer)
			return c.keep(rc), nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCrowd(t)
			k, want := tt.stage(c)
			if got := c.owner(k, k.KeptAt.Add(time.Minute)); got != want {
				t.Errorf("the owner is %p, want %p of %p", got, want, c.lives)
			}
		})
	}
	t.Run("is not looked for before indexes show it", func(t *testing.T) {
		c := newCrowd(t)
		l := c.after(noAnswer)
		k := c.keep(at(delivered("c1"), c.now))
		if c.owner(k, c.now.Add(2*time.Second-time.Millisecond)) != nil {
			t.Error("found too early")
		}
		if c.owner(k, c.now.Add(2*time.Second)) != l {
			t.Error("not found after two seconds")
		}
	})
	t.Run("is not looked for within a minute, where it names none", func(t *testing.T) {
		c := newCrowd(t)
		c.after(taken("c1"))
		k := c.keep(nameless())
		if c.owner(k, c.now.Add(time.Minute-time.Millisecond)) != nil {
			t.Error("found before an ordinary receipt had time to come")
		}
	})
}

func TestTroubleThatNamesNoMessage(t *testing.T) {
	sent := func(t *testing.T, onUnknown sms.OnUnknown) (l *life, token string) {
		t.Helper()
		d := draft()
		d.OnUnknown = onUnknown
		l = begin(t, d)
		token = l.claim()
		l.outcome(token, taken("c1"))
		return l, token
	}
	t.Run("has it sent again, costs no attempt and counts once", func(t *testing.T) {
		l, token := sent(t, sms.Resend)
		if !l.adopt(token, nameless()) {
			t.Error("nothing changed")
		}
		l.is(sms.Queued)
		l.attempts(0)
		if l.adopt(token, nameless()) {
			t.Error("counted twice")
		}
		if token = l.claim(); !l.outcome(token, taken("c2")) {
			t.Error("its next outcome is lost")
		}
		l.receipt(delivered("c2"))
		l.is(sms.Delivered)
	})
	t.Run("proves nothing: it cannot be canceled and does not expire", func(t *testing.T) {
		l, token := sent(t, sms.Resend)
		l.adopt(token, nameless())
		if _, _, err := l.rules.Cancel(l.m, l.now); err == nil {
			t.Error("canceled, though it was perhaps delivered")
		}
		l.now = l.m.ExpiresAt
		l.m, _ = l.rules.GiveUp(l.m, l.now)
		l.is(sms.Unknown)
		l.failure(sms.NoAnswer)
	})
	for _, tt := range []struct {
		rc       sms.Receipt
		want     sms.Status
		attempts int
	}{{delivered("c1"), sms.Delivered, 1}, {undelivered("c1"), sms.Undelivered, 1}, {void("c1"), sms.Queued, 0}} {
		t.Run("gives way to its own receipt: "+string(tt.rc.Verdict), func(t *testing.T) {
			l, token := sent(t, sms.Resend)
			l.adopt(token, nameless())
			l.receipt(tt.rc)
			l.is(tt.want)
			l.attempts(tt.attempts)
			l.receipt(tt.rc)
			l.attempts(tt.attempts)
		})
	}
	t.Run("is but an event of a message that cannot be sent any more", func(t *testing.T) {
		l, token := sent(t, sms.Resend)
		l.now = l.m.ExpiresAt
		if !l.adopt(token, nameless()) || l.adopt(token, nameless()) {
			t.Error("want one change")
		}
		l.is(sms.Sent)
		l.receipt(delivered("c1"))
		l.is(sms.Delivered)
		l.attempts(1)
	})
	t.Run("counts a hand-over that was one after all, while the next is in flight", func(t *testing.T) {
		l, token := sent(t, sms.Resend)
		l.adopt(token, nameless())
		again := l.claim()
		l.receipt(undelivered("c1"))
		l.is(sms.Sending)
		l.attempts(2)
		l.outcome(again, forNow)
		l.is(sms.Undelivered)
		l.attempts(1)
	})
	t.Run("is but an event of a message that is held", func(t *testing.T) {
		l, token := sent(t, sms.Hold)
		before := len(l.m.Events)
		if !l.adopt(token, nameless()) || l.adopt(token, nameless()) {
			t.Error("want one change")
		}
		l.is(sms.Sent)
		l.attempts(1)
		if got := len(l.m.Events) - before; got != 1 {
			t.Errorf("%d events, want 1", got)
		}
		l.receipt(void("c1"))
		l.is(sms.Queued)
		l.attempts(0)
	})
	t.Run("is but an event of a message without its text", func(t *testing.T) {
		l, token := sent(t, sms.Resend)
		l.m, _, _ = l.rules.DropText(l.m, l.now)
		l.adopt(token, nameless())
		l.is(sms.Sent)
	})
	t.Run("is but an event where another hand-over of it was taken", func(t *testing.T) {
		l := begin(t, draft())
		first := l.claim()
		l.outcome(first, noAnswer)
		second := l.claim()
		l.outcome(second, taken("c2"))
		l.outcome(first, taken("c1"))
		l.adopt(second, nameless())
		l.is(sms.Sent)
	})
	t.Run("changes nothing where there is no answer anyway", func(t *testing.T) {
		l := begin(t, draft())
		token := l.claim()
		if l.adopt(token, nameless()) {
			t.Error("changed in flight")
		}
		l.outcome(token, noAnswer)
		if l.adopt(token, nameless()) {
			t.Error("changed without an answer")
		}
		l.attempts(1)
	})
}
