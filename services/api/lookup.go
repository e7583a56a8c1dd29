package api

import (
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
	m, err := a.get(c.Context(), c.id)
	if err != nil {
		return answer{}, err
	}
	if m.Owner != c.caller.Owner {
		return answer{}, fmt.Errorf("message %s is another owner's: %w", c.id, sms.ErrNotFound)
	}
	body := mustJSON(viewOf(m))
	tag := etag(body)
	if known.includes(tag) {
		return answer{status: http.StatusNotModified, header: http.Header{"Etag": {tag}}}, nil
	}
	header := http.Header{"Content-Type": {"application/json"}, "Etag": {tag}}
	return answer{status: http.StatusOK, header: header, body: body}, nil
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
