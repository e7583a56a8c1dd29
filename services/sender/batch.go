package sender

import (
	"context"
	"log/slog"
	"sync"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Batch delivers the items of one batch in parallel. It returns the handles of the items
// that must stay on the queue. The list may be empty, but is never nil. These items must
// stay:
//
//   - malformed items, until the queue moves them to the dead letters,
//   - items that could not be delivered now. When such an item is received for the
//     lastReceive-th time, it leaves the queue: its record is due, and the relay enqueues
//     the message again.
//
// An item also leaves the queue if its slot would begin too late. If the item waited on the
// queue instead, each further receive would bring it closer to its last receive.
func (s *Sender) Batch(ctx context.Context, batch []sms.QueueItem, lastReceive int) []string {
	handles := []string{}
	var turns []Turn
	var items []sms.QueueItem // the queue item of each element of turns, in the same order
	for _, item := range batch {
		e, err := sms.ParseBody(item.Body)
		if err != nil {
			s.logItem(item).ErrorContext(ctx, "malformed queue item")
			handles = append(handles, item.Handle)
			continue
		}
		turns, items = append(turns, Turn{Ref: e.Ref, Parts: e.Parts}), append(items, item)
	}
	err := s.bookSlots(ctx, turns)
	errs := make([]error, len(turns))
	var group sync.WaitGroup
	for i, t := range turns {
		if errs[i] = err; err == nil {
			group.Go(func() { errs[i] = s.Deliver(ctx, t) })
		}
	}
	group.Wait()
	for i, item := range items {
		if errs[i] == nil {
			continue
		}
		s.logItem(item).WarnContext(ctx, "message not delivered now", "message_id", turns[i].Ref.ID, "error", errs[i])
		if item.ReceiveCount < lastReceive {
			handles = append(handles, item.Handle)
		}
	}
	return handles
}

func (s *Sender) logItem(item sms.QueueItem) *slog.Logger {
	return s.logger.With(slog.String("queue_item", item.Handle), slog.Int("receive_count", item.ReceiveCount))
}

// bookSlots books the slots of all turns together. If the breaker is open, it books no
// slots: only a probe can then be handed over, and the slot of the probe is booked
// separately.
func (s *Sender) bookSlots(ctx context.Context, turns []Turn) error {
	left := s.timeLeft(ctx)
	if len(turns) == 0 || s.gate.slot == 0 || left <= 0 {
		return nil
	}
	if signal, err := s.gate.Ask(ctx); err != nil || signal != Go {
		return err
	}
	parts := make([]int, len(turns))
	for i, t := range turns {
		parts[i] = t.Parts
	}
	slots, err := s.gate.Book(ctx, parts, s.now().Add(left))
	if err != nil {
		return err
	}
	for i := range turns {
		turns[i].Slot = slots[i]
	}
	return nil
}
