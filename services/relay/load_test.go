package relay_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestOfManyRelaysOneEnqueuesAMessage(t *testing.T) {
	s := newStage(t)
	messages := s.acceptMany(64)
	var group sync.WaitGroup
	var enqueued atomic.Int64
	ready := make(chan struct{})
	for range 2 {
		r := s.on(s.store, s.queue, relay.DefaultOptions())
		group.Go(func() {
			<-ready
			report, err := r.Run(t.Context())
			if err != nil {
				t.Errorf("Run: %v", err)
			}
			enqueued.Add(report.Enqueued)
		})
	}
	close(ready)
	group.Wait()
	if got := enqueued.Load(); got != 64 {
		t.Errorf("%d messages were enqueued, want each of 64 once", got)
	}
	s.arrive(messages...)
}

// runParallel makes n calls of a function, 64 at a time, because the store commits writes
// in groups.
func runParallel(n int, f func(i int)) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range 64 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	group.Wait()
}

func (s *stage) submit(n int) {
	s.t.Helper()
	envelopes := make([]sms.Envelope, n)
	d := sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: number, Text: "hello"}}
	runParallel(n, func(i int) {
		m := s.rules.Accept(sms.NewID(), d, s.now)
		if err := s.store.Create(s.t.Context(), m); err != nil {
			s.t.Error(err)
		}
		envelopes[i].Ref = m.Ref()
	})
	if err := s.queue.Send(s.t.Context(), envelopes...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) work(limit int) int {
	s.t.Helper()
	if limit == 0 {
		return 0
	}
	received, err := s.queue.Dequeue(s.t.Context(), limit, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	var sent atomic.Int64
	runParallel(len(received), func(i int) {
		ref, err := sms.ParseRef(received[i].Body)
		if err != nil {
			s.t.Error(err)
			return
		}
		m, err := s.store.Claim(s.t.Context(), ref, s.rules.NewClaim("fake", s.now))
		if err != nil {
			return // another envelope of the same message came earlier
		}
		after, _ := s.rules.Record(m, m.LeaseToken, sms.Taken(m.LeaseToken), s.now)
		if _, err = s.store.Update(s.t.Context(), m, after); err != nil {
			s.t.Error(err)
		}
		sent.Add(1)
	})
	if err = s.queue.Delete(s.t.Context(), received...); err != nil {
		s.t.Fatal(err)
	}
	return int(sent.Load())
}

// The relay must not rescue messages that still wait on the queue: if it did, the queue would grow with each
// run.
func TestALongBacklogDoesNotMultiplyEnvelopes(t *testing.T) {
	const waiting = 10_000
	s := newStage(t)
	s.submit(waiting)
	for _, hour := range []struct {
		name    string
		aMinute int
	}{
		{"while no sender works", 0},
		{"while a slow sender works on 100 a minute", 100},
	} {
		t.Run(hour.name, func(t *testing.T) {
			deepest, sent := s.queue.depth.Load(), 0
			for range 60 {
				s.run()
				deepest = max(deepest, s.queue.depth.Load())
				sent += s.work(hour.aMinute)
				s.pass(time.Minute)
			}
			t.Logf("%d messages waited for an hour, %d were sent; the queue had at most %d envelopes, %.3f times the messages",
				waiting, sent, deepest, float64(deepest)/waiting)
			if deepest > waiting*11/10 {
				t.Errorf("the queue had %d envelopes, want at most 1.1 times the messages", deepest)
			}
			if want := 60 * hour.aMinute; sent != want {
				t.Errorf("%d messages were sent, want %d", sent, want)
			}
		})
	}
}

type calls struct {
	relay.Store
	mu    sync.Mutex
	count map[string]int
}

func (c *calls) note(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[method]++
}

func (c *calls) Get(ctx context.Context, id string) (sms.Message, error) {
	c.note("Get")
	return c.Store.Get(ctx, id)
}

func (c *calls) Update(ctx context.Context, old, next sms.Message) (sms.Message, error) {
	c.note("Update")
	return c.Store.Update(ctx, old, next)
}

func (c *calls) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	c.note("Due")
	return c.Store.Due(ctx, q)
}

func (c *calls) Postpone(ctx context.Context, e sms.DueEntry, next sms.Due) (sms.Message, error) {
	c.note("Postpone")
	return c.Store.Postpone(ctx, e, next)
}

func (c *calls) DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	c.note("DueReceipts")
	return c.Store.DueReceipts(ctx, from, until, limit)
}

func (c *calls) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	c.note("LoadBreaker")
	return c.Store.LoadBreaker(ctx)
}

func TestAMessageScheduledForNextMonthCostsNothingUntilThen(t *testing.T) {
	s := newStage(t)
	counting := &calls{Store: s.store, count: make(map[string]int)}
	r := s.on(counting, s.queue, relay.DefaultOptions())
	run := func() {
		t.Helper()
		if _, err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	next := s.accept(func(d *sms.Draft) { d.SendAt = start.AddDate(0, 1, 0).Add(30 * time.Second) })
	const runs = 24 * 60
	for range runs {
		run()
		s.pass(time.Minute)
	}
	const farEnds = runs / 10 // the number of runs that also read the far end of the agenda
	want := map[string]int{
		"LoadBreaker": runs, "Due": (4*runs + 3*farEnds) * s.store.Shards(), "DueReceipts": runs + farEnds,
	}
	if diff := cmp.Diff(want, counting.count); diff != "" {
		t.Errorf("the calls of a day differ (-want +got):\n%s", diff)
	}
	if got := s.queue.calls.Load(); got != runs {
		t.Errorf("%d calls to the queue, want one read of the backlog in each run", got)
	}

	clear(counting.count)
	s.now = next.SendAt.Add(-10*time.Minute - 30*time.Second)
	for ; s.now.Before(next.SendAt); s.pass(time.Minute) {
		run()
		s.arrive()
	}
	if got := counting.count["Postpone"]; got != 1 {
		t.Errorf("%d writes, want 1", got)
	}
	s.now = next.SendAt
	s.arrive(next)
	s.handOver(next, taken)
}
