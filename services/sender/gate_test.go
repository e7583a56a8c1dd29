package sender_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// slowBreakers is a store whose slow reads return the breaker as it was when the read
// began.
type slowBreakers struct {
	sms.Pace // never used

	mu   sync.Mutex
	b    sms.Breaker
	slow time.Duration // the delay of the next read only
	fail int           // the number of reads that will still fail
}

func (s *slowBreakers) LoadBreaker(context.Context) (sms.Breaker, error) {
	s.mu.Lock()
	b, slow, fail := s.b, s.slow, s.fail
	s.slow, s.fail = 0, max(0, fail-1)
	s.mu.Unlock()
	<-time.After(slow)
	if fail > 0 {
		return sms.Breaker{}, sms.ErrUnavailable
	}
	return b, nil
}

func (s *slowBreakers) SaveBreaker(_ context.Context, b sms.Breaker) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Revision != s.b.Revision {
		return sms.ErrConflict
	}
	s.b = b
	s.b.Revision = sms.NewToken()
	return nil
}

func (s *slowBreakers) set(b sms.Breaker, slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b, s.slow = b, slow
}

// Reads of the breaker fail, or take so long that their answers are out of date.
func TestAGateThatCouldNotBeAskedIsAskedAgain(t *testing.T) {
	for _, tc := range []struct {
		name   string
		store  *slowBreakers
		fails  bool
		within time.Duration
	}{
		{"after one failure", &slowBreakers{fail: 1}, false, 0},
		{"after three failures", &slowBreakers{fail: 3}, false, time.Second},
		{"but not forever", &slowBreakers{fail: 100}, true, time.Second},
		{"after an answer that came too late", &slowBreakers{slow: sms.BreakerAge}, false, sms.BreakerAge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := sender.NewGate(tc.store, sms.DefaultRules(), 0, time.Now)
				begin := time.Now()
				signal, err := gate.Ask(t.Context())
				if (err != nil) != tc.fails || (err == nil && signal != sender.Go) {
					t.Errorf("the gate answered %v, %v; want an error: %v", signal, err, tc.fails)
				}
				if took := time.Since(begin); took > tc.within {
					t.Errorf("the gate took %v, want at most %v", took, tc.within)
				}
			})
		})
	}
	t.Run("but not when the caller has left", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		store := &slowBreakers{fail: 100}
		if _, err := sender.NewGate(store, sms.DefaultRules(), 0, time.Now).Ask(ctx); err == nil {
			t.Error("the gate answered without an error, want one")
		}
		if store.fail < 99 {
			t.Errorf("the breaker was loaded %d times, want once", 100-store.fail)
		}
	})
}

// The operator pauses sending while the gate still reads the closed breaker.
func TestASlowReadHidesNoPause(t *testing.T) {
	for _, tc := range []struct {
		name string
		slow time.Duration
		told bool
	}{
		{"and the gate is told of the pause", 1900 * time.Millisecond, true},
		{"and nobody tells the gate", 1900 * time.Millisecond, false},
		{"for longer than the answer is valid, and nobody tells the gate", 2 * sms.BreakerAge, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &slowBreakers{slow: tc.slow}
				gate := sender.NewGate(store, sms.DefaultRules(), 0, time.Now)
				asked := make(chan sender.Signal)
				go func() {
					v, err := gate.Ask(t.Context())
					if err != nil {
						v = sender.Wait
					}
					asked <- v
				}()
				<-time.After(time.Second)
				paused := time.Now()
				pause := sms.Breaker{}.Pause("maintenance", paused)
				store.set(pause, 0)
				if tc.told {
					gate.Tell(pause, paused)
				}
				if v := <-asked; v == sender.Go && (tc.told || time.Since(paused) > sms.BreakerAge) {
					t.Errorf("the caller that waited for the answer got Go, %v after the pause", time.Since(paused))
				}
				for ; time.Since(paused) < 3*sms.BreakerAge; <-time.After(100 * time.Millisecond) {
					v, err := gate.Ask(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if v != sender.Stop && (tc.told || time.Since(paused) >= sms.BreakerAge) {
						t.Fatalf("%v after the pause, the signal is %v, want Stop", time.Since(paused), v)
					}
				}
			})
		})
	}
}

// During the hand-over, the gate is told an outdated state of the breaker, from before
// the probe was chosen.
func TestATakenProbeClosesTheBreakerWhateverTheGateReadsMeanwhile(t *testing.T) {
	b := open(t)
	clock := func() time.Time { return b.now }
	gate := sender.NewGate(b.store, b.rules, 0, clock)
	s := sender.New(b.store, b.provider, gate, b.rules, clock, slog.New(slog.DiscardHandler))
	before := sms.Breaker{Open: true, Trouble: sms.Authorization, ProbeAt: b.now.Add(-time.Second)}
	if err := b.store.SaveBreaker(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	b.provider.answer = func(ctx context.Context, m sms.Message) (string, error) {
		gate.Tell(before, b.now)
		return takes(ctx, m)
	}
	m := b.accept(t, nil)
	if err := s.Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); err != nil {
		t.Fatal(err)
	}
	b.expect(t, m, sms.Sent, 1, 1)
	if after, err := b.store.LoadBreaker(t.Context()); err != nil || after.Open {
		t.Errorf("the breaker is %+v, %v, want closed", after, err)
	}
}

// The breaker opens during a hand-over. Then a second envelope of this message arrives,
// and the message becomes the first probe.
func TestATakenHandOverFromBeforeTheOpeningClosesNothing(t *testing.T) {
	b := open(t)
	b.rules.FirstProbe = time.Second
	m := b.accept(t, nil)
	gate := sender.NewGate(b.store, b.rules, 0, func() time.Time { return b.now })
	b.provider.answer = func(ctx context.Context, m sms.Message) (string, error) {
		b.now = b.now.Add(time.Second)
		opened, _ := b.rules.ReportTrouble(sms.Breaker{}, sms.Authorization, "", b.now, b.now)
		b.now = opened.ProbeAt
		probed, ok := b.rules.Probe(opened, m, b.now)
		if !ok {
			t.Fatal("no probe is due")
		}
		if err := b.store.SaveBreaker(ctx, probed); err != nil {
			t.Fatal(err)
		}
		gate.Tell(probed, b.now)
		return takes(ctx, m)
	}
	s := sender.New(b.store, b.provider, gate, b.rules, func() time.Time { return b.now }, slog.New(slog.DiscardHandler))
	if err := s.Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); err != nil {
		t.Fatal(err)
	}
	b.expect(t, m, sms.Sent, 1, 1)
	if breaker, err := b.store.LoadBreaker(t.Context()); err != nil || !breaker.Open {
		t.Errorf("the breaker is %+v, %v, want open", breaker, err)
	}
}

func TestAGateFollowsTheBreakerAfterTheClockWasSetBack(t *testing.T) {
	for _, back := range []time.Duration{time.Second, time.Hour, 24 * time.Hour} {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		store := &slowBreakers{}
		gate := sender.NewGate(store, sms.DefaultRules(), 0, func() time.Time { return now })
		ask := func(want sender.Signal) {
			t.Helper()
			if got, err := gate.Ask(t.Context()); got != want || err != nil {
				t.Errorf("%v back: the gate answered %v, %v, want %v", back, got, err, want)
			}
		}
		ask(sender.Go)
		now = now.Add(-back)
		store.set(sms.Breaker{}.Pause("", now), 0)
		ask(sender.Stop)
		store.set(sms.Breaker{}.Close(now), 0)
		now = now.Add(sms.BreakerAge)
		ask(sender.Go)
	}
}
