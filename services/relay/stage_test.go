package relay_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/receipts"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

const number sms.Number = "+12025550100"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var discard = slog.New(slog.DiscardHandler)

type stage struct {
	*relay.Relay
	t        *testing.T
	now      time.Time
	waited   atomic.Int64 // the time for which the relay has waited; the clock is ahead of now by this time
	rules    sms.Rules    // without randomness
	store    *sqlite.DB
	queue    *counted
	receipts *receipts.Receipts
}

func newStage(t *testing.T) *stage {
	t.Helper()
	enginetest.SQLite(t)
	s := &stage{t: t, now: start, rules: sms.DefaultRules()}
	s.rules.Jitter = func() float64 { return 0 }
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Now: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s.store, s.queue = store, &counted{Queue: store.Queue()}
	s.receipts = receipts.New(store, s.rules, discard, s.clock)
	s.Relay = s.on(store, s.queue, relay.DefaultOptions())
	return s
}

func (s *stage) clock() time.Time { return s.now.Add(time.Duration(s.waited.Load())) }

// The relays of a stage use this function as relay.Options.Wait. It does not sleep, but
// moves the clock of the stage.
func (s *stage) wait(d time.Duration) { s.waited.Add(int64(d)) }

func (s *stage) on(store relay.Store, queue sms.Queue, options relay.Options) *relay.Relay {
	return relay.New(store, queue, s.receipts, s.rules, options, s.clock, discard)
}

func (s *stage) pass(d time.Duration) *stage { s.now = s.now.Add(d); return s }

func (s *stage) run() relay.Summary {
	s.t.Helper()
	report, err := s.Run(s.t.Context())
	if err != nil {
		s.t.Fatalf("Run: %v", err)
	}
	return report
}

func (s *stage) repeat(n int) {
	s.t.Helper()
	for range n {
		s.run()
		s.pass(time.Minute)
	}
}

// accept records a message but sends no envelope, as if the envelope had been lost.
func (s *stage) accept(change func(*sms.Draft)) sms.Message {
	s.t.Helper()
	d := sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: number, Text: "hello"}}
	if change != nil {
		change(&d)
	}
	m := s.rules.Accept(sms.NewID(), d, s.now)
	if err := s.store.Create(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// acceptMany accepts messages as if they could not be enqueued, so that they are due at
// once.
func (s *stage) acceptMany(n int) []sms.Message {
	s.t.Helper()
	messages := make([]sms.Message, n)
	for i := range messages {
		m := s.accept(nil)
		messages[i] = s.change(m, func(m sms.Message) (sms.Message, bool) { return s.rules.EnqueueFailed(m, s.now) })
	}
	return messages
}

func (s *stage) change(m sms.Message, f func(sms.Message) (sms.Message, bool)) sms.Message {
	s.t.Helper()
	m, err := change.Message(s.t.Context(), s.store, m, f)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *stage) claim(m sms.Message) sms.Message {
	s.t.Helper()
	m, err := s.store.Claim(s.t.Context(), m.Ref(), s.rules.NewClaim("fake", s.now))
	if err != nil {
		s.t.Fatalf("Claim: %v", err)
	}
	return m
}

func (s *stage) handOver(m sms.Message, o sms.Outcome) sms.Message {
	s.t.Helper()
	m = s.claim(m)
	return s.change(m, func(m sms.Message) (sms.Message, bool) { return s.rules.Record(m, m.LeaseToken, o, s.now) })
}

func (s *stage) get(m sms.Message) sms.Message {
	s.t.Helper()
	m, err := s.store.Get(s.t.Context(), m.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *stage) is(m sms.Message, want sms.Status) {
	s.t.Helper()
	if got := s.get(m).Status; got != want {
		s.t.Errorf("the message is %s, want %s", got, want)
	}
}

func (s *stage) arrived() []sms.Ref {
	s.t.Helper()
	var refs []sms.Ref
	for {
		received, err := s.queue.Dequeue(s.t.Context(), 100, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(received) == 0 {
			return refs
		}
		for _, r := range received {
			ref, err := sms.ParseRef(r.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			refs = append(refs, ref)
		}
		if err = s.queue.Delete(s.t.Context(), received...); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stage) arrive(want ...sms.Message) {
	s.t.Helper()
	got := s.arrived()
	for _, m := range want {
		i := slices.Index(got, m.Ref())
		if i < 0 {
			s.t.Errorf("at %v, a message did not arrive", s.now.Sub(start))
			continue
		}
		got = slices.Delete(got, i, i+1)
	}
	if len(got) > 0 {
		s.t.Errorf("at %v, %d unexpected envelopes arrived", s.now.Sub(start), len(got))
	}
}

func (s *stage) breaker(b sms.Breaker) {
	s.t.Helper()
	before, err := s.store.LoadBreaker(s.t.Context())
	if err == nil {
		b.Revision = before.Revision
		err = s.store.SaveBreaker(s.t.Context(), b)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

type counted struct {
	*sqlite.Queue

	depth atomic.Int64
	calls atomic.Int64 // the number of calls of Send and Backlog
}

func (q *counted) Send(ctx context.Context, envelopes ...sms.Envelope) error {
	q.calls.Add(1)
	for _, d := range envelopes {
		if d.Delay < 0 || d.Delay > sms.MaxDelay {
			return fmt.Errorf("a delay of %v", d.Delay) // SQS refuses the whole batch if one delay is too long
		}
	}
	err := q.Queue.Send(ctx, envelopes...)
	q.depth.Add(int64(len(envelopes) - len(sms.FailedEnvelopes(err, len(envelopes)))))
	return err
}

func (q *counted) Backlog(ctx context.Context) (int, error) {
	q.calls.Add(1)
	return q.Queue.Backlog(ctx)
}

func (q *counted) Delete(ctx context.Context, received ...sms.QueueItem) error {
	q.depth.Add(-int64(len(received)))
	return q.Queue.Delete(ctx, received...)
}
