// Package change applies the domain's rules to what a store holds. It reads a record,
// applies a rule and writes the result. If somebody else wrote in between, it starts
// again.
package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// attempts is how often a change is tried if others keep writing first.
const attempts = 10

// Message applies rule to m, updates the record and returns the new record. If somebody
// else changed the record first, it applies rule again, to the newer record. So rule must
// decide from its argument alone. If rule changes nothing, Message writes nothing.
func Message(ctx context.Context, store sms.Messages, m sms.Message, rule func(sms.Message) (after sms.Message, changed bool)) (sms.Message, error) {
	for range attempts {
		next, changed := rule(m)
		if !changed {
			return m, nil
		}
		saved, err := store.Update(ctx, m, next)
		if err == nil {
			return saved, nil
		}
		conflict, ok := errors.AsType[*sms.ConflictError](err)
		if !ok {
			return m, fmt.Errorf("updating message %s: %w", m.ID, err)
		}
		m = conflict.Current
	}
	return m, fmt.Errorf("updating message %s: %w", m.ID, sms.ErrConflict)
}

// Breaker loads the breaker, applies rule, saves the result and returns it. If somebody
// else saved first, it starts again. So rule must decide from its argument alone. If rule
// changes nothing, Breaker writes nothing.
func Breaker(ctx context.Context, store sms.Breakers, rule func(sms.Breaker) (after sms.Breaker, changed bool)) (sms.Breaker, error) {
	for range attempts {
		b, err := store.LoadBreaker(ctx)
		if err != nil {
			return sms.Breaker{}, fmt.Errorf("loading the breaker: %w", err)
		}
		next, changed := rule(b)
		if !changed {
			return b, nil
		}
		if err = store.SaveBreaker(ctx, next); err == nil {
			return next, nil
		} else if !errors.Is(err, sms.ErrConflict) {
			return sms.Breaker{}, fmt.Errorf("saving the breaker: %w", err)
		}
	}
	return sms.Breaker{}, fmt.Errorf("saving the breaker: %w", sms.ErrConflict)
}

// Operate carries out an operator's order and returns the new breaker. The order is then
// durable, and senders learn of it within sms.BreakerAge. For an invalid order, Operate
// returns an *sms.InvalidError and changes nothing. After any other error the order may
// have been carried out; it is safe to repeat.
func Operate(ctx context.Context, store sms.Breakers, o sms.Order, now time.Time) (sms.Breaker, error) {
	if err := o.Check(); err != nil {
		return sms.Breaker{}, err
	}
	b, err := Breaker(ctx, store, func(b sms.Breaker) (sms.Breaker, bool) { return b.Obey(o, now) })
	if err != nil {
		return sms.Breaker{}, fmt.Errorf("carrying out the order to %s: %w", o.Word, err)
	}
	return b, nil
}
