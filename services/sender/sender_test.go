package sender_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

type provider struct {
	mu     sync.Mutex
	given  []string
	answer func(ctx context.Context, m sms.Message) (string, error)
}

func (c *provider) Name() sms.ProviderName { return "fake" }

func (c *provider) HandOver(ctx context.Context, m sms.Message) (string, error) {
	c.mu.Lock()
	c.given = append(c.given, m.ID)
	c.mu.Unlock()
	return c.answer(ctx, m)
}

func takes(context.Context, sms.Message) (string, error) { return "provider-" + sms.NewID(), nil }

func refuses(e sms.ProviderError) func(context.Context, sms.Message) (string, error) {
	return func(context.Context, sms.Message) (string, error) { return "", &e }
}

type bench struct {
	*sender.Sender
	store    *sqlite.DB
	provider *provider
	rules    sms.Rules
	now      time.Time
}

func open(t *testing.T) *bench {
	t.Helper()
	enginetest.SQLite(t)
	b := &bench{provider: &provider{answer: takes}, rules: sms.DefaultRules(), now: time.Now()}
	clock := func() time.Time { return b.now }
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	b.store = store
	b.Sender = sender.New(store, b.provider, sender.NewGate(store, b.rules, 0, clock), b.rules, clock, slog.New(slog.DiscardHandler))
	return b
}

func (b *bench) accept(t *testing.T, change func(*sms.Draft)) sms.Message {
	t.Helper()
	d := sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: "+12025550100", Text: "hello"}}
	if change != nil {
		change(&d)
	}
	m := b.rules.Accept(sms.NewID(), d, b.now)
	if err := b.store.Create(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *bench) deliver(t *testing.T, m sms.Message) {
	t.Helper()
	if err := b.Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); err != nil {
		t.Fatalf("Deliver: %v", err)
	}
}

func (b *bench) get(t *testing.T, m sms.Message) sms.Message {
	t.Helper()
	got, err := b.store.Get(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (b *bench) expect(t *testing.T, m sms.Message, status sms.Status, attempts, given int) {
	t.Helper()
	got := b.get(t, m)
	if got.Status != status || got.Attempts != attempts || len(b.provider.given) != given {
		t.Errorf("the message is %s after %d attempts and %d hand-overs; want %s, %d and %d",
			got.Status, got.Attempts, len(b.provider.given), status, attempts, given)
	}
}

func TestDeliver(t *testing.T) {
	throttled := sms.ProviderError{Refusal: sms.RefusedForNow, Code: "Throttling"}
	for _, tc := range []struct {
		name     string
		answer   func(context.Context, sms.Message) (string, error)
		change   func(*sms.Draft)
		status   sms.Status
		attempts int
	}{
		{"a taken message is sent", takes, nil, sms.Sent, 1},
		{"a message that is refused for now waits, without costing an attempt", refuses(throttled), nil, sms.Queued, 0},
		{"a message that is refused for good fails", refuses(sms.ProviderError{Refusal: sms.RefusedForGood, Failure: sms.OptedOut}), nil, sms.Failed, 1},
		{"an unanswered message with resend is handed over again", noAnswer, nil, sms.Queued, 1},
		{"an unanswered message with hold is not handed over again", noAnswer, func(d *sms.Draft) { d.OnUnknown = sms.Hold }, sms.Unknown, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := open(t)
			b.provider.answer = tc.answer
			m := b.accept(t, tc.change)
			b.deliver(t, m)
			b.expect(t, m, tc.status, tc.attempts, 1)
			b.deliver(t, m) // nothing is left to do for a second envelope
			b.expect(t, m, tc.status, tc.attempts, 1)
		})
	}
}

func noAnswer(context.Context, sms.Message) (string, error) { return "", io.ErrUnexpectedEOF }

func TestDeliverFindsNothingToDo(t *testing.T) {
	b := open(t)
	ctx := t.Context()
	if err := b.Deliver(ctx, sender.Turn{Ref: sms.Ref{ID: sms.NewID(), Generation: 1}, Parts: 1}); err != nil {
		t.Errorf("Deliver for an unknown id: %v", err)
	}
	m := b.accept(t, nil)
	if err := b.Deliver(ctx, sender.Turn{Ref: sms.Ref{ID: m.ID, Generation: m.Ref().Generation - 1}, Parts: 1}); err != nil {
		t.Errorf("Deliver for another generation: %v", err)
	}
	scheduled := b.accept(t, func(d *sms.Draft) { d.SendAt = b.now.Add(time.Hour) })
	b.deliver(t, scheduled)
	b.expect(t, scheduled, sms.Scheduled, 0, 0)
	b.now = b.now.Add(25 * time.Hour)
	b.deliver(t, m)
	b.expect(t, m, sms.Expired, 0, 0)
}

func TestDeliverLeavesWhatMayHaveArrivedToTheRelay(t *testing.T) {
	b := open(t)
	b.provider.answer = noAnswer
	m := b.accept(t, nil)
	b.deliver(t, m)
	b.now = b.now.Add(25 * time.Hour)
	b.deliver(t, m)
	b.expect(t, m, sms.Queued, 1, 1)
}

func TestDeliverClaimsOnlyWithTimeForTheRest(t *testing.T) {
	b := open(t)
	m := b.accept(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), sender.PublishTime+sender.RecordTime)
	defer cancel()
	if err := b.Deliver(ctx, sender.Turn{Ref: m.Ref(), Parts: m.Parts}); !errors.Is(err, sender.ErrNoTime) {
		t.Errorf("Deliver = %v, want ErrNoTime", err)
	}
	b.expect(t, m, sms.Queued, 0, 0)
}

