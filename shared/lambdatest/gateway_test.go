package lambdatest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/shared/lambdatest"
)

var resources = []string{"/sms/{id}", "/sms", "/sms/batch", "/sms/{id}/cancel"}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func gatewayEvent(t *testing.T, g lambdatest.Gateway, r *http.Request, claims map[string]string) events.APIGatewayProxyRequest {
	t.Helper()
	raw, err := g.Event(r, claims)
	if err != nil {
		t.Fatalf("Event: %v", err)
	}
	var event events.APIGatewayProxyRequest
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func TestTheEventsPathsDependOnTheAddress(t *testing.T) {
	tests := []struct {
		name           string
		gateway        lambdatest.Gateway
		typed          string
		resource, path string
		parameters     map[string]string
	}{
		{"execute-api", lambdatest.Gateway{}, "/v1/sms/a", "/sms/{id}", "/sms/a", map[string]string{"id": "a"}},
		{"another stage", lambdatest.Gateway{Stage: "prod"}, "/prod/sms", "/sms", "/sms", nil},
		{"base path", lambdatest.Gateway{Domain: "sms.example.com", BasePath: "v1"}, "/v1/sms/a/cancel", "/sms/{id}/cancel", "/v1/sms/a/cancel", map[string]string{"id": "a"}},
		{"no base path", lambdatest.Gateway{Domain: "sms.example.com"}, "/sms", "/sms", "/sms", nil},
		{"a literal takes precedence over a parameter", lambdatest.Gateway{}, "/v1/sms/batch", "/sms/batch", "/sms/batch", nil},
		{"a parameter stays encoded", lambdatest.Gateway{}, "/v1/sms/a%2Fcancel", "/sms/{id}", "/sms/a%2Fcancel", map[string]string{"id": "a%2Fcancel"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.gateway.Resources = resources
			e := gatewayEvent(t, test.gateway, request(t, "GET", "https://sms.example.com"+test.typed, ""), nil)
			got := []any{e.Resource, e.Path, e.PathParameters, e.RequestContext.Path}
			want := []any{test.resource, test.path, test.parameters, test.typed}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the resource, path, parameters or typed path differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheEventCarriesTheRequest(t *testing.T) {
	r := request(t, "POST", "https://sms.example.com/v1/sms?status=queued&status=sent&reference=a%26b", `{"message": "é"}`)
	r.Header.Add("Accept", "a")
	r.Header.Add("Accept", "b")
	e := gatewayEvent(t, lambdatest.Gateway{Resources: resources}, r, map[string]string{"client_id": "c", "scope": "sms/send"})

	if diff := cmp.Diff(map[string][]string{"status": {"queued", "sent"}, "reference": {"a&b"}}, e.MultiValueQueryStringParameters); diff != "" {
		t.Errorf("the query differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"claims": map[string]any{"client_id": "c", "scope": "sms/send"}}, e.RequestContext.Authorizer); diff != "" {
		t.Errorf("the authorizer differs (-want +got):\n%s", diff)
	}
	if e.QueryStringParameters["status"] != "sent" || e.Headers["Accept"] != "b" || len(e.MultiValueHeaders["Accept"]) != 2 || e.Headers["Host"] == "" {
		t.Errorf("the query is %v, the headers are %v and %v", e.QueryStringParameters, e.Headers, e.MultiValueHeaders)
	}
	if c := e.RequestContext; e.Body != `{"message": "é"}` || e.IsBase64Encoded || c.Stage != "v1" || c.RequestID == "" || c.Identity.SourceIP == "" {
		t.Errorf("event %+v", e)
	}
	if e := gatewayEvent(t, lambdatest.Gateway{Resources: resources}, request(t, "POST", "https://sms.example.com/v1/sms", "\xff"), nil); !e.IsBase64Encoded || e.Body != "/w==" {
		t.Errorf("a body that is not UTF-8 became %q, in base64: %t; want it in base64", e.Body, e.IsBase64Encoded)
	}
}

func TestWhatTheGatewayRefusesMakesNoEvent(t *testing.T) {
	for _, typed := range []string{"/sms", "/v1/mms", "/v1/sms/", "/v1/sms/a/b", "/v1/sms?a=%zz"} {
		if raw, err := (lambdatest.Gateway{Resources: resources}).Event(request(t, "GET", "https://sms.example.com"+typed, ""), nil); err == nil {
			t.Errorf("%s: %s", typed, raw)
		}
	}
}

func TestResponse(t *testing.T) {
	t.Run("an answer becomes a response", func(t *testing.T) {
		r, err := lambdatest.Response([]byte(`{"statusCode": 202, "headers": {"Location": "/v1/sms/a"}, "multiValueHeaders": {"vary": ["a", "b"]}, "body": "{}"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(http.Header{"Location": {"/v1/sms/a"}, "Vary": {"a", "b"}}, r.Header); diff != "" || r.StatusCode != http.StatusAccepted || string(body) != "{}" {
			t.Errorf("status %d, body %q, want 202 and {}; the headers differ (-want +got):\n%s", r.StatusCode, body, diff)
		}
	})
	for _, bad := range []string{``, `null`, `{}`, `"ok"`, `{"statusCode": "200"}`, `{"statusCode": 700}`, `{"statusCode": 200, "body": "!", "isBase64Encoded": true}`} {
		t.Run("an error for "+bad, func(t *testing.T) {
			r, err := lambdatest.Response([]byte(bad))
			if err == nil {
				_ = r.Body.Close()
				t.Error("no error")
			}
		})
	}
}
