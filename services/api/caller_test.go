package api_test

import (
	"bytes"
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
	handler := api.Authenticate(slog.New(slog.NewTextHandler(&log, nil)), func(r *http.Request) (api.Caller, error) {
		if r.Header.Get("Authorization") == "Bearer good" {
			return alice, nil
		}
		return api.Caller{}, errors.New("the signature is not ours")
	}, d.handler)
	for _, tt := range []struct {
		name, authorization string
		status              int
		challenge           string
	}{
		{"a good token is let through", "Bearer good", http.StatusAccepted, ""},
		{"a bad token is refused", "Bearer bad", http.StatusUnauthorized, `Bearer realm="sms", error="invalid_token"`},
		{"no token is refused without an error code", "", http.StatusUnauthorized, `Bearer realm="sms"`},
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
				if strings.Contains(p.Detail, "signature") || !strings.Contains(log.String(), "the signature is not ours") {
					t.Errorf("detail %q, log %s", p.Detail, log.String())
				}
			}
		})
	}
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
