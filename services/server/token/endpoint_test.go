package token_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/smsqueue/smsqueue/services/server/token"
)

func TestServeTokenGrants(t *testing.T) {
	issuer := open(t, dataFolder(t, sharedKey()), atNoon)
	local := func(more ...string) url.Values {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"local"}, "client_secret": {"local-secret"}}
		for at := 0; at < len(more); at += 2 {
			form.Set(more[at], more[at+1])
		}
		return form
	}
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(id, secret) }
	}
	grant := url.Values{"grant_type": {"client_credentials"}}
	for name, test := range map[string]struct {
		form   url.Values
		edit   func(*http.Request)
		client string
		scopes []string
	}{
		"credentials in the form":       {local(), nil, "local", []string{"sms/send", "sms/read"}},
		"credentials by Basic":          {grant, basic("local", "local-secret"), "local", []string{"sms/send", "sms/read"}},
		"Basic with raw parts":          {grant, basic("reader", "a+b%20c:d-long"), "reader", []string{"sms/read"}},
		"Basic with form-encoded parts": {grant, basic("reader", url.QueryEscape("a+b%20c:d-long")), "reader", []string{"sms/read"}},
		"Basic with the id in the form too": {
			url.Values{"grant_type": {"client_credentials"}, "client_id": {"local"}},
			basic("local", "local-secret"), "local", []string{"sms/send", "sms/read"},
		},
		"one scope": {local("scope", "sms/read"), nil, "local", []string{"sms/read"}},
		"both scopes, one repeated, extra spaces": {local("scope", " sms/read  sms/send sms/read"), nil, "local", []string{"sms/send", "sms/read"}},
		"an empty scope means all":                {local("scope", ""), nil, "local", []string{"sms/send", "sms/read"}},
		"a content type with a charset": {local(), func(r *http.Request) {
			r.Header.Set("Content-Type", "Application/x-www-form-urlencoded; charset=UTF-8")
		}, "local", []string{"sms/send", "sms/read"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer := post(issuer, test.form, test.edit)
			if answer.Code != http.StatusOK {
				t.Fatalf("got %d %s", answer.Code, answer.Body)
			}
			if got := answer.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
			var body map[string]any
			if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			text, _ := body["access_token"].(string)
			want := map[string]any{"access_token": text, "expires_in": 3600.0, "token_type": "Bearer"}
			if diff := cmp.Diff(want, body); diff != "" {
				t.Errorf("the body differs (-want +got):\n%s", diff)
			}
			claims, err := issuer.Verify(text)
			if err != nil {
				t.Fatal(err)
			}
			wantClaims := token.Claims{ClientID: test.client, Scopes: test.scopes}
			if diff := cmp.Diff(wantClaims, claims); diff != "" {
				t.Errorf("the claims differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServeTokenRefuses(t *testing.T) {
	issuer := open(t, dataFolder(t, sharedKey()), atNoon)
	const good = "grant_type=client_credentials&client_id=local&client_secret=local-secret"
	const grant = "grant_type=client_credentials"
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(id, secret) }
	}
	for name, test := range map[string]struct {
		body   string
		edit   func(*http.Request)
		status int
		code   string
	}{
		"another method":                    {good, func(r *http.Request) { r.Method = http.MethodGet }, 405, "invalid_request"},
		"no content type":                   {good, header("Content-Type"), 400, "invalid_request"},
		"a JSON body":                       {`{}`, header("Content-Type", "application/json"), 400, "invalid_request"},
		"an empty body":                     {"", nil, 400, "invalid_request"},
		"a body that is not a form":         {"grant_type=%zz", nil, 400, "invalid_request"},
		"a body that is too long":           {good + "&x=" + strings.Repeat("x", 1<<20), nil, 400, "invalid_request"},
		"a repeated parameter":              {good + "&scope=sms/read&scope=sms/send", nil, 400, "invalid_request"},
		"parameters in the query":           {"", func(r *http.Request) { r.URL.RawQuery = good }, 400, "invalid_request"},
		"no grant type":                     {"client_id=local&client_secret=local-secret", nil, 400, "invalid_request"},
		"an unknown grant type":             {"grant_type=password&client_id=local&client_secret=local-secret", nil, 400, "unsupported_grant_type"},
		"a grant for users":                 {"grant_type=refresh_token&client_id=local&client_secret=local-secret", nil, 400, "unauthorized_client"},
		"no client":                         {grant, nil, 400, "invalid_client"},
		"no secret":                         {grant + "&client_id=local", nil, 400, "invalid_client"},
		"a wrong secret":                    {grant + "&client_id=local&client_secret=local-secreT", nil, 400, "invalid_client"},
		"an unknown client":                 {grant + "&client_id=nobody&client_secret=local-secret", nil, 400, "invalid_client"},
		"another client's secret":           {grant + "&client_id=reader&client_secret=local-secret", nil, 400, "invalid_client"},
		"a wrong secret by Basic":           {grant, basic("local", "wrong"), 400, "invalid_client"},
		"Basic that cannot be form-decoded": {grant, basic("local", "%"), 400, "invalid_client"},
		"Basic that is not base64":          {grant, header("Authorization", "Basic !"), 400, "invalid_client"},
		"another scheme than Basic":         {grant, header("Authorization", "Bearer x"), 400, "invalid_client"},
		"Basic and another id in the form":  {grant + "&client_id=reader", basic("local", "local-secret"), 400, "invalid_client"},
		"Basic and a secret in the form":    {good, basic("local", "local-secret"), 400, "invalid_request"},
		"two Authorization headers":         {grant, header("Authorization", "Basic eDp5", "Basic eDp5"), 400, "invalid_request"},
		"an unknown scope":                  {good + "&scope=sms/send+sms/none", nil, 400, "invalid_scope"},
		"a scope without its resource":      {good + "&scope=send", nil, 400, "invalid_scope"},
		"scopes separated by a tab":         {good + "&scope=sms/send%09sms/read", nil, 400, "invalid_scope"},
		"a scope that the client lacks":     {grant + "&client_id=reader&client_secret=a%2Bb%2520c:d-long&scope=sms/send", nil, 400, "invalid_scope"},
		"a bad scope and a wrong secret":    {grant + "&client_id=local&client_secret=x&scope=none", nil, 400, "invalid_client"},
		"a grant for users and no secret":   {"grant_type=refresh_token&client_id=local", nil, 400, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(test.body))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if test.edit != nil {
				test.edit(request)
			}
			answer := httptest.NewRecorder()
			issuer.ServeToken(answer, request)
			if answer.Code != test.status {
				t.Errorf("status %d, want %d", answer.Code, test.status)
			}
			if want := `{"error":"` + test.code + `"}`; strings.TrimSpace(answer.Body.String()) != want {
				t.Errorf("body %s, want %s", answer.Body, want)
			}
			if got := answer.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
			if got := answer.Header().Get("Allow"); test.status == 405 && got != "POST" {
				t.Errorf("Allow is %q", got)
			}
		})
	}
}

