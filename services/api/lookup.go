package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// lookUp is GET /v1/sms/{id}. Another owner's message and none at all are the
// same to the client.
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
	seen := look(m)
	if wait = min(wait, a.MaxWait); wait > 0 && !m.Status.Final() && (len(known.tags) == 0 || known.includes(seen.tag)) {
		seen = a.awaitChange(c, seen, wait)
	}
	if known.includes(seen.tag) {
		return answer{status: http.StatusNotModified, header: http.Header{"Etag": {seen.tag}}}, nil
	}
	return seen.answer(http.StatusOK), nil
}

// sight is a message as a client sees it at one moment.
type sight struct {
	body []byte
	tag  string
}

func look(m sms.Message) sight {
	body := mustJSON(viewOf(m))
	return sight{body: body, tag: etag(body)}
}

// answer shows the message. Whatever operation does, the tag is that of a
// look-up, so that a client can go on from it with If-None-Match.
func (s sight) answer(status int) answer {
	header := http.Header{"Content-Type": {"application/json"}, "Etag": {s.tag}}
	return answer{status: status, header: header, body: s.body}
}

// own reads the message that the path names, if it is the caller's.
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

// get reads one message. An error that is not sms.ErrNotFound is unavailable,
// whatever the store says: reading again does no harm.
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
	return sms.Message{}, &refusal{slug: unavailable, cause: fmt.Errorf("reading message %s: %w", id, err)}
}

// entityTag is one tag as RFC 9110, section 8.8.3 has it, in ASCII;
// entityTags is a list of them, or a star.
const (
	entityTag  = `(W/)?"[\x21\x23-\x7e]*"`
	entityTags = `^(\*|` + entityTag + `([ \t]*,[ \t]*` + entityTag + `)*)$`
)

var (
	oneTag  = regexp.MustCompile(entityTag)
	allTags = regexp.MustCompile(entityTags)
)

// tagSet is what a client already has.
type tagSet struct {
	any  bool
	tags []string // without W/
}

// readIfNoneMatch reads the header If-None-Match. A tag that lost its quotes
// is an error, because it would silently never match.
func readIfNoneMatch(h http.Header) (tagSet, error) {
	values := h.Values("If-None-Match")
	if len(values) == 0 {
		return tagSet{}, nil
	}
	list := strings.Join(values, ", ")
	if !allTags.MatchString(list) {
		return tagSet{}, &refusal{slug: malformedRequest, detail: `The header If-None-Match must be * or a list of entity tags in double quotes.`}
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

// includes is RFC 9110's weak comparison.
func (s tagSet) includes(tag string) bool { return s.any || slices.Contains(s.tags, tag) }
