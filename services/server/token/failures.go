package token

import (
	"sync"
	"time"
)

// Failures counts failed logins, and limits how often they are logged. The zero value is
// ready for use.
type Failures struct {
	mu     sync.Mutex
	count  int
	logged time.Time
}

// Note counts one failure. At most once a second, it returns a number that the caller
// must log: the number of failures since the last number that it returned. All other
// calls return 0, so that nobody can fill the log.
func (f *Failures) Note(now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if since := now.Sub(f.logged); since >= 0 && since < time.Second {
		return 0
	}
	count := f.count
	f.count, f.logged = 0, now
	return count
}
