package sms

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Rules are what a deployment decides about the life of its messages. Their
// methods are the only code that changes a status. Each is a pure function: it
// takes a record and an event, and returns the record after the event.
type Rules struct {
	Validity    time.Duration // sets expiresAt if the client does not
	Retention   time.Duration // how long records at rest are kept, at least 7 days
	Lease       time.Duration // the sender's timeout + LeaseMargin
	MaxAttempts int           // the maximum number of hand-overs that reached the provider, or may have
	FirstProbe  time.Duration // from the breaker's opening to its first probe; later ones wait longer
	// SeveralOwners says whether the deployment's clients have more than one owner.
	SeveralOwners bool
	Jitter        func() float64
}

// DefaultRules returns the rules of a deployment that changes nothing.
func DefaultRules() Rules {
	return Rules{
		Validity:    24 * time.Hour,
		Retention:   30 * 24 * time.Hour,
		Lease:       time.Minute + LeaseMargin,
		MaxAttempts: 5,
		FirstProbe:  time.Minute,
		Jitter:      rand.Float64,
	}
}

// Check reports what is wrong with r.
func (r Rules) Check() error {
	switch {
	case r.Validity < time.Minute:
		return errors.New("validity must be at least a minute")
	case r.Retention < 7*24*time.Hour:
		return errors.New("retention must be at least 7 days")
	case r.Lease < LeaseMargin:
		return fmt.Errorf("lease must be at least %v", LeaseMargin)
	case r.MaxAttempts < 1:
		return errors.New("attempts must be at least 1")
	case r.FirstProbe < time.Second:
		return errors.New("the first probe must wait at least a second")
	case r.Jitter == nil:
		return errors.New("jitter is missing")
	}
	return nil
}

// backoff returns the wait before the hand-over that follows n refusals in a
// row, or n void hand-overs: doubling from 5 s to 10 minutes, minus up to half at random, so that
// messages refused together do not come back together.
func (r Rules) backoff(n int) time.Duration {
	wait := min(5*time.Second<<min(n, 10), 10*time.Minute)
	return wait - time.Duration(r.Jitter()*float64(wait)/2)
}
