package server

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smsqueue/smsqueue/services/api"
	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/simulator"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

func start(t *testing.T, c Config) *httptest.Server {
	t.Helper()
	enginetest.SQLite(t)
	c.Addr, c.Provider = cmp.Or(c.Addr, "localhost:0"), Simulated
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	m, err := open(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := m.handler("http://localhost:9090")
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

type answer struct {
	status int
	header http.Header
	text   string
}

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
		t.Fatalf("the token request was answered with status %d: %s", got.status, got.text)
	}
	return http.Header{"Authorization": {"Bearer " + grant.AccessToken}, "Content-Type": {"application/json"}}
}

func TestInboxShowsMessagesAsTextAndLive(t *testing.T) {
	server := start(t, Config{})
	token := bearer(t, server, "local", "local-secret")
	sent := ask(t, server, http.MethodPost, "/v1/sms", "localhost", token,
		`{"phoneNumber": "+12025550100", "message": "<script>alert(1)</script>"}`)
	if sent.status != http.StatusAccepted {
		t.Fatalf("%d: %s", sent.status, sent.text)
	}
	var rows answer
	for end := time.Now().Add(10 * time.Second); !strings.Contains(rows.text, ">delivered<"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the message was not delivered within 10 seconds:\n%s", rows.text)
		}
		rows = ask(t, server, http.MethodGet, "/inbox/rows", "localhost", nil, "")
	}
	if strings.Contains(rows.text, "<script>") || !strings.Contains(rows.text, "&lt;script&gt;") {
		t.Errorf("the page does not show the text as plain text:\n%s", rows.text)
	}
	seen := http.Header{"If-None-Match": {rows.header.Get("ETag")}}
	if again := ask(t, server, http.MethodGet, "/inbox/rows", "localhost", seen, ""); again.status != http.StatusNotModified {
		t.Errorf("status of unchanged rows: %d, want 304", again.status)
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
	server := start(t, Config{})
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
		{"DELETE", "/healthz", "localhost", 405, "not allowed"},
		{"POST", "/openapi.yaml", "localhost", 405, "not allowed"},
		{"GET", "/nothing", "localhost", 404, "urn:smsqueue:problem:not-found"},
		{"GET", "/v1/sms/x", "localhost", 401, "urn:smsqueue:problem:unauthorized"},
	} {
		t.Run(tc.method+" "+tc.host+tc.path, func(t *testing.T) {
			got := ask(t, server, tc.method, tc.path, tc.host, nil, "")
			if got.status != tc.status || !strings.Contains(got.text, tc.contains) {
				t.Errorf("%d: %s", got.status, got.text)
			}
			if allow := got.header.Get("Allow"); tc.status == http.StatusMethodNotAllowed && allow != "GET, HEAD" {
				t.Errorf("Allow %q", allow)
			}
		})
	}
}

func TestTheContractNamesTheServersOwnAddress(t *testing.T) {
	server := start(t, Config{})
	got := ask(t, server, http.MethodGet, "/openapi.yaml", "localhost", nil, "")
	for _, want := range []string{"- url: http://localhost:9090/v1\n", "tokenUrl: http://localhost:9090/oauth2/token\n"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the contract lacks %q:\n%.900s", want, got.text)
		}
	}
}

func TestOtherClientsThanTheWellKnownOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, []byte(`{"shop": {"secret": "s-secret-secret", "scopes": ["read"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, Config{Addr: "0.0.0.0:8080", Clients: file})
	token := bearer(t, server, "shop", "s-secret-secret")
	if got := ask(t, server, http.MethodPost, "/v1/sms", "localhost", token, `{}`); got.status != http.StatusForbidden {
		t.Errorf("sending with only the scope to read: status %d: %s", got.status, got.text)
	}
}

func TestClientsOfOneOwnerShareTheirMessages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, []byte(`{
		"new": {"secret": "n-secret-secret", "owner": "shop"}, "old": {"secret": "o-secret-secret", "owner": "shop"}, "other": {"secret": "x-secret-secret"}
	}`), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, Config{Clients: file})
	sent := ask(t, server, http.MethodPost, "/v1/sms", "localhost", bearer(t, server, "old", "o-secret-secret"), `{"phoneNumber": "+12025550100", "message": "hello"}`)
	if sent.status != http.StatusAccepted {
		t.Fatalf("%d: %s", sent.status, sent.text)
	}
	for id, want := range map[string]int{"new": http.StatusOK, "other": http.StatusNotFound} {
		secret := map[string]string{"new": "n-secret-secret", "other": "x-secret-secret"}[id]
		if got := ask(t, server, http.MethodGet, sent.header.Get("Location"), "localhost", bearer(t, server, id, secret), ""); got.status != want {
			t.Errorf("%s: %d, want %d", id, got.status, want)
		}
	}
}

func TestEachClientHasItsLimits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, []byte(`{
		"shop": {"secret": "s-secret-secret", "allowedCountries": ["US"], "partsPerDay": 3, "messagesPerRecipientHour": 2},
		"bank": {"secret": "b-secret-secret"}
	}`), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, Config{Clients: file})
	shop, bank := bearer(t, server, "shop", "s-secret-secret"), bearer(t, server, "bank", "b-secret-secret")
	for _, tc := range []struct {
		name   string
		client http.Header
		number string
		status int
	}{
		{"a country that the client may not send to", shop, "+4915112345678", http.StatusUnprocessableEntity},
		{"the same country for a client without limits", bank, "+4915112345678", http.StatusAccepted},
		{"the first message to a number", shop, "+12025550100", http.StatusAccepted},
		{"the second message to the number", shop, "+12025550100", http.StatusAccepted},
		{"the third message to the number", shop, "+12025550100", http.StatusTooManyRequests},
		{"the third message of the day", shop, "+12025550109", http.StatusAccepted},
		{"the fourth message of the day", shop, "+12025550110", http.StatusTooManyRequests},
		{"another message of a client without limits", bank, "+12025550100", http.StatusAccepted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ask(t, server, http.MethodPost, "/v1/sms", "localhost", tc.client, `{"phoneNumber": "`+tc.number+`", "message": "hello"}`)
			if got.status != tc.status {
				t.Errorf("%d, want %d: %s", got.status, tc.status, got.text)
			}
		})
	}
}

type deletions struct {
	sms.Consumer
	deleted []sms.QueueItem
}

func (d *deletions) Delete(_ context.Context, items ...sms.QueueItem) error {
	d.deleted = append(d.deleted, items...)
	return nil
}

func TestGarbageIsDroppedAfterItsLastReceive(t *testing.T) {
	enginetest.SQLite(t)
	c := Config{Addr: "localhost:0", Data: t.TempDir(), Provider: Simulated, LogLevel: slog.LevelError}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	m, err := open(t.Context(), c, &log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	}()
	queue := &deletions{}
	m.worker.queue = queue
	item := sms.QueueItem{Handle: "h", Body: "garbage", ReceiveCount: maxReceives - 1}
	m.worker.deliver(t.Context(), item)
	if len(queue.deleted) > 0 {
		t.Errorf("the item was dropped at receive %d", item.ReceiveCount)
	}
	item.ReceiveCount++
	m.worker.deliver(t.Context(), item)
	if len(queue.deleted) != 1 || !strings.Contains(log.String(), `"queue item dropped"`) {
		t.Errorf("deleted %v at receive %d; log:\n%s", queue.deleted, item.ReceiveCount, &log)
	}
}

func closing(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// pipes is a listener whose connections exist only in memory, so that their deadlines
// follow the test's clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error { close(p); return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestABodyThatDoesNotComeIsAnsweredInTenSeconds(t *testing.T) {
	enginetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.TempDir(), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer closing(t, store)
		routes, err := api.New(api.Options{Store: store, Queue: store.Queue(), Rules: sms.DefaultRules(), Countries: []string{api.AllCountries}})
		if err != nil {
			t.Fatal(err)
		}
		caller := api.Caller{ClientID: "shop", Owner: "shop", Scopes: []string{api.ScopeSend}}
		server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			routes.ServeHTTP(w, r.WithContext(api.WithCaller(r.Context(), caller)))
		}))
		listener := make(pipes)
		go func() { _ = server.Serve(listener) }()
		defer closing(t, server)
		here, there := net.Pipe()
		defer closing(t, here)
		listener <- there
		begin := time.Now()
		go func() {
			_, _ = io.WriteString(here, "POST /v1/sms HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		}()
		response, err := http.ReadResponse(bufio.NewReader(here), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if took := time.Since(begin); took > 10*time.Second || response.StatusCode != http.StatusBadRequest {
			t.Errorf("%d after %v", response.StatusCode, took)
		}
	})
}

func TestTheMachineKnowsWhetherItsClientsHaveSeveralOwners(t *testing.T) {
	enginetest.SQLite(t)
	for _, tc := range []struct {
		clients string
		want    bool
	}{
		{`{"new": {"secret": "n-secret-secret", "owner": "shop"}, "old": {"secret": "o-secret-secret", "owner": "shop"}}`, false},
		{`{"new": {"secret": "n-secret-secret", "owner": "shop"}, "other": {"secret": "x-secret-secret"}}`, true},
	} {
		file := filepath.Join(t.TempDir(), "clients.json")
		if err := os.WriteFile(file, []byte(tc.clients), 0o600); err != nil {
			t.Fatal(err)
		}
		c := Config{Addr: "localhost:0", Provider: Simulated, Data: t.TempDir(), Clients: file}
		if err := c.check(); err != nil {
			t.Fatal(err)
		}
		m, err := open(t.Context(), c, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if m.rules.SeveralOwners != tc.want {
			t.Errorf("%s: SeveralOwners is %v, want %v", tc.clients, m.rules.SeveralOwners, tc.want)
		}
		if err := m.close(); err != nil {
			t.Error(err)
		}
	}
}
