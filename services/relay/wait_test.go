package relay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
)

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
		t.Errorf("the relay took up %d messages (error %v), want each of the %d messages once", store.taken, err, n)
	}
}

type unreadable struct {
	relay.Store
	id string
}

func (u unreadable) Get(ctx context.Context, id string) (sms.Message, error) {
	if id == u.id {
		return sms.Message{}, errBroken
	}
	return u.Store.Get(ctx, id)
}

func TestAWaitEndsEvenIfSomeLeaseNeverDoes(t *testing.T) {
	s := newStage(t)
	bad := s.claim(s.accept(func(d *sms.Draft) { d.Number = "+12025550199" }))
	m := s.handOver(s.accept(func(d *sms.Draft) { d.ExpiresAt = s.now.Add(time.Hour) }), noAnswer)
	rc := sms.Receipt{Provider: "fake", ProviderMessageID: "provider-1", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(t.Context(), rc.Pending(s.now)); err != nil {
		t.Fatal(err)
	}
	r := s.on(unreadable{s.store, bad.ID}, s.queue, relay.DefaultOptions())
	s.pass(69 * time.Minute)
	for _, want := range []sms.Status{sms.Queued, sms.Unknown} {
		if _, err := r.Run(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("Run: %v, want the error of the store", err)
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
	for range 3 {
		s.pass(time.Minute)
		if _, err := s.on(s.store, s.queue, relay.DefaultOptions()).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.is(m, sms.Delivered)
}
