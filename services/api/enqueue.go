package api

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// enqueue enqueues the accepted messages that are new and due soon. If this fails, the client is not told,
// because the relay will enqueue the message: on its next run if enqueue can mark the record as due, and
// otherwise at the next rescue.
func (a *api) enqueue(ctx context.Context, accepted ...acceptance) {
	ctx = context.WithoutCancel(ctx)
	now := a.Now()
	var messages []sms.Message
	var envelopes []sms.Envelope
	for _, one := range accepted {
		m := one.message
		if delay, yes := m.EnqueueNow(now); yes && !one.replayed {
			messages = append(messages, m)
			envelopes = append(envelopes, sms.Envelope{Ref: m.Ref(), Parts: m.Parts, Group: m.Client, Delay: delay})
		}
	}
	if len(envelopes) == 0 {
		return
	}
	err := a.send(ctx, envelopes)
	if err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Cleanup)
	defer cancel()
	var marking errgroup.Group
	marking.SetLimit(parallel)
	for _, i := range sms.FailedEnvelopes(err, len(envelopes)) {
		m := messages[i]
		a.Logger.WarnContext(ctx, "message not enqueued", "message_id", m.ID, "error", err)
		marking.Go(func() error { return a.protect(ctx, func() error { return a.markDue(ctx, m) }) })
	}
	if err := marking.Wait(); err != nil {
		a.Logger.WarnContext(ctx, "messages not marked as due", "error", err)
	}
}

func (a *api) markDue(ctx context.Context, m sms.Message) error {
	_, err := change.Message(ctx, a.Store, m, func(m sms.Message) (sms.Message, bool) {
		return a.Rules.EnqueueFailed(m, a.Now())
	})
	return err
}

func (a *api) send(ctx context.Context, envelopes []sms.Envelope) error {
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Enqueue)
	defer cancel()
	if err := a.Queue.Send(ctx, envelopes...); err != nil {
		return fmt.Errorf("enqueuing %d messages: %w", len(envelopes), err)
	}
	return nil
}
