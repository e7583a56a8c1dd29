// Package token takes the place of an Amazon Cognito user pool on one machine. Its clients are programs, not
// people. The package has the endpoint that gives access tokens to clients, and the key set with which these
// tokens can be verified. It also verifies tokens itself, as the authorizer of API Gateway does on AWS.
//
// For clients, the endpoint works as Cognito's endpoint does: the form of the request,
// the OAuth error codes with status 400, and the claims of the token are the same. Code
// that works with the local server also works with a deployment.
package token

import (
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Lifetime is the time for which an access token is valid. The same time is Cognito's
// default.
const Lifetime = time.Hour

// Config contains the settings of an Issuer.
type Config struct {
	// Issuer is the iss claim of every token. Tokens with another issuer are refused. So
	// this value must be the same after a restart; do not derive it from a port that may
	// change.
	Issuer string
	// Clients are the clients that may ask for tokens.
	Clients []Client
	// Now returns the current time.
	Now func() time.Time
	// Pause is the delay of an answer if the id or the secret is wrong, or if the client
	// got the same token before. So nobody can try out many secrets, and a client that asks
	// for tokens without end does not slow the others down.
	Pause time.Duration
	// Logger gets the errors whose details clients must not see.
	Logger *slog.Logger
}

// Issuer gives access tokens to clients that know their secret. It also verifies tokens,
// and accepts only its own. An Issuer is safe for concurrent use.
type Issuer struct {
	issuer  string
	clients map[string]registered
	key     *rsa.PrivateKey
	keyID   string
	parser  *jwt.Parser
	pause   time.Duration
	now     func() time.Time
	logger  *slog.Logger
	failed  Failures

	mu     sync.Mutex
	latest map[string]issued // the latest token for each client and its scopes
}

// issued is a token that may be given again.
type issued struct {
	token string
	at    time.Time
}

// reuse is the time for which a client gets the same token again. A signature takes about
// a millisecond of processor time, so a client that got a new token for each request
// could slow down the other clients.
const reuse = 10 * time.Second

// registered is a client, with the digest of its secret in place of the secret. Comparing
// digests takes the same time for secrets of any length.
type registered struct {
	digest [sha256.Size]byte
	scopes []string
}

// Open returns an issuer whose signing key is the file [KeyFile] in the folder dir, which
// must exist. If there is no key, Open makes a key, and returns only after the key is
// durable. No other process may have the folder open.
func Open(dir string, config Config) (*Issuer, error) {
	if config.Issuer == "" {
		return nil, errors.New("opening the token issuer: it has no name")
	}
	clients := make(map[string]registered, len(config.Clients))
	for _, client := range config.Clients {
		if err := client.Check(); err != nil {
			return nil, fmt.Errorf("opening the token issuer: client %q: %w", client.ID, err)
		}
		if _, twice := clients[client.ID]; twice {
			return nil, fmt.Errorf("opening the token issuer: client %q is repeated", client.ID)
		}
		clients[client.ID] = registered{digest: sha256.Sum256([]byte(client.Secret)), scopes: slices.Clone(client.Scopes)}
	}
	key, err := openKey(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the token issuer: %w", err)
	}
	return &Issuer{
		issuer:  config.Issuer,
		clients: clients,
		key:     key,
		keyID:   thumbprint(&key.PublicKey),
		parser:  newParser(config.Issuer, config.Now),
		pause:   config.Pause,
		now:     config.Now,
		logger:  config.Logger,
		latest:  make(map[string]issued),
	}, nil
}

// accessClaims are the claims in Cognito's access tokens for the grant
// client_credentials. The claim client_id contains the id of the client. There is no
// claim aud.
type accessClaims struct {
	jwt.RegisteredClaims
	TokenUse string `json:"token_use"`
	Scope    string `json:"scope"`
	AuthTime int64  `json:"auth_time"`
	Version  int    `json:"version"`
	ClientID string `json:"client_id"`
}

// issue returns an access token for a client that has been authenticated, and the time
// for which the token is still valid. If the result `again` is true, the client got this
// token before.
func (i *Issuer) issue(clientID string, scopes []string) (token string, valid time.Duration, again bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	name := clientID + " " + strings.Join(scopes, " ")
	now := i.now()
	last, ok := i.latest[name]
	if age := now.Sub(last.at); ok && age >= 0 && age < reuse {
		return last.token, Lifetime - age, true, nil
	}
	token, err = i.sign(clientID, scopes, now)
	if err == nil {
		i.latest[name] = issued{token, now}
	}
	return token, Lifetime, false, err
}

// sign returns a new access token.
func (i *Issuer) sign(clientID string, scopes []string, now time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    i.issuer,
			Subject:   clientID,
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(Lifetime)),
			ID:        uuid.NewString(),
		},
		TokenUse: tokenUse,
		Scope:    strings.Join(scopes, " "),
		AuthTime: now.Unix(),
		Version:  2,
		ClientID: clientID,
	})
	// Cognito's header has alg and kid, but no typ.
	delete(token.Header, "typ")
	token.Header["kid"] = i.keyID
	signed, err := token.SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	return signed, nil
}
