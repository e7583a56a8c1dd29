package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Each run takes two seconds, and runs begin at least three seconds apart.
func TestACrowdSharesItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs, running atomic.Int64
		c := crowd[time.Time]{pause: 3 * time.Second, work: func(context.Context) (time.Time, error) {
			if running.Add(1) > 1 {
				t.Error("two runs at the same time, want one after the other")
			}
			defer running.Add(-1)
			began := time.Now()
			runs.Add(1)
			time.Sleep(2 * time.Second) // on a virtual clock
			return began, nil
		}}
		start := time.Now()
		var callers sync.WaitGroup
		for _, tc := range []struct{ comes, begins time.Duration }{
			{0, 0},
			{0, 3 * time.Second}, {time.Second, 3 * time.Second}, {2 * time.Second, 3 * time.Second}, // these come during the first run or in the pause after it
			{4 * time.Second, 6 * time.Second}, {4 * time.Second, 6 * time.Second}, // these come during the second run
			{20 * time.Second, 20 * time.Second}, // comes when nothing runs
		} {
			callers.Go(func() {
				time.Sleep(tc.comes)
				began, err := c.get(t.Context())
				if want := start.Add(tc.begins); err != nil || !began.Equal(want) {
					t.Errorf("the answer to a call at %v is from a run at %v, %v; want one at %v", tc.comes, began.Sub(start), err, want.Sub(start))
				}
			})
			synctest.Wait()
		}
		callers.Wait()
		if n := runs.Load(); n != 4 {
			t.Errorf("%d runs for 7 calls, want 4", n)
		}
	})
	t.Run("ends for a caller who leaves, and for nobody else", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			broken := errors.New("broken")
			c := crowd[int]{work: func(ctx context.Context) (int, error) {
				time.Sleep(time.Minute) // on a virtual clock
				return 0, errors.Join(ctx.Err(), broken)
			}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			var callers sync.WaitGroup
			callers.Go(func() {
				if _, err := c.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a caller who left got %v", err)
				}
			})
			synctest.Wait()
			begin := time.Now()
			if _, err := c.get(t.Context()); !errors.Is(err, broken) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the other caller got %v, want only the error of the work", err)
			}
			if took := time.Since(begin); took > 2*time.Minute {
				t.Errorf("the other caller waited %v", took)
			}
			callers.Wait()
		})
	})
}
