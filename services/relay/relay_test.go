package relay_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var (
	noAnswer = sms.Unanswered()
	taken    = sms.Taken("provider-1")
	forNow   = sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Throttling"})
)

func hold(d *sms.Draft) { d.OnUnknown = sms.Hold }

func TestAMessageWhoseEnqueueFailedComesThrough(t *testing.T) {
	s := newStage(t)
	messages := s.acceptMany(3)
	if diff := cmp.Diff(relay.Summary{Enqueued: 3}, s.run()); diff != "" {
		t.Errorf("the summary differs (-want +got):\n%s", diff)
	}
	s.arrive(messages...)
	if got := s.pass(time.Minute).run(); got.Enqueued != 0 {
		t.Errorf("enqueued again: %+v", got)
	}
}

func TestALostEnvelopeIsReplaced(t *testing.T) {
	// enqueued runs the relay once a minute and loses all envelopes. It returns the
	// minutes in which the relay enqueued a message.
	enqueued := func(s *stage, runs int) (minutes []int) {
		for range runs {
			if s.run(); len(s.arrived()) > 0 {
				minutes = append(minutes, int(s.now.Sub(start).Minutes()))
			}
			s.pass(time.Minute)
		}
		return minutes
	}
	t.Run("after 2 minutes, then after 5, 10 and every 15", func(t *testing.T) {
		s := newStage(t)
		m := s.accept(nil)
		want := []int{2, 7, 17}
		for last := 17 + 15; last < 24*60; last += 15 {
			want = append(want, last)
		}
		if diff := cmp.Diff(want, enqueued(s, 24*60)); diff != "" {
			t.Errorf("the minutes differ (-want +got):\n%s", diff)
		}
		s.run()
		s.is(m, sms.Expired)
		if minutes := enqueued(s, 10); len(minutes) > 0 {
			t.Errorf("the message was enqueued in minutes %v, the last one after it ended", minutes)
		}
	})
	for _, tc := range []struct {
		name string
		end  func(*stage, sms.Message) sms.Message
	}{
		{"not after the message was taken", func(s *stage, m sms.Message) sms.Message { return s.handOver(m, taken) }},
		{"not after the message was canceled", func(s *stage, m sms.Message) sms.Message {
			return s.change(m, func(m sms.Message) (sms.Message, bool) {
				m, changed, err := s.rules.Cancel(m, s.now)
				if err != nil {
					s.t.Fatal(err)
				}
				return m, changed
			})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			m := s.accept(nil)
			enqueued(s, 8) // two rescues
			tc.end(s, m)
			if minutes := enqueued(s, 60); len(minutes) > 0 {
				t.Errorf("the message was enqueued in minutes %v, the last one after it ended", minutes)
			}
		})
	}
}

func TestNothingIsRescuedWhileTheQueueHoldsABacklog(t *testing.T) {
	s := newStage(t)
	lost, ending := s.accept(nil), s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(3 * time.Minute) })
	limit := relay.DefaultOptions().Backlog
	backlog := make([]sms.Envelope, limit+1)
	for i := range backlog {
		backlog[i].Ref = sms.Ref{ID: sms.NewID(), Generation: 1}
	}
	if err := s.queue.Send(t.Context(), backlog...); err != nil {
		t.Fatal(err)
	}
	s.pass(2 * time.Minute)
	claimed := s.claim(s.accept(hold))
	s.pass(s.rules.Lease)
	s.acceptMany(1)
	if diff := cmp.Diff(relay.Summary{Enqueued: 1, Ended: 2, Backlog: limit + 1}, s.run()); diff != "" {
		t.Errorf("with a backlog the summary differs (-want +got):\n%s", diff)
	}
	s.is(claimed, sms.Unknown)
	s.is(ending, sms.Expired)

	s.arrived()
	s.run()
	s.arrive(lost)
}

