package api

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/smsqueue/smsqueue/shared/sms"
)

type route struct {
	method string
	// path begins with /v1. The segment {id} in it matches only ids of messages, so that
	// this path cannot hide another route.
	path  string
	scope string   // the scope that the caller needs
	query []string // the query parameters that the route accepts
	body  int64    // the maximum size of the request's body in bytes; 0 if the route accepts no body
	line  *line    // where requests wait for their turn
	serve func(*call) (answer, error)
}

// call is one request that the API is handling.
type call struct {
	*http.Request
	requestID string
	caller    Caller
	route     string // the path of the matching route, or "" if no route matches
	maxBody   int64  // the route's maximum body size, in bytes
	id        string // the id of the message in the path, or "" if the path has none
	query     url.Values
	body      []byte
	leave     func()        // ends the turn of this request early
	waited    time.Duration // how long the request waited for its turn; the deadlines are shorter by this time
}

// find returns the route for c, and sets the fields of c that depend on the route. If no
// path matches, its error is not-found. If only the method does not match, its error is
// method-not-allowed.
func (a *api) find(c *call) (route, error) {
	segments, ok := segmentsOf(c.URL.EscapedPath())
	if !ok {
		return route{}, &apiError{slug: notFound}
	}
	var allowed []string
	for _, r := range a.routes {
		id, ok := r.match(segments)
		if !ok {
			continue
		}
		c.route, c.id = r.path, id
		if r.method == c.Method {
			c.maxBody = r.body
			return r, nil
		}
		allowed = append(allowed, r.method)
	}
	if allowed == nil {
		return route{}, &apiError{slug: notFound}
	}
	slices.Sort(allowed)
	list := strings.Join(allowed, ", ")
	return route{}, &apiError{
		slug:   methodNotAllowed,
		detail: "Allowed methods: " + list + ".",
		header: http.Header{"Allow": {list}},
	}
}

// segmentsOf splits a path into segments, and then decodes each segment. So an encoded
// slash does not separate segments.
func segmentsOf(escapedPath string) ([]string, bool) {
	segments := strings.Split(escapedPath, "/")
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if err != nil {
			return nil, false
		}
		segments[i] = decoded
	}
	return segments, true
}

// match reports whether the segments fit the path of r. It returns the id among them in
// small letters, because all answers show ids in small letters.
func (r route) match(segments []string) (id string, ok bool) {
	pattern := strings.Split(r.path, "/")
	if len(pattern) != len(segments) {
		return "", false
	}
	for i, want := range pattern {
		switch {
		case want == "{id}" && sms.ValidID(strings.ToLower(segments[i])):
			id = strings.ToLower(segments[i])
		case want != segments[i] || want == "{id}":
			return "", false
		}
	}
	return id, true
}

// maxParameterName is the maximum length, in bytes, to which an answer shortens the name
// of an unknown parameter.
const maxParameterName = 128

// readQuery refuses parameters that the route does not accept. If such parameters were
// ignored, a misspelled filter would select all messages.
func (c *call) readQuery(r route) error {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return &apiError{slug: malformedRequest, detail: "The query cannot be read."}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(r.query, name) {
			return &apiError{slug: malformedRequest, detail: fmt.Sprintf("The query parameter %q is unknown.", sms.Shorten(name, maxParameterName))}
		}
		if len(query[name]) > 1 {
			return &apiError{slug: malformedRequest, detail: "The query parameter " + name + " is repeated."}
		}
	}
	c.query = query
	return nil
}
