// Package sender drains the queue: gate, claim, hand over, record. It is the
// only code that gives messages to a provider.
package sender

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// What the steps of one delivery may take. A claim is made only where the time
// left covers the rest; the lease outlives them all.
const (
	PublishTime = 5 * time.Second
	RecordTime  = 3 * time.Second
	margin      = 2 * time.Second
)

// ErrNoTime says that the time left does not cover a hand-over. Nothing was
// changed.
var ErrNoTime = errors.New("not enough time left to hand the message over")

// Store is what a sender needs of the records.
type Store interface {
	sms.Messages
	sms.Breakers
}

// Sender hands messages over.
type Sender struct {
	store    Store
	provider sms.Provider
	gate     *Gate
	rules    sms.Rules
	now      func() time.Time
	logger   *slog.Logger
	burst    burst
}

// New makes a sender. now is the clock of leases and expiry.
func New(store Store, provider sms.Provider, gate *Gate, rules sms.Rules, now func() time.Time, logger *slog.Logger) *Sender {
	return &Sender{store: store, provider: provider, gate: gate, rules: rules, now: now, logger: logger}
}

// Deliver does what there is to do for one delivery. After nil the delivery is
// done with and must be deleted, also where nothing was to do: whatever is
// left of its message, the relay finds. After an error nothing was handed
// over, and the delivery may come again.
func (s *Sender) Deliver(ctx context.Context, ref sms.Ref) error {
	left := s.timeLeft(ctx)
	if left <= 0 {
		return ErrNoTime
	}
	verdict, err := s.gate.Ask(ctx, ref.ID, left)
	switch {
	case err != nil:
		return err
	case verdict == Closed:
		return nil
	case verdict == Later:
		return ErrNoTime
	}
	c := s.rules.NewClaim(s.provider.Name(), s.now())
	m, err := s.store.Claim(ctx, ref, c)
	if err != nil {
		if verdict == Probe {
			s.unprobe(ctx, ref)
		}
		return s.notClaimed(ctx, ref, err)
	}
	s.gate.Charge(m.Parts - 1)
	outcome := s.handOver(ctx, m, c, verdict == Probe)
	s.record(ctx, m, c, outcome)
	return nil
}

// unprobe gives a probe back whose message cannot be handed over, so that the
// next one need not wait.
func (s *Sender) unprobe(ctx context.Context, ref sms.Ref) {
	if err := s.gate.unprobe(ctx, ref.ID); err != nil {
		s.logger.WarnContext(ctx, "probe not given back", "message_id", ref.ID, "error", err)
	}
}

// timeLeft is how long a delivery may wait before its claim.
func (s *Sender) timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return s.rules.Lease
	}
	return time.Until(deadline) - PublishTime - RecordTime - margin
}

// notClaimed ends a delivery whose message cannot be claimed.
func (s *Sender) notClaimed(ctx context.Context, ref sms.Ref, err error) error {
	refused, ok := errors.AsType[*sms.NotClaimableError](err)
	switch {
	case errors.Is(err, sms.ErrNotFound):
		s.logger.WarnContext(ctx, "delivery for no message", "message_id", ref.ID)
		return nil
	case !ok:
		return fmt.Errorf("claiming message %s: %w", ref.ID, err)
	case refused.Reason == sms.PastExpiry || refused.Reason == sms.AttemptsSpent:
		_, err = change.Message(ctx, s.store, refused.Current, func(m sms.Message) (sms.Message, bool) {
			return s.rules.GiveUp(m, s.now())
		})
		return err
	}
	return nil
}

// handOver publishes a claimed message, if the lease and the caller's time
// still cover it and it has not expired meanwhile.
func (s *Sender) handOver(ctx context.Context, m sms.Message, c sms.Claim, probe bool) sms.Outcome {
	now := s.now()
	end := now.Add(PublishTime)
	if m.ExpiresAt.Before(end) {
		end = m.ExpiresAt
	}
	if !end.After(now) || c.Until.Sub(now) < PublishTime+RecordTime || s.timeLeft(ctx) <= -margin {
		return sms.Refused(&sms.ProviderError{Refusal: sms.RefusedForNow, Code: "no-time"})
	}
	ctx, cancel := context.WithTimeout(ctx, end.Sub(now))
	defer cancel()
	providerMessageID, err := s.provider.HandOver(ctx, m)
	outcome := s.burst.judge(m.Number, sms.OutcomeOf(providerMessageID, err), probe, s.now())
	s.logOutcome(ctx, m, outcome, err)
	return outcome
}

// record writes down what became of a hand-over, and opens or closes the
// breaker by it. An outcome that cannot be written is left to the relay.
func (s *Sender) record(ctx context.Context, m sms.Message, c sms.Claim, o sms.Outcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), RecordTime)
	defer cancel()
	after, err := change.Message(ctx, s.store, m, func(m sms.Message) (sms.Message, bool) {
		return s.rules.Record(m, c.Token, o, s.now())
	})
	if err != nil {
		s.logger.ErrorContext(ctx, "outcome not recorded", "message_id", m.ID, "error", err)
	} else if after.Status == sms.Failed || after.Status == sms.Unknown {
		s.logger.WarnContext(ctx, "message ended", "message_id", m.ID, "status", after.Status)
	}
	if err = s.breaker(ctx, m, c, o); err != nil {
		s.logger.ErrorContext(ctx, "breaker not changed", "message_id", m.ID, "error", err)
	}
}

// breaker opens the breaker on account-wide trouble, and closes it on a probe
// that proves the trouble over.
func (s *Sender) breaker(ctx context.Context, m sms.Message, c sms.Claim, o sms.Outcome) error {
	var rule func(sms.Breaker) (sms.Breaker, bool)
	switch {
	case o.Refused != nil && o.Refused.Refusal == sms.AccountWide:
		rule = func(b sms.Breaker) (sms.Breaker, bool) {
			return s.rules.Report(b, o.Refused.Trouble, o.Refused.Detail, time.Time{}, s.now())
		}
	case o.ProviderMessageID != "" && s.gate.proves(m.ID, c.At):
		rule = func(b sms.Breaker) (sms.Breaker, bool) {
			return b.Close(s.now()), b.Proves(m.ID, c.At, true, false)
		}
	default:
		return nil
	}
	asked := s.now()
	b, err := change.Breaker(ctx, s.store, rule)
	if err == nil {
		s.gate.Tell(b, asked)
	}
	return err
}

func (s *Sender) logOutcome(ctx context.Context, m sms.Message, o sms.Outcome, err error) {
	logger := s.logger.With("message_id", m.ID, "number", m.Number)
	switch {
	case o.ProviderMessageID != "":
		logger.InfoContext(ctx, "taken", "provider_message_id", o.ProviderMessageID)
	case o.Refused != nil:
		logger.WarnContext(ctx, "refused", "refusal", string(o.Refused.Refusal), "code", o.Refused.Code)
	default:
		logger.WarnContext(ctx, "no answer", "error", err)
	}
}
