package api

import (
	"context"
	"strconv"
	"time"
)

const (
	maxWait = 20 * time.Second
	// maxWaiters bounds those who wait at once: one more is answered at once.
	// Together with lastLook it bounds the reads that waiting costs.
	maxWaiters = 1000
	firstLook  = 100 * time.Millisecond
	lastLook   = time.Second
)

// readWait reads the query parameter wait: whole seconds.
func (c *call) readWait() (time.Duration, error) {
	if !c.query.Has("wait") {
		return 0, nil
	}
	text := c.query.Get("wait")
	seconds, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(seconds) != text || seconds < 0 || seconds > int(maxWait/time.Second) {
		return 0, &refusal{slug: malformedRequest, detail: "The query parameter wait must be a whole number from 0 to 20."}
	}
	return time.Duration(seconds) * time.Second, nil
}

// awaitChange looks at the message again and again, ever less often, until it
// is not as seen any more or wait is over, and returns what it saw last. What
// keeps it from looking ends the wait: the client may ask again. A look that is
// not back when the wait is over does not prolong it.
func (a *api) awaitChange(c *call, seen sight, wait time.Duration) sight {
	select {
	case a.waiters <- struct{}{}:
		defer func() { <-a.waiters }()
	default:
		return seen
	}
	ctx, cancel := context.WithTimeout(c.Context(), wait)
	defer cancel()
	for pause := firstLook; ; pause = min(pause*3/2, lastLook) {
		next := time.NewTimer(pause)
		select {
		case <-next.C:
		case <-a.Closing:
			next.Stop()
			return seen
		case <-ctx.Done():
			next.Stop()
			return seen
		}
		m, err := a.own(ctx, c)
		if err != nil {
			return seen
		}
		if now := look(m); now.tag != seen.tag {
			return now
		}
	}
}
