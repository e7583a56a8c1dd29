package sender_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/sender"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// In each run, the sender stops after a different read of its clock, and goes on when the
// message has expired.
func TestTheDeadlineOfAHandOverDoesNotMove(t *testing.T) {
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		for stops := range 12 {
			reads := 0
			var expiry time.Time
			clock := func() time.Time {
				now := time.Now()
				if reads++; reads == stops {
					time.Sleep(time.Until(expiry) + time.Second)
				}
				return now
			}
			store, err := sqlite.Open(t.TempDir(), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			provider := &provider{answer: func(ctx context.Context, _ sms.Message) (string, error) {
				if end, ok := ctx.Deadline(); !ok || end.After(expiry) || sms.Late(ctx) != nil {
					t.Errorf("stopped after reading the clock %d times, it hands over at %v until %v, although the message expires at %v", stops, time.Now(), end, expiry)
				}
				return "provider-1", nil
			}}
			rules := sms.DefaultRules()
			s := sender.New(store, provider, sender.NewGate(store, rules, 0, clock), rules, clock, slog.New(slog.DiscardHandler))
			expiry = time.Now().Add(2 * time.Second)
			m := rules.Accept(sms.NewID(), sms.Draft{Owner: "owner", Client: "client", Request: sms.Request{Number: "+12025550100", Text: "hi", ExpiresAt: expiry}}, time.Now())
			if err := store.Create(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if err := s.Deliver(t.Context(), sender.Turn{Ref: m.Ref(), Parts: 1}); err != nil {
				t.Error(err)
			}
			after, err := store.Get(t.Context(), m.ID)
			if err != nil {
				t.Fatal(err)
			}
			if after.Status == sms.Unknown {
				t.Errorf("stopped after reading the clock %d times, the message is unknown, although it was not handed over", stops)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
