package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/smsqueue/smsqueue/shared/sms"
)

// route is one operation of the API.
type route struct {
	method string
	// path begins with /v1. Its segment {id} stands for ids of messages and
	// nothing else, so that no other path below the same one is mistaken for it.
	path  string
	scope string   // what the caller must have been granted
	query []string // the query parameters it knows
	body  int64    // how many bytes its body may have; 0 where it takes none
	serve func(*call) (answer, error)
}

// call is one request on its way through the API.
type call struct {
	*http.Request
	requestID string
	caller    Caller
	route     string // the path of the route found, "" for none
	maxBody   int64  // of that route, in bytes
	id        string // of the message that the path names, "" for none
	query     url.Values
}

// find returns the route for c and notes what the path says. The errors are
// not-found, and method-not-allowed for a path that is known.
func (a *api) find(c *call) (route, error) {
	segments, ok := segmentsOf(c.URL.EscapedPath())
	if !ok {
		return route{}, &refusal{slug: notFound}
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
		return route{}, &refusal{slug: notFound}
	}
	slices.Sort(allowed)
	list := strings.Join(allowed, ", ")
	return route{}, &refusal{
		slug:   methodNotAllowed,
		detail: "Here only this is allowed: " + list + ".",
		header: http.Header{"Allow": {list}},
	}
}

// segmentsOf splits a path before it decodes it, so that an encoded slash is
// part of its segment.
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

func (r route) match(segments []string) (id string, ok bool) {
	pattern := strings.Split(r.path, "/")
	if len(pattern) != len(segments) {
		return "", false
	}
	for i, want := range pattern {
		switch {
		case want == "{id}" && sms.ValidID(segments[i]):
			id = segments[i]
		case want != segments[i] || want == "{id}":
			return "", false
		}
	}
	return id, true
}

// readQuery refuses what the route does not know: a misspelt filter would
// otherwise select everything.
func (c *call) readQuery(r route) error {
	query, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return &refusal{slug: malformedRequest, detail: "The query cannot be read."}
	}
	for name := range query {
		if !slices.Contains(r.query, name) {
			return &refusal{slug: malformedRequest, detail: "The query has a parameter that is not known here."}
		}
		if len(query[name]) > 1 {
			return &refusal{slug: malformedRequest, detail: "The query parameter " + name + " stands there more than once."}
		}
	}
	c.query = query
	return nil
}
