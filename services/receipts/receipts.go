// Package receipts takes the provider's reports on what it was handed, finds the
// messages that they belong to, and brings these to the state that they tell of,
// whatever the order in which the reports come.
package receipts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// Store is what receipts need of the records.
type Store interface {
	sms.Messages
	sms.Receipts
	sms.ReceiptKeeper
	sms.Breakers
}

// Result says where a receipt went.
type Result string

// Where a receipt may go.
const (
	Applied Result = "applied" // to the message whose provider message id it names
	Adopted Result = "adopted" // to the only message that it could be about
	Kept    Result = "kept"    // to be looked at again
	Foreign Result = "foreign" // nowhere: it stays to be found by its number, and is most likely another application's
	Unnamed Result = "unnamed" // nowhere: it names no message
)

// Receipts applies receipts to messages. It may be used by any number of callers
// at once, and with the same receipt any number of times.
type Receipts struct {
	store  Store
	rules  sms.Rules
	logger *slog.Logger
	now    func() time.Time

	mu   sync.Mutex
	seen sight
}

// New makes Receipts.
func New(store Store, rules sms.Rules, logger *slog.Logger, now func() time.Time) *Receipts {
	return &Receipts{store: store, rules: rules, logger: logger, now: now}
}

// Apply brings rc to its message, or keeps it to be looked at again. It costs one
// read of an index and one write. A receipt that names no message is evidence of
// trouble, if it tells of any, and nothing else: none has ever been seen.
//
// It never adopts at once, however well rc fits an unanswered hand-over: rc may
// come from another one to the same number, whose outcome is being written at
// this moment. Retry adopts, seconds later.
func (r *Receipts) Apply(ctx context.Context, rc sms.Receipt) (Result, error) {
	if rc.Verdict == sms.VerdictVoid {
		if err := r.reportTrouble(ctx, rc); err != nil {
			return "", err
		}
	}
	if rc.ProviderMessageID == "" {
		r.logger.WarnContext(ctx, "receipt names no message", "number", rc.Number, "verdict", string(rc.Verdict), "detail", rc.Detail)
		return Unnamed, nil
	}
	found, err := r.receive(ctx, rc)
	switch {
	case err != nil:
		return "", err
	case found:
		return Applied, nil
	}
	if err := r.store.Keep(ctx, rc.Pending(r.now())); err != nil {
		return "", fmt.Errorf("keeping a receipt: %w", err)
	}
	return Kept, nil
}

// Retry looks once more for the message of k: by its provider message id, then among all
// messages to its number that a receipt may come for. It forgets k where it
// found one, and puts it off otherwise.
func (r *Receipts) Retry(ctx context.Context, k sms.PendingReceipt) error {
	result, err := r.retry(ctx, k)
	if err == nil && result != Kept {
		r.logger.InfoContext(ctx, "kept receipt settled",
			"result", string(result), "provider_message_id", k.Receipt.ProviderMessageID, "number", k.Receipt.Number)
	}
	return err
}

func (r *Receipts) retry(ctx context.Context, k sms.PendingReceipt) (Result, error) {
	result := Applied
	found, err := r.receive(ctx, k.Receipt)
	if err == nil && !found {
		result = Adopted
		found, err = r.adopt(ctx, k)
	}
	switch {
	case err != nil:
		return "", err
	case found:
		if err := r.store.Forget(ctx, k); err != nil {
			return "", fmt.Errorf("forgetting a receipt: %w", err)
		}
		return result, nil
	}
	k = k.Retried(r.now())
	if err := r.store.Keep(ctx, k); err != nil {
		return "", fmt.Errorf("putting a receipt off: %w", err)
	}
	if k.Due.IsZero() {
		return Foreign, nil
	}
	return Kept, nil
}

// receive applies rc to the message that has its provider message id, and reports whether
// there is one.
func (r *Receipts) receive(ctx context.Context, rc sms.Receipt) (found bool, err error) {
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
		// The index lags: the record is past its retention or another one by now.
		return false, nil
	case err != nil:
		return false, fmt.Errorf("applying a receipt to message %s: %w", id, err)
	}
	return true, r.prove(ctx, m, rc, rc.Names)
}

// adopt applies k to the one hand-over that it can belong to.
func (r *Receipts) adopt(ctx context.Context, k sms.PendingReceipt) (found bool, err error) {
	waiting, err := r.store.Unmatched(ctx, k.Receipt.Number)
	if err != nil {
		return false, fmt.Errorf("looking for what waits for a receipt: %w", err)
	}
	m, token, err := waiting.Owner(ctx, r.store, k, r.now())
	if token == "" || err != nil {
		return false, err
	}
	m, err = change.Message(ctx, r.store, m, func(m sms.Message) (sms.Message, bool) {
		m, found = r.rules.Adopt(m, token, k.Receipt, r.now())
		return m, found
	})
	if !found || err != nil {
		return false, err
	}
	return true, r.Prove(ctx, m, token, k.Receipt)
}
