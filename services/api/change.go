package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/sms"
)

// change applies the function `rule` to the caller's message whose id is in the path. If
// the function `rule` returns an error, change returns this error unchanged. If it is not
// known whether the store made the change, change returns an error with the detail
// onUnknown.
func (a *api) change(
	c *call, rule func(sms.Message) (after sms.Message, changed bool, err error), onUnknown string,
) (sms.Message, error) {
	m, err := a.ownMessage(c.Context(), c)
	if err != nil {
		return sms.Message{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), a.Deadlines.Change)
	defer cancel()
	var refused error
	m, err = change.Message(ctx, a.Store, m, func(m sms.Message) (after sms.Message, changed bool) {
		after, changed, refused = rule(m)
		return after, changed && refused == nil
	})
	switch {
	case err == nil:
		return m, refused
	case errors.Is(err, sms.ErrNotFound), errors.Is(err, sms.ErrUnavailable):
		return sms.Message{}, err
	case errors.Is(err, sms.ErrConflict):
		return sms.Message{}, &apiError{slug: unavailable, cause: fmt.Errorf("changing message %s: %w", c.id, err)}
	}
	return sms.Message{}, &apiError{slug: outcomeUnknown, detail: onUnknown, cause: err}
}
