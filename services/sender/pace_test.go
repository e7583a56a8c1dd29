package sender_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// These are times of a Lambda function: its timeout, and the time that it needs for one
// message after it has asked the gate.
const (
	runTime = time.Minute
	reserve = sender.PublishTime + sender.RecordTime + 2*time.Second
)

// road is a store that any number of senders share, on synctest's clock.
type road struct {
	store *sqlite.DB
	rules sms.Rules
	pace  float64
	// Each call waits for the time that this function returns. If the function is nil, no
	// call waits.
	delay func(call string) time.Duration
	// If true, every booking fails.
	fails bool

	mu    sync.Mutex
	given []given
	books int
}

type given struct {
	at    time.Time
	parts int
	id    string
}

func openRoad(t *testing.T, pace float64) *road {
	t.Helper()
	store, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &road{store: store, rules: sms.DefaultRules(), pace: pace}
}

func (r *road) Name() sms.ProviderName { return "fake" }

func (r *road) HandOver(_ context.Context, m sms.Message) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given = append(r.given, given{time.Now(), m.Parts, m.ID})
	return sms.NewToken(), nil
}

type calls struct {
	sender.Store
	road *road
}

func (c calls) wait(call string) {
	if c.road.delay != nil {
		<-time.After(c.road.delay(call))
	}
}

func (c calls) Book(ctx context.Context, b sms.Booking) (time.Time, error) {
	c.road.mu.Lock()
	c.road.books++
	fails := c.road.fails
	c.road.mu.Unlock()
	c.wait("Book")
	if fails {
		return time.Time{}, sms.ErrUnavailable
	}
	return c.Store.Book(ctx, b)
}

func (c calls) Claim(ctx context.Context, ref sms.Ref, claim sms.Claim) (sms.Message, error) {
	c.wait("Claim")
	return c.Store.Claim(ctx, ref, claim)
}

func (c calls) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	c.wait("LoadBreaker")
	return c.Store.LoadBreaker(ctx)
}

func (r *road) sender() (*sender.Sender, *sender.Gate) {
	store := calls{r.store, r}
	gate := sender.NewGate(store, r.rules, r.pace, time.Now)
	return sender.New(store, r, gate, r.rules, time.Now, slog.New(slog.DiscardHandler)), gate
}

func (r *road) items(t *testing.T, parts ...int) []sms.QueueItem {
	t.Helper()
	items := make([]sms.QueueItem, len(parts))
	var group errgroup.Group // messages are accepted in parallel, so that SQLite can write many at once
	for i, n := range parts {
		text := strings.Repeat("a", 160)
		if n > 1 {
			text = strings.Repeat("a", 153*n)
		}
		m := r.rules.Accept(sms.NewID(), sms.Draft{
			Owner: "owner", Client: "client", Request: sms.Request{Number: "+12025550100", Text: text},
		}, time.Now())
		if m.Parts != n {
			t.Fatalf("a text of %d characters has %d parts, want %d", len(text), m.Parts, n)
		}
		group.Go(func() error { return r.store.Create(context.Background(), m) })
		items[i] = sms.QueueItem{Handle: m.ID, Body: sms.Envelope{Ref: m.Ref(), Parts: n}.Body(), ReceiveCount: 1}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return items
}

func (r *road) run(s *sender.Sender, items []sms.QueueItem) (stay []string) {
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	return s.Batch(ctx, items, 4)
}

// Returns the highest number of parts that were handed over within ten seconds.
func (r *road) most() int {
	slices.SortFunc(r.given, func(a, b given) int { return a.at.Compare(b.at) })
	most := 0
	for i, first := range r.given {
		parts := 0
		for _, g := range r.given[i:] {
			if g.at.Sub(first.at) > 10*time.Second {
				break
			}
			parts += g.parts
		}
		most = max(most, parts)
	}
	return most
}

func (r *road) largest() (parts int) {
	for _, g := range r.given {
		parts = max(parts, g.parts)
	}
	return parts
}

// Returns the highest number of parts that the pace allows within ten seconds.
func (r *road) allowed() int { return int(math.Floor(10*r.pace)) + r.largest() }

func (r *road) sum() (parts int) {
	for _, g := range r.given {
		parts += g.parts
	}
	return parts
}

func TestAllSendersTogetherKeepThePace(t *testing.T) {
	enginetest.SQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		pace := rapid.SampledFrom([]float64{0.5, 1, 3, 20, 200}).Draw(rt, "pace")
		senders := rapid.IntRange(1, 12).Draw(rt, "senders")
		slow := time.Duration(rapid.SampledFrom([]int{0, 20, 500, 1500}).Draw(rt, "milliseconds that a call may take")) * time.Millisecond
		seed := rapid.Uint64().Draw(rt, "seed")
		batches := make([][][]int, senders)
		for i := range batches {
			batches[i] = rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom([]int{1, 1, 1, 2, 5, 10}), 1, 10), 1, 2).Draw(rt, "batches")
		}
		synctest.Test(t, func(t *testing.T) {
			r := openRoad(t, pace)
			r.delay = jitter(seed, slow)
			var group sync.WaitGroup
			for _, parts := range batches {
				s, _ := r.sender()
				items := r.items(t, slices.Concat(parts...)...)
				group.Go(func() {
					for _, batch := range parts {
						stay := r.run(s, items[:len(batch)])
						items = items[len(batch):]
						if len(stay) > 0 {
							t.Errorf("%d items go back to the queue, want none", len(stay))
						}
					}
				})
			}
			group.Wait()
			if got, want := r.most(), r.allowed(); got > want {
				t.Errorf("%d parts were handed over within ten seconds, want at most %d", got, want)
			}
		})
	})
}

