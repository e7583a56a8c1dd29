package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// retryReceipts retries the pending receipts that are due. It retries each receipt only
// once in a run, even if the agenda returns the receipt again.
func (p *pass) retryReceipts(ctx context.Context) error {
	seen := make(map[string]bool)
	errs := []error{p.boundReceipts(ctx)}
	for ctx.Err() == nil {
		receipts, err := p.store.DueReceipts(ctx, time.Time{}, p.until, p.options.Page)
		if err != nil {
			return errors.Join(append(errs, fmt.Errorf("reading due receipts: %w", err))...)
		}
		full := len(receipts) >= p.options.Page
		fresh := slices.DeleteFunc(receipts, func(k sms.PendingReceipt) bool { return seen[k.ID] })
		for _, k := range fresh {
			seen[k.ID] = true
		}
		if err = p.lookAgain(ctx, fresh); err != nil {
			errs = append(errs, fmt.Errorf("looking again for the messages of receipts: %w", err))
		}
		if !full || len(fresh) == 0 {
			break
		}
	}
	return errors.Join(errs...)
}

// lookAgain retries several receipts in parallel until ctx ends. Two receipts about the
// same number can each find the other still pending. In this case fewer receipts are
// matched, but no receipt is matched to a wrong message.
func (p *pass) lookAgain(ctx context.Context, receipts []sms.PendingReceipt) error {
	errs := make([]error, len(receipts))
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i, k := range receipts {
		group.Go(func() error {
			if ctx.Err() == nil {
				errs[i] = p.receipts.Retry(ctx, k, p.cutoff())
				p.receiptsSeen.Add(1)
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	return errors.Join(errs...)
}
