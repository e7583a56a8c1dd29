package faults

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

const (
	pausedMessages = 500
	pausedRate     = 20 // parts a second
)

// After a pause, a sender hands messages over only until it next reads the breaker. After a
// resume, the waiting messages go out at once, even if the next pause comes before all of
// them are sent.
func TestAnOperatorPausesInTheMiddle(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		db := openSQLite(t)
		network := world.NewNetwork(time.Now)
		w := world.New(world.Options{
			Now: time.Now, Sleep: time.Sleep, Store: db, Queue: db.Queue(), Network: network, Provider: network,
			Rules: sms.DefaultRules(), Interval: time.Minute, PartsPerSecond: pausedRate,
		})
		ctx := t.Context()
		for i := range pausedMessages {
			if _, err := w.Submit(ctx, sms.NewToken(), map[string]any{
				"phoneNumber": fmt.Sprintf("+551199%07d", 6_000_000+i), "message": fmt.Sprint(i), "onUnknown": []sms.OnUnknown{sms.Resend, sms.Hold}[i%2],
			}); err != nil {
				t.Fatal(err)
			}
		}
		operate := func(word string) time.Time {
			t.Helper()
			if _, err := change.Operate(ctx, db, sms.Order{Word: word}, time.Now()); err != nil {
				t.Fatal(err)
			}
			return time.Now()
		}
		total, firstRun := 0, time.Duration(0) // firstRun: when the relay first enqueues the waiting messages
		for i := range 3 {
			var group sync.WaitGroup
			group.Go(func() { goOn(ctx, w, firstRun+30*time.Second) })
			time.Sleep(firstRun + 3*time.Second)
			before, paused := len(network.Log()), operate(sms.OrderPause)
			group.Wait()
			went := network.Log()[before:]
			for _, h := range went {
				if late := h.At.Sub(paused); late > sms.BreakerAge {
					t.Errorf("pause %d: a message was handed over %v after the pause began", i+1, late)
				}
			}
			t.Logf("pause %d: %d messages were handed over before the pause, %d after it began", i+1, before-total, len(went))
			bound := int(sms.BreakerAge.Seconds())*pausedRate + pausedRate
			if len(went) == 0 || len(went) > bound {
				t.Errorf("pause %d: %d messages were handed over after the pause began, want 1 to %d", i+1, len(went), bound)
			}
			if before-total < pausedRate*3/2 { // an idle sender looks at the queue only once a second
				t.Errorf("pause %d: only %d messages were handed over in the 3 seconds before the pause", i+1, before-total)
			}
			total = len(network.Log())
			operate(sms.OrderResume)
			firstRun = time.Minute // the relay's first run after this time enqueues the messages whose envelopes were discarded
		}
		if err := w.Rest(ctx); err != nil {
			t.Fatal(err)
		}
		report, err := w.Reconcile(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Err(); err != nil || report.ByStatus[sms.Delivered] != pausedMessages {
			t.Errorf("got %v, %v; want all %d delivered", report.ByStatus, err, pausedMessages)
		}
	})
}