func TestDeliverNeverPublishesAfterExpiry(t *testing.T) {
	b := open(t)
	m := b.accept(t, func(d *sms.Draft) { d.ExpiresAt = b.now.Add(time.Second) })
	b.provider.answer = func(ctx context.Context, _ sms.Message) (string, error) {
		if deadline, _ := ctx.Deadline(); time.Until(deadline) > time.Second {
			t.Errorf("the hand-over may last until %v, which is after the expiry", deadline)
		}
		return takes(ctx, m)
	}
	b.deliver(t, m)
	b.expect(t, m, sms.Sent, 1, 1)
}

func TestOneOfManySendersHandsOver(t *testing.T) {
	b := open(t)
	m := b.accept(t, nil)
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			if err := b.Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); err != nil {
				t.Errorf("Deliver: %v", err)
			}
		})
	}
	group.Wait()
	b.expect(t, m, sms.Sent, 1, 1)
}

type brokenStore struct {
	sender.Store
	claim, update error
}

func (s brokenStore) Claim(ctx context.Context, ref sms.Ref, c sms.Claim) (sms.Message, error) {
	if s.claim != nil {
		return sms.Message{}, s.claim
	}
	return s.Store.Claim(ctx, ref, c)
}

func (s brokenStore) Update(ctx context.Context, old, next sms.Message) (sms.Message, error) {
	if s.update != nil {
		return sms.Message{}, s.update
	}
	return s.Store.Update(ctx, old, next)
}

func (b *bench) newSender(store sender.Store) *sender.Sender {
	clock := func() time.Time { return b.now }
	return sender.New(store, b.provider, sender.NewGate(store, b.rules, 0, clock), b.rules, clock, slog.New(slog.DiscardHandler))
}

func TestDeliverWhenTheStoreFails(t *testing.T) {
	t.Run("at the claim, nothing is handed over and the envelope stays", func(t *testing.T) {
		b := open(t)
		m := b.accept(t, nil)
		if err := b.newSender(brokenStore{Store: b.store, claim: sms.ErrUnavailable}).Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); !errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("Deliver = %v", err)
		}
		b.expect(t, m, sms.Queued, 0, 0)
	})
	t.Run("at the outcome, the lease is left to the relay", func(t *testing.T) {
		b := open(t)
		m := b.accept(t, nil)
		if err := b.newSender(brokenStore{Store: b.store, update: sms.ErrUnavailable}).Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); err != nil {
			t.Errorf("Deliver = %v", err)
		}
		b.expect(t, m, sms.Sending, 1, 1)
	})
}

type slowStore struct {
	sender.Store
	pass func()
}

func (s slowStore) Claim(ctx context.Context, ref sms.Ref, c sms.Claim) (sms.Message, error) {
	defer s.pass()
	return s.Store.Claim(ctx, ref, c)
}

func TestNothingIsHandedOverAtTheEndOfALease(t *testing.T) {
	for _, tt := range []struct {
		left   time.Duration
		status sms.Status
		given  int
	}{
		{sender.PublishTime + sender.RecordTime + time.Second, sms.Sent, 1},
		{sender.PublishTime + sender.RecordTime - time.Second, sms.Queued, 0},
		{-time.Second, sms.Queued, 0},
	} {
		t.Run("with "+tt.left.String()+" left", func(t *testing.T) {
			b := open(t)
			m := b.accept(t, nil)
			slow := slowStore{b.store, func() { b.now = b.now.Add(b.rules.Lease - tt.left) }}
			if err := b.newSender(slow).Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); err != nil {
				t.Fatal(err)
			}
			b.expect(t, m, tt.status, tt.given, tt.given)
		})
	}
}

func TestBreaker(t *testing.T) {
	refused := sms.ProviderError{Refusal: sms.AccountWide, Code: "AuthorizationError", Trouble: sms.Authorization}
	b := open(t)
	b.provider.answer = refuses(refused)
	first, second := b.accept(t, nil), b.accept(t, nil)
	b.deliver(t, first)
	b.expect(t, first, sms.Queued, 0, 1)
	breaker, err := b.store.LoadBreaker(t.Context())
	if err != nil || !breaker.Open || breaker.Trouble != sms.Authorization {
		t.Fatalf("breaker = %+v, %v", breaker, err)
	}
	b.deliver(t, second)
	b.expect(t, second, sms.Queued, 0, 1)

	// The provider takes the next probe, so the trouble is over.
	b.provider.answer = takes
	b.now = b.now.Add(2 * time.Minute)
	b.deliver(t, second)
	b.expect(t, second, sms.Sent, 1, 2)
	if breaker, err = b.store.LoadBreaker(t.Context()); err != nil || breaker.Open {
		t.Errorf("breaker = %+v, %v, want closed", breaker, err)
	}
	b.deliver(t, first)
	b.expect(t, first, sms.Sent, 1, 3)
}

