package lambdatest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
)

// Gateway makes the events that an API Gateway REST API passes to its function. The API
// has a Cognito authorizer and a Lambda proxy integration.
type Gateway struct {
	// Resources lists the API's resources without a stage, such as "/sms/{id}". The path
	// of each request must match one of them.
	Resources []string

	// Stage is the deployed stage. The default is "v1".
	Stage string

	// Domain is the custom domain that clients use. The domain is mapped to the stage
	// under the path BasePath, which can be empty. If Domain is empty, clients use the
	// execute-api address, where paths begin with the stage.
	Domain   string
	BasePath string
}

// Event returns the proxy event for a request. The URL of the request must be the URL
// that the client used. The parameter `claims` contains the claims of the request's
// token; nil means that the method has no authorizer. Event reads the body of the
// request. If API Gateway itself would refuse the request, Event returns an error with
// the gateway's answer.
func (g Gateway) Event(r *http.Request, claims map[string]string) ([]byte, error) {
	stage := g.Stage
	if stage == "" {
		stage = "v1"
	}
	host, prefix := "a1b2c3d4e5.execute-api."+awsRegion+".amazonaws.com", "/"+stage
	if g.Domain != "" {
		host, prefix = g.Domain, strings.TrimSuffix("/"+g.BasePath, "/")
	}
	typed := r.URL.EscapedPath()
	path, ok := strings.CutPrefix(typed, prefix)
	if !ok {
		return nil, fmt.Errorf("403: %s is not under %s", typed, prefix)
	}
	resource, parameters, ok := g.route(path)
	if !ok {
		return nil, fmt.Errorf("403: no resource matches %s", path)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("400: %w", err)
	}
	body := []byte{}
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("reading the body: %w", err)
		}
	}
	header := maps.Clone(r.Header)
	if header == nil {
		header = http.Header{}
	}
	for name, value := range map[string]string{"Host": host, "X-Forwarded-For": "203.0.113.17", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"} {
		header.Set(name, value)
	}

	now := time.Now().UTC()
	if len(query) == 0 {
		query = nil
	}
	event := events.APIGatewayProxyRequest{
		Resource: resource,
		// This path does not contain the stage. On a custom domain, it begins with the
		// base path.
		Path:                            path,
		HTTPMethod:                      r.Method,
		Headers:                         lastValues(header),
		MultiValueHeaders:               header,
		QueryStringParameters:           lastValues(query),
		MultiValueQueryStringParameters: query,
		PathParameters:                  parameters,
		Body:                            string(body),
		RequestContext: events.APIGatewayProxyRequestContext{
			AccountID: account, APIID: "a1b2c3d4e5", ResourceID: "k3v9ab",
			Stage: stage, DomainName: host, DomainPrefix: strings.Split(host, ".")[0],
			RequestID: uuid.NewString(), ExtendedRequestID: "Zk3qPHJ2oAMEhOQ=", Protocol: "HTTP/1.1",
			Identity:     events.APIGatewayRequestIdentity{SourceIP: "203.0.113.17", UserAgent: r.UserAgent()},
			ResourcePath: resource, Path: typed, HTTPMethod: r.Method,
			RequestTime: now.Format("02/Jan/2006:15:04:05 -0700"), RequestTimeEpoch: now.UnixMilli(),
		},
	}
	if g.Domain != "" {
		event.Path = typed
	}
	if event.HTTPMethod == "" {
		event.HTTPMethod, event.RequestContext.HTTPMethod = http.MethodGet, http.MethodGet
	}
	if claims != nil {
		event.RequestContext.Authorizer = map[string]any{"claims": claims}
	}
	if !utf8.Valid(body) { // an API with the binary media type */* does the same; any other API would damage the bytes
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return encode(event), nil
}

// A literal segment takes precedence over a parameter. Parameters stay encoded as the
// client sent them.
func (g Gateway) route(path string) (resource string, parameters map[string]string, ok bool) {
	segments := strings.Split(path, "/")
	// "{" sorts after letters, so the resource with the most literal segments comes
	// first.
	for _, resource := range slices.Sorted(slices.Values(g.Resources)) {
		pattern := strings.Split(resource, "/")
		if len(pattern) != len(segments) {
			continue
		}
		var parameters map[string]string
		ok := true
		for i, p := range pattern {
			if name, isParameter := strings.CutPrefix(p, "{"); isParameter && segments[i] != "" {
				if parameters == nil {
					parameters = map[string]string{}
				}
				parameters[strings.TrimSuffix(name, "}")] = segments[i]
			} else if p != segments[i] {
				ok = false
			}
		}
		if ok {
			return resource, parameters, true
		}
	}
	return "", nil, false
}

// lastValues returns the last value of each name, as API Gateway does. It returns nil if
// there are no names, because the event then contains null.
func lastValues(all map[string][]string) map[string]string {
	if len(all) == 0 {
		return nil
	}
	single := make(map[string]string, len(all))
	for name, values := range all {
		if len(values) > 0 {
			single[name] = values[len(values)-1]
		}
	}
	return single
}

// Response returns the HTTP response that API Gateway makes from a function's answer to a
// proxy event. If API Gateway cannot use the answer, Response returns an error. On AWS,
// the client would then get a 502.
func Response(answer []byte) (*http.Response, error) {
	var event events.APIGatewayProxyResponse
	if err := json.Unmarshal(answer, &event); err != nil {
		return nil, fmt.Errorf("502: reading the proxy response: %w", err)
	}
	if event.StatusCode < 200 || event.StatusCode > 599 {
		return nil, fmt.Errorf("502: the proxy response has the invalid status %d", event.StatusCode)
	}
	body := event.Body
	if event.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return nil, fmt.Errorf("502: decoding the proxy response: %w", err)
		}
		body = string(decoded)
	}
	header := http.Header{}
	for name, values := range event.MultiValueHeaders {
		for _, v := range values {
			header.Add(name, v)
		}
	}
	for name, v := range event.Headers {
		if !slices.Contains(header.Values(name), v) {
			header.Add(name, v)
		}
	}
	return &http.Response{
		StatusCode: event.StatusCode,
		Status:     fmt.Sprintf("%d %s", event.StatusCode, http.StatusText(event.StatusCode)),
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        header,
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}, nil
}
