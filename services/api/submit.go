package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxBody bounds the body of one message, in bytes.
const maxBody = 32 << 10

// submit is POST /v1/sms.
func (a *api) submit(c *call) (answer, error) {
	key, err := idempotencyKey(c.Header)
	if err != nil {
		return answer{}, err
	}
	document, err := c.readDocument()
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), a.Deadlines.Accept)
	defer cancel()
	accepted, err := a.accept(ctx, c.caller, document, key)
	if err != nil {
		return answer{}, err
	}
	a.enqueue(c.Context(), accepted)
	return accepted.answer(), nil
}

// acceptance is a message that is recorded: by this request, or by an earlier
// one with the same key.
type acceptance struct {
	message  sms.Message
	replayed bool
}

// answer is the 202 of an acceptance.
func (accepted acceptance) answer() answer {
	reply := look(accepted.message).answer(http.StatusAccepted)
	reply.header.Set("Location", "/v1/sms/"+accepted.message.ID)
	if accepted.replayed {
		reply.header.Set("Idempotent-Replayed", "true")
	}
	return reply
}

// accept records the message that f describes for caller. key is the client's
// idempotency key or "". A refusal changes nothing. What is new must then be
// enqueued. ctx bounds all of it, which Deadlines.Accept is for.
//
// What the time or the deployment's configuration refuses may be the
// repetition of what was accepted before they changed, so with a key the
// original is looked up first.
func (a *api) accept(ctx context.Context, caller Caller, f *fields, key string) (acceptance, error) {
	if !f.object {
		return acceptance{}, &refusal{slug: invalidFields, fields: f.Errors()}
	}
	draft := readDraft(f)
	draft.Owner, draft.Client = caller.Owner, caller.ClientID
	neverRight := f.Errors() != nil
	now := a.Now()
	f.failAll(a.checkHere(&draft, now))
	if wrong := f.Errors(); wrong != nil {
		invalid := &refusal{slug: invalidFields, fields: wrong}
		if neverRight {
			return acceptance{}, invalid
		}
		return a.original(ctx, draft, key, invalid)
	}
	return a.record(ctx, draft, key, now)
}

// original answers with the message that was accepted for d under key before,
// and with otherwise where there is none.
func (a *api) original(ctx context.Context, d sms.Draft, key string, otherwise error) (acceptance, error) {
	if key == "" {
		return acceptance{}, otherwise
	}
	m, err := a.get(ctx, sms.DerivedID(d.Owner, key))
	switch {
	case errors.Is(err, sms.ErrNotFound):
		return acceptance{}, otherwise
	case err != nil:
		return acceptance{}, err
	}
	return replay(m, d)
}

// replay answers with the message as it is now if it was accepted for the same
// request. That it is the same owner's is in its id. A resend says nothing but
// of which message: what that was like may have changed since.
func replay(original sms.Message, d sms.Draft) (acceptance, error) {
	same := original.ResendOf == d.ResendOf && (d.ResendOf != "" || original.Fingerprint == d.Fingerprint())
	if !same {
		return acceptance{}, &refusal{slug: idempotencyKeyReused}
	}
	return acceptance{message: original, replayed: true}, nil
}

// errNotCounted says that there was no message to replay before counting.
var errNotCounted = errors.New("no original")

// record counts and writes the message of d, which passed all checks, until the
// deadline of ctx.
func (a *api) record(ctx context.Context, d sms.Draft, key string, now time.Time) (acceptance, error) {
	id := sms.NewID()
	if key != "" {
		id = sms.DerivedID(d.Owner, key)
	}
	m := a.Rules.Accept(id, d, now)
	counts := a.countsOf(m, now)
	if len(counts) > 0 && key != "" {
		if accepted, err := a.original(ctx, d, key, errNotCounted); !errors.Is(err, errNotCounted) {
			return accepted, err
		}
	}
	if err := ctx.Err(); err != nil {
		return acceptance{}, &refusal{slug: unavailable, cause: fmt.Errorf("before the write: %w", err)}
	}
	// From here on the client's leaving changes nothing: a written record is
	// accepted and wants its place on the queue.
	ctx, cancel := lasting(ctx)
	defer cancel()
	if err := a.count(ctx, counts, now); err != nil {
		return acceptance{}, err
	}
	err := a.create(ctx, m)
	if errors.Is(err, sms.ErrConflict) || errors.Is(err, sms.ErrUnavailable) {
		a.giveBack(ctx, counts)
	}
	if conflict, ok := errors.AsType[*sms.ConflictError](err); ok && key != "" {
		return replay(conflict.Current, d)
	}
	if err != nil {
		return acceptance{}, err
	}
	return acceptance{message: m}, nil
}

// lasting is ctx with its deadline, but not ended by the client.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline)
}

// create writes m. Of its errors only sms.ErrConflict and unavailable mean
// that m is not recorded.
func (a *api) create(ctx context.Context, m sms.Message) error {
	err := a.Store.Create(ctx, m)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sms.ErrConflict), errors.Is(err, sms.ErrUnavailable):
		return fmt.Errorf("recording message %s: %w", m.ID, err)
	}
	return &refusal{slug: outcomeUnknown, cause: fmt.Errorf("recording message %s: %w", m.ID, err)}
}
