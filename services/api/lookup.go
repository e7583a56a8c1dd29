package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// lookUp serves GET /v1/sms/{id}. To a client, another owner's message looks as if it did
// not exist.
func (a *api) lookUp(c *call) (answer, error) {
	known, err := readIfNoneMatch(c.Header)
	if err != nil {
		return answer{}, err
	}
	wait, err := c.readWait()
	if err != nil {
		return answer{}, err
	}
	m, err := a.own(c.Context(), c)
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

// answer returns an answer that shows the message. Its entity tag is the one of a look-up,
// so that a client can use it with If-None-Match after any operation.
func (s snapshot) answer(status int) answer {
	header := http.Header{"Content-Type": {"application/json"}, "Etag": {s.tag}}
	return answer{status: status, header: header, body: s.body}
}

// own reads the message whose id is in the path. It returns sms.ErrNotFound if the caller
// does not own the message.
func (a *api) own(ctx context.Context, c *call) (sms.Message, error) {
	m, err := a.get(ctx, c.id)
	if err != nil {
		return sms.Message{}, err
	}
	if m.Owner != c.caller.Owner {
		return sms.Message{}, fmt.Errorf("message %s is another owner's: %w", c.id, sms.ErrNotFound)
	}
	return m, nil
}

// get reads one message. If there is no such message, its error is sms.ErrNotFound. Any
// other error becomes unavailable, because a client can always repeat a read.
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

// entityTag matches one entity tag (RFC 9110, section 8.8.3) in ASCII.
// entityTags matches a list of entity tags, or a star.
const (
	entityTag  = `(W/)?"[\x21\x23-\x7e]*"`
	entityTags = `^(\*|` + entityTag + `([ \t]*,[ \t]*` + entityTag + `)*)$`
)

var (
	oneTag  = regexp.MustCompile(entityTag)
	allTags = regexp.MustCompile(entityTags)
)

// tagSet holds the tags of a client's If-None-Match header.
type tagSet struct {
	any  bool
	tags []string // without W/
}

// readIfNoneMatch reads the header If-None-Match. A tag without quotes is an error,
// because it would never match and nobody would notice.
func readIfNoneMatch(h http.Header) (tagSet, error) {
	values := h.Values("If-None-Match")
	if len(values) == 0 {
		return tagSet{}, nil
	}
	list := strings.Join(values, ", ")
	if !allTags.MatchString(list) {
		return tagSet{}, &apiError{slug: malformedRequest, detail: `The header If-None-Match must be * or a list of entity tags in double quotes.`}
	}
	if list == "*" {
		return tagSet{any: true}, nil
	}
	tags := oneTag.FindAllString(list, -1)
	for i := range tags {
		tags[i] = strings.TrimPrefix(tags[i], "W/")
	}
	return tagSet{tags: tags}, nil
}

// includes reports whether tag is in s. It compares tags weakly, as RFC 9110 demands.
func (s tagSet) includes(tag string) bool { return s.any || slices.Contains(s.tags, tag) }
