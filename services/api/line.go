package api

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// line limits how many requests are handled at the same time. The others wait in line.
// Owners take turns: the next request is of the owner whose last turn was longest ago. If
// pauses is true, each owner must also pause after each of its turns, while other owners
// make requests too.
//
// So no owner delays another by much, however many requests it makes. The sender profits
// too, because everything in a process shares the processors.
type line struct {
	pauses bool

	mu     sync.Mutex
	free   int // how many requests may still have their turn
	came   int // how many requests have come
	turns  int // how many turns there were
	owners map[string]*queuer
	wake   *time.Timer // calls admit when a pause ends
}

// queuer is what a line knows about an owner.
type queuer struct {
	waiting []*place  // in the order in which they came
	seen    time.Time // when its last request came
	last    int       // the number of its last turn
	pause   time.Time // when its pause ends
}

// place is the place of a request in the line.
type place struct {
	number int           // in the order in which the requests came
	pause  time.Duration // after this request
	turn   chan struct{} // closed when the request has its turn
}

// active is how long an owner counts as one that makes requests.
const active = time.Second

func newLine(limit int, pauses bool) *line {
	l := &line{free: limit, pauses: pauses, owners: make(map[string]*queuer)}
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
	p := &place{pause: pause, turn: make(chan struct{})}
	l.mu.Lock()
	q := l.owners[owner]
	if q == nil {
		q = &queuer{}
		l.owners[owner] = q
	}
	q.seen = time.Now()
	l.came++
	p.number = l.came
	q.waiting = append(q.waiting, p)
	l.admit()
	l.mu.Unlock()
	select {
	case <-p.turn:
		return sync.OnceFunc(l.leave), true
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := slices.Index(q.waiting, p); at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
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

// admit gives the free turns to requests that wait. If all owners that wait must pause,
// admit is called again when the first pause ends.
func (l *line) admit() {
	now := time.Now()
	maps.DeleteFunc(l.owners, func(_ string, q *queuer) bool {
		return len(q.waiting) == 0 && now.Sub(q.seen) >= active && !q.pause.After(now)
	})
	for l.free > 0 {
		q, until := l.next(now)
		if q == nil {
			if !until.IsZero() {
				l.wake.Reset(until.Sub(now))
			}
			return
		}
		p := q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
		l.free--
		l.turns++
		q.last, q.pause = l.turns, now.Add(p.pause)
		close(p.turn)
	}
}

// next returns the owner that has the next turn. If there is none, it returns nil, and the
// time when the first pause ends of those who wait.
func (l *line) next(now time.Time) (next *queuer, until time.Time) {
	several := len(l.owners) > 1
	for _, q := range l.owners {
		switch {
		case len(q.waiting) == 0:
		case l.pauses && several && q.pause.After(now):
			if until.IsZero() || q.pause.Before(until) {
				until = q.pause
			}
		case next == nil || q.last < next.last || (q.last == next.last && q.waiting[0].number < next.waiting[0].number):
			next = q
		}
	}
	return next, until
}
