// Package faultproxy is a proxy between a test's AWS clients and an engine. It counts
// requests below the SDK, so that each retry counts too. It makes requests fail in the
// ways in which they fail on the network and at AWS. Only tests import this package.
package faultproxy

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Request is one incoming HTTP request.
type Request struct {
	Method string
	Op     string // the AWS operation, such as "PutItem"; empty if there is none
	Header http.Header
	Body   []byte // nil unless KeepBodies was called
}

// Form returns the fields of a request in the query protocol, which SNS uses.
func (r Request) Form() url.Values {
	form, _ := url.ParseQuery(string(r.Body)) // even with an error, form has the fields that could be read
	return form
}

// Proxy forwards requests to an engine. Its methods are safe for concurrent use.
type Proxy struct {
	server  *httptest.Server
	forward *httputil.ReverseProxy

	mu         sync.Mutex
	rule       func(op string, n int) Fault
	keepBodies bool
	requests   []Request
	byOp       map[string]int
}

// New starts a proxy in front of the engine at targetURL. It runs until the test ends.
// Without a rule, the proxy lets every request pass.
func New(t testing.TB, targetURL string) *Proxy {
	t.Helper()
	target, err := url.Parse(targetURL)
	if err != nil {
		t.Fatalf("faultproxy.New: %v", err)
	}
	transport := &http.Transport{
		DisableCompression:  true, // so that the client's own Accept-Encoding is passed on
		MaxIdleConnsPerHost: 256,
	}
	p := &Proxy{byOp: map[string]int{}}
	p.forward = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		// If the engine is down, the client gets no answer, as it would without a proxy.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	p.server = httptest.NewServer(p)
	t.Cleanup(func() {
		p.server.CloseClientConnections() // ends requests that hang
		p.server.Close()
		transport.CloseIdleConnections()
	})
	return p
}

// URL returns the proxy's address, for the clients under test.
func (p *Proxy) URL() string { return p.server.URL }

// Rule sets the function that chooses the fault of each request from now on. The function
// gets the operation of the request, and the number of requests of this operation since
// New or Reset, including the request itself. The function must be safe for concurrent
// use. It is allowed to have effects, such as killing the process that sent the request.
// If the function is nil, the proxy lets every request pass.
func (p *Proxy) Rule(rule func(op string, n int) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// KeepBodies makes the proxy record request bodies from now on.
func (p *Proxy) KeepBodies() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keepBodies = true
}

// Requests returns all incoming requests in order of arrival, including those with a
// fault.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// Counts returns the number of incoming requests by operation.
func (p *Proxy) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.byOp)
}

// Total returns the number of incoming requests.
func (p *Proxy) Total() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

// Reset forgets the requests, but keeps the rule.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.byOp = nil, map[string]int{}
}

// ServeHTTP handles one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Read the whole body first, because it can name the operation, and because net/http
	// does not notice that a client has left before the body has been read.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))

	fault := p.note(Request{Method: r.Method, Op: operation(r.Header, body), Header: r.Header.Clone(), Body: body})
	if fault.serve == nil {
		fault = Pass()
	}
	fault.serve(p.forward, w, r)
}

// note records a request and returns the fault that the rule chooses.
func (p *Proxy) note(r Request) Fault {
	p.mu.Lock()
	if !p.keepBodies {
		r.Body = nil
	}
	p.requests = append(p.requests, r)
	p.byOp[r.Op]++
	rule, n := p.rule, p.byOp[r.Op]
	p.mu.Unlock()
	if rule == nil {
		return Pass()
	}
	return rule(r.Op, n)
}

// operation returns the AWS operation of a request. The JSON protocols name the operation
// in a header. The query protocol names it in a form field.
func operation(header http.Header, body []byte) string {
	if target := header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndex(target, ".")+1:]
	}
	if isQuery(header) {
		form, _ := url.ParseQuery(string(body))
		return form.Get("Action")
	}
	return ""
}

func isQuery(header http.Header) bool {
	return strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// carryOut forwards a request and discards the answer. It does so even if the client
// leaves.
func carryOut(forward http.Handler, r *http.Request) {
	forward.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
}
