package relay_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

var errBroken = errors.New("broken")

type brokenQueue struct {
	sms.Queue
	send func(ctx context.Context, queue sms.Queue, envelopes []sms.Envelope) error
}

func (q brokenQueue) Send(ctx context.Context, envelopes ...sms.Envelope) error {
	return q.send(ctx, q.Queue, envelopes)
}

func TestWhatDoesNotGetOntoTheQueueIsDueAtOnce(t *testing.T) {
	for _, tc := range []struct {
		name    string
		send    func(context.Context, sms.Queue, []sms.Envelope) error
		arrives []int
	}{
		{"all of them", func(context.Context, sms.Queue, []sms.Envelope) error { return sms.ErrUnavailable }, nil},
		{"those that the error names", func(ctx context.Context, q sms.Queue, d []sms.Envelope) error {
			if err := q.Send(ctx, d[1]); err != nil {
				return err
			}
			return &sms.SendError{Failed: []int{0, 2}, Err: sms.ErrUnavailable}
		}, []int{1}},
		{"those whose answer was lost; these come twice", func(ctx context.Context, q sms.Queue, d []sms.Envelope) error {
			return errors.Join(errBroken, q.Send(ctx, d...))
		}, []int{0, 1, 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			messages := s.acceptMany(3) // the agenda lists them in this order
			report, err := s.on(s.store, brokenQueue{s.queue, tc.send}, relay.DefaultOptions()).Run(t.Context())
			if err == nil || report.NotEnqueued == 0 {
				t.Errorf("Run = %+v, %v, want an error and a count", report, err)
			}
			var arrived, again []sms.Message
			for i, m := range messages {
				if s.get(m).Due.Kind == sms.DueSend {
					again = append(again, m)
				}
				if slices.Contains(tc.arrives, i) {
					arrived = append(arrived, m)
				}
			}
			if len(again) != int(report.NotEnqueued) {
				t.Errorf("%d messages are due to be sent, want the %d that were not enqueued", len(again), report.NotEnqueued)
			}
			s.arrive(arrived...)
			s.run()
			s.arrive(again...)
		})
	}
	t.Run("a rescue too, even after the time of the run is up", func(t *testing.T) {
		s := newStage(t)
		m := s.accept(nil)
		s.pass(2 * time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		late := brokenQueue{s.queue, func(context.Context, sms.Queue, []sms.Envelope) error {
			cancel()
			return sms.ErrUnavailable
		}}
		if _, err := s.on(s.store, late, relay.DefaultOptions()).Run(ctx); err == nil {
			t.Error("Run: no error")
		}
		s.run()
		s.arrive(m)
	})
}

func TestWhileTheBreakerIsOpen(t *testing.T) {
	open := sms.Breaker{Open: true, Trouble: sms.SpendLimit, OpenedAt: start, ProbeAt: start.Add(10 * time.Minute)}
	t.Run("no message is enqueued, but leases and messages end", func(t *testing.T) {
		s := newStage(t)
		s.breaker(open)
		dead := s.claim(s.accept(hold))
		waiting := append(s.acceptMany(2), s.accept(nil))
		ending := s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(5 * time.Minute) })
		s.pass(5 * time.Minute)
		if diff := cmp.Diff(relay.Summary{Ended: 2, BreakerOpen: true, ProbeAt: open.ProbeAt}, s.run()); diff != "" {
			t.Errorf("the summary differs (-want +got):\n%s", diff)
		}
		s.arrive()
		s.is(dead, sms.Unknown)
		s.is(ending, sms.Expired)
		s.breaker(sms.Breaker{ClosedAt: s.now})
		if got := s.pass(sms.BreakerAge - time.Millisecond).run(); got.Enqueued != 0 || !got.BreakerOpen {
			t.Errorf("while a sender may take the breaker for open, the summary is %+v, want nothing enqueued", got)
		}
		s.pass(time.Millisecond).run()
		s.arrive(waiting...)
	})
	t.Run("one probe is enqueued when it is due", func(t *testing.T) {
		s := newStage(t)
		s.breaker(open)
		s.acceptMany(30)
		s.pass(10*time.Minute - time.Millisecond).run()
		s.arrive()
		s.pass(time.Millisecond)
		if got := s.run(); got.Enqueued != 1 || !got.BreakerOpen {
			t.Errorf("the summary is %+v, want exactly one message enqueued", got)
		}
		if got := len(s.arrived()); got != 1 {
			t.Errorf("%d messages arrived, want one probe", got)
		}
	})
	t.Run("an owner that is last in line has no probe, even if many of its messages wait", func(t *testing.T) {
		s := newStage(t)
		s.rules.SeveralOwners = true
		s.Relay = s.on(s.store, s.queue, relay.DefaultOptions())
		last := s.acceptMany(500)[0]
		s.pass(10 * time.Minute)
		probed, ok := s.rules.Probe(open, last, s.now)
		if !ok {
			t.Fatal("no probe is due")
		}
		spoiled, _ := probed.GiveBack(last, true, s.now)
		s.breaker(spoiled)
		s.run()
		s.arrive()
		other := s.accept(func(d *sms.Draft) { d.Owner = "other" })
		s.pass(2 * time.Minute).run()
		s.arrive(other)
		s.pass(spoiled.ProbeLastAt.Sub(s.now)).run() // no work is left for the other messages
		if got := len(s.arrived()); got != 1 {
			t.Errorf("%d messages arrived, want one probe", got)
		}
	})
	t.Run("no probe is enqueued during a pause", func(t *testing.T) {
		s := newStage(t)
		s.breaker(sms.Breaker{}.Pause("maintenance", s.now))
		s.acceptMany(3)
		s.pass(12 * time.Hour).run()
		s.arrive()
	})
	t.Run("messages expire even behind many waiting messages", func(t *testing.T) {
		s := newStage(t)
		options := relay.DefaultOptions()
		options.Page = 5
		r := s.on(s.store, s.queue, options)
		s.breaker(sms.Breaker{}.Pause("maintenance", s.now))
		s.acceptMany(120)
		ending := s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(time.Minute) })
		s.pass(5 * time.Minute)
		for range 3 { // each run reads 50 entries
			if _, err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.is(ending, sms.Expired)
	})
}

