package token_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/smsqueue/smsqueue/services/server/token"
)

func forge(t testing.TB, method jwt.SigningMethod, key any, keyID string, claims jwt.MapClaims) string {
	t.Helper()
	forged := jwt.NewWithClaims(method, claims)
	forged.Header["kid"] = keyID
	text, err := forged.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// goodClaims returns valid claims with the given changes. A change to nil removes the
// claim.
func goodClaims(changes jwt.MapClaims) jwt.MapClaims {
	claims := jwt.MapClaims{
		"sub": "local", "client_id": "local", "token_use": "access", "scope": "sms/send", "version": 2,
		"iss": issuerName, "iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix(), "jti": "1",
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

func TestVerify(t *testing.T) {
	key := sharedKey()
	issuer := open(t, dataFolder(t, key), atNoon)
	keyID := keySet(t, issuer)[0]["kid"]
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	changed := func(changes jwt.MapClaims) string {
		return forge(t, jwt.SigningMethodRS256, key, keyID, goodClaims(changes))
	}
	good := changed(nil)
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	seconds := func(n int64) int64 { return noon.Unix() + n }
	withCrit := jwt.NewWithClaims(jwt.SigningMethodRS256, goodClaims(nil))
	withCrit.Header["kid"], withCrit.Header["crit"] = keyID, []string{"exp"}
	crit, err := withCrit.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}

	for name, text := range map[string]string{
		"the issuer's own token":                 accessToken(t, issuer),
		"a token with the good claims":           good,
		"a token that expired within the leeway": changed(jwt.MapClaims{"exp": seconds(-4)}),
		"a token that was issued in the future":  changed(jwt.MapClaims{"iat": seconds(7200), "nbf": seconds(7200)}),
		"a token without a time of issue":        changed(jwt.MapClaims{"iat": nil}),
		"a token without scopes":                 changed(jwt.MapClaims{"scope": nil}),
	} {
		t.Run("accepts "+name, func(t *testing.T) {
			claims, err := issuer.Verify(text)
			if err != nil {
				t.Fatal(err)
			}
			if claims.ClientID != "local" {
				t.Errorf("client %q", claims.ClientID)
			}
		})
	}

	for name, text := range map[string]string{
		"no token":                             "",
		"two parts":                            header + "." + payload,
		"four parts":                           good + "." + signature,
		"a text that is not a token":           "a.b.c",
		"a token that is too long":             good + strings.Repeat("A", 1<<20),
		"the none algorithm":                   forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, keyID, goodClaims(nil)),
		"no signature":                         header + "." + payload + ".",
		"HS256 with the public key in PEM":     forge(t, jwt.SigningMethodHS256, publicPEM, keyID, goodClaims(nil)),
		"HS256 with the public key in DER":     forge(t, jwt.SigningMethodHS256, der, keyID, goodClaims(nil)),
		"HS256 with the modulus":               forge(t, jwt.SigningMethodHS256, key.N.Bytes(), keyID, goodClaims(nil)),
		"RS512 with the right key":             forge(t, jwt.SigningMethodRS512, key, keyID, goodClaims(nil)),
		"PS256 with the right key":             forge(t, jwt.SigningMethodPS256, key, keyID, goodClaims(nil)),
		"another key under the same id":        forge(t, jwt.SigningMethodRS256, newKey(), keyID, goodClaims(nil)),
		"the right key under another id":       forge(t, jwt.SigningMethodRS256, key, "other", goodClaims(nil)),
		"a changed signature":                  header + "." + payload + "." + swapFirst(signature),
		"changed claims":                       header + "." + encode(`{"client_id":"other"}`) + "." + signature,
		"a signature in another encoding":      header + "." + payload + "." + signature + "=",
		"a line break in the signature":        good[:len(good)-1] + "\n" + good[len(good)-1:],
		"a critical extension":                 crit,
		"another issuer":                       changed(jwt.MapClaims{"iss": issuerName + "/"}),
		"no issuer":                            changed(jwt.MapClaims{"iss": nil}),
		"an expired token":                     changed(jwt.MapClaims{"exp": seconds(-6)}),
		"no expiry":                            changed(jwt.MapClaims{"exp": nil}),
		"an expiry that is not a number":       changed(jwt.MapClaims{"exp": "tomorrow"}),
		"an ID token":                          changed(jwt.MapClaims{"token_use": "id"}),
		"no token_use":                         changed(jwt.MapClaims{"token_use": nil}),
		"no client_id":                         changed(jwt.MapClaims{"client_id": nil}),
		"an empty client_id":                   changed(jwt.MapClaims{"client_id": ""}),
		"a client_id that is not a string":     changed(jwt.MapClaims{"client_id": 1}),
		"a header that names no algorithm":     encode(`{"kid":"`+keyID+`"}`) + "." + payload + "." + signature,
		"signed claims that are not an object": signRaw(t, key, keyID, `"access"`),
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			claims, err := issuer.Verify(text)
			if !errors.Is(err, token.ErrInvalid) {
				t.Errorf("Verify returned the error %v and the claims %+v", err, claims)
			}
		})
	}
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// The first character encodes the first six bits of the signature.
func swapFirst(signature string) string {
	if signature[0] == 'A' {
		return "B" + signature[1:]
	}
	return "A" + signature[1:]
}

