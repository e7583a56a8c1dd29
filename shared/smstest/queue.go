package smstest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Queue is both ends of a queue.
type Queue interface {
	sms.Queue
	sms.Consumer
}

// OpenQueue returns an empty queue, and closes it at the end of the test. A dequeued item
// that is not deleted stays hidden for the given time, which is a whole number of
// seconds.
type OpenQueue func(t *testing.T, visibility time.Duration) Queue

// TestQueue checks that a queue keeps the contracts of sms.Queue and sms.Consumer. Every
// subtest opens a new queue.
func TestQueue(t *testing.T, open OpenQueue) {
	t.Run("Send", func(t *testing.T) { testSend(t, open) })
	t.Run("Dequeue", func(t *testing.T) { testDequeue(t, open) })
	t.Run("Backlog", func(t *testing.T) { testBacklog(t, open) })
}

// longVisibility is longer than every subtest.
const longVisibility = 5 * time.Minute

func envelopes(n int) []sms.Envelope {
	list := make([]sms.Envelope, n)
	for i := range list {
		list[i].Ref = sms.Ref{ID: sms.NewID(), Generation: time.Now().UnixMilli()}
		list[i].Parts = 1 + i%3
		list[i].Group = fmt.Sprintf("client-%d", i%3)
	}
	return list
}

func send(t *testing.T, q Queue, list ...sms.Envelope) {
	t.Helper()
	if err := q.Send(t.Context(), list...); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

// drain dequeues items until it has got n different bodies, or until 30 seconds have
// passed. It returns how often each body came.
func drain(t *testing.T, q Queue, n int) map[string]int {
	t.Helper()
	const limit, wait, patience = 10, time.Second, 30 * time.Second
	bodies := make(map[string]int)
	for end := time.Now().Add(patience); len(bodies) < n && time.Now().Before(end); {
		received, err := q.Dequeue(t.Context(), limit, wait)
		if err != nil {
			t.Fatalf("Dequeue: %v", err)
		}
		for _, r := range received {
			bodies[r.Body]++
		}
		if err := q.Delete(t.Context(), received...); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	return bodies
}

func checkBodies(t *testing.T, want []sms.Envelope, got map[string]int) {
	t.Helper()
	bodies := make(map[string]bool)
	for _, d := range want {
		bodies[d.Body()] = true
	}
	came := make(map[string]bool)
	for body := range got {
		came[body] = true
	}
	checkDiff(t, "what came", bodies, came)
}

func testSend(t *testing.T, open OpenQueue) {
	for _, n := range []int{0, 1, 10, 11, 25} {
		t.Run(fmt.Sprintf("%d envelopes that are sent in one call all come", n), func(t *testing.T) {
			q := open(t, longVisibility)
			list := envelopes(n)
			send(t, q, list...)
			checkBodies(t, list, drain(t, q, n))
		})
	}

	t.Run("an envelope without a group comes too", func(t *testing.T) {
		q := open(t, longVisibility)
		list := envelopes(1)
		list[0].Group = ""
		send(t, q, list...)
		checkBodies(t, list, drain(t, q, 1))
	})

	t.Run("an envelope that is sent twice comes twice", func(t *testing.T) {
		q := open(t, longVisibility)
		list := envelopes(1)
		send(t, q, list[0], list[0])
		came := 0
		eventually(t, func() string {
			for _, n := range drain(t, q, 1) {
				came += n
			}
			if came < 2 {
				return fmt.Sprintf("the envelope came %d times", came)
			}
			return ""
		})
	})

	t.Run("a delayed envelope does not come before its time, and delays no other", func(t *testing.T) {
		q := open(t, longVisibility)
		// Engines round times, so an envelope can come a tenth of a second early.
		const delay, rounding = time.Second, 100 * time.Millisecond
		list := envelopes(3)
		list[1].Delay = delay
		before := time.Now()
		send(t, q, list...)
		checkBodies(t, []sms.Envelope{list[0], list[2]}, drain(t, q, 2))
		checkBodies(t, list[1:2], drain(t, q, 1))
		if took := time.Since(before); took < delay-rounding {
			t.Errorf("the envelope came after %s, want it after at least %s", took, delay)
		}
	})

	t.Run("the longest delay is accepted", func(t *testing.T) {
		q := open(t, longVisibility)
		list := envelopes(1)
		list[0].Delay = sms.MaxDelay
		send(t, q, list...)
		if received, err := q.Dequeue(t.Context(), 10, 0); err != nil || len(received) > 0 {
			t.Errorf("Dequeue: %v, %v, want nothing", received, err)
		}
	})
}

func testDequeue(t *testing.T, open OpenQueue) {
	t.Run("at most limit items come at once", func(t *testing.T) {
		q := open(t, longVisibility)
		send(t, q, envelopes(10)...)
		received, err := q.Dequeue(t.Context(), 3, time.Second)
		if err != nil || len(received) < 1 || len(received) > 3 {
			t.Errorf("Dequeue returned %d items and the error %v, want 1 to 3 items", len(received), err)
		}
	})

	t.Run("the receive count is 1 at first, and 2 when an item comes back", func(t *testing.T) {
		q := open(t, time.Second)
		list := envelopes(1)
		send(t, q, list...)
		for _, want := range []int{1, 2} {
			r := dequeueOne(t, q)
			if r.ReceiveCount != want || r.Body != list[0].Body() || r.Handle == "" {
				t.Fatalf("received %+v, want %s with receive count %d", r, list[0].Ref, want)
			}
		}
	})

	t.Run("a dequeued item is hidden", func(t *testing.T) {
		q := open(t, longVisibility)
		send(t, q, envelopes(1)...)
		dequeueOne(t, q)
		if received, err := q.Dequeue(t.Context(), 10, 0); err != nil || len(received) > 0 {
			t.Errorf("Dequeue: %v, %v, want nothing", received, err)
		}
	})

	t.Run("a deleted item does not come back", func(t *testing.T) {
		q := open(t, time.Second)
		send(t, q, envelopes(1)...)
		r := dequeueOne(t, q)
		if err := q.Delete(t.Context(), r); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		if received, err := q.Dequeue(t.Context(), 10, 2*time.Second); err != nil || len(received) > 0 {
			t.Errorf("Dequeue: %v, %v, want nothing", received, err)
		}
	})

	t.Run("any number of items can be deleted at once, even none", func(t *testing.T) {
		q := open(t, longVisibility)
		const many = 15 // more than fit into one request to SQS
		send(t, q, envelopes(many)...)
		var received []sms.QueueItem
		eventually(t, func() string {
			more, err := q.Dequeue(t.Context(), 10, 0)
			if err != nil {
				t.Fatalf("Dequeue: %v", err)
			}
			received = append(received, more...)
			if len(received) < many {
				return fmt.Sprintf("%d of %d items came", len(received), many)
			}
			return ""
		})
		if err := q.Delete(t.Context(), received...); err != nil {
			t.Errorf("Delete: %v", err)
		}
		if err := q.Delete(t.Context()); err != nil {
			t.Errorf("Delete without items: %v", err)
		}
	})

	t.Run("Dequeue of an empty queue returns after the wait", func(t *testing.T) {
		q := open(t, longVisibility)
		const wait, early, late = time.Second, 900 * time.Millisecond, 5 * time.Second
		for _, c := range []struct{ wait, least, most time.Duration }{{0, 0, wait}, {wait, early, late}} {
			before := time.Now()
			received, err := q.Dequeue(t.Context(), 10, c.wait)
			if err != nil || len(received) > 0 {
				t.Fatalf("Dequeue: %v, %v, want nothing", received, err)
			}
			if took := time.Since(before); took < c.least || took > c.most {
				t.Errorf("Dequeue with a wait of %s took %s", c.wait, took)
			}
		}
	})

	t.Run("a waiting Dequeue ends with its context", func(t *testing.T) {
		q := open(t, longVisibility)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		before := time.Now()
		if received, _ := q.Dequeue(ctx, 10, 20*time.Second); len(received) > 0 {
			t.Errorf("received %v, want nothing", received)
		}
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("Dequeue took %s after its context ended", took)
		}
	})

	t.Run("a waiting Dequeue returns an item that is sent meanwhile", func(t *testing.T) {
		q := open(t, longVisibility)
		list := envelopes(1)
		got := make(chan map[string]int)
		go func() {
			bodies := make(map[string]int)
			received, err := q.Dequeue(t.Context(), 10, 10*time.Second)
			if err != nil {
				t.Errorf("Dequeue: %v", err)
			}
			for _, r := range received {
				bodies[r.Body]++
			}
			got <- bodies
		}()
		before := time.Now()
		send(t, q, list...)
		checkBodies(t, list, <-got)
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("the envelope came only after %s", took)
		}
	})

	t.Run("concurrent consumers get every item", func(t *testing.T) {
		q := open(t, longVisibility)
		const many, receivers = 200, 8
		list := envelopes(many)
		send(t, q, list...)
		var mu sync.Mutex
		came := make(map[string]int)
		left := func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(came) < many
		}
		end := time.Now().Add(time.Minute)
		race(receivers, func(int) (any, error) {
			for left() && time.Now().Before(end) {
				received, err := q.Dequeue(t.Context(), 10, time.Second)
				if err != nil {
					t.Errorf("Dequeue: %v", err)
					return nil, nil
				}
				mu.Lock()
				for _, r := range received {
					came[r.Body]++
				}
				mu.Unlock()
				if err := q.Delete(t.Context(), received...); err != nil {
					t.Errorf("Delete: %v", err)
				}
			}
			return nil, nil
		})
		checkBodies(t, list, came)
	})
}

