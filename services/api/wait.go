package api

import (
	"context"
	"strconv"
	"time"
)

const (
	maxWait = 20 * time.Second
	// maxWaiters limits how many look-ups wait for a change at the same time. At most a
	// quarter of these look-ups may be from one owner. Further look-ups wait for up to a
	// second and then show the message as it was before. maxWaiters and lastLook limit how
	// many reads the waiting look-ups make.
	maxWaiters = 1000
	firstLook  = 100 * time.Millisecond
	lastLook   = time.Second
)

func (c *call) readWait() (time.Duration, error) {
	if !c.query.Has("wait") {
		return 0, nil
	}
	text := c.query.Get("wait")
	seconds, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(seconds) != text || seconds < 0 || seconds > int(maxWait/time.Second) {
		return 0, &apiError{slug: malformedRequest, detail: "The query parameter wait must be a whole number from 0 to 20."}
	}
	return time.Duration(seconds) * time.Second, nil
}

// awaitChange reads the message at growing intervals until the message differs from the
// snapshot known, or the wait is over. It returns the message that it read last. After an
// error, awaitChange stops waiting, because the client can ask again. It also cancels a
// read that is not done when the wait is over.
func (a *api) awaitChange(c *call, known snapshot, wait time.Duration) snapshot {
	c.leave()
	done, ok := a.waiters.take(c.caller.Owner, 1)
	if !ok {
		// Without this pause, the client would repeat its request at once.
		select {
		case <-time.After(min(wait, time.Second)):
		case <-a.Closing:
		case <-c.Context().Done():
		}
		return known
	}
	defer done()
	ctx, cancel := context.WithTimeout(c.Context(), wait)
	defer cancel()
	for pause := firstLook; ; pause = min(pause*3/2, lastLook) {
		select {
		case <-time.After(pause):
		case <-a.Closing:
			return known
		case <-ctx.Done():
			return known
		}
		m, err := a.ownMessage(ctx, c)
		if err != nil {
			return known
		}
		if now := snapshotOf(m); now.tag != known.tag {
			return now
		}
	}
}
