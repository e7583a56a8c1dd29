package relay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
)

func (s *stage) fill() {
	s.t.Helper()
	backlog := make([]sms.Envelope, relay.DefaultOptions().Backlog+1)
	for i := range backlog {
		backlog[i].Ref = sms.Ref{ID: sms.NewID(), Generation: 1}
	}
	if err := s.queue.Send(s.t.Context(), backlog...); err != nil {
		s.t.Fatal(err)
	}
}

func TestWhatAnOpenBreakerDiscardedComesBackAtItsClosing(t *testing.T) {
	s := newStage(t)
	discarded := s.accept(nil) // a sender discarded its envelope
	s.pass(30 * time.Second)
	s.breaker(sms.Breaker{}.Close(s.now))
	s.pass(time.Second)
	s.fill()
	s.pass(10 * time.Second)
	later := s.accept(nil) // accepted after the closing, so no sender discarded its envelope
	if got := s.run().Enqueued; got != 1 {
		t.Errorf("%d messages were enqueued, want only the message whose envelope was discarded", got)
	}
	if !slices.Contains(s.arrived(), discarded.Ref()) {
		t.Error("the message did not arrive")
	}
	if got := s.run().Enqueued; got != 0 {
		t.Errorf("the next run enqueued %d messages, want none: %v", got, later.ID)
	}
}

// The relay enqueues the waiting messages each time the breaker closes. This enqueue must not count as a
// rescue: otherwise messages would wait longer after each closing.
func TestABreakerThatOpensOftenMakesNobodyWaitLonger(t *testing.T) {
	s := newStage(t)
	m := s.accept(nil)
	for i := range 10 {
		s.breaker(sms.Breaker{}.Pause("maintenance", s.now))
		s.arrived() // the sender discards it
		s.pass(time.Minute).run()
		s.breaker(sms.Breaker{}.Close(s.now))
		if s.pass(sms.BreakerAge).run(); !slices.Contains(s.arrived(), m.Ref()) {
			t.Fatalf("after closing %d the message was not enqueued again", i+1)
		}
	}
	s.pass(2 * time.Minute).run()
	s.arrive(m) // the envelope was lost, not discarded: this is the first rescue
}

func (s *stage) waitFor(m sms.Message, r *relay.Relay) time.Duration {
	s.t.Helper()
	since := s.now
	for s.now.Before(m.ExpiresAt) {
		if _, err := r.Run(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if slices.Contains(s.arrived(), m.Ref()) {
			return s.now.Sub(since)
		}
		s.pass(time.Minute)
	}
	s.t.Fatal("the message did not arrive before it expired")
	return 0
}

// A discarded envelope was not lost, so the next rescue must not wait longer.
func TestTheWaitForARescueDoesNotGrowWithEachOpening(t *testing.T) {
	for _, closed := range []time.Duration{sms.BreakerAge, 4 * time.Minute} {
		t.Run("closed for "+closed.String(), func(t *testing.T) {
			s := newStage(t)
			m := s.accept(nil)
			for range 50 {
				s.breaker(sms.Breaker{}.Pause("maintenance", s.now))
				s.arrived() // the sender discards it
				s.pass(6 * time.Minute).run()
				s.breaker(sms.Breaker{}.Close(s.now))
				s.pass(closed).run()
			}
			s.arrived()
			if waited := s.waitFor(m, s.Relay); waited > 2*time.Minute {
				t.Errorf("after the last closing, the message waited too long: %v", waited)
			}
			if waited := s.pass(time.Minute).waitFor(m, s.Relay); waited > 5*time.Minute {
				t.Errorf("after its last envelope was lost, the message waited too long: %v", waited)
			}
		})
	}
}

// Every envelope is lost for hours, as if the senders were broken.
func TestAMessageThatWasRescuedForHoursComesBackAfterTheClosing(t *testing.T) {
	for _, tc := range []struct {
		name    string
		waiting int
		page    int
	}{
		{"alone", 1, relay.DefaultOptions().Page},
		{"with more messages than a page, and a backlog", 150, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			options := relay.DefaultOptions()
			options.Page = tc.page
			r := s.on(s.store, s.queue, options)
			messages := make([]sms.Message, tc.waiting)
			for i := range messages {
				messages[i] = s.accept(nil)
			}
			for s.now.Sub(start) < 170*time.Minute {
				if _, err := r.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.arrived()
				s.pass(time.Minute)
			}
			s.breaker(sms.Breaker{}.Pause("maintenance", s.now))
			s.pass(time.Minute).run()
			s.breaker(sms.Breaker{}.Close(s.now))
			s.pass(sms.BreakerAge)
			waiting := make(map[sms.Ref]bool)
			for _, m := range messages {
				waiting[m.Ref()] = true
			}
			for closed := s.now; s.now.Sub(closed) <= 15*time.Minute; s.pass(time.Minute) {
				if _, err := r.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, ref := range s.arrived() {
					delete(waiting, ref)
				}
			}
			if len(waiting) > 0 {
				t.Errorf("%d of %d messages were not enqueued again within 15 minutes", len(waiting), tc.waiting)
			}
		})
	}
}

// The message is due only at its expiry, and must end then.
func TestWhatExpiresWithin2MinutesEndsInTime(t *testing.T) {
	s := newStage(t)
	m := s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(time.Minute) })
	s.breaker(sms.Breaker{}.Close(s.now))
	s.pass(sms.BreakerAge)
	for ; s.now.Before(m.ExpiresAt); s.pass(time.Second) { // `smsqueue serve` runs the relay once a second too
		s.run()
		s.arrive()
	}
	s.run()
	s.is(m, sms.Expired)
}

func TestAClosingCostsNoLookAtWhatIsNotDue(t *testing.T) {
	s := newStage(t)
	counting := &calls{Store: s.store, count: make(map[string]int)}
	options := relay.DefaultOptions()
	options.Page = 10
	r := s.on(counting, s.queue, options)
	s.breaker(sms.Breaker{}.Close(s.now))
	s.pass(2 * sms.BreakerAge)
	for range 45 {
		s.accept(nil)
	}
	for run := range 4 {
		clear(counting.count)
		report, err := r.Run(t.Context())
		if err != nil || report.Enqueued > 0 {
			t.Errorf("Run = %+v, %v", report, err)
		}
		if run == 0 { // the first run also reads the far end of the agenda
			continue
		}
		if got, want := counting.count["Due"], 4*s.store.Shards(); got != want {
			t.Errorf("%d pages were read, want %d", got, want)
		}
		s.pass(time.Second)
	}
}
