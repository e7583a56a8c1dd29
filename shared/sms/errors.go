package sms

import (
	"errors"
	"fmt"
	"time"
)

// The errors of every port. After any other error of a port, the call may have been
// carried out.
var (
	// ErrNotFound says that the record is absent: it never existed, or it is past
	// its retention.
	ErrNotFound = errors.New("no such message")
	// ErrConflict says that the record has changed since the caller read it.
	// Nothing was written.
	ErrConflict = errors.New("the record has changed")
	// ErrUnavailable says that the call was throttled or never connected. It was
	// certainly not carried out; repeating it later may help.
	ErrUnavailable = errors.New("not available now")
	// ErrTooLate says that in its present state the message cannot be canceled
	// or resent, or its text cannot be deleted.
	ErrTooLate = errors.New("the state of the message does not allow it")
)

// InvalidError says which field of a request is wrong, in words for the client.
type InvalidError struct {
	Field  string // the name in the API's JSON
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// ConflictError is an ErrConflict that has the current record.
type ConflictError struct{ Current Message }

func (e *ConflictError) Error() string { return ErrConflict.Error() }

// Is reports whether target is ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// NotClaimableError says why a record cannot be claimed now. Nothing was written.
type NotClaimableError struct {
	Current Message
	Reason  NotClaimable
}

func (e *NotClaimableError) Error() string { return "not claimable: " + string(e.Reason) }

// NotClaimable is the reason why a claim was refused.
type NotClaimable string

// The reasons why a claim may be refused.
const (
	NotWaiting    NotClaimable = "it is not waiting for a sender"
	TooEarly      NotClaimable = "its time has not come"
	PastExpiry    NotClaimable = "its expiry has passed"
	AttemptsSpent NotClaimable = "its attempts are spent"
)

// ProviderError is a provider's refusal. After any other error of a Provider the
// hand-over is unanswered.
type ProviderError struct {
	Refusal Refusal
	Code    string      // the provider's own code, for people
	Detail  string      // the provider's own words, for operators, never for clients
	Failure FailureCode // for the client; only if RefusedForGood
	Trouble Trouble     // why the breaker opens; only if AccountWide
	// PerhapsAccount is true if the cause may be the account rather than this message:
	// the provider gives the same answer when the account cannot send to any number.
	PerhapsAccount bool
	RetryAfter     time.Duration // 0 if the provider did not say
	Err            error         // the cause, may be nil
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("the provider refused %s: %s: %s", e.Refusal, e.Code, e.Detail)
}

func (e *ProviderError) Unwrap() error { return e.Err }

// Refusal is the kind of a refusal.
type Refusal string

// The kinds of refusal.
const (
	RefusedForNow  Refusal = "for now"      // throttled, or never connected: it is tried again later, and no attempt is counted
	RefusedForGood Refusal = "for good"     // this message will never be taken
	AccountWide    Refusal = "account-wide" // no message of the account is taken: the breaker opens
)
