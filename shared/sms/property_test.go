package sms_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// A value of this type describes what really happened in one hand-over. The record of
// the message can differ.
type publish struct {
	token    string
	id       string // "" if the hand-over did not reach the provider
	answered bool   // whether its sender has recorded an outcome
	reported bool   // whether its receipt has come
	void     bool
}

type world struct {
	rules     sms.Rules
	now       time.Time
	m         sms.Message
	publishes []publish
	delivered int
}

func (w *world) apply(t *rapid.T, what string, next sms.Message) {
	was := w.m
	if was.Status.Final() && next.Status != was.Status {
		t.Fatalf("%s: the final status %s became %s", what, was.Status, next.Status)
	}
	w.m = next
	w.check(t, what)
}

func (w *world) check(t *rapid.T, what string) {
	m := w.m
	left := slices.DeleteFunc(slices.Clone(w.publishes), func(p publish) bool { return p.id == "" || p.void })
	switch {
	case m.Status.AtRest() != m.Due.IsZero():
		t.Fatalf("%s: the message is %s, but due %+v", what, m.Status, m.Due)
	case m.Status.AtRest() == m.PurgeAt.IsZero():
		t.Fatalf("%s: the message is %s, but kept until %v", what, m.Status, m.PurgeAt)
	case (m.Status == sms.Sending) != (m.LeaseToken != ""):
		t.Fatalf("%s: the message is %s, but has the lease %q", what, m.Status, m.LeaseToken)
	case m.Attempts < 0 || m.Attempts > w.rules.MaxAttempts:
		t.Fatalf("%s: the message has %d attempts, which is not possible", what, m.Attempts)
	case m.OnUnknown == sms.Hold && len(left) > 1:
		t.Fatalf("%s: the message was handed over %d times with hold", what, len(left))
	case slices.Contains([]sms.Status{sms.Canceled, sms.Expired, sms.Failed}, m.Status) && len(left) > 0:
		t.Fatalf("%s: the message is %s, although it was handed over", what, m.Status)
	case m.Status == sms.Delivered && w.delivered == 0:
		t.Fatalf("%s: the message is delivered, but no receipt said so", what)
	case m.Status.AtRest() && m.Status != sms.Sent && m.Status != sms.Delivered && m.Status != sms.Canceled && m.Failure == nil:
		t.Fatalf("%s: the message is %s without a failure", what, m.Status)
	}
}

func (w *world) claim(t *rapid.T) {
	c := w.rules.NewClaim("fake", w.now)
	m, err := c.Apply(w.m)
	if err != nil {
		return
	}
	w.publishes = append(w.publishes, publish{token: c.Token})
	w.apply(t, "claim", m)
}

// pick returns a random hand-over that fits, or nil if none fits.
func (w *world) pick(t *rapid.T, fits func(publish) bool) *publish {
	var indexes []int
	for i, p := range w.publishes {
		if fits(p) {
			indexes = append(indexes, i)
		}
	}
	if len(indexes) == 0 {
		return nil
	}
	return &w.publishes[rapid.SampledFrom(indexes).Draw(t, "publish")]
}

func (w *world) handOver(t *rapid.T) {
	p := w.pick(t, func(p publish) bool { return !p.answered && p.id == "" && p.token == w.m.LeaseToken })
	if p == nil || !w.now.Before(w.m.LeaseUntil) || !w.m.ExpiresAt.After(w.now) {
		return
	}
	if w.m.Status.Final() {
		t.Fatalf("the message was handed over after it was %s", w.m.Status)
	}
	p.id = fmt.Sprint("provider-", len(w.publishes))
	w.check(t, "hand over")
}

func (w *world) answer(t *rapid.T) {
	p := w.pick(t, func(p publish) bool { return !p.answered })
	if p == nil {
		return
	}
	p.answered = true
	outcomes := []sms.Outcome{noAnswer}
	if p.id != "" {
		outcomes = append(outcomes, taken(p.id))
	} else {
		outcomes = append(outcomes, forNow, forGood, account)
	}
	o := rapid.SampledFrom(outcomes).Draw(t, "outcome")
	m, _ := w.rules.Record(w.m, p.token, o, w.now)
	w.apply(t, "answer", m)
	again, changed := w.rules.Record(w.m, p.token, o, w.now)
	if changed || again.Status != w.m.Status {
		t.Fatalf("recording the same outcome again changed a %s message", w.m.Status)
	}
}

func (w *world) receipt(t *rapid.T) {
	p := w.pick(t, func(p publish) bool { return p.id != "" })
	if p == nil {
		return
	}
	rc := delivered(p.id)
	if !p.reported {
		rc = rapid.SampledFrom([]sms.Receipt{delivered(p.id), undelivered(p.id), void(p.id)}).Draw(t, "receipt")
	}
	rc.Number, rc.At = w.m.Number, w.now
	m, changed := w.rules.ApplyReceipt(w.m, rc, w.now)
	if !changed && !p.reported && w.m.Unanswered() {
		m, changed = w.rules.ApplyMatched(w.m, p.token, rc, w.now)
	}
	if !changed {
		return
	}
	if !p.reported {
		p.reported, p.void = true, rc.Verdict == sms.VerdictVoid
	}
	if rc.Verdict == sms.VerdictDelivered {
		w.delivered++
	}
	w.apply(t, "receipt "+string(rc.Verdict), m)
}

func TestRulesKeepTheirPromisesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draft()
		d.OnUnknown = rapid.SampledFrom([]sms.OnUnknown{sms.Hold, sms.Resend}).Draw(t, "onUnknown")
		if rapid.Bool().Draw(t, "scheduled") {
			d.SendAt = start.Add(time.Hour)
		}
		w := &world{rules: rules(), now: start}
		w.apply(t, "accept", w.rules.Accept(sms.NewID(), d, w.now))
		t.Repeat(map[string]func(*rapid.T){
			"claim":    w.claim,
			"handOver": w.handOver,
			"answer":   w.answer,
			"receipt":  w.receipt,
			"time passes": func(t *rapid.T) {
				w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 12 * time.Hour}).Draw(t, "time"))
			},
			"lease ends": func(t *rapid.T) {
				m, _ := w.rules.EndLease(w.m, w.now, false)
				w.apply(t, "lease ends", m)
			},
			"give up": func(t *rapid.T) {
				m, _ := w.rules.GiveUp(w.m, w.now)
				w.apply(t, "give up", m)
			},
			"cancel": func(t *rapid.T) {
				m, changed, err := w.rules.Cancel(w.m, w.now)
				if err == nil && changed {
					w.apply(t, "cancel", m)
				}
			},
		})
	})
}
