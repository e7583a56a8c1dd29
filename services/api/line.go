package api

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// A line limits how many requests are handled at the same time. Further requests wait in
// line. Owners take turns: the owner whose last turn was longest ago gets the next turn.
// If the field `pauses` is true, each owner must also pause after each of its turns, while
// other owners make requests too.
//
// So an owner that makes very many requests does not delay other owners by much. On one
// machine, the pauses also leave processor time for the sender, which runs in the same
// process.
type line struct {
	pauses bool

	mu     sync.Mutex
	free   int // the number of further requests that can have their turn now
	came   int // the number of requests so far
	turns  int // the number of turns so far
	owners map[string]*queuer
	wake   *time.Timer // calls admit when a pause ends
}

// queuer holds the state of one owner in a line.
type queuer struct {
	waiting []*place  // in the order in which they came
	seen    time.Time // when its last request came
	last    int       // the number of its last turn
	pause   time.Time // when its pause ends
}

// place is the place of a request in the line.
type place struct {
	number int           // in the order in which the requests came
	pause  time.Duration // the pause of the owner after this request
	turn   chan struct{} // closed when the request has its turn
}

// active is the time after its last request for which an owner still counts as making
// requests.
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
// false. The parameter `pause` is the time for which the owner must pause afterwards.
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

// next returns the owner whose turn it is. If all waiting owners must pause, it returns
// nil, and the time at which the first of their pauses ends. If no owner waits, this time
// is zero.
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
