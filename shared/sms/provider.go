package sms

import (
	"context"
	"time"
)

// ProviderName names a provider in records, logs and configuration: lower-case
// letters, digits and hyphens. Hand-overs and receipts carry it, so a released
// name never changes.
type ProviderName string

// ProviderRef identifies a hand-over that a provider took. Two providers may
// give out the same id.
type ProviderRef struct {
	Provider  ProviderName
	MessageID string // the provider message id
}

// LatestReceipt is the longest time from a hand-over to its receipt, for every
// provider. Each provider promises less; the rest allows for the way to us.
const LatestReceipt = 73 * time.Hour

// Provider takes messages from us. Any number of callers may use it at once.
type Provider interface {
	// Name returns the name that the provider's hand-overs and receipts carry.
	Name() ProviderName
	// HandOver offers m to the provider in one attempt; it never repeats it.
	//
	//   - A nil error means that the provider took m. Its receipts will carry
	//     providerMessageID, which is not empty.
	//   - A *ProviderError is a refusal: the provider certainly did not take m.
	//   - After any other error, the end of ctx included, it may have taken m.
	//
	// No error contains the whole number of m.
	HandOver(ctx context.Context, m Message) (providerMessageID string, err error)
}
