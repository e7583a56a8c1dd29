package smstest

import (
	"sync"
	"time"
)

// Clock is a clock that moves only when told to. Any number of goroutines may use it.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a clock that shows start.
func NewClock(start time.Time) *Clock { return &Clock{at: start} }

// Now returns the time of the clock, in place of time.Now.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock forward by d at once, in place of time.Sleep.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
