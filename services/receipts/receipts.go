// Package receipts processes receipts, which are the provider's reports about hand-overs.
// It finds the message that each receipt is about, and changes the status of this
// message, no matter in which order the receipts come. Only this package matches receipts
// to messages.
package receipts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// Store is the part of the record store that this package uses.
type Store interface {
	sms.Messages
	sms.Receipts
	sms.ReceiptKeeper
	sms.Breakers
}

// Result says what became of a receipt.
type Result string

// These are the results of a receipt.
const (
	Applied Result = "applied" // applied to the message that has the provider message id of the receipt
	Matched Result = "matched" // applied to the only message that the receipt can be about
	Pending Result = "pending" // kept as a pending receipt, to be retried
	Foreign Result = "foreign" // matches no message; most likely the receipt is about another application's message
	Unnamed Result = "unnamed" // has no provider message id
)

// Receipts applies receipts to messages. Callers may use it concurrently, and may apply
// the same receipt any number of times.
type Receipts struct {
	store  Store
	rules  sms.Rules
	logger *slog.Logger
	now    func() time.Time

	mu     sync.Mutex
	seen   sms.Breaker
	seenAt time.Time // when the breaker in the field seen was read, or somewhat earlier; zero if the breaker was never read
}

// New returns a Receipts that works on store.
func New(store Store, rules sms.Rules, logger *slog.Logger, now func() time.Time) *Receipts {
	return &Receipts{store: store, rules: rules, logger: logger, now: now}
}

// Apply applies rc to its message, or keeps it as a pending receipt. This takes one read of
// an index and one write. A receipt without a provider message id is not kept, but still
// opens the breaker if it reports trouble. No such receipt has been seen so far.
//
// Apply never matches by number, even if rc fits an unanswered hand-over: rc may be about
// another hand-over to the same number that is still in flight.
func (r *Receipts) Apply(ctx context.Context, rc sms.Receipt) (Result, error) {
	rc.Number = rc.Number.Canonical() // a provider may use another form of the number than the record
	if rc.Trouble != "" {             // guard: a refusal for now is no trouble
		if err := r.reportTrouble(ctx, rc); err != nil {
			return "", err
		}
	}
	if rc.ProviderMessageID == "" {
		r.logger.WarnContext(ctx, "receipt names no message", "number", rc.Number, "verdict", string(rc.Verdict), "detail", rc.Detail)
		return Unnamed, nil
	}
	found, err := r.applyByID(ctx, rc)
	switch {
	case err != nil:
		return "", err
	case found:
		return Applied, nil
	}
	return Pending, r.keep(ctx, rc.Pending(r.now()))
}

// applyByID applies rc to the message that has the provider message id of rc. It returns false if there is no
// such message.
func (r *Receipts) applyByID(ctx context.Context, rc sms.Receipt) (found bool, err error) {
	id, err := r.store.FindByProviderRef(ctx, rc.Ref())
	if errors.Is(err, sms.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for the message of a receipt: %w", err)
	}
	m, err := r.store.ApplyReceipt(ctx, r.rules, id, rc, r.now())
	switch {
	case errors.Is(err, sms.ErrNotFound) || errors.Is(err, sms.ErrConflict):
		// The index shows an old state. The record is past its retention, or another
		// record has replaced it.
		return false, nil
	case err != nil:
		return false, fmt.Errorf("applying a receipt to message %s: %w", id, err)
	}
	return true, r.updateBreaker(ctx, m, rc)
}