// The first hand-overs are as late as their slots allow, and all other hand-overs are on time.
func TestLateHandOversDoNotExceedThePace(t *testing.T) {
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		r := openRoad(t, 20)
		items := r.items(t, slices.Repeat([]int{4}, 60)...)
		began := time.Now()
		r.delay = func(call string) time.Duration {
			if call == "Claim" {
				return max(0, time.Until(began.Add(740*time.Millisecond)))
			}
			return 0
		}
		s, _ := r.sender()
		for batch := range slices.Chunk(items, 10) {
			r.run(s, batch)
		}
		if got, want := r.most(), r.allowed(); got > want || len(r.given) != len(items) {
			t.Errorf("%d messages were handed over, want %d; and %d parts within ten seconds, want at most %d", len(r.given), len(items), got, want)
		}
	})
}

func jitter(seed uint64, longest time.Duration) func(string) time.Duration {
	var mu sync.Mutex
	return func(string) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		seed = seed*6364136223846793005 + 1442695040888963407
		if seed>>60 > 2 { // all other calls are fast
			return time.Duration(seed>>33) % (longest/20 + 1)
		}
		return time.Duration(seed>>33) % (longest + 1)
	}
}

func TestOneSenderReachesThePace(t *testing.T) {
	enginetest.SQLite(t)
	for _, tt := range []struct {
		pace  float64
		parts []int
	}{
		{0.5, []int{1, 1, 1}},
		{2, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{20, []int{1, 2, 1, 4, 1, 10, 1, 1, 3, 1}},
	} {
		t.Run(fmt.Sprint(tt.pace), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := openRoad(t, tt.pace)
				r.delay = func(string) time.Duration { return 20 * time.Millisecond }
				s, _ := r.sender()
				began := time.Now()
				for time.Since(began) < time.Minute {
					r.run(s, r.items(t, tt.parts...))
				}
				got := float64(r.sum()) / time.Since(began).Seconds()
				if got < 0.9*tt.pace || got > tt.pace {
					t.Errorf("one sender hands over %.3f parts a second, want %.3f to %.3f", got, 0.9*tt.pace, tt.pace)
				}
				if got, want := r.most(), r.allowed(); got > want {
					t.Errorf("%d parts were handed over within ten seconds, want at most %d", got, want)
				}
			})
		})
	}
}

func TestABatchBooksOnce(t *testing.T) {
	enginetest.SQLite(t)
	for pace, want := range map[float64]int{0: 0, 20: 1} {
		synctest.Test(t, func(t *testing.T) {
			r := openRoad(t, pace)
			s, _ := r.sender()
			r.run(s, r.items(t, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1))
			if len(r.given) != 10 || r.books != want {
				t.Errorf("at a pace of %v, %d messages were handed over with %d bookings, want 10 with %d", pace, len(r.given), r.books, want)
			}
		})
	}
}

