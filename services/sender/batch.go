package sender

import (
	"context"
	"log/slog"
	"sync"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Delivered is one element of a batch, as a queue gives it to its consumer.
type Delivered struct {
	ID      string // names it in the answer
	Body    string
	Receive int // how often it was received, from 1
}

// Batch delivers the elements of one batch side by side and returns the IDs of
// those that must stay on the queue: never nil. That is garbage, which the
// queue's own limit of receives ends among the dead letters, and what could
// not be worked on now. The latter leaves the queue before that limit, at
// lastReceive: its record is due, and the relay brings it back.
func (s *Sender) Batch(ctx context.Context, batch []Delivered, lastReceive int) []string {
	stays := make([]bool, len(batch))
	var group sync.WaitGroup
	for i, d := range batch {
		group.Go(func() { stays[i] = s.stays(ctx, d, lastReceive) })
	}
	group.Wait()
	ids := []string{}
	for i, d := range batch {
		if stays[i] {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func (s *Sender) stays(ctx context.Context, d Delivered, lastReceive int) bool {
	logger := s.logger.With(slog.String("delivery_id", d.ID), slog.Int("receive", d.Receive))
	ref, err := sms.ParseRef(d.Body)
	if err != nil {
		logger.ErrorContext(ctx, "garbage on the queue")
		return true
	}
	if err = s.Deliver(ctx, ref); err == nil {
		return false
	}
	logger.WarnContext(ctx, "not delivered", "message_id", ref.ID, "error", err)
	return d.Receive < lastReceive
}
