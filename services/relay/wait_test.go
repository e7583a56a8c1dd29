package relay_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// posting counts the messages that a relay takes up. Each costs a millisecond.
type posting struct {
	relay.Store
	s     *stage
	taken int
}

func (p *posting) Postpone(ctx context.Context, e sms.DueEntry, next sms.Due) (sms.Message, error) {
	p.taken++
	p.s.pass(time.Millisecond)
	return p.Store.Postpone(ctx, e, next)
}

func TestARunTakesUpOnceWhatWaitsForReceipts(t *testing.T) {
	s := newStage(t)
	const n = 8
	for i := range n {
		to := sms.Number(fmt.Sprintf("+1202555%04d", i))
		s.handOver(s.accept(func(d *sms.Draft) { d.Number = to }), noAnswer)
		rc := sms.Receipt{Provider: "fake", ProviderMessageID: to.String(), Number: to, At: s.now, Verdict: sms.VerdictDelivered}
		if err := s.store.Keep(t.Context(), rc.Pending(s.now)); err != nil {
			t.Fatal(err)
		}
	}
	s.pass(20 * time.Second)
	options := relay.DefaultOptions()
	options.Page = 1
	store := &posting{Store: s.store, s: s}
	ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
	defer cancel()
	if _, err := s.on(store, s.queue, options).Run(ctx); err != nil || store.taken != n {
		t.Errorf("%d messages taken up, %v, want each of %d once", store.taken, err, n)
	}
}

func TestAWaitEndsEvenIfNoReceiptCanBeMatched(t *testing.T) {
	s := newStage(t)
	m := s.handOver(s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(time.Hour) }), noAnswer)
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(t.Context(), rc.Pending(s.now)); err != nil {
		t.Fatal(err)
	}
	s.pass(69 * time.Minute)
	for _, want := range []sms.Status{sms.Queued, sms.Unknown} {
		if _, err := s.on(s.store, s.queue, relay.DefaultOptions()).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.is(m, want)
		s.pass(time.Minute)
	}
}

func TestARelayThatLivesForOneRunMatchesReceipts(t *testing.T) {
	s := newStage(t)
	m := s.handOver(s.accept(nil), noAnswer)
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(t.Context(), rc.Pending(s.now)); err != nil {
		t.Fatal(err)
	}
	options := relay.DefaultOptions()
	options.Wait = func(d time.Duration) { s.pass(d) }
	for range 3 {
		s.pass(time.Minute)
		if _, err := s.on(s.store, s.queue, options).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.is(m, sms.Delivered)
}

// overs notes what a relay says about the hand-overs that have ended.
type overs struct {
	relay.Receipts
	last time.Time
}

func (o *overs) Retry(_ context.Context, _ sms.PendingReceipt, over time.Time) error {
	o.last = over
	return nil
}

func TestWhatTheStartLearntIsNotForgotten(t *testing.T) {
	s := newStage(t)
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(t.Context(), rc.Pending(s.now.Add(-time.Minute))); err != nil {
		t.Fatal(err)
	}
	o := &overs{Receipts: s.receipts}
	r := relay.New(s.store, s.queue, o, s.rules, relay.DefaultOptions(), s.clock, discard)
	if _, err := r.EndLeases(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		s.pass(2 * time.Second)
		if _, err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o.last.Before(start) {
			t.Errorf("%v after the start, hand-overs from before %v of it are over, want all", s.now.Sub(start), o.last.Sub(start))
		}
	}
}
