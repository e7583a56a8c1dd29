package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/smsqueue/smsqueue/services/api"
)

type seen struct {
	Route  string // "" if no pattern matched
	ID     string // the {id} in the path
	Target string
	Host   string
	Remote string
	Query  map[string][]string
	Body   string
	Token  api.Token // zero if the token is refused
	Base   string    // links begin with this path
}

func watch(t testing.TB) (gateway, *seen) {
	t.Helper()
	got := &seen{}
	mux := http.NewServeMux()
	for _, route := range []string{"POST /v1/sms", "GET /v1/sms", "GET /v1/sms/{id}", "POST /v1/sms/{id}/cancel", "POST /v1/sms/batch", "/"} {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			token, _ := verify(r)
			*got = seen{Route: route, ID: r.PathValue("id"), Target: r.RequestURI, Host: r.Host, Remote: r.RemoteAddr, Query: r.URL.Query(), Token: token, Base: api.BasePath(r.Context())}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, "unreadable body", http.StatusBadRequest)
				return
			}
			got.Body = string(body)
			w.Header().Set("X-Request-Id", api.RequestID(r.Context()))
		})
	}
	return gateway{mux}, got
}

func fixture(t testing.TB, name string) events.APIGatewayProxyRequest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayProxyRequest
	if err := json.Unmarshal(raw, &event); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return event
}

func handle(t testing.TB, g gateway, event events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	t.Helper()
	response, err := g.handle(t.Context(), event)
	if err != nil {
		t.Fatalf("handle: %v", err)
	}
	return response
}

func TestTheHandlerSeesTheRequestThatTheClientMade(t *testing.T) {
	const (
		id   = "018f2b6c-6f3e-7c1a-9d55-0a7c2f4e8b90"
		body = `{"phoneNumber": "+5511999999999", "message": "Olá, your code is 1234"}`
		aws  = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
		own  = "sms.example.com"
		peer = "203.0.113.17:0"
	)
	const client = "7h1example2client3id4"
	token := api.Token{ClientID: client, Scopes: []string{"sms/send", "sms/read"}}
	none := map[string][]string{}
	tests := []struct {
		event string
		want  seen
	}{
		{"execute-api", seen{Route: "POST /v1/sms", Target: "/v1/sms", Host: aws, Remote: peer, Query: none, Body: body, Token: token, Base: "/v1"}},
		{"custom-domain", seen{Route: "GET /v1/sms/{id}", ID: id, Target: "/v1/sms/" + id + "?wait=5", Host: own, Remote: peer, Query: map[string][]string{"wait": {"5"}}, Token: token, Base: "/v1"}},
		{"custom-domain-other-base-path", seen{Route: "POST /v1/sms/{id}/cancel", ID: id, Target: "/v1/sms/" + id + "/cancel", Host: own, Remote: peer, Query: none, Token: token, Base: "/messaging"}},
		{"custom-domain-long-base-path", seen{Route: "GET /v1/sms", Target: "/v1/sms", Host: own, Remote: peer, Query: none, Token: token, Base: "/sms/v1"}},
		{"custom-domain-no-base-path", seen{
			Route: "GET /v1/sms", Target: "/v1/sms?phoneNumber=%2B5511999999999&reference=a%26b%3Dc+d%2F%C3%A9%2B1&status=queued&status=sent", Host: own, Remote: peer,
			Query: map[string][]string{"status": {"queued", "sent"}, "reference": {"a&b=c d/é+1"}, "phoneNumber": {"+5511999999999"}},
			Token: token,
		}},
		{"other-stage", seen{Route: "POST /v1/sms", Target: "/v1/sms", Host: aws, Remote: peer, Query: none, Body: body, Token: token, Base: "/prod"}},
		{"encoded-parameter", seen{Route: "GET /v1/sms/{id}", ID: "../batch x", Target: "/v1/sms/..%2Fbatch%20x", Host: aws, Remote: peer, Query: none, Token: token, Base: "/v1"}},
		{"console-test", seen{Route: "GET /v1/sms", Target: "/v1/sms", Remote: "test-invoke-source-ip:0", Query: none}},
	}
	for _, test := range tests {
		t.Run(test.event, func(t *testing.T) {
			g, got := watch(t)
			event := fixture(t, test.event)
			response := handle(t, g, event)
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("the handler got another request (-want +got):\n%s", diff)
			}
			if id := http.Header(response.MultiValueHeaders).Get("X-Request-Id"); id != event.RequestContext.RequestID {
				t.Errorf("request id %q, want %q", id, event.RequestContext.RequestID)
			}
		})
	}
}

