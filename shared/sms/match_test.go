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
	sms.Unmatched
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
func (c *crowd) keep(rc sms.Receipt) sms.PendingReceipt {
	rc.Number = draft().Number
	k := rc.Pending(c.now)
	c.Receipts = append(c.Receipts, k)
	return k
}

// owner is the only message that k may belong to, nil where there is none.
func (c *crowd) owner(k sms.PendingReceipt, now time.Time) *life {
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

func TestTheOwnerOfAReceipt(t *testing.T) {
	at := func(rc sms.Receipt, at time.Time) sms.Receipt { rc.At = at; return rc }
	for _, tt := range []struct {
		name  string
		stage func(c *crowd) (k sms.PendingReceipt, owner *life)
	}{
		{"is the only message without an answer", func(c *crowd) (sms.PendingReceipt, *life) {
			l := c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is a message in flight, if no other can be", func(c *crowd) (sms.PendingReceipt, *life) {
			l, _ := c.handOver()
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is not known where another one is in flight", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(noAnswer)
			c.handOver()
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not one that was taken under another id, nor does that one disturb", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(taken("c2"))
			l := c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is the one that was taken under its id", func(c *crowd) (sms.PendingReceipt, *life) {
			l := c.after(taken("c1"))
			c.after(taken("c2"))
			return c.keep(at(delivered("c1"), c.now)), l
		}},
		{"is not known where one was taken under its id and another has no answer", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(noAnswer)
			c.after(taken("c1"))
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not known where another message without an answer ended", func(c *crowd) (sms.PendingReceipt, *life) {
			ended := c.after(noAnswer)
			ended.outcome(ended.claim(), taken("c2"))
			ended.receipt(delivered("c2"))
			ended.is(sms.Delivered)
			c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not known where another receipt could be its", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(noAnswer)
			c.keep(at(delivered("c2"), c.now))
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is not known where there may be more than was seen", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(noAnswer)
			c.More = true
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is none that began after it came", func(c *crowd) (sms.PendingReceipt, *life) {
			k := c.keep(delivered("c1"))
			c.now = c.now.Add(2 * time.Second)
			c.after(noAnswer)
			return k, nil
		}},
		{"is none that it is too old for", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now.Add(-time.Minute))), nil
		}},
		{"is not known of one without a time, though it fits", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(noAnswer)
			return c.keep(undelivered("c1")), nil
		}},
		{"is not known where another one without a time may be its", func(c *crowd) (sms.PendingReceipt, *life) {
			c.after(noAnswer)
			c.keep(undelivered("c2"))
			return c.keep(at(delivered("c1"), c.now)), nil
		}},
		{"is known where the other one without a time came before it began", func(c *crowd) (sms.PendingReceipt, *life) {
			c.keep(undelivered("c2"))
			c.now = c.now.Add(2 * time.Second)
			l := c.after(noAnswer)
			return c.keep(at(delivered("c1"), c.now)), l
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
}
