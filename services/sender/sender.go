// Package sender delivers the messages whose envelopes are on the queue. For each
// message, it asks the gate, claims the message, hands the message over, and records the
// outcome. No other package gives messages to a provider.
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

// These constants are the maximum times of the steps of a delivery. A message is claimed
// only if the time left is enough for all later steps. The lease of a message is longer
// than all these steps together.
const (
	PublishTime = 5 * time.Second
	RecordTime  = 3 * time.Second
	margin      = 2 * time.Second
)

// ErrNoTime means that the time left is too short for a hand-over, and that the sender
// has changed nothing.
var ErrNoTime = errors.New("not enough time left to hand the message over")

// notTried is the refusal that a sender records if it claimed a message too late to hand it
// over. No provider has refused this message.
var notTried = &sms.ProviderError{Refusal: sms.RefusedForNow, Code: "no-time"}

// Store is the part of the record store that a sender uses.
type Store interface {
	sms.Messages
	GateStore
}

// Sender hands messages over.
type Sender struct {
	store    Store
	provider sms.Provider
	gate     *Gate
	rules    sms.Rules
	now      func() time.Time
	logger   *slog.Logger
}

// New returns a sender. The sender calls the function `now` to get the time for leases and
// expiry.
func New(store Store, provider sms.Provider, gate *Gate, rules sms.Rules, now func() time.Time, logger *slog.Logger) *Sender {
	return &Sender{store: store, provider: provider, gate: gate, rules: rules, now: now, logger: logger}
}

// Turn is the content of an envelope, and the slot that is booked for its message.
type Turn struct {
	Ref   sms.Ref
	Parts int       // the number of parts in the envelope
	Slot  time.Time // the start of the booked slot; zero if no slot is booked
}

// Deliver delivers the message to which t.Ref refers. If Deliver returns nil, the caller
// must delete the message's envelope, even if the message was not handed over: the relay
// finds any work that is left. If Deliver returns an error, nothing was handed over, and
// the envelope may be received again.
func (s *Sender) Deliver(ctx context.Context, t Turn) error {
	left := s.timeLeft(ctx)
	if left <= 0 {
		return ErrNoTime
	}
	signal, err := s.gate.Ask(ctx)
	if err == nil && signal == Probe {
		signal, err = s.askToProbe(ctx, t.Ref)
	}
	if err == nil && signal != Stop {
		asked := signal
		signal, err = s.gate.await(ctx, signal, &t, s.now().Add(left))
		if asked == Probe && signal != Probe {
			s.giveBack(ctx, sms.Message{ID: t.Ref.ID}, false)
		}
	}
	switch {
	case err != nil:
		return err
	case signal == Stop:
		return nil
	}
	c := s.rules.NewClaim(s.provider.Name(), s.now())
	m, err := s.store.Claim(ctx, t.Ref, c)
	if err != nil {
		if signal == Probe {
			s.giveBack(ctx, sms.Message{ID: t.Ref.ID}, false)
		}
		return s.notClaimed(ctx, t.Ref, err)
	}
	outcome := s.handOver(ctx, m, c, t)
	s.record(ctx, m, c, outcome, signal == Probe)
	return nil
}

// askToProbe reads the message that ref names, and asks the gate whether this message may be the next probe.
// A message that cannot be claimed now cannot be a probe.
func (s *Sender) askToProbe(ctx context.Context, ref sms.Ref) (Signal, error) {
	m, err := s.store.Get(ctx, ref.ID)
	switch {
	case errors.Is(err, sms.ErrNotFound):
		return Stop, nil
	case err != nil:
		return Wait, fmt.Errorf("reading message %s: %w", ref.ID, err)
	case m.Ref() != ref || s.rules.NewClaim(s.provider.Name(), s.now()).Refuse(m) != "":
		return Stop, nil
	}
	return s.gate.Probe(ctx, m)
}

func (s *Sender) giveBack(ctx context.Context, m sms.Message, spoiled bool) {
	_, err := s.gate.change(ctx, func(b sms.Breaker) (sms.Breaker, bool) { return b.GiveBack(m, spoiled, s.now()) })
	if err != nil {
		s.logger.WarnContext(ctx, "probe not given back", "message_id", m.ID, "error", err)
	}
}

// timeLeft returns how long a delivery may wait before it claims its message.
func (s *Sender) timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return s.rules.Lease
	}
	return time.Until(deadline) - PublishTime - RecordTime - margin
}

// notClaimed ends the delivery of a message that could not be claimed. The parameter `err`
// is the error of the claim.
func (s *Sender) notClaimed(ctx context.Context, ref sms.Ref, err error) error {
	refused, ok := errors.AsType[*sms.NotClaimableError](err)
	switch {
	case errors.Is(err, sms.ErrNotFound):
		s.logger.WarnContext(ctx, "envelope of no message", "message_id", ref.ID)
		return nil
	case !ok:
		return fmt.Errorf("claiming message %s: %w", ref.ID, err)
	case refused.Reason == sms.TooEarly: // the envelope came too early, perhaps because the clock was set back, so the message needs another envelope
		_, err = change.Message(ctx, s.store, refused.Current, func(m sms.Message) (sms.Message, bool) {
			return s.rules.EnqueueFailed(m, s.now())
		})
		return err
	case refused.Reason == sms.PastExpiry && !refused.Current.Unanswered(): // if a hand-over is unanswered, the relay must first look for its receipt
		_, err = change.Message(ctx, s.store, refused.Current, func(m sms.Message) (sms.Message, bool) {
			return s.rules.GiveUp(m, s.now())
		})
		return err
	}
	return nil
}