func TestAScheduledMessageArrivesToTheSecond(t *testing.T) {
	for _, tc := range []struct {
		name  string
		ahead time.Duration
		runAt time.Duration // the time of the run that enqueues the message
	}{
		{"90 seconds ahead, after a failed enqueue", 90 * time.Second, 0},
		{"10 minutes ahead", 10 * time.Minute, 8 * time.Minute},
		{"between two runs", 10*time.Minute + 20*time.Second, 9 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			m := s.accept(func(d *sms.Draft) { d.SendAt = start.Add(tc.ahead) })
			s.change(m, func(m sms.Message) (sms.Message, bool) { return s.rules.EnqueueFailed(m, s.now) })
			for ; s.now.Before(start.Add(tc.runAt)); s.pass(time.Minute) {
				if got := s.run(); got.Enqueued != 0 {
					t.Fatalf("the message was enqueued too early, at %v", s.now.Sub(start))
				}
			}
			if got := s.run(); got.Enqueued != 1 {
				t.Errorf("the message was not enqueued at %v: %+v", s.now.Sub(start), got)
			}
			s.now = m.SendAt.Add(-time.Millisecond)
			s.run() // this run must not enqueue the message again
			s.arrive()
			s.pass(time.Millisecond)
			s.arrive(m)
			s.handOver(m, taken)
		})
	}
	t.Run("a fraction of a second is rounded up", func(t *testing.T) {
		s := newStage(t)
		m := s.accept(func(d *sms.Draft) { d.SendAt = start.Add(10*time.Minute + 400*time.Millisecond) })
		s.now = start.Add(9 * time.Minute)
		s.run()
		s.now = m.SendAt
		s.arrive()
		s.pass(600 * time.Millisecond)
		s.arrive(m)
	})
}

func TestARefusedMessageComesBackWhenItsTimeHasCome(t *testing.T) {
	s := newStage(t)
	m := s.accept(nil)
	for _, wait := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
		refused := s.handOver(m, forNow)
		if got := refused.NotBefore.Sub(s.now); got != wait {
			t.Errorf("the envelope is delayed by %v, want %v", got, wait)
		}
		if got := s.run(); got.Enqueued != 1 {
			t.Errorf("the summary is %+v, want one message enqueued", got)
		}
		s.pass(wait - time.Millisecond)
		s.arrive()
		s.pass(time.Millisecond)
		s.arrive(m)
	}
	s.handOver(m, taken)
	if got := s.pass(time.Hour).run(); got.Enqueued != 0 {
		t.Errorf("the summary is %+v, after the message ended", got)
	}
}

func TestADeadLeaseEnds(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*sms.Draft)
		status sms.Status
	}{
		{"with resend the message is sent again", nil, sms.Queued},
		{"with hold the message ends as unknown", hold, sms.Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			m := s.claim(s.accept(tc.change))
			s.pass(s.rules.Lease - time.Millisecond).run()
			s.is(m, sms.Sending)
			if got := s.pass(time.Millisecond).run(); got.Ended != 1 {
				t.Errorf("the summary is %+v, want one message ended", got)
			}
			s.is(m, tc.status)
			s.pass(5 * time.Second)
			if tc.status == sms.Queued {
				s.arrive(m)
			} else {
				s.arrive()
			}
		})
	}
	t.Run("at the start of a server, even if it is not over", func(t *testing.T) {
		s := newStage(t)
		again, once, waiting := s.claim(s.accept(nil)), s.claim(s.accept(hold)), s.accept(nil)
		many := make([]sms.Message, 250) // more than two pages
		for i := range many {
			many[i] = s.claim(s.accept(hold))
		}
		report, err := s.EndLeases(t.Context())
		if err != nil || report.Ended != 252 {
			t.Errorf("EndLeases = %+v, %v, want 252 ended", report, err)
		}
		s.is(again, sms.Queued)
		s.is(once, sms.Unknown)
		s.is(waiting, sms.Queued)
		for _, m := range many {
			s.is(m, sms.Unknown)
		}
		s.run()
		s.pass(5 * time.Second)
		s.arrive(again)
	})
}

func TestValidityRunsOut(t *testing.T) {
	for _, tc := range []struct {
		name   string
		accept func(*stage) sms.Message
		status sms.Status
	}{
		{"of a queued message", func(s *stage) sms.Message { return s.accept(nil) }, sms.Expired},
		{"of a scheduled message that nobody enqueued", func(s *stage) sms.Message {
			return s.accept(func(d *sms.Draft) {
				d.SendAt = s.now.Add(time.Hour)
				d.ExpiresAt = s.now.Add(2 * time.Hour)
			})
		}, sms.Expired},
		{"of a message that was refused for now", func(s *stage) sms.Message { return s.handOver(s.accept(nil), forNow) }, sms.Expired},
		{"of a message with an unanswered hand-over", func(s *stage) sms.Message { return s.handOver(s.accept(nil), noAnswer) }, sms.Unknown},
		{"of a message whose sender died", func(s *stage) sms.Message { return s.claim(s.accept(nil)) }, sms.Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			m := tc.accept(s)
			s.now = m.ExpiresAt
			if diff := cmp.Diff(relay.Summary{Ended: 1}, s.run()); diff != "" {
				t.Errorf("the summary differs (-want +got):\n%s", diff)
			}
			s.is(m, tc.status)
			s.arrive()
		})
	}
}

