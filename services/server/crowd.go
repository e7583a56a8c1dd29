package server

import (
	"context"
	"sync"
	"time"
)

// A crowd does the same work once for many callers, so that a hundred callers cost hardly
// more than one. A run answers only the calls that came before the run began. The field
// pause is the shortest time between the beginnings of two runs.
type crowd[T any] struct {
	pause time.Duration
	work  func(context.Context) (T, error)

	mu    sync.Mutex
	began time.Time // when the last run began; zero before the first run
	next  *run[T]   // the run that has not begun yet, or nil
	last  *run[T]   // the run that began last, or nil
}

// run is one run of the work.
type run[T any] struct {
	ended chan struct{} // closed when value and err are set
	value T
	err   error
}

// get returns the result of a run that begins after the call. It returns an error if ctx
// ends first.
func (c *crowd[T]) get(ctx context.Context) (T, error) {
	c.mu.Lock()
	r := c.next
	if r == nil {
		r = &run[T]{ended: make(chan struct{})}
		c.next = r
		go c.do(context.WithoutCancel(ctx), r, c.last, c.began.Add(c.pause))
	}
	c.mu.Unlock()
	select {
	case <-r.ended:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// do carries out the run r, but not before the previous run has ended, and not before the
// time earliest.
func (c *crowd[T]) do(ctx context.Context, r, previous *run[T], earliest time.Time) {
	defer close(r.ended)
	if previous != nil {
		<-previous.ended
	}
	if wait := min(time.Until(earliest), c.pause); wait > 0 {
		pause(ctx, wait)
	}
	c.mu.Lock()
	c.began, c.next, c.last = time.Now(), nil, r
	c.mu.Unlock()
	r.value, r.err = c.work(ctx)
}
