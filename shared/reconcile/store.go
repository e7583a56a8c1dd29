package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Accepted adds up the messages with these ids, which clients were told were
// accepted, and everything that the provider took.
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

// Everything adds up every message of a store. Where senders are at work
// meanwhile, a message counts as what it was when it was read, so that only a
// provider's log read before, or a store at rest, can be expected to add up.
func Everything(ctx context.Context, store interface {
	Every(ctx context.Context, do func(sms.Message) error) error
}, log []HandOver, now time.Time,
) (Report, error) {
	l := New(log, now)
	if err := store.Every(ctx, func(m sms.Message) error {
		l.Add(m)
		return nil
	}); err != nil {
		return Report{}, err
	}
	return l.Report(), nil
}