// The sender deletes the envelopes as late as it can, so that it receives no further
// messages until then.
func TestWhatDoesNotFitIntoTheTimeIsLeftToTheRelay(t *testing.T) {
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		r := openRoad(t, 1)
		s, _ := r.sender()
		began := time.Now()
		items := r.items(t, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10)
		if stay := r.run(s, items); len(stay) > 0 {
			t.Errorf("%d items go back to the queue, want none", len(stay))
		}
		if len(r.given) != 5 { // each slot takes 11 s, and a slot must begin within 50 s
			t.Errorf("%d messages were handed over, want 5", len(r.given))
		}
		if took := time.Since(began); took != runTime-reserve {
			t.Errorf("the batch took %v, want %v", took, runTime-reserve)
		}
		for _, item := range items[5:] {
			m, err := r.store.Get(t.Context(), item.Handle)
			if err != nil {
				t.Fatal(err)
			}
			if m.Status != sms.Queued || m.Due.Kind != sms.DueRescue || m.Attempts != 0 {
				t.Errorf("the message is %s after %d attempts and due for %q, want it queued after 0 and due for a rescue", m.Status, m.Attempts, m.Due.Kind)
			}
		}
	})
}

func TestWithoutTheRecordOfThePaceNothingIsHandedOver(t *testing.T) {
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		r := openRoad(t, 20)
		s, _ := r.sender()
		items := r.items(t, 1, 1, 1)
		r.fails = true
		if stay := r.run(s, items); len(stay) != 3 || len(r.given) != 0 {
			t.Errorf("%d items stay and %d messages were handed over, want 3 and none", len(stay), len(r.given))
		}
		r.fails = false
		if stay := r.run(s, items); len(stay) != 0 || len(r.given) != 3 {
			t.Errorf("later, %d items stay and %d messages were handed over, want none and 3", len(stay), len(r.given))
		}
	})
}

func TestASenderThatComesTooLateBooksAgain(t *testing.T) {
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		r := openRoad(t, 20)
		s, _ := r.sender()
		ctx, cancel := context.WithTimeout(t.Context(), runTime)
		defer cancel()
		e, err := sms.ParseBody(r.items(t, 1)[0].Body)
		if err != nil {
			t.Fatal(err)
		}
		late := time.Now().Add(-600 * time.Millisecond)
		if err := s.Deliver(ctx, sender.Turn{Ref: e.Ref, Parts: 1, Slot: late}); err != nil {
			t.Fatal(err)
		}
		if len(r.given) != 1 || r.books != 1 {
			t.Errorf("%d messages were handed over with %d bookings, want 1 with 1", len(r.given), r.books)
		}
	})
}

// A message misses its slot if the claim takes too long, or if the message has more parts
// than its envelope says.
func TestWhatMissedItsSlotIsNotHandedOver(t *testing.T) {
	enginetest.SQLite(t)
	for _, tt := range []struct {
		name  string
		claim time.Duration
		parts int
		given int
	}{
		{"in its slot", 740 * time.Millisecond, 2, 1},
		{"after a slow claim", 760 * time.Millisecond, 2, 0},
		{"with more parts than booked", 0, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := openRoad(t, 20)
				s, _ := r.sender()
				item := r.items(t, 2)[0]
				e, err := sms.ParseBody(item.Body)
				if err != nil {
					t.Fatal(err)
				}
				e.Parts = tt.parts
				item.Body = e.Body()
				r.delay = func(call string) time.Duration {
					if call == "Claim" {
						return tt.claim
					}
					return 0
				}
				if stay := r.run(s, []sms.QueueItem{item}); len(stay) > 0 {
					t.Error("the item goes back to the queue")
				}
				m, err := r.store.Get(t.Context(), item.Handle)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.given) != tt.given || m.Attempts != tt.given {
					t.Errorf("%d hand-overs and %d attempts, want %d", len(r.given), m.Attempts, tt.given)
				}
				if tt.given == 0 && (m.Status != sms.Queued || m.Due.Kind != sms.DueSend) {
					t.Errorf("the message is %s and due for %q, want it queued and due to be sent", m.Status, m.Due.Kind)
				}
			})
		})
	}
}

func TestTheGateStopsWhoeverWaitedWhileTheBreakerOpened(t *testing.T) {
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		r := openRoad(t, 1)
		s, gate := r.sender()
		var group sync.WaitGroup
		items := r.items(t, 1, 1)
		group.Go(func() { r.run(s, items) })
		<-time.After(500 * time.Millisecond) // the second message waits for its slot
		gate.Tell(sms.Breaker{}.Pause("maintenance", time.Now()), time.Now())
		group.Wait()
		if len(r.given) != 1 {
			t.Errorf("%d messages were handed over, want only the one from before the pause", len(r.given))
		}
	})
}
