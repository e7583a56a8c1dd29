package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

var (
	_ sms.Queue    = (*Queue)(nil)
	_ sms.Consumer = (*Queue)(nil)
)

// Queue is the queue of a DB. Closing the DB also closes the Queue. A Queue implements
// sms.Queue and sms.Consumer. Goroutines may use it concurrently. Items that were
// dequeued and not deleted come back at the next Open at the latest.
type Queue struct {
	now        func() time.Time
	visibility time.Duration
	file       *file
	arrivals   bell
	served     turns
}

// release makes all items visible that an earlier process dequeued and did not delete,
// because that process has ended. A delayed item that was never dequeued stays delayed.
func (q *Queue) release(ctx context.Context) error {
	now := q.now().UnixMilli()
	_, err := q.file.exec(ctx, `UPDATE queue_items SET visible_at = ? WHERE visible_at > ? AND received > 0`, now, now)
	if err != nil {
		return fmt.Errorf("releasing dequeued items: %w", err)
	}
	return nil
}

// sendBatch is the maximum number of envelopes that one write enqueues.
const sendBatch = 500

// MaxBacklog is the number at which Backlog stops counting.
const MaxBacklog = 100_000

// Send implements sms.Queue. The items of a group are dequeued in the order in which they
// become visible. Groups take turns.
func (q *Queue) Send(ctx context.Context, envelopes ...sms.Envelope) error {
	now := q.now()
	sent := 0
	defer q.arrivals.ring()
	for batch := range slices.Chunk(envelopes, sendBatch) {
		err := q.file.commit(ctx, func(t *tx) error {
			for _, e := range batch {
				if _, err := t.exec(`INSERT INTO queue_items (visible_at, received, "group", body) VALUES (?, 0, ?, ?)`,
					now.Add(e.Delay).UnixMilli(), e.Group, e.Body()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			failed := &sms.SendError{Err: fmt.Errorf("enqueuing: %w", err)}
			for i := sent; i < len(envelopes); i++ {
				failed.Failed = append(failed.Failed, i)
			}
			return failed
		}
		sent += len(batch)
	}
	return nil
}

// Backlog implements sms.Queue. It counts up to MaxBacklog.
func (q *Queue) Backlog(ctx context.Context) (int, error) {
	var n int
	err := q.file.get(ctx, `SELECT count(*) FROM (SELECT 1 FROM queue_items WHERE visible_at <= ? LIMIT ?)`,
		[]any{q.now().UnixMilli(), MaxBacklog}, &n)
	if err != nil {
		return 0, fmt.Errorf("counting the backlog: %w", err)
	}
	return n, nil
}

// Dequeue implements sms.Consumer.
func (q *Queue) Dequeue(ctx context.Context, limit int, wait time.Duration) ([]sms.QueueItem, error) {
	end := time.After(wait)
	for {
		arrival := q.arrivals.next()
		next, err := q.nextVisible(ctx)
		if err != nil {
			return nil, fmt.Errorf("dequeuing: %w", err)
		}
		until := next.Sub(q.now())
		if until <= 0 {
			items, err := q.dequeueVisible(ctx, limit)
			if err != nil {
				return nil, fmt.Errorf("dequeuing: %w", err)
			}
			if len(items) > 0 {
				return items, nil
			}
			continue // other callers have dequeued the visible items
		}
		if wait <= 0 {
			return nil, nil
		}
		select {
		case <-arrival:
		case <-time.After(until):
		case <-end:
			wait = 0
		case <-ctx.Done():
			return nil, fmt.Errorf("dequeuing: %w", ctx.Err())
		case <-q.file.closing:
			return nil, fmt.Errorf("dequeuing: %w", errClosed)
		}
	}
}

// nextVisible returns when the next item can be dequeued. If the queue is empty, it
// returns a time that never comes. If items are hidden until a time that is ahead,
// nextVisible first makes them visible.
func (q *Queue) nextVisible(ctx context.Context) (time.Time, error) {
	var at, last sql.NullInt64
	if err := q.file.get(ctx, `SELECT min(visible_at) FROM queue_items`, nil, &at); err != nil {
		return time.Time{}, err
	}
	if err := q.file.get(ctx, `SELECT max(visible_at) FROM queue_items`, nil, &last); err != nil {
		return time.Time{}, err
	}
	now := q.now()
	if !at.Valid || !last.Valid {
		return now.Add(math.MaxInt64), nil
	}
	latest := now.Add(max(sms.MaxDelay, q.visibility))
	if sms.Ahead(time.UnixMilli(last.Int64), latest) {
		_, err := q.file.exec(ctx, `UPDATE queue_items SET visible_at = ? WHERE visible_at > ?`, now.UnixMilli(), latest.UnixMilli())
		return now, err
	}
	return time.UnixMilli(at.Int64), nil
}

// dequeueVisible dequeues visible items, and hides them. A handle contains the time at
// which the item becomes visible again. So a handle is no longer valid once its item has
// been dequeued again.
func (q *Queue) dequeueVisible(ctx context.Context, limit int) ([]sms.QueueItem, error) {
	now := q.now()
	back := now.Add(q.visibility).UnixMilli()
	var items []sms.QueueItem
	err := q.file.commit(ctx, func(t *tx) error {
		items = nil
		seqs, err := q.served.choose(t, now.UnixMilli(), limit)
		for _, seq := range seqs {
			item := sms.QueueItem{Handle: position{at: back, seq: seq}.String()}
			if err == nil {
				err = t.get(context.Background(), `UPDATE queue_items SET visible_at = ?, received = received + 1 WHERE seq = ? RETURNING received, body`,
					[]any{back, seq}, &item.ReceiveCount, &item.Body)
			}
			items = append(items, item)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// Delete implements sms.Consumer. It does not delete an item that has come back.
func (q *Queue) Delete(ctx context.Context, items ...sms.QueueItem) error {
	handles := make([]position, len(items))
	for i, item := range items {
		var err error
		if handles[i], err = parsePosition(item.Handle, position{}); err != nil {
			return fmt.Errorf("deleting from the queue: %w", err)
		}
	}
	if len(handles) == 0 {
		return nil
	}
	err := q.file.commit(ctx, func(t *tx) error {
		for _, h := range handles {
			if _, err := t.exec(`DELETE FROM queue_items WHERE seq = ? AND visible_at = ?`, h.seq, h.at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting from the queue: %w", err)
	}
	return nil
}

// bell wakes all goroutines that wait for an item to arrive.
type bell struct {
	mu      sync.Mutex
	waiting chan struct{} // nil if nobody waits
}

// next returns a channel that the next call of ring closes.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = make(chan struct{})
	}
	return b.waiting
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting != nil {
		close(b.waiting)
		b.waiting = nil
	}
}