// The claims need not be valid JSON.
func signRaw(t testing.TB, key *rsa.PrivateKey, keyID, claims string) string {
	t.Helper()
	text := encode(`{"alg":"RS256","kid":"`+keyID+`"}`) + "." + encode(claims)
	signature, err := jwt.SigningMethodRS256.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestBearer(t *testing.T) {
	issuer := open(t, dataFolder(t, sharedKey()), atNoon)
	good := accessToken(t, issuer)
	for name, test := range map[string]struct {
		headers []string
		ok      bool
	}{
		"accepts a token":                                  {[]string{"Bearer " + good}, true},
		"accepts the scheme in any case":                   {[]string{"bEARER " + good}, true},
		"accepts several spaces":                           {[]string{"Bearer   " + good}, true},
		"refuses no header":                                {nil, false},
		"refuses an empty header":                          {[]string{""}, false},
		"refuses a scheme without a token":                 {[]string{"Bearer"}, false},
		"refuses a token without a scheme":                 {[]string{good}, false},
		"refuses another scheme":                           {[]string{"Basic " + good}, false},
		"refuses two headers":                              {[]string{"Bearer " + good, "Bearer " + good}, false},
		"refuses two tokens":                               {[]string{"Bearer " + good + " " + good}, false},
		"refuses two credentials in one header":            {[]string{"Bearer " + good + ", Bearer " + good}, false},
		"refuses the scheme and the token without a space": {[]string{"Bearer" + good}, false},
		"refuses a token with a tab before it":             {[]string{"Bearer\t" + good}, false},
		"refuses a token that has been tampered with":      {[]string{"Bearer " + good[:len(good)-2]}, false},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodGet, "/v1/sms", nil)
			request.Header["Authorization"] = test.headers
			claims, err := issuer.Bearer(request)
			if test.ok && (err != nil || claims.ClientID != "local") {
				t.Errorf("Verify returned the error %v and the claims %+v", err, claims)
			}
			if !test.ok && !errors.Is(err, token.ErrInvalid) {
				t.Errorf("Verify returned the error %v and the claims %+v", err, claims)
			}
		})
	}
}

func TestTokenEndsWithTheClock(t *testing.T) {
	now := noon
	issuer := open(t, dataFolder(t, sharedKey()), func() time.Time { return now })
	text := accessToken(t, issuer)
	now = noon.Add(59 * time.Minute)
	if _, err := issuer.Verify(text); err != nil {
		t.Errorf("Verify before the expiry: %v", err)
	}
	now = noon.Add(61 * time.Minute)
	if _, err := issuer.Verify(text); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("Verify after the expiry: %v, want ErrInvalid", err)
	}
}

func FuzzVerify(f *testing.F) {
	issuer := open(f, dataFolder(f, sharedKey()), atNoon)
	good := accessToken(f, issuer)
	_, rest, _ := strings.Cut(good, ".")
	for _, seed := range []string{
		good, "", "..", good + ".", rest, good[:len(good)-1], good + "\n",
		encode(`{"alg":"none"}`) + "." + encode(`{"client_id":"local"}`) + ".",
		encode(`{"alg":"RS256","kid":1}`) + "." + encode(`{"exp":1e308,"iat":-1e308}`) + ".AAAA",
		encode(`{"alg":["RS256"]}`) + "." + encode(`{"exp":{}}`) + ".AAAA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := issuer.Verify(text)
		if err == nil && text != good {
			t.Errorf("Verify accepted a forged token: %+v", claims)
		}
		if err != nil && !errors.Is(err, token.ErrInvalid) {
			t.Errorf("got error %v, want ErrInvalid", err)
		}
	})
}
