// Package change applies the domain's rules to the records in a store. It reads a record,
// applies a rule and writes the result. If somebody else has written the record in the
// meantime, it starts again.
package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// attempts is the maximum number of times that a change is tried. An attempt fails if
// somebody else has changed the record in the meantime.
const attempts = 10

// Message applies the function `rule` to m, updates the record and returns the new record.
// If somebody else has changed the record first, Message applies rule again, to the newer
// record. So rule must depend only on its argument. If rule changes nothing, Message
// writes nothing.
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

// Breaker loads the breaker, applies the function `rule`, saves the result and returns the
// new breaker. If somebody else has saved the breaker first, Breaker starts again. So
// rule must depend only on its argument. If rule changes nothing, Breaker writes nothing.
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

// Operate carries out an operator's order and returns the new breaker. When Operate
// returns, the order is durable. Senders learn of the order within sms.BreakerAge. For an
// invalid order, Operate returns an *sms.InvalidError and changes nothing. After any
// other error, the order may have been carried out; the caller can safely repeat it.
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