// handOver hands a claimed message to the provider, and returns the outcome. Before the hand-over, it checks
// that the message has not expired, that the slot of t has not lapsed, and that the lease and the caller's
// time last long enough.
func (s *Sender) handOver(ctx context.Context, m sms.Message, c sms.Claim, t Turn) sms.Outcome {
	// Read the real clock first. If the process is stopped after this read, the deadline
	// stays the same.
	began, now := time.Now(), s.now()
	end := now.Add(PublishTime)
	if m.ExpiresAt.Before(end) { // guard: expired before the hand-over
		end = m.ExpiresAt
	}
	if !end.After(now) ||
		c.Until.Sub(now) < PublishTime+RecordTime || // guard: the lease covers the hand-over
		s.gate.missed(t, m.Parts) || // guard: handed over in its slot
		s.timeLeft(ctx) <= -margin {
		return sms.Refused(notTried)
	}
	// Without its monotonic reading, the deadline also counts the time during which the
	// whole machine sleeps.
	ctx, cancel := context.WithDeadline(ctx, began.Add(end.Sub(now)).Round(0))
	defer cancel()
	if sms.Late(ctx) != nil {
		return sms.Refused(notTried)
	}
	providerMessageID, err := s.provider.HandOver(ctx, m)
	outcome := sms.OutcomeOf(providerMessageID, err)
	s.logOutcome(ctx, m, outcome, err)
	return outcome
}

// record writes the outcome of a hand-over into the message and into the breaker. If
// record cannot write the outcome into the message, the relay will end the lease.
func (s *Sender) record(ctx context.Context, m sms.Message, c sms.Claim, o sms.Outcome, probe bool) {
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
	if probe && o.Refused != nil && (o.Refused == notTried || o.Refused.Refusal == sms.RefusedForGood) { // guard: a probe is given back
		s.giveBack(ctx, m, o.Refused != notTried)
		return
	}
	if err = s.tellBreaker(ctx, m, c, o); err != nil {
		s.logger.ErrorContext(ctx, "breaker not changed", "message_id", m.ID, "error", err)
	}
}

// tellBreaker notes an outcome in the breaker if it may show whether the account is in trouble:
//
//   - Account-wide trouble opens the breaker.
//   - A probe that was taken may close the breaker.
//   - A number that was taken or refused may be noted in the tally.
func (s *Sender) tellBreaker(ctx context.Context, m sms.Message, c sms.Claim, o sms.Outcome) error {
	var opened, closed bool
	var err error
	switch {
	case o.Refused != nil && o.Refused.Refusal == sms.AccountWide:
		_, err = s.gate.change(ctx, func(b sms.Breaker) (sms.Breaker, bool) {
			b, opened = s.rules.ReportTrouble(b, o.Refused.Trouble, o.Refused.Detail, time.Time{}, s.now())
			return b, opened
		})
	case o.Refused != nil && o.Refused.PerhapsAccount:
		err = s.gate.note(ctx, func(b sms.Breaker) (sms.Breaker, bool) {
			b, changed := s.rules.NumberRefused(b, m, o.Refused.Detail, s.now())
			opened = changed && b.Open
			return b, changed
		})
	case o.ProviderMessageID != "" && s.gate.mayProve(m.ID, c.At):
		_, err = s.gate.change(ctx, func(b sms.Breaker) (sms.Breaker, bool) {
			closed = b.Proves(m.ID, c.At, true, false)
			b, _ = s.rules.NumberTaken(b.Close(s.now()), m.Number, s.now())
			return b, closed
		})
	case o.ProviderMessageID != "":
		err = s.gate.note(ctx, func(b sms.Breaker) (sms.Breaker, bool) {
			return s.rules.NumberTaken(b, m.Number, s.now())
		})
	}
	switch {
	case err != nil:
		return err
	case opened:
		s.logger.ErrorContext(ctx, "breaker opened", "message_id", m.ID, "code", o.Refused.Code, "detail", o.Refused.Detail)
	case closed:
		s.logger.InfoContext(ctx, "breaker closed", "message_id", m.ID)
	}
	return nil
}

func (s *Sender) logOutcome(ctx context.Context, m sms.Message, o sms.Outcome, err error) {
	logger := s.logger.With("message_id", m.ID, "number", m.Number)
	switch {
	case o.ProviderMessageID != "":
		logger.InfoContext(ctx, "message handed over", "provider_message_id", o.ProviderMessageID)
	case o.Refused != nil:
		logger.WarnContext(ctx, "hand-over refused", "refusal", string(o.Refused.Refusal), "code", o.Refused.Code)
	default:
		logger.WarnContext(ctx, "hand-over unanswered", "error", err)
	}
}
