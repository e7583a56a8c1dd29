package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/strictjson"
)

// maxBody limits the body of a single message, in bytes.
const maxBody = 32 << 10

// submit serves POST /v1/sms.
func (a *api) submit(c *call) (answer, error) {
	key, err := idempotencyKey(c.Header)
	if err != nil {
		return answer{}, err
	}
	document, err := c.readDocument()
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), a.Deadlines.Accept-c.waited)
	defer cancel()
	accepted, err := a.accept(ctx, c.caller, document, key)
	if err != nil {
		return answer{}, err
	}
	a.enqueue(c.Context(), accepted)
	return accepted.answer(c.Context()), nil
}

// acceptance is a message that was recorded by this request, or by an earlier request
// with the same key.
type acceptance struct {
	message  sms.Message
	replayed bool
}

// answer returns the answer with status 202 for an accepted message.
func (accepted acceptance) answer(ctx context.Context) answer {
	reply := snapshotOf(accepted.message).answer(http.StatusAccepted)
	reply.header.Set("Location", BasePath(ctx)+"/sms/"+accepted.message.ID)
	if accepted.replayed {
		reply.header.Set("Idempotent-Replayed", "true")
	}
	return reply
}

// accept records the message in f for the given caller. The idempotency key may be "". If
// accept returns an error, it has changed nothing. Whoever calls accept must give ctx a
// timeout of Deadlines.Accept, and must enqueue the message unless it was replayed.
//
// The repetition of an accepted request may have become invalid, because time has passed or
// the configuration has changed. So if there is a key, accept looks for the original message
// before it refuses the request.
func (a *api) accept(ctx context.Context, caller Caller, f *strictjson.Fields, key string) (acceptance, error) {
	r := a.readRequest(caller, f)
	if r.hopeless(key) {
		return acceptance{}, r.refusal
	}
	return a.acceptRequest(ctx, caller, r, key)
}

// A request is what the API read from a client's submission.
type request struct {
	draft      sms.Draft
	refusal    error // nil if the draft is valid
	neverRight bool  // the draft cannot have been valid at any time; if false, it may have been valid earlier
	at         time.Time
}

// hopeless reports whether the records cannot change the answer to r: r is refused.
func (r request) hopeless(key string) bool {
	return r.refusal != nil && (r.neverRight || key == "")
}

func (a *api) readRequest(caller Caller, f *strictjson.Fields) request {
	if !f.IsObject() {
		return request{refusal: &apiError{slug: invalidFields, fields: f.Errors()}, neverRight: true}
	}
	r := request{draft: readDraft(f), at: a.Now()}
	r.draft.Owner, r.draft.Client = caller.Owner, caller.ClientID
	r.neverRight = f.Errors() != nil
	failAll(f, a.checkHere(&r.draft, caller.Limits, r.at))
	if wrong := f.Errors(); wrong != nil {
		r.refusal = &apiError{slug: invalidFields, fields: wrong}
	}
	return r
}

// acceptRequest accepts r, which must not be hopeless.
func (a *api) acceptRequest(ctx context.Context, caller Caller, r request, key string) (acceptance, error) {
	if r.refusal != nil {
		return a.original(ctx, r.draft, key, r.refusal)
	}
	return a.record(ctx, r.draft, caller.Limits, key, r.at)
}

// original returns the message that was accepted for d with this idempotency key. If
// there is no such message, it returns the parameter `refusal`, which is the error of the
// request.
func (a *api) original(ctx context.Context, d sms.Draft, key string, refusal error) (acceptance, error) {
	if key == "" {
		return acceptance{}, refusal
	}
	m, err := a.get(ctx, sms.DerivedID(d.Owner, key))
	switch {
	case errors.Is(err, sms.ErrNotFound):
		return acceptance{}, refusal
	case err != nil:
		return acceptance{}, err
	}
	return replay(m, d)
}

// replay checks whether the earlier message was accepted for the same request as d. If
// so, it returns the earlier message, and otherwise an error. The message and d have the
// same owner, because the id of a message depends on its owner and key. Two resends of
// one message are the same request, even if the status of the message has changed in
// between. If the text of the earlier message was deleted, its fingerprint is gone too,
// so only the keys are compared.
func replay(original sms.Message, d sms.Draft) (acceptance, error) {
	same := original.ResendOf == d.ResendOf && (d.ResendOf != "" || original.TextDeleted || original.Fingerprint == d.Fingerprint())
	if !same {
		return acceptance{}, &apiError{slug: idempotencyKeyReused}
	}
	return acceptance{message: original, replayed: true}, nil
}

// errNotCounted means that no earlier request created a message with this key, and that no counter was
// changed.
var errNotCounted = errors.New("no original")

// record adds the message of d to the counts for the limits l, and writes the message to
// the store. The message must have passed all checks. The context ctx must have a
// deadline, at which record stops.
func (a *api) record(ctx context.Context, d sms.Draft, l Limits, key string, now time.Time) (acceptance, error) {
	id := sms.NewID()
	if key != "" {
		id = sms.DerivedID(d.Owner, key)
	}
	m := a.Rules.Accept(id, d, now)
	counts := countsOf(m, l, now)
	if len(counts) > 0 && key != "" {
		if accepted, err := a.original(ctx, d, key, errNotCounted); !errors.Is(err, errNotCounted) {
			return accepted, err
		}
	}
	if err := ctx.Err(); err != nil {
		return acceptance{}, &apiError{slug: unavailable, cause: fmt.Errorf("before the write: %w", err)}
	}
	// From here on, continue until the deadline, even if the client disconnects. When the record is written,
	// the message is accepted and must be enqueued.
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
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

// create writes m. If the error is sms.ErrConflict or sms.ErrUnavailable, m is not recorded.
// After any other error, m may be recorded.
func (a *api) create(ctx context.Context, m sms.Message) error {
	err := a.Store.Create(ctx, m)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sms.ErrConflict), errors.Is(err, sms.ErrUnavailable):
		return fmt.Errorf("recording message %s: %w", m.ID, err)
	}
	return &apiError{slug: outcomeUnknown, cause: fmt.Errorf("recording message %s: %w", m.ID, err)}
}
