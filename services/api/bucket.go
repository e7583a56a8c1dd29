package api

import (
	"sync"
	"time"
)

// A buckets value limits how often each owner can do one thing in this process. Each
// owner has a bucket of tokens, which refills over time.
type buckets struct {
	pause time.Duration // the time in which a bucket gets one token
	size  int           // the number of tokens in a full bucket

	mu   sync.Mutex
	full map[string]time.Time // for each owner, the time when the bucket will be full if no more tokens are taken
}

func newBuckets(perSecond, size int) *buckets {
	return &buckets{pause: time.Second / time.Duration(perSecond), size: size, full: make(map[string]time.Time)}
}

// take removes n tokens from the owner's bucket, and returns 0. If the bucket has fewer
// than n tokens, take removes none, and returns the time until the bucket will have n
// tokens. A bucket never has more than b.size tokens.
func (b *buckets) take(owner string, n int, now time.Time) (wait time.Duration) {
	now = now.Round(0) // use the wall clock, because the monotonic clock may stop while the process is stopped
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.full[owner]
	empty := now.Add(time.Duration(b.size) * b.pause)
	switch {
	case full.Before(now):
		full = now
	case full.After(empty): // the clock was set back
		full = empty
	}
	taken := full.Add(time.Duration(n) * b.pause)
	wait = taken.Sub(empty)
	if wait <= 0 {
		full = taken
	}
	b.full[owner] = full
	return max(wait, 0)
}

// tooMany returns the error for an owner that must wait for its bucket.
func tooMany(detail string, wait time.Duration) *apiError {
	return &apiError{slug: tooManyRequests, detail: detail, retryAfter: (wait + time.Second - 1).Truncate(time.Second)}
}
