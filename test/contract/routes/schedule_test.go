package routes_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/smstest"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// The type `service` runs the API, the relay and the sender on one SQLite folder.
type service struct {
	clock    *smstest.Clock
	store    *sqlite.DB
	calls    *counted
	provider *counting
	handler  http.Handler
	relay    *relay.Relay
	sender   *sender.Sender
}

func openService(t *testing.T, dir string, c *smstest.Clock) *service {
	t.Helper()
	rules := sms.DefaultRules()
	logger := slog.New(slog.DiscardHandler)
	s := &service{clock: c, store: openSQLite(t, dir, c.Now), provider: &counting{taken: make(map[string]int)}}
	s.calls = &counted{DB: s.store, calls: map[string]int{}}
	s.handler = newAPI(t, s.store, func(o *api.Options) { o.Queue, o.Now = s.store.Queue(), c.Now })
	s.relay = relay.New(s.calls, s.store.Queue(), noReceipts{}, rules, relay.DefaultOptions(), c.Now, logger)
	s.sender = sender.New(s.store, s.provider, sender.NewGate(s.store, rules, 0, c.Now), rules, c.Now, logger)
	return s
}

type noReceipts struct{}

func (noReceipts) Retry(context.Context, sms.PendingReceipt, time.Time) error { return nil }

func (noReceipts) Settle(_ context.Context, m sms.Message, _ time.Time) (sms.Message, bool, error) {
	return m, false, nil
}

// The relay can make its calls concurrently.
type counted struct {
	*sqlite.DB

	mu    sync.Mutex
	calls map[string]int
}

func (c *counted) count(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[call]++
}

func (c *counted) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	c.count("Due")
	return c.DB.Due(ctx, q)
}

func (c *counted) DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	c.count("DueReceipts")
	return c.DB.DueReceipts(ctx, from, until, limit)
}

func (c *counted) LoadBreaker(ctx context.Context) (sms.Breaker, error) {
	c.count("LoadBreaker")
	return c.DB.LoadBreaker(ctx)
}

func (c *counted) Get(ctx context.Context, id string) (sms.Message, error) {
	c.count("Get")
	return c.DB.Get(ctx, id)
}

func (c *counted) Update(ctx context.Context, old, next sms.Message) (sms.Message, error) {
	c.count("Update")
	return c.DB.Update(ctx, old, next)
}

func (c *counted) Postpone(ctx context.Context, e sms.DueEntry, next sms.Due) (sms.Message, error) {
	c.count("Postpone")
	return c.DB.Postpone(ctx, e, next)
}

// runFor handles each envelope in the second in which it becomes visible, and returns the
// time at which each message first arrived.
func (s *service) runFor(t *testing.T, d time.Duration) map[string]time.Time {
	t.Helper()
	arrived := make(map[string]time.Time)
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end); s.clock.Advance(time.Second) {
		now := s.clock.Now()
		if now.Second() == 0 {
			if _, err := s.relay.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for {
			received, err := s.store.Queue().Dequeue(t.Context(), 100, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(received) == 0 {
				break
			}
			for _, r := range received {
				ref, err := sms.ParseRef(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				if _, again := arrived[ref.ID]; !again {
					arrived[ref.ID] = now
				}
				if err := s.sender.Deliver(t.Context(), sender.Turn{Ref: ref, Parts: 1}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.store.Queue().Delete(t.Context(), received...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return arrived
}

// The messages are scheduled twice: once for a time so soon that the API enqueues them, and once for a time
// so late that the relay enqueues them.
func TestManyMessagesOfOneSecond(t *testing.T) {
	const messages, within = 1000, 2 * time.Second
	for _, ahead := range []time.Duration{90 * time.Second, 10 * time.Minute} {
		t.Run(fmt.Sprint(ahead, " ahead"), func(t *testing.T) {
			s := openService(t, t.TempDir(), smstest.NewClock(time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)))
			at := s.clock.Now().Add(ahead)
			one := `{"phoneNumber": "+5511999999999", "message": "Now", "sendAt": "` + at.Format(time.RFC3339) + `"},`
			body := `{"messages": [` + strings.TrimSuffix(strings.Repeat(one, 100), ",") + `]}`
			ids := make(map[string]bool)
			for range messages / 100 {
				_, batch := callAs[struct{ Results []struct{ Message message } }](t.Context(), s.handler, "owner", http.MethodPost, "/v1/sms/batch", body)
				for _, r := range batch.Results {
					ids[r.Message.ID] = true
				}
			}
			arrived := s.runFor(t, ahead+time.Minute)
			if len(ids) != messages || len(arrived) != messages {
				t.Fatalf("%d messages were accepted, but %d arrived", len(ids), len(arrived))
			}
			for id, when := range arrived {
				if late := when.Sub(at); !ids[id] || late < 0 || late > within {
					t.Errorf("message %s arrived %v after its scheduled time", id, late)
				}
			}
			for id := range ids {
				if n := s.provider.taken[id]; n != 1 {
					t.Errorf("message %s was handed over %d times", id, n)
				}
			}
		})
	}
}

// A scheduled message costs nothing while it waits, survives a restart, and goes out in the
// right second.
func TestMessageOfNextMonth(t *testing.T) {
	start := time.Date(2030, 5, 4, 9, 0, 0, 0, time.UTC)
	at := start.AddDate(0, 1, 0).Add(17 * time.Second)
	dir := t.TempDir()
	s := openService(t, dir, smstest.NewClock(start))
	body := `{"phoneNumber": "+5511999999999", "message": "At last", "sendAt": "` + at.Format(time.RFC3339) + `"}`
	status, m := callAs[message](t.Context(), s.handler, "owner", http.MethodPost, "/v1/sms", body)
	if status != http.StatusAccepted {
		t.Fatalf("status %d", status)
	}
	empty := openService(t, t.TempDir(), smstest.NewClock(start))
	for range 24 * 60 {
		for _, one := range []*service{s, empty} {
			if _, err := one.relay.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			one.clock.Advance(time.Minute)
		}
	}
	if diff := cmp.Diff(empty.calls.calls, s.calls.calls); diff != "" || s.calls.calls["Postpone"]+s.calls.calls["Get"] != 0 {
		t.Errorf("the relay's calls differ (-on a day without messages +on a day with a scheduled message):\n%s", diff)
	}
	t.Logf("the relay's calls in a day: %v", s.calls.calls)

	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s = openService(t, dir, smstest.NewClock(at.Truncate(time.Minute).Add(-10*time.Minute)))
	if arrived := s.runFor(t, 15*time.Minute); !arrived[m.ID].Equal(at) || s.provider.taken[m.ID] != 1 {
		t.Errorf("the message arrived at %v and was handed over %d times; its scheduled time is %v", arrived[m.ID], s.provider.taken[m.ID], at)
	}
}