func TestAccessTokenHasCognitosHeaderAndClaims(t *testing.T) {
	issuer := open(t, dataFolder(t, sharedKey()), atNoon)
	text := accessToken(t, issuer)
	claims := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(text, claims)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"alg": "RS256", "kid": keySet(t, issuer)[0]["kid"]}, parsed.Header); diff != "" {
		t.Errorf("the header differs (-want +got):\n%s", diff)
	}
	if err := uuid.Validate(fmt.Sprint(claims["jti"])); err != nil {
		t.Errorf("jti: %v", err)
	}
	want := jwt.MapClaims{
		"sub": "local", "client_id": "local", "token_use": "access", "scope": "sms/send sms/read", "version": 2.0,
		"iss": issuerName, "iat": float64(noon.Unix()), "auth_time": float64(noon.Unix()),
		"exp": float64(noon.Unix() + 3600), "jti": claims["jti"],
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("the claims differ (-want +got):\n%s", diff)
	}
}

func TestTheKeySetProvesTheTokens(t *testing.T) {
	issuer := open(t, dataFolder(t, sharedKey()), atNoon)
	key := keySet(t, issuer)[0]
	part := func(name string) *big.Int {
		raw, err := base64.RawURLEncoding.DecodeString(key[name])
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	public := &rsa.PublicKey{N: part("n"), E: int(part("e").Int64())}
	_, err := jwt.NewParser(jwt.WithTimeFunc(atNoon)).Parse(accessToken(t, issuer), func(*jwt.Token) (any, error) { return public, nil })
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"RS256", "RSA", "sig"}, []string{key["alg"], key["kty"], key["use"]}); diff != "" {
		t.Errorf("alg, kty or use differ (-want +got):\n%s", diff)
	}
	if len(key) != 6 {
		t.Errorf("the key has private or unknown members: %v", key)
	}

	answer := httptest.NewRecorder()
	issuer.ServeKeys(answer, httptest.NewRequest(http.MethodPost, "/.well-known/jwks.json", nil))
	if answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST to the key set: status %d, Allow %q", answer.Code, answer.Header().Get("Allow"))
	}
}

