package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// These are patterns of the header If-None-Match (RFC 9110, sections 5.6.1 and 8.8.3). A
// list may have empty elements.
const (
	entityTag  = `(?:W/)?"([^"\x00-\x20\x7f]*)"`
	gap        = `[ \t]*,[ \t,]*`
	entityTags = `^[ \t,]*(\*|` + entityTag + `(` + gap + entityTag + `)*)?[ \t,]*$`
)

var (
	oneTag  = regexp.MustCompile(entityTag)
	allTags = regexp.MustCompile(entityTags)
	// changedTag matches what is between the quotes of one of our tags after a proxy has
	// compressed the answer: Apache appends "-gzip", Jetty "--gzip", others ";gzip".
	changedTag = regexp.MustCompile(`^([0-9a-f]{32})[-;:]+[a-z]+$`)
)

// tagSet holds the tags of a client's If-None-Match header.
type tagSet struct {
	any  bool
	tags []string // in quotes, without W/, and without the suffix of a proxy
}

// readIfNoneMatch reads the header If-None-Match. A tag without quotes is an error,
// because it would never match and nobody would notice. A tag that a proxy changed counts
// as ours, because the client has the answer for which our tag stands. Otherwise every
// look-up that waits would end at once.
func readIfNoneMatch(h http.Header) (tagSet, error) {
	list := strings.Join(h.Values("If-None-Match"), ", ")
	if !allTags.MatchString(list) {
		return tagSet{}, &apiError{slug: malformedRequest, detail: `The header If-None-Match must be * or a list of entity tags in double quotes.`}
	}
	if strings.Trim(list, " \t,") == "*" {
		return tagSet{any: true}, nil
	}
	var known tagSet
	for _, match := range oneTag.FindAllStringSubmatch(list, -1) {
		known.tags = append(known.tags, `"`+changedTag.ReplaceAllString(match[1], "$1")+`"`)
	}
	return known, nil
}

// includes reports whether tag is in s. It compares tags weakly, as RFC 9110 demands.
func (s tagSet) includes(tag string) bool { return s.any || slices.Contains(s.tags, tag) }
