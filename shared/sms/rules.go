package sms

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Rules are a deployment's choices about the life of its messages. Only the methods of
// Rules change a status. Each method is a pure function: it takes a record and an event,
// and returns the record after the event.
type Rules struct {
	Validity    time.Duration // determines ExpiresAt if the client's request does not contain it
	Retention   time.Duration // how long records at rest are kept, at least 7 days
	Lease       time.Duration // the sender's timeout + LeaseMargin
	MaxAttempts int           // the maximum number of hand-overs that reached the provider, or may have reached it; at most MostAttempts
	FirstRetry  time.Duration // the longest wait after one refusal; later waits are longer
	FirstProbe  time.Duration // the time from the opening of the breaker to its first probe; later waits are longer
	// SeveralOwners says whether the deployment's clients have more than one owner.
	SeveralOwners bool
	Jitter        func() float64
}

// DefaultRules returns the rules of a deployment that sets none of them.
func DefaultRules() Rules {
	return Rules{
		Validity:    24 * time.Hour,
		Retention:   30 * 24 * time.Hour,
		Lease:       time.Minute + LeaseMargin,
		MaxAttempts: 5,
		FirstRetry:  5 * time.Second,
		FirstProbe:  time.Minute,
		Jitter:      rand.Float64,
	}
}

// Check returns an error that says what is wrong with r.
func (r Rules) Check() error {
	switch {
	case r.Validity < time.Minute:
		return errors.New("validity must be at least a minute")
	case r.Retention < 7*24*time.Hour:
		return errors.New("retention must be at least 7 days")
	case r.Lease < LeaseMargin:
		return fmt.Errorf("lease must be at least %v", LeaseMargin)
	case r.MaxAttempts < 1 || r.MaxAttempts > MostAttempts:
		return fmt.Errorf("attempts must be 1 to %d", MostAttempts)
	case r.FirstRetry <= 0:
		return errors.New("the first retry must wait")
	case r.FirstProbe < time.Second:
		return errors.New("the first probe must wait at least a second")
	case r.Jitter == nil:
		return errors.New("jitter is missing")
	}
	return nil
}

// backoff returns the wait after n refusals in a row, or after n void hand-overs. The
// wait doubles from FirstRetry to 10 minutes. It is shortened at random by up to half, so
// that messages that were refused at the same time do not come back at the same time.
func (r Rules) backoff(n int) time.Duration {
	wait := min(r.FirstRetry<<min(n, 10), 10*time.Minute)
	return wait - time.Duration(r.Jitter()*float64(wait)/2)
}
