package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxForm is the maximum size of the body of a token request, in bytes. The body of a normal request has
// about 100 bytes.
const maxForm = 16 << 10

// refusal is an OAuth error code of RFC 6749, section 5.2. Like Cognito, the endpoint
// sends every code with the status 400, even invalid_client, and without a description.
// The code invalid_grant is for other grants, so it does not occur here.
type refusal string

const (
	invalidRequest       refusal = "invalid_request"
	invalidClient        refusal = "invalid_client"
	unauthorizedClient   refusal = "unauthorized_client"
	unsupportedGrantType refusal = "unsupported_grant_type"
	invalidScope         refusal = "invalid_scope"
	serverError          refusal = "server_error"
)

func (r refusal) Error() string { return string(r) }

// granted is the answer to a token request. ExpiresIn is in seconds.
type granted struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	TokenType   string `json:"token_type"`
}

// ServeToken answers POST /oauth2/token with an access token for the grant
// client_credentials. The client sends its id and its secret by HTTP Basic, or as
// client_id and client_secret in the form. With the parameter scope, the client may ask
// for only some of its scopes.
func (i *Issuer) ServeToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, invalidRequest)
		return
	}
	answer, err := i.grant(w, r)
	if code, refused := errors.AsType[refusal](err); refused {
		if code == invalidClient {
			i.warn(r)
			i.wait(r)
		}
		refuse(w, http.StatusBadRequest, code)
		return
	}
	if err != nil {
		i.logger.ErrorContext(r.Context(), "token request failed", "error", err)
		refuse(w, http.StatusInternalServerError, serverError)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// wait delays an answer.
func (i *Issuer) wait(r *http.Request) {
	select {
	case <-time.After(i.pause):
	case <-r.Context().Done():
	}
}

// warn logs that a client id or a secret was wrong. The log shows neither the id nor the
// secret.
func (i *Issuer) warn(r *http.Request) {
	if count := i.failed.Note(i.now()); count > 0 {
		i.logger.WarnContext(r.Context(), "wrong client id or secret", "remote", r.RemoteAddr, "count", count)
	}
}

// grant returns the answer to a token request. If the request is at fault, the error is a
// refusal. If the server is at fault, it is another error.
func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) (granted, error) {
	form, err := readForm(w, r)
	if err != nil {
		return granted{}, err
	}
	grantType := form.Get("grant_type")
	switch grantType {
	case "":
		return granted{}, invalidRequest
	case "client_credentials", "authorization_code", "refresh_token":
	default:
		return granted{}, unsupportedGrantType
	}
	id, err := i.authenticate(r, form)
	if err != nil {
		return granted{}, err
	}
	if grantType != "client_credentials" {
		return granted{}, unauthorizedClient
	}
	scopes, err := grantedScopes(i.clients[id].scopes, form.Get("scope"))
	if err != nil {
		return granted{}, err
	}
	signed, valid, again, err := i.issue(id, scopes)
	if err != nil {
		return granted{}, err
	}
	if again {
		i.wait(r)
	}
	return granted{AccessToken: signed, ExpiresIn: int(valid / time.Second), TokenType: "Bearer"}, nil
}

// readForm reads the parameters in the body, and returns an error if a parameter is
// repeated. It ignores the query of the URL, because secrets must not be in a URL (RFC
// 6749).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, invalidRequest
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, invalidRequest
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalidRequest
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, invalidRequest
		}
	}
	return form, nil
}

func (i *Issuer) authenticate(r *http.Request, form url.Values) (string, error) {
	id := form.Get("client_id")
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		if !i.isKnown(id, form.Get("client_secret")) {
			return "", invalidClient
		}
		return id, nil
	}
	// RFC 6749, section 2.3, allows only one way of authentication in a request. If a
	// client uses Basic, it may repeat its id in the form, but not its secret.
	if len(headers) > 1 || form.Has("client_secret") {
		return "", invalidRequest
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return "", invalidClient
	}
	if !i.isKnown(name, password) {
		// RFC 6749, section 2.3.1, demands that both parts are form-encoded in Basic.
		// Many clients, such as curl, do not encode them. Accept encoded parts and plain
		// parts.
		if name, password, ok = decodeBasic(name, password); !ok || !i.isKnown(name, password) {
			return "", invalidClient
		}
	}
	if form.Has("client_id") && id != name {
		return "", invalidClient
	}
	return name, nil
}

// decodeBasic decodes the form encoding of the two parts of Basic credentials.
func decodeBasic(name, password string) (string, string, bool) {
	name, err := url.QueryUnescape(name)
	if err != nil {
		return "", "", false
	}
	password, err = url.QueryUnescape(password)
	return name, password, err == nil
}

// isKnown reports whether there is a client with this id and this secret. The time of the
// comparison does not depend on how much of the secret is right.
func (i *Issuer) isKnown(id, secret string) bool {
	client, ok := i.clients[id]
	given := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(client.digest[:], given[:]) == 1 && ok
}

// grantedScopes returns each of the requested scopes once, in the order of allowed. If no
// scope was requested, it returns all allowed scopes. If a requested scope is not
// allowed, it returns an error, as Cognito does.
func grantedScopes(allowed []string, requested string) ([]string, error) {
	wanted := slices.DeleteFunc(strings.Split(requested, " "), func(scope string) bool { return scope == "" })
	if len(wanted) == 0 {
		return allowed, nil
	}
	for _, scope := range wanted {
		if !slices.Contains(allowed, scope) {
			return nil, invalidScope
		}
	}
	return slices.DeleteFunc(slices.Clone(allowed), func(scope string) bool { return !slices.Contains(wanted, scope) }), nil
}

// ServeKeys answers a GET request with the JSON Web Key Set with which the issuer's
// tokens can be verified. On AWS, the path of this key set is /.well-known/jwks.json
// below the issuer's URL.
func (i *Issuer) ServeKeys(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Keys []webKey `json:"keys"`
	}{[]webKey{newWebKey(&i.key.PublicKey, i.keyID)}})
}

func refuse(w http.ResponseWriter, status int, code refusal) {
	writeJSON(w, status, struct {
		Error refusal `json:"error"`
	}{code})
}

// writeJSON answers with a JSON document that must not be cached.
func writeJSON(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(status)
	// An error means that the client has disconnected.
	_ = json.NewEncoder(w).Encode(document)
}
