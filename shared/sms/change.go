package sms

import (
	"context"
	"errors"
	"fmt"
)

// Change applies f to m and updates the record, again and again as long as
// others change it first. f must be a rule: it gets the record as it is. It
// returns the record as it is in the end, which is m where f finds nothing to
// change.
func Change(ctx context.Context, store Messages, m Message, f func(Message) (after Message, changed bool)) (Message, error) {
	for range 10 {
		next, changed := f(m)
		if !changed {
			return m, nil
		}
		saved, err := store.Update(ctx, m, next)
		if err == nil {
			return saved, nil
		}
		var conflict *ConflictError
		if !errors.As(err, &conflict) {
			return m, fmt.Errorf("updating message %s: %w", m.ID, err)
		}
		m = conflict.Current
	}
	return m, fmt.Errorf("updating message %s: %w", m.ID, ErrConflict)
}

// ChangeBreaker applies f to the breaker and saves it, again and again as long
// as others change it first. It returns the breaker as it is in the end.
func ChangeBreaker(ctx context.Context, store Breakers, f func(Breaker) (after Breaker, changed bool)) (Breaker, error) {
	for range 10 {
		b, err := store.LoadBreaker(ctx)
		if err != nil {
			return Breaker{}, fmt.Errorf("loading the breaker: %w", err)
		}
		next, changed := f(b)
		if !changed {
			return b, nil
		}
		if err = store.SaveBreaker(ctx, next); err == nil {
			return next, nil
		} else if !errors.Is(err, ErrConflict) {
			return Breaker{}, fmt.Errorf("saving the breaker: %w", err)
		}
	}
	return Breaker{}, fmt.Errorf("saving the breaker: %w", ErrConflict)
}