func keySet(t *testing.T, issuer *token.Issuer) []map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	issuer.ServeKeys(answer, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys", len(set.Keys))
	}
	return set.Keys
}

func TestGoOAuth2ClientNeedsNoSpecialCode(t *testing.T) {
	issuer := open(t, dataFolder(t, sharedKey()), time.Now)
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth2/token", issuer.ServeToken)
	mux.HandleFunc("/whoami", func(w http.ResponseWriter, r *http.Request) {
		claims, err := issuer.Bearer(r)
		if err != nil || !slices.Equal(claims.Scopes, []string{"sms/read"}) {
			http.Error(w, "refused", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Client", claims.ClientID)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for name, style := range map[string]oauth2.AuthStyle{
		"credentials in the header": oauth2.AuthStyleInHeader,
		"credentials in the form":   oauth2.AuthStyleInParams,
		"the client tries out both": oauth2.AuthStyleAutoDetect,
	} {
		for _, id := range []string{"local", "reader"} {
			t.Run(name+", "+id, func(t *testing.T) {
				secret := map[string]string{"local": "local-secret", "reader": "a+b%20c:d-long"}[id]
				config := clientcredentials.Config{
					ClientID: id, ClientSecret: secret, TokenURL: server.URL + "/oauth2/token",
					Scopes: []string{"sms/read"}, AuthStyle: style,
				}
				answer, err := config.Client(t.Context()).Get(server.URL + "/whoami")
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				if answer.StatusCode != http.StatusOK || answer.Header.Get("Client") != id {
					t.Errorf("%s was decoded as %q", answer.Status, answer.Header.Get("Client"))
				}
			})
		}
	}
}

func TestWrongSecretsAreLogged(t *testing.T) {
	var log bytes.Buffer
	issuer, err := token.Open(dataFolder(t, sharedKey()), token.Config{
		Issuer: "https://issuer.example", Clients: testClients(), Now: atNoon,
		Logger: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		post(issuer, url.Values{"grant_type": {"client_credentials"}, "client_id": {"local"}, "client_secret": {"guess-guess-guess"}}, nil)
	}
	if strings.Count(log.String(), "wrong client id or secret") != 1 {
		t.Errorf("100 wrong secrets in a second were logged as\n%s", log.String())
	}
	if strings.Contains(log.String(), "guess") {
		t.Errorf("the log shows a secret:\n%s", log.String())
	}
}

func TestWrongSecretsAndRepetitionsAreDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 100 * time.Millisecond
		issuer, err := token.Open(dataFolder(t, sharedKey()), token.Config{
			Issuer: "https://issuer.example", Clients: testClients(), Now: time.Now, Pause: delay, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(secret string, want time.Duration) granted {
			t.Helper()
			begin := time.Now()
			answer := post(issuer, url.Values{"grant_type": {"client_credentials"}, "client_id": {"local"}, "client_secret": {secret}}, nil)
			if took := time.Since(begin); took != want {
				t.Errorf("the answer %d took %v, want %v", answer.Code, took, want)
			}
			var g granted
			if err := json.Unmarshal(answer.Body.Bytes(), &g); err != nil {
				t.Fatal(err)
			}
			return g
		}
		ask("wrong-secret", delay)
		first := ask("local-secret", 0)
		again := ask("local-secret", delay)
		if again.Token != first.Token || again.Seconds != 3600 {
			t.Errorf("a client that asked again got another token, which expires in %d s", again.Seconds)
		}
		time.Sleep(5 * time.Second)
		if later := ask("local-secret", delay); later.Token != first.Token || later.Seconds != 3594 {
			t.Errorf("after 5 s, the same token: %t; it expires in %d s, want 3594", later.Token == first.Token, later.Seconds)
		}
		time.Sleep(5 * time.Second)
		if fresh := ask("local-secret", 0); fresh.Token == first.Token || fresh.Seconds != 3600 {
			t.Errorf("after 10 s, the same token: %t; it expires in %d s, want 3600", fresh.Token == first.Token, fresh.Seconds)
		}
	})
}

type granted struct {
	Token   string `json:"access_token"`
	Seconds int    `json:"expires_in"`
}
