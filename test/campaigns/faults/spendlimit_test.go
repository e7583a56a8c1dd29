package faults

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/reconcile"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

// The provider takes spendBudget messages before the limit is reached. The test submits
// spendMessages messages.
var spendBudget, spendMessages = spendSize()

func spendSize() (budget, messages int) {
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		return 500, 1000
	}
	return 150, 450
}

const (
	spendRate = 20 // parts a second
	spendFor  = 2 * time.Hour
)

func goOn(ctx context.Context, w *world.World, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var group sync.WaitGroup
	loop := func(f func(), pause func() time.Duration) {
		group.Go(func() {
			for ctx.Err() == nil {
				f()
				time.Sleep(pause())
			}
		})
	}
	every := func(d time.Duration) func() time.Duration { return func() time.Duration { return d } }
	delivered := 0
	loop(func() { delivered, _ = w.Deliver(context.WithoutCancel(ctx)) }, func() time.Duration {
		if delivered > 0 {
			return 0
		}
		return time.Second
	})
	loop(func() { w.Receipts(context.WithoutCancel(ctx)) }, every(time.Second))
	loop(func() { _, _ = w.Relay(context.WithoutCancel(ctx)) }, every(time.Minute))
	group.Wait()
}

// The provider goes on taking messages after the spend limit is reached. Only its receipts
// say that these messages are not delivered.
func TestTheSpendLimitIsReachedInTheMiddle(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	for _, tt := range []struct {
		name     string
		nameless int // if this is n, every n-th receipt about trouble names no message; if it is 0, each receipt names its message
		policies []sms.OnUnknown
	}{
		{"every receipt names its message", 0, []sms.OnUnknown{sms.Resend, sms.Hold}},
		{"every third receipt names no message", 3, []sms.OnUnknown{sms.Resend}},
		{"no receipt names a message", 1, []sms.OnUnknown{sms.Resend}},
		{"no receipt names a message, and half of the messages are held", 1, []sms.OnUnknown{sms.Resend, sms.Hold}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { spend(t, tt.nameless, tt.policies) })
		})
	}
}

// The budget runs out in the middle and is refilled later. If a receipt names no message, its message keeps
// the status "sent", because nothing proves that this message must be sent again.
func spend(t *testing.T, nameless int, policies []sms.OnUnknown) {
	db := openSQLite(t)
	network := world.NewNetwork(time.Now)
	network.NameNothing(nameless)
	w := world.New(world.Options{
		Now: time.Now, Sleep: time.Sleep, Store: db, Queue: db.Queue(), Network: network, Provider: network,
		Rules: sms.DefaultRules(), Interval: time.Minute, PartsPerSecond: spendRate,
	})
	ctx := t.Context()
	for i := range spendMessages {
		_, err := w.Submit(ctx, sms.NewToken(), map[string]any{
			"phoneNumber": fmt.Sprintf("+551199%07d", 5_000_000+i), "message": fmt.Sprint(i), "onUnknown": policies[i%len(policies)],
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	network.Budget(spendBudget)
	goOn(ctx, w, spendFor)
	left := checkLimit(t, w, network, nameless)
	network.Budget(-1)
	refilled := time.Now()
	goOn(ctx, w, 30*time.Minute)
	if err := w.Rest(ctx); err != nil {
		t.Fatal(err)
	}
	report, err := w.Reconcile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	if got := report.ByStatus[sms.Delivered]; got != spendMessages-left {
		t.Errorf("%d messages were delivered, want %d: %v", got, spendMessages-left, report.ByStatus)
	}
	checkPace(t, network.Log(), refilled, spendMessages-spendBudget-left)
}

// checkLimit returns the number of messages that keep the status "sent" because their
// receipts name no message.
func checkLimit(t *testing.T, w *world.World, network *world.Network, nameless int) (left int) {
	t.Helper()
	ctx := t.Context()
	b, err := w.Store.LoadBreaker(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !b.Open || b.Trouble != sms.SpendLimit {
		t.Fatalf("the breaker is %+v, want it open for the spend limit", b)
	}
	var void, late []reconcile.HandOver
	for i, h := range network.Log() {
		if h.Void {
			void = append(void, h)
			if nameless > 0 && (i+1)%nameless == 0 {
				left++
			}
		}
		if h.At.After(b.OpenedAt) {
			late = append(late, h)
		}
	}
	// Until the first receipt, and then until the sender reads the breaker again, messages
	// go out at the sender's rate. After that, only probes go out.
	probes := len(b.ProbeIDs)
	if bound := int(sms.BreakerAge.Seconds())*spendRate + spendRate + probes; len(late) > bound {
		t.Errorf("%d messages were handed over after the breaker had opened, want at most %d", len(late), bound)
	}
	if probes < 5 || probes > 12 {
		t.Errorf("%d probes in %v, want 5 to 12", probes, spendFor)
	}
	t.Logf("%d hand-overs were void; %d of them came after the breaker had opened, and %d of those were probes", len(void), len(late), probes)
	counts := make(map[sms.Status]int)
	for _, id := range w.Accepted() {
		m, err := w.Store.Get(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		counts[m.Status]++
	}
	if counts[sms.Delivered] != spendBudget || counts[sms.Sent] != left || counts[sms.Queued] != spendMessages-spendBudget-left {
		t.Errorf("the statuses are %v, want %d delivered, %d sent and all others queued", counts, spendBudget, left)
	}
	return left
}

// In any ten seconds there must be no more hand-overs than the pace allows.
func checkPace(t *testing.T, log []reconcile.HandOver, start time.Time, minimum int) {
	t.Helper()
	var times []time.Time
	for _, h := range log {
		if h.At.After(start) {
			times = append(times, h.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	if len(times) < minimum {
		t.Errorf("only %d messages were handed over after the budget was refilled", len(times))
	}
	for i := range times {
		if j := i + 10*spendRate + 1; j < len(times) && times[j].Sub(times[i]) <= 10*time.Second {
			t.Errorf("more than %d messages were handed over in the ten seconds from %v", 10*spendRate+1, times[i])
			return
		}
	}
}
