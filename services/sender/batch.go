package sender

import (
	"context"
	"log/slog"
	"sync"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Batch delivers the items of one batch in parallel. It returns the handles of the items
// that must stay on the queue; the list may be empty, but is never nil. These are:
//
//   - garbage, until the queue moves it to the dead letters,
//   - items that could not be delivered now. When such an item is received for the
//     lastReceive-th time, it leaves the queue: its record is due, and the relay enqueues
//     the message again.
func (s *Sender) Batch(ctx context.Context, batch []sms.QueueItem, lastReceive int) []string {
	stays := make([]bool, len(batch))
	var group sync.WaitGroup
	for i, item := range batch {
		group.Go(func() { stays[i] = s.stays(ctx, item, lastReceive) })
	}
	group.Wait()
	handles := []string{}
	for i, item := range batch {
		if stays[i] {
			handles = append(handles, item.Handle)
		}
	}
	return handles
}

// stays delivers item and reports whether it must stay on the queue.
func (s *Sender) stays(ctx context.Context, item sms.QueueItem, lastReceive int) bool {
	logger := s.logger.With(slog.String("queue_item", item.Handle), slog.Int("receive_count", item.ReceiveCount))
	ref, err := sms.ParseRef(item.Body)
	if err != nil {
		logger.ErrorContext(ctx, "malformed queue item")
		return true
	}
	if err = s.Deliver(ctx, ref); err == nil {
		return false
	}
	logger.WarnContext(ctx, "message not delivered now", "message_id", ref.ID, "error", err)
	return item.ReceiveCount < lastReceive
}
