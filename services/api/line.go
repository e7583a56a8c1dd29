package api

import (
	"context"
	"slices"
	"sync"
)

// line limits how many requests are handled at the same time. The others wait in line.
// Owners take turns: the next request is of the owner whose last turn was longest ago. So
// no owner delays another by much, however many requests it makes.
//
// The limit also keeps the sender fast: everything in a process shares the processors.
type line struct {
	mu      sync.Mutex
	free    int
	waiting []*place
	turns   int            // how many turns there were
	last    map[string]int // the number of the last turn of each owner that waits or had one of the last turns
}

// place is the place of a request in the line.
type place struct {
	owner string
	turn  chan struct{} // closed when the request has its turn
}

func newLine(limit int) *line { return &line{free: limit, last: make(map[string]int)} }

// enter waits until a request of owner has its turn. Then it returns a function that the
// caller must call when the request has been handled. If ctx ends first, enter returns
// false.
func (l *line) enter(ctx context.Context, owner string) (leave func(), ok bool) {
	p := &place{owner: owner, turn: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, p)
	l.admit()
	l.mu.Unlock()
	select {
	case <-p.turn:
		return sync.OnceFunc(l.leave), true
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := slices.Index(l.waiting, p); at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
		return nil, false
	}
	return sync.OnceFunc(l.leave), true // the turn came just when ctx ended
}

func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free++
	l.admit()
}

// admit gives the free turns to requests that wait.
func (l *line) admit() {
	for l.free > 0 && len(l.waiting) > 0 {
		next := 0
		for i, p := range l.waiting {
			if l.last[p.owner] < l.last[l.waiting[next].owner] {
				next = i
			}
		}
		p := l.waiting[next]
		l.waiting = slices.Delete(l.waiting, next, next+1)
		l.free--
		l.turns++
		l.last[p.owner] = l.turns
		close(p.turn)
	}
	if len(l.waiting) == 0 && len(l.last) > 1000 {
		clear(l.last)
	}
}