func testBacklog(t *testing.T, open OpenQueue) {
	t.Run("the backlog counts the items that can be dequeued now", func(t *testing.T) {
		q := open(t, longVisibility)
		checkBacklog(t, q, 0)
		list := envelopes(7)
		list[0].Delay, list[1].Delay = sms.MaxDelay, sms.MaxDelay
		send(t, q, list...)
		checkBacklog(t, q, 5)
		r := dequeueOne(t, q)
		checkBacklog(t, q, 4)
		if err := q.Delete(t.Context(), r); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		checkBacklog(t, q, 4)
	})
}

func dequeueOne(t *testing.T, q Queue) (one sms.QueueItem) {
	t.Helper()
	eventually(t, func() string {
		received, err := q.Dequeue(t.Context(), 1, time.Second)
		switch {
		case err != nil:
			t.Fatalf("Dequeue: %v", err)
		case len(received) == 1:
			one = received[0]
			return ""
		}
		return fmt.Sprintf("dequeued %d items, want 1", len(received))
	})
	return one
}

func checkBacklog(t *testing.T, q Queue, n int) {
	t.Helper()
	eventually(t, func() string {
		got, err := q.Backlog(t.Context())
		if err != nil {
			t.Fatalf("Backlog: %v", err)
		}
		if got != n {
			return fmt.Sprintf("the backlog is %d, want %d", got, n)
		}
		return ""
	})
}
