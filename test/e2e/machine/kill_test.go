package machine_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

// Returns how many times the server is killed.
func kills() int {
	if os.Getenv("SMSQUEUE_SOAK") != "" {
		return 5
	}
	return 1
}

const (
	loadUsers = 100
	perRound  = 300 // the number of messages that are accepted in each round before the kill
	// The server is killed only if each of these numbers is at least this high: the
	// requests in flight, the unfinished messages, and the hand-overs since the last
	// kill.
	atLeast     = 50
	drainWithin = 3 * time.Minute
)

type load struct {
	posted   atomic.Int64
	inFlight atomic.Int64
	mu       sync.Mutex
	accepted map[string]bool
}

func (l *load) run(ctx context.Context, api user.API) {
	var users sync.WaitGroup
	for range loadUsers {
		users.Go(func() {
			for {
				// Each receipt must match one message, so each message has its own number.
				number := fmt.Sprintf("+551198%07d", l.posted.Add(1))
				l.inFlight.Add(1)
				m, err := api.Submit(ctx, "", map[string]any{"phoneNumber": number, "message": "load"})
				l.inFlight.Add(-1)
				if err != nil {
					return
				}
				l.mu.Lock()
				l.accepted[m.ID] = true
				l.mu.Unlock()
			}
		})
	}
	users.Wait()
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

func TestKilledUnderLoadNothingIsLost(t *testing.T) {
	enginetest.SQLite(t)
	dir := t.TempDir()
	l := &load{accepted: make(map[string]bool)}
	for round := 1; round <= kills(); round++ {
		m := machine.Start(t, dir, "--provider-delay", "200ms", "--log-level", "error")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.run(t.Context(), client(t, m))
		}()
		inFlight, unfinished, handedOver := int64(0), 0, 0
		handedOverBefore := len(providerLog(t, dir))
		deadline := time.Now().Add(time.Minute)
		for before := l.count(); inFlight < atLeast || unfinished < atLeast || handedOver < atLeast || l.count() < before+perRound; {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: after a minute, %d requests are in flight and %d of %d messages are unfinished: too few to kill the server", round, inFlight, unfinished, l.count())
			}
			time.Sleep(5 * time.Millisecond)
			taken := len(providerLog(t, dir))
			handedOver, unfinished = taken-handedOverBefore, l.count()-taken
			inFlight = l.inFlight.Load()
		}
		m.Kill()
		<-ended
		t.Logf("kill %d: %d requests were in flight, at least %d messages were unfinished, %d had been handed over since the last kill, %d had been accepted in all",
			round, inFlight, unfinished, handedOver, l.count())
	}

	m := machine.Start(t, dir, "--log-level", "error")
	api := client(t, m)
	deadline := time.Now().Add(drainWithin)
	delivered := make(map[string]user.Message)
	for id := range l.accepted {
		delivered[id] = api.Await(t, id, time.Until(deadline), "delivered")
	}
	doubles := 0
	taken := providerLog(t, dir)
	for id, got := range delivered {
		n := len(taken[id])
		if n > 1 {
			doubles++
		}
		if n == 0 || got.HandOvers() < n {
			t.Errorf("message %s reached the provider %d times, but its events tell of %d hand-overs: %+v", id, n, got.HandOvers(), got.Events)
		}
	}
	t.Logf("%d messages were accepted and delivered; %d were handed over more than once, as their events say", len(l.accepted), doubles)
}
