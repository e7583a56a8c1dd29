package attacks_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/test/harness/machine"
)

// operations returns, for each operation of the API, the body of a request that succeeds.
func operations(id string) map[string]string {
	return map[string]string{
		"POST /v1/sms":                      `{"phoneNumber": "+12025550100", "message": "forged"}`,
		"GET /v1/sms":                       "",
		"POST /v1/sms/batch":                `{"messages": [{"phoneNumber": "+12025550100", "message": "forged"}]}`,
		"POST /v1/sms/preview":              `{"phoneNumber": "+12025550100", "message": "forged"}`,
		"GET /v1/sms/" + id:                 "",
		"POST /v1/sms/" + id + "/cancel":    "",
		"POST /v1/sms/" + id + "/resend":    "",
		"DELETE /v1/sms/" + id + "/message": "",
		"GET /v1/status":                    "",
	}
}

// forger makes tokens with the key of a server. The server did not issue these tokens and
// keeps no copy of them. So any part of a token can be wrong.
type forger struct {
	key   *rsa.PrivateKey
	keyID string
	good  map[string]any // the claims of a good token
}

func newForger(t *testing.T, m *machine.Machine, token string) forger {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.Dir, "signing-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	header, claims, _ := strings.Cut(token, ".")
	claims, _, _ = strings.Cut(claims, ".")
	signing, ok := key.(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("the signing key is a %T", key)
	}
	f := forger{key: signing}
	var named struct {
		KeyID string `json:"kid"`
	}
	decodePart(t, header, &named)
	decodePart(t, claims, &f.good)
	f.keyID = named.KeyID
	return f
}

