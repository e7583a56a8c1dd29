package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/sms"
)

const (
	inFlight      = 16               // the highest number of queue items that are delivered at the same time
	dequeueLimit  = 16               // the highest number of queue items that one dequeue returns
	dequeueWait   = time.Second      // the time that a dequeue waits for an item
	deliveryTime  = 30 * time.Second // the longest time of one delivery, including its wait at the gate
	maxReceives   = 5                // the number of times that a queue item may be dequeued, as on AWS
	relayInterval = time.Second
	relayTime     = 30 * time.Second
	purgeInterval = time.Hour
	purgeLimit    = 1000
	purgePause    = time.Minute // the pause after a failed purge
	wipeInterval  = 10 * time.Second
	clockInterval = time.Second
	checkInterval = time.Second
	checkTime     = 5 * time.Second
	errorPause    = time.Second
)

// worker calls the sender and the relay, as Lambda, its event source mapping and
// EventBridge Scheduler do on AWS.
type worker struct {
	queue  sms.Consumer
	sender *sender.Sender
	relay  *relay.Relay
	purge  func(ctx context.Context, limit int) (int, error)
	wipe   func(ctx context.Context) error
	watch  clock.Watch
	idle   func() bool // whether nothing can be delivered at the moment
	note   func(ctx context.Context, p *part, err error)
	logger *slog.Logger
}

// run works until ctx ends. It returns when all work has ended.
func (w *worker) run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { w.consume(ctx) })
	group.Go(func() { repeat(ctx, relayInterval, w.runRelay) })
	group.Go(func() { repeat(ctx, purgeInterval, w.runPurge) })
	group.Go(func() { repeat(ctx, wipeInterval, w.runWipe) })
	group.Go(func() { repeat(ctx, clockInterval, w.watchClock) })
	group.Wait()
}

// consume dequeues items and delivers them. It delivers up to inFlight items at the same
// time.
func (w *worker) consume(ctx context.Context) {
	slots := make(chan struct{}, inFlight)
	var group sync.WaitGroup
	defer group.Wait()
	for ctx.Err() == nil {
		if w.idle() {
			// Dequeuing items now would only bring them closer to their last receive.
			pause(ctx, errorPause)
			continue
		}
		slots <- struct{}{}
		free := 1
		for free < dequeueLimit && len(slots) < cap(slots) {
			slots <- struct{}{}
			free++
		}
		items, err := w.queue.Dequeue(ctx, free, dequeueWait)
		for range free - len(items) {
			<-slots
		}
		if ctx.Err() == nil {
			w.note(ctx, dequeuing, err)
			if err != nil {
				w.logger.ErrorContext(ctx, "queue not read", "error", err)
				pause(ctx, errorPause)
			}
		}
		for _, item := range items {
			group.Go(func() {
				defer func() { <-slots }()
				w.deliver(context.WithoutCancel(ctx), item)
			})
		}
	}
}

// deliver delivers one queue item. It deletes the item unless it must stay on the queue.
// This queue has no dead letters, so deliver drops an item after the last receive. Only
// items that do not refer to a message are received so many times.
func (w *worker) deliver(ctx context.Context, item sms.QueueItem) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	if stays := w.sender.Batch(ctx, []sms.QueueItem{item}, maxReceives); len(stays) > 0 {
		if item.ReceiveCount < maxReceives {
			return // the item becomes visible again
		}
		w.logger.ErrorContext(ctx, "queue item dropped", "queue_item", item.Handle, "receive_count", item.ReceiveCount)
	}
	if err := w.queue.Delete(ctx, item); err != nil {
		w.logger.WarnContext(ctx, "queue item not deleted", "error", err)
	}
}

func (w *worker) runRelay(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, relayTime)
	defer cancel()
	summary, err := w.relay.Run(ctx)
	if ctx.Err() == nil {
		w.note(ctx, relaying, err)
		if err != nil {
			w.logger.ErrorContext(ctx, "relay run ended early", "error", err)
		}
	}
	if summary.Enqueued+summary.Ended+summary.Settled+summary.NotEnqueued > 0 {
		w.logger.InfoContext(ctx, "relay ran", "summary", summary)
	}
}

func (w *worker) runPurge(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := w.purge(ctx, purgeLimit)
		if ctx.Err() != nil {
			return
		}
		w.note(ctx, purging, err)
		switch {
		case err != nil:
			w.logger.ErrorContext(ctx, "purge ended early", "error", err)
			pause(ctx, purgePause)
		case n < purgeLimit:
			return
		}
	}
}

func (w *worker) runWipe(ctx context.Context) {
	err := w.wipe(ctx)
	if ctx.Err() != nil {
		return
	}
	w.note(ctx, wiping, err)
	if err != nil {
		w.logger.WarnContext(ctx, "deleted texts not wiped yet", "error", err)
	}
}

// watchClock logs when the clock has jumped. It does nothing else, because the relay
// finds the times that a wrong clock has written.
func (w *worker) watchClock(ctx context.Context) {
	if jump := w.watch.Jump(); jump.Abs() > sms.Skew {
		w.logger.WarnContext(ctx, "clock jumped", "by", jump.Round(time.Millisecond).String())
	}
}

// check notes whether the data folder can be written to, and whether the provider works.
func (m *machine) check(ctx context.Context) {
	checking, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	for p, check := range map[*part]func(context.Context) error{writing: m.store.Check, providing: m.checkProvider} {
		if check == nil {
			continue
		}
		if err := check(checking); ctx.Err() == nil {
			m.condition.note(ctx, p, err)
		}
	}
}

// repeat calls f until ctx ends, and pauses for interval after each call.
func repeat(ctx context.Context, interval time.Duration, f func(context.Context)) {
	for ctx.Err() == nil {
		f(ctx)
		pause(ctx, interval)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
