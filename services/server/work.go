package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

const (
	inFlight      = 64               // deliveries worked on at once
	receiveLimit  = 16               // deliveries taken from the queue at once
	receiveWait   = time.Second      // how long one look at an empty queue lasts
	deliveryTime  = 30 * time.Second // one delivery, the wait at the gate included
	leaseMargin   = 15 * time.Second // a lease outlives the delivery that holds it
	relayInterval = time.Second
	relayTime     = 30 * time.Second
	purgeInterval = time.Hour
	purgeLimit    = 1000
	errorPause    = time.Second
)

// worker does what Lambda, its event source mapping and EventBridge Scheduler
// do on AWS.
type worker struct {
	queue  sms.Consumer
	sender *sender.Sender
	relay  *relay.Relay
	purge  func(ctx context.Context, limit int) (int, error)
	logger *slog.Logger
}

// run works until ctx ends, and returns when nothing is in hand any more.
func (w *worker) run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { w.consume(ctx) })
	group.Go(func() { every(ctx, relayInterval, w.runRelay) })
	group.Go(func() { every(ctx, purgeInterval, w.runPurge) })
	group.Wait()
}

// consume takes deliveries from the queue and works on inFlight at once.
func (w *worker) consume(ctx context.Context) {
	slots := make(chan struct{}, inFlight)
	var group sync.WaitGroup
	defer group.Wait()
	for ctx.Err() == nil {
		slots <- struct{}{}
		free := 1
		for free < receiveLimit && len(slots) < cap(slots) {
			slots <- struct{}{}
			free++
		}
		received, err := w.queue.Dequeue(ctx, free, receiveWait)
		for range free - len(received) {
			<-slots
		}
		if err != nil && ctx.Err() == nil {
			w.logger.ErrorContext(ctx, "queue not read", "error", err)
			pause(ctx, errorPause)
		}
		for _, r := range received {
			group.Go(func() {
				defer func() { <-slots }()
				w.deliver(context.WithoutCancel(ctx), r)
			})
		}
	}
}

// deliver works on one delivery. What stays undeleted comes back.
func (w *worker) deliver(ctx context.Context, r sms.QueueItem) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	ref, err := sms.ParseRef(r.Body)
	if err != nil {
		w.logger.ErrorContext(ctx, "garbage on the queue is dropped")
	} else if err = w.sender.Deliver(ctx, ref); err != nil {
		w.logger.WarnContext(ctx, "not delivered", "message_id", ref.ID, "error", err)
		return
	}
	if err = w.queue.Delete(ctx, r); err != nil {
		w.logger.WarnContext(ctx, "delivery not deleted", "error", err)
	}
}

func (w *worker) runRelay(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, relayTime)
	defer cancel()
	summary, err := w.relay.Run(ctx)
	if err != nil && ctx.Err() == nil {
		w.logger.ErrorContext(ctx, "relay run ended early", "error", err)
	}
	if summary.Enqueued+summary.Ended+summary.Settled+summary.NotEnqueued > 0 {
		w.logger.InfoContext(ctx, "relay ran", "summary", summary)
	}
}

func (w *worker) runPurge(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := w.purge(ctx, purgeLimit)
		if err != nil {
			w.logger.ErrorContext(ctx, "purge ended early", "error", err)
			return
		}
		if n < purgeLimit {
			return
		}
	}
}

// every calls f at once and then again and again until ctx ends, interval
// after its last end.
func every(ctx context.Context, interval time.Duration, f func(context.Context)) {
	for ctx.Err() == nil {
		f(ctx)
		pause(ctx, interval)
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
