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

// OpenQueue gives an empty queue whose deliveries come back visibility after
// they were received and not deleted, and sees to it that it is closed at the
// end of t. The visibility is whole seconds.
type OpenQueue func(t *testing.T, visibility time.Duration) Queue

// TestQueue checks that what open gives keeps the contracts of sms.Queue and
// sms.Consumer. It calls open in every subtest.
func TestQueue(t *testing.T, open OpenQueue) {
	t.Run("Send", func(t *testing.T) { testSend(t, open) })
	t.Run("Dequeue", func(t *testing.T) { testDequeue(t, open) })
	t.Run("Backlog", func(t *testing.T) { testBacklog(t, open) })
}

// lasting is a visibility that outlasts every subtest.
const lasting = 5 * time.Minute

// deliveries are n references that no other subtest has.
func deliveries(n int) []sms.Envelope {
	list := make([]sms.Envelope, n)
	for i := range list {
		list[i].Ref = sms.Ref{ID: sms.NewID(), Generation: time.Now().UnixMilli()}
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

// drain receives and deletes until n different bodies have come, or patience
// ends. It returns how often each came.
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

// checkBodies checks that each delivery came, and nothing else.
func checkBodies(t *testing.T, want []sms.Envelope, got map[string]int) {
	t.Helper()
	bodies := make(map[string]bool)
	for _, d := range want {
		bodies[d.Ref.String()] = true
	}
	came := make(map[string]bool)
	for body := range got {
		came[body] = true
	}
	checkDiff(t, "what came", bodies, came)
}

func testSend(t *testing.T, open OpenQueue) {
	for _, n := range []int{0, 1, 10, 11, 25} {
		t.Run(fmt.Sprintf("%d deliveries sent at once all come", n), func(t *testing.T) {
			q := open(t, lasting)
			list := deliveries(n)
			send(t, q, list...)
			checkBodies(t, list, drain(t, q, n))
		})
	}

	t.Run("a delivery without a group comes too", func(t *testing.T) {
		q := open(t, lasting)
		list := deliveries(1)
		list[0].Group = ""
		send(t, q, list...)
		checkBodies(t, list, drain(t, q, 1))
	})

	t.Run("what is sent twice comes twice", func(t *testing.T) {
		q := open(t, lasting)
		list := deliveries(1)
		send(t, q, list[0], list[0])
		came := 0
		eventually(t, func() string {
			for _, n := range drain(t, q, 1) {
				came += n
			}
			if came < 2 {
				return fmt.Sprintf("it came %d times", came)
			}
			return ""
		})
	})

	t.Run("a delayed delivery does not come before its time, others do", func(t *testing.T) {
		q := open(t, lasting)
		// Engines round: a tenth of a second early is still on time.
		const delay, rounding = time.Second, 100 * time.Millisecond
		list := deliveries(3)
		list[1].Delay = delay
		before := time.Now()
		send(t, q, list...)
		checkBodies(t, []sms.Envelope{list[0], list[2]}, drain(t, q, 2))
		checkBodies(t, list[1:2], drain(t, q, 1))
		if took := time.Since(before); took < delay-rounding {
			t.Errorf("it came after %s, want at least %s", took, delay)
		}
	})

	t.Run("the longest delay is accepted", func(t *testing.T) {
		q := open(t, lasting)
		list := deliveries(1)
		list[0].Delay = sms.MaxDelay
		send(t, q, list...)
		if received, err := q.Dequeue(t.Context(), 10, 0); err != nil || len(received) > 0 {
			t.Errorf("Dequeue: %v, %v, want nothing", received, err)
		}
	})
}

func testDequeue(t *testing.T, open OpenQueue) {
	t.Run("at most limit deliveries come at once", func(t *testing.T) {
		q := open(t, lasting)
		send(t, q, deliveries(10)...)
		received, err := q.Dequeue(t.Context(), 3, time.Second)
		if err != nil || len(received) < 1 || len(received) > 3 {
			t.Errorf("Dequeue: %d deliveries, %v, want 1 to 3", len(received), err)
		}
	})

	t.Run("the first receive counts as one, and a delivery that is not deleted comes back as two", func(t *testing.T) {
		q := open(t, time.Second)
		list := deliveries(1)
		send(t, q, list...)
		for _, want := range []int{1, 2} {
			r := receiveOne(t, q)
			if r.ReceiveCount != want || r.Body != list[0].Ref.String() || r.Handle == "" {
				t.Fatalf("received %+v, want %s for the time %d", r, list[0].Ref, want)
			}
		}
	})

	t.Run("a received delivery is invisible", func(t *testing.T) {
		q := open(t, lasting)
		send(t, q, deliveries(1)...)
		receiveOne(t, q)
		if received, err := q.Dequeue(t.Context(), 10, 0); err != nil || len(received) > 0 {
			t.Errorf("Dequeue: %v, %v, want nothing", received, err)
		}
	})

	t.Run("a deleted delivery does not come back", func(t *testing.T) {
		q := open(t, time.Second)
		send(t, q, deliveries(1)...)
		r := receiveOne(t, q)
		if err := q.Delete(t.Context(), r); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		if received, err := q.Dequeue(t.Context(), 10, 2*time.Second); err != nil || len(received) > 0 {
			t.Errorf("Dequeue: %v, %v, want nothing", received, err)
		}
	})

	t.Run("deleting any number at once, none included, is no error", func(t *testing.T) {
		q := open(t, lasting)
		const many = 15 // more than one request of SQS takes
		send(t, q, deliveries(many)...)
		var received []sms.QueueItem
		eventually(t, func() string {
			more, err := q.Dequeue(t.Context(), 10, 0)
			if err != nil {
				t.Fatalf("Dequeue: %v", err)
			}
			received = append(received, more...)
			if len(received) < many {
				return fmt.Sprintf("%d of %d came", len(received), many)
			}
			return ""
		})
		if err := q.Delete(t.Context(), received...); err != nil {
			t.Errorf("Delete: %v", err)
		}
		if err := q.Delete(t.Context()); err != nil {
			t.Errorf("Delete of none: %v", err)
		}
	})

	t.Run("an empty queue answers at once without a wait, and after the wait with one", func(t *testing.T) {
		q := open(t, lasting)
		const wait, early, late = time.Second, 900 * time.Millisecond, 5 * time.Second
		for _, c := range []struct{ wait, least, most time.Duration }{{0, 0, wait}, {wait, early, late}} {
			before := time.Now()
			received, err := q.Dequeue(t.Context(), 10, c.wait)
			if err != nil || len(received) > 0 {
				t.Fatalf("Dequeue: %v, %v, want nothing", received, err)
			}
			if took := time.Since(before); took < c.least || took > c.most {
				t.Errorf("a receive that waits %s took %s", c.wait, took)
			}
		}
	})

	t.Run("a waiting receive ends with its context", func(t *testing.T) {
		q := open(t, lasting)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		before := time.Now()
		if received, _ := q.Dequeue(ctx, 10, 20*time.Second); len(received) > 0 {
			t.Errorf("received %v, want nothing", received)
		}
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("it took %s after its context ended", took)
		}
	})

	t.Run("a waiting receive sees what is sent meanwhile", func(t *testing.T) {
		q := open(t, lasting)
		list := deliveries(1)
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
			t.Errorf("it came after %s", took)
		}
	})

	t.Run("many receivers at once miss nothing", func(t *testing.T) {
		q := open(t, lasting)
		const many, receivers = 200, 8
		list := deliveries(many)
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
	t.Run("the backlog is what waits to be received now", func(t *testing.T) {
		q := open(t, lasting)
		checkBacklog(t, q, 0)
		list := deliveries(7)
		list[0].Delay, list[1].Delay = sms.MaxDelay, sms.MaxDelay
		send(t, q, list...)
		checkBacklog(t, q, 5)
		r := receiveOne(t, q)
		checkBacklog(t, q, 4)
		if err := q.Delete(t.Context(), r); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		checkBacklog(t, q, 4)
	})
}

// receiveOne waits for one delivery.
func receiveOne(t *testing.T, q Queue) (one sms.QueueItem) {
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
		return fmt.Sprintf("received %d deliveries, want 1", len(received))
	})
	return one
}

// checkBacklog waits until n deliveries wait.
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