func TestAMessageExpiresInTimeHoweverLongTheProviderAsksToWait(t *testing.T) {
	for _, tc := range []struct {
		name  string
		queue func(sms.Queue) sms.Queue
	}{
		{"with its envelope on the queue", func(q sms.Queue) sms.Queue { return q }},
		{"with a queue out of reach", func(q sms.Queue) sms.Queue {
			return brokenQueue{q, func(context.Context, sms.Queue, []sms.Envelope) error { return sms.ErrUnavailable }}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			m := s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(10 * time.Minute) })
			s.handOver(m, sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow, RetryAfter: time.Hour}))
			r := s.on(s.store, tc.queue(s.queue), relay.DefaultOptions())
			for ; s.now.Before(m.ExpiresAt); s.pass(time.Minute) {
				report, err := r.Run(t.Context())
				if (err == nil) != (report.NotEnqueued == 0) {
					t.Errorf("Run = %+v, %v", report, err)
				}
				s.is(m, sms.Queued)
				s.arrive()
			}
			if _, err := r.Run(t.Context()); err != nil {
				t.Error(err)
			}
			s.is(m, sms.Expired)
		})
	}
	t.Run("and the others of its batch are enqueued", func(t *testing.T) {
		s := newStage(t)
		m := s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(10 * time.Minute) })
		s.handOver(m, sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow, RetryAfter: time.Hour}))
		s.pass(9 * time.Minute)
		others := s.acceptMany(5)
		s.run()
		s.arrive(others...)
	})
}

func TestAPendingReceiptSettlesInsteadOfResending(t *testing.T) {
	for _, tc := range []struct {
		name string
		wait func(*stage) sms.Message // puts the message into the agenda, so that the relay has work to do
	}{
		{"when a lease ends", func(s *stage) sms.Message {
			m := s.claim(s.accept(nil))
			s.pass(s.rules.Lease)
			return m
		}},
		{"when the lease of a held message ends", func(s *stage) sms.Message {
			m := s.claim(s.accept(hold))
			s.pass(s.rules.Lease)
			return m
		}},
		{"when a retry is due", func(s *stage) sms.Message { return s.handOver(s.accept(nil), noAnswer) }},
	} {
		for _, verdict := range []sms.Verdict{sms.VerdictDelivered, sms.VerdictUndelivered} {
			t.Run(tc.name+", "+string(verdict), func(t *testing.T) {
				s := newStage(t)
				rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: s.now, Verdict: verdict, Failure: sms.Unreachable}
				m := tc.wait(s)
				k := rc.Pending(s.now)
				k.Due = time.Time{} // the receipt is not retried any more
				if err := s.store.Keep(t.Context(), k); err != nil {
					t.Fatal(err)
				}
				for range 4 { // several runs, because the first runs do not know which hand-overs are in flight
					s.pass(time.Minute).run()
					s.arrive()
				}
				s.is(m, sms.Status(verdict))
				s.pass(time.Hour).run()
				s.arrive()
				left, err := s.store.Unmatched(t.Context(), number)
				if err != nil || len(left.Receipts)+len(left.MessageIDs) > 0 {
					t.Errorf("Unmatched returned %+v, %v, want nothing", left, err)
				}
			})
		}
	}
}

func TestAMessageIsNotResentWhileItsReceiptIsTooFreshToBeMatched(t *testing.T) {
	for _, tc := range []struct {
		name   string
		expiry time.Duration
	}{
		{"with time left", time.Hour},
		{"past its expiry", 30 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			s.repeat(3)
			m := s.handOver(s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(tc.expiry) }), noAnswer)
			rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: m.CreatedAt, Verdict: sms.VerdictDelivered}
			if err := s.store.Keep(t.Context(), rc.Pending(s.now)); err != nil {
				t.Fatal(err)
			}
			s.pass(s.rules.Lease - time.Second).run()
			s.is(m, sms.Queued)
			s.arrive()
			s.pass(5 * time.Second).run()
			s.is(m, sms.Queued)
			s.arrive()
			s.pass(2 * time.Second).run()
			s.is(m, sms.Delivered)
			s.pass(time.Hour).run()
			s.arrive()
		})
	}
}

func TestARunReadsPageByPage(t *testing.T) {
	s := newStage(t)
	options := relay.DefaultOptions()
	options.Page = 10
	messages := s.acceptMany(35)
	report, err := s.on(s.store, s.queue, options).Run(t.Context())
	if err != nil || report.Enqueued != 35 {
		t.Errorf("Run = %+v, %v, want 35 enqueued", report, err)
	}
	s.arrive(messages...)
}
