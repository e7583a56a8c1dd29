package api

import (
	"context"
	"slices"
	"sync"
)

// shares divides a scarce resource among owners. No owner can hold more than the amount
// in the field `share`, so that one owner cannot keep the others from the resource.
type shares struct {
	total, share int64

	mu   sync.Mutex
	held int64
	of   map[string]int64 // by owner
	line []*waiting       // the calls that wait, in the order in which they came
}

type waiting struct {
	owner string
	n     int64
	taken chan struct{} // closed when the amount n has been reserved for owner
}

func newShares(total, share int64) *shares {
	return &shares{total: total, share: share, of: make(map[string]int64)}
}

// take reserves the amount n for the owner. The caller must call giveBack to return the
// amount. If less than n is left of the owner's share or of the total, take returns
// false.
func (s *shares) take(owner string, n int64) (giveBack func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fits(owner, n) {
		return nil, false
	}
	s.add(owner, n)
	return func() { s.giveBack(owner, n) }, true
}

// await does the same as take. But if the amount n is not available now, it waits in line
// until n is available or ctx ends.
func (s *shares) await(ctx context.Context, owner string, n int64) (giveBack func(), ok bool) {
	if giveBack, ok = s.take(owner, n); ok {
		return giveBack, true
	}
	w := &waiting{owner: owner, n: n, taken: make(chan struct{})}
	giveBack = func() { s.giveBack(owner, n) }
	s.mu.Lock()
	s.line = append(s.line, w)
	s.admit() // a share may have been given back since the call of take
	s.mu.Unlock()
	select {
	case <-w.taken:
		return giveBack, true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := slices.Index(s.line, w); at >= 0 {
		s.line = slices.Delete(s.line, at, at+1)
		return nil, false
	}
	return giveBack, true // n was reserved just when ctx ended
}

func (s *shares) giveBack(owner string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(owner, -n)
	s.admit()
}

// admit goes through the line of waiting calls, and reserves the amount of each call for
// which enough is left. A call for which too little is left stays in the line, but does
// not stop the calls behind it.
func (s *shares) admit() {
	s.line = slices.DeleteFunc(s.line, func(w *waiting) bool {
		if !s.fits(w.owner, w.n) {
			return false
		}
		s.add(w.owner, w.n)
		close(w.taken)
		return true
	})
}

func (s *shares) fits(owner string, n int64) bool {
	return s.held+n <= s.total && s.of[owner]+n <= s.share
}

func (s *shares) add(owner string, n int64) {
	s.held += n
	if s.of[owner] += n; s.of[owner] == 0 {
		delete(s.of, owner)
	}
}
