package sms

import (
	"errors"
	"fmt"
	"time"
)

// Every port can return these errors. After any other error of a port, the call may have
// been carried out.
var (
	// ErrNotFound says that the record is absent: it never existed, or it is past
	// its retention.
	ErrNotFound = errors.New("no such message")
	// ErrConflict says that the record has changed since the caller read it.
	// Nothing was written.
	ErrConflict = errors.New("the record has changed")
	// ErrUnavailable says that the call was throttled or got no connection. The call was
	// certainly not carried out. Repeating it later may help.
	ErrUnavailable = errors.New("not available now")
	// ErrTooLate says that the state of the message does not allow the request: to cancel
	// or resend the message, or to delete its text.
	ErrTooLate = errors.New("the state of the message does not allow it")
)

// InvalidError says which field of a request is wrong and why. Clients see this error.
type InvalidError struct {
	Field  string // the name in the API's JSON
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// ConflictError is an ErrConflict that also contains the current record.
type ConflictError struct{ Current Message }

func (e *ConflictError) Error() string { return ErrConflict.Error() }

// Is reports whether target is ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// NotClaimableError says why a record cannot be claimed now, and that nothing was
// written.
type NotClaimableError struct {
	Current Message
	Reason  NotClaimable
}

func (e *NotClaimableError) Error() string { return "not claimable: " + string(e.Reason) }

// NotClaimable is a reason why a claim was refused.
type NotClaimable string

// These are the reasons why a claim can be refused.
const (
	NotWaiting    NotClaimable = "it is not waiting for a sender"
	TooEarly      NotClaimable = "its time has not come"
	PastExpiry    NotClaimable = "its expiry has passed"
	AttemptsSpent NotClaimable = "its attempts are spent"
)

// ProviderError is a refusal by a provider. After any other error of a Provider, the
// hand-over is unanswered.
type ProviderError struct {
	Refusal Refusal
	Code    string      // the provider's own code
	Detail  string      // the provider's own words; for operators, not for clients
	Failure FailureCode // why the message failed; only if RefusedForGood
	Trouble Trouble     // why the breaker opens; only if AccountWide
	// PerhapsAccount is true if the cause may be the account, and not this message. This is
	// so if the provider gives the same answer when the account cannot send to any number.
	PerhapsAccount bool
	RetryAfter     time.Duration // 0 if the provider did not say
	Err            error         // the cause; may be nil
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("the provider refused %s: %s: %s", e.Refusal, e.Code, e.Detail)
}

func (e *ProviderError) Unwrap() error { return e.Err }

// Refusal is the kind of a refusal.
type Refusal string

// These are the kinds of refusal.
const (
	RefusedForNow  Refusal = "for now"      // throttled or not connected: try again later, without counting an attempt
	RefusedForGood Refusal = "for good"     // this message will never be taken
	AccountWide    Refusal = "account-wide" // no message of the account is taken: the breaker opens
)
