package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// maxBody bounds the body of one message, in bytes.
const maxBody = 32 << 10

// submit is POST /v1/sms.
func (a *api) submit(c *call) (answer, error) {
	if err := checkMediaType(c.Header); err != nil {
		return answer{}, err
	}
	key, err := idempotencyKey(c.Header)
	if err != nil {
		return answer{}, err
	}
	body, err := readBody(c.Request, maxBody)
	if err != nil {
		return answer{}, err
	}
	document, err := decodeDocument(body)
	if err != nil {
		return answer{}, err
	}
	accepted, err := a.accept(c.Context(), c.caller, document, key)
	if err != nil {
		return answer{}, err
	}
	header := http.Header{
		"Content-Type": {"application/json"},
		"Location":     {"/v1/sms/" + accepted.message.ID},
	}
	if accepted.replayed {
		header.Set("Idempotent-Replayed", "true")
	}
	return answer{status: http.StatusAccepted, header: header, body: mustJSON(viewOf(accepted.message))}, nil
}

// acceptance is a message that is recorded: by this request, or by an earlier
// one with the same key.
type acceptance struct {
	message  sms.Message
	replayed bool
}

// accept records the message that f describes for caller, and enqueues it. key
// is the client's idempotency key or "". A refusal changes nothing.
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
	a.checkHere(f, &draft, now)

	id := sms.NewID()
	if key != "" {
		id = sms.DerivedID(draft.Owner, key)
	}
	if wrong := f.Errors(); wrong != nil {
		invalid := &refusal{slug: invalidFields, fields: wrong}
		if key == "" || neverRight {
			return acceptance{}, invalid
		}
		original, err := a.get(ctx, id)
		if errors.Is(err, sms.ErrNotFound) {
			return acceptance{}, invalid
		}
		if err != nil {
			return acceptance{}, err
		}
		return replay(original, draft)
	}

	m := a.Rules.Accept(id, draft, now)
	if err := ctx.Err(); err != nil {
		return acceptance{}, &refusal{slug: unavailable, cause: fmt.Errorf("before the write: %w", err)}
	}
	// From here on the client's leaving changes nothing: a written record is
	// accepted and wants its place on the queue.
	ctx = context.WithoutCancel(ctx)
	if err := a.create(ctx, m); err != nil {
		if conflict, ok := errors.AsType[*sms.ConflictError](err); ok && key != "" {
			return replay(conflict.Current, draft)
		}
		return acceptance{}, err
	}
	a.enqueue(ctx, m)
	return acceptance{message: m}, nil
}

// replay answers with the message as it is now if it was accepted for the same
// request. That it is the same owner's is in its id.
func replay(original sms.Message, d sms.Draft) (acceptance, error) {
	if original.Fingerprint != d.Fingerprint() {
		return acceptance{}, &refusal{slug: idempotencyKeyReused}
	}
	return acceptance{message: original, replayed: true}, nil
}

// create writes m. Of its errors only sms.ErrConflict and unavailable mean
// that m is not recorded.
func (a *api) create(ctx context.Context, m sms.Message) error {
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Write)
	defer cancel()
	err := a.Messages.Create(ctx, m)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sms.ErrConflict), errors.Is(err, sms.ErrUnavailable):
		return fmt.Errorf("recording message %s: %w", m.ID, err)
	}
	return &refusal{slug: outcomeUnknown, cause: fmt.Errorf("recording message %s: %w", m.ID, err)}
}

// enqueue puts m, just recorded, onto the queue if its time is near. A failure
// is the relay's to mend: at once if the record can be told so, else when the
// copy that it counts on is due for rescue. It is never the client's.
func (a *api) enqueue(ctx context.Context, m sms.Message) {
	delay, yes := m.EnqueueNow(a.Now())
	if !yes {
		return
	}
	err := a.send(ctx, sms.Delivery{Ref: m.Ref(), Group: m.Client, Delay: delay})
	if err == nil {
		return
	}
	a.logger.WarnContext(ctx, "message not enqueued", "message_id", m.ID, "error", err)
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Mend)
	defer cancel()
	_, err = sms.Change(ctx, a.Messages, m, func(m sms.Message) (sms.Message, bool) {
		return a.Rules.EnqueueFailed(m, a.Now())
	})
	if err != nil {
		a.logger.WarnContext(ctx, "message not marked as due", "message_id", m.ID, "error", err)
	}
}

func (a *api) send(ctx context.Context, d sms.Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Enqueue)
	defer cancel()
	if err := a.Queue.Send(ctx, d); err != nil {
		return fmt.Errorf("enqueueing message %s: %w", d.Ref.ID, err)
	}
	return nil
}

// idempotencyKey reads the header Idempotency-Key: 1 to 255 printable ASCII
// characters, spaces included. "" where there is none.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 {
		return "", &refusal{slug: malformedRequest, detail: "The header Idempotency-Key stands there more than once."}
	}
	key := values[0]
	printable := strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	if key == "" || len(key) > 255 || !printable {
		return "", &refusal{slug: malformedRequest, detail: "The header Idempotency-Key must have 1 to 255 printable ASCII characters."}
	}
	return key, nil
}

// checkMediaType wants JSON in UTF-8, as it is. RFC 8259 gives application/json
// no parameters; of those that clients add anyway only another charset would
// change the meaning.
func checkMediaType(h http.Header) error {
	declared := h.Values("Content-Type")
	if len(declared) != 1 {
		return &refusal{slug: unsupportedMediaType}
	}
	media, parameters, err := mime.ParseMediaType(declared[0])
	charset, given := parameters["charset"]
	switch {
	case err != nil, media != "application/json", given && !strings.EqualFold(charset, "utf-8"):
		return &refusal{slug: unsupportedMediaType}
	case h.Get("Content-Encoding") != "" && !strings.EqualFold(h.Get("Content-Encoding"), "identity"):
		return &refusal{slug: unsupportedMediaType}
	}
	return nil
}

// readBody reads a body of at most limit bytes.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	tooLarge := &refusal{slug: bodyTooLarge, detail: fmt.Sprintf("The body may have at most %d bytes.", limit)}
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, &refusal{slug: malformedRequest, detail: "The body could not be read to its end.", cause: err}
	case int64(len(body)) > limit:
		return nil, tooLarge
	}
	return body, nil
}

// get reads one message. An error that is not sms.ErrNotFound is unavailable,
// whatever the store says: reading again does no harm.
func (a *api) get(ctx context.Context, id string) (sms.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Read)
	defer cancel()
	m, err := a.Messages.Get(ctx, id)
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, sms.ErrNotFound):
		return sms.Message{}, fmt.Errorf("reading message %s: %w", id, err)
	}
	return sms.Message{}, &refusal{slug: unavailable, cause: fmt.Errorf("reading message %s: %w", id, err)}
}
