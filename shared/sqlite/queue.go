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

// Queue is the queue of a DB, whose Close ends it. It implements sms.Queue and
// sms.Consumer. Any number of goroutines may use it. What they received and did
// not delete comes back at the next Open, at the latest.
type Queue struct {
	now        func() time.Time
	visibility time.Duration
	file       *file
	arrivals   bell
}

// release makes everything visible that a process which had the folder before
// received and did not delete: it is dead. What was never received is delayed,
// and stays so.
func (q *Queue) release(ctx context.Context) error {
	now := q.now().UnixMilli()
	err := q.file.commit(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE deliveries SET visible_at = ? WHERE visible_at > ? AND received > 0`, now, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("releasing deliveries: %w", err)
	}
	return nil
}

// sendBatch is how many deliveries one write enqueues.
const sendBatch = 500

// MaxBacklog is where Backlog stops counting: more is many.
const MaxBacklog = 100_000

// Send implements sms.Queue. Deliveries come in the order of the times from
// which they are visible; groups are not told apart, because one machine's
// clients share one queue anyway.
func (q *Queue) Send(ctx context.Context, deliveries ...sms.Envelope) error {
	now := q.now()
	sent := 0
	defer q.arrivals.ring()
	for batch := range slices.Chunk(deliveries, sendBatch) {
		err := q.file.commit(ctx, func(t *tx) error {
			for _, d := range batch {
				if _, err := t.exec(`INSERT INTO deliveries (visible_at, received, body) VALUES (?, 0, ?)`,
					now.Add(d.Delay).UnixMilli(), d.Ref.String()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			failed := &sms.SendError{Err: fmt.Errorf("enqueueing: %w", err)}
			for i := sent; i < len(deliveries); i++ {
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
	err := q.file.get(ctx, `SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE visible_at <= ? LIMIT ?)`,
		[]any{q.now().UnixMilli(), MaxBacklog}, &n)
	if err != nil {
		return 0, fmt.Errorf("counting the backlog: %w", err)
	}
	return n, nil
}

// Dequeue implements sms.Consumer.
func (q *Queue) Dequeue(ctx context.Context, limit int, wait time.Duration) ([]sms.QueueItem, error) {
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		arrival := q.arrivals.next()
		next, err := q.nextVisible(ctx)
		if err != nil {
			return nil, fmt.Errorf("receiving: %w", err)
		}
		until := next.Sub(q.now())
		if until <= 0 {
			received, err := q.take(ctx, limit)
			if err != nil {
				return nil, fmt.Errorf("receiving: %w", err)
			}
			if len(received) > 0 {
				return received, nil
			}
			continue // others took them
		}
		if wait <= 0 {
			return nil, nil
		}
		visible := time.NewTimer(until)
		select {
		case <-arrival:
		case <-visible.C:
		case <-end.C:
			wait = 0
		case <-ctx.Done():
			visible.Stop()
			return nil, fmt.Errorf("receiving: %w", ctx.Err())
		case <-q.file.closing:
			visible.Stop()
			return nil, fmt.Errorf("receiving: %w", errClosed)
		}
		visible.Stop()
	}
}

// nextVisible is when the next delivery can be received, or a time that never
// comes.
func (q *Queue) nextVisible(ctx context.Context) (time.Time, error) {
	var at sql.NullInt64
	if err := q.file.get(ctx, `SELECT min(visible_at) FROM deliveries`, nil, &at); err != nil {
		return time.Time{}, err
	}
	if !at.Valid {
		return q.now().Add(math.MaxInt64), nil
	}
	return time.UnixMilli(at.Int64), nil
}

// take makes the deliveries that have been visible for longest invisible. A
// handle names a delivery and the end of its invisibility, so that a handle of
// an earlier receive names nothing.
func (q *Queue) take(ctx context.Context, limit int) ([]sms.QueueItem, error) {
	now := q.now()
	back := now.Add(q.visibility).UnixMilli()
	var received []sms.QueueItem
	err := q.file.commit(ctx, func(t *tx) error {
		received = nil
		return t.each(`UPDATE deliveries SET visible_at = ?, received = received + 1
			WHERE seq IN (SELECT seq FROM deliveries WHERE visible_at <= ? ORDER BY visible_at, seq LIMIT ?)
			RETURNING seq, received, body`, []any{back, now.UnixMilli(), limit},
			func(scan func(...any) error) error {
				var seq int64
				var r sms.QueueItem
				if err := scan(&seq, &r.ReceiveCount, &r.Body); err != nil {
					return err
				}
				r.Handle = position{at: back, seq: seq}.String()
				received = append(received, r)
				return nil
			})
	})
	if err != nil {
		return nil, err
	}
	return received, nil
}

// Delete implements sms.Consumer. What came back meanwhile stays.
func (q *Queue) Delete(ctx context.Context, received ...sms.QueueItem) error {
	handles := make([]position, len(received))
	for i, r := range received {
		var err error
		if handles[i], err = parsePosition(r.Handle, position{}); err != nil {
			return fmt.Errorf("deleting deliveries: %w", err)
		}
	}
	if len(handles) == 0 {
		return nil
	}
	err := q.file.commit(ctx, func(t *tx) error {
		for _, h := range handles {
			if _, err := t.exec(`DELETE FROM deliveries WHERE seq = ? AND visible_at = ?`, h.seq, h.at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting deliveries: %w", err)
	}
	return nil
}

// bell wakes everyone who waits for something to arrive.
type bell struct {
	mu      sync.Mutex
	waiting chan struct{} // nil while nobody waits
}

// next is closed by the next ring.
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