func TestLinksBeginWithWhatTheClientTyped(t *testing.T) {
	for _, test := range []struct{ resource, typed, want string }{
		{"/sms/{id}/cancel", "/sms/v1/sms/x/cancel", "/sms/v1"},
		{"/sms/{id}", "/v1/sms/a%2Fb", "/v1"},
		{"/sms", "/v1/sms/", "/v1"},
		{"/sms", "/sms", ""},
		{"/sms", "", "/v1"},
		{"/sms/{id}", "/x", "/v1"},
		{"/sms", "sms", "/v1"},
		{"/sms", "host/sms", "/v1"},
		{"/sms", "//evil.example/sms", "/v1"},
		{"", "/", ""},
	} {
		t.Run(test.typed, func(t *testing.T) {
			g, got := watch(t)
			event := events.APIGatewayProxyRequest{HTTPMethod: "GET", Resource: test.resource, PathParameters: map[string]string{"id": "x"}}
			event.RequestContext.Path = test.typed
			handle(t, g, event)
			if got.Base != test.want {
				t.Errorf("links begin with %q, want %q", got.Base, test.want)
			}
		})
	}
}

func TestAPathParameterCannotReachAnotherRoute(t *testing.T) {
	for _, test := range []struct{ parameter, id string }{
		{"batch", "batch"}, // API Gateway itself would have chosen POST /sms/batch
		{"a%2Fcancel", "a/cancel"},
		{"..", ".."},
		{".", "."},
		{"%2E%2E", ".."},
		{"..%2F..%2Fsms", "../../sms"},
		{"a%20b", "a b"},
		{"a b", "a b"},
		{"100%", "100%"},
		{"%zz", "%zz"},
		{"%252F", "%2F"},
		{"a?b=c#d", "a?b=c#d"},
		{"{id}", "{id}"},
		{"\xff\x00", "\xff\x00"},
	} {
		t.Run(test.parameter, func(t *testing.T) {
			g, got := watch(t)
			handle(t, g, events.APIGatewayProxyRequest{HTTPMethod: "GET", Resource: "/sms/{id}", PathParameters: map[string]string{"id": test.parameter}})
			if got.Route != "GET /v1/sms/{id}" || got.ID != test.id {
				t.Errorf("the request reached %q with id %q, want id %q", got.Route, got.ID, test.id)
			}
		})
	}
	t.Run("a missing parameter matches no message", func(t *testing.T) {
		g, got := watch(t)
		handle(t, g, events.APIGatewayProxyRequest{HTTPMethod: "GET", Resource: "/sms/{id}"})
		if got.Route != "/" {
			t.Errorf("the request reached %q, want none of the routes", got.Route)
		}
	})
}

func TestHeadersAndQueryComeFromEitherMap(t *testing.T) {
	tests := []struct {
		name   string
		event  events.APIGatewayProxyRequest
		header http.Header
		query  string
	}{
		{"both maps nil", events.APIGatewayProxyRequest{}, http.Header{}, ""},
		{"only single values", events.APIGatewayProxyRequest{
			Headers:               map[string]string{"idempotency-key": "k"},
			QueryStringParameters: map[string]string{"limit": "5"},
		}, http.Header{"Idempotency-Key": {"k"}}, "limit=5"},
		{"the multi-value map takes precedence", events.APIGatewayProxyRequest{
			Headers:                         map[string]string{"Accept": "b"},
			MultiValueHeaders:               map[string][]string{"Accept": {"a", "b"}},
			QueryStringParameters:           map[string]string{"status": "sent"},
			MultiValueQueryStringParameters: map[string][]string{"status": {"queued", "sent"}},
		}, http.Header{"Accept": {"a", "b"}}, "status=queued&status=sent"},
		{"two spellings of a header are one", events.APIGatewayProxyRequest{
			MultiValueHeaders: map[string][]string{"idempotency-key": {"b"}, "Idempotency-Key": {"a"}},
		}, http.Header{"Idempotency-Key": {"a", "b"}}, ""},
		{"two spellings of a query parameter are two", events.APIGatewayProxyRequest{
			MultiValueQueryStringParameters: map[string][]string{"limit": {"1"}, "Limit": {"2"}},
		}, http.Header{}, "Limit=2&limit=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := requestOf(test.event)
			if diff := cmp.Diff(test.header, r.Header); diff != "" {
				t.Errorf("the headers differ (-want +got):\n%s", diff)
			}
			if r.URL.RawQuery != test.query {
				t.Errorf("query %q, want %q", r.URL.RawQuery, test.query)
			}
		})
	}
}

func TestInvalidBase64IsAnsweredByTheHandler(t *testing.T) {
	for _, body := range []string{"!", "eyJ", "e30=e30=", `{"phoneNumber": "+5511999999999"}`} {
		g, _ := watch(t)
		response := handle(t, g, events.APIGatewayProxyRequest{HTTPMethod: "POST", Resource: "/sms", Body: body, IsBase64Encoded: true})
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("body %q: status %d, want 400", body, response.StatusCode)
		}
	}
}

