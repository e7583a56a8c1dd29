package sender_test

import (
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
