package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// resendable lists the statuses in which a message can be resent.
var resendable = []sms.Status{sms.Unknown, sms.Undelivered, sms.Failed, sms.Expired, sms.Canceled}

// resend serves POST /v1/sms/{id}/resend. It does not change the old message. A repeated
// request must succeed even if the old message has changed or was deleted since the first
// request. So before resend refuses a request with a key, it looks for the message that an
// earlier request with this key created.
func (a *api) resend(c *call) (answer, error) {
	key, err := idempotencyKey(c.Header)
	if err != nil {
		return answer{}, err
	}
	// This deadline is for three steps together: reading the old message, recording the
	// new one, and looking for the original.
	ctx, cancel := context.WithTimeout(c.Context(), a.Deadlines.Accept-c.waited)
	defer cancel()
	now := a.Now()
	draft := sms.Draft{Owner: c.caller.Owner, Client: c.caller.ClientID, Request: sms.Request{ResendOf: c.id}}
	accepted, err := a.recordResend(ctx, c, draft, key, now)
	if mayHaveChanged(err) {
		accepted, err = a.original(ctx, draft, key, err)
	}
	if err != nil {
		return answer{}, err
	}
	a.enqueue(c.Context(), accepted)
	return accepted.answer(c.Context()), nil
}

// mayHaveChanged reports whether an earlier request with the same key may have been
// accepted, although this one fails with err.
func mayHaveChanged(err error) bool {
	refused, ok := errors.AsType[*apiError](err)
	return errors.Is(err, sms.ErrNotFound) || (ok && (refused.slug == notResendable || refused.slug == invalidFields))
}

// recordResend records a new message with the same request as the old message, whose id
// is in the path.
func (a *api) recordResend(ctx context.Context, c *call, d sms.Draft, key string, now time.Time) (acceptance, error) {
	old, err := a.ownMessage(ctx, c)
	if err != nil {
		return acceptance{}, err
	}
	if !slices.Contains(resendable, old.Status) {
		return acceptance{}, &apiError{slug: notResendable, cause: fmt.Errorf("message %s is %s", old.ID, old.Status)}
	}
	if old.TextDeleted {
		return acceptance{}, &apiError{slug: notResendable, detail: "The text of the message was deleted."}
	}
	d.Request = old.Again()
	if wrong := a.checkHere(&d, c.caller.Limits, now); wrong != nil {
		var f strictjson.Fields
		failAll(&f, wrong)
		return acceptance{}, &apiError{slug: invalidFields, fields: f.Errors()}
	}
	return a.record(ctx, d, c.caller.Limits, key, now)
}
