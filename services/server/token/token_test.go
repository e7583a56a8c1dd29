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

const issuerName = "http://issuer.test"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sharedKey makes one key for all tests, because making a key takes a while.
var sharedKey = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

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

// The secret of "reader" would change if it were form-decoded.
func testClients() []token.Client {
	return []token.Client{
		{ID: "local", Secret: "local-secret", Scopes: []string{"sms/send", "sms/read"}},
		{ID: "reader", Secret: "a+b%20c:d-long", Scopes: []string{"sms/read"}},
	}
}

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
