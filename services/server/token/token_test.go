package token_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/services/server/token"
)

// issuerName is the issuer in these tests. Their tokens contain this name as the claim
// iss.
const issuerName = "http://issuer.test"

// noon is the time that the clock shows in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sharedKey returns the same key to all tests, because making a key takes a while.
var sharedKey = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// dataFolder returns a folder that contains the key.
func dataFolder(t testing.TB, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, token.KeyFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// testClients returns two clients, "local" and "reader". The client "local" has all
// scopes. The secret of "reader" would change if form decoding were applied to it.
func testClients() []token.Client {
	return []token.Client{
		{ID: "local", Secret: "local-secret", Scopes: []string{"sms/send", "sms/read"}},
		{ID: "reader", Secret: "a+b%20c:d-long", Scopes: []string{"sms/read"}},
	}
}

// open opens the issuer whose key is in the folder dir. The issuer gets the time from the
// function now.
func open(t testing.TB, dir string, now func() time.Time) *token.Issuer {
	t.Helper()
	issuer, err := token.Open(dir, token.Config{
		Issuer:  issuerName,
		Clients: testClients(),
		Now:     now,
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return issuer
}

func atNoon() time.Time { return noon }

// post sends a form to the token endpoint and returns the response. If edit is not nil,
// post calls edit to change the request before sending it.
func post(issuer *token.Issuer, form url.Values, edit func(*http.Request)) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if edit != nil {
		edit(request)
	}
	recorder := httptest.NewRecorder()
	issuer.ServeToken(recorder, request)
	return recorder
}

// accessToken returns a token for the client "local", with all of that client's scopes.
func accessToken(t testing.TB, issuer *token.Issuer) string {
	t.Helper()
	answer := post(issuer, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"local"}, "client_secret": {"local-secret"},
	}, nil)
	if answer.Code != http.StatusOK {
		t.Fatalf("the token request was answered with %d %s", answer.Code, answer.Body)
	}
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return body.AccessToken
}