func TestTheTokenComesOnlyFromTheClaims(t *testing.T) {
	tests := []struct {
		name       string
		authorizer map[string]any
		want       api.Token
	}{
		{"no authorizer", nil, api.Token{}},
		{"claims of another shape", map[string]any{"claims": "client_id"}, api.Token{}},
		{"values of another type", map[string]any{"claims": map[string]any{"client_id": 7, "scope": []any{"sms/send"}, "token_use": "access"}}, api.Token{}},
		{"a token of a user", map[string]any{"claims": map[string]any{"sub": "u", "token_use": "id"}}, api.Token{}},
		{"an ID token of a client", map[string]any{"claims": map[string]any{"client_id": "c", "scope": "sms/send", "token_use": "id"}}, api.Token{}},
		{"a client's token", map[string]any{"claims": map[string]any{"client_id": "c", "scope": "sms/send", "token_use": "access"}}, api.Token{ClientID: "c", Scopes: []string{"sms/send"}}},
		{"a token without token_use", map[string]any{"claims": map[string]any{"client_id": "c", "scope": "sms/send"}}, api.Token{}},
		{"a token without scopes", map[string]any{"claims": map[string]any{"client_id": "c", "token_use": "access"}}, api.Token{ClientID: "c"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g, got := watch(t)
			event := events.APIGatewayProxyRequest{HTTPMethod: "GET", Resource: "/sms", Headers: map[string]string{"client_id": "forged", "X-Client-Id": "forged", "Authorization": "Bearer forged"}}
			event.RequestContext.Authorizer = test.authorizer
			handle(t, g, event)
			if diff := cmp.Diff(test.want, got.Token, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the token differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheAnswerIsWhatTheHandlerWrote(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    events.APIGatewayProxyResponse
	}{
		{"nothing written is 200", func(http.ResponseWriter, *http.Request) {}, events.APIGatewayProxyResponse{StatusCode: 200, MultiValueHeaders: map[string][]string{}}},
		{"a body without a status is 200", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "openapi: 3.0.3\n")
			_, _ = io.WriteString(w, "é\n")
		}, events.APIGatewayProxyResponse{StatusCode: 200, MultiValueHeaders: map[string][]string{}, Body: "openapi: 3.0.3\né\n"}},
		{"the first status counts, with the headers set before it", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Vary", "Accept")
			w.Header().Add("Vary", "Origin")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNoContent)
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("X-Late", "1")
			w.Header().Add("Vary", "Late")
		}, events.APIGatewayProxyResponse{StatusCode: 204, MultiValueHeaders: map[string][]string{"Vary": {"Accept", "Origin"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := handle(t, gateway{test.handler}, events.APIGatewayProxyRequest{HTTPMethod: "GET", Resource: "/sms"})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the response differs (-want +got):\n%s", diff)
			}
		})
	}
}

// The gateway must turn every event into a request for a path below /v1/, and must not
// panic.
func FuzzGatewayEvent(f *testing.F) {
	names, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(names) == 0 {
		f.Fatalf("fixtures: %v, %v", names, err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(`{"httpMethod":"G ET\n","resource":"//{","headers":{"":"\n"},"body":"=","isBase64Encoded":true}`))
	f.Add([]byte(`{"resource":"/{id}/..","pathParameters":{"id":"%2e%2e"},"multiValueQueryStringParameters":{"":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var event events.APIGatewayProxyRequest
		if json.Unmarshal(raw, &event) != nil {
			t.Skip()
		}
		if path := requestOf(event).URL.EscapedPath(); len(path) < 4 || path[:4] != "/v1/" {
			t.Errorf("path %q", path)
		}
		g, _ := watch(t)
		if status := handle(t, g, event).StatusCode; status < 200 || status > 599 {
			t.Errorf("status %d", status)
		}
	})
}

// TestBrowsersAskForPermissionThroughTheGateway sends the event that API Gateway makes
// from a preflight request. The event has no claims.
func TestBrowsersAskForPermissionThroughTheGateway(t *testing.T) {
	const origin = "https://app.example.com"
	closed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := verify(r); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	event := fixture(t, "execute-api")
	event.HTTPMethod, event.RequestContext.Authorizer = http.MethodOptions, nil
	event.MultiValueHeaders = map[string][]string{"origin": {origin}, "access-control-request-method": {"POST"}}
	event.Headers = nil
	for allowed, want := range map[string]int{origin: http.StatusNoContent, "https://other.example.com": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		response, err := gateway{api.AllowOrigin(allowed, closed)}.handle(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		got := http.Header(response.MultiValueHeaders).Get("Access-Control-Allow-Origin")
		if response.StatusCode != want || (got == origin) != (want == http.StatusNoContent) {
			t.Errorf("with the origin %q allowed: status %d and allowed origin %q, want status %d", allowed, response.StatusCode, got, want)
		}
	}
}
