package api_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/smsqueue/smsqueue/services/api"
)

func TestAuthenticate(t *testing.T) {
	var log bytes.Buffer
	d := deploy(t)
	clients := api.FixedClients{"shop-1": {Owner: "shop", Scopes: []string{api.ScopeSend}}}
	tokens := map[string]api.Token{
		"Bearer good":    {ClientID: "shop-1", Scopes: []string{api.ScopeSend, api.ScopeRead}},
		"Bearer reading": {ClientID: "shop-1", Scopes: []string{api.ScopeRead}},
		"Bearer removed": {ClientID: "shop-0", Scopes: []string{api.ScopeSend}},
	}
	handler := api.Authenticate(slog.New(slog.NewTextHandler(&log, nil)), clients, func(r *http.Request) (api.Token, error) {
		if token, ok := tokens[r.Header.Get("Authorization")]; ok {
			return token, nil
		}
		return api.Token{}, errors.New("the signature is not ours")
	}, d.handler)
	for _, tt := range []struct {
		name, authorization string
		status              int
		challenge           string
	}{
		{"a good token is let through", "Bearer good", http.StatusAccepted, ""},
		{"a bad token is refused", "Bearer bad", http.StatusUnauthorized, `Bearer realm="sms", error="invalid_token"`},
		{"no token is refused without an error code", "", http.StatusUnauthorized, `Bearer realm="sms"`},
		{"the token of a removed client is refused like a bad one", "Bearer removed", http.StatusUnauthorized, `Bearer realm="sms", error="invalid_token"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/v1/sms", strings.NewReader(goodBody))
			r.Header.Set("Content-Type", "application/json")
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			response := perform(t, handler, r)
			if response.status != tt.status || response.header.Get("Www-Authenticate") != tt.challenge {
				t.Fatalf("status %d, WWW-Authenticate %q", response.status, response.header.Get("Www-Authenticate"))
			}
			if tt.status == http.StatusUnauthorized {
				p := mustBe(t, response, http.StatusUnauthorized, "unauthorized")
				if strings.Contains(p.Detail, "signature") || strings.Contains(p.Detail, "shop-0") {
					t.Errorf("the detail shows the cause: %q", p.Detail)
				}
			}
		})
	}
	t.Run("the log tells the causes", func(t *testing.T) {
		for _, cause := range []string{"the signature is not ours", "client shop-0 is not known"} {
			if !strings.Contains(log.String(), cause) {
				t.Errorf("the log does not say %q:\n%s", cause, log.String())
			}
		}
	})
	t.Run("a scope counts only if both the token and the client have it", func(t *testing.T) {
		for authorization, target := range map[string]string{
			"Bearer good":    "GET /v1/sms", // the client has lost the scope for reading
			"Bearer reading": "POST /v1/sms",
		} {
			method, path, _ := strings.Cut(target, " ")
			r := httptest.NewRequest(method, path, http.NoBody)
			r.Header.Set("Authorization", authorization)
			mustBe(t, perform(t, handler, r), http.StatusForbidden, "insufficient-scope")
		}
	})
	t.Run("an unknown path or method without a token is refused like any other", func(t *testing.T) {
		for _, target := range []string{"GET /v1/nothing", "PATCH /v1/sms"} {
			method, path, _ := strings.Cut(target, " ")
			mustBe(t, perform(t, handler, httptest.NewRequest(method, path, http.NoBody)), http.StatusUnauthorized, "unauthorized")
		}
	})
	if n := d.store.count("create"); n != 1 {
		t.Errorf("%d messages", n)
	}
}

type unreadable struct{}

func (unreadable) Client(context.Context, string) (api.Client, bool, error) {
	return api.Client{}, false, errors.New("the table is gone")
}

func TestClientsThatCannotBeReadAreUnavailable(t *testing.T) {
	d := deploy(t)
	logger := slog.New(slog.NewJSONHandler(d.log, nil))
	handler := api.Authenticate(logger, unreadable{}, func(*http.Request) (api.Token, error) {
		return api.Token{ClientID: "shop-1", Scopes: alice.Scopes}, nil
	}, d.handler)
	const message = "/v1/sms/0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a76"
	for _, target := range []string{
		"POST /v1/sms", "GET /v1/sms", "POST /v1/sms/batch", "POST /v1/sms/preview", "GET /v1/status",
		"GET " + message, "POST " + message + "/cancel", "POST " + message + "/resend", "DELETE " + message + "/message",
	} {
		method, path, _ := strings.Cut(target, " ")
		response := perform(t, handler, httptest.NewRequest(method, path, http.NoBody))
		p := mustBe(t, response, http.StatusServiceUnavailable, "unavailable")
		if response.header.Get("Retry-After") == "" || strings.Contains(p.Detail, "table") {
			t.Errorf("%s: Retry-After is %q and the detail %q", target, response.header.Get("Retry-After"), p.Detail)
		}
	}
	if lines := d.log.lines(t, "request failed"); len(lines) != 9 || lines[0]["error"] != "unavailable: the table is gone" {
		t.Errorf("the failures left these lines: %v", lines)
	}
}

func TestEveryRequestLeavesOneLine(t *testing.T) {
	d := deploy(t)
	named := func(r *http.Request) *http.Request { return r.WithContext(api.WithRequestID(r.Context(), "request-1")) }
	d.accepted(t, goodBody, named)
	p := mustBe(t, d.do(t, http.MethodGet, "/v1/nothing?number=+5511999999999", "", named), http.StatusNotFound, "not-found")
	if p.Instance != "request-1" {
		t.Errorf("instance is %q", p.Instance)
	}
	d.post(t, `{"phoneNumber": "+4915112345678", "message": "my secret"}`, nobody)
	d.post(t, `{"phoneNumber": "+4915112345678", "message": "my secret"}`)

	lines := d.log.lines(t, "request")
	for _, line := range lines {
		if _, ok := line["duration_ms"].(float64); !ok || line["request_id"] == "" {
			t.Errorf("line is %v", line)
		}
		for _, name := range []string{"duration_ms", "time", "level", "msg"} {
			delete(line, name)
		}
	}
	for _, line := range lines[2:] {
		delete(line, "request_id") // random
	}
	want := []map[string]any{
		{"request_id": "request-1", "method": "POST", "route": "/v1/sms", "status": 202.0, "owner": "alice"},
		{"request_id": "request-1", "method": "GET", "route": "", "status": 404.0, "owner": "", "problem": "not-found"},
		{"method": "POST", "route": "/v1/sms", "status": 401.0, "owner": "", "problem": "unauthorized"},
		{"method": "POST", "route": "/v1/sms", "status": 422.0, "owner": "alice", "problem": "invalid-fields"},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	for _, private := range []string{"5511999999999", "4915112345678", "Your code", "my secret"} {
		if strings.Contains(d.log.String(), private) {
			t.Errorf("the log shows %q:\n%s", private, d.log.String())
		}
	}
}
