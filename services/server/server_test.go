package main

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/simulator"
)

// start opens a machine and serves it; it works on messages until the test
// ends.
func start(t *testing.T, args ...string) *httptest.Server {
	t.Helper()
	enginetest.SQLite(t)
	c, err := configFromArgs(append([]string{"-data", t.TempDir()}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	m, err := open(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := m.handler("http://localhost")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.worker.run(ctx)
	}()
	t.Cleanup(func() {
		server.Close()
		stop()
		<-ended
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	text   string
}

// ask makes a request; host is what the client calls the server.
func ask(t *testing.T, server *httptest.Server, method, path, host string, header http.Header, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Host = host
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: response.StatusCode, header: response.Header, text: string(text)}
}

func bearer(t *testing.T, server *httptest.Server, id, secret string) http.Header {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	got := ask(t, server, http.MethodPost, "/oauth2/token", "localhost",
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form.Encode())
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(got.text), &grant); err != nil || grant.AccessToken == "" {
		t.Fatalf("no token: %d: %s", got.status, got.text)
	}
	return http.Header{"Authorization": {"Bearer " + grant.AccessToken}, "Content-Type": {"application/json"}}
}

func TestInboxShowsMessagesAsTextAndLive(t *testing.T) {
	server := start(t)
	token := bearer(t, server, "local", "local-secret")
	sent := ask(t, server, http.MethodPost, "/v1/sms", "localhost", token,
		`{"phoneNumber": "+12025550100", "message": "<script>alert(1)</script>"}`)
	if sent.status != http.StatusAccepted {
		t.Fatalf("%d: %s", sent.status, sent.text)
	}
	var rows answer
	for end := time.Now().Add(10 * time.Second); !strings.Contains(rows.text, ">delivered<"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not delivered after 10 seconds:\n%s", rows.text)
		}
		rows = ask(t, server, http.MethodGet, "/inbox/rows", "localhost", nil, "")
	}
	if strings.Contains(rows.text, "<script>") || !strings.Contains(rows.text, "&lt;script&gt;") {
		t.Errorf("the text is not shown as text:\n%s", rows.text)
	}
	seen := http.Header{"If-None-Match": {rows.header.Get("ETag")}}
	if again := ask(t, server, http.MethodGet, "/inbox/rows", "localhost", seen, ""); again.status != http.StatusNotModified {
		t.Errorf("unchanged rows: %d, want 304", again.status)
	}
	page := ask(t, server, http.MethodGet, "/", "localhost", nil, "")
	text := html.UnescapeString(page.text)
	for _, want := range []string{">delivered<", "local-secret", simulator.Numbers[0].Number.String()} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
}

func TestPagesBesideTheAPI(t *testing.T) {
	server := start(t)
	for _, tc := range []struct {
		method, path, host string
		status             int
		contains           string
	}{
		{"GET", "/healthz", "localhost", 200, `"ok"`},
		{"GET", "/openapi.yaml", "localhost", 200, "openapi: 3.0"},
		{"GET", "/.well-known/jwks.json", "localhost", 200, `"keys"`},
		{"GET", "/inbox/inbox.js", "127.0.0.1:1", 200, "refresh"},
		{"GET", "/inbox/inbox.css", "[::1]:1", 200, "body"},
		{"GET", "/", "evil.example", 421, "localhost"},
		{"GET", "/inbox/rows", "evil.example:80", 421, "localhost"},
		{"POST", "/", "localhost", 405, "not allowed"},
		{"GET", "/nothing", "localhost", 404, "urn:smsqueue:problem:not-found"},
		{"GET", "/v1/sms/x", "localhost", 401, "urn:smsqueue:problem:unauthorized"},
	} {
		t.Run(tc.method+" "+tc.host+tc.path, func(t *testing.T) {
			got := ask(t, server, tc.method, tc.path, tc.host, nil, "")
			if got.status != tc.status || !strings.Contains(got.text, tc.contains) {
				t.Errorf("%d: %s", got.status, got.text)
			}
		})
	}
}

func TestATokenOfARemovedClientIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, []byte(`{"shop": {"secret": "s"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var old http.Header
	t.Run("before", func(t *testing.T) { old = bearer(t, start(t, "-data", dir), "local", "local-secret") })
	server := start(t, "-data", dir, "-clients", file)
	if got := ask(t, server, http.MethodGet, "/v1/sms", "localhost", old, ""); got.status != http.StatusUnauthorized {
		t.Errorf("with the token of a client that is gone: %d: %s", got.status, got.text)
	}
}

func TestOtherClientsThanTheWellKnownOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, []byte(`{"shop": {"secret": "s", "scopes": ["read"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, "-addr", "0.0.0.0:8080", "-clients", file)
	token := bearer(t, server, "shop", "s")
	if got := ask(t, server, http.MethodPost, "/v1/sms", "localhost", token, `{}`); got.status != http.StatusForbidden {
		t.Errorf("sending with the scope to read: %d: %s", got.status, got.text)
	}
	if got := ask(t, server, http.MethodGet, "/", "localhost", nil, ""); got.status != http.StatusNotFound {
		t.Errorf("the inbox on every address: %d, want 404", got.status)
	}
}
