package relay_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
)

type matcher struct {
	relay.Receipts
	fails string // the provider message id of the receipt whose retries fail
	mu    sync.Mutex
	calls map[string]int
}

func (m *matcher) Retry(ctx context.Context, k sms.PendingReceipt, cutoff time.Time) error {
	m.mu.Lock()
	m.calls[k.Receipt.ProviderMessageID]++
	m.mu.Unlock()
	if k.Receipt.ProviderMessageID == m.fails {
		return errBroken
	}
	return m.Receipts.Retry(ctx, k, cutoff)
}

func TestPendingReceiptsAreLookedAtAgain(t *testing.T) {
	s := newStage(t)
	options := relay.DefaultOptions()
	options.Page = 4
	const n = 10
	for i := range n {
		rc := sms.Receipt{Provider: "fake", ProviderMessageID: string(rune('a' + i)), Number: number, At: s.now, Verdict: sms.VerdictDelivered}
		if err := s.store.Keep(t.Context(), rc.Pending(s.now.Add(time.Duration(i)*time.Millisecond))); err != nil {
			t.Fatal(err)
		}
	}
	m := s.handOver(s.accept(nil), sms.Taken("c"))
	s.pass(time.Minute)
	looks := &matcher{Receipts: s.receipts, fails: "b", calls: make(map[string]int)}
	r := relay.New(s.store, s.queue, looks, s.rules, options, s.clock, discard)
	report, err := r.Run(t.Context())
	if !errors.Is(err, errBroken) || report.Receipts != n || len(looks.calls) != n || looks.calls["b"] != 1 {
		t.Errorf("Run = %+v, %v after the looks %v; want one look for each of %d receipts, and the error", report, err, looks.calls, n)
	}
	s.is(m, sms.Delivered)
	clear(looks.calls)
	s.pass(time.Second)
	if _, err = r.Run(t.Context()); !errors.Is(err, errBroken) || len(looks.calls) != 1 {
		t.Errorf("Run returned %v after the looks %v; want another look for the receipt that failed", err, looks.calls)
	}
}

type lateMatcher struct{}

func (lateMatcher) Retry(ctx context.Context, _ sms.PendingReceipt, _ time.Time) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (lateMatcher) Settle(_ context.Context, m sms.Message, _ time.Time) (sms.Message, bool, error) {
	return m, false, nil
}

// endless is a store whose agenda is too long for any run.
type endless struct {
	relay.Store
	receipts []sms.PendingReceipt
}

func (endless) LoadBreaker(context.Context) (sms.Breaker, error) { return sms.Breaker{}, nil }

func (endless) Shards() int { return 1 }

func (endless) Due(ctx context.Context, _ sms.DueQuery) (sms.DuePage, error) {
	select {
	case <-time.After(time.Second):
		return sms.DuePage{Next: "more"}, nil
	case <-ctx.Done():
		return sms.DuePage{}, ctx.Err()
	}
}

func (s endless) DueReceipts(context.Context, time.Time, time.Time, int) ([]sms.PendingReceipt, error) {
	return s.receipts, nil
}

// A run of 60 s works for 55 s, and keeps a quarter of this time for pending receipts.
func TestALongAgendaLeavesTimeForPendingReceipts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := endless{receipts: make([]sms.PendingReceipt, 99)}
		for i := range store.receipts {
			store.receipts[i].ID = sms.NewID()
		}
		r := relay.New(store, silentQueue{}, lateMatcher{}, sms.DefaultRules(), relay.DefaultOptions(), time.Now, discard)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		report, _ := r.Run(ctx)
		if report.Receipts != 99 || !report.Truncated {
			t.Errorf("the run looked for %d receipts, truncated: %v; want 99 receipts and a truncated run", report.Receipts, report.Truncated)
		}
	})
}

type expired struct {
	endless
	sends int
}

func (e *expired) Due(ctx context.Context, q sms.DueQuery) (sms.DuePage, error) {
	switch q.Kind {
	case sms.DueSend:
		e.sends++
		return sms.DuePage{}, nil
	case sms.DueLease:
		return sms.DuePage{}, nil
	case sms.DueRescue:
	}
	page, err := e.endless.Due(ctx, q)
	page.Entries = []sms.DueEntry{{Due: sms.Due{Kind: sms.DueRescue}}}
	return page, err
}

func (*expired) Postpone(context.Context, sms.DueEntry, sms.Due) (sms.Message, error) {
	return sms.Message{}, sms.ErrConflict
}

func TestRescuesLeaveTimeForWhatIsToBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(expired)
		r := relay.New(store, silentQueue{}, lateMatcher{}, sms.DefaultRules(), relay.DefaultOptions(), time.Now, discard)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		report, _ := r.Run(ctx)
		if store.sends == 0 || !report.Truncated {
			t.Errorf("messages to be sent were read %d times, truncated: %v; want once, and truncated rescues", store.sends, report.Truncated)
		}
	})
}
