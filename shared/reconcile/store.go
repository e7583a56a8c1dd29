package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Accepted reports on the messages with these ids, whose acceptance was confirmed
// to clients, and on everything that the provider took.
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

// Everything reports on every message of a store. The provider's log must be
// older than the store's state: read the log first, or stop the senders.
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
