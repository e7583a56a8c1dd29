package sender

import (
	"context"
	"log/slog"
	"sync"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Batch delivers the items of one batch side by side and returns the handles of
// those that must stay on the queue: never nil. That is garbage, which the
// queue's own limit of receives ends among the dead letters, and what could
// not be worked on now. The latter leaves the queue before that limit, at
// lastReceive: its record is due, and the relay brings it back.
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

func (s *Sender) stays(ctx context.Context, item sms.QueueItem, lastReceive int) bool {
	logger := s.logger.With(slog.String("queue_item", item.Handle), slog.Int("receive_count", item.ReceiveCount))
	ref, err := sms.ParseRef(item.Body)
	if err != nil {
		logger.ErrorContext(ctx, "garbage on the queue")
		return true
	}
	if err = s.Deliver(ctx, ref); err == nil {
		return false
	}
	logger.WarnContext(ctx, "not delivered", "message_id", ref.ID, "error", err)
	return item.ReceiveCount < lastReceive
}
