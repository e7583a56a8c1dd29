package functions

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/smsqueue/smsqueue/shared/lambdatest"
)

// apiDomain maps the path v1 to the API's stage, as a custom domain of API Gateway does.
const apiDomain = "sms.example.com"

// As in API Gateway, a fixed path takes precedence over a path with a parameter.
var resources = []string{
	"/sms", "/sms/batch", "/sms/preview", "/sms/{id}", "/sms/{id}/cancel", "/sms/{id}/resend", "/sms/{id}/message", "/status",
}

// gateway turns a request into a proxy event, and the function's answer into the response.
type gateway struct {
	function *lambdatest.Function
	claims   map[string]string
}

// RoundTrip returns the function's answer to r.
func (g gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	rest := lambdatest.Gateway{Resources: resources, Domain: apiDomain, BasePath: "v1"}
	event, err := rest.Event(r, g.claims)
	if err != nil {
		return nil, fmt.Errorf("at the gateway: %w", err)
	}
	answer, err := g.function.Invoke(r.Context(), event)
	if err != nil {
		return nil, fmt.Errorf("behind the gateway: %w", err)
	}
	response, err := lambdatest.Response(answer)
	if err != nil {
		return nil, fmt.Errorf("at the gateway: %w", err)
	}
	return response, nil
}

// accessToken returns the claims of a token that Cognito issues for client credentials.
func accessToken(clientID string) map[string]string {
	return map[string]string{
		"sub": clientID, "client_id": clientID, "token_use": "access", "scope": "sms/send sms/read",
		"iss":     "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI",
		"version": "2", "jti": "00000000-0000-4000-8000-000000000000",
		"auth_time": "1767225600", "iat": "Thu Jan 01 00:00:00 UTC 2026", "exp": "Thu Jan 01 01:00:00 UTC 2026",
	}
}

// oneEndpoint starts a server for all services. Like an emulator of AWS, the server finds
// out from each request which service is called.
func oneEndpoint(t testing.TB, d *Deployment) string {
	t.Helper()
	engines := make(map[string]*url.URL)
	for service, address := range map[string]string{"DynamoDB": d.DynamoDB.URL(), "AmazonSQS": d.SQS.URL(), "": d.SNS.URL()} {
		engine, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		engines[service] = engine
	}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		target := r.In.Header.Get("X-Amz-Target") // for example DynamoDB_20120810.PutItem; empty for SNS
		service, _, _ := strings.Cut(target, ".")
		service, _, _ = strings.Cut(service, "_")
		r.SetURL(engines[service])
	}})
	t.Cleanup(server.Close)
	return server.URL
}
