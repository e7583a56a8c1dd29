package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/smsqueue/smsqueue/services/api"
)

type proxyHandler func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error)

// gateway passes events of a REST API (v1) to a handler. The paths of the handler's
// routes begin with /v1.
type gateway struct{ handler http.Handler }

// handle answers one event. It never returns an error, because the handler answers bad
// requests too.
func (g gateway) handle(ctx context.Context, event events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	ctx = api.WithRequestID(ctx, event.RequestContext.RequestID)
	if path, ok := basePathOf(event); ok {
		ctx = api.WithBasePath(ctx, path)
	}
	if token, ok := tokenOf(event); ok {
		ctx = context.WithValue(ctx, tokenKey{}, token)
	}
	rec := &recorder{header: http.Header{}}
	g.handler.ServeHTTP(rec, requestOf(event).WithContext(ctx))
	return rec.response(), nil
}

// requestOf returns the client's request as net/http would pass it to a handler. If a
// body is marked as base64 but is not base64, reading it returns an error.
func requestOf(event events.APIGatewayProxyRequest) *http.Request {
	header := mergeMaps(event.MultiValueHeaders, event.Headers, textproto.CanonicalMIMEHeaderKey)
	target := pathOf(event)
	// API Gateway has decoded the query, so encode it again.
	target.RawQuery = url.Values(mergeMaps(event.MultiValueQueryStringParameters, event.QueryStringParameters, keepName)).Encode()

	r := &http.Request{
		Method: event.HTTPMethod,
		URL:    target,
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        header,
		Host:          http.Header(header).Get("Host"),
		RequestURI:    target.RequestURI(),
		RemoteAddr:    net.JoinHostPort(event.RequestContext.Identity.SourceIP, "0"),
		Body:          io.NopCloser(strings.NewReader(event.Body)),
		ContentLength: int64(len(event.Body)),
	}
	if event.IsBase64Encoded {
		r.Body = io.NopCloser(base64.NewDecoder(base64.StdEncoding, strings.NewReader(event.Body)))
		r.ContentLength = -1
	}
	return r
}

// pathOf returns /v1 and the event's resource, with the values of its parameters. It cannot
// use the paths in the event: they depend on the address that the client used, and may
// begin with the stage or with the base path of a custom domain.
//
// REST APIs pass parameters as the client encoded them. Each parameter stays a single segment even if it
// decodes to a text with slashes, so it cannot lead to another route.
func pathOf(event events.APIGatewayProxyRequest) *url.URL {
	path := &url.URL{Path: "/v1", RawPath: "/v1"}
	for segment := range strings.SplitSeq(strings.Trim(event.Resource, "/"), "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			segment = event.PathParameters[strings.TrimSuffix(name, "}")]
			if decoded, err := url.PathUnescape(segment); err == nil {
				segment = decoded
			}
		}
		escaped := url.PathEscape(segment)
		if segment == "." || segment == ".." {
			escaped = strings.ReplaceAll(segment, ".", "%2E")
		}
		path.Path += "/" + segment
		path.RawPath += "/" + escaped
	}
	return path
}

// basePathOf returns the part of the client's path before the resource. This is the stage,
// or the base path of a custom domain, which may have any number of segments. If the event
// does not show this part, basePathOf returns false.
func basePathOf(event events.APIGatewayProxyRequest) (path string, ok bool) {
	path = strings.TrimSuffix(event.RequestContext.Path, "/")
	for range strings.Count(strings.TrimSuffix(event.Resource, "/"), "/") {
		end := strings.LastIndexByte(path, '/')
		if end < 0 {
			return "", false
		}
		path = path[:end]
	}
	// A link that began with two slashes would lead to another host.
	if path != "" && (path[0] != '/' || strings.Contains(path, "//")) {
		return "", false
	}
	return path, true
}

// mergeMaps merges the two maps in which an event has its headers or its query
// parameters. API Gateway fills both maps, but only the map multi is complete. Events
// made by hand often have only one of the two maps. The function `canonical` returns the
// form that a name has in the result.
func mergeMaps(multi map[string][]string, single map[string]string, canonical func(string) string) map[string][]string {
	all := make(map[string][]string, len(multi))
	// Sort the names, so that two spellings of one header come in a fixed order.
	for _, name := range slices.Sorted(maps.Keys(multi)) {
		key := canonical(name)
		all[key] = append(all[key], multi[name]...)
	}
	for _, name := range slices.Sorted(maps.Keys(single)) {
		if key := canonical(name); len(all[key]) == 0 {
			all[key] = []string{single[name]}
		}
	}
	return all
}

// keepName returns name itself. Unlike the names of headers, the names of parameters are
// case-sensitive.
func keepName(name string) string { return name }

type tokenKey struct{}

// verify returns the token of a request that requestOf made from an event.
func verify(r *http.Request) (api.Token, error) {
	token, ok := r.Context().Value(tokenKey{}).(api.Token)
	if !ok {
		return api.Token{}, errors.New("the event has no claims of an access token")
	}
	return token, nil
}

// tokenOf returns the token that the claims in the event describe. API Gateway's Cognito
// authorizer has checked the signature, the issuer and the expiry. An ID token of the
// same issuer is refused, because it is not meant for APIs. A claim that is not a string
// counts as absent.
func tokenOf(event events.APIGatewayProxyRequest) (token api.Token, ok bool) {
	all, _ := event.RequestContext.Authorizer["claims"].(map[string]any)
	text := func(name string) string { s, _ := all[name].(string); return s }
	id := text("client_id")
	if id == "" || text("token_use") != "access" {
		return api.Token{}, false
	}
	return api.Token{ClientID: id, Scopes: strings.Fields(text("scope"))}, true
}

// recorder is an http.ResponseWriter that keeps the response.
type recorder struct {
	header http.Header
	sent   http.Header // a copy of the header from the time at which the status was written
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status != 0 || status < 200 { // API Gateway has no interim responses
		return
	}
	r.status, r.sent = status, r.header.Clone()
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// response returns the recorded response. The body is never base64, because the handler
// answers only with text.
func (r *recorder) response() events.APIGatewayProxyResponse {
	r.WriteHeader(http.StatusOK)
	return events.APIGatewayProxyResponse{
		StatusCode:        r.status,
		MultiValueHeaders: r.sent,
		Body:              r.body.String(),
	}
}