func decodePart(t *testing.T, part string, into any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// token returns a token with changes of its header and its claims. A member that is nil in the changes is
// left out of the token. The function `sign` makes the signature.
func (f forger) token(t *testing.T, header, claims map[string]any, sign func(text string) []byte) string {
	t.Helper()
	part := func(good, changes map[string]any) string {
		all := maps.Clone(good)
		maps.Copy(all, changes)
		maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(map[string]any{"alg": "RS256", "kid": f.keyID}, header) + "." + part(f.good, claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// rs256 returns a function that signs with the given key.
func rs256(t *testing.T, key *rsa.PrivateKey) func(text string) []byte {
	t.Helper()
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}

// hs256 returns a function that signs with a secret. A forger can use the server's public
// key as the secret.
func hs256(secret []byte) func(text string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

// TestNoForgedTokenIsAccepted presents wrong tokens to every operation. The same token without its fault must
// be accepted.
func TestNoForgedTokenIsAccepted(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	m := machine.Start(t, t.TempDir(), "--log-level", "error", "--clients", clientsFile(t, "shop", "other"))
	good := tokenOf(t, m, "shop")
	f := newForger(t, m, good)
	own := rs256(t, f.key)
	strange, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	none := func(string) []byte { return nil }
	seconds := func(n int64) int64 { return time.Now().Unix() + n }
	claims := func(changes map[string]any) string { return f.token(t, nil, changes, own) }
	header := func(changes map[string]any, sign func(string) []byte) string { return f.token(t, changes, nil, sign) }
	signed, signature := good[:strings.LastIndexByte(good, '.')], good[strings.LastIndexByte(good, '.'):]
	_, otherClaims, _ := strings.Cut(tokenOf(t, m, "other"), ".")
	otherClaims, _, _ = strings.Cut(otherClaims, ".")
	elsewhere := machine.Start(t, t.TempDir(), "--log-level", "error", "--clients", clientsFile(t, "shop"))

	for name, token := range map[string]string{
		"the server's own":            good,
		"one with the server's key":   claims(nil),
		"one with a claim too many":   claims(map[string]any{"admin": true}),
		"one that ends in 30 seconds": claims(map[string]any{"exp": seconds(30)}),
	} {
		if got := ask(t, m, "GET /v1/sms", "Bearer "+token, ""); got.status != http.StatusOK {
			t.Errorf("a good token, %s, gets the status %d: %s", name, got.status, got.text)
		}
	}
	var group sync.WaitGroup
	for name, authorization := range map[string]string{
		"none at all":                        "",
		"alg none":                           "Bearer " + header(map[string]any{"alg": "none"}, none),
		"alg None":                           "Bearer " + header(map[string]any{"alg": "None"}, none),
		"alg none, with the signature":       "Bearer " + header(map[string]any{"alg": "none"}, own),
		"no alg":                             "Bearer " + header(map[string]any{"alg": nil}, own),
		"no signature":                       "Bearer " + signed + ".",
		"two parts":                          "Bearer " + signed,
		"HS256 with the public key in DER":   "Bearer " + header(map[string]any{"alg": "HS256"}, hs256(public)),
		"HS256 with the public key in PEM":   "Bearer " + header(map[string]any{"alg": "HS256"}, hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))),
		"HS256 with the modulus":             "Bearer " + header(map[string]any{"alg": "HS256"}, hs256(f.key.N.Bytes())),
		"alg PS256":                          "Bearer " + header(map[string]any{"alg": "PS256"}, own),
		"another key under the server's kid": "Bearer " + header(nil, rs256(t, strange)),
		"the server's key under another kid": "Bearer " + header(map[string]any{"kid": "other"}, own),
		"no kid":                             "Bearer " + header(map[string]any{"kid": nil}, own),
		"a kid that is a path":               "Bearer " + header(map[string]any{"kid": "../../dev/null"}, rs256(t, strange)),
		"its own key in the header":          "Bearer " + header(map[string]any{"jwk": map[string]any{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(strange.N.Bytes())}}, rs256(t, strange)),
		"its own key set in the header":      "Bearer " + header(map[string]any{"jku": elsewhere.Base + "/.well-known/jwks.json"}, rs256(t, strange)),
		"a critical extension":               "Bearer " + header(map[string]any{"crit": []string{"b64"}, "b64": false}, own),
		"another issuer":                     "Bearer " + claims(map[string]any{"iss": "https://cognito-idp.eu-central-1.amazonaws.com/x"}),
		"no issuer":                          "Bearer " + claims(map[string]any{"iss": nil}),
		"expired":                            "Bearer " + claims(map[string]any{"exp": seconds(-60)}),
		"no expiry":                          "Bearer " + claims(map[string]any{"exp": nil}),
		"for an audience: an ID token":       "Bearer " + claims(map[string]any{"token_use": "id", "aud": "shop"}),
		"no use":                             "Bearer " + claims(map[string]any{"token_use": nil}),
		"a client that does not exist":       "Bearer " + claims(map[string]any{"client_id": "nobody"}),
		"no client":                          "Bearer " + claims(map[string]any{"client_id": nil}),
		"an empty client":                    "Bearer " + claims(map[string]any{"client_id": ""}),
		"several clients":                    "Bearer " + claims(map[string]any{"client_id": []string{"shop", "other"}}),
		"another client's claims":            "Bearer " + good[:strings.IndexByte(good, '.')+1] + otherClaims + signature,
		"another server":                     "Bearer " + tokenOf(t, elsewhere, "shop"),
		"another scheme":                     "Basic " + good,
		"no scheme":                          good,
		"two tokens":                         "Bearer " + good + ", Bearer " + good,
		"the client's secret":                "Bearer " + secretOf("shop"),
		"the client's secret by Basic":       "Basic " + base64.StdEncoding.EncodeToString([]byte("shop:"+secretOf("shop"))),
		"a good token with another ending":   "Bearer " + good + "=",
		"too long":                           "Bearer " + good + strings.Repeat("A", 20_000),
	} {
		for operation, body := range operations("0196a3c4-5d3e-7c1a-9b7e-2f1d0c9b8a76") {
			group.Go(func() {
				if got := ask(t, m, operation, authorization, body); got.status != http.StatusUnauthorized {
					t.Errorf("%s with a token that is wrong (%s): status %d: %s", operation, name, got.status, got.text)
				}
			})
		}
	}
	for name, target := range map[string]string{
		"in the query": "GET /v1/sms?access_token=" + good, "in the path": "GET /v1/sms/" + good,
	} {
		if got := ask(t, m, target, "", ""); got.status != http.StatusUnauthorized {
			t.Errorf("a token %s: status %d: %s", name, got.status, got.text)
		}
	}
	group.Wait()
	if got := ask(t, m, "GET /v1/sms", "Bearer "+good, ""); got.status != http.StatusOK || !strings.Contains(got.text, `"messages":[]`) {
		t.Errorf("after the attacks, the list is not empty: status %d: %s", got.status, got.text)
	}
}

// TestATokenGivesNoMoreThanItsClientHas changes the configured clients and restarts the server.
func TestATokenGivesNoMoreThanItsClientHas(t *testing.T) {
	t.Parallel()
	enginetest.SQLite(t)
	dir := t.TempDir()
	m := machine.Start(t, dir, "--log-level", "error", "--clients", clientsFile(t, "shop", "gone"))
	shop, gone := tokenOf(t, m, "shop"), tokenOf(t, m, "gone")
	all := newForger(t, m, shop)
	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	m = machine.Start(t, dir, "--log-level", "error", "--clients", fileOf(t, `{"shop": {"secret": "`+secretOf("shop")+`", "scopes": ["read"]}}`))
	more := all.token(t, nil, map[string]any{"scope": "sms/send sms/read aws.cognito.signin.user.admin"}, rs256(t, all.key))
	for _, tc := range []struct {
		name, token, operation string
		want                   int
	}{
		{"a removed client", gone, "GET /v1/sms", http.StatusUnauthorized},
		{"a client that may still read", shop, "GET /v1/sms", http.StatusOK},
		{"a client that may no longer send", shop, "POST /v1/sms", http.StatusForbidden},
		{"a token with more scopes than its client", more, "POST /v1/sms", http.StatusForbidden},
		{"a token with more scopes than its client, in a batch", more, "POST /v1/sms/batch", http.StatusForbidden},
	} {
		if got := ask(t, m, tc.operation, "Bearer "+tc.token, operations("x")[tc.operation]); got.status != tc.want {
			t.Errorf("%s: %s has the status %d, want %d: %s", tc.name, tc.operation, got.status, tc.want, got.text)
		}
	}
}
