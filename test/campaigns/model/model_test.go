package model

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
)

var (
	steps = flag.Int("steps", 0, "the minimum number of steps; 0 means some thousands, or a hundred thousand with SMSQUEUE_SOAK=1")
	seed  = flag.Uint64("seed", 0, "the seed of an earlier run, to repeat it; 0 means a new seed")
)

func TestModel(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	want := *steps
	if want == 0 {
		want = 2_000
		if os.Getenv("SMSQUEUE_SOAK") == "1" {
			want = 100_000
		}
	}
	if *seed == 0 {
		*seed = rand.Uint64() >> 1
	}
	taken, runs := 0, 0
	synctest.Test(t, func(t *testing.T) {
		// rapid limits the time of one check, and virtual time soon reaches that limit. So
		// make several checks.
		for check := *seed; taken < want && !t.Failed(); check++ {
			if err := flag.Set("rapid.seed", strconv.FormatUint(check, 10)); err != nil {
				t.Fatal(err)
			}
			rapid.Check(undated{t}, func(rt *rapid.T) {
				if taken >= want {
					return
				}
				runs++
				taken += play(rt, t.TempDir())
			})
		}
	})
	t.Logf("%d steps in %d runs from -seed %d", taken, runs, *seed)
}

// The type `undated` hides the deadline of a test, because the deadline has no meaning in
// virtual time.
type undated struct{ testing.TB }

func play(t *rapid.T, dir string) (taken int) {
	s, err := newStage(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		s.abandon()
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	}()
	act := func(f func(*rapid.T)) func(*rapid.T) {
		return func(t *rapid.T) {
			f(t)
			s.awaitTurns()
			taken++
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"":          s.check,
		"submit":    act(s.submit),
		"deliver":   act(s.deliver),
		"relay":     act(s.relay),
		"receipts":  act(s.receipts),
		"step":      act(s.step),
		"step2":     act(s.step),
		"step3":     act(s.step),
		"step4":     act(s.step),
		"kill":      act(s.kill),
		"lose":      act(s.lose),
		"duplicate": act(s.duplicate),
		"sleep":     act(s.sleep),
		"cancel":    act(s.cancel),
		"pause":     act(s.pause),
		"resume":    act(s.resume),
		"foreign":   act(s.foreignReceipt),
		"nameless":  act(s.namelessReceipt),
		"look up":   act(s.lookUp),
	})
	s.finish(t)
	return taken
}

func (s *stage) abandon() {
	s.over.Store(true)
	for s.awaitTurns(); s.busy(); s.awaitTurns() {
		for _, waiting := range s.turns {
			waiting.verdict <- die
		}
		s.turns = nil
		time.Sleep(time.Second)
	}
}

func (s *stage) deliver(t *rapid.T) {
	if s.running["sender"] > 2 {
		t.Skip("enough senders")
	}
	paused := !s.paused.IsZero() && time.Since(s.paused) > sms.BreakerAge
	before := len(s.net.Log())
	alone := len(s.turns) == 0
	s.say("deliver")
	s.spawn("sender", func() func() {
		_, err := s.w.Deliver(s.ctx)
		return func() {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if s.awaitTurns(); paused && alone && len(s.net.Log()) > before {
		t.Fatalf("a message was handed over while sending was paused")
	}
}

func (s *stage) relay(t *rapid.T) {
	if s.running["relay"] > 1 {
		t.Skip("enough relays")
	}
	s.say("relay")
	s.spawn("relay", func() func() {
		_, _ = s.w.Relay(s.ctx) // after an error, the agenda still has the work
		return nothing
	})
}

func (s *stage) receipts(t *rapid.T) {
	if s.running["receipts"] > 1 {
		t.Skip("enough receipts")
	}
	s.say("receipts")
	s.spawn("receipts", func() func() {
		s.w.Receipts(s.ctx)
		return nothing
	})
}

func (s *stage) takeTurn(t *rapid.T) *turn {
	if len(s.turns) == 0 {
		t.Skip("nothing waits")
	}
	i := rapid.IntRange(0, len(s.turns)-1).Draw(t, "turn")
	chosen := s.turns[i]
	s.turns = append(s.turns[:i:i], s.turns[i+1:]...)
	return chosen
}

func (s *stage) step(t *rapid.T) {
	chosen := s.takeTurn(t)
	s.say("go on: %+v after: %v", chosen.call, chosen.after)
	chosen.verdict <- goOn
}

func (s *stage) kill(t *rapid.T) {
	chosen := s.takeTurn(t)
	v := rapid.SampledFrom([]verdict{fail, die}).Draw(t, "verdict")
	s.say("verdict %v (1 fail, 2 die): %+v after: %v", v, chosen.call, chosen.after)
	chosen.verdict <- v
}

func (s *stage) lose(t *rapid.T) {
	received, err := s.store.Queue().Dequeue(s.ctx, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Queue().Delete(s.ctx, received...); err != nil {
		t.Fatal(err)
	}
	s.say("lost %d envelopes", len(received))
}

func (s *stage) duplicate(t *rapid.T) {
	w := s.anyTruth(t)
	m, err := s.store.Get(s.ctx, w.id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Queue().Send(s.ctx, sms.Envelope{Ref: m.Ref()}); err != nil {
		t.Fatal(err)
	}
	s.say("enqueued %s again", w.text)
}

func (s *stage) sleep(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{
		time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second, time.Second, 2 * time.Second, 4 * time.Second,
		4 * time.Second, 10 * time.Second, time.Minute, 80 * time.Second, 10 * time.Minute, 3 * time.Hour,
	}).Draw(t, "for")
	s.say("sleep %v", d)
	time.Sleep(d)
}
