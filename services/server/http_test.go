package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestAnswersOfNetHTTP sends requests that net/http answers by itself. docs/problems.md
// lists these answers.
func TestAnswersOfNetHTTP(t *testing.T) {
	page, err := os.ReadFile("../../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close() // Serve then returns http.ErrServerClosed
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	for name, tt := range map[string]struct {
		head   string
		status int
	}{
		"no HTTP":             {"hello\r\n", 400},
		"no host":             {"GET /v1/sms HTTP/1.1\r\n", 400},
		"two hosts":           {"GET /v1/sms HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400},
		"a broken path":       {"GET /v1/%zz HTTP/1.1\r\nHost: a\r\n", 400},
		"a broken header":     {"GET /v1/sms HTTP/1.1\r\nHost: a\r\nA B: c\r\n", 400},
		"two lengths":         {"POST /v1/sms HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400},
		"an expectation":      {"POST /v1/sms HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\nContent-Length: 2\r\n", 417},
		"large headers":       {"GET /v1/sms HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("a", 40<<10) + "\r\n", 431},
		"an unknown transfer": {"POST /v1/sms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n", 501},
		"an unknown version":  {"GET /v1/sms HTTP/3.0\r\nHost: a\r\n", 505},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }() // the answer has been read already
			if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.WriteString(conn, tt.head+"\r\n") }() // the server can answer before it has read everything
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != tt.status || strings.Contains(response.Header.Get("Content-Type"), "json") {
				t.Errorf("status %d of type %q, want %d that is no problem", response.StatusCode, response.Header.Get("Content-Type"), tt.status)
			}
			if !strings.Contains(string(page), fmt.Sprintf("\n| %d | ", tt.status)) {
				t.Errorf("docs/problems.md does not list status %d", tt.status)
			}
		})
	}
}

func TestPagesOfAnAllowedOrigin(t *testing.T) {
	const origin = "https://app.example.com"
	preflight := http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization,content-type"}}
	ask := func(t *testing.T, c Config, method, path string, header http.Header) answer {
		t.Helper()
		server := start(t, c)
		if header == nil {
			header = bearer(t, server, "local", "local-secret")
			header.Set("Origin", origin)
		}
		return ask(t, server, method, path, "localhost", header, "")
	}
	allowed := func(got answer) string { return got.header.Get("Access-Control-Allow-Origin") }
	t.Run("without the setting, no page may use the API", func(t *testing.T) {
		if got := ask(t, Config{}, http.MethodOptions, "/v1/sms", preflight); got.status < 400 || allowed(got) != "" {
			t.Errorf("a preflight: status %d, allowed origin %q", got.status, allowed(got))
		}
		if got := ask(t, Config{}, http.MethodGet, "/v1/sms", nil); got.status != http.StatusOK || allowed(got) != "" {
			t.Errorf("a list: status %d, allowed origin %q", got.status, allowed(got))
		}
	})
	t.Run("with the setting, its pages may use the API", func(t *testing.T) {
		if got := ask(t, Config{AllowOrigin: origin}, http.MethodOptions, "/v1/sms", preflight); got.status != http.StatusNoContent || allowed(got) != origin {
			t.Errorf("a preflight: status %d, allowed origin %q", got.status, allowed(got))
		}
		if got := ask(t, Config{AllowOrigin: origin}, http.MethodGet, "/v1/sms", nil); got.status != http.StatusOK || allowed(got) != origin {
			t.Errorf("a list: status %d, allowed origin %q", got.status, allowed(got))
		}
		if got := ask(t, Config{AllowOrigin: origin}, http.MethodGet, "/v1/sms", http.Header{"Origin": {origin}}); got.status != http.StatusUnauthorized || allowed(got) != origin {
			t.Errorf("a list without a token: status %d, allowed origin %q", got.status, allowed(got))
		}
	})
	t.Run("tokens and pages are never shown to other origins", func(t *testing.T) {
		for _, path := range []string{"/oauth2/token", "/", "/inbox/rows", "/healthz", "/openapi.yaml"} {
			if got := ask(t, Config{AllowOrigin: origin}, http.MethodOptions, path, preflight); got.status < 400 || allowed(got) != "" {
				t.Errorf("a preflight of %s: status %d, allowed origin %q", path, got.status, allowed(got))
			}
		}
	})
	t.Run("it must be one origin", func(t *testing.T) {
		for _, wrong := range []string{"*", "app.example.com", origin + "/", origin + "," + origin} {
			c := Config{Addr: "localhost:0", Data: t.TempDir(), Provider: Simulated, AllowOrigin: wrong}
			if err := c.check(); err == nil || !strings.Contains(err.Error(), "--allow-origin") {
				t.Errorf("--allow-origin %s: %v, want an error", wrong, err)
			}
		}
	})
}
