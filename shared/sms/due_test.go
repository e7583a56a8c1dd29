package sms_test

import (
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestWaitsSince(t *testing.T) {
	accepted := start
	entry := func(m sms.Message) sms.DueEntry {
		return sms.DueEntry{Ref: m.Ref(), Due: m.Due, ExpiresAt: m.ExpiresAt}
	}
	message := func(change func(*sms.Draft)) sms.DueEntry {
		d := draft()
		change(&d)
		return entry(rules().Accept(sms.NewID(), d, accepted))
	}
	now := accepted.Add(time.Hour)
	plain := message(func(*sms.Draft) {})
	late := accepted.Add(50 * time.Minute)
	rescued := plain
	rescued.Due = plain.Postponed(late)
	again := rescued
	again.Due = rescued.Postponed(late.Add(time.Minute))
	for _, tt := range []struct {
		name string
		e    sms.DueEntry
		want time.Time
	}{
		{"enqueued at once", plain, accepted},
		{"enqueued again by the relay", rescued, late},
		{"enqueued a third time", again, late.Add(time.Minute)},
		{"due at its expiry, before its first rescue", message(func(d *sms.Draft) {
			d.ExpiresAt = accepted.Add(time.Minute)
		}), accepted},
		{"not enqueued, although its time has come", message(func(d *sms.Draft) {
			d.SendAt = accepted.Add(10 * time.Minute)
		}), accepted.Add(10 * time.Minute)},
		{"scheduled for later", message(func(d *sms.Draft) {
			d.SendAt = accepted.Add(2 * time.Hour)
		}), now},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.e.WaitsSince(now); !got.Equal(tt.want) {
				t.Errorf("the message has waited since %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAFailedEnqueueForgetsNoRescue(t *testing.T) {
	m := rules().Accept(sms.NewID(), draft(), start)
	entry := func() sms.DueEntry { return sms.DueEntry{Ref: m.Ref(), Due: m.Due, ExpiresAt: m.ExpiresAt} }
	now := start
	for range 3 { // rescues that wait 2, 5 and 10 minutes
		now = m.Due.At
		m.Due = entry().Postponed(now)
	}
	failed, changed := rules().EnqueueFailed(m, now)
	if want := (sms.Due{Kind: sms.DueSend, At: now, Round: 3}); !changed || failed.Due != want {
		t.Errorf("the message is due %+v, want %+v", failed.Due, want)
	}
	m.Due = failed.Due
	now = now.Add(time.Minute)
	if got, want := entry().Postponed(now), (sms.Due{Kind: sms.DueRescue, At: now.Add(15 * time.Minute), Round: 3}); got != want {
		t.Errorf("after the enqueue, the message is due %+v, want %+v", got, want)
	}
}

func TestAFailedEnqueueDelaysNoExpiry(t *testing.T) {
	d := draft()
	d.SendAt = start.Add(time.Minute)
	m := rules().Accept(sms.NewID(), d, start)
	m.ExpiresAt = start.Add(30 * time.Second)
	failed, changed := rules().EnqueueFailed(m, start)
	if want := (sms.Due{Kind: sms.DueSend, At: m.ExpiresAt}); !changed || failed.Due != want {
		t.Errorf("the message is due %+v, want %+v", failed.Due, want)
	}
}

func TestDelay(t *testing.T) {
	for _, tt := range []struct {
		wait, want time.Duration
	}{
		{-time.Minute, 0},
		{0, 0},
		{time.Millisecond, time.Second},
		{90 * time.Second, 90 * time.Second},
		{sms.MaxDelay - time.Millisecond, sms.MaxDelay},
		{sms.MaxDelay + time.Millisecond, sms.MaxDelay},
		{time.Hour, sms.MaxDelay},
	} {
		t.Run("for a claim in "+tt.wait.String(), func(t *testing.T) {
			if got := (sms.Message{NotBefore: start.Add(tt.wait)}).Delay(start); got != tt.want {
				t.Errorf("Delay = %v, want %v", got, tt.want)
			}
		})
	}
}