func TestGate(t *testing.T) {
	t.Run("lets only one of many callers probe", func(t *testing.T) {
		b := open(t)
		if err := b.store.SaveBreaker(t.Context(), sms.Breaker{Open: true, Trouble: sms.SpendLimit, ProbeAt: b.now.Add(-time.Second)}); err != nil {
			t.Fatal(err)
		}
		gates := make([]*sender.Gate, 10)
		for i := range gates {
			gates[i] = sender.NewGate(b.store, b.rules, 0, func() time.Time { return b.now })
			if v, err := gates[i].Ask(t.Context()); err != nil || v != sender.Probe {
				t.Fatalf("Ask = %v, %v, want Probe", v, err)
			}
		}
		passed := 0
		for _, gate := range gates {
			if v, err := gate.Probe(t.Context(), sms.Message{ID: sms.NewID()}); err != nil {
				t.Fatal(err)
			} else if v == sender.Probe {
				passed++
			}
		}
		if passed != 1 {
			t.Errorf("%d callers could probe, want 1", passed)
		}
	})
	t.Run("does not waste a probe on a message that cannot be claimed", func(t *testing.T) {
		b := open(t)
		done, waiting := b.accept(t, nil), b.accept(t, nil)
		b.deliver(t, done)
		b.openFor(t, sms.SpendLimit)
		b.deliver(t, done)
		b.deliver(t, waiting)
		b.expect(t, waiting, sms.Sent, 1, 2)
		breaker, err := b.store.LoadBreaker(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{waiting.ID}, breaker.ProbeIDs); diff != "" || breaker.Probes != 1 {
			t.Errorf("there were %d probes; they differ (-want +got):\n%s", breaker.Probes, diff)
		}
	})
}

func TestBatchKeepsGarbageAndNothingElse(t *testing.T) {
	b := open(t)
	var batch []sms.QueueItem
	for range 7 {
		batch = append(batch, sms.QueueItem{Handle: sms.NewID(), Body: b.accept(t, nil).Ref().String(), ReceiveCount: 1})
	}
	done := b.accept(t, nil)
	b.deliver(t, done)
	batch = append(batch,
		sms.QueueItem{Handle: "garbage", Body: "{}", ReceiveCount: 1},
		sms.QueueItem{Handle: "unknown", Body: sms.Ref{ID: sms.NewID(), Generation: 1}.String(), ReceiveCount: 1},
		sms.QueueItem{Handle: "done", Body: done.Ref().String(), ReceiveCount: 1})
	if diff := cmp.Diff([]string{"garbage"}, b.Batch(t.Context(), batch, 4)); diff != "" {
		t.Errorf("the items that stay on the queue differ (-want +got):\n%s", diff)
	}
	if got := len(b.provider.given); got != 8 {
		t.Errorf("%d messages were handed over, want 8", got)
	}
	if got := b.Batch(t.Context(), batch[:7], 4); got == nil || len(got) != 0 {
		t.Errorf("no item must stay, but Batch = %#v, want an empty list", got)
	}
}

func TestBatchGivesUpAnEnvelopeBeforeItIsADeadLetter(t *testing.T) {
	b := open(t)
	s := b.newSender(brokenStore{Store: b.store, claim: sms.ErrUnavailable})
	body := b.accept(t, nil).Ref().String()
	batch := []sms.QueueItem{{Handle: "third", Body: body, ReceiveCount: 3}, {Handle: "fourth", Body: body, ReceiveCount: 4}}
	if diff := cmp.Diff([]string{"third"}, s.Batch(t.Context(), batch, 4)); diff != "" {
		t.Errorf("the items that stay on the queue differ (-want +got):\n%s", diff)
	}
}

// TestAnEnvelopeThatComesTooEarlyIsReplacedInTime delivers the envelope of a scheduled
// message too early, because the clock was set back.
func TestAnEnvelopeThatComesTooEarlyIsReplacedInTime(t *testing.T) {
	b := open(t)
	m := b.accept(t, func(d *sms.Draft) { d.SendAt = b.now.Add(time.Minute) })
	b.now = b.now.Add(-time.Hour)
	b.deliver(t, m)
	b.expect(t, m, sms.Scheduled, 0, 0)
	if got, want := b.get(t, m).Due, (sms.Due{Kind: sms.DueSend, At: m.SendAt}); got != want {
		t.Errorf("the message is due %v, want %v", got, want)
	}
}
