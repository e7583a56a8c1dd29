package main

import (
	"bytes"
	"context"
	"encoding/base64"
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

// gateway serves API Gateway's REST (v1) proxy events with a plain
// http.Handler whose routes begin with /v1.
type gateway struct {
	handler http.Handler
	owners  map[string]string // client id to owner
}

// handle answers one event. Its error is nil: whatever is wrong with the
// request is the handler's to answer.
func (g gateway) handle(ctx context.Context, event events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	ctx = api.WithRequestID(ctx, event.RequestContext.RequestID)
	// Without a good caller in its context the request is refused.
	if caller, err := api.CallerFromClaims(claimsOf(event), g.owners); err == nil {
		ctx = api.WithCaller(ctx, caller)
	}
	rec := &recorder{header: http.Header{}}
	g.handler.ServeHTTP(rec, requestOf(event).WithContext(ctx))
	return rec.response(), nil
}

// requestOf is the request that the client made, as net/http would hand it to
// a handler. A body that claims to be base64 and is not fails when it is read.
func requestOf(event events.APIGatewayProxyRequest) *http.Request {
	header := merged(event.MultiValueHeaders, event.Headers, textproto.CanonicalMIMEHeaderKey)
	target := pathOf(event)
	// API Gateway has decoded the query; it is encoded again here.
	target.RawQuery = url.Values(merged(event.MultiValueQueryStringParameters, event.QueryStringParameters, exactly)).Encode()

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

// pathOf is /v1 and the event's resource with its parameters filled in. The
// event's own paths are no use: with the stage, a custom domain's base path or
// neither in front, they depend on the address that the client used.
//
// A parameter stays one segment whatever it decodes to, so that it cannot
// reach another route. REST APIs hand parameters over as the client encoded them.
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

// merged joins an event's two maps of one thing. API Gateway fills both, and
// only the multi-value one is complete; hand-made events often have one of them.
func merged(multi map[string][]string, single map[string]string, canonical func(string) string) map[string][]string {
	all := make(map[string][]string, len(multi))
	// Sorted, so that two spellings of one header keep an order.
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

// exactly keeps a name as it is: query parameters have case, headers have not.
func exactly(name string) string { return name }

// claimsOf reads what API Gateway's Cognito authorizer vouches for: it has
// checked the token's signature, issuer and expiry. Claims of another type
// than string count as absent.
func claimsOf(event events.APIGatewayProxyRequest) api.Claims {
	all, _ := event.RequestContext.Authorizer["claims"].(map[string]any)
	text := func(name string) string { s, _ := all[name].(string); return s }
	return api.Claims{
		ClientID: text("client_id"),
		Scopes:   strings.Fields(text("scope")),
		TokenUse: text("token_use"),
	}
}

// recorder is the http.ResponseWriter that keeps an answer for the event's response.
type recorder struct {
	header http.Header
	sent   http.Header // as it was when the status was written
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

// response is the recorded answer. The body is never base64: the handler
// answers text only.
func (r *recorder) response() events.APIGatewayProxyResponse {
	r.WriteHeader(http.StatusOK)
	return events.APIGatewayProxyResponse{
		StatusCode:        r.status,
		MultiValueHeaders: r.sent,
		Body:              r.body.String(),
	}
}
