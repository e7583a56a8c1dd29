package faults

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/test/harness/world"
)

// A jump happens to the clock of all services at once. The clients' and the provider's
// clocks stay right. After a while, the services' clock is right again.
type jump struct {
	by       time.Duration
	wrongFor time.Duration
}

// If the clock is wrong for a moment, the services write wrong times, but hardly any of
// these times come before the clock is right again. If the clock is wrong for long, the
// services also act on the wrong times.
const (
	aMoment = 3 * time.Second
	long    = 10 * time.Minute
)

var jumps = map[fault]jump{
	"a second on": {time.Second, long}, "a second back": {-time.Second, long},
	"an hour on": {time.Hour, long}, "an hour back": {-time.Hour, long},
	"an hour on, briefly": {time.Hour, aMoment}, "an hour back, briefly": {-time.Hour, aMoment},
	"a day on": {24 * time.Hour, long}, "a day back": {-24 * time.Hour, long},
	"a day on, briefly": {24 * time.Hour, aMoment}, "a day back, briefly": {-24 * time.Hour, aMoment},
}

// allJumps has the names of all jumps, in a fixed order.
var allJumps = slices.Sorted(maps.Keys(jumps))

// Every message must be at rest within this time after the clock is right again. The
// trouble with the account also begins and ends within this time.
const restTime = 40 * time.Minute

// wrongClock is a clock that jumps, and later jumps back.
type wrongClock struct {
	right func() time.Time

	mu       sync.Mutex
	jump     jump
	jumpedAt time.Time // zero before the jump
}

func (c *wrongClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.right().Round(0)
	if c.jumpedAt.IsZero() || now.Sub(c.jumpedAt) >= c.jump.wrongFor {
		return now
	}
	return now.Add(c.jump.by)
}

// Makes the clock right, and ready for another jump.
func (c *wrongClock) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jumpedAt = time.Time{}
}

// Reports whether the clock has been right for the time restTime after its jump.
func (c *wrongClock) done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.jumpedAt.IsZero() && c.right().Sub(c.jumpedAt) >= c.jump.wrongFor+restTime
}

// Makes the clock jump right before the call, unless it has already jumped.
func (c *wrongClock) inject(ctx context.Context, _ *world.Process, _ world.Call, f fault, carryOut func(context.Context) error) error {
	c.mu.Lock()
	if c.jumpedAt.IsZero() {
		c.jump, c.jumpedAt = jumps[f], c.right()
	}
	c.mu.Unlock()
	return carryOut(ctx)
}

// longestCell is the longest time that a cell waits for its jump.
const longestCell = 3 * time.Hour

// runWithClock runs the stories in w, whose clock is c. When the clock has been right
// again for some time, no message is allowed to wait because of the jump, and in the end
// every message must be as it is without a jump.
func runWithClock(t *testing.T, w *world.World, a *attack, c *wrongClock, begin int, key func() string, policies func(story) []sms.OnUnknown) {
	t.Helper()
	ctx := t.Context()
	all := submitStories(t, w, a, begin, key, policies)
	if t.Failed() {
		return
	}
	for end := c.right().Add(longestCell); !c.done() && a.fault != none && c.right().Before(end); w.Sleep(time.Minute) {
		for n := 1; n > 0; {
			delivered, err := w.Deliver(ctx)
			if err != nil {
				t.Fatal(err)
			}
			n = delivered + w.Receipts(ctx)
		}
		_, _ = w.Relay(ctx) // after an error, the agenda still has the work
	}
	if a.fault != none {
		for _, s := range all {
			m, err := w.Store.Get(ctx, s.id)
			if err != nil {
				t.Fatal(err)
			}
			chosen := m.SendAt.After(c.right()) || (s.fate == world.Never && m.ExpiresAt.After(c.right())) // a client chose this time while the clock was wrong
			if !m.Status.AtRest() && !chosen {
				t.Errorf("the message of story %s with %s is still %s, due %+v, after the clock was right for %v: %s", s.name, s.policy, m.Status, m.Due, restTime, history(m))
			}
		}
	}
	if err := w.Rest(ctx); err != nil {
		t.Error(err)
	}
	verify(t, w, a, all)
}

// rulesForJumps are rules under which no message expires because of a jump of a day.
func rulesForJumps() sms.Rules {
	rules := sms.DefaultRules()
	rules.Validity = 60 * time.Hour
	return rules
}

// TestClockJumpsOnSQLite makes the clock jump at every outside call, in virtual time. The
// messages of the stories are then in every status.
func TestClockJumpsOnSQLite(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	every := 23
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		every = 1
	}
	matrix(t, allJumps, 4, every, func(t *testing.T, a *attack) {
		synctest.Test(t, func(t *testing.T) {
			c := &wrongClock{right: time.Now}
			a.inject, a.maxMessages = c.inject, 1
			db := openSQLiteWith(t, c.Now)
			network := world.NewNetwork(time.Now)
			runWithClock(t, world.New(world.Options{
				Now: c.Now, Sleep: time.Sleep, Store: db, Queue: db.Queue(), Network: network, Provider: network,
				Rules: rulesForJumps(), Interval: time.Minute, Around: a.around, PartsPerSecond: matrixPace,
			}), a, c, 7_000_000, sms.NewToken, bothPolicies)
		})
	})
}

// TestClockJumpsOnEngines does the same over DynamoDB Local and ElasticMQ.
func TestClockJumpsOnEngines(t *testing.T) {
	t.Parallel()
	atOnce, every := 2, 127
	if os.Getenv("SMSQUEUE_SOAK") == "1" {
		atOnce, every = 6, 3
	}
	stands := newStands(t, 20*time.Second, atOnce) // no request fails here, so the limit can be long enough for a busy machine
	cells(t, allJumps, atOnce, every, func(t *testing.T, a *attack) {
		s := <-stands
		defer func() {
			s.clock.Advance(48 * time.Hour) // past everything that this cell wrote
			s.wrong.reset()
			stands <- s
		}()
		a.inject, a.maxMessages = s.wrong.inject, 1
		w, begin := s.world(t, a, rulesForJumps())
		runWithClock(t, w, a, s.wrong, begin, keyOfAFewShards, policies(begin))
	})
}
