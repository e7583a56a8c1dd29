package routes_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type counting struct {
	mu    sync.Mutex
	taken map[string]int
}

func (c *counting) Name() sms.ProviderName { return "fake" }

func (c *counting) HandOver(_ context.Context, m sms.Message) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken[m.ID]++
	return "provider-" + sms.NewToken(), nil
}

// If the cancel comes first, the message must not be handed over. If the sender comes
// first, the client must get the answer that the message is not canceled.
func TestCancelRacesWithSend(t *testing.T) {
	tries := 1000
	if testing.Short() {
		tries = 100
	}
	onEveryStore(t, func(t *testing.T, store sms.Store) {
		provider := &counting{taken: make(map[string]int)}
		rules := sms.DefaultRules()
		logger := slog.New(slog.DiscardHandler)
		s := sender.New(store, provider, sender.NewGate(store, rules, 0, time.Now), rules, time.Now, logger)
		handler := newAPI(t, store, nil)
		canceled, sent := 0, 0
		for i := range tries {
			m := rules.Accept(sms.NewID(), draft("owner"), time.Now())
			if err := store.Create(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			var status int
			var racing sync.WaitGroup
			// Whichever starts first has an advantage, so the two take turns.
			cancel := func() {
				status, _ = callAs[message](t.Context(), handler, "owner", http.MethodPost, "/v1/sms/"+m.ID+"/cancel", "")
			}
			deliver := func() {
				if err := s.Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: m.Parts}); err != nil {
					t.Errorf("delivering: %v", err)
				}
			}
			if i%2 == 0 {
				cancel, deliver = deliver, cancel
			}
			racing.Go(cancel)
			racing.Go(deliver)
			racing.Wait()
			now, err := store.Get(t.Context(), m.ID)
			if err != nil {
				t.Fatal(err)
			}
			switch taken := provider.taken[m.ID]; {
			case status == http.StatusOK && taken == 0 && now.Status == sms.Canceled:
				canceled++
			case status == http.StatusConflict && taken == 1 && now.Status == sms.Sent:
				sent++
			default:
				t.Fatalf("try %d: the client got status %d, the provider took the message %d times, and the message is %s", i, status, taken, now.Status)
			}
		}
		t.Logf("in %d tries, the client won %d times and the sender %d times", tries, canceled, sent)
		if canceled == 0 || sent == 0 {
			t.Errorf("the client won %d times and the sender %d times, want each to win at least once", canceled, sent)
		}
	})
}
