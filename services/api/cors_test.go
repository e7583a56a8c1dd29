package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
)

func TestOnlyPagesOfTheAllowedOriginUseTheAPI(t *testing.T) {
	const ours, other = "https://app.example.com", "https://evil.example.com"
	refuses := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}
	vary := http.Header{"Etag": {`"x"`}, "Vary": {"Origin"}}
	for _, tt := range []struct {
		name, allowed, origin, method, asks string
		status                              int
		want                                http.Header
	}{
		{"off: a page's request", "", ours, "GET", "", 401, http.Header{"Etag": {`"x"`}}},
		{"off: a preflight", "", ours, "OPTIONS", "POST", 401, http.Header{"Etag": {`"x"`}}},
		{"on: no page", ours, "", "GET", "", 401, vary},
		{"on: another origin", ours, other, "GET", "", 401, vary},
		{"on: a preflight of another origin", ours, other, "OPTIONS", "POST", 401, vary},
		{"on: the origin with another scheme", ours, "http://app.example.com", "OPTIONS", "POST", 401, vary},
		{"on: an origin that begins like ours", ours, ours + ".evil.example", "OPTIONS", "POST", 401, vary},
		{"on: our page, also if it is refused", ours, ours, "POST", "", 401, http.Header{
			"Etag": {`"x"`}, "Vary": {"Origin"}, "Access-Control-Allow-Origin": {ours},
			"Access-Control-Expose-Headers": {"Allow, ETag, Idempotent-Replayed, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id"},
		}},
		{"on: OPTIONS that is no preflight", ours, ours, "OPTIONS", "", 401, http.Header{
			"Etag": {`"x"`}, "Vary": {"Origin"}, "Access-Control-Allow-Origin": {ours},
			"Access-Control-Expose-Headers": {"Allow, ETag, Idempotent-Replayed, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id"},
		}},
		{"on: our page's preflight, which has no token", ours, ours, "OPTIONS", "POST", 204, http.Header{
			"Vary": {"Origin"}, "Access-Control-Allow-Origin": {ours}, "Access-Control-Max-Age": {"600"},
			"Access-Control-Allow-Methods": {"GET, POST, DELETE"},
			"Access-Control-Allow-Headers": {"Authorization, Content-Type, Idempotency-Key, If-None-Match"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "/v1/sms", nil)
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if tt.asks != "" {
				r.Header.Set("Access-Control-Request-Method", tt.asks)
			}
			w := httptest.NewRecorder()
			api.AllowOrigin(tt.allowed, http.HandlerFunc(refuses)).ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if diff := cmp.Diff(tt.want, w.Header()); diff != "" {
				t.Errorf("the headers differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPagesMaySendAndReadEveryHeader compares the headers that pages are allowed to use
// with the headers in the contract.
func TestPagesMaySendAndReadEveryHeader(t *testing.T) {
	const origin = "https://app.example.com"
	answer := func(method string) http.Header {
		r := httptest.NewRequest(method, "/v1/sms", nil)
		r.Header.Set("Origin", origin)
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "POST")
		}
		w := httptest.NewRecorder()
		api.AllowOrigin(origin, http.NotFoundHandler()).ServeHTTP(w, r)
		return w.Header()
	}
	lists := func(list, name string) bool {
		return strings.Contains(", "+strings.ToLower(list)+",", ", "+strings.ToLower(name)+",")
	}
	preflight, shown := answer(http.MethodOptions), answer(http.MethodGet).Get("Access-Control-Expose-Headers")
	for path, item := range openContract(t).Paths.Map() {
		for method, operation := range item.Operations() {
			if !lists(preflight.Get("Access-Control-Allow-Methods"), method) {
				t.Errorf("pages may not use %s %s", method, path)
			}
			for _, p := range operation.Parameters {
				if p.Value.In == "header" && !lists(preflight.Get("Access-Control-Allow-Headers"), p.Value.Name) {
					t.Errorf("pages may not send %s with %s %s", p.Value.Name, method, path)
				}
			}
			for status, response := range operation.Responses.Map() {
				for name := range response.Value.Headers {
					if !lists(shown, name) {
						t.Errorf("pages cannot read %s of %s %s %s", name, status, method, path)
					}
				}
			}
		}
	}
}

func TestValidOrigin(t *testing.T) {
	for s, want := range map[string]bool{
		"https://app.example.com": true, "http://localhost:3000": true, "http://[::1]:3000": true, "https://app.example.com:8443": true,
		"": false, "*": false, "null": false, "app.example.com": false, "https://": false, "https://app.example.com/": false,
		"https://app.example.com/path": false, "https://App.example.com": false, "https://app.example.com:443": false, "http://a:80": false,
		"https://a:": false, "https://u@a": false, "https://a?b": false, "https://a#b": false, "file:///a": false, "https://a, https://b": false, "https://a\n": false,
	} {
		if got := api.ValidOrigin(s); got != want {
			t.Errorf("ValidOrigin(%q) = %t, want %t", s, got, want)
		}
	}
}
