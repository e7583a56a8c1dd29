package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOwnersTakeTurnsInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1, false)
		leave, ok := l.enter(t.Context(), "a", 0)
		if !ok {
			t.Fatal("the first request has no turn")
		}
		var got []string
		handle := func(name string) {
			go func() {
				if leave, ok := l.enter(t.Context(), name[:1], 0); ok {
					got = append(got, name)
					leave()
					leave() // the second call does nothing
				}
			}()
			synctest.Wait() // so that the next request comes after this request
		}
		for _, name := range []string{"a1", "a2", "a3", "b1", "b2", "c1"} {
			handle(name)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok := l.enter(ctx, "d", 0); ok {
			t.Error("a request had its turn while another was handled")
		}
		leave()
		synctest.Wait()
		if diff := cmp.Diff([]string{"b1", "c1", "a1", "b2", "a2", "a3"}, got); diff != "" {
			t.Errorf("the requests were handled in another order (-want +got):\n%s", diff)
		}
		time.Sleep(active)
		if leave, ok := l.enter(t.Context(), "e", 0); !ok || len(l.owners) != 1 {
			t.Errorf("afterwards, a request has its turn: %t; and the line knows %d owners, want 1", ok, len(l.owners))
		} else {
			leave()
		}
	})
}

func TestALineIsAsWideAsItsLimit(t *testing.T) {
	l := newLine(2, false)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if _, ok := l.enter(t.Context(), "a", 0); !ok {
			t.Error("a request has no turn although one is free")
		}
	}
	if _, ok := l.enter(ended, "b", 0); ok {
		t.Error("three requests have their turn at the same time, want 2")
	}
}

func TestOwnersPauseWhileSeveralMakeRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(4, true)
		begin := time.Now()
		turn := func(owner string, want time.Duration) {
			t.Helper()
			leave, ok := l.enter(t.Context(), owner, 100*time.Millisecond)
			if !ok {
				t.Fatal("the request has no turn")
			}
			leave()
			if got := time.Since(begin); got != want {
				t.Errorf("%s had its turn after %v, want %v", owner, got, want)
			}
		}
		for range 10 {
			turn("a", 0) // nobody else makes requests
		}
		turn("b", 0)
		turn("b", 100*time.Millisecond)
		turn("a", 100*time.Millisecond)
		turn("a", 200*time.Millisecond)
		time.Sleep(active)
		turn("a", 200*time.Millisecond+active)
		turn("a", 200*time.Millisecond+active) // owner b has made no request for a while
	})
}
