package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// lookUp serves GET /v1/sms/{id}. For a message of another owner, the answer is the same
// as for an id that has no message.
func (a *api) lookUp(c *call) (answer, error) {
	known, err := readIfNoneMatch(c.Header)
	if err != nil {
		return answer{}, err
	}
	wait, err := c.readWait()
	if err != nil {
		return answer{}, err
	}
	m, err := a.ownMessage(c.Context(), c)
	if err != nil {
		return answer{}, err
	}
	seen := snapshotOf(m)
	if wait = min(wait, a.MaxWait); wait > 0 && !m.Status.Final() && (len(known.tags) == 0 || known.includes(seen.tag)) {
		seen = a.awaitChange(c, seen, wait)
	}
	if known.includes(seen.tag) {
		return answer{status: http.StatusNotModified, header: http.Header{"Etag": {seen.tag}}}, nil
	}
	return seen.answer(http.StatusOK), nil
}

// snapshot is a message as clients see it at one moment.
type snapshot struct {
	body []byte
	tag  string // a strong entity tag: different bodies have different tags
}

func snapshotOf(m sms.Message) snapshot {
	body := mustJSON(viewOf(m))
	sum := sha256.Sum256(body)
	return snapshot{body: body, tag: `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// answer returns an answer with this status that shows the message. Every such answer has
// the entity tag of a look-up. So a client can use the tag of any answer with
// If-None-Match.
func (s snapshot) answer(status int) answer {
	header := http.Header{"Content-Type": {"application/json"}, "Etag": {s.tag}}
	return answer{status: status, header: header, body: s.body}
}

// ownMessage reads the message whose id is in the path. It returns sms.ErrNotFound if the
// caller does not own the message.
func (a *api) ownMessage(ctx context.Context, c *call) (sms.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Read-c.waited)
	defer cancel()
	m, err := a.get(ctx, c.id)
	if err != nil {
		return sms.Message{}, err
	}
	if m.Owner != c.caller.Owner {
		return sms.Message{}, fmt.Errorf("message %s is another owner's: %w", c.id, sms.ErrNotFound)
	}
	return m, nil
}

// get reads one message. If there is no such message, the error is sms.ErrNotFound. Any other error becomes
// the problem unavailable, because a client can always repeat a read.
func (a *api) get(ctx context.Context, id string) (sms.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Deadlines.Read)
	defer cancel()
	m, err := a.Store.Get(ctx, id)
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, sms.ErrNotFound):
		return sms.Message{}, fmt.Errorf("reading message %s: %w", id, err)
	}
	return sms.Message{}, &apiError{slug: unavailable, cause: fmt.Errorf("reading message %s: %w", id, err)}
}
