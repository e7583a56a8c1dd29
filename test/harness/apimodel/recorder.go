package apimodel

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Recorder checks the requests that it observes. Its methods are safe for concurrent use.
type Recorder struct {
	models *Models

	mu     sync.Mutex
	counts map[string]int // the number of requests for each operation
	found  map[Violation]int
	err    error
}

// NewRecorder returns a recorder that has observed nothing.
func NewRecorder(models *Models) *Recorder {
	return &Recorder{models: models, counts: make(map[string]int), found: make(map[Violation]int)}
}

// signedFor finds the service in a signature.
var signedFor = regexp.MustCompile(`Credential=[^/]+/[^/]+/[^/]+/([^/]+)/aws4_request`)

// Observe checks one request. The parameter `body` is the body of the request; Observe
// does not read req.Body.
func (r *Recorder) Observe(req *http.Request, body []byte) {
	if req.Method == http.MethodGet && req.URL.Path == "/" && req.URL.RawQuery == "" {
		return // this request only opens a connection, and is not part of any API
	}
	operation, found, err := r.models.check(req, body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = errors.Join(r.err, err)
	r.counts[operation]++
	for _, v := range found {
		r.found[v]++
	}
}

func (m *Models) check(req *http.Request, body []byte) (operation string, found []Violation, err error) {
	signed := signedFor.FindStringSubmatch(req.Header.Get("Authorization"))
	if signed == nil {
		operation = req.Method + " " + req.URL.Path
		return operation, []Violation{{Operation: operation, Kind: UnknownService, Detail: "the request is not signed"}}, nil
	}
	name := signed[1]
	if strings.HasPrefix(req.Header.Get("X-Amz-Target"), "DynamoDBStreams_") {
		name = "streams.dynamodb" // requests to DynamoDB Streams are signed for "dynamodb", but have a model of their own
	}
	s, err := m.service(name)
	if err != nil {
		return name, nil, err
	}
	if s == nil {
		return name, []Violation{{Operation: name, Kind: UnknownService, Detail: "there is no model of the service"}}, nil
	}
	in, err := s.decode(req, body)
	operation = name + " " + in.name
	if errors.Is(err, errUnknownOperation) {
		return operation, []Violation{{Operation: operation, Kind: UnknownOperation, Detail: err.Error()}}, nil
	}
	if err != nil {
		return operation, []Violation{{Operation: operation, Kind: Unreadable, Detail: err.Error()}}, nil //nolint:nilerr // the caller's error, not ours
	}
	c := check{service: s, models: m, operation: operation}
	if shape := s.Operations[in.name].Input; shape != nil {
		c.value("", shape, in.values)
	}
	return operation, c.found, nil
}

// Count returns the number of requests that were checked.
func (r *Recorder) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, of := range r.counts {
		n += of
	}
	return n
}

// Operations lists the operations of the requests in alphabetical order.
func (r *Recorder) Operations() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.counts))
}

// Violations lists each violation once, in alphabetical order.
func (r *Recorder) Violations() []Violation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Keys(r.found), func(a, b Violation) int {
		return strings.Compare(a.String(), b.String())
	})
}

// Err returns an error if requests could not be checked, or if any of them differs
// from its model.
func (r *Recorder) Err() error {
	found := r.Violations()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || len(found) == 0 {
		return r.err
	}
	var text strings.Builder
	for _, v := range found {
		fmt.Fprintf(&text, "\n%s (%d times)", v, r.found[v])
	}
	return fmt.Errorf("AWS would refuse these requests:%s", &text)
}
