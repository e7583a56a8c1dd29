package relay_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/relay"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// TestWhatAClockAheadHasWrittenIsDoneSoon writes all records while the clock is ahead,
// then sets the clock right and starts a new relay. The new relay was not running when
// the clock changed.
func TestWhatAClockAheadHasWrittenIsDoneSoon(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			s := newStage(t)
			right := s.now
			s.pass(by)
			lost, retry := s.accept(nil), s.accept(nil)
			s.handOver(retry, forNow)
			dead, held := s.claim(s.accept(nil)), s.claim(s.accept(hold))
			soon := s.accept(func(d *sms.Draft) { d.SendAt = s.now.Add(10 * time.Minute) })
			receipt := sms.Receipt{Provider: "fake", ProviderMessageID: "p", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
			if err := s.store.Keep(t.Context(), receipt.Pending(s.now)); err != nil {
				t.Fatal(err)
			}
			s.breaker(sms.Breaker{}.Pause("", s.now).Close(s.now))

			s.now = right
			var logs bytes.Buffer
			r := relay.New(s.store, s.queue, s.receipts, s.rules, relay.DefaultOptions(), s.clock, slog.New(slog.NewTextHandler(&logs, nil)))
			var ahead int64
			run := func() {
				report, err := r.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				ahead += report.Ahead
			}
			run()
			if ahead != 6 { // these are the breaker, four messages and a receipt
				t.Errorf("the run found %d records with a time that is ahead, want 6: %s", ahead, &logs)
			}
			if got := strings.Count(logs.String(), `msg="stored time was ahead of the clock"`); got != 6 {
				t.Errorf("the log has %d lines about these records, want 6: %s", got, &logs)
			}
			s.pass(sms.BreakerAge)
			run()
			s.arrive(lost, retry)
			s.claim(retry)
			s.is(dead, sms.Sending) // the hand-over of the message can still be in flight
			s.pass(s.rules.Lease)
			run()
			s.is(dead, sms.Queued)
			s.is(held, sms.Unknown)
			s.now = soon.SendAt.Add(-time.Minute)
			run()
			s.now = soon.SendAt
			if got := s.arrived(); len(got) == 0 || got[len(got)-1] != soon.Ref() {
				t.Errorf("%v arrived when the scheduled message was due, want %v last", got, soon.Ref())
			}
			if ahead != 6 {
				t.Errorf("%d records were found ahead, 6 of them by the first run", ahead)
			}
		})
	}
}

func TestARunningRelayNoticesThatTheClockWasSetBack(t *testing.T) {
	s := newStage(t)
	var logs bytes.Buffer
	r := relay.New(s.store, s.queue, s.receipts, s.rules, relay.DefaultOptions(), s.clock, slog.New(slog.NewTextHandler(&logs, nil)))
	run := func() relay.Summary {
		report, err := r.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	run()
	s.pass(time.Hour)
	run()
	if logs.Len() > 0 {
		t.Errorf("the relay logged %s", &logs)
	}
	m := s.handOver(s.accept(nil), forNow)
	s.pass(-time.Hour)
	if got := run(); got.Ahead != 1 || !strings.Contains(logs.String(), "clock was set back since the last run") {
		t.Errorf("the run after the clock was set back found %d records ahead, want 1; the log is %s", got.Ahead, &logs)
	}
	run()
	s.arrive(m)
}

func TestARelayFindsWhatOthersWroteAheadWithinTenRuns(t *testing.T) {
	s := newStage(t)
	s.run()
	s.pass(time.Hour)
	m := s.handOver(s.accept(nil), forNow)
	s.pass(-time.Hour)
	s.repeat(11)
	s.arrive(m)
}

// TestAServerEndsTheLeasesOfADeadServer uses leases that began while the clock was wrong.
func TestAServerEndsTheLeasesOfADeadServer(t *testing.T) {
	for _, ahead := range []time.Duration{-2 * time.Hour, 0, 2 * time.Hour, 48 * time.Hour} {
		s := newStage(t)
		s.pass(ahead)
		m := s.claim(s.accept(hold))
		s.pass(-ahead)
		if _, err := s.EndLeases(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.is(m, sms.Unknown)
	}
}

// setBack is a store that sets the clock back before it returns pending receipts.
type setBack struct {
	*sqlite.DB

	by func()
}

func (s setBack) DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	s.by()
	return s.DB.DueReceipts(ctx, from, until, limit)
}

func TestAClockThatIsSetBackDuringARunMakesItWaitNoLonger(t *testing.T) {
	s := newStage(t)
	receipt := sms.Receipt{Provider: "fake", ProviderMessageID: "p", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(t.Context(), receipt.Pending(s.now)); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	var waits []time.Duration
	options := relay.DefaultOptions()
	options.Wait = func(d time.Duration) { waits = append(waits, d) }
	r := s.on(setBack{s.store, func() { s.pass(-30 * time.Second) }}, s.queue, options)
	if _, err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 1 || waits[0] != 2*time.Second {
		t.Errorf("the relay waited %v for its indexes, want 2 seconds once", waits)
	}
}

// usedMeanwhile is a store in which another relay uses each pending receipt whose time is
// ahead, just after this relay has read it.
type usedMeanwhile struct{ *sqlite.DB }

func (s usedMeanwhile) DueReceipts(ctx context.Context, from, until time.Time, limit int) ([]sms.PendingReceipt, error) {
	due, err := s.DB.DueReceipts(ctx, from, until, limit)
	for _, k := range due {
		if !from.IsZero() {
			err = errors.Join(err, s.Forget(ctx, k))
		}
	}
	return due, err
}

func TestAReceiptThatIsAheadAndWasUsedDoesNotComeBack(t *testing.T) {
	s := newStage(t)
	receipt := sms.Receipt{Provider: "fake", ProviderMessageID: "p", Number: number, At: s.now, Verdict: sms.VerdictDelivered}
	if err := s.store.Keep(t.Context(), receipt.Pending(s.now.Add(24*time.Hour))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.on(usedMeanwhile{s.store}, s.queue, relay.DefaultOptions()).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := s.store.DueReceipts(t.Context(), time.Time{}, s.now.AddDate(1, 0, 0), 10)
	if err != nil || len(left) > 0 {
		t.Errorf("the store keeps %+v, %v, want no receipt", left, err)
	}
}
