package sms

import (
	"context"
	"time"
)

// ProviderName names a provider in records, logs and configuration. It has lower-case
// letters, digits and hyphens. Hand-overs and receipts contain it, so a name never
// changes after a release.
type ProviderName string

// ProviderRef identifies a hand-over that a provider took. Two providers can use the same
// id.
type ProviderRef struct {
	Provider  ProviderName
	MessageID string // the provider message id
}

// LatestReceipt is the longest time from a hand-over to its receipt, whichever provider
// took the message. Providers promise a shorter time; the rest is the time that a receipt
// takes from the provider to us.
const LatestReceipt = 73 * time.Hour

// Late returns an error if ctx has ended, or if the clock shows that the deadline of ctx
// has passed. If a process was stopped for a while, its timers all fire at once when it
// goes on: then ctx.Err may still be nil, and a select may choose another channel than
// ctx.Done.
func Late(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) { // guard: late by the clock
		return context.DeadlineExceeded
	}
	return nil
}

// Provider takes messages from us. Callers may use it concurrently.
type Provider interface {
	// Name returns the provider's name, which its hand-overs and receipts contain.
	Name() ProviderName
	// HandOver offers m to the provider once, and never retries.
	//
	//   - If the error is nil, the provider took m. Its receipts will have
	//     providerMessageID, which is not empty.
	//   - If the error is a *ProviderError, the provider refused m and certainly did not
	//     take it.
	//   - After any other error the provider may have taken m, even if the error is that
	//     ctx ended.
	//
	// After the deadline of ctx, HandOver offers nothing. It calls Late after its last
	// wait, right before it offers m.
	//
	// No error contains the whole number of m.
	HandOver(ctx context.Context, m Message) (providerMessageID string, err error)
}
