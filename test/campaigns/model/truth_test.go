package model

import (
	"fmt"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// A truth holds what really happened to one message, even if this differs from the
// record. It ignores leases, revisions and due times.
type truth struct {
	id       string
	number   sms.Number
	text     string
	policy   sms.OnUnknown
	refused  error // the client's last answer, if the message was not accepted
	was      sms.Status
	events   int
	canceled bool // whether the client was told that the message is canceled
	taken    int  // the number of hand-overs that the provider had taken at the last check
}

// next lists the statuses that can follow each status. It repeats the table in the
// documents on purpose.
var next = map[sms.Status][]sms.Status{
	"":            {sms.Scheduled, sms.Queued},
	sms.Scheduled: {sms.Queued, sms.Canceled, sms.Expired, sms.Sending},
	sms.Queued:    {sms.Sending, sms.Canceled, sms.Expired, sms.Unknown, sms.Sent, sms.Delivered, sms.Undelivered},
	sms.Sending:   {sms.Sent, sms.Queued, sms.Failed, sms.Expired, sms.Unknown, sms.Delivered, sms.Undelivered},
	sms.Sent:      {sms.Delivered, sms.Undelivered, sms.Queued},
	sms.Unknown:   {sms.Sent, sms.Delivered, sms.Undelivered},
}

// The parameter `log` holds the hand-overs that the provider took. If oneStep is true,
// the message changed in one step, and the table must allow this change. Otherwise it is
// enough that the message has not left a final status.
func (w *truth) check(m sms.Message, log []reconcile.HandOver, now time.Time, oneStep bool) error {
	var taken, void int
	for _, h := range log {
		if h.Void {
			void++
		} else {
			taken++
		}
	}
	was := w.was
	w.was = m.Status
	events := len(m.Events) + m.EventsOmitted
	again := w.policy == sms.Hold && len(log) > w.taken && !allVoid(m, log[:len(log)-1])
	defer func() { w.events, w.taken = events, len(log) }()
	switch s := m.Status; {
	case s != was && !slices.Contains(next[was], s) && (oneStep || was.Final()):
		return fmt.Errorf("the message was %s and is now %s, which the table forbids", was, s)
	case events < w.events:
		return fmt.Errorf("the message had %d events and now has %d", w.events, events)
	case w.canceled && s != sms.Canceled:
		return fmt.Errorf("the client was told that the message is canceled, but it is %s", s)
	case slices.ContainsFunc(log, func(h reconcile.HandOver) bool { return h.At.After(m.ExpiresAt) }):
		return fmt.Errorf("the message was handed over after %v, when it expired", m.ExpiresAt)
	case again:
		return fmt.Errorf("the message was handed over again in spite of hold, although no receipt had said that nothing was sent")
	case taken > 0 && (s == sms.Canceled || s == sms.Expired || s == sms.Failed || s == sms.Scheduled):
		return fmt.Errorf("the message is %s, but was handed over", s)
	case taken == 0 && (s == sms.Delivered || s == sms.Undelivered):
		return fmt.Errorf("the message is %s, but was never handed over", s)
	case taken+void == 0 && s == sms.Sent:
		return fmt.Errorf("the message is sent, but was never handed over")
	case s.AtRest() != m.Due.IsZero():
		return fmt.Errorf("the message is %s, but still due: %+v", s, m.Due)
	case s.AtRest() == m.PurgeAt.IsZero():
		return fmt.Errorf("the message has work left (%s), but will be removed at %v", s, m.PurgeAt)
	case !s.AtRest() && m.Due.At.After(latest(m, now)):
		return fmt.Errorf("the message is %s, and at %v its due time %v is too late", s, now, m.Due.At)
	case (s == sms.Sending) != (m.LeaseToken != ""):
		return fmt.Errorf("the message is %s, but still has the lease %q", s, m.LeaseToken)
	case foreignID(m, log) != "":
		return fmt.Errorf("the message has the provider message id %s, which belongs to another message", foreignID(m, log))
	case m.Text != w.text || m.Number != w.number:
		return fmt.Errorf("the text or the number of the message changed")
	}
	return nil
}

// A receipt that names no message is in no record, so it proves nothing.
func allVoid(m sms.Message, log []reconcile.HandOver) bool {
	return !slices.ContainsFunc(log, func(h reconcile.HandOver) bool {
		return !h.Void || !slices.ContainsFunc(m.HandOvers, func(of sms.HandOver) bool {
			return of.ProviderMessageID == h.ProviderMessageID && of.Receipt == sms.VerdictVoid
		})
	})
}

// Returns the latest time at which a message is allowed to be due. This is 15 minutes
// after the work for the message can be done.
func latest(m sms.Message, now time.Time) time.Time {
	for _, t := range []time.Time{m.SendAt, m.NotBefore, m.LeaseUntil} {
		if t.After(now) {
			now = t
		}
	}
	return now.Add(15 * time.Minute)
}

// foreignID returns a provider message id of m that no hand-over of m got. Such an id shows
// that a receipt changed the wrong message.
func foreignID(m sms.Message, log []reconcile.HandOver) string {
	for _, ref := range m.ProviderRefs() {
		if !slices.ContainsFunc(log, func(h reconcile.HandOver) bool { return h.ProviderMessageID == ref.MessageID }) {
			return ref.MessageID
		}
	}
	return ""
}
