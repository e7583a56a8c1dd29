package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Accepted adds up the messages with these ids, which clients were told were
// accepted, and everything that the carrier took.
func Accepted(ctx context.Context, store sms.Messages, ids []string, log []HandOver, now time.Time) (Report, error) {
	l := New(log, now)
	for _, id := range ids {
		m, err := store.Get(ctx, id)
		switch {
		case errors.Is(err, sms.ErrNotFound):
			l.Missing(id)
		case err != nil:
			return Report{}, fmt.Errorf("reading message %s: %w", id, err)
		default:
			l.Add(m)
		}
	}
	return l.Report(), nil
}

// Everything adds up all messages of a store on one machine.
func Everything(ctx context.Context, store interface {
	sms.Messages
	sms.Lister
}, log []HandOver, now time.Time,
) (Report, error) {
	l := New(log, now)
	// To is now, so that what comes meanwhile does not move the pages; and a
	// list has no events, so each record is read.
	q := sms.ListQuery{To: now.Add(time.Minute), Limit: 100, Examine: 1000}
	for {
		page, err := store.List(ctx, q)
		if err != nil {
			return Report{}, fmt.Errorf("listing messages: %w", err)
		}
		for _, listed := range page.Messages {
			m, err := store.Get(ctx, listed.ID)
			if errors.Is(err, sms.ErrNotFound) {
				continue // its retention ended this moment
			}
			if err != nil {
				return Report{}, fmt.Errorf("reading message %s: %w", listed.ID, err)
			}
			l.Add(m)
		}
		if page.Next == "" {
			return l.Report(), nil
		}
		q.After = page.Next
	}
}
