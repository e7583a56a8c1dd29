package api

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestShares(t *testing.T) {
	s := newShares(10, 4)
	take := func(owner string, n int64, want bool) func() {
		t.Helper()
		giveBack, ok := s.take(owner, n)
		if ok != want {
			t.Fatalf("taking %d for %s: %t, want %t", n, owner, ok, want)
		}
		return giveBack
	}
	first := take("a", 3, true)
	take("a", 2, false) // more than its share
	take("a", 1, true)
	take("b", 4, true)
	take("c", 3, false) // more than the total
	last := take("c", 2, true)
	first()
	take("a", 3, true)
	last()
	take("c", 2, true)
	if len(s.of) != 3 || s.held != 10 {
		t.Errorf("%d are held by %v", s.held, s.of)
	}
}

func TestSharesAreAwaitedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShares(10, 4)
		hold, _ := s.take("a", 4)
		var turns []string
		await := func(name, owner string, n int64, patience time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			go func() {
				defer cancel()
				if giveBack, ok := s.await(ctx, owner, n); ok {
					turns = append(turns, name)
					giveBack()
				}
			}()
			synctest.Wait()
		}
		await("first of a", "a", 4, time.Minute)
		await("impatient of a", "a", 1, time.Second)
		await("second of a", "a", 4, time.Minute)
		await("of b", "b", 4, time.Minute) // owner b need not wait for owner a
		time.Sleep(2 * time.Second)
		hold()
		synctest.Wait()
		if got := fmt.Sprint(turns); got != "[of b first of a second of a]" || s.held != 0 || len(s.line) != 0 {
			t.Errorf("the turns were %s; %d are held, %d wait", got, s.held, len(s.line))
		}
	})
}
