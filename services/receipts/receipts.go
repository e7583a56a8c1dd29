// Package receipts takes the provider's reports about hand-overs, finds their
// messages, and brings these to the status that follows, in whatever order the
// reports come. It is the only place where a receipt finds its message.
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

// Store is the part of the record store that receipts use.
type Store interface {
	sms.Messages
	sms.Receipts
	sms.ReceiptKeeper
	sms.Breakers
}

// Result says what became of a receipt.
type Result string

// The results of a receipt.
const (
	Applied Result = "applied" // applied to the message that has its provider message id
	Matched Result = "matched" // applied to the only message that it can be about
	Pending Result = "pending" // kept, to be looked at again
	Foreign Result = "foreign" // it matches no message, and most likely belongs to another application
	Unnamed Result = "unnamed" // it names no message
)

// Receipts applies receipts to messages. It may be used by any number of callers
// at once, and with the same receipt any number of times.
type Receipts struct {
	store  Store
	rules  sms.Rules
	logger *slog.Logger
	now    func() time.Time

	mu     sync.Mutex
	seen   sms.Breaker
	seenAt time.Time // seen is what the breaker was at this time or later; zero: never seen
}

// New returns Receipts that work on store.
func New(store Store, rules sms.Rules, logger *slog.Logger, now func() time.Time) *Receipts {
	return &Receipts{store: store, rules: rules, logger: logger, now: now}
}

// Apply applies rc to its message, or keeps it as a pending receipt. It costs one
// read of an index and one write. A receipt that names no message may report
// trouble, but is not kept. Such a receipt has never been seen.
//
// Apply matches nothing by number, even if rc fits an unanswered hand-over: rc may
// be about another hand-over to that number, which is still in flight.
func (r *Receipts) Apply(ctx context.Context, rc sms.Receipt) (Result, error) {
	if rc.Trouble != "" { // guard: a refusal for now is no trouble
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

// applyByID applies rc to the message with its provider message id, if there is one.
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
		// The index lags: the record is past its retention, or has been
		// replaced by another one.
		return false, nil
	case err != nil:
		return false, fmt.Errorf("applying a receipt to message %s: %w", id, err)
	}
	return true, r.prove(ctx, m, rc)
}