// All records of a brokenStore are in the last of its three shards.
type brokenStore struct {
	relay.Store
	shard error
	kind  sms.DueKind
	due   func(ctx context.Context, page int) error // called before each page of messages that are due to be sent
	pages int
	err   error  // the result of Postpone for one message
	id    string // the id of this message
}

func (s *brokenStore) Shards() int { return 3 }

func (s *brokenStore) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	switch {
	case q.Shard == 0:
		return sms.DuePage{}, nil
	case q.Shard == 1:
		return sms.DuePage{}, s.shard
	case q.Kind == s.kind:
		return sms.DuePage{}, errBroken
	}
	if q.Kind == sms.DueSend && s.due != nil {
		s.pages++
		if err := s.due(ctx, s.pages); err != nil {
			return sms.DuePage{}, err
		}
	}
	return s.Store.Due(ctx, q)
}

func (s *brokenStore) Postpone(ctx context.Context, e sms.DueEntry, next sms.Due) (sms.Message, error) {
	if e.Ref.ID == s.id {
		return sms.Message{}, s.err
	}
	return s.Store.Postpone(ctx, e, next)
}

func TestAnErrorDoesNotKeepTheRestFromWork(t *testing.T) {
	for _, tc := range []struct {
		name  string
		store brokenStore
	}{
		{"of one shard's agenda", brokenStore{shard: errBroken}},
		{"of one kind", brokenStore{kind: sms.DueLease}},
		{"of one message", brokenStore{err: errBroken}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			messages := s.acceptMany(25)
			lost := s.accept(nil)
			s.pass(2 * time.Minute)
			broken := tc.store
			broken.Store = s.store
			if broken.err != nil {
				broken.id = messages[4].ID
				messages = slices.Delete(messages, 4, 5)
			}
			if _, err := s.on(&broken, s.queue, relay.DefaultOptions()).Run(t.Context()); !errors.Is(err, errBroken) {
				t.Errorf("Run returned the error %v, want the error of the store", err)
			}
			s.arrive(append(messages, lost)...)
		})
	}
	t.Run("of the backlog only prevents rescues", func(t *testing.T) {
		s := newStage(t)
		messages := s.acceptMany(2)
		s.accept(nil)
		s.pass(2 * time.Minute)
		report, err := s.on(s.store, silentQueue{s.queue}, relay.DefaultOptions()).Run(t.Context())
		if diff := cmp.Diff(relay.Summary{Enqueued: 2, Backlog: -1}, report); diff != "" || err != nil {
			t.Errorf("the error is %v, the summary differs (-want +got):\n%s", err, diff)
		}
		s.arrive(messages...)
	})
}

type silentQueue struct{ sms.Queue }

func (silentQueue) Backlog(context.Context) (int, error) { return 0, errBroken }

func TestARunEndsBeforeItsDeadline(t *testing.T) {
	synctest.Test(t, runEndsBeforeItsDeadline)
}

func runEndsBeforeItsDeadline(t *testing.T) {
	s := newStage(t)
	options := relay.DefaultOptions()
	options.Page = 10
	messages := s.acceptMany(15)
	ended := time.Time{}
	store := &brokenStore{Store: s.store, due: func(ctx context.Context, page int) error {
		if page == 1 {
			return nil
		}
		<-ctx.Done()
		ended = time.Now()
		return ctx.Err()
	}}
	// Every run ends 5 seconds before its deadline, so this run works for 300 ms.
	ctx, cancel := context.WithTimeout(t.Context(), 5300*time.Millisecond)
	defer cancel()
	report, err := s.on(store, s.queue, options).Run(ctx)
	if !report.Truncated || report.Enqueued != 10 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run = %+v, %v, want one page enqueued and Truncated set", report, err)
	}
	if deadline, _ := ctx.Deadline(); deadline.Sub(ended) < 4*time.Second {
		t.Errorf("the run ended %v before the deadline, want about 5 s", deadline.Sub(ended))
	}
	s.arrive(messages[:10]...)
	s.run()
	s.arrive(messages[10:]...)
}

// lateStore calls a function after the relay has read a message and before it changes the
// message.
type lateStore struct {
	*sqlite.DB
	happens func()
}

func (s lateStore) Unmatched(ctx context.Context, n sms.Number) (sms.Unmatched, error) {
	defer s.happens()
	return s.DB.Unmatched(ctx, n)
}

func TestAReceiptIsNotForgottenWhereTheSenderAnswersAfterAll(t *testing.T) {
	s := newStage(t)
	m := s.claim(s.accept(nil))
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(t.Context(), rc.Pending(s.now)); err != nil {
		t.Fatal(err)
	}
	s.pass(s.rules.Lease)
	store := lateStore{s.store, func() {
		s.change(s.get(m), func(after sms.Message) (sms.Message, bool) {
			return s.rules.Record(after, m.LeaseToken, taken, s.now)
		})
	}}
	late := relay.New(store, s.queue, receipts.New(store, s.rules, discard, s.clock), s.rules, relay.DefaultOptions(), s.clock, discard)
	for range 4 {
		if _, err := late.Run(t.Context()); err != nil {
			t.Error(err)
		}
		s.pass(time.Minute)
	}
	s.is(m, sms.Delivered)
	s.arrive()
}
