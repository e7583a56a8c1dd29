package server

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const inboxToken = "inbox-token-of-tests"

func fileOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// tokenFile returns the name of a new file that contains the given token. For an empty
// token, it returns "".
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	if token == "" {
		return ""
	}
	return fileOf(t, token+"\n")
}

func TestLogin(t *testing.T) {
	server := start(t, Config{InboxToken: tokenFile(t, inboxToken)})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	post := func(token string, header http.Header) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+loginPath, strings.NewReader(url.Values{"token": {token}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		maps.Copy(r.Header, header)
		answer, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	if status := post("wrong", nil); status != http.StatusUnauthorized {
		t.Errorf("with a wrong token: status %d", status)
	}
	if status := post(inboxToken, http.Header{"Sec-Fetch-Site": {"cross-site"}}); status != http.StatusForbidden {
		t.Errorf("from a foreign page: status %d", status)
	}
	if cookies := jar.Cookies(mustParse(t, server.URL)); len(cookies) != 0 {
		t.Errorf("failed logins set the cookies %v", cookies)
	}
	if status := post(inboxToken, nil); status != http.StatusOK {
		t.Errorf("with the token: status %d after the redirect", status)
	}
	cookies := jar.Cookies(mustParse(t, server.URL))
	if len(cookies) != 1 || strings.Contains(cookies[0].Value, inboxToken) {
		t.Fatalf("the login set %v", cookies)
	}
	header := http.Header{"Cookie": {cookies[0].String()}}
	if got := ask(t, server, http.MethodGet, "/inbox/rows", "localhost", header, ""); got.status != http.StatusOK {
		t.Errorf("rows after the login: status %d: %s", got.status, got.text)
	}
	if got := ask(t, server, http.MethodGet, loginPath, "localhost", nil, ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("GET of the login: status %d", got.status)
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestASessionEnds(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	d := &door{token: inboxToken, logger: slog.New(slog.DiscardHandler), now: func() time.Time { return now }}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: d.sessionUntil(now.Add(session).Unix())})
	if !d.admits(r) {
		t.Error("a new session is refused")
	}
	now = now.Add(session)
	if d.admits(r) {
		t.Error("a session that has ended is admitted")
	}
	now = now.Add(-time.Second)
	d.token += "2"
	if d.admits(r) {
		t.Error("a session of another token is admitted")
	}
}

func TestWrongInboxTokensAreLoggedOnceASecond(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	guess := (&door{token: "wrong-wrong-wrong"}).sessionUntil(now.Add(session).Unix())
	for name, set := range map[string]func(*http.Request){
		"in a header": func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong-wrong-wrong") },
		"in a cookie": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: sessionCookie, Value: guess}) },
	} {
		t.Run(name, func(t *testing.T) { wrongTokensAreLogged(t, now, set) })
	}
}

func wrongTokensAreLogged(t *testing.T, now time.Time, set func(*http.Request)) {
	t.Helper()
	var log bytes.Buffer
	d := &door{token: inboxToken, logger: slog.New(slog.NewJSONHandler(&log, nil)), now: func() time.Time { return now }}
	r := httptest.NewRequest(http.MethodGet, "/inbox/rows", http.NoBody)
	set(r)
	for range 100 {
		d.ServeHTTP(httptest.NewRecorder(), r)
	}
	now = now.Add(time.Second)
	d.ServeHTTP(httptest.NewRecorder(), r)
	if lines := strings.Count(log.String(), "wrong inbox token"); lines != 2 || !strings.Contains(log.String(), `"count":100`) {
		t.Errorf("101 wrong tokens in two seconds were logged as\n%s", log.String())
	}
	if strings.Contains(log.String(), "wrong-wrong") {
		t.Errorf("the log shows a token:\n%s", log.String())
	}
}

func TestInboxTokenFiles(t *testing.T) {
	for name, file := range map[string]string{
		"none": filepath.Join(t.TempDir(), "none"), "empty": fileOf(t, ""), "short": fileOf(t, "elevenchars"),
		"two lines": fileOf(t, inboxToken+"\n"+inboxToken), "long": fileOf(t, strings.Repeat("x", 257)),
	} {
		c := Config{Addr: "localhost:0", Data: "data", Provider: Simulated, InboxToken: file}
		if err := c.check(); err == nil || !strings.Contains(err.Error(), "--inbox-token "+file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASessionThatAClockAheadBeganIsOver(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	d := &door{token: inboxToken, now: func() time.Time { return now }}
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: d.sessionUntil(now.Add(session).Unix())})
	now = now.Add(-time.Second)
	if !d.admits(r) {
		t.Error("a session is refused after the clock was set back by a second")
	}
	now = now.Add(-24 * time.Hour)
	if d.admits(r) {
		t.Error("a session of 36 hours is admitted")
	}
}
