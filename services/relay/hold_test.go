package relay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func TestWhatAnOpenBreakerThrewAwayComesBackAtItsClosing(t *testing.T) {
	s := newStage(t)
	thrown := s.accept(nil) // its copy met the open breaker
	s.pass(30 * time.Second)
	s.breaker(sms.Breaker{}.Close(s.now))
	s.pass(time.Second)
	backlog := make([]sms.Envelope, relay.DefaultOptions().Backlog+1)
	for i := range backlog {
		backlog[i].Ref = sms.Ref{ID: sms.NewID(), Generation: 1}
	}
	if err := s.queue.Send(t.Context(), backlog...); err != nil {
		t.Fatal(err)
	}
	s.pass(10 * time.Second)
	later := s.accept(nil) // accepted after the closing: its copy may only be late
	if got := s.run().Enqueued; got != 1 {
		t.Errorf("%d enqueued, want the one that was thrown away", got)
	}
	if !slices.Contains(s.arrived(), thrown.Ref()) {
		t.Error("it did not arrive")
	}
	if got := s.run().Enqueued; got != 0 {
		t.Errorf("%d enqueued by the next run: %v", got, later.ID)
	}
}

// Each closing brings back all that waits, at once: a rescue that doubled each
// time would have a message wait for hours because the breaker opened often.
func TestABreakerThatOpensOftenMakesNobodyWaitLonger(t *testing.T) {
	s := newStage(t)
	m := s.accept(nil)
	for i := range 10 {
		s.breaker(sms.Breaker{}.Pause("maintenance", s.now))
		s.arrived() // and thrown away
		s.pass(time.Minute).run()
		s.breaker(sms.Breaker{}.Close(s.now))
		if s.pass(sms.BreakerAge).run(); !slices.Contains(s.arrived(), m.Ref()) {
			t.Fatalf("closed for the time %d it did not come back", i+1)
		}
	}
	s.pass(2 * time.Minute).run()
	s.arrive(m) // its last copy was lost, and not thrown away: its rescue is the first
}

// Senders are broken for hours, and every copy is lost: the next rescue is hours
// ahead. The breaker is no reason to wait for it.
func TestAMessageThatWasRescuedForHoursComesBackAtTheClosing(t *testing.T) {
	for _, tc := range []struct {
		name    string
		waiting int
		page    int
	}{
		{"alone", 1, relay.DefaultOptions().Page},
		{"with more beside it than a page and a queue's backlog", 150, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			options := relay.DefaultOptions()
			options.Page = tc.page
			r := s.on(s.store, s.queue, options)
			run := func() {
				t.Helper()
				if _, err := r.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			messages := make([]sms.Message, tc.waiting)
			for i := range messages {
				messages[i] = s.accept(nil)
			}
			for s.now.Sub(start) < 170*time.Minute {
				run()
				s.arrived()
				s.pass(time.Minute)
			}
			s.breaker(sms.Breaker{}.Pause("maintenance", s.now))
			s.pass(time.Minute).run()
			s.breaker(sms.Breaker{}.Close(s.now))
			if wait := s.get(messages[0]).Due.At.Sub(s.now); wait < time.Hour {
				t.Fatalf("the next rescue is in %v, want it far ahead", wait)
			}
			s.pass(sms.BreakerAge)
			run()
			s.arrive(messages...)
			s.pass(2*time.Minute - time.Second)
			run()
			s.arrive()
			s.pass(time.Second)
			run()
			s.arrive(messages...) // as after their first enqueue
		})
	}
}

func TestWhatExpiresSoonAfterAClosingComesBackOnce(t *testing.T) {
	s := newStage(t)
	m := s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(time.Minute) })
	s.breaker(sms.Breaker{}.Close(s.now))
	s.pass(sms.BreakerAge)
	copies := 0
	for ; s.now.Before(m.ExpiresAt); s.pass(time.Second) { // as on one machine
		s.run()
		copies += len(s.arrived())
	}
	if copies != 1 {
		t.Errorf("%d copies were enqueued, want 1", copies)
	}
	s.run()
	s.is(m, sms.Expired)
}

// Rescues may be hours ahead, so that all that waits is read: once.
func TestAClosingCostsOneLookAtAllThatWaits(t *testing.T) {
	s := newStage(t)
	counting := &calls{Store: s.store, count: make(map[string]int)}
	options := relay.DefaultOptions()
	options.Page = 10
	r := s.on(counting, s.queue, options)
	s.breaker(sms.Breaker{}.Close(s.now))
	s.pass(2 * sms.BreakerAge)
	for range 45 { // none of which the breaker threw away
		s.accept(nil)
	}
	nothing := 3 * s.store.Shards()
	var got []int
	for range 3 {
		clear(counting.count)
		report, err := r.Run(t.Context())
		if err != nil || report.Enqueued > 0 {
			t.Errorf("Run = %+v, %v", report, err)
		}
		got = append(got, counting.count["Due"])
		s.pass(time.Second)
	}
	if diff := cmp.Diff([]int{nothing + 4, nothing, nothing}, got); diff != "" {
		t.Errorf("the pages read differ (-want +got):\n%s", diff)
	}
}
