package smstest

import (
	"sync"
	"time"
)

// Clock is a time that moves only by hand. Any number of goroutines may use it.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock makes a clock that stands at at.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is the time of the clock, in place of time.Now.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the clock on by d; in place of time.Sleep it takes no time.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
