package attacks_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
	"github.com/smsqueue/smsqueue/test/harness/user"
)

const grant = "grant_type=client_credentials&client_id=local&client_secret=local-secret"

func form(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

// TestAServerWithoutClientsAnswersOnlyThisMachine sends requests to a server whose secret
// everybody knows. Some are like those of a page in a browser, if the page's host name
// leads to this machine (DNS rebinding). Others are like those of a proxy.
func TestAServerWithoutClientsAnswersOnlyThisMachine(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir(), "--log-level", "error")
	token, err := machineToken(t, m)
	if err != nil {
		t.Fatal(err)
	}
	targets := []string{"GET /", "GET /inbox/rows", "GET /inbox/login", "GET /docs", "GET /healthz", "GET /openapi.yaml", "GET /.well-known/jwks.json", "GET /v1/sms", "GET /nothing", "POST /oauth2/token"}
	refused := func(t *testing.T, edits ...func(*http.Request)) {
		t.Helper()
		for _, target := range targets {
			authorization, body, all := "Bearer "+token, "", edits
			if strings.HasSuffix(target, "/oauth2/token") {
				authorization, body, all = "", grant, append([]func(*http.Request){form}, edits...)
			}
			if got := ask(t, m, target, authorization, body, all...); got.status != http.StatusMisdirectedRequest {
				t.Errorf("%s: status %d: %s", target, got.status, got.text)
			}
		}
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(m.Base, "http://"), ":")
	for _, host := range []string{
		"evil.example", "evil.example:" + port, "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "0.0.0.0", "localhost.", "[::]", "[::ffff:10.0.0.1]", "2130706433", "0x7f.1",
	} {
		t.Run("as "+host, func(t *testing.T) {
			refused(t, func(r *http.Request) { r.Host = host })
		})
	}
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Real-IP"} {
		t.Run("with "+name, func(t *testing.T) {
			refused(t, func(r *http.Request) { r.Header.Set(name, "127.0.0.1") })
		})
	}
	for _, host := range []string{"localhost", "LOCALHOST:80", "127.0.0.1:1", "127.9.9.9", "[::1]:1", "[::1]"} {
		got := ask(t, m, "POST /oauth2/token", "", grant, form, func(r *http.Request) { r.Host = host })
		if got.status != http.StatusOK {
			t.Errorf("as %s, the token endpoint has the status %d: %s", host, got.status, got.text)
		}
	}
}

// TestTheInboxBehindAProxyNeedsItsToken asks for the inbox through two proxies on the same
// machine. The "loud" proxy adds the headers of a proxy, and keeps the name that the client used. The
// "silent" proxy adds no headers, and replaces the name.
func TestTheInboxBehindAProxyNeedsItsToken(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	const inboxToken = "inbox-token-of-tests"
	clients := clientsFile(t, "shop")
	closed := machine.Start(t, t.TempDir(), "--log-level", "error", "--clients", clients)
	open := machine.Start(t, t.TempDir(), "--log-level", "error", "--clients", clients, "--inbox-token", fileOf(t, inboxToken))
	for _, m := range []*machine.Machine{closed, open} {
		api := user.API{HTTP: clientOf(t, m, "shop"), Base: m.Base}
		sent, err := api.Submit(t.Context(), "", map[string]any{"phoneNumber": victimNumber, "message": victimText})
		if err != nil {
			t.Fatal(err)
		}
		api.Await(t, sent.ID, time.Minute, "delivered")
	}
	shop := tokenOf(t, open, "shop")
	bearer := func(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }
	for _, tc := range []struct {
		name   string
		m      *machine.Machine
		target string
		header map[string]string
		want   int
	}{
		{"no inbox", closed, "GET /", nil, http.StatusNotFound},
		{"no rows", closed, "GET /inbox/rows", nil, http.StatusNotFound},
		{"no login", closed, "POST /inbox/login", nil, http.StatusNotFound},
		{"only the login", open, "GET /", nil, http.StatusUnauthorized},
		{"rows without a token", open, "GET /inbox/rows", nil, http.StatusUnauthorized},
		{"the script without a token", open, "GET /inbox/inbox.js", nil, http.StatusUnauthorized},
		{"a wrong token", open, "GET /inbox/rows", bearer(inboxToken + "x"), http.StatusUnauthorized},
		{"an empty token", open, "GET /inbox/rows", bearer(""), http.StatusUnauthorized},
		{"the token of a client", open, "GET /inbox/rows", bearer(shop), http.StatusUnauthorized},
		{"the secret of a client", open, "GET /inbox/rows", bearer(secretOf("shop")), http.StatusUnauthorized},
		{"the token in another scheme", open, "GET /inbox/rows", map[string]string{"Authorization": "Basic " + inboxToken}, http.StatusUnauthorized},
		{"the token in a cookie", open, "GET /inbox/rows", map[string]string{"Cookie": "smsqueue-inbox=" + inboxToken}, http.StatusUnauthorized},
		{"a forged session", open, "GET /inbox/rows", map[string]string{"Cookie": "smsqueue-inbox=99999999999.00"}, http.StatusUnauthorized},
		{"the token in the query", open, "GET /inbox/rows?token=" + inboxToken, nil, http.StatusUnauthorized},
		{"the token of the inbox at the API", open, "GET /v1/sms", bearer(inboxToken), http.StatusUnauthorized},
		{"the token", open, "GET /inbox/rows", bearer(inboxToken), http.StatusOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target, err := url.Parse(tc.m.Base)
			if err != nil {
				t.Fatal(err)
			}
			silent := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = "localhost" }}
			for kind, proxy := range map[string]http.Handler{"loud": httputil.NewSingleHostReverseProxy(target), "silent": silent} {
				front := httptest.NewServer(proxy)
				got := ask(t, &machine.Machine{Base: front.URL}, tc.target, "", "", func(r *http.Request) {
					r.Host = "sms.example"
					for name, value := range tc.header {
						r.Header.Set(name, value)
					}
				})
				front.Close()
				if got.status != tc.want {
					t.Errorf("behind a %s proxy: status %d, want %d: %s", kind, got.status, tc.want, got.text)
				}
				if shown := strings.Contains(got.text, victimText); shown != (tc.want == http.StatusOK) {
					t.Errorf("behind a %s proxy: the answer shows the text: %t", kind, shown)
				}
			}
		})
	}
}
