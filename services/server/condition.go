package server

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// A part is a task that the server repeats, even after failures.
type part struct {
	trouble string        // the description of the failure; shown to everybody
	grace   time.Duration // how long the part may fail before the failure is reported
	stops   bool          // whether messages wait while the part fails
}

var (
	writing   = &part{trouble: "the data folder cannot be written", stops: true}
	dequeuing = &part{trouble: "the queue cannot be read", grace: 2 * time.Second, stops: true}
	relaying  = &part{trouble: "the relay cannot finish its runs", grace: 5 * time.Second, stops: true}
	providing = &part{trouble: "the provider cannot take messages, or its receipts do not arrive", grace: time.Second, stops: true}
	obeying   = &part{trouble: "operators cannot pause or resume sending", grace: 2 * time.Second}
	wiping    = &part{trouble: "deleted texts are not overwritten yet, and the log of the database grows", grace: time.Minute}
	purging   = &part{trouble: "records past their retention are not removed", grace: 10 * time.Minute}
)

// condition records which parts of the server fail at the moment.
type condition struct {
	now    func() time.Time
	logger *slog.Logger

	mu      sync.Mutex
	failing map[*part]*failing
}

type failing struct {
	since time.Time
	told  bool // whether the failure was logged
}

// note records that p has succeeded, or has failed with err. It logs when trouble begins
// and when it ends.
func (c *condition) note(ctx context.Context, p *part, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.failing[p]
	switch {
	case err == nil && f == nil:
		return
	case err == nil:
		delete(c.failing, p)
		if f.told {
			c.logger.WarnContext(ctx, "trouble ended", "trouble", p.trouble, "since", f.since)
		}
		return
	case f == nil:
		f = &failing{since: c.now()}
		if c.failing == nil {
			c.failing = make(map[*part]*failing)
		}
		c.failing[p] = f
	}
	if !f.told && c.isTrouble(p, f) {
		f.told = true
		c.logger.ErrorContext(ctx, "trouble began", "trouble", p.trouble, "error", err)
	}
}

// isTrouble reports whether p has failed for longer than its grace.
func (c *condition) isTrouble(p *part, f *failing) bool { return c.now().Sub(f.since) >= p.grace }

// fails reports whether p has failed and not succeeded since.
func (c *condition) fails(p *part) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failing[p] != nil
}

// troubles returns what is wrong, or "". If onlyStops is true, it leaves out trouble that does not make
// messages wait. The result `since` is the time when the first of these troubles began.
func (c *condition) troubles(onlyStops bool) (words string, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for p, f := range c.failing {
		if !c.isTrouble(p, f) || (onlyStops && !p.stops) {
			continue
		}
		all = append(all, p.trouble)
		if since.IsZero() || f.since.Before(since) {
			since = f.since
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; "), since
}
