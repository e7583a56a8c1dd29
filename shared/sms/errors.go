package sms

import (
	"errors"
	"fmt"
	"time"
)

// Sentinels that every port uses. An error of a port that is none of these
// leaves it open whether the call was carried out.
var (
	// ErrNotFound says that there is no such record, or that it is past its
	// retention.
	ErrNotFound = errors.New("no such message")
	// ErrConflict says that the record is no longer what the caller took it
	// for. Nothing was changed.
	ErrConflict = errors.New("the record has changed")
	// ErrUnavailable says that the call was certainly not carried out and is
	// worth repeating later: throttled, or never connected.
	ErrUnavailable = errors.New("not available now")
	// ErrTooLate says that a message can no longer be canceled, resent or
	// stripped of its text in the state that it has.
	ErrTooLate = errors.New("the state of the message does not allow it")
)

// InvalidError says which field of a request is wrong, in words for the client.
type InvalidError struct {
	Field  string // the name in the API's JSON
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// ConflictError is ErrConflict with the record as it is now.
type ConflictError struct{ Current Message }

func (e *ConflictError) Error() string { return ErrConflict.Error() }

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// NotClaimableError says why a record cannot be claimed now. Nothing was
// changed.
type NotClaimableError struct {
	Current Message
	Reason  NotClaimable
}

func (e *NotClaimableError) Error() string { return "not claimable: " + string(e.Reason) }

// NotClaimable is the reason of a refused claim.
type NotClaimable string

// The reasons of a refused claim.
const (
	NotWaiting    NotClaimable = "it is not waiting for a sender"
	TooEarly      NotClaimable = "its time has not come"
	PastExpiry    NotClaimable = "its expiry has passed"
	AttemptsSpent NotClaimable = "its attempts are spent"
)

// ProviderError is a provider's refusal. Any other error of a Provider means
// that no answer came back.
type ProviderError struct {
	Refusal Refusal
	Code    string      // the provider's own code, for people
	Detail  string      // the provider's own words, for operators, never for clients
	Failure FailureCode // what the client is told, for RefusedForGood
	Trouble Trouble     // what the breaker opens for, for AccountWide
	// PerhapsAccount says that the provider refuses so, too, if the account can send
	// to no number at all.
	PerhapsAccount bool
	RetryAfter     time.Duration // 0 when the provider did not say
	Err            error         // the cause, may be nil
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("the provider refused %s: %s: %s", e.Refusal, e.Code, e.Detail)
}

func (e *ProviderError) Unwrap() error { return e.Err }

// Refusal says what kind of answer a provider's "no" is.
type Refusal string

// The kinds of refusal.
const (
	RefusedForNow  Refusal = "for now"      // throttled, or never connected: try later, costs no attempt
	RefusedForGood Refusal = "for good"     // this message will never be taken
	AccountWide    Refusal = "account-wide" // no message would be taken: the breaker opens
)
