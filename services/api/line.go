package api

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// line limits how many requests are handled at the same time. The others wait in line.
// Owners take turns: the next request is of the owner whose last turn was longest ago.
// While several owners make requests, each owner must also pause after each of its turns.
//
// So no owner delays another by much, however many requests it makes. The sender profits
// too, because everything in a process shares the processors.
type line struct {
	pauses bool

	mu      sync.Mutex
	free    int
	waiting []*place
	turns   int // how many turns there were
	owners  map[string]*turns
	wake    *time.Timer // calls admit when a pause ends
}

// place is the place of a request in the line.
type place struct {
	owner string
	pause time.Duration // after this request
	turn  chan struct{} // closed when the request has its turn
}

// turns is what a line knows about an owner.
type turns struct {
	last  int       // the number of its last turn
	seen  time.Time // when its last request came
	pause time.Time // when its pause ends
}

// active is how long an owner counts as one that makes requests.
const active = time.Second

func newLine(limit int, pauses bool) *line {
	l := &line{free: limit, pauses: pauses, owners: make(map[string]*turns)}
	l.wake = time.AfterFunc(0, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.admit()
	})
	return l
}

// enter waits until a request of owner has its turn. Then it returns a function that the
// caller must call when the request has been handled. If ctx ends first, enter returns
// false. The parameter pause is how long the owner must pause afterwards.
func (l *line) enter(ctx context.Context, owner string, pause time.Duration) (leave func(), ok bool) {
	p := &place{owner: owner, pause: pause, turn: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, p)
	if l.owners[owner] == nil {
		l.owners[owner] = &turns{}
	}
	l.owners[owner].seen = time.Now()
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

// admit gives the free turns to requests that wait. If owners pause, it is called again
// when the first pause ends.
func (l *line) admit() {
	now := time.Now()
	maps.DeleteFunc(l.owners, func(_ string, o *turns) bool { return now.Sub(o.seen) > 10*active })
	for l.free > 0 {
		next, until := l.next(now)
		if next < 0 {
			if !until.IsZero() {
				l.wake.Reset(until.Sub(now))
			}
			return
		}
		p := l.waiting[next]
		l.waiting = slices.Delete(l.waiting, next, next+1)
		l.free--
		l.turns++
		o := l.owners[p.owner]
		o.last, o.pause = l.turns, now.Add(p.pause)
		close(p.turn)
	}
}

// next returns the index of the request that has the next turn. If there is none, it
// returns -1 and the time when the first pause ends.
func (l *line) next(now time.Time) (next int, until time.Time) {
	next = -1
	best := 0
	for i, p := range l.waiting {
		o := l.owners[p.owner]
		if l.pauses && o.pause.After(now) && l.busy(p.owner, now) {
			if until.IsZero() || o.pause.Before(until) {
				until = o.pause
			}
			continue
		}
		if next < 0 || o.last < best {
			next, best = i, o.last
		}
	}
	return next, until
}

// busy reports whether other owners than this one make requests.
func (l *line) busy(owner string, now time.Time) bool {
	for other, o := range l.owners {
		if other != owner && now.Sub(o.seen) < active {
			return true
		}
	}
	return false
}
