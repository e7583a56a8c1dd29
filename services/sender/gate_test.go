package sender_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// breakers is a closed breaker that was never saved.
type breakers struct{ sms.Breakers }

func TestTheGateStaysShutForThoseWhoWaitedWhileTheBreakerOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := sender.NewGate(breakers{}, sms.DefaultRules(), 1, time.Now)
		gate.Tell(sms.Breaker{})
		verdicts := make(chan sender.Verdict)
		ask := func() {
			v, err := gate.Ask(t.Context(), "id", time.Minute)
			if err != nil {
				t.Errorf("Ask: %v", err)
			}
			verdicts <- v
		}
		go ask()
		if v := <-verdicts; v != sender.Pass {
			t.Errorf("the first got %v, want to pass", v)
		}
		go ask() // which waits for a second
		synctest.Wait()
		gate.Tell(sms.Breaker{}.Pause("maintenance", time.Now()))
		if v := <-verdicts; v != sender.Closed {
			t.Errorf("the second got %v, want closed", v)
		}
	})
}

// A publish lasts up to five seconds: in that time the breaker may open and its
// message be the one that a copy of it makes the first probe.
func TestATakenPublishFromBeforeTheOpeningClosesNothing(t *testing.T) {
	b := open(t)
	b.rules.FirstProbe = time.Second
	m := b.accept(t, nil)
	gate := sender.NewGate(b.store, b.rules, 0, func() time.Time { return b.now })
	b.carrier.answer = func(ctx context.Context, m sms.Message) (string, error) {
		b.now = b.now.Add(time.Second)
		opened, _ := b.rules.Report(sms.Breaker{}, sms.Authorization, "", b.now, b.now)
		b.now = opened.ProbeAt
		probed, ok := b.rules.Probe(opened, m.ID, b.now)
		if !ok {
			t.Fatal("no probe is due")
		}
		if err := b.store.SaveBreaker(ctx, probed); err != nil {
			t.Fatal(err)
		}
		gate.Tell(probed)
		return takes(ctx, m)
	}
	s := sender.New(b.store, b.carrier, gate, b.rules, func() time.Time { return b.now }, slog.New(slog.DiscardHandler))
	if err := s.Deliver(t.Context(), m.Ref()); err != nil {
		t.Fatal(err)
	}
	b.expect(t, m, sms.Sent, 1, 1)
	if breaker, err := b.store.LoadBreaker(t.Context()); err != nil || !breaker.Open {
		t.Errorf("breaker %+v, %v, want it open", breaker, err)
	}
}
